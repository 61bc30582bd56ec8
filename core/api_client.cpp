#include "core/api_client.hpp"

#include "core/api_call.hpp"
#include "core/curl_handles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include <pthread.h>
#include <sys/un.h>

namespace bellhop {

namespace {

constexpr std::chrono::milliseconds shortest_pause{50};
constexpr std::chrono::milliseconds longest_pause{2000};

/// Requests on the wire; more wait. The daemon serves many programs.
constexpr std::size_t most_at_once = 32;

error shutting_down() {
  return {errc::shutting_down, "the engine is shutting down", 0};
}

} // namespace

class api_client::impl {
public:
  explicit impl(api_client_options);

  void request(api_request, on_done);
  void open(api_stream, std::shared_ptr<api_stream_observer>);
  void taken(stream_id, std::size_t);
  void close(stream_id);
  void stop();

private:
  using clock = std::chrono::steady_clock;
  using task = unique_function<void()>;

  struct job {
    api_request request;
    on_done done;
    clock::time_point give_up;
    std::chrono::milliseconds pause = shortest_pause;
    bool repeated = false;
    std::unique_ptr<request_call> call{};
  };
  /// The first of a lane is on the wire, ready for it, or waits to be tried again.
  using lane = std::deque<job>;

  bool post(task);
  void run();
  void turn();
  void run_tasks();
  int sleep_ms() const;
  void add(job);
  void wake_due();
  void begin_ready();
  void begin(const std::string& name, job&);
  void end_finished();
  void ended(const std::string& name, CURLcode);
  void try_later(const std::string& name, job&, const error&);
  void finish(const std::string& name, api_answer);
  void end_stream(stream_id, CURLcode);
  void start_daemon();
  void daemon_started(const error&);
  void shut_down();

  const api_client_options options_;
  curl::multi_handle multi_ = curl::make_multi();

  std::unordered_map<std::string, lane> lanes_;
  std::uint64_t lanes_of_their_own_ = 0;
  /// Lanes whose first may begin, and those that wait until then.
  std::deque<std::string> ready_;
  std::multimap<clock::time_point, std::string> waiting_;
  std::unordered_map<api_call*, std::string> on_wire_;
  std::unordered_map<stream_id, std::unique_ptr<stream_call>> streams_;

  std::thread starter_;
  bool starting_ = false;
  clock::time_point start_again_at_{};
  /// How the last start failed.
  error start_failed_;

  std::mutex mutex_;
  std::vector<task> tasks_;
  bool closed_ = false;
  bool stopping_ = false;
  std::mutex stop_mutex_;
  std::thread thread_;
};

api_client::impl::impl(api_client_options options) : options_(std::move(options)) {
  if (options_.socket.size() >= sizeof(sockaddr_un::sun_path))
    throw failure(errc::invalid_argument,
                  fmt::format("the socket's path {} is longer than {} bytes, which is the most that a socket can have",
                              options_.socket.native(), sizeof(sockaddr_un::sun_path) - 1));
  thread_ = std::thread{[this] { run(); }};
}

// ---- From any thread ------------------------------------------------------------------------------------------------

/// False when the client has stopped.
bool api_client::impl::post(task t) {
  {
    const std::lock_guard lock{mutex_};
    if (closed_)
      return false;
    tasks_.push_back(std::move(t));
    if (tasks_.size() > 1)
      return true;
  }
  curl_multi_wakeup(multi_.get());
  return true;
}

void api_client::impl::request(api_request request, on_done done) {
  // Shared, since what could not be posted is answered here.
  auto fresh = std::make_shared<job>(job{std::move(request), std::move(done), clock::now() + options_.patience});
  if (!post([this, fresh] { add(std::move(*fresh)); }))
    fresh->done({.why = shutting_down(), .body = {}});
}

void api_client::impl::open(api_stream stream, std::shared_ptr<api_stream_observer> observer) {
  const auto id = stream.id;
  const bool posted = post([this, stream = std::move(stream), observer] {
    try {
      auto call = std::make_unique<stream_call>(options_, stream, observer);
      curl::check(curl_multi_add_handle(multi_.get(), call->easy()), "a stream");
      streams_.insert_or_assign(stream.id, std::move(call));
    } catch (const failure& e) {
      observer->on_end(stream.id, e.why());
    }
  });
  if (!posted)
    observer->on_end(id, shutting_down());
}

void api_client::impl::taken(stream_id id, std::size_t events) {
  post([this, id, events] {
    if (const auto found = streams_.find(id); found != streams_.end())
      found->second->taken(events);
  });
}

void api_client::impl::close(stream_id id) {
  post([this, id] {
    if (const auto node = streams_.extract(id))
      curl_multi_remove_handle(multi_.get(), node.mapped()->easy());
  });
}

void api_client::impl::stop() {
  const std::lock_guard guard{stop_mutex_};
  if (!thread_.joinable())
    return;
  post([this] { stopping_ = true; });
  thread_.join();
}

// ---- The loop -------------------------------------------------------------------------------------------------------

void api_client::impl::run() {
  pthread_setname_np(pthread_self(), "daemon-api");
  while (!stopping_)
    turn();
  shut_down();
}

void api_client::impl::turn() {
  run_tasks();
  wake_due();
  begin_ready();
  int running = 0;
  curl_multi_perform(multi_.get(), &running);
  end_finished();
  const bool may_begin = !ready_.empty() && on_wire_.size() < most_at_once;
  if (!may_begin && !stopping_)
    curl_multi_poll(multi_.get(), nullptr, 0, sleep_ms(), nullptr);
}

void api_client::impl::run_tasks() {
  std::vector<task> tasks;
  {
    const std::lock_guard lock{mutex_};
    tasks.swap(tasks_);
  }
  for (auto& each : tasks)
    each();
}

int api_client::impl::sleep_ms() const {
  constexpr int longest = std::numeric_limits<int>::max();
  if (waiting_.empty())
    return longest;
  // Rounded up: waking a little before would mean to spin until then.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(waiting_.begin()->first - clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, longest));
}

void api_client::impl::shut_down() {
  std::vector<task> late;
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    late.swap(tasks_);
  }
  for (auto& each : late)
    each();
  if (starter_.joinable())
    starter_.join();
  for (auto& [id, stream] : std::exchange(streams_, {})) {
    curl_multi_remove_handle(multi_.get(), stream->easy());
    stream->end(shutting_down());
  }
  for (auto& [name, lane] : std::exchange(lanes_, {}))
    for (auto& each : lane) {
      if (each.call)
        curl_multi_remove_handle(multi_.get(), each.call->easy());
      each.done({.why = shutting_down(), .body = {}});
    }
}

// ---- Requests -------------------------------------------------------------------------------------------------------

void api_client::impl::add(job fresh) {
  auto name = fresh.request.lane;
  // No session is called so.
  if (name.empty())
    name = fmt::format("#{}", ++lanes_of_their_own_);
  auto& lane = lanes_[name];
  lane.push_back(std::move(fresh));
  if (lane.size() == 1)
    ready_.push_back(std::move(name));
}

void api_client::impl::wake_due() {
  const auto now = clock::now();
  while (!waiting_.empty() && waiting_.begin()->first <= now)
    ready_.push_back(std::move(waiting_.extract(waiting_.begin()).mapped()));
}

void api_client::impl::begin_ready() {
  while (!ready_.empty() && on_wire_.size() < most_at_once) {
    const auto name = std::move(ready_.front());
    ready_.pop_front();
    begin(name, lanes_.at(name).front());
  }
}

void api_client::impl::begin(const std::string& name, job& next) {
  try {
    next.call = std::make_unique<request_call>(options_, next.request);
    curl::check(curl_multi_add_handle(multi_.get(), next.call->easy()), "a request");
    on_wire_.emplace(next.call.get(), name);
  } catch (const failure& e) {
    finish(name, {.why = e.why(), .body = {}});
  }
}

void api_client::impl::end_finished() {
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE)
      continue;
    const auto code = message->data.result;
    auto& call = api_call::of(message->easy_handle);
    curl_multi_remove_handle(multi_.get(), message->easy_handle);
    if (auto node = on_wire_.extract(&call))
      ended(node.mapped(), code);
    else
      end_stream(static_cast<stream_call&>(call).id(), code);
  }
}

void api_client::impl::ended(const std::string& name, CURLcode code) {
  auto& job = lanes_.at(name).front();
  const auto call = std::move(job.call);
  const auto how = call->end(code);
  auto answer = call->take_answer();
  if (call->unreachable())
    start_daemon();
  if (how == request_call::ending::lost) {
    if (job.request.repeatable) {
      job.repeated = true;
      return try_later(name, job, answer.why);
    }
    answer.why.message += "; what was asked may or may not have been recorded: look before you ask again";
  }
  if (how == request_call::ending::not_done)
    return try_later(name, job, answer.why);
  finish(name, std::move(answer));
}

void api_client::impl::try_later(const std::string& name, job& job, const error& why) {
  const auto now = clock::now();
  if (now + job.pause > job.give_up) {
    auto message = why.message;
    if (start_failed_)
      message += "; it could not be started: " + start_failed_.message;
    return finish(name, {.why = {errc::daemon_unavailable, std::move(message), 0}, .body = {}});
  }
  waiting_.emplace(now + job.pause, name);
  job.pause = std::min(job.pause * 2, longest_pause);
}

void api_client::impl::finish(const std::string& name, api_answer answer) {
  const auto found = lanes_.find(name);
  auto done = std::move(found->second.front());
  found->second.pop_front();
  if (found->second.empty())
    lanes_.erase(found);
  else
    ready_.push_back(name);
  answer.repeated = done.repeated;
  done.done(std::move(answer));
}

void api_client::impl::end_stream(stream_id id, CURLcode code) {
  const auto node = streams_.extract(id);
  if (code == CURLE_COULDNT_CONNECT)
    start_daemon();
  if (node)
    node.mapped()->end(code);
}

// ---- Starting the daemon --------------------------------------------------------------------------------------------

void api_client::impl::start_daemon() {
  if (!options_.start || starting_ || clock::now() < start_again_at_)
    return;
  if (starter_.joinable())
    starter_.join();
  starting_ = true;
  starter_ = std::thread{[this] {
    error why;
    try {
      options_.start();
    } catch (const failure& e) {
      why = e.why();
    } catch (const std::exception& e) {
      why = {errc::daemon_unavailable, e.what(), 0};
    }
    post([this, why] { daemon_started(why); });
  }};
}

void api_client::impl::daemon_started(const error& why) {
  starting_ = false;
  start_failed_ = why;
  start_again_at_ = clock::now() + longest_pause;
  if (why)
    return;
  for (auto& [at, name] : std::exchange(waiting_, {}))
    ready_.push_back(std::move(name));
}

// ---- The client -----------------------------------------------------------------------------------------------------

api_client::api_client(api_client_options options) : impl_(std::make_unique<impl>(std::move(options))) {}

api_client::~api_client() {
  stop();
}

void api_client::request(api_request request, on_done done) {
  impl_->request(std::move(request), std::move(done));
}

void api_client::open(api_stream stream, std::shared_ptr<api_stream_observer> observer) {
  impl_->open(std::move(stream), std::move(observer));
}

void api_client::taken(stream_id id, std::size_t events) {
  impl_->taken(id, events);
}

void api_client::close(stream_id id) {
  impl_->close(id);
}

void api_client::stop() {
  impl_->stop();
}

} // namespace bellhop
