#pragma once

#include "actors/interfaces.hpp"
#include "core/metrics.hpp"
#include "core/transfer.hpp"
#include "gateway/limits.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace bellhop {

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
