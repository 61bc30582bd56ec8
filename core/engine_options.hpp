#pragma once

#include "core/http_client.hpp"
#include "core/transfer.hpp"

namespace bellhop {

/// What an engine is made of.
struct engine_options {
  /// Empty: `default_state_directory()`.
  path state;
  http_client_options network;
  /// What the ledger survives. A session with `durability::power` raises it for all.
  durability durable = durability::crash;
};

} // namespace bellhop
