#include "core/easy_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace bellhop {

namespace {

/// The most that libcurl takes. A large body costs a third less CPU than with 64 KiB, on loopback.
constexpr std::size_t largest_read_buffer = 512 * 1024;
constexpr std::size_t smallest_read_buffer = 64 * 1024;
constexpr std::size_t shared_read_buffers = 8 * 1024 * 1024;

bool starts_with_https(std::string_view url) {
  constexpr std::string_view scheme = "https:";
  if (url.size() < scheme.size())
    return false;
  for (std::size_t i = 0; i < scheme.size(); ++i)
    if ((url[i] | 0x20) != (scheme[i] | 0x20))
      return false;
  return true;
}

/// What a new handle has; null when libcurl was built without a file.
const char* system_ca_file() {
  return curl_version_info(CURLVERSION_NOW)->cainfo;
}

} // namespace

pooled_easy::pooled_easy(CURLSH* share) : handle_(curl::make_easy()) {
  auto* const easy = handle_.get();
  curl::set(easy, CURLOPT_SHARE, share);
  curl::set(easy, CURLOPT_ERRORBUFFER, detail_.data());
  curl::set(easy, CURLOPT_NOSIGNAL, 1L);
  curl::set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl::set(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl::set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl::set(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  // Bodies are stored as they come: a coded one cannot be resumed otherwise.
  curl::set(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  // A proxy's answer to CONNECT is not the response.
  curl::set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // To end an attempt whose name is still being resolved would otherwise wait for the resolver, and all others with it.
  curl::set(easy, CURLOPT_QUICK_EXIT, 1L);
}

void pooled_easy::configure(const http_request& request) {
  detail_.front() = '\0';
  curl::set(handle_.get(), CURLOPT_URL, request.url.c_str());
  set_headers(request);
  set_range(request);

  settings wanted{.https = starts_with_https(request.url),
                  .allow_downgrade = request.allow_downgrade,
                  .max_redirects = request.max_redirects,
                  .connect_timeout = request.connect_timeout,
                  .user_agent = request.user_agent,
                  .ca_file = request.ca_file.string()};
  if (current_ == wanted)
    return;
  current_.reset();
  apply(wanted);
  current_ = std::move(wanted);
}

void pooled_easy::set_read_buffer(long bytes) {
  // libcurl refuses while the handle still holds a buffer, as after a stream of HTTP/2: then it stays as it is.
  if (bytes != read_buffer_bytes_ && curl_easy_setopt(handle_.get(), CURLOPT_BUFFERSIZE, bytes) == CURLE_OK)
    read_buffer_bytes_ = bytes;
}

void pooled_easy::apply(const settings& s) {
  auto* const easy = handle_.get();
  const bool only_https = s.https && !s.allow_downgrade;
  curl::set(easy, CURLOPT_REDIR_PROTOCOLS_STR, only_https ? "https" : "http,https");
  curl::set(easy, CURLOPT_MAXREDIRS, static_cast<long>(s.max_redirects));
  curl::set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(s.connect_timeout.count()));
  // Worth waiting for only where ALPN may bring HTTP/2.
  curl::set(easy, CURLOPT_PIPEWAIT, s.https ? 1L : 0L);
  curl::set(easy, CURLOPT_USERAGENT, s.user_agent.empty() ? nullptr : s.user_agent.c_str());
  curl::set(easy, CURLOPT_CAINFO, s.ca_file.empty() ? system_ca_file() : s.ca_file.c_str());
}

void pooled_easy::set_headers(const http_request& request) {
  curl::string_list list;
  if (request.range_from > 0 && !request.if_range.empty()) {
    auto headers = request.headers;
    headers.push_back({"If-Range", request.if_range});
    list = curl::make_header_list(headers);
  } else {
    list = curl::make_header_list(request.headers);
  }
  if (list == nullptr && headers_ == nullptr)
    return;
  curl::set(handle_.get(), CURLOPT_HTTPHEADER, list.get());
  headers_ = std::move(list);
}

void pooled_easy::set_range(const http_request& request) {
  const bool wanted = request.range_from > 0;
  if (wanted)
    curl::set(handle_.get(), CURLOPT_RANGE, fmt::format("{}-", request.range_from).c_str());
  else if (has_range_)
    curl::set(handle_.get(), CURLOPT_RANGE, static_cast<const char*>(nullptr));
  has_range_ = wanted;
}

long read_buffer_for(std::size_t on_the_wire) noexcept {
  const auto share = std::bit_floor(shared_read_buffers / std::max<std::size_t>(on_the_wire, 1));
  return static_cast<long>(std::clamp(share, smallest_read_buffer, largest_read_buffer));
}

easy_pool::easy_pool() : share_(curl::make_share()) {
  // One thread uses all handles, so no lock functions are needed.
  curl_share_setopt(share_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

std::unique_ptr<pooled_easy> easy_pool::take() {
  if (idle_.empty())
    return std::make_unique<pooled_easy>(share_.get());
  auto easy = std::move(idle_.back());
  idle_.pop_back();
  return easy;
}

void easy_pool::give_back(std::unique_ptr<pooled_easy> easy) {
  idle_.push_back(std::move(easy));
}

} // namespace bellhop
