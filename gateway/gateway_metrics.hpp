#pragma once

#include "core/ledger.hpp"
#include "core/metrics.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bellhop {

/// What the gateway counts about itself. Only on its thread.
struct gateway_metrics {
  struct request {
    /// Both empty for what has no route.
    std::string method;
    std::string path;
    unsigned status = 0;
    friend auto operator<=>(const request&, const request&) = default;
  };

  void request_served(std::string_view method, std::string_view path, unsigned status) {
    ++requests[{std::string{method}, std::string{path}, status}];
  }

  std::map<request, std::uint64_t> requests;
  /// Streams of events that are open, and those of them that are a session's delegate.
  std::uint64_t readers = 0;
  std::uint64_t attached_readers = 0;
  /// Those that were too slow.
  std::uint64_t dropped_readers = 0;
  std::uint64_t events_sent = 0;
};

/// All that /metrics tells, at one moment.
struct metrics_snapshot {
  const gateway_metrics* gateway = nullptr;
  /// May be null.
  const engine_metrics* engine = nullptr;
  std::uint64_t connections = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t bulk_submits_waiting = 0;
  double uptime_s = 0;
  /// The ledger has answered in time: what follows is so.
  bool has_sessions = false;
  std::uint64_t sessions = 0;
  std::uint64_t sessions_attached = 0;
  session_counts transfers;
  std::uint64_t active = 0;
};

/// In Prometheus' text format.
std::string to_metrics_text(const metrics_snapshot&);

} // namespace bellhop
