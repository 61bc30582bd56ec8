#include "core/ledger.hpp"
#include "core/ledger_rules.hpp"
#include "core/sqlite_rows.hpp"
#include "core/sqlite_schema.hpp"
#include "core/sqlite_sessions.hpp"
#include "core/sqlite_statements.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

#include <sqlite3.h>

namespace bellhop {

namespace {

using sqlite::query;
using sqlite::session_row;

constexpr int number(transfer_state state) noexcept {
  return static_cast<int>(state);
}

constexpr std::int64_t number(transfer_id id) noexcept {
  return static_cast<std::int64_t>(id.value);
}

constexpr std::int64_t number(event_number seq) noexcept {
  return static_cast<std::int64_t>(seq.value);
}

constexpr transfer_id id_of(std::int64_t value) noexcept {
  return {static_cast<std::uint64_t>(value)};
}

class sqlite_ledger final : public ledger {
public:
  sqlite_ledger(path file, SQLite::Database db, bool readonly)
      : file_(std::move(file)), readonly_(readonly), db_(std::move(db)), id_(sqlite::read_id(db_)), sql_(db_),
        sessions_(db_, !readonly) {
    query last{sql_.last_id};
    last_id_ = last.step() ? last.integer(0) : 0;
  }

  const std::string& id() const override { return id_; }

  transfer_id last_transfer() override { return id_of(last_id_); }

  void require(durability least) override {
    // SQLite takes the setting between transactions only.
    sync_wanted_ = sync_wanted_ || least == durability::power;
  }

  void begin() override {
    if (readonly_)
      throw failure{errc::wrong_state, fmt::format("the ledger {} is open for reading only", file_.native())};
    if (open_)
      throw failure{errc::internal, "a transaction of the ledger is open already"};
    guarded("write", [&] {
      if (std::exchange(sync_wanted_, false))
        db_.exec("PRAGMA synchronous = FULL");
      query{sql_.begin}.run();
    });
    open_ = true;
  }

  void commit() override {
    try {
      writing([&] {
        sessions_.write_back();
        query{sql_.commit}.run();
      });
      open_ = false;
    } catch (...) {
      rollback();
      throw;
    }
  }

  void rollback() noexcept override {
    if (!std::exchange(open_, false))
      return;
    lost_ = {};
    undo();
  }

  session_record put_session(const std::string& identifier, const session_configuration& configuration,
                             time_point now) override {
    return writing([&] { return sessions_.put(identifier, configuration, now).record; });
  }

  std::optional<session_record> find_session(const std::string& identifier) override {
    return reading([&]() -> std::optional<session_record> {
      if (const auto* session = sessions_.find(identifier))
        return session->record;
      return {};
    });
  }

  std::vector<session_record> sessions() override {
    return reading([&] {
      std::vector<session_record> records;
      for (const auto& [key, session] : sessions_.all())
        records.push_back(session.record);
      std::sort(records.begin(), records.end(),
                [](const auto& a, const auto& b) { return a.identifier < b.identifier; });
      return records;
    });
  }

  void remove_session(const std::string& identifier) override {
    writing([&] {
      auto& session = sessions_.at(identifier);
      query{sql_.remove_events}.integer(1, session.number).run();
      query{sql_.remove_transfers}.integer(1, session.number).run();
      sessions_.erase(session);
    });
  }

  session_counts counts(const std::string& session) override {
    return reading([&] { return sessions_.at(session).counts; });
  }

  std::vector<transfer_id> submit(const std::string& identifier, std::span<const transfer_request> requests,
                                  time_point now) override {
    return writing([&] {
      auto& session = sessions_.at(identifier);
      std::vector<transfer_id> ids;
      ids.reserve(requests.size());
      sqlite::request_texts texts;
      for (const auto& request : requests) {
        // Never counted back, not even by a rollback: whoever saw the id before the commit failed holds no other's.
        ids.push_back(id_of(++last_id_));
        query insert{sql_.insert};
        sqlite::bind_request(insert, ids.back(), session.number, request, now, texts);
        insert.run();
        ++(request.suspended ? session.counts.suspended : session.counts.queued);
      }
      session.changed = true;
      return ids;
    });
  }

  std::optional<transfer_record> find(transfer_id id) override {
    return reading([&] { return read(id); });
  }

  std::vector<transfer_record> list(const list_filter& filter) override {
    return reading([&] {
      std::vector<transfer_record> records;
      for (const auto id : page(filter))
        if (auto record = read(id_of(id)))
          records.push_back(std::move(*record));
      return records;
    });
  }

  std::vector<transfer_record> next_ready(const std::string& identifier, queue_position after, std::uint32_t limit,
                                          time_point now) override {
    if (!open_)
      return ledger_rules::in_transaction(*this, [&] { return next_ready(identifier, after, limit, now); });
    return writing([&] {
      auto& session = sessions_.at(identifier);
      make_due_ready(session, now);
      std::vector<transfer_record> records;
      query same{sql_.ready_at};
      same.integer(1, session.number).real(2, after.priority).integer(3, number(after.id)).integer(4, limit);
      append(same, session, records);
      query below{sql_.ready_below};
      below.integer(1, session.number)
          .real(2, after.priority)
          .integer(3, static_cast<std::int64_t>(limit - records.size()));
      append(below, session, records);
      return records;
    });
  }

  std::optional<time_point> next_due(const std::string& identifier, time_point now) override {
    return reading([&] {
      const auto session = sessions_.at(identifier).number;
      std::optional<time_point> earliest;
      for (const auto state : {transfer_state::queued, transfer_state::waiting}) {
        query due{sql_.next_due};
        due.integer(1, session).integer(2, number(state)).integer(3, to_micros(now));
        if (due.step() && !due.is_null(0))
          earliest = std::min(earliest.value_or(time_point::max()), from_micros(due.integer(0)));
      }
      return earliest;
    });
  }

  void save_checkpoint(transfer_id id, const checkpoint& part) override {
    writing([&] {
      query save{sql_.save_part};
      sqlite::bind_part(save, 1, part);
      save.integer(8, part.position).integer_or_null(9, part.total, unknown_size).integer(10, number(id)).run();
    });
  }

  void save_waiting(const transfer_record& record) override {
    writing([&] {
      const auto now = state_of(record.id);
      if (!now || is_terminal(now->state))
        return;
      const auto why = sqlite::error_text(record.last_error);
      query save{sql_.save_waiting};
      sqlite::bind_part(save, 1, record.part);
      save.integer(8, record.received).integer_or_null(9, record.total, unknown_size);
      if (ledger_rules::waits_for_time(record.waiting_for))
        save.integer(10, to_micros(record.retry_at));
      else
        save.null(10);
      save.integer(11, static_cast<int>(record.waiting_for))
          .integer(12, record.attempts)
          .integer(13, record.failures)
          .integer(14, record.mismatches)
          .text_or_null(15, why)
          .integer(16, number(record.id))
          .run();
      count(sessions_.at(now->session), now->state, transfer_state::waiting);
    });
  }

  bool set_suspended(transfer_id id, bool suspended) override {
    return writing([&] {
      const auto now = state_of(id);
      if (!now)
        ledger_rules::throw_unknown_transfer(id);
      const auto next = suspended ? transfer_state::suspended : transfer_state::queued;
      if (is_terminal(now->state) || now->state == next)
        return false;
      query{suspended ? sql_.suspend : sql_.resume}.integer(1, number(id)).run();
      count(sessions_.at(now->session), now->state, next);
      return true;
    });
  }

  std::optional<event> finish(transfer_id id, const outcome& result, time_point now) override {
    const auto state = ledger_rules::state_after(result.type);
    return writing([&]() -> std::optional<event> {
      query row{sql_.ending};
      if (!row.integer(1, number(id)).step())
        ledger_rules::throw_unknown_transfer(id);
      const auto before = static_cast<transfer_state>(row.integer(1));
      if (is_terminal(before))
        return {};
      auto& session = sessions_.at(row.integer(0));
      event ended;
      ended.seq = {session.record.last_event.value + 1};
      ended.time = now;
      ended.session = session.record.identifier;
      ended.transfer = id;
      ended.type = result.type;
      ended.url = row.text(2);
      ended.destination = row.text(3);
      if (state == transfer_state::completed && !result.published.empty())
        ended.destination = result.published;
      ended.received = result.received;
      ended.why = result.why;
      ended.sha256 = result.sha256;
      ended.metadata = row.text(4);
      write_end(ended, state, result, session);
      session.record.last_event = ended.seq;
      ++session.counts.unacknowledged_events;
      count(session, before, state);
      return ended;
    });
  }

  std::vector<event> events(const std::string& identifier, event_number after, std::uint32_t limit) override {
    return reading([&] {
      const auto& session = sessions_.at(identifier);
      std::vector<event> log;
      query row{sql_.events};
      row.integer(1, session.number).integer(2, number(after)).integer(3, limit);
      while (row.step())
        log.push_back(read_event(row, identifier));
      return log;
    });
  }

  void acknowledge(const std::string& identifier, event_number upto) override {
    writing([&] {
      auto& session = sessions_.at(identifier);
      auto& record = session.record;
      if (upto > record.last_event)
        ledger_rules::throw_beyond_last(upto, record.last_event);
      if (upto <= record.acknowledged)
        return;
      query dealt_with{sql_.count_events};
      dealt_with.integer(1, session.number).integer(2, number(record.acknowledged)).integer(3, number(upto)).step();
      session.counts.unacknowledged_events -= static_cast<std::uint64_t>(dealt_with.integer(0));
      record.acknowledged = upto;
      session.changed = true;
    });
  }

  void remove(transfer_id id) override {
    writing([&] { forget(id); });
  }

  std::uint64_t prune(const std::string& identifier, time_point cutoff) override {
    return writing([&] {
      const auto& session = sessions_.at(identifier);
      std::vector<transfer_id> old;
      {
        query rows{sql_.old_transfers};
        rows.integer(1, session.number)
            .integer(2, number(session.record.acknowledged))
            .integer(3, to_micros(cutoff))
            .integer(4, prune_limit);
        while (rows.step())
          old.push_back(id_of(rows.integer(0)));
      }
      for (const auto id : old)
        forget(id);
      return std::uint64_t{old.size()};
    });
  }

private:
  struct owner_and_state {
    std::int64_t session;
    transfer_state state;
  };

  /// Runs a call and puts SQLite's errors into our terms. SQLite may have undone the whole transaction then, and a call
  /// of several statements may be half done: so all of it is undone, and what follows is refused until `rollback`.
  template <class Call>
  auto guarded(std::string_view doing, Call&& call) -> decltype(call()) {
    try {
      return call();
    } catch (const SQLite::Exception& e) {
      throw give_up(sqlite::to_failure(e, doing, file_));
    } catch (const nlohmann::json::exception& e) {
      throw give_up({errc::ledger_unreadable,
                     fmt::format("cannot {} the ledger {}: a row is damaged ({})", doing, file_.native(), e.what())});
    }
  }

  failure give_up(failure why) noexcept {
    if (open_) {
      undo();
      lost_ = why.why();
    }
    return why;
  }

  template <class Call>
  auto reading(Call&& call) -> decltype(call()) {
    return guarded("read", call);
  }

  template <class Call>
  auto writing(Call&& call) -> decltype(call()) {
    need_transaction();
    return guarded("write", call);
  }

  void need_transaction() {
    if (!open_)
      ledger_rules::throw_no_transaction();
    if (lost_)
      throw failure{lost_};
  }

  void undo() noexcept {
    sessions_.forget();
    // SQLite ends some failed transactions by itself; and one that cannot be ended now is ended by the log's recovery.
    if (sqlite3_get_autocommit(db_.getHandle()) == 0) {
      sql_.rollback.tryExecuteStep();
      sql_.rollback.tryReset();
    }
  }

  static void count(session_row& session, transfer_state from, transfer_state to) {
    --ledger_rules::counter(session.counts, from);
    ++ledger_rules::counter(session.counts, to);
    session.changed = true;
  }

  std::optional<owner_and_state> state_of(transfer_id id) {
    query row{sql_.state};
    if (!row.integer(1, number(id)).step())
      return {};
    return owner_and_state{row.integer(0), static_cast<transfer_state>(row.integer(1))};
  }

  std::optional<transfer_record> read(transfer_id id) {
    query row{sql_.find};
    if (!row.integer(1, number(id)).step())
      return {};
    return sqlite::read_transfer(row, sessions_.at(sqlite::session_number(row)).record.identifier);
  }

  static void append(query& rows, const session_row& session, std::vector<transfer_record>& records) {
    while (rows.step())
      records.push_back(sqlite::read_transfer(rows, session.record.identifier));
  }

  /// The ids of a listing: each state is a range of an index, in the order of ids; their heads are merged.
  std::vector<std::int64_t> page(const list_filter& filter) {
    const auto session = sessions_.at(filter.session).number;
    const std::span<const transfer_state> states =
        filter.states.empty() ? std::span{ledger_rules::states_at_rest} : std::span{filter.states};
    std::vector<std::int64_t> ids;
    for (const auto state : states) {
      query rows{sql_.ids};
      rows.integer(1, session).integer(2, number(state)).integer(3, number(filter.after)).integer(4, filter.limit);
      while (rows.step())
        ids.push_back(rows.integer(0));
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    if (ids.size() > filter.limit)
      ids.resize(filter.limit);
    return ids;
  }

  void make_due_ready(session_row& session, time_point now) {
    constexpr auto ever = std::numeric_limits<std::int64_t>::max();
    const auto too_late = to_micros(now + ledger_rules::longest_wait(session.record.configuration)) + 1;
    const auto make_ready = [&](transfer_state state, std::int64_t first, std::int64_t last) {
      const int changed = query{sql_.make_ready}
                              .integer(1, session.number)
                              .integer(2, number(state))
                              .integer(3, first)
                              .integer(4, last)
                              .run();
      for (int i = 0; i < changed; ++i)
        count(session, state, transfer_state::queued);
    };
    make_ready(transfer_state::queued, 0, to_micros(now));
    make_ready(transfer_state::waiting, 0, to_micros(now));
    make_ready(transfer_state::waiting, too_late, ever);
  }

  void write_end(const event& ended, transfer_state state, const outcome& result, const session_row& session) {
    const bool completed = state == transfer_state::completed;
    const auto why = sqlite::error_text(result.why);
    const std::string published = completed ? result.published.native() : std::string{};
    query{completed ? sql_.complete : sql_.fail}
        .integer(1, number(state))
        .integer(2, result.attempts)
        .integer(3, result.received)
        .integer_or_null(4, result.total, unknown_size)
        .integer(5, to_micros(ended.time))
        .integer(6, number(ended.seq))
        .text_or_null(7, why)
        .text_or_null(8, published)
        .text_or_null(9, result.sha256)
        .integer(10, number(ended.transfer))
        .run();
    query{sql_.insert_event}
        .integer(1, session.number)
        .integer(2, number(ended.seq))
        .integer(3, to_micros(ended.time))
        .integer(4, number(ended.transfer))
        .integer(5, static_cast<int>(ended.type))
        .run();
  }

  static event read_event(const query& row, const std::string& session) {
    event e;
    e.seq = {static_cast<std::uint64_t>(row.integer(0))};
    e.time = from_micros(row.integer(1));
    e.session = session;
    e.transfer = id_of(row.integer(2));
    e.type = static_cast<event_type>(row.integer(3));
    e.url = row.text(4);
    e.destination = row.is_null(6) ? row.text(5) : row.text(6);
    e.received = row.integer(7);
    e.why = sqlite::error_from_text(row.text(8));
    e.sha256 = row.text(9);
    e.metadata = row.text(10);
    return e;
  }

  void forget(transfer_id id) {
    query row{sql_.removable};
    if (!row.integer(1, number(id)).step())
      ledger_rules::throw_unknown_transfer(id);
    const auto state = static_cast<transfer_state>(row.integer(1));
    if (!is_terminal(state))
      ledger_rules::throw_not_ended(id);
    auto& session = sessions_.at(row.integer(0));
    const auto seq = row.integer(2);
    query{sql_.remove_event}.integer(1, session.number).integer(2, seq).run();
    query{sql_.remove_transfer}.integer(1, number(id)).run();
    --ledger_rules::counter(session.counts, state);
    if (seq > number(session.record.acknowledged))
      --session.counts.unacknowledged_events;
    session.changed = true;
  }

  path file_;
  bool readonly_;
  bool sync_wanted_ = false;
  SQLite::Database db_;
  std::string id_;
  sqlite::statements sql_;
  sqlite::session_table sessions_;
  std::int64_t last_id_ = 0;
  bool open_ = false;
  /// Why the open transaction is already undone; or none.
  error lost_;
};

} // namespace

std::unique_ptr<ledger> open_sqlite_ledger(const path& file, durability durable) {
  auto db = sqlite::open(file, durable);
  try {
    return std::make_unique<sqlite_ledger>(file, std::move(db), false);
  } catch (const SQLite::Exception& e) {
    throw sqlite::to_failure(e, "open", file);
  }
}

std::unique_ptr<ledger> open_sqlite_ledger_readonly(const path& file) {
  auto db = sqlite::open_readonly(file);
  try {
    return std::make_unique<sqlite_ledger>(file, std::move(db), true);
  } catch (const SQLite::Exception& e) {
    throw sqlite::to_failure(e, "open", file);
  }
}

} // namespace bellhop
