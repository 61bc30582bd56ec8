#pragma once

#include <SQLiteCpp/Database.h>
#include <boost/filesystem/path.hpp>

namespace bellhop::test {

/// A ledger as the first release of the format wrote it (user_version 1), with one session "s" of seven transfers, of
/// which 3 failed, 4 completed and 5 was cancelled. It stays as it is, whatever becomes of the format.
inline void write_version_1(const boost::filesystem::path& file) {
  SQLite::Database db{file.native(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  db.exec(R"(
PRAGMA journal_mode = WAL;
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions(
  number INTEGER PRIMARY KEY, identifier TEXT NOT NULL UNIQUE, configuration TEXT NOT NULL,
  created_us INTEGER NOT NULL, acknowledged INTEGER NOT NULL DEFAULT 0, last_event INTEGER NOT NULL DEFAULT 0,
  suspended INTEGER NOT NULL DEFAULT 0, queued INTEGER NOT NULL DEFAULT 0, waiting INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0,
  unacknowledged INTEGER NOT NULL DEFAULT 0);
CREATE TABLE transfers(
  id INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL, state INTEGER NOT NULL, priority REAL NOT NULL,
  due_us INTEGER, begin_us INTEGER, submitted_us INTEGER NOT NULL, finished_us INTEGER, event INTEGER,
  waiting_for INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
  mismatches INTEGER NOT NULL DEFAULT 0, received INTEGER NOT NULL DEFAULT 0, total INTEGER,
  on_conflict INTEGER NOT NULL, url TEXT NOT NULL, destination TEXT NOT NULL, checksum TEXT, headers TEXT, options TEXT,
  part TEXT, part_inode INTEGER, part_position INTEGER, part_hash INTEGER, part_total INTEGER, part_etag TEXT,
  part_last_modified TEXT, error TEXT, published TEXT, sha256 TEXT, metadata TEXT);
CREATE INDEX transfers_by_state ON transfers(session, state);
CREATE INDEX transfers_ready ON transfers(session, priority DESC) WHERE state = 1 AND due_us IS NULL;
CREATE INDEX transfers_due ON transfers(session, state, due_us) WHERE due_us IS NOT NULL;
CREATE TABLE events(
  session INTEGER NOT NULL, seq INTEGER NOT NULL, time_us INTEGER NOT NULL, transfer INTEGER NOT NULL,
  type INTEGER NOT NULL, PRIMARY KEY(session, seq)) WITHOUT ROWID;

INSERT INTO meta VALUES('ledger_id', '0123456789abcdef0123456789abcdef');
INSERT INTO sessions VALUES(1, 's', '{"kind":"default","durability":"crash","max_active":7,"headers":[]}',
  1800000000000000, 1, 3, 1, 2, 1, 1, 1, 1, 2);
INSERT INTO transfers(id, session, state, priority, submitted_us, on_conflict, url, destination, headers, part,
    part_inode, part_position, part_hash, part_total, part_etag, received, total)
  VALUES(1, 1, 1, 0.5, 1800000000000000, 0, 'https://example.org/1', '/downloads/1', 'Accept: */*' || char(10),
    '.bellhop-1.part', 11, 4096, -81985529216486896, 10000, '"a"', 4096, 10000);
INSERT INTO transfers(id, session, state, priority, submitted_us, on_conflict, url, destination, options)
  VALUES(2, 1, 1, 0.75, 1800000000000000, 2, 'https://example.org/2', '/downloads', '{"name_from_server":true}');
INSERT INTO transfers(id, session, state, priority, submitted_us, finished_us, event, attempts, on_conflict, url,
    destination, part, part_inode, part_position, part_hash, received, error)
  VALUES(3, 1, 6, 0.5, 1800000000000000, 1800000001000000, 1, 4, 0, 'https://example.org/3', '/downloads/3',
    '.bellhop-3.part', 13, 5, 99, 5, '{"domain":"http","code":"http_status","message":"gone","status":410}');
INSERT INTO transfers(id, session, state, priority, submitted_us, finished_us, event, attempts, on_conflict, url,
    destination, received, total, metadata)
  VALUES(4, 1, 5, 0.5, 1800000000000000, 1800000002000000, 2, 1, 0, 'https://example.org/4', '/downloads/4', 9, 9,
    '{"album": 5}');
INSERT INTO transfers(id, session, state, priority, submitted_us, finished_us, event, on_conflict, url, destination,
    part, part_inode, part_position, part_hash)
  VALUES(5, 1, 7, 0.5, 1800000000000000, 1800000003000000, 3, 0, 'https://example.org/5', '/downloads/5',
    '.bellhop-5.part', 15, 5, 99);
INSERT INTO transfers(id, session, state, priority, submitted_us, on_conflict, url, destination)
  VALUES(6, 1, 0, 0.5, 1800000000000000, 0, 'https://example.org/6', '/downloads/6');
INSERT INTO transfers(id, session, state, priority, due_us, submitted_us, waiting_for, attempts, failures, on_conflict,
    url, destination)
  VALUES(7, 1, 3, 0.5, 1800000600000000, 1800000000000000, 1, 2, 2, 0, 'https://example.org/7', '/downloads/7');
INSERT INTO events VALUES(1, 1, 1800000001000000, 3, 1);
INSERT INTO events VALUES(1, 2, 1800000002000000, 4, 0);
INSERT INTO events VALUES(1, 3, 1800000003000000, 5, 2);
PRAGMA application_id = 1112035152;
PRAGMA user_version = 1;
)");
}

} // namespace bellhop::test
