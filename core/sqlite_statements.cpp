#include "core/sqlite_statements.hpp"

#include "core/sqlite_rows.hpp"

#include <fmt/format.h>

// The states in SQL: 0 suspended, 1 queued, 3 waiting, 5 and above terminal (core/ledger_format.md).

namespace bellhop::sqlite {

namespace {

std::string select_transfer(const char* rest) {
  return fmt::format("SELECT {} FROM transfers {}", transfer_columns, rest);
}

constexpr auto set_part = "part = ?, part_inode = ?, part_position = ?, part_hash = ?, part_total = ?, part_etag = ?, "
                          "part_last_modified = ?";

std::string update_with_part(const char* rest) {
  return fmt::format("UPDATE transfers SET {}, {}", set_part, rest);
}

} // namespace

statements::statements(SQLite::Database& db)
    : begin(db, "BEGIN IMMEDIATE"), commit(db, "COMMIT"), rollback(db, "ROLLBACK"), insert(db, sqlite::insert_transfer),
      find(db, select_transfer("WHERE id = ?")),
      ids(db, "SELECT id FROM transfers WHERE session = ? AND state = ? AND id > ? ORDER BY id LIMIT ?"),
      ready_at(db, select_transfer("WHERE session = ? AND state = 1 AND due_us IS NULL AND priority = ? AND id > ? "
                                   "ORDER BY id LIMIT ?")),
      ready_below(db, select_transfer("WHERE session = ? AND state = 1 AND due_us IS NULL AND priority < ? "
                                      "ORDER BY priority DESC, id LIMIT ?")),
      make_ready(db, "UPDATE transfers SET state = 1, due_us = NULL, waiting_for = 0 "
                     "WHERE session = ? AND state = ? AND due_us BETWEEN ? AND ?"),
      next_due(db, "SELECT min(due_us) FROM transfers WHERE session = ? AND state = ? AND due_us > ?"),
      state(db, "SELECT session, state FROM transfers WHERE id = ?"),
      save_part(db, update_with_part("received = ?, total = ? WHERE id = ? AND state < 5")),
      clear_part(db, "UPDATE transfers SET part = NULL, part_inode = NULL, part_position = NULL, part_hash = NULL, "
                     "part_total = NULL, part_etag = NULL, part_last_modified = NULL WHERE id = ?"),
      save_waiting(db, update_with_part("received = ?, total = ?, state = 3, due_us = ?, waiting_for = ?, "
                                        "attempts = ?, failures = ?, mismatches = ?, error = ? WHERE id = ?")),
      suspend(db, "UPDATE transfers SET state = 0, due_us = NULL, waiting_for = 0 WHERE id = ?"),
      resume(db, "UPDATE transfers SET state = 1, due_us = CASE state WHEN 3 THEN NULL ELSE begin_us END, "
                 "waiting_for = 0 WHERE id = ?"),
      change(db, "UPDATE transfers SET state = ?, due_us = ?, waiting_for = ?, priority = ?, begin_us = ?, "
                 "headers = ?, options = ? WHERE id = ?"),
      ending(db, "SELECT session, state, url, destination, metadata FROM transfers WHERE id = ?"),
      finish(db, update_with_part("state = ?, due_us = NULL, waiting_for = 0, attempts = ?, received = ?, total = ?, "
                                  "finished_us = ?, event = ?, error = ?, published = ?, sha256 = ? WHERE id = ?")),
      insert_event(db, "INSERT INTO events(session, seq, time_us, transfer, type) VALUES(?, ?, ?, ?, ?)"),
      events(db, "SELECT e.seq, e.time_us, e.transfer, e.type, t.url, t.destination, t.published, t.received, t.error, "
                 "t.sha256, t.metadata FROM events e CROSS JOIN transfers t ON t.id = e.transfer "
                 "WHERE e.session = ? AND e.seq > ? ORDER BY e.seq LIMIT ?"),
      count_events(db, "SELECT count(*) FROM events WHERE session = ? AND seq > ? AND seq <= ?"),
      old_transfers(db, "SELECT transfer FROM events WHERE session = ? AND seq <= ? AND time_us < ? ORDER BY seq "
                        "LIMIT ?"),
      removable(db, "SELECT session, state, event, part, destination, options FROM transfers WHERE id = ?"),
      remove_transfer(db, "DELETE FROM transfers WHERE id = ?"),
      remove_event(db, "DELETE FROM events WHERE session = ? AND seq = ?"),
      remove_transfers(db, "DELETE FROM transfers WHERE session = ?"),
      remove_events(db, "DELETE FROM events WHERE session = ?"),
      last_id(db, "SELECT seq FROM sqlite_sequence WHERE name = 'transfers'") {}

} // namespace bellhop::sqlite
