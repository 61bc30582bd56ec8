#include "core/sqlite_schema.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>
#include <boost/filesystem/operations.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace bellhop::sqlite {

namespace {

/// "BHOP": tells `file` and us whose database it is (PRAGMA application_id).
constexpr int application_id = 0x42484f50;

constexpr int busy_timeout_ms = 5000;

/// Step i leads from version i to i + 1; a released step is never changed.
constexpr std::array<const char*, schema_version> migrations{
    R"(
CREATE TABLE meta(
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO meta VALUES('ledger_id', lower(hex(randomblob(16))));

CREATE TABLE sessions(
  number         INTEGER PRIMARY KEY,
  identifier     TEXT NOT NULL UNIQUE,
  configuration  TEXT NOT NULL,
  created_us     INTEGER NOT NULL,
  acknowledged   INTEGER NOT NULL DEFAULT 0,
  last_event     INTEGER NOT NULL DEFAULT 0,
  suspended      INTEGER NOT NULL DEFAULT 0,
  queued         INTEGER NOT NULL DEFAULT 0,
  waiting        INTEGER NOT NULL DEFAULT 0,
  completed      INTEGER NOT NULL DEFAULT 0,
  failed         INTEGER NOT NULL DEFAULT 0,
  cancelled      INTEGER NOT NULL DEFAULT 0,
  unacknowledged INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE transfers(
  id                 INTEGER PRIMARY KEY AUTOINCREMENT,
  session            INTEGER NOT NULL,
  state              INTEGER NOT NULL,
  priority           REAL NOT NULL,
  due_us             INTEGER,
  begin_us           INTEGER,
  submitted_us       INTEGER NOT NULL,
  finished_us        INTEGER,
  event              INTEGER,
  waiting_for        INTEGER NOT NULL DEFAULT 0,
  attempts           INTEGER NOT NULL DEFAULT 0,
  failures           INTEGER NOT NULL DEFAULT 0,
  mismatches         INTEGER NOT NULL DEFAULT 0,
  received           INTEGER NOT NULL DEFAULT 0,
  total              INTEGER,
  on_conflict        INTEGER NOT NULL,
  url                TEXT NOT NULL,
  destination        TEXT NOT NULL,
  checksum           TEXT,
  headers            TEXT,
  options            TEXT,
  part               TEXT,
  part_inode         INTEGER,
  part_position      INTEGER,
  part_hash          INTEGER,
  part_total         INTEGER,
  part_etag          TEXT,
  part_last_modified TEXT,
  error              TEXT,
  published          TEXT,
  sha256             TEXT,
  metadata           TEXT
);
CREATE INDEX transfers_by_state ON transfers(session, state);
CREATE INDEX transfers_ready ON transfers(session, priority DESC) WHERE state = 1 AND due_us IS NULL;
CREATE INDEX transfers_due ON transfers(session, state, due_us) WHERE due_us IS NOT NULL;

CREATE TABLE events(
  session  INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  time_us  INTEGER NOT NULL,
  transfer INTEGER NOT NULL,
  type     INTEGER NOT NULL,
  PRIMARY KEY(session, seq)
) WITHOUT ROWID;
)",
    // Until now an ended transfer's part was removed, but its columns stayed; from now on they say that it is there.
    R"(
ALTER TABLE sessions ADD COLUMN phase INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
UPDATE transfers SET part = NULL, part_inode = NULL, part_position = NULL, part_hash = NULL, part_total = NULL,
  part_etag = NULL, part_last_modified = NULL WHERE state >= 5 AND part IS NOT NULL;
)"};

std::int64_t ask(SQLite::Database& db, const char* pragma) {
  return db.execAndGet(pragma).getInt64();
}

/// While the file is not known to be good, closing must not write the log back into it.
void checkpoint_on_close(SQLite::Database& db, bool enable) {
  sqlite3_db_config(db.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, enable ? 0 : 1, nullptr);
}

failure too_new(const path& file, std::int64_t version) {
  return {errc::ledger_too_new, fmt::format("the ledger {} has version {}, this Bellhop knows versions up to {}: use a "
                                            "newer Bellhop, or set BELLHOP_STATE_DIR to another directory",
                                            file.native(), version, schema_version)};
}

/// The version of a file that is ours, or 0 for one that is still empty. A database of another program counts as
/// damaged.
int check_version(SQLite::Database& db, const path& file) {
  const auto version = ask(db, "PRAGMA user_version");
  const auto application = ask(db, "PRAGMA application_id");
  const bool empty = ask(db, "SELECT count(*) FROM sqlite_master") == 0;
  if (application != application_id && !(empty && application == 0 && version == 0))
    throw SQLite::Exception("it is another program's database", SQLITE_NOTADB);
  if (version > schema_version)
    throw too_new(file, version);
  if (version < 0 || (version == 0) != empty)
    throw SQLite::Exception("its version and its tables do not fit", SQLITE_CORRUPT);
  return static_cast<int>(version);
}

void use_write_ahead_log(SQLite::Database& db, const path& file) {
  if (db.execAndGet("PRAGMA journal_mode = WAL").getString() != "wal")
    throw failure{errc::ledger_io, fmt::format("the file system of {} cannot hold the ledger (no shared memory): set "
                                               "BELLHOP_STATE_DIR to a directory on a local disk",
                                               file.native())};
}

void migrate(SQLite::Database& db, int version) {
  if (version == schema_version)
    return;
  db.exec("BEGIN IMMEDIATE");
  for (int step = version; step < schema_version; ++step)
    db.exec(migrations[static_cast<std::size_t>(step)]);
  db.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, schema_version));
  db.exec("COMMIT");
}

/// Bounds the memory; the log's bounds are measured in core/ledger_format.md.
void configure(SQLite::Database& db, durability durable) {
  db.exec(durable == durability::power ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  db.exec("PRAGMA cache_size = -2048;"
          "PRAGMA temp_store = MEMORY;"
          "PRAGMA trusted_schema = OFF;"
          // Removed rows hold credentials: overwrite them where that costs no further write.
          "PRAGMA secure_delete = FAST;"
          "PRAGMA wal_autocheckpoint = 1024;"
          "PRAGMA journal_size_limit = 16777216");
}

SQLite::Database open_database(const path& file, int flags) {
  // One thread at a time uses a ledger, so SQLite's own mutexes are left out.
  return SQLite::Database{file.native(), flags | SQLite::OPEN_NOMUTEX, busy_timeout_ms};
}

/// Creates the file for this user only; the log and its index get the same mode from SQLite. An existing file is not
/// opened here: closing it would drop the locks that SQLite holds on it elsewhere in this process.
void make_private(const path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return;
  }
  const int why = errno;
  if (why != EEXIST)
    throw failure{why == ENOSPC || why == EDQUOT ? errc::no_space : errc::ledger_io,
                  fmt::format("cannot create the ledger {}: {}", file.native(), std::strerror(why))};
  // If it is not ours, opening it decides.
  [[maybe_unused]] const int narrowed = ::chmod(file.c_str(), 0600);
}

bool is_full(const path& file) {
  struct statvfs info {};
  return ::statvfs(file.c_str(), &info) == 0 && info.f_bavail == 0;
}

path with_suffix(const path& file, std::string_view suffix) {
  return path{file.native() + std::string{suffix}};
}

/// Renames the file and what belongs to it, so that it can be looked at, and the next start begins anew.
[[noreturn]] void set_aside(const path& file, const std::string& why) {
  auto aside = with_suffix(file, fmt::format(".unreadable-{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time(nullptr))));
  boost::system::error_code ignored;
  for (int i = 2; boost::filesystem::exists(aside, ignored); ++i)
    aside = with_suffix(file, fmt::format(".unreadable-{:%Y%m%dT%H%M%SZ}-{}", fmt::gmtime(std::time(nullptr)), i));
  if (::rename(file.c_str(), aside.c_str()) != 0)
    throw failure{errc::ledger_unreadable,
                  fmt::format("the ledger {} cannot be read ({}), and it cannot be set aside: {}; move it away and run "
                              "again to start with an empty ledger",
                              file.native(), why, std::strerror(errno))};
  for (const char* companion : {"-wal", "-shm"})
    // Often there is none.
    [[maybe_unused]] const int renamed =
        ::rename(with_suffix(file, companion).c_str(), with_suffix(aside, companion).c_str());
  throw failure{errc::ledger_unreadable, fmt::format("the ledger {} cannot be read ({}); it was set aside as {}: run "
                                                     "again to start with an empty ledger",
                                                     file.native(), why, aside.native())};
}

/// Whether the content, not the reading of it, is at fault. SQLITE_ERROR is a schema that is not ours.
bool is_damage(const SQLite::Exception& e) {
  const int code = e.getErrorCode() & 0xff;
  return code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR || code == SQLITE_FORMAT;
}

/// Reads one row by every table's key, which shows roots that are damaged.
void check_tables(SQLite::Database& db) {
  if (read_id(db).size() != 32)
    throw SQLite::Exception("its id is missing", SQLITE_CORRUPT);
  for (const char* table : {"sessions", "transfers", "events"})
    SQLite::Statement{db, fmt::format("SELECT * FROM {} LIMIT 1", table)}.executeStep();
}

SQLite::Database open_unguarded(const path& file, durability durable) {
  auto db = open_database(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  checkpoint_on_close(db, false);
  const int version = check_version(db, file);
  // Before anything is written: what is set aside should be as it was found.
  if (version != 0)
    check_tables(db);
  // An empty ledger that a loss of power spoils is no loss; syncing it took longer than all else at a first start.
  if (version == 0 && durable == durability::crash)
    db.exec("PRAGMA synchronous = OFF");
  use_write_ahead_log(db, file);
  migrate(db, version);
  configure(db, durable);
  checkpoint_on_close(db, true);
  return db;
}

} // namespace

SQLite::Database open(const path& file, durability durable) {
  make_private(file);
  std::string damage;
  try {
    return open_unguarded(file, durable);
  } catch (const SQLite::Exception& e) {
    if (!is_damage(e))
      throw to_failure(e, "open", file);
    damage = e.what();
  }
  set_aside(file, damage);
}

SQLite::Database open_readonly(const path& file) {
  boost::system::error_code ignored;
  if (!boost::filesystem::exists(file, ignored))
    throw failure{errc::ledger_io, fmt::format("there is no ledger {}", file.native())};
  try {
    auto db = open_database(file, SQLite::OPEN_READONLY);
    if (check_version(db, file) != schema_version)
      throw failure{errc::ledger_io, fmt::format("the ledger {} is older than this Bellhop, which brings it up to date "
                                                 "when its engine starts",
                                                 file.native())};
    check_tables(db);
    return db;
  } catch (const SQLite::Exception& e) {
    if (is_damage(e))
      throw failure{errc::ledger_unreadable, fmt::format("the ledger {} cannot be read: {}", file.native(), e.what())};
    throw to_failure(e, "open", file);
  }
}

std::string read_id(SQLite::Database& db) {
  SQLite::Statement select{db, "SELECT value FROM meta WHERE key = 'ledger_id'"};
  return select.executeStep() ? select.getColumn(0).getString() : std::string{};
}

failure to_failure(const SQLite::Exception& e, std::string_view doing, const path& file) {
  const int code = e.getErrorCode() & 0xff;
  // A log or its index that cannot grow is reported as an I/O error.
  if (code == SQLITE_FULL || ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && is_full(file)))
    return {errc::no_space,
            fmt::format("cannot {} the ledger {}: no space is left there; free some", doing, file.native())};
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    return {
        errc::ledger_unreadable,
        fmt::format("cannot {} the ledger {}: it is damaged ({}); stop Bellhop and move the file away to start with "
                    "an empty one",
                    doing, file.native(), e.what())};
  return {errc::ledger_io, fmt::format("cannot {} the ledger {}: {}", doing, file.native(), e.what())};
}

} // namespace bellhop::sqlite
