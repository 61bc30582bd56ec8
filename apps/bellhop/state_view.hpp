#pragma once

#include "core/ledger.hpp"
#include "core/transfer.hpp"
#include "facade/bellhop.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bellhop::cli {

/// What list, status, sessions and events look into: the daemon if one runs, else the ledger at rest, also beside an
/// engine that runs in another process. Nothing is started or changed by it. Errors are thrown as `failure`.
class state_view {
public:
  virtual ~state_view() = default;

  virtual bool of_daemon() const noexcept = 0;
  virtual std::vector<session_summary> sessions() = 0;
  /// Throws `unknown_session`, as the ones below.
  virtual session_status status(const std::string& session) = 0;
  virtual std::vector<transfer_record> list(const list_filter&) = 0;
  /// Throws `unknown_transfer` also for one of another session, and says of which.
  virtual transfer_record find(const std::string& session, transfer_id) = 0;
  virtual std::vector<event> events(const std::string& session, event_number after, std::uint32_t limit) = 0;
};

std::unique_ptr<state_view> look_into_state();

/// The daemon's or, never null, that of a state directory in which nothing was recorded yet.
std::unique_ptr<state_view> look_into_ledger(const path& state_directory);

/// The session of an engine. Throws `unknown_session`, and names those that there are.
session find_session(engine&, const std::string& identifier);

} // namespace bellhop::cli
