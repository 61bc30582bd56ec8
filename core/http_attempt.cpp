#include "core/http_attempt.hpp"

#include "core/http_failure.hpp"
#include "core/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace bellhop {

namespace {

constexpr std::size_t held_bytes = 256 * 1024;
constexpr std::size_t kept_error_bytes = 4 * 1024;
constexpr std::int64_t dropped_error_bytes = 1024 * 1024;
/// A hand-over costs a wake-up at worst; smaller ones are felt, larger ones only take memory.
constexpr std::size_t largest_chunk = 512 * 1024;
constexpr std::size_t smallest_chunk = 32 * 1024;
/// A body that drips in is announced after this long, so that what is here survives a crash.
constexpr auto longest_gathering = std::chrono::seconds{1};

/// What makes libcurl end the transfer with CURLE_WRITE_ERROR.
constexpr std::size_t abort_transfer = 0;

std::string_view what_happened() noexcept {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown exception";
  }
}

} // namespace

http_attempt::http_attempt(http_request request, http_attempt_context& context)
    : request_(std::move(request)), context_(context), queued_at_(context.now) {}

http_attempt::~http_attempt() {
  if (mode_ == mode::stream)
    --context_.streams;
  stop_moving();
}

void http_attempt::begin(std::unique_ptr<pooled_easy> easy) {
  easy_ = std::move(easy);
  began_at_ = last_activity_ = context_.now;
  easy_->configure(request_);
  auto* const handle = easy_->get();
  curl::set(handle, CURLOPT_PRIVATE, static_cast<void*>(this));
  curl::set(handle, CURLOPT_HEADERFUNCTION, &header_callback);
  curl::set(handle, CURLOPT_HEADERDATA, static_cast<void*>(this));
  curl::set(handle, CURLOPT_WRITEFUNCTION, &body_callback);
  curl::set(handle, CURLOPT_WRITEDATA, static_cast<void*>(this));
  curl::set(handle, CURLOPT_DEBUGFUNCTION, &debug_callback);
  curl::set(handle, CURLOPT_DEBUGDATA, static_cast<void*>(this));
}

// ---- libcurl's callbacks -----------------------------------------------------------------------------------------

std::size_t http_attempt::header_callback(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& attempt = *static_cast<http_attempt*>(self);
  try {
    return attempt.on_header({data, size * count});
  } catch (...) {
    return attempt.fail({errc::internal, std::string{what_happened()}});
  }
}

std::size_t http_attempt::body_callback(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& attempt = *static_cast<http_attempt*>(self);
  try {
    return attempt.on_body({data, size * count});
  } catch (...) {
    return attempt.fail({errc::internal, std::string{what_happened()}});
  }
}

// libcurl cuts a body at its announced length and says only here that there was more.
int http_attempt::debug_callback(CURL*, curl_infotype type, char* data, std::size_t size, void* self) noexcept {
  if (type == CURLINFO_TEXT && std::string_view{data, size}.starts_with("Excess found"))
    static_cast<http_attempt*>(self)->excess_ = true;
  return 0;
}

std::size_t http_attempt::on_header(std::string_view line) {
  touch();
  if (mode_ != mode::head)
    return line.size();
  switch (parser_.feed(line)) {
  case response_head_parser::progress::failed:
    return fail(parser_.why());
  case response_head_parser::progress::final:
    on_final_head();
    return failed_ ? abort_transfer : line.size();
  case response_head_parser::progress::reading:
  case response_head_parser::progress::skipped:
    return line.size();
  }
  return abort_transfer;
}

void http_attempt::on_final_head() {
  head_ = parser_.take_head();
  head_.effective_url = redact(curl::info_string(easy(), CURLINFO_EFFECTIVE_URL));
  if (!usable_status()) {
    mode_ = mode::discard;
    return;
  }
  mode_ = mode::gather;
  const auto length = head_.content_length;
  if (request_.max_size > 0 && length > request_.max_size - body_offset()) {
    fail(too_large());
    return;
  }
  // HTTP/2 and later frame the body themselves.
  if (length != unknown_size && head_.http_version < 20)
    curl::set(easy(), CURLOPT_VERBOSE, 1L);
  const auto small = static_cast<std::int64_t>(context_.options.small_body);
  if (request_.announce || length > small)
    announce();
  else if (length > 0)
    buffer_.reserve(static_cast<std::size_t>(length));
}

std::size_t http_attempt::on_body(std::span<const char> bytes) {
  if (failed_)
    return abort_transfer;
  if (paused())
    return CURL_WRITEFUNC_PAUSE;
  touch();
  switch (mode_) {
  case mode::gather:
    return gather(bytes);
  case mode::hold:
    return hold(bytes);
  case mode::stream:
    return stream(bytes);
  case mode::discard:
    return discard(bytes);
  case mode::head:
    break;
  }
  return fail({errc::bad_response, "the server sent a body without a response"});
}

// ---- The body ----------------------------------------------------------------------------------------------------

std::size_t http_attempt::gather(std::span<const char> bytes) {
  if (buffer_.size() + bytes.size() > context_.options.small_body) {
    announce();
    return hold(bytes);
  }
  return store(bytes, std::max(2 * buffer_.size(), buffer_.size() + bytes.size()));
}

std::size_t http_attempt::hold(std::span<const char> bytes) {
  if (buffer_.size() + bytes.size() > held_bytes)
    return pause(not_accepted);
  return store(bytes, held_bytes);
}

std::size_t http_attempt::stream(std::span<const char> bytes) {
  if (pipe_->abandoned())
    return fail({errc::shutting_down, "the receiver of the body has gone"});
  if (context_.budget.spent()) {
    context_.budget.want_more();
    if (context_.budget.spent()) {
      context_.starved.push_back(request_.id);
      return pause(budget_spent);
    }
  }
  // Many streams share the memory that one alone may fill.
  const auto share = context_.options.total_capacity / 2 / std::max<std::size_t>(context_.streams, 1);
  const auto chunk = std::clamp(share, smallest_chunk, largest_chunk);
  const auto stored = store(bytes, chunk);
  // Before the next piece would make the chunk grow beyond what was reserved.
  if (buffer_.size() + CURL_MAX_WRITE_SIZE > chunk)
    flush();
  return stored;
}

/// Appends to the buffer, which will probably grow to `expected` bytes.
std::size_t http_attempt::store(std::span<const char> bytes, std::size_t expected) {
  if (buffer_.size() + bytes.size() > buffer_.capacity()) {
    const auto length = head_.content_length;
    const auto left =
        length == unknown_size ? expected : static_cast<std::size_t>(std::max<std::int64_t>(length - received_, 0));
    const auto wanted = std::max(buffer_.size() + bytes.size(), std::min(expected, buffer_.size() + left));
    if (mode_ != mode::gather && buffer_.empty() && wanted >= buffer_pool::smallest)
      buffer_ = context_.options.buffers->take(wanted);
    else
      buffer_.reserve(wanted);
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  note_moved();
  count(bytes.size());
  return request_.max_size > 0 && received_ > request_.max_size - body_offset() ? fail(too_large()) : bytes.size();
}

std::size_t http_attempt::discard(std::span<const char> bytes) {
  const auto kept = std::min(bytes.size(), kept_error_bytes - buffer_.size());
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(kept));
  count(bytes.size());
  return received_ <= dropped_error_bytes ? bytes.size() : abort_transfer;
}

void http_attempt::count(std::size_t bytes) noexcept {
  received_ += static_cast<std::int64_t>(bytes);
  if (context_.options.metrics)
    context_.options.metrics->received_bytes.add(bytes);
}

std::size_t http_attempt::pause(pause_reason reason) noexcept {
  paused_ |= reason;
  return CURL_WRITEFUNC_PAUSE;
}

std::size_t http_attempt::fail(error why) {
  if (!failed_)
    failed_ = std::move(why);
  return abort_transfer;
}

void http_attempt::announce() {
  mode_ = mode::hold;
  context_.to_announce.push_back(request_.id);
}

void http_attempt::flush() {
  if (buffer_.empty())
    return;
  context_.budget.add(buffer_.size());
  if (!pipe_->push(std::exchange(buffer_, {})))
    paused_ |= pipe_full;
}

void http_attempt::stop_moving() noexcept {
  if (std::exchange(moving_, false))
    std::erase(context_.moving, this);
}

void http_attempt::note_moved() {
  if (received_ == 0)
    body_began_at_ = context_.now;
  if (!std::exchange(moving_, true))
    context_.moving.push_back(this);
}

// ---- For the loop ------------------------------------------------------------------------------------------------

void http_attempt::accept(std::shared_ptr<body_pipe> pipe) {
  pipe_ = std::move(pipe);
  mode_ = mode::stream;
  ++context_.streams;
  flush();
}

bool http_attempt::unpause(pause_reason reason) noexcept {
  if ((paused_ & reason) == 0)
    return false;
  paused_ &= ~static_cast<unsigned>(reason);
  return paused_ == 0;
}

bool http_attempt::tick() {
  moving_ = false;
  if (mode_ == mode::stream && !ended_)
    flush();
  if (mode_ == mode::gather && !ended_) {
    if (context_.now - body_began_at_ < longest_gathering)
      moving_ = true;
    else
      announce();
  }
  return moving_;
}

std::optional<progress> http_attempt::take_progress() {
  if (received_ == reported_)
    return {};
  reported_ = received_;
  const auto offset = body_offset();
  // A resume asks again for bytes that are on disk already, and what was reported never falls.
  const auto reached = head_.status == 206 ? std::max(request_.base, offset + received_) : received_;
  const auto total = head_.content_length == unknown_size ? unknown_size : offset + head_.content_length;
  return progress{request_.transfer, reached, total};
}

void http_attempt::end(CURLcode code) {
  ended_ = true;
  curl_easy_setopt(easy(), CURLOPT_VERBOSE, 0L);
  result_.why = conclude(code);
  result_.metrics = measure();
}

void http_attempt::end(error why) {
  ended_ = true;
  result_.why = usable_status() || mode_ == mode::head ? std::move(why) : error{};
  if (easy_ != nullptr) {
    curl_easy_setopt(easy(), CURLOPT_VERBOSE, 0L);
    result_.metrics = measure();
  }
}

std::unique_ptr<pooled_easy> http_attempt::take_easy() {
  return std::move(easy_);
}

attempt_result http_attempt::take_result() {
  if (pipe_ != nullptr) {
    flush();
    pipe_->close(result_.why);
  }
  const bool whole = mode_ == mode::gather && !result_.why;
  if (whole || mode_ == mode::discard)
    result_.body = std::make_shared<const body_buffer>(std::move(buffer_));
  result_.received = received_;
  result_.head = std::move(head_);
  return std::move(result_);
}

void http_attempt::abandon(error why) {
  stop_moving();
  if (pipe_ == nullptr)
    return;
  flush();
  pipe_->close(std::move(why));
}

// ---- How it ended ------------------------------------------------------------------------------------------------

bool http_attempt::usable_status() const noexcept {
  return request_.stream_errors || (head_.status >= 200 && head_.status < 300);
}

/// Where the body begins in the file.
std::int64_t http_attempt::body_offset() const noexcept {
  return head_.status == 206 ? request_.range_from : 0;
}

error http_attempt::too_large() const {
  return {errc::too_large, fmt::format("the body of {} is larger than the {} bytes that are allowed",
                                       redact(request_.url), request_.max_size)};
}

error http_attempt::timed_out() const {
  return {errc::timed_out,
          fmt::format("nothing came from {} for {} ms", origin_of(request_.url), request_.request_timeout.count())};
}

error http_attempt::conclude(CURLcode code) const {
  if (failed_)
    return failed_;
  if (mode_ == mode::discard)
    return {};
  if (code != CURLE_OK)
    return curl_failure(code);
  if (mode_ == mode::head)
    return {errc::bad_response, fmt::format("{} sent no complete response", origin_of(request_.url))};
  if (excess_)
    return {errc::long_body, fmt::format("{} sent more than the {} bytes that it announced", origin_of(request_.url),
                                         head_.content_length)};
  return {};
}

error http_attempt::curl_failure(CURLcode code) const {
  const auto url = curl::info_string(easy(), CURLINFO_EFFECTIVE_URL);
  const auto ca_file = request_.ca_file.string();
  return describe({.code = code,
                   .detail = easy_->failure_detail(),
                   .url = url.empty() ? request_.url : url,
                   .redirect_target = parser_.redirect_target(),
                   .max_redirects = request_.max_redirects,
                   .connect_timeout = request_.connect_timeout,
                   .system_error = static_cast<int>(curl::info_long(easy(), CURLINFO_OS_ERRNO)),
                   .connected = curl::info_offset(easy(), CURLINFO_CONNECT_TIME_T) > 0,
                   .in_body = mode_ != mode::head,
                   .received = received_,
                   .expected = head_.content_length,
                   .ca_file = ca_file});
}

attempt_metrics http_attempt::measure() const {
  auto* const handle = easy();
  return {.queued_us = std::chrono::duration_cast<std::chrono::microseconds>(began_at_ - queued_at_).count(),
          .name_lookup_us = curl::info_offset(handle, CURLINFO_NAMELOOKUP_TIME_T),
          .connect_us = curl::info_offset(handle, CURLINFO_CONNECT_TIME_T),
          .tls_us = curl::info_offset(handle, CURLINFO_APPCONNECT_TIME_T),
          .first_byte_us = curl::info_offset(handle, CURLINFO_STARTTRANSFER_TIME_T),
          .total_us = curl::info_offset(handle, CURLINFO_TOTAL_TIME_T),
          .connection_reused = curl::info_long(handle, CURLINFO_NUM_CONNECTS) == 0};
}

} // namespace bellhop
