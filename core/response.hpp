#pragma once

#include "core/transfer.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bellhop {

/// The last response's head, as far as Bellhop needs it. Redirects' and interim responses are not kept.
struct response_head {
  std::int32_t status = 0;
  /// 10, 11, 20, 30.
  std::int32_t http_version = 0;
  /// After redirects, without credentials.
  std::string effective_url;
  /// Of the coming body, from Content-Length; `unknown_size` if not announced.
  std::int64_t content_length = unknown_size;
  // Field values as received, empty when absent.
  std::string etag;
  std::string last_modified;
  std::string date;
  std::string content_range;
  std::string content_encoding;
  std::string content_type;
  std::string content_disposition;
  std::string retry_after;

  friend bool operator==(const response_head&, const response_head&) = default;
};

/// Where an attempt's time went, in microseconds since its start; 0 when a step did not happen. Named as in
/// URLSessionTaskTransactionMetrics and libcurl's CURLINFO_*_TIME_T.
struct attempt_metrics {
  std::int64_t queued_us = 0;
  std::int64_t name_lookup_us = 0;
  std::int64_t connect_us = 0;
  std::int64_t tls_us = 0;
  std::int64_t first_byte_us = 0;
  std::int64_t total_us = 0;
  bool connection_reused = false;

  friend bool operator==(const attempt_metrics&, const attempt_metrics&) = default;
};

using body_buffer = std::vector<char>;

/// How an attempt on the wire ended.
struct attempt_result {
  /// Empty when the response arrived whole by its own framing, whatever its status is.
  error why;
  response_head head;
  /// The body's bytes that arrived in this attempt.
  std::int64_t received = 0;
  /// The whole body when it was small enough to be gathered in memory and no pipe was asked for; for a status that
  /// is not 2xx its first 4 KiB. Otherwise null.
  std::shared_ptr<const body_buffer> body;
  attempt_metrics metrics;
};

} // namespace bellhop
