#include "core/ledger.hpp"
#include "core/ledger_rules.hpp"
#include "core/sqlite_events.hpp"
#include "core/sqlite_rows.hpp"
#include "core/sqlite_schema.hpp"
#include "core/sqlite_sessions.hpp"
#include "core/sqlite_statements.hpp"
#include "core/sqlite_transfers.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include <sqlite3.h>

namespace bellhop {

namespace {

using sqlite::query;

class sqlite_ledger final : public ledger {
public:
  sqlite_ledger(path file, SQLite::Database db, bool readonly)
      : file_(std::move(file)), readonly_(readonly), db_(std::move(db)), id_(sqlite::read_id(db_)), sql_(db_),
        sessions_(db_, !readonly), transfers_(sql_, sessions_, id_), events_(sql_, sessions_) {}

  const std::string& id() const override { return id_; }

  transfer_id last_transfer() override { return transfers_.last(); }

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

  void set_phase(const std::string& identifier, session_phase phase) override {
    writing([&] {
      auto& session = sessions_.at(identifier);
      session.record.phase = phase;
      session.changed = true;
    });
  }

  void set_paused(const std::string& identifier, bool paused) override {
    writing([&] {
      auto& session = sessions_.at(identifier);
      session.record.paused = paused;
      session.changed = true;
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

  std::vector<transfer_id> submit(const std::string& session, std::span<const transfer_request> requests,
                                  time_point now) override {
    return writing([&] { return transfers_.submit(session, requests, now); });
  }

  std::optional<transfer_record> find(transfer_id id) override {
    return reading([&] { return transfers_.find(id); });
  }

  std::vector<transfer_record> list(const list_filter& filter) override {
    return reading([&] { return transfers_.list(filter); });
  }

  std::vector<transfer_record> next_ready(const std::string& session, queue_position after, std::uint32_t limit,
                                          time_point now) override {
    if (!open_)
      return ledger_rules::in_transaction(*this, [&] { return next_ready(session, after, limit, now); });
    return writing([&] { return transfers_.next_ready(session, after, limit, now); });
  }

  std::optional<time_point> next_due(const std::string& session, time_point now) override {
    return reading([&] { return transfers_.next_due(session, now); });
  }

  void save_checkpoint(transfer_id id, const checkpoint& part) override {
    writing([&] { transfers_.save_checkpoint(id, part); });
  }

  void save_waiting(const transfer_record& record) override {
    writing([&] { transfers_.save_waiting(record); });
  }

  bool set_suspended(transfer_id id, bool suspended) override {
    return writing([&] { return transfers_.set_suspended(id, suspended); });
  }

  bool change(transfer_id id, const transfer_change& news) override {
    return writing([&] { return transfers_.change(id, news); });
  }

  std::optional<event> finish(transfer_id id, const outcome& result, time_point now) override {
    return writing([&] { return events_.finish(id, result, now); });
  }

  std::vector<event> events(const std::string& session, event_number after, std::uint32_t limit) override {
    return reading([&] { return events_.events(session, after, limit); });
  }

  void acknowledge(const std::string& session, event_number upto) override {
    writing([&] { events_.acknowledge(session, upto); });
  }

  void remove(transfer_id id) override {
    writing([&] { events_.remove(id); });
  }

  pruned prune(const std::string& session, time_point cutoff) override {
    return writing([&] { return events_.prune(session, cutoff); });
  }

private:
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

  path file_;
  bool readonly_;
  bool sync_wanted_ = false;
  SQLite::Database db_;
  std::string id_;
  sqlite::statements sql_;
  sqlite::session_table sessions_;
  sqlite::transfer_table transfers_;
  sqlite::event_table events_;
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
