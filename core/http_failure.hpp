#pragma once

#include "core/error.hpp"

#include <curl/curl.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace bellhop {

/// What is known when libcurl gives an attempt up.
struct http_failure {
  CURLcode code = CURLE_OK;
  /// libcurl's own words, from CURLOPT_ERRORBUFFER; may be empty.
  std::string_view detail;
  /// The URL of the last hop; credentials are taken out here.
  std::string_view url;
  /// Where the last redirect pointed; empty if there was none.
  std::string_view redirect_target;
  std::uint32_t max_redirects = 0;
  std::chrono::milliseconds connect_timeout{0};
  /// errno of the last failed system call, or 0.
  int system_error = 0;
  bool connected = false;
  /// A response's head is complete and its body was on its way.
  bool in_body = false;
  std::int64_t received = 0;
  std::int64_t expected = -1;
  std::string_view ca_file;
};

/// The same in Bellhop's terms and for a person: what failed, with whom, and what can be done. Pure.
error describe(const http_failure&);

} // namespace bellhop
