#pragma once

#include "core/ledger.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <map>
#include <string>

namespace bellhop::sqlite {

/// A row of the sessions table.
struct session_row {
  /// What the other tables call it.
  std::int64_t number = 0;
  session_record record;
  session_counts counts;
  bool changed = false;
};

/// The sessions table in memory: its counters change with every transfer, and are written once for each transaction.
/// Private to the SQLite ledger; SQLite::Exception is passed on.
class session_table {
public:
  /// `sole_writer`: nobody else changes the table, so what was read stays valid.
  session_table(SQLite::Database&, bool sole_writer);

  /// Valid until `forget` or `erase`; who changes counters, numbers, phase or pause sets
  /// `changed`.
  session_row* find(const std::string& identifier);
  /// Throws `unknown_session`.
  session_row& at(const std::string& identifier);
  session_row& at(std::int64_t number);
  const std::map<std::int64_t, session_row>& all();

  session_row& put(const std::string& identifier, const session_configuration&, time_point now);
  void erase(session_row&);

  /// Before a commit: writes what has changed.
  void write_back();
  /// After a rollback: the database knows better.
  void forget() noexcept;

private:
  void load();

  SQLite::Database& db_;
  bool sole_writer_;
  bool loaded_ = false;
  std::map<std::int64_t, session_row> rows_;
  std::map<std::string, std::int64_t, std::less<>> numbers_;
  SQLite::Statement select_;
  SQLite::Statement upsert_;
  SQLite::Statement update_;
  SQLite::Statement delete_;
};

} // namespace bellhop::sqlite
