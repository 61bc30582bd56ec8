#pragma once

#include "facade/bellhop.hpp"
#include "tests/support/desk.hpp"
#include "tests/support/origin.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

/// The two homes of a session, for suites that run over both: whoever holds a session cannot tell where it lives.
namespace bellhop::test {

/// Polls; false after `program_patience`.
inline bool comes_true(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + program_patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return true;
}

/// The engine is in the program: its transfers rest while no program runs.
class embedded_home {
public:
  explicit embedded_home(const desk& here) { options_.state = here.state(); }

  /// The engine of a program that has just been started. One at a time.
  std::unique_ptr<engine> start_program() const { return std::make_unique<engine>(options_); }

private:
  engine_options options_;
};

/// The engine is in a daemon of its own, which is there from the beginning to the end.
class attached_home {
public:
  explicit attached_home(const desk& here) : here_(here) { start_daemon(); }
  ~attached_home() {
    if (daemon_)
      stop_daemon();
  }

  /// Any number may run at once.
  std::unique_ptr<engine> start_program() const {
    return std::make_unique<engine>(daemon_options{.socket = socket(), .start = false});
  }

  void start_daemon() {
    auto with = here_.options();
    with.environment["BELLHOP_SOCKET"] = socket().string();
    daemon_ = std::make_unique<program>(desk::command("bellhopd", {"--log-level", "debug"}), with);
    const bool answers = comes_true([this] {
      try {
        start_program();
        return true;
      } catch (const failure&) {
        return !daemon_->running();
      }
    });
    INFO(daemon_->err());
    REQUIRE(answers);
    REQUIRE(daemon_->running());
  }
  /// Without any order.
  void kill_daemon() { std::exchange(daemon_, nullptr)->kill(); }
  void stop_daemon() {
    const auto daemon = std::exchange(daemon_, nullptr);
    daemon->signal(SIGTERM);
    const auto left = daemon->wait();
    INFO(left.err);
    CHECK(left.status == 0);
  }

  boost::filesystem::path socket() const { return here_ / "socket"; }

private:
  const desk& here_;
  std::unique_ptr<program> daemon_;
};

/// Keeps what it was told, and who told it.
class recorder : public session_delegate {
public:
  explicit recorder(bool acknowledges = false) : acknowledges_(acknowledges) {}

  void did_receive(const std::vector<event>& received) override {
    const call here{*this};
    if (on_events)
      on_events(received);
    keep([&] { events_.insert(events_.end(), received.begin(), received.end()); });
  }
  void did_progress(const std::vector<progress>& moved) override {
    const call here{*this};
    keep([&] { moved_.insert(moved_.end(), moved.begin(), moved.end()); });
  }
  void did_notice(const notice& news) override {
    const call here{*this};
    keep([&] { notices_.push_back(news); });
  }
  void did_finish_events() override {
    const call here{*this};
    keep([&] { ++finishes_; });
  }
  void did_stall(const error& why) override {
    const call here{*this};
    keep([&] { stalls_.push_back(why); });
  }
  void did_detach(const error& why) override {
    const call here{*this};
    keep([&] { detached_.push_back(why); });
  }
  void did_become_invalid(const error& why) override {
    const call here{*this};
    keep([&] {
      invalid_.push_back(why);
      calls_when_invalid_ = calls_;
    });
  }
  bool acknowledges_itself() const override { return acknowledges_; }

  bool wait_for(const std::function<bool(const recorder&)>& condition) const {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, program_patience, [&] { return condition(*this); });
  }
  bool wait_for_events(std::size_t count) const {
    return wait_for([&](const auto& r) { return r.events_.size() >= count; });
  }
  bool wait_for_finish(int count = 1) const {
    return wait_for([&](const auto& r) { return r.finishes_ >= count; });
  }
  bool wait_until_invalid() const {
    return wait_for([](const auto& r) { return !r.invalid_.empty(); });
  }

  std::vector<event> events() const { return copy(events_); }
  std::vector<progress> moved() const { return copy(moved_); }
  std::vector<notice> notices() const { return copy(notices_); }
  std::vector<error> stalls() const { return copy(stalls_); }
  std::vector<error> detached() const { return copy(detached_); }
  std::vector<error> invalid() const { return copy(invalid_); }
  std::set<std::thread::id> threads() const { return copy(threads_); }
  int finishes() const { return copy(finishes_); }
  int calls() const { return calls_; }
  int calls_when_invalid() const { return copy(calls_when_invalid_); }
  int most_at_once() const { return most_at_once_; }

  /// Whether the events are 1, 2, 3 ... to this one, each once.
  bool has_all_to(std::uint64_t last) const {
    const auto all = events();
    bool right = all.size() == last;
    for (std::size_t i = 0; right && i < all.size(); ++i)
      right = all[i].seq.value == i + 1;
    return right;
  }

  /// Set it before the delegate is attached.
  std::function<void(const std::vector<event>&)> on_events;

private:
  struct call {
    explicit call(recorder& r) : to(r) {
      ++to.calls_;
      to.most_at_once_ = std::max<int>(to.most_at_once_, ++to.now_);
      const std::lock_guard lock{to.mutex_};
      to.threads_.insert(std::this_thread::get_id());
    }
    ~call() { --to.now_; }
    recorder& to;
  };

  template <class Change>
  void keep(Change change) {
    const std::lock_guard lock{mutex_};
    change();
    changed_.notify_all();
  }
  template <class T>
  T copy(const T& value) const {
    const std::lock_guard lock{mutex_};
    return value;
  }

  const bool acknowledges_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<event> events_;
  std::vector<progress> moved_;
  std::vector<notice> notices_;
  std::vector<error> stalls_;
  std::vector<error> detached_;
  std::vector<error> invalid_;
  std::set<std::thread::id> threads_;
  int finishes_ = 0;
  int calls_when_invalid_ = 0;
  std::atomic<int> calls_{0};
  std::atomic<int> now_{0};
  std::atomic<int> most_at_once_{0};
};

inline transfer_request request_for(const std::string& url, const path& destination) {
  transfer_request request;
  request.url = url;
  request.destination = destination;
  return request;
}

/// Submits one that must be accepted.
inline transfer_id submit_one(session& to, transfer_request request) {
  const auto results = to.submit({std::move(request)}).get();
  REQUIRE(results.size() == 1);
  INFO(results[0].why.message);
  REQUIRE_FALSE(results[0].why);
  return results[0].id;
}

inline errc code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const failure& e) {
    CHECK(std::string{e.what()} != "");
    return e.why().code;
  }
  return errc::none;
}

/// A server whose answers are all held back until `go`.
struct held_server {
  explicit held_server(std::string body) : content(std::move(body)) {
    server.on("/file", [this](const origin::request& r, origin::connection& c) {
      c.wait_until([this] { return go.load(); });
      serve::response("200 OK", content)(r, c);
    });
  }
  std::string url() const { return server.url("/file"); }

  const std::string content;
  std::atomic<bool> go{false};
  origin server;
};

} // namespace bellhop::test
