#include "core/sqlite_sessions.hpp"

#include "core/json.hpp"
#include "core/ledger_rules.hpp"
#include "core/sqlite_rows.hpp"

namespace bellhop::sqlite {

namespace {

static_assert(static_cast<int>(session_phase::open) == 0 && static_cast<int>(session_phase::finishing) == 1 &&
              static_cast<int>(session_phase::cancelling) == 2);

session_row read_session(const query& row) {
  const auto number = [&](int column) { return static_cast<std::uint64_t>(row.integer(column)); };
  session_row session;
  session.number = row.integer(0);
  session.record.identifier = row.text(1);
  session.record.configuration = configuration_from_json(json::parse(row.text(2)));
  session.record.created_at = from_micros(row.integer(3));
  session.record.acknowledged = {number(4)};
  session.record.last_event = {number(5)};
  session.record.phase = static_cast<session_phase>(row.integer(13));
  session.record.paused = row.integer(14) != 0;
  session.counts = {number(6), number(7), number(8), number(9), number(10), number(11), number(12)};
  return session;
}

} // namespace

session_table::session_table(SQLite::Database& db, bool sole_writer)
    : db_(db), sole_writer_(sole_writer),
      select_(db, "SELECT number, identifier, configuration, created_us, acknowledged, last_event, suspended, queued, "
                  "waiting, completed, failed, cancelled, unacknowledged, phase, paused FROM sessions"),
      upsert_(db, "INSERT INTO sessions(identifier, configuration, created_us) VALUES(?, ?, ?) "
                  "ON CONFLICT(identifier) DO UPDATE SET configuration = excluded.configuration"),
      update_(db, "UPDATE sessions SET acknowledged = ?, last_event = ?, suspended = ?, queued = ?, waiting = ?, "
                  "completed = ?, failed = ?, cancelled = ?, unacknowledged = ?, phase = ?, paused = ? "
                  "WHERE number = ?"),
      delete_(db, "DELETE FROM sessions WHERE number = ?") {}

void session_table::load() {
  if (loaded_ && sole_writer_)
    return;
  rows_.clear();
  numbers_.clear();
  query select{select_};
  while (select.step()) {
    auto session = read_session(select);
    numbers_.emplace(session.record.identifier, session.number);
    rows_.emplace(session.number, std::move(session));
  }
  loaded_ = true;
}

session_row* session_table::find(const std::string& identifier) {
  load();
  const auto number = numbers_.find(identifier);
  return number == numbers_.end() ? nullptr : &rows_.at(number->second);
}

session_row& session_table::at(const std::string& identifier) {
  if (auto* row = find(identifier))
    return *row;
  ledger_rules::throw_unknown_session(identifier);
}

session_row& session_table::at(std::int64_t number) {
  load();
  return rows_.at(number);
}

const std::map<std::int64_t, session_row>& session_table::all() {
  load();
  return rows_;
}

session_row& session_table::put(const std::string& identifier, const session_configuration& configuration,
                                time_point now) {
  load();
  const auto text = to_json(configuration).dump(-1, ' ', false, json::error_handler_t::replace);
  query{upsert_}.text(1, identifier).text(2, text).integer(3, to_micros(now)).run();
  if (auto* known = find(identifier)) {
    known->record.configuration = configuration;
    return *known;
  }
  session_row session;
  session.number = db_.getLastInsertRowid();
  session.record.identifier = identifier;
  session.record.configuration = configuration;
  session.record.created_at = now;
  numbers_.emplace(identifier, session.number);
  return rows_.emplace(session.number, std::move(session)).first->second;
}

void session_table::erase(session_row& session) {
  query{delete_}.integer(1, session.number).run();
  numbers_.erase(session.record.identifier);
  rows_.erase(session.number);
}

void session_table::write_back() {
  for (auto& [number, session] : rows_) {
    if (!session.changed)
      continue;
    const auto& counts = session.counts;
    query update{update_};
    int parameter = 0;
    for (const auto value :
         {session.record.acknowledged.value, session.record.last_event.value, counts.suspended, counts.queued,
          counts.waiting, counts.completed, counts.failed, counts.cancelled, counts.unacknowledged_events})
      update.integer(++parameter, static_cast<std::int64_t>(value));
    update.integer(++parameter, static_cast<int>(session.record.phase));
    update.integer(++parameter, session.record.paused ? 1 : 0);
    update.integer(++parameter, number).run();
    session.changed = false;
  }
}

void session_table::forget() noexcept {
  loaded_ = false;
}

} // namespace bellhop::sqlite
