#include "core/url.hpp"

#include "core/curl_handles.hpp"
#include "core/http_headers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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

} // namespace

error check_url(std::string_view url) {
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
