#include "core/url.hpp"

#include "core/curl_handles.hpp"
#include "core/http_headers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace bellhop {

namespace {

struct parsed_url {
  curl::url_handle handle = curl::make_url();
  CURLUcode code = CURLUE_OK;

  explicit parsed_url(std::string_view text) {
    // Unknown schemes are parsed too, so that they are named as such and can be redacted.
    code = curl_url_set(handle.get(), CURLUPART_URL, std::string{text}.c_str(), CURLU_NON_SUPPORT_SCHEME);
    if (text.find('\0') != text.npos)
      code = CURLUE_MALFORMED_INPUT;
  }

  explicit operator bool() const noexcept { return code == CURLUE_OK; }

  std::string part(CURLUPart what, unsigned flags = 0) const {
    char* raw = nullptr;
    const auto got = curl_url_get(handle.get(), what, &raw, flags);
    const curl::string owner{raw};
    return got == CURLUE_OK && raw != nullptr ? raw : std::string{};
  }
};

bool is_http(std::string_view scheme) {
  return scheme == "http" || scheme == "https";
}

/// For text that does not parse: whatever stands where credentials would.
std::string cut_credentials(std::string_view text) {
  const auto slashes = text.find("//");
  const auto begin = slashes == text.npos ? 0 : slashes + 2;
  const auto at = text.rfind('@');
  if (at == text.npos || at < begin)
    return std::string{text};
  return std::string{text.substr(0, begin)}.append(text.substr(at + 1));
}

/// What "example.org/file" and "www.example.org:80" lack, as opposed to "http:/x".
bool lacks_scheme(std::string_view url) {
  return url.find("://") == url.npos;
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr bool is_letter_or_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

template <class Predicate>
std::string_view take_while(std::string_view& rest, Predicate belongs) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), belongs);
  const auto taken = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(taken.size());
  return taken;
}

/// The path of a URL of which nothing needs to be interpreted: a host, maybe a port, and a path without escapes, dot
/// segments, query or fragment. Most URLs are, and libcurl's parser was a twelfth of all instructions of 10,000 small
/// downloads (ARCHITECTURE.md, "Speed"). None: ask libcurl.
std::optional<std::string_view> path_of_plain(std::string_view url) {
  const bool secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://"))
    return {};
  url.remove_prefix(secure ? 8 : 7);
  const auto host = take_while(url, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; });
  constexpr std::size_t longest_host = 253;
  if (host.empty() || host.size() > longest_host || !is_letter_or_digit(host.front()))
    return {};
  if (url.starts_with(':')) {
    url.remove_prefix(1);
    const auto port = take_while(url, is_digit);
    const bool in_range = port.size() < 5 || (port.size() == 5 && port <= "65535");
    if (port.empty() || port.front() == '0' || !in_range)
      return {};
  }
  const auto path = take_while(
      url, [](char c) { return is_letter_or_digit(c) || c == '/' || c == '.' || c == '-' || c == '_' || c == '~'; });
  if (!url.empty() || (!path.empty() && path.front() != '/') || path.find("/.") != path.npos)
    return {};
  return path;
}

} // namespace

error check_url(std::string_view url) {
  if (path_of_plain(url))
    return {};
  if (url.empty())
    return {errc::invalid_url, "the URL is empty: give an http or https URL"};
  const auto shown = redact(url);
  const parsed_url parsed{url};
  if (!parsed && lacks_scheme(url))
    return {errc::invalid_url, fmt::format("'{}' is not a URL: it has no scheme; write https://...", shown)};
  if (!parsed)
    return {errc::invalid_url,
            fmt::format("'{}' is not a URL: {}; spaces and special characters must be percent-encoded", shown,
                        curl_url_strerror(parsed.code))};
  const auto scheme = parsed.part(CURLUPART_SCHEME);
  if (!is_http(scheme))
    return {errc::unsupported_scheme,
            fmt::format("'{}' has the scheme '{}': only http and https can be fetched", shown, scheme)};
  // libcurl forgives a missing or additional slash, and takes what follows for the host.
  const auto after_scheme = url.substr(std::min(scheme.size(), url.size()));
  if (!after_scheme.starts_with("://") || after_scheme.starts_with(":///"))
    return {errc::invalid_url,
            fmt::format("'{}' is not a URL: two slashes and a host must follow '{}:'", shown, scheme)};
  if (parsed.part(CURLUPART_HOST).empty())
    return {errc::invalid_url, fmt::format("'{}' is not a URL: it names no host", shown)};
  return {};
}

std::string redact(std::string_view url) {
  if (url.find('@') == url.npos)
    return std::string{url};
  const parsed_url parsed{url};
  if (!parsed)
    return cut_credentials(url);
  constexpr std::array credentials{CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS};
  // An "@" may stand elsewhere: then the text stays as it is.
  if (std::all_of(credentials.begin(), credentials.end(), [&](auto part) { return parsed.part(part).empty(); }))
    return std::string{url};
  for (const auto credential : credentials)
    curl_url_set(parsed.handle.get(), credential, nullptr, 0);
  return parsed.part(CURLUPART_URL);
}

std::string origin_of(std::string_view url) {
  const parsed_url parsed{url};
  if (!parsed)
    return {};
  const auto scheme = parsed.part(CURLUPART_SCHEME);
  auto host = parsed.part(CURLUPART_HOST);
  const auto port = parsed.part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (scheme.empty() || host.empty() || port.empty())
    return {};
  for (auto& c : host)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return fmt::format("{}://{}:{}", scheme, host, port);
}

std::string file_name_from_url(std::string_view url) {
  constexpr auto fallback = "index.html";
  if (const auto path = path_of_plain(url)) {
    auto name = safe_file_name(path->substr(path->rfind('/') + 1));
    return name.empty() ? fallback : name;
  }
  const parsed_url parsed{url};
  if (!parsed)
    return fallback;
  const auto whole = parsed.part(CURLUPART_PATH);
  const auto segment = whole.substr(whole.rfind('/') + 1);
  int length = 0;
  const curl::string decoded{curl_easy_unescape(nullptr, segment.c_str(), static_cast<int>(segment.size()), &length)};
  if (decoded == nullptr)
    return fallback;
  auto name = safe_file_name({decoded.get(), static_cast<std::size_t>(length)});
  return name.empty() ? fallback : name;
}

} // namespace bellhop
