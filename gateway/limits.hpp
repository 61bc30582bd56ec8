#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bellhop {

/// What clients may take. What exceeds a bound is refused, or waits; never does one client's excess stop another.
struct gateway_limits {
  /// Connections at once, over both listeners; more are told 503 and to come again.
  std::size_t connections = 1500;
  /// Bytes of a request's head.
  std::uint32_t head_bytes = 64 * 1024;
  /// Bytes of a request's body; of one request in a bulk submit.
  std::size_t body_bytes = 1024 * 1024;
  /// Bytes of a bulk submit's body.
  std::uint64_t bulk_bytes = std::uint64_t{1} << 30;
  /// Requests in one bulk submit.
  std::uint64_t bulk_requests = 1'000'000;
  /// Bulk submits at once; others wait for their turn, at most `bulk_wait`.
  std::size_t bulk_at_once = 8;
  std::chrono::milliseconds bulk_wait{std::chrono::seconds{60}};
  /// Bytes of one bulk submit that are held in memory; what exceeds it goes to an unnamed file.
  std::size_t spool_memory = 8 * 1024 * 1024;

  /// Without a request, a connection ends after this.
  std::chrono::milliseconds idle{std::chrono::minutes{2}};
  /// From a head's first byte to its last.
  std::chrono::milliseconds head{std::chrono::seconds{30}};
  /// Without a byte of a body that was announced.
  std::chrono::milliseconds body{std::chrono::seconds{30}};
  /// Without a byte taken of an answer.
  std::chrono::milliseconds answer{std::chrono::seconds{60}};
  /// A stream of events says something at least this often.
  std::chrono::milliseconds heartbeat{std::chrono::seconds{15}};
  /// A reader of events that has taken nothing for this long is let go.
  std::chrono::milliseconds slow_reader{std::chrono::seconds{60}};
};

} // namespace bellhop
