#include "core/api_call.hpp"

#include "core/api_problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bellhop {

namespace {

/// Of a problem; the rest says nothing more.
constexpr std::size_t longest_problem_bytes = 64 * 1024;

/// The daemon sends a comment every 15 seconds.
constexpr long longest_silence_s = 60;

constexpr int too_many_requests = 429;
constexpr int service_unavailable = 503;

} // namespace

// -- api_call ---------------------------------------------------------------------------------------------------------

api_call::api_call(const api_client_options& options, const std::string& target)
    : socket_(options.socket.native()), easy_(curl::make_easy()) {
  auto* const easy = easy_.get();
  curl::set(easy, CURLOPT_UNIX_SOCKET_PATH, socket_.c_str());
  // Not from the environment, which may name one.
  curl::set(easy, CURLOPT_PROXY, "");
  curl::set(easy, CURLOPT_URL, ("http://bellhop" + target).c_str());
  // A session may be called "..".
  curl::set(easy, CURLOPT_PATH_AS_IS, 1L);
  curl::set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl::set(easy, CURLOPT_NOSIGNAL, 1L);
  curl::set(easy, CURLOPT_ERRORBUFFER, detail_.data());
  curl::set(easy, CURLOPT_PRIVATE, static_cast<void*>(this));
  curl::set(easy, CURLOPT_HEADERFUNCTION, &header_callback);
  curl::set(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
  curl::set(easy, CURLOPT_WRITEFUNCTION, &body_callback);
  curl::set(easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
}

api_call& api_call::of(CURL* easy) {
  void* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return *static_cast<api_call*>(self);
}

void api_call::add_header(const std::string& line) {
  auto* const grown = curl_slist_append(headers_.get(), line.c_str());
  if (grown == nullptr)
    throw failure(errc::internal, "no memory for a request header");
  static_cast<void>(headers_.release());
  headers_.reset(grown);
  curl::set(easy_.get(), CURLOPT_HTTPHEADER, headers_.get());
}

int api_call::status() const noexcept {
  return static_cast<int>(curl::info_long(easy_.get(), CURLINFO_RESPONSE_CODE));
}

error api_call::unavailable(CURLcode code) const {
  const auto* words = detail_.front() == '\0' ? curl_easy_strerror(code) : detail_.data();
  if (code == CURLE_OK)
    words = "it has ended the connection";
  return {errc::daemon_unavailable, fmt::format("bellhopd does not answer at {}: {}", socket_, words), 0};
}

std::size_t api_call::header_callback(char* bytes, std::size_t, std::size_t count, void* self) noexcept {
  auto& call = *static_cast<api_call*>(self);
  try {
    const bool last = std::string_view{bytes, count}.find_first_not_of("\r\n") == std::string_view::npos;
    if (last && call.status() >= 200)
      call.head_complete();
    return count;
  } catch (...) {
    call.remember_failure();
    return 0;
  }
}

std::size_t api_call::body_callback(char* bytes, std::size_t, std::size_t count, void* self) noexcept {
  auto& call = *static_cast<api_call*>(self);
  try {
    return call.receive({bytes, count}) == reception::paused ? CURL_WRITEFUNC_PAUSE : count;
  } catch (...) {
    call.remember_failure();
    // Anything but `count` and the magic number; an empty piece never comes.
    return 0;
  }
}

void api_call::remember_failure() noexcept {
  try {
    throw;
  } catch (const failure& e) {
    broken_off_ = e.why();
  } catch (const std::exception& e) {
    broken_off_ = {errc::internal, e.what(), 0};
  }
}

// -- request_call -----------------------------------------------------------------------------------------------------

request_call::request_call(const api_client_options& options, const api_request& request)
    : api_call(options, request.target), limit_bytes_(options.longest_answer_bytes) {
  curl::set(easy(), CURLOPT_TIMEOUT_MS, static_cast<long>(options.answer_timeout.count()));
  add_header("Accept: application/json");
  if (request.method != "GET")
    set_method(request);
}

void request_call::set_method(const api_request& request) {
  // On a connection that was used before libcurl sends again by itself what was not answered, unseen by us. On a new
  // one it does not, so "could not connect" means that nothing was sent.
  curl::set(easy(), CURLOPT_FRESH_CONNECT, 1L);
  curl::set(easy(), CURLOPT_FORBID_REUSE, 1L);
  if (request.method != "DELETE") {
    curl::set(easy(), CURLOPT_POST, 1L);
    curl::set(easy(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl::set(easy(), CURLOPT_POSTFIELDS, request.body.c_str());
    add_header(request.body.empty() ? "Content-Type:" : "Content-Type: " + request.content_type);
    // The daemon is not asked beforehand whether it would take a large body.
    add_header("Expect:");
  }
  curl::set(easy(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

api_call::reception request_call::receive(std::string_view piece) {
  if (answer_.body.size() + piece.size() > limit_bytes_)
    throw failure(errc::too_large,
                  fmt::format("the daemon's answer is larger than {} bytes: ask for less at once", limit_bytes_));
  answer_.body.append(piece);
  return reception::taken;
}

request_call::ending request_call::end(CURLcode code) {
  answer_.status = status();
  if (code == CURLE_OK) {
    if (answer_.status >= 400)
      answer_.why = error_from_problem(answer_.status, answer_.body);
    const bool turned_away = answer_.status == too_many_requests ||
                             (answer_.status == service_unavailable && answer_.why.code == errc::shutting_down);
    return turned_away ? ending::not_done : ending::answered;
  }
  if (broken_off()) {
    answer_.why = broken_off();
    return ending::failed;
  }
  answer_.why = unavailable(code);
  if (code == CURLE_COULDNT_CONNECT) {
    unreachable_ = true;
    return ending::not_done;
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    answer_.why.code = errc::timed_out;
    return ending::failed;
  }
  answer_.why.code = errc::connection_lost;
  return ending::lost;
}

// -- stream_call ------------------------------------------------------------------------------------------------------

stream_call::stream_call(const api_client_options& options, const api_stream& stream,
                         std::shared_ptr<api_stream_observer> observer)
    : api_call(options, stream.target), id_(stream.id), observer_(std::move(observer)), window_(options.stream_window) {
  add_header("Accept: text/event-stream");
  if (stream.last_event)
    add_header(fmt::format("Last-Event-ID: {}", stream.last_event.value));
  curl::set(easy(), CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl::set(easy(), CURLOPT_LOW_SPEED_TIME, longest_silence_s);
}

void stream_call::head_complete() {
  open_ = status() == 200 && curl::info_string(easy(), CURLINFO_CONTENT_TYPE).starts_with("text/event-stream");
  if (open_)
    observer_->on_open(id_);
}

api_call::reception stream_call::receive(std::string_view piece) {
  if (!open_) {
    problem_.append(piece.substr(0, longest_problem_bytes - problem_.size()));
    return reception::taken;
  }
  if (untaken_ >= window_) {
    paused_ = true;
    return reception::paused;
  }
  auto events = parser_.feed(piece);
  untaken_ += events.size();
  if (!events.empty())
    observer_->on_events(id_, std::move(events));
  return reception::taken;
}

void stream_call::taken(std::size_t events) {
  untaken_ -= std::min(events, untaken_);
  // What fails here, fails in the loop again. Delivers what libcurl has kept, before it returns.
  if (untaken_ < window_ && std::exchange(paused_, false))
    curl_easy_pause(easy(), CURLPAUSE_CONT);
}

error stream_call::why(CURLcode code) const {
  if (broken_off())
    return broken_off();
  if (open_ || code != CURLE_OK)
    return unavailable(code);
  auto said = status() < 400 ? error{errc::bad_response, "the daemon's answer is no stream of events", 0}
                             : error_from_problem(status(), problem_);
  if (status() == too_many_requests || status() == service_unavailable)
    said.code = errc::daemon_unavailable;
  return said;
}

void stream_call::end(CURLcode code) {
  end(why(code));
}

void stream_call::end(const error& why) {
  observer_->on_end(id_, why);
}

} // namespace bellhop
