#pragma once

#include "core/http_client.hpp"
#include "tests/support/origin.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace bellhop::test {

/// Long enough that only what hangs is cut off.
inline constexpr auto patience = std::chrono::seconds{30};

/// Collects what comes through a pipe, on the client's thread.
class sink : public std::enable_shared_from_this<sink> {
public:
  explicit sink(std::size_t capacity) : pipe(std::make_shared<body_pipe>(capacity)) {}

  void drain() {
    auto batch = pipe->take();
    for (const auto& buffer : batch.buffers) {
      bytes.append(buffer.data(), buffer.size());
      largest = std::max(largest, buffer.size());
    }
    if (batch.closed)
      end = batch.why;
  }

  std::shared_ptr<body_pipe> pipe;
  std::string bytes;
  std::size_t largest = 0;
  std::optional<error> end;
};

/// What became of one attempt.
struct outcome_of_attempt {
  attempt_result result;
  /// Set when the response was announced.
  std::optional<response_head> announced;
  /// Of the pipe or the result, whichever had one.
  std::string body;
  /// How the pipe was closed.
  std::optional<error> pipe_end;
};

/// A client whose attempts can be waited for. Announced responses are accepted and drained at once, unless the test
/// says otherwise with `on_announced`.
class client_fixture : public http_observer {
public:
  explicit client_fixture(http_client_options options = {}) : client(options, *this) {}
  ~client_fixture() { client.stop(); }

  http_request request(const std::string& url) {
    http_request r;
    r.id = attempt_id{++last_id_};
    r.transfer = transfer_id{r.id.value};
    r.session = "test";
    r.url = url;
    return r;
  }

  attempt_id start(http_request r) {
    const auto id = r.id;
    client.post([this, r = std::move(r)]() mutable { client.start(std::move(r)); });
    return id;
  }

  outcome_of_attempt wait(attempt_id id) {
    std::unique_lock lock{mutex_};
    const bool done = changed_.wait_for(lock, patience, [&] { return finished_.contains(id); });
    REQUIRE(done);
    return finished_.at(id);
  }

  outcome_of_attempt fetch(http_request r) { return wait(start(std::move(r))); }
  outcome_of_attempt fetch(const std::string& url) { return fetch(request(url)); }

  /// Until a condition over what the observer saw is true.
  void wait_until(const std::function<bool()>& condition) {
    std::unique_lock lock{mutex_};
    const bool happened = changed_.wait_for(lock, patience, condition);
    REQUIRE(happened);
  }

  /// Runs on the client's thread and waits for it.
  void on_client(std::function<void()> f) {
    bool ran = false;
    client.post([&] {
      f();
      const std::lock_guard guard{mutex_};
      ran = true;
      changed_.notify_all();
    });
    wait_until([&] { return ran; });
  }

  std::size_t finished_count() const {
    const std::lock_guard guard{mutex_};
    return finished_.size();
  }

  void accept(attempt_id id, std::size_t capacity) {
    auto to = std::make_shared<sink>(capacity);
    to->pipe->on_readable([this, id] {
      client.post([this, id] {
        if (const auto found = sinks_.find(id); found != sinks_.end())
          found->second->drain();
      });
    });
    sinks_[id] = to;
    client.accept(id, to->pipe);
  }

  void on_response(const http_request& r, const response_head& head) override {
    {
      const std::lock_guard guard{mutex_};
      announced_[r.id] = head;
      changed_.notify_all();
    }
    if (on_announced)
      on_announced(r);
    else
      accept(r.id, 1024 * 1024);
  }

  void on_done(const http_request& r, attempt_result result) override {
    outcome_of_attempt o;
    if (result.body)
      o.body.assign(result.body->begin(), result.body->end());
    if (const auto found = sinks_.find(r.id); found != sinks_.end()) {
      found->second->drain();
      o.body = std::move(found->second->bytes);
      o.pipe_end = found->second->end;
      sinks_.erase(found);
    }
    o.result = std::move(result);
    const std::lock_guard guard{mutex_};
    if (const auto found = announced_.find(r.id); found != announced_.end())
      o.announced = found->second;
    finished_[r.id] = std::move(o);
    changed_.notify_all();
  }

  void on_progress(const std::vector<std::pair<std::string, progress>>& news) override {
    const std::lock_guard guard{mutex_};
    for (const auto& [session, p] : news)
      progresses.push_back(p);
    changed_.notify_all();
  }

  /// Called on the client's thread in place of accepting.
  std::function<void(const http_request&)> on_announced;
  /// Seen under `wait_until`.
  std::vector<progress> progresses;
  std::map<attempt_id, response_head> announced_;

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<attempt_id, outcome_of_attempt> finished_;
  std::map<attempt_id, std::shared_ptr<sink>> sinks_;
  std::uint64_t last_id_ = 0;

public:
  // Last, so that its thread ends before what it uses goes.
  http_client client;
};

/// Bytes without a period that a buffer's size could hide.
inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (auto& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

} // namespace bellhop::test
