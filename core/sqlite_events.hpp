#pragma once

#include "core/ledger.hpp"
#include "core/sqlite_sessions.hpp"
#include "core/sqlite_statements.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bellhop::sqlite {

/// Ends: terminal states with their events, the log of events, and what is forgotten of both. Keeps the sessions'
/// counters. Private to the SQLite ledger, whose calls of the same names say what each one does; SQLite::Exception is
/// passed on.
class event_table {
public:
  event_table(statements&, session_table&);

  std::optional<event> finish(transfer_id, const outcome&, time_point now);
  std::vector<event> events(const std::string& session, event_number after, std::uint32_t limit);
  void acknowledge(const std::string& session, event_number upto);
  void remove(transfer_id);
  pruned prune(const std::string& session, time_point cutoff);

private:
  void write_end(const event&, transfer_state, const outcome&, const session_row&);
  /// Answers the part that it has left behind.
  std::optional<obsolete_part> forget(transfer_id);

  statements& sql_;
  session_table& sessions_;
};

} // namespace bellhop::sqlite
