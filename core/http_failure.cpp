#include "core/http_failure.hpp"

#include "core/url.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace bellhop {

namespace {

/// "example.org:443"; what a person looks for first.
std::string authority(std::string_view url) {
  const auto origin = origin_of(url);
  const auto slashes = origin.find("//");
  return slashes == origin.npos ? redact(url) : origin.substr(slashes + 2);
}

std::string host(std::string_view url) {
  auto text = authority(url);
  return text.substr(0, text.rfind(':'));
}

std::string_view words(const http_failure& f) {
  return f.detail.empty() ? std::string_view{curl_easy_strerror(f.code)} : f.detail;
}

error resolve_failed(const http_failure& f) {
  return {errc::resolve_failed, fmt::format("could not resolve host {}: check the name or the network", host(f.url))};
}

error connect_failed(const http_failure& f) {
  const auto peer = authority(f.url);
  if (f.system_error == ECONNREFUSED)
    return {errc::connect_failed, fmt::format("connection refused by {}: no server listens there", peer)};
  if (f.system_error != 0)
    return {errc::connect_failed, fmt::format("could not connect to {}: {}", peer, std::strerror(f.system_error))};
  return {errc::connect_failed, fmt::format("could not connect to {}: {}", peer, words(f))};
}

error timed_out(const http_failure& f) {
  return {errc::timed_out,
          fmt::format("no connection to {} within {} ms", authority(f.url), f.connect_timeout.count())};
}

error connection_lost(const http_failure& f) {
  const auto where = f.in_body ? fmt::format("after {} bytes of the body", f.received)
                               : std::string{"before its response was complete"};
  return {errc::connection_lost, fmt::format("{} closed the connection {}", authority(f.url), where)};
}

error short_body(const http_failure& f) {
  if (f.expected < 0)
    return {errc::short_body,
            fmt::format("{} ended the body after {} bytes, before its last chunk", authority(f.url), f.received)};
  return {errc::short_body,
          fmt::format("{} ended the body after {} of {} bytes", authority(f.url), f.received, f.expected)};
}

/// libcurl tells refused schemes, downgrades and targets that are no URL by codes that other faults have too.
error redirect_refused(const http_failure& f) {
  return {errc::redirect_refused, fmt::format("{} redirects to '{}', which is not followed: {}", authority(f.url),
                                              redact(f.redirect_target), words(f))};
}

error receive_failed(const http_failure& f) {
  if (f.detail.find("chunked-encoding") != f.detail.npos)
    return {errc::bad_response,
            fmt::format("{} sent a body that is not chunked correctly: {}", authority(f.url), f.detail)};
  return connection_lost(f);
}

error certificate_refused(const http_failure& f) {
  constexpr std::string_view prefix = "SSL certificate problem: ";
  auto reason = words(f);
  if (reason.starts_with(prefix))
    reason.remove_prefix(prefix.size());
  return {errc::tls_failed,
          fmt::format("the certificate of {} is not trusted: {}; if you trust it, name its authority's "
                      "file (--ca-file, or ca_file in the session's configuration)",
                      authority(f.url), reason)};
}

error handshake_failed(const http_failure& f) {
  // A connection that is cut in the handshake is no statement about security: it may work the next time.
  if (f.detail.find("SSL_ERROR_SYSCALL") != f.detail.npos || f.detail.find("unexpected eof") != f.detail.npos)
    return connection_lost(f);
  return {errc::tls_failed, fmt::format("no secure connection to {}: {}", authority(f.url), words(f))};
}

error unsupported(const http_failure& f) {
  // The same code stands for "Received HTTP/0.9", "Unsupported HTTP version" and "Unsupported response code in HTTP".
  if (f.detail.find("HTTP") != f.detail.npos)
    return {errc::bad_response, fmt::format("{} does not answer in HTTP: {}", authority(f.url), f.detail)};
  if (!f.redirect_target.empty())
    return redirect_refused(f);
  return {errc::unsupported_scheme, fmt::format("'{}': only http and https can be fetched", redact(f.url))};
}

error malformed_url(const http_failure& f) {
  if (!f.redirect_target.empty())
    return redirect_refused(f);
  return {errc::invalid_url, fmt::format("'{}' is not a URL: {}", redact(f.url), words(f))};
}

error out_of_memory(const http_failure& f) {
  // What libcurl says when a header line or the head exceeds its own bound.
  if (f.connected && !f.in_body)
    return {errc::bad_response, "response head too large"};
  return {errc::internal, "libcurl: out of memory"};
}

error other(const http_failure& f) {
  return {errc::protocol_error, fmt::format("{}: {}", authority(f.url), words(f))};
}

} // namespace

error describe(const http_failure& f) {
  switch (f.code) {
  case CURLE_OK:
    return {};
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
    return resolve_failed(f);
  case CURLE_COULDNT_CONNECT:
    return connect_failed(f);
  case CURLE_OPERATION_TIMEDOUT:
    return timed_out(f);
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
    return connection_lost(f);
  case CURLE_RECV_ERROR:
    return receive_failed(f);
  case CURLE_PARTIAL_FILE:
    return short_body(f);
  case CURLE_TOO_MANY_REDIRECTS:
    return {errc::too_many_redirects,
            fmt::format("more than {} redirects, the last one to '{}'", f.max_redirects, redact(f.redirect_target))};
  case CURLE_UNSUPPORTED_PROTOCOL:
    return unsupported(f);
  case CURLE_URL_MALFORMAT:
    return malformed_url(f);
  case CURLE_PEER_FAILED_VERIFICATION:
    return certificate_refused(f);
  case CURLE_SSL_CACERT_BADFILE:
    return {errc::tls_failed, fmt::format("cannot read the trusted certificates in '{}' (ca_file)", f.ca_file)};
  case CURLE_SSL_CONNECT_ERROR:
    return handshake_failed(f);
  case CURLE_WEIRD_SERVER_REPLY:
    return {errc::bad_response, fmt::format("{} sent a response that is not HTTP: {}", authority(f.url), words(f))};
  case CURLE_OUT_OF_MEMORY:
    return out_of_memory(f);
  default:
    return other(f);
  }
}

} // namespace bellhop
