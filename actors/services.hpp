#pragma once

#include "actors/interfaces.hpp"
#include "core/metrics.hpp"

#include <functional>
#include <memory>

namespace bellhop {

/// What a session and its transfers work with; given to them, so that tests give them others.
struct services {
  ledger_actor ledger;
  network_actor network;
  publisher_actor publisher;
  /// Starts the programs of background sessions; none in a program's own process.
  launcher_actor launcher;
  /// The wall clock.
  std::function<time_point()> now;
  /// Uniform in [0, 1); called on the scheduler's threads, one at a time for each actor.
  std::function<double()> jitter;
  /// A number that was never given before in this process.
  std::function<attempt_id()> next_attempt;
  /// May be null.
  std::shared_ptr<engine_metrics> metrics;
  /// See engine_options; may be null.
  std::function<void(const std::string& session)> session_opened;
  std::function<void(const event&)> transfer_ended;
};

} // namespace bellhop
