#pragma once

#include "core/ledger.hpp"
#include "core/sqlite_sessions.hpp"
#include "core/sqlite_statements.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bellhop::sqlite {

/// Moves one transfer of a session from one state to another.
void count(session_row&, transfer_state from, transfer_state to);

/// The transfers table, as far as they have not ended: what is submitted, what starts next, what it waits for. Keeps
/// the sessions' counters. Private to the SQLite ledger, whose calls of the same names say what each one does;
/// SQLite::Exception is passed on.
class transfer_table {
public:
  transfer_table(statements&, session_table&, const std::string& ledger_id);

  transfer_id last() const noexcept { return {static_cast<std::uint64_t>(last_id_)}; }

  std::vector<transfer_id> submit(const std::string& session, std::span<const transfer_request>, time_point now);
  std::optional<transfer_record> find(transfer_id);
  std::vector<transfer_record> list(const list_filter&);
  std::vector<transfer_record> next_ready(const std::string& session, queue_position after, std::uint32_t limit,
                                          time_point now);
  std::optional<time_point> next_due(const std::string& session, time_point now);
  void save_checkpoint(transfer_id, const checkpoint&);
  void save_waiting(const transfer_record&);
  bool set_suspended(transfer_id, bool suspended);
  bool change(transfer_id, const transfer_change&);

private:
  struct owner_and_state {
    std::int64_t session;
    transfer_state state;
  };

  std::optional<owner_and_state> state_of(transfer_id);
  std::vector<std::int64_t> page(const list_filter&);
  void make_due_ready(session_row&, time_point now);
  void take_over_part(transfer_id, const transfer_request&);

  statements& sql_;
  session_table& sessions_;
  std::string ledger_id_;
  std::int64_t last_id_ = 0;
};

} // namespace bellhop::sqlite
