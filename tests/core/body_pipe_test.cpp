#include "core/body_pipe.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

using namespace bellhop;

namespace {

body_buffer bytes(std::size_t n) {
  return body_buffer(n, 'x');
}

} // namespace

TEST_CASE("a pipe hands over what was pushed, in order, with its end", "[pipe]") {
  body_pipe pipe{100};
  CHECK(pipe.push({'a', 'b'}));
  CHECK(pipe.push({}));
  CHECK(pipe.push({'c'}));
  auto first = pipe.take();
  REQUIRE(first.buffers.size() == 2);
  CHECK(first.buffers[0] == body_buffer{'a', 'b'});
  CHECK(first.buffers[1] == body_buffer{'c'});
  CHECK_FALSE(first.closed);

  pipe.close({errc::connection_lost, "reset", 0});
  pipe.close({});
  CHECK(pipe.push({'d'}));
  const auto last = pipe.take();
  CHECK(last.buffers.empty());
  CHECK(last.closed);
  CHECK(last.why.code == errc::connection_lost);
}

TEST_CASE("a full pipe says so and is writable again once it was emptied", "[pipe]") {
  body_pipe pipe{10};
  int writable = 0;
  pipe.on_writable([&] { ++writable; });
  CHECK(pipe.push(bytes(9)));
  CHECK_FALSE(pipe.push(bytes(1)));
  CHECK_FALSE(pipe.push(bytes(1)));
  CHECK(writable == 0);
  CHECK(pipe.take().buffers.size() == 3);
  CHECK(writable == 1);
  CHECK(pipe.push(bytes(1)));
  pipe.take();
  CHECK(writable == 1);
}

TEST_CASE("a pipe announces bytes once until they are taken", "[pipe]") {
  body_pipe pipe{100};
  int readable = 0;
  SECTION("set before the producer begins") {
    pipe.on_readable([&] { ++readable; });
    pipe.push(bytes(1));
  }
  SECTION("set after the first bytes") {
    pipe.push(bytes(1));
    pipe.on_readable([&] { ++readable; });
  }
  CHECK(readable == 1);
  pipe.push(bytes(1));
  CHECK(readable == 1);
  pipe.take();
  pipe.close({});
  CHECK(readable == 2);
}

TEST_CASE("an abandoned pipe drops everything and lets its producer go", "[pipe]") {
  body_pipe pipe{4};
  int readable = 0;
  int writable = 0;
  pipe.on_readable([&] { ++readable; });
  pipe.on_writable([&] { ++writable; });
  CHECK_FALSE(pipe.push(bytes(4)));
  CHECK(readable == 1);
  pipe.abandon();
  CHECK(pipe.abandoned());
  CHECK(writable == 1);
  CHECK(pipe.push(bytes(100)));
  pipe.close({});
  CHECK(readable == 1);
  CHECK(pipe.take().buffers.empty());
}

TEST_CASE("a pipe between two threads loses nothing and never holds much more than its capacity", "[pipe]") {
  constexpr std::size_t capacity = 1000;
  constexpr std::size_t chunk = 97;
  constexpr int chunks = 20000;
  body_pipe pipe{capacity};

  std::mutex mutex;
  std::condition_variable changed;
  bool readable = false;
  bool writable = false;
  const auto raise = [&](bool& flag) {
    const std::lock_guard guard{mutex};
    flag = true;
    changed.notify_all();
  };
  const auto await = [&](bool& flag) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return flag; });
    flag = false;
  };
  pipe.on_readable([&] { raise(readable); });
  pipe.on_writable([&] { raise(writable); });

  std::thread producer{[&] {
    for (int i = 0; i < chunks; ++i)
      if (!pipe.push(body_buffer(chunk, static_cast<char>(i))))
        await(writable);
    pipe.close({});
  }};
  int taken = 0;
  bool in_order = true;
  std::size_t most = 0;
  for (bool closed = false; !closed;) {
    await(readable);
    const auto batch = pipe.take();
    closed = batch.closed;
    most = std::max(most, batch.buffers.size() * chunk);
    for (const auto& buffer : batch.buffers)
      in_order = in_order && buffer == body_buffer(chunk, static_cast<char>(taken++));
  }
  producer.join();
  CHECK(taken == chunks);
  CHECK(in_order);
  CHECK(most < capacity + chunk);
}
