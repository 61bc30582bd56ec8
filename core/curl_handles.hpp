#pragma once

#include "core/transfer.hpp"

#include <curl/curl.h>

#include <memory>
#include <span>
#include <string>

/// Owners of libcurl's handles. libcurl is initialised before the first one is made.
namespace bellhop::curl {

namespace detail {

struct easy_deleter {
  void operator()(CURL* p) const noexcept { curl_easy_cleanup(p); }
};
struct multi_deleter {
  void operator()(CURLM* p) const noexcept { curl_multi_cleanup(p); }
};
struct share_deleter {
  void operator()(CURLSH* p) const noexcept { curl_share_cleanup(p); }
};
struct slist_deleter {
  void operator()(curl_slist* p) const noexcept { curl_slist_free_all(p); }
};
struct url_deleter {
  void operator()(CURLU* p) const noexcept { curl_url_cleanup(p); }
};
struct string_deleter {
  void operator()(char* p) const noexcept { curl_free(p); }
};

} // namespace detail

using easy_handle = std::unique_ptr<CURL, detail::easy_deleter>;
using multi_handle = std::unique_ptr<CURLM, detail::multi_deleter>;
using share_handle = std::unique_ptr<CURLSH, detail::share_deleter>;
using string_list = std::unique_ptr<curl_slist, detail::slist_deleter>;
using url_handle = std::unique_ptr<CURLU, detail::url_deleter>;
using string = std::unique_ptr<char, detail::string_deleter>;

/// Each throws `failure` with `errc::internal` when there is no memory.
easy_handle make_easy();
multi_handle make_multi();
share_handle make_share();
url_handle make_url();

/// A list for CURLOPT_HTTPHEADER; null when there are no headers. A header with an empty value is sent as such, where
/// libcurl would leave it out.
string_list make_header_list(std::span<const header>);

/// Throws `failure` with `errc::internal` when libcurl refuses: the value is wrong or the option is not built in.
void check(CURLcode, const char* what);
void check(CURLMcode, const char* what);

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  check(curl_easy_setopt(handle, option, value), "an option of an easy handle");
}

template <class Value>
void set(CURLM* handle, CURLMoption option, Value value) {
  check(curl_multi_setopt(handle, option, value), "an option of the multi handle");
}

/// The value of a field that curl_easy_getinfo knows as a long.
long info_long(CURL*, CURLINFO) noexcept;
/// ... as a curl_off_t: sizes, and times in microseconds.
curl_off_t info_offset(CURL*, CURLINFO) noexcept;
/// ... as text; empty when absent.
std::string info_string(CURL*, CURLINFO);

} // namespace bellhop::curl
