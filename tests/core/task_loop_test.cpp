#include "core/task_loop.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <pthread.h>

using namespace bellhop;
using namespace std::chrono_literals;

namespace {

constexpr auto generous = 30s;

/// Notes how it was asked and answers what it was told to.
struct recording_handler : task_loop::turn_handler {
  std::atomic<int> turns{0};
  std::atomic<int> asked_for_more{0};
  /// Waits that are answered, front first; then zero. Only touched by the loop once it runs.
  std::vector<std::chrono::microseconds> waits;
  std::promise<void> all_waits_given;

  std::chrono::microseconds end_of_turn(bool more) override {
    ++turns;
    asked_for_more += more;
    if (waits.empty())
      return 0us;
    const auto next = waits.front();
    waits.erase(waits.begin());
    if (waits.empty())
      all_waits_given.set_value();
    return next;
  }
};

/// Waits until everything posted before has run.
void drain(task_loop& loop) {
  std::promise<void> reached;
  auto done = reached.get_future();
  loop.post([&] { reached.set_value(); });
  REQUIRE(done.wait_for(generous) == std::future_status::ready);
}

} // namespace

TEST_CASE("tasks run in order on the loop's own, named thread", "[task_loop]") {
  task_loop loop{"bellhop-a-name-that-is-too-long", nullptr};
  std::vector<int> order;
  char name[16] = "";
  std::thread::id thread;
  loop.post([&] {
    thread = std::this_thread::get_id();
    pthread_getname_np(pthread_self(), name, sizeof name);
  });
  for (int i = 0; i < 100; ++i)
    loop.post([&, i] { order.push_back(i); });
  drain(loop);
  REQUIRE(order.size() == 100);
  for (int i = 0; i < 100; ++i)
    CHECK(order[static_cast<std::size_t>(i)] == i);
  CHECK(thread != std::this_thread::get_id());
  CHECK(std::string{name} == "bellhop-a-name-");
}

TEST_CASE("what arrives during a batch is one next batch", "[task_loop]") {
  recording_handler handler;
  task_loop loop{"test", &handler};
  std::promise<void> busy, go_on;
  loop.post([&] {
    busy.set_value();
    go_on.get_future().wait();
  });
  busy.get_future().wait();
  for (int i = 0; i < 50; ++i)
    loop.post([] {});
  go_on.set_value();
  loop.stop();
  // One for the first task, which leaves more; one for the fifty; one at the end.
  CHECK(handler.turns == 3);
  CHECK(handler.asked_for_more == 1);
}

TEST_CASE("a handler that waits is asked again without a task", "[task_loop]") {
  recording_handler handler;
  handler.waits = {1ms, 1ms, 1ms, 0us};
  auto given = handler.all_waits_given.get_future();
  task_loop loop{"test", &handler};
  loop.post([] {});
  REQUIRE(given.wait_for(generous) == std::future_status::ready);
  CHECK(handler.turns == 4);
  CHECK(handler.asked_for_more == 0);
}

TEST_CASE("a task wakes a loop that waits long", "[task_loop]") {
  recording_handler handler;
  handler.waits = {std::chrono::hours{1}};
  auto given = handler.all_waits_given.get_future();
  task_loop loop{"test", &handler};
  loop.post([] {});
  REQUIRE(given.wait_for(generous) == std::future_status::ready);
  drain(loop);
}

TEST_CASE("stopping works off what is queued, and what that posts", "[task_loop]") {
  recording_handler handler;
  task_loop loop{"test", &handler};
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i)
    loop.post([&] {
      ++ran;
      loop.post([&] { ++ran; });
    });
  loop.stop();
  CHECK(ran == 200);
  loop.stop();
  CHECK(handler.turns >= 2);
}

TEST_CASE("an idle loop's handler is asked once at the end", "[task_loop]") {
  recording_handler handler;
  { task_loop loop{"test", &handler}; }
  CHECK(handler.turns == 1);
}

TEST_CASE("what the last turn posts is worked off", "[task_loop]") {
  struct answering : task_loop::turn_handler {
    task_loop* loop = nullptr;
    std::atomic<bool> answered{false};
    bool posted = false;
    std::chrono::microseconds end_of_turn(bool) override {
      if (!std::exchange(posted, true))
        loop->post([this] { answered = true; });
      return 0us;
    }
  } handler;
  task_loop loop{"test", &handler};
  handler.loop = &loop;
  loop.stop();
  CHECK(handler.answered);
}

TEST_CASE("a task posted after the end is destroyed unrun", "[task_loop]") {
  task_loop loop{"test", nullptr};
  loop.stop();
  auto owned = std::make_shared<int>(1);
  bool ran = false;
  loop.post([&ran, owned] { ran = true; });
  CHECK(owned.use_count() == 1);
  CHECK_FALSE(ran);
}

TEST_CASE("a task's captures go when it has run", "[task_loop]") {
  task_loop loop{"test", nullptr};
  auto owned = std::make_shared<int>(1);
  std::weak_ptr<int> watch = owned;
  std::atomic<bool> gone{false};
  std::promise<void> busy, go_on;
  loop.post([&] {
    busy.set_value();
    go_on.get_future().wait();
  });
  busy.get_future().wait();
  loop.post([owned = std::move(owned)] {});
  loop.post([&] { gone = watch.expired(); });
  go_on.set_value();
  drain(loop);
  CHECK(gone);
}

TEST_CASE("no task of many threads is lost, nor any wake-up", "[task_loop]") {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran{0};
    task_loop loop{"test", nullptr};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          loop.post([&] { ++ran; });
          // Lets the loop fall asleep in between, so that every post is a chance to miss its wake-up.
          if (i % 10 == 0)
            std::this_thread::yield();
        }
      });
    for (auto& thread : threads)
      thread.join();
    drain(loop);
    REQUIRE(ran == 200);
  }
}
