#include "core/http_client.hpp"

#include "core/curl_handles.hpp"
#include "core/easy_pool.hpp"
#include "core/event_poll.hpp"
#include "core/http_attempt.hpp"
#include "core/mailbox.hpp"
#include "core/url.hpp"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include <pthread.h>

namespace bellhop {

namespace {

constexpr auto progress_interval = std::chrono::milliseconds{100};
constexpr long max_http2_streams = 100;

int curl_events(std::uint32_t events) noexcept {
  int mask = 0;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP)) != 0)
    mask |= CURL_CSELECT_IN;
  if ((events & EPOLLOUT) != 0)
    mask |= CURL_CSELECT_OUT;
  if ((events & EPOLLERR) != 0)
    mask |= CURL_CSELECT_ERR;
  return mask;
}

std::uint32_t poll_events(int what) noexcept {
  return ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
}

} // namespace

class http_client::impl {
public:
  impl(http_client_options options, http_observer& observer);
  ~impl() { stop(); }

  void post(task t) { mailbox_->post(std::move(t)); }
  void stop();

  void start(http_request);
  void accept(attempt_id, std::shared_ptr<body_pipe>);
  void cancel(attempt_id);
  void set_limits(const engine_limits&);

  std::uint64_t turns() const noexcept { return turns_.load(std::memory_order_relaxed); }

private:
  using clock = std::chrono::steady_clock;
  using attempt_ptr = std::unique_ptr<http_attempt>;

  static int socket_callback(CURL*, curl_socket_t, int what, void* self, void* known) noexcept;
  static int timer_callback(CURLM*, long timeout_ms, void* self) noexcept;

  void run();
  void turn();
  void shut_down();
  std::optional<clock::time_point> next_deadline();
  void run_tasks();
  void socket_action(curl_socket_t, int events);
  void run_curl_timer();
  void time_out();
  void look_for_timeout(http_attempt&);
  void tick();
  void settle();
  void end_finished();
  void announce();
  void deliver_accepted();
  void admit();

  const std::string& origin_of_cached(const std::string& url);
  http_attempt* find(attempt_id);
  void begin(http_attempt&);
  template <class Reason>
  void end(http_attempt&, Reason);
  void release(http_attempt&);
  void deliver(attempt_id);
  void resume(attempt_id, http_attempt::pause_reason);
  void feed_starved();
  void keep_connections(std::uint32_t most);

  const http_client_options options_;
  http_observer& observer_;
  std::shared_ptr<mailbox> mailbox_ = std::make_shared<mailbox>();
  std::shared_ptr<byte_budget> budget_ = std::make_shared<byte_budget>(options_.total_capacity);
  event_poll poll_;
  easy_pool pool_;
  curl::multi_handle multi_ = curl::make_multi();

  admission admission_{options_.limits.max_active};
  http_attempt_context context_{options_, *budget_};
  std::unordered_map<attempt_id, attempt_ptr> attempts_;
  /// Cancelled in this turn; the observer may still look at the request that it was called with.
  std::vector<attempt_ptr> cancelled_;
  /// When to look whether an attempt has timed out; a look that is too early is repeated later.
  std::set<std::pair<clock::time_point, attempt_id>> timeouts_;
  /// Ended before they were accepted, and accepted now.
  std::vector<attempt_id> accepted_late_;
  /// Gave an error when they were unpaused.
  std::vector<std::pair<attempt_id, CURLcode>> failed_to_resume_;

  /// Scheme and authority of the last URL as written, and their origin: many in a row are the same, and parsing is a
  /// tenth of what a small transfer costs.
  std::pair<std::string, std::string> last_origin_;
  std::optional<clock::time_point> curl_deadline_;
  std::optional<clock::time_point> tick_at_;
  std::vector<task> tasks_;
  /// Something was asked of the client that `settle` has not seen yet.
  bool unsettled_ = false;
  bool stopping_ = false;
  std::atomic<std::uint64_t> turns_{0};

  std::mutex stop_mutex_;
  std::thread thread_;
};

http_client::impl::impl(http_client_options options, http_observer& observer)
    : options_(std::move(options)), observer_(observer) {
  auto* const multi = multi_.get();
  curl::set(multi, CURLMOPT_SOCKETFUNCTION, &socket_callback);
  curl::set(multi, CURLMOPT_SOCKETDATA, static_cast<void*>(this));
  curl::set(multi, CURLMOPT_TIMERFUNCTION, &timer_callback);
  curl::set(multi, CURLMOPT_TIMERDATA, static_cast<void*>(this));
  keep_connections(options_.limits.max_active);
  curl::set(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, max_http2_streams);
  poll_.watch(mailbox_->event());
  context_.now = clock::now();
  thread_ = std::thread{[this] { run(); }};
}

// ---- The loop ----------------------------------------------------------------------------------------------------

void http_client::impl::run() {
  pthread_setname_np(pthread_self(), "network");
  while (!stopping_)
    turn();
  shut_down();
}

void http_client::impl::turn() {
  const auto deadline = mailbox_->prepare_to_sleep() && !unsettled_ ? next_deadline() : clock::time_point{};
  const auto ready = poll_.wait(deadline);
  turns_.fetch_add(1, std::memory_order_relaxed);
  context_.now = clock::now();
  cancelled_.clear();
  for (const auto& socket : ready)
    socket_action(socket.fd, curl_events(socket.events));
  run_tasks();
  settle();
  run_curl_timer();
  time_out();
  tick();
  settle();
}

std::optional<http_client::impl::clock::time_point> http_client::impl::next_deadline() {
  if (!context_.moving.empty() && !tick_at_)
    tick_at_ = context_.now + progress_interval;
  auto earliest = curl_deadline_;
  const auto consider = [&](clock::time_point at) { earliest = std::min(earliest.value_or(at), at); };
  if (tick_at_)
    consider(*tick_at_);
  if (!timeouts_.empty())
    consider(timeouts_.begin()->first);
  return earliest;
}

void http_client::impl::run_tasks() {
  mailbox_->take(tasks_);
  for (auto& task : tasks_)
    task();
  tasks_.clear();
}

void http_client::impl::socket_action(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), socket, events, &running);
}

void http_client::impl::run_curl_timer() {
  if (!curl_deadline_ || *curl_deadline_ > clock::now())
    return;
  curl_deadline_.reset();
  socket_action(CURL_SOCKET_TIMEOUT, 0);
  // libcurl tells each deadline once; if it found this one a moment too early, it would not do so again.
  long left_ms = -1;
  if (!curl_deadline_ && curl_multi_timeout(multi_.get(), &left_ms) == CURLM_OK && left_ms >= 0)
    curl_deadline_ = clock::now() + std::chrono::milliseconds{left_ms};
}

void http_client::impl::time_out() {
  while (!timeouts_.empty() && timeouts_.begin()->first <= context_.now) {
    const auto id = timeouts_.begin()->second;
    timeouts_.erase(timeouts_.begin());
    auto* const attempt = find(id);
    if (attempt == nullptr || attempt->ended())
      continue;
    if (attempt->paused())
      attempt->touch();
    if (attempt->times_out_at() <= context_.now)
      end(*attempt, attempt->timed_out());
    else
      look_for_timeout(*attempt);
  }
}

void http_client::impl::look_for_timeout(http_attempt& attempt) {
  timeouts_.emplace(attempt.look_at(attempt.times_out_at()), attempt.request().id);
}

void http_client::impl::tick() {
  if (!tick_at_ || *tick_at_ > context_.now)
    return;
  tick_at_.reset();
  std::vector<std::pair<std::string, progress>> news;
  for (auto* attempt : context_.moving)
    if (const auto moved = attempt->take_progress())
      news.emplace_back(attempt->request().session, *moved);
  std::erase_if(context_.moving, [](http_attempt* attempt) { return !attempt->tick(); });
  if (news.empty())
    return;
  observer_.on_progress(news);
}

// What libcurl and the tasks have left to do, once none of them is on the stack.
void http_client::impl::settle() {
  unsettled_ = false;
  end_finished();
  announce();
  deliver_accepted();
  admit();
}

void http_client::impl::end_finished() {
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE)
      continue;
    const auto code = message->data.result;
    void* attempt = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &attempt);
    end(*static_cast<http_attempt*>(attempt), code);
  }
  for (const auto& [id, code] : std::exchange(failed_to_resume_, {}))
    if (auto* const attempt = find(id); attempt != nullptr && !attempt->ended())
      end(*attempt, code);
}

void http_client::impl::announce() {
  for (const auto id : std::exchange(context_.to_announce, {})) {
    auto* const attempt = find(id);
    if (attempt == nullptr)
      continue;
    observer_.on_response(attempt->request(), attempt->head());
  }
}

void http_client::impl::deliver_accepted() {
  for (const auto id : std::exchange(accepted_late_, {}))
    deliver(id);
}

void http_client::impl::admit() {
  while (const auto id = admission_.next())
    begin(*attempts_.at(*id));
  if (options_.metrics) {
    options_.metrics->on_the_wire.set(admission_.active());
    options_.metrics->waiting_for_slot.set(admission_.waiting());
  }
}

void http_client::impl::shut_down() {
  for (auto& task : mailbox_->close())
    task();
  while (!attempts_.empty())
    cancel(attempts_.begin()->first);
}

void http_client::impl::stop() {
  const std::lock_guard guard{stop_mutex_};
  if (!thread_.joinable())
    return;
  post([this] { stopping_ = true; });
  thread_.join();
}

// ---- Attempts ----------------------------------------------------------------------------------------------------

http_attempt* http_client::impl::find(attempt_id id) {
  const auto found = attempts_.find(id);
  return found == attempts_.end() ? nullptr : found->second.get();
}

const std::string& http_client::impl::origin_of_cached(const std::string& url) {
  const auto slashes = url.find("//");
  const auto end = slashes == url.npos ? url.size() : std::min(url.find_first_of("/?#", slashes + 2), url.size());
  if (last_origin_.first.size() != end || !url.starts_with(last_origin_.first))
    last_origin_ = {url.substr(0, end), origin_of(url)};
  return last_origin_.second;
}

void http_client::impl::start(http_request request) {
  admission_candidate candidate{.id = request.id,
                                .session = request.session,
                                .host = origin_of_cached(request.url),
                                .priority = request.priority,
                                .order = request.transfer.value,
                                .max_active = request.max_active,
                                .max_per_host = request.max_per_host};
  const auto id = request.id;
  if (!attempts_.try_emplace(id, std::make_unique<http_attempt>(std::move(request), context_)).second)
    throw failure(errc::internal, "an attempt was started twice");
  admission_.add(std::move(candidate));
  unsettled_ = true;
}

void http_client::impl::begin(http_attempt& attempt) {
  try {
    auto easy = pool_.take();
    easy->set_read_buffer(read_buffer_for(admission_.active()));
    attempt.begin(std::move(easy));
    curl::check(curl_multi_add_handle(multi_.get(), attempt.easy()), "a transfer");
    if (options_.metrics)
      options_.metrics->attempts.add();
    look_for_timeout(attempt);
  } catch (const std::exception& e) {
    end(attempt, error{errc::internal, e.what()});
  }
}

template <class Reason>
void http_client::impl::end(http_attempt& attempt, Reason reason) {
  attempt.end(std::move(reason));
  release(attempt);
  if (!attempt.held())
    deliver(attempt.request().id);
}

/// Off the wire: its slot and its handle are free for others.
void http_client::impl::release(http_attempt& attempt) {
  if (auto easy = attempt.take_easy()) {
    curl_multi_remove_handle(multi_.get(), easy->get());
    pool_.give_back(std::move(easy));
  }
  timeouts_.erase({attempt.looked_at_next(), attempt.request().id});
  admission_.remove(attempt.request().id);
}

void http_client::impl::deliver(attempt_id id) {
  const auto node = attempts_.extract(id);
  if (node.empty())
    return;
  auto& attempt = *node.mapped();
  auto result = attempt.take_result();
  observer_.on_done(attempt.request(), std::move(result));
}

void http_client::impl::cancel(attempt_id id) {
  auto node = attempts_.extract(id);
  if (node.empty())
    return;
  auto& attempt = *node.mapped();
  release(attempt);
  attempt.abandon({errc::shutting_down, "the transfer was cancelled"});
  cancelled_.push_back(std::move(node.mapped()));
  unsettled_ = true;
}

void http_client::impl::set_limits(const engine_limits& limits) {
  admission_.limit(limits.max_active);
  keep_connections(limits.max_active);
  unsettled_ = true;
}

void http_client::impl::keep_connections(std::uint32_t most) {
  curl::set(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(most));
}

void http_client::impl::accept(attempt_id id, std::shared_ptr<body_pipe> pipe) {
  auto* const attempt = find(id);
  if (attempt == nullptr || !attempt->held())
    return;
  // The pipe may outlive this client; its callbacks hold what they need, and a task for a client that has gone is
  // destroyed unrun.
  pipe->on_writable([this, id, box = mailbox_] { box->post([this, id] { resume(id, http_attempt::pipe_full); }); });
  pipe->use_buffers(options_.buffers);
  pipe->on_taken([this, box = mailbox_, budget = budget_](std::size_t bytes) {
    if (budget->give_back(bytes))
      box->post([this] { feed_starved(); });
  });
  attempt->accept(std::move(pipe));
  if (attempt->ended()) {
    accepted_late_.push_back(id);
    unsettled_ = true;
  } else {
    resume(id, http_attempt::not_accepted);
  }
}

void http_client::impl::resume(attempt_id id, http_attempt::pause_reason reason) {
  auto* const attempt = find(id);
  if (attempt == nullptr || attempt->ended() || !attempt->unpause(reason))
    return;
  attempt->touch();
  // Delivers what libcurl has kept, before it returns.
  if (const auto code = curl_easy_pause(attempt->easy(), CURLPAUSE_CONT); code != CURLE_OK) {
    failed_to_resume_.emplace_back(id, code);
    unsettled_ = true;
  }
}

void http_client::impl::feed_starved() {
  for (const auto id : std::exchange(context_.starved, {}))
    resume(id, http_attempt::budget_spent);
}

// ---- libcurl's callbacks -----------------------------------------------------------------------------------------

int http_client::impl::socket_callback(CURL*, curl_socket_t socket, int what, void* self, void* known) noexcept {
  auto& client = *static_cast<impl*>(self);
  try {
    if (what == CURL_POLL_REMOVE) {
      client.poll_.forget(socket);
    } else if (known != nullptr) {
      client.poll_.modify(socket, poll_events(what));
    } else {
      client.poll_.add(socket, poll_events(what));
      curl_multi_assign(client.multi_.get(), socket, self);
    }
  } catch (const std::exception&) {
    // The kernel has no memory for one more socket. To tell libcurl so would end all transfers; left alone, this one
    // times out.
  }
  return 0;
}

int http_client::impl::timer_callback(CURLM*, long timeout_ms, void* self) noexcept {
  auto& client = *static_cast<impl*>(self);
  if (timeout_ms < 0)
    client.curl_deadline_.reset();
  else
    client.curl_deadline_ = clock::now() + std::chrono::milliseconds{timeout_ms};
  return 0;
}

// ---- The client --------------------------------------------------------------------------------------------------

http_client::http_client(http_client_options options, http_observer& observer)
    : impl_(std::make_unique<impl>(std::move(options), observer)) {}

http_client::~http_client() = default;

void http_client::post(task t) {
  impl_->post(std::move(t));
}

void http_client::start(http_request request) {
  impl_->start(std::move(request));
}

void http_client::accept(attempt_id id, std::shared_ptr<body_pipe> pipe) {
  impl_->accept(id, std::move(pipe));
}

void http_client::cancel(attempt_id id) {
  impl_->cancel(id);
}

void http_client::set_limits(const engine_limits& limits) {
  impl_->set_limits(limits);
}

void http_client::stop() {
  impl_->stop();
}

std::uint64_t http_client::turns() const noexcept {
  return impl_->turns();
}

} // namespace bellhop
