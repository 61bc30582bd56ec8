#pragma once

#include "core/ledger.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <string>

/// The ledger's file: opening, schema, migrations, setting aside. Private to the SQLite ledger.
namespace bellhop::sqlite {

/// What this version writes (PRAGMA user_version).
inline constexpr int schema_version = 2;

/// Opens or creates, migrates, and checks that the schema and the meta table can be read. Throws `failure` as
/// `open_sqlite_ledger` promises.
SQLite::Database open(const path& file, durability);

/// Neither creates nor changes anything.
SQLite::Database open_readonly(const path& file);

/// The ledger's id.
std::string read_id(SQLite::Database&);

/// SQLite's error in our terms: `no_space`, `ledger_unreadable` for damage, otherwise `ledger_io`. `doing` completes
/// "cannot ... the ledger FILE".
failure to_failure(const SQLite::Exception&, std::string_view doing, const path& file);

} // namespace bellhop::sqlite
