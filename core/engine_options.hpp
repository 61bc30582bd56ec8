#pragma once

#include "core/http_client.hpp"
#include "core/metrics.hpp"
#include "core/transfer.hpp"

#include <functional>
#include <memory>
#include <string>

namespace bellhop {

/// What an engine is made of.
struct engine_options {
  /// Empty: `default_state_directory()`.
  path state;
  http_client_options network;
  /// What the ledger survives. A session with `durability::power` raises it for all.
  durability durable = durability::crash;
  /// What the engine counts; may be null.
  std::shared_ptr<engine_metrics> metrics;
  /// Start the programs of background sessions that have news and no delegate: the daemon does.
  bool launches = false;
  /// Where they find the engine: BELLHOP_SOCKET in their environment.
  path socket;
  /// Told of every change of what is done about a session's program; on a thread of the actor system. May be null.
  std::function<void(const std::string& session, const launch_status&)> launch_changed;
  /// Told of each session that was opened, and of each transfer that has ended, after the commit; on threads of the
  /// actor system. May be null.
  std::function<void(const std::string& session)> session_opened;
  std::function<void(const event&)> transfer_ended;
};

} // namespace bellhop
