#pragma once

#include "actors/interfaces.hpp"
#include "core/metrics.hpp"
#include "core/transfer.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

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

struct gateway_options {
  /// A Unix stream socket that listens; -1: none. Whoever connects must be of this process's user. Taken over.
  int unix_listener = -1;
  /// A TCP socket that listens on a loopback address; -1: none. Needs a token. Taken over.
  int tcp_listener = -1;
  /// What clients of the TCP listener show as `Authorization: Bearer TOKEN`.
  std::string token;
  gateway_limits limits;
  /// A folder for what a bulk submit does not hold in memory; empty: $TMPDIR, else /tmp.
  path spool_directory;
  /// What the engine counts; may be null.
  std::shared_ptr<engine_metrics> metrics;
  /// A line for the log, without line end and secrets. Called on the gateway's thread; may be null.
  std::function<void(const std::string&)> log;
};

/// An engine's HTTP API (docs/api.md), served on one thread of its own. It takes over sockets that listen already.
///
/// Threads: any, one at a time. The system must outlive it, and the engine should.
class gateway {
public:
  /// Throws `failure` (invalid_argument) when there is a TCP listener and no token, or a socket is none that listens.
  gateway(caf::actor_system&, engine_actor, gateway_options);
  /// Stops without waiting for anybody.
  ~gateway();
  gateway(const gateway&) = delete;
  gateway& operator=(const gateway&) = delete;

  /// Accepts no more connections, ends the streams of events, and lets requests that are being answered come to their
  /// end; what has not ended at the deadline is cut off. No call reaches the engine after it has returned. Idempotent.
  void stop(std::chrono::milliseconds deadline);

  /// Connections there are now. Not after `stop`.
  std::size_t connections() const;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace bellhop
