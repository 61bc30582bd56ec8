#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

namespace bellhop::sqlite {

/// The ledger's statements, prepared once: preparing costs more than most of them take. Private to the SQLite ledger.
struct statements {
  explicit statements(SQLite::Database&);

  SQLite::Statement begin;
  SQLite::Statement commit;
  SQLite::Statement rollback;
  SQLite::Statement insert;
  SQLite::Statement find;
  SQLite::Statement ids;
  SQLite::Statement ready_at;
  SQLite::Statement ready_below;
  SQLite::Statement make_ready;
  SQLite::Statement next_due;
  SQLite::Statement state;
  SQLite::Statement save_part;
  SQLite::Statement clear_part;
  SQLite::Statement save_waiting;
  SQLite::Statement suspend;
  SQLite::Statement resume;
  SQLite::Statement change;
  SQLite::Statement ending;
  SQLite::Statement finish;
  SQLite::Statement insert_event;
  SQLite::Statement events;
  SQLite::Statement count_events;
  SQLite::Statement old_transfers;
  SQLite::Statement removable;
  SQLite::Statement remove_transfer;
  SQLite::Statement remove_event;
  SQLite::Statement remove_transfers;
  SQLite::Statement remove_events;
  SQLite::Statement last_id;
};

} // namespace bellhop::sqlite
