#include "core/curl_handles.hpp"

#include "core/error.hpp"

#include <fmt/format.h>

namespace bellhop::curl {

namespace {

/// Never undone: a handle may live in a static object, and what it holds is small.
void initialise() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  check(code, "libcurl");
}

template <class Owner, class Raw>
Owner owned(Raw* raw) {
  if (raw == nullptr)
    throw failure(errc::internal, "libcurl could not make a handle: out of memory");
  return Owner{raw};
}

} // namespace

easy_handle make_easy() {
  initialise();
  return owned<easy_handle>(curl_easy_init());
}

multi_handle make_multi() {
  initialise();
  return owned<multi_handle>(curl_multi_init());
}

share_handle make_share() {
  initialise();
  return owned<share_handle>(curl_share_init());
}

url_handle make_url() {
  initialise();
  return owned<url_handle>(curl_url());
}

string_list make_header_list(std::span<const header> headers) {
  string_list list;
  for (const auto& [name, value] : headers) {
    const auto line = value.empty() ? name + ";" : name + ": " + value;
    auto* grown = curl_slist_append(list.get(), line.c_str());
    if (grown == nullptr)
      throw failure(errc::internal, "no memory for a request header");
    static_cast<void>(list.release());
    list.reset(grown);
  }
  return list;
}

void check(CURLcode code, const char* what) {
  if (code != CURLE_OK)
    throw failure(errc::internal, fmt::format("libcurl refused {}: {}", what, curl_easy_strerror(code)));
}

void check(CURLMcode code, const char* what) {
  if (code != CURLM_OK)
    throw failure(errc::internal, fmt::format("libcurl refused {}: {}", what, curl_multi_strerror(code)));
}

long info_long(CURL* handle, CURLINFO field) noexcept {
  long value = 0;
  return curl_easy_getinfo(handle, field, &value) == CURLE_OK ? value : 0;
}

curl_off_t info_offset(CURL* handle, CURLINFO field) noexcept {
  curl_off_t value = 0;
  return curl_easy_getinfo(handle, field, &value) == CURLE_OK ? value : 0;
}

std::string info_string(CURL* handle, CURLINFO field) {
  const char* value = nullptr;
  return curl_easy_getinfo(handle, field, &value) == CURLE_OK && value != nullptr ? value : std::string{};
}

} // namespace bellhop::curl
