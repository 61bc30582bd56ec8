#include "core/ledger.hpp"
#include "core/ledger_rules.hpp"
#include "core/unique_function.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

namespace bellhop {

namespace {

/// The order of start.
struct by_start {
  bool operator()(const queue_position& a, const queue_position& b) const noexcept {
    return a.priority != b.priority ? a.priority > b.priority : a.id < b.id;
  }
};

struct log_entry {
  time_point time{};
  transfer_id transfer;
  event_type type = event_type::completed;
};

struct transfer_row {
  transfer_record record;
  /// When a queued or waiting row may start; none means it may now, or (waiting) not by itself.
  std::optional<time_point> due;
  /// Its terminal event.
  event_number ended_by;
};

/// A session with the indexes over its rows.
struct session_rows {
  session_record record;
  session_counts counts;
  std::set<transfer_id> ids;
  std::set<queue_position, by_start> ready;
  std::set<std::pair<time_point, transfer_id>> due;
  std::map<event_number, log_entry> log;
};

/// Every change goes through three operations (`put_row`, `put_entry`, `put_header`), each of which keeps the indexes
/// and notes its inverse: a rollback runs the inverses backwards.
class memory_ledger final : public ledger {
public:
  memory_ledger() {
    std::random_device random;
    constexpr char digits[] = "0123456789abcdef";
    for (int i = 0; i < 32; ++i)
      id_ += digits[random() % 16];
  }

  const std::string& id() const override { return id_; }

  transfer_id last_transfer() override { return {last_id_}; }

  void require(durability) override {}

  void begin() override {
    if (open_)
      throw failure{errc::internal, "a transaction of the ledger is open already"};
    open_ = true;
  }

  void commit() override {
    need_transaction();
    inverses_.clear();
    open_ = false;
  }

  void rollback() noexcept override {
    // The inverses note inverses in turn, which nobody needs.
    auto inverses = std::exchange(inverses_, {});
    for (auto inverse = inverses.rbegin(); inverse != inverses.rend(); ++inverse)
      (*inverse)();
    inverses_.clear();
    open_ = false;
  }

  session_record put_session(const std::string& identifier, const session_configuration& configuration,
                             time_point now) override {
    need_transaction();
    const auto known = sessions_.find(identifier);
    session_record record =
        known == sessions_.end() ? session_record{identifier, {}, now, {}, {}} : known->second.record;
    record.configuration = configuration;
    put_header(identifier, record);
    return record;
  }

  std::optional<session_record> find_session(const std::string& identifier) override {
    const auto known = sessions_.find(identifier);
    return known == sessions_.end() ? std::nullopt : std::optional{known->second.record};
  }

  std::vector<session_record> sessions() override {
    std::vector<session_record> records;
    for (const auto& [identifier, session] : sessions_)
      records.push_back(session.record);
    return records;
  }

  void remove_session(const std::string& identifier) override {
    need_transaction();
    auto& session = at(identifier);
    while (!session.log.empty())
      put_entry(identifier, session.log.begin()->first, {});
    while (!session.ids.empty())
      put_row(*session.ids.begin(), {});
    put_header(identifier, {});
  }

  session_counts counts(const std::string& session) override { return at(session).counts; }

  std::vector<transfer_id> submit(const std::string& session, std::span<const transfer_request> requests,
                                  time_point now) override {
    need_transaction();
    at(session);
    std::vector<transfer_id> ids;
    for (const auto& request : requests) {
      transfer_row row;
      row.record.id = {++last_id_};
      row.record.session = session;
      row.record.request = request;
      row.record.state = request.suspended ? transfer_state::suspended : transfer_state::queued;
      row.record.submitted_at = now;
      if (!request.suspended && request.earliest_begin > now)
        row.due = request.earliest_begin;
      ids.push_back(row.record.id);
      put_row(ids.back(), std::move(row));
    }
    return ids;
  }

  std::optional<transfer_record> find(transfer_id id) override {
    const auto row = rows_.find(id);
    return row == rows_.end() ? std::nullopt : std::optional{row->second.record};
  }

  std::vector<transfer_record> list(const list_filter& filter) override {
    const auto& ids = at(filter.session).ids;
    std::vector<transfer_record> records;
    for (auto id = ids.upper_bound(filter.after); id != ids.end() && records.size() < filter.limit; ++id) {
      const auto& record = rows_.at(*id).record;
      const auto& states = filter.states;
      if (states.empty() || std::find(states.begin(), states.end(), record.state) != states.end())
        records.push_back(record);
    }
    return records;
  }

  std::vector<transfer_record> next_ready(const std::string& identifier, queue_position after, std::uint32_t limit,
                                          time_point now) override {
    if (!open_)
      return ledger_rules::in_transaction(*this, [&] { return next_ready(identifier, after, limit, now); });
    auto& session = at(identifier);
    make_due_ready(session, now);
    std::vector<transfer_record> records;
    for (auto next = session.ready.upper_bound(after); next != session.ready.end() && records.size() < limit; ++next)
      records.push_back(rows_.at(next->id).record);
    return records;
  }

  std::optional<time_point> next_due(const std::string& identifier, time_point now) override {
    const auto& due = at(identifier).due;
    const auto next = due.upper_bound({now, transfer_id{~std::uint64_t{0}}});
    return next == due.end() ? std::nullopt : std::optional{next->first};
  }

  void save_checkpoint(transfer_id id, const checkpoint& part) override {
    need_transaction();
    if (auto row = unfinished(id)) {
      row->record.part = part ? part : checkpoint{};
      row->record.received = part.position;
      row->record.total = part.total;
      put_row(id, std::move(row));
    }
  }

  void save_waiting(const transfer_record& news) override {
    need_transaction();
    auto row = unfinished(news.id);
    if (!row)
      return;
    const bool timed = ledger_rules::waits_for_time(news.waiting_for);
    auto& record = row->record;
    to_rest(record, transfer_state::waiting);
    record.waiting_for = news.waiting_for;
    record.retry_at = timed ? news.retry_at : time_point{};
    row->due = timed ? std::optional{news.retry_at} : std::nullopt;
    record.attempts = news.attempts;
    record.failures = news.failures;
    record.mismatches = news.mismatches;
    record.part = news.part ? news.part : checkpoint{};
    record.received = news.received;
    record.total = news.total;
    record.last_error = news.last_error;
    put_row(news.id, std::move(row));
  }

  bool set_suspended(transfer_id id, bool suspended) override {
    need_transaction();
    if (rows_.count(id) == 0)
      ledger_rules::throw_unknown_transfer(id);
    auto row = unfinished(id);
    const auto next = suspended ? transfer_state::suspended : transfer_state::queued;
    if (!row || row->record.state == next)
      return false;
    const auto begin = row->record.request.earliest_begin;
    const bool waits_to_begin = row->record.state == transfer_state::suspended && begin != time_point{};
    row->due = waits_to_begin ? std::optional{begin} : std::nullopt;
    to_rest(row->record, next);
    put_row(id, std::move(row));
    return true;
  }

  std::optional<event> finish(transfer_id id, const outcome& result, time_point now) override {
    const auto state = ledger_rules::state_after(result.type);
    need_transaction();
    if (rows_.count(id) == 0)
      ledger_rules::throw_unknown_transfer(id);
    auto row = unfinished(id);
    if (!row)
      return {};
    auto header = at(row->record.session).record;
    ++header.last_event.value;
    row->ended_by = header.last_event;
    row->due = {};
    end(row->record, state, result, now);
    const log_entry entry{now, id, result.type};
    auto ended = complete(row->record, header.last_event, entry);
    put_row(id, std::move(row));
    put_entry(header.identifier, header.last_event, entry);
    put_header(header.identifier, header);
    return ended;
  }

  std::vector<event> events(const std::string& session, event_number after, std::uint32_t limit) override {
    const auto& log = at(session).log;
    std::vector<event> page;
    for (auto entry = log.upper_bound(after); entry != log.end() && page.size() < limit; ++entry)
      page.push_back(complete(rows_.at(entry->second.transfer).record, entry->first, entry->second));
    return page;
  }

  void acknowledge(const std::string& identifier, event_number upto) override {
    need_transaction();
    auto header = at(identifier).record;
    if (upto > header.last_event)
      ledger_rules::throw_beyond_last(upto, header.last_event);
    if (upto <= header.acknowledged)
      return;
    header.acknowledged = upto;
    put_header(identifier, header);
  }

  void remove(transfer_id id) override {
    need_transaction();
    const auto row = rows_.find(id);
    if (row == rows_.end())
      ledger_rules::throw_unknown_transfer(id);
    if (!is_terminal(row->second.record.state))
      ledger_rules::throw_not_ended(id);
    put_entry(row->second.record.session, row->second.ended_by, {});
    put_row(id, {});
  }

  std::uint64_t prune(const std::string& identifier, time_point cutoff) override {
    need_transaction();
    const auto& session = at(identifier);
    std::vector<transfer_id> old;
    for (const auto& [seq, entry] : session.log)
      if (seq <= session.record.acknowledged && entry.time < cutoff && old.size() < prune_limit)
        old.push_back(entry.transfer);
    for (const auto id : old)
      remove(id);
    return old.size();
  }

private:
  void need_transaction() const {
    if (!open_)
      ledger_rules::throw_no_transaction();
  }

  session_rows& at(const std::string& identifier) {
    const auto known = sessions_.find(identifier);
    if (known == sessions_.end())
      ledger_rules::throw_unknown_session(identifier);
    return known->second;
  }

  /// A copy to change and to put back; none when it has ended or is unknown.
  std::optional<transfer_row> unfinished(transfer_id id) const {
    const auto row = rows_.find(id);
    if (row == rows_.end() || is_terminal(row->second.record.state))
      return {};
    return row->second;
  }

  static void to_rest(transfer_record& record, transfer_state state) {
    record.state = state;
    record.waiting_for = wait_reason::none;
    record.retry_at = {};
    record.request.suspended = state == transfer_state::suspended;
  }

  static void end(transfer_record& record, transfer_state state, const outcome& result, time_point now) {
    to_rest(record, state);
    record.attempts = result.attempts;
    record.received = result.received;
    record.total = result.total;
    record.last_error = result.why;
    record.finished_at = now;
    record.sha256 = result.sha256;
    if (state == transfer_state::completed) {
      record.part = {};
      record.published = result.published.empty() ? record.request.destination : result.published;
    }
  }

  static event complete(const transfer_record& record, event_number seq, const log_entry& entry) {
    event e;
    e.seq = seq;
    e.time = entry.time;
    e.session = record.session;
    e.transfer = record.id;
    e.type = entry.type;
    e.url = record.request.url;
    e.destination = record.published.empty() ? record.request.destination : record.published;
    e.received = record.received;
    e.why = record.last_error;
    e.sha256 = record.sha256;
    e.metadata = record.request.metadata;
    return e;
  }

  void make_due_ready(session_rows& session, time_point now) {
    const auto too_late = now + ledger_rules::longest_wait(session.record.configuration);
    std::vector<transfer_id> ready;
    for (const auto& [due, id] : session.due)
      if (due <= now || (due > too_late && rows_.at(id).record.state == transfer_state::waiting))
        ready.push_back(id);
    for (const auto id : ready) {
      auto row = rows_.at(id);
      row.due = {};
      to_rest(row.record, transfer_state::queued);
      put_row(id, std::move(row));
    }
  }

  void index(const transfer_row& row, bool present) {
    const auto& record = row.record;
    auto& session = sessions_.at(record.session);
    ledger_rules::counter(session.counts, record.state) += present ? 1 : std::uint64_t{0} - 1;
    const auto set = [present](auto& keys, const auto& key) {
      if (present)
        keys.insert(key);
      else
        keys.erase(key);
    };
    set(session.ids, record.id);
    if (row.due)
      set(session.due, std::pair{*row.due, record.id});
    else if (record.state == transfer_state::queued)
      set(session.ready, queue_position{record.request.priority, record.id});
  }

  /// Inserts, replaces or (none) removes a row.
  void put_row(transfer_id id, std::optional<transfer_row> row) {
    std::optional<transfer_row> before;
    if (const auto known = rows_.find(id); known != rows_.end()) {
      before = std::move(known->second);
      index(*before, false);
      rows_.erase(known);
    }
    if (row) {
      index(*row, true);
      rows_.emplace(id, std::move(*row));
    }
    inverses_.push_back([this, id, before = std::move(before)]() mutable { put_row(id, std::move(before)); });
  }

  void put_entry(const std::string& identifier, event_number seq, std::optional<log_entry> entry) {
    auto& session = sessions_.at(identifier);
    std::optional<log_entry> before;
    const auto pending = seq > session.record.acknowledged ? std::uint64_t{1} : 0;
    if (const auto known = session.log.find(seq); known != session.log.end()) {
      before = known->second;
      session.counts.unacknowledged_events -= pending;
      session.log.erase(known);
    }
    if (entry) {
      session.counts.unacknowledged_events += pending;
      session.log.emplace(seq, *entry);
    }
    inverses_.push_back([this, identifier, seq, before] { put_entry(identifier, seq, before); });
  }

  void put_header(const std::string& identifier, std::optional<session_record> header) {
    std::optional<session_record> before;
    if (const auto known = sessions_.find(identifier); known != sessions_.end())
      before = known->second.record;
    if (header) {
      auto& session = sessions_[identifier];
      session.record = std::move(*header);
      const auto acknowledged = session.log.upper_bound(session.record.acknowledged);
      if (!before || before->acknowledged != session.record.acknowledged)
        session.counts.unacknowledged_events =
            static_cast<std::uint64_t>(std::distance(acknowledged, session.log.end()));
    } else {
      sessions_.erase(identifier);
    }
    inverses_.push_back([this, identifier, before = std::move(before)] { put_header(identifier, before); });
  }

  std::string id_;
  bool open_ = false;
  std::uint64_t last_id_ = 0;
  std::map<transfer_id, transfer_row> rows_;
  std::map<std::string, session_rows> sessions_;
  std::vector<unique_function<void()>> inverses_;
};

} // namespace

std::unique_ptr<ledger> make_memory_ledger() {
  return std::make_unique<memory_ledger>();
}

} // namespace bellhop
