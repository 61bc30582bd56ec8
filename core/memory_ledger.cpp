#include "core/ledger.hpp"
#include "core/ledger_rules.hpp"
#include "core/memory_rows.hpp"
#include "core/resume_data.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace bellhop {

namespace {

using memory::log_entry;
using memory::session_rows;
using memory::transfer_row;

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
    rows_.keep();
    open_ = false;
  }

  void rollback() noexcept override {
    rows_.undo();
    open_ = false;
  }

  session_record put_session(const std::string& identifier, const session_configuration& configuration,
                             time_point now) override {
    need_transaction();
    session_record record;
    record.identifier = identifier;
    record.created_at = now;
    if (const auto* known = rows_.find_session(identifier))
      record = known->record;
    record.configuration = configuration;
    rows_.put_header(identifier, record);
    return record;
  }

  std::optional<session_record> find_session(const std::string& identifier) override {
    const auto* known = rows_.find_session(identifier);
    return known ? std::optional{known->record} : std::nullopt;
  }

  std::vector<session_record> sessions() override {
    std::vector<session_record> records;
    for (const auto& [identifier, session] : rows_.sessions())
      records.push_back(session.record);
    return records;
  }

  void set_phase(const std::string& identifier, session_phase phase) override {
    need_transaction();
    auto header = rows_.at(identifier).record;
    header.phase = phase;
    rows_.put_header(identifier, header);
  }

  void set_paused(const std::string& identifier, bool paused) override {
    need_transaction();
    auto header = rows_.at(identifier).record;
    header.paused = paused;
    rows_.put_header(identifier, header);
  }

  void remove_session(const std::string& identifier) override {
    need_transaction();
    auto& session = rows_.at(identifier);
    while (!session.log.empty())
      rows_.put_entry(identifier, session.log.begin()->first, {});
    while (!session.ids.empty())
      rows_.put_row(*session.ids.begin(), {});
    rows_.put_header(identifier, {});
  }

  session_counts counts(const std::string& session) override { return rows_.at(session).counts; }

  std::vector<transfer_id> submit(const std::string& session, std::span<const transfer_request> requests,
                                  time_point now) override {
    need_transaction();
    rows_.at(session);
    std::vector<transfer_id> ids;
    for (const auto& request : requests) {
      transfer_row row;
      row.record.id = {++last_id_};
      row.record.session = session;
      row.record.request = request;
      row.record.request.resume_data.clear();
      row.record.state = request.suspended ? transfer_state::suspended : transfer_state::queued;
      row.record.submitted_at = now;
      if (!request.suspended && request.earliest_begin > now)
        row.due = request.earliest_begin;
      take_over_part(request, row.record);
      ids.push_back(row.record.id);
      rows_.put_row(ids.back(), std::move(row));
    }
    return ids;
  }

  std::optional<transfer_record> find(transfer_id id) override {
    const auto* row = rows_.find(id);
    return row ? std::optional{row->record} : std::nullopt;
  }

  std::vector<transfer_record> list(const list_filter& filter) override {
    const auto& ids = rows_.at(filter.session).ids;
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
    auto& session = rows_.at(identifier);
    make_due_ready(session, now);
    std::vector<transfer_record> records;
    for (auto next = session.ready.upper_bound(after); next != session.ready.end() && records.size() < limit; ++next)
      records.push_back(rows_.at(next->id).record);
    return records;
  }

  std::optional<time_point> next_due(const std::string& identifier, time_point now) override {
    const auto& due = rows_.at(identifier).due;
    const auto next = due.upper_bound({now, transfer_id{~std::uint64_t{0}}});
    return next == due.end() ? std::nullopt : std::optional{next->first};
  }

  void save_checkpoint(transfer_id id, const checkpoint& part) override {
    need_transaction();
    if (auto row = rows_.unfinished(id)) {
      row->record.part = part ? part : checkpoint{};
      row->record.received = part.position;
      row->record.total = part.total;
      rows_.put_row(id, std::move(row));
    }
  }

  void save_waiting(const transfer_record& news) override {
    need_transaction();
    auto row = rows_.unfinished(news.id);
    if (!row)
      return;
    const bool timed = ledger_rules::waits_for_time(news.waiting_for);
    auto& record = row->record;
    ledger_rules::to_rest(record, transfer_state::waiting);
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
    rows_.put_row(news.id, std::move(row));
  }

  bool set_suspended(transfer_id id, bool suspended) override {
    need_transaction();
    rows_.at(id);
    auto row = rows_.unfinished(id);
    const auto next = suspended ? transfer_state::suspended : transfer_state::queued;
    if (!row || row->record.state == next)
      return false;
    const bool waits_to_begin = row->record.state == transfer_state::suspended;
    row->due = waits_to_begin ? ledger_rules::due_at(row->record.request.earliest_begin) : std::nullopt;
    ledger_rules::to_rest(row->record, next);
    rows_.put_row(id, std::move(row));
    return true;
  }

  bool change(transfer_id id, const transfer_change& news) override {
    need_transaction();
    rows_.at(id);
    auto row = rows_.unfinished(id);
    if (!row)
      return false;
    ledger_rules::apply(news, row->record, row->due);
    rows_.put_row(id, std::move(row));
    return true;
  }

  std::optional<event> finish(transfer_id id, const outcome& result, time_point now) override {
    const auto state = ledger_rules::state_after(result.type);
    need_transaction();
    rows_.at(id);
    auto row = rows_.unfinished(id);
    if (!row)
      return {};
    auto header = rows_.at(row->record.session).record;
    ++header.last_event.value;
    row->ended_by = header.last_event;
    row->due = {};
    end(row->record, state, result, now);
    const log_entry entry{now, id, result.type};
    auto ended = complete(row->record, header.last_event, entry);
    rows_.put_row(id, std::move(row));
    rows_.put_entry(header.identifier, header.last_event, entry);
    rows_.put_header(header.identifier, header);
    return ended;
  }

  std::vector<event> events(const std::string& session, event_number after, std::uint32_t limit) override {
    const auto& log = rows_.at(session).log;
    std::vector<event> page;
    for (auto entry = log.upper_bound(after); entry != log.end() && page.size() < limit; ++entry)
      page.push_back(complete(rows_.at(entry->second.transfer).record, entry->first, entry->second));
    return page;
  }

  void acknowledge(const std::string& identifier, event_number upto) override {
    need_transaction();
    auto header = rows_.at(identifier).record;
    if (upto > header.last_event)
      ledger_rules::throw_beyond_last(upto, header.last_event);
    if (upto <= header.acknowledged)
      return;
    header.acknowledged = upto;
    rows_.put_header(identifier, header);
  }

  void remove(transfer_id id) override {
    need_transaction();
    const auto& row = rows_.at(id);
    if (!is_terminal(row.record.state))
      ledger_rules::throw_not_ended(id);
    rows_.put_entry(row.record.session, row.ended_by, {});
    rows_.put_row(id, {});
  }

  pruned prune(const std::string& identifier, time_point cutoff) override {
    need_transaction();
    const auto& session = rows_.at(identifier);
    std::vector<transfer_id> old;
    for (const auto& [seq, entry] : session.log)
      if (seq <= session.record.acknowledged && entry.time < cutoff && old.size() < prune_limit)
        old.push_back(entry.transfer);
    pruned forgotten;
    for (const auto id : old) {
      if (const auto& record = rows_.at(id).record; record.part)
        forgotten.parts.push_back(ledger_rules::left_behind(record));
      remove(id);
    }
    forgotten.transfers = old.size();
    return forgotten;
  }

private:
  void need_transaction() const {
    if (!open_)
      ledger_rules::throw_no_transaction();
  }

  /// Of the ended transfer that the request goes on with, which has none any more then.
  void take_over_part(const transfer_request& request, transfer_record& record) {
    const auto point = parse_resume_data(request.resume_data);
    const auto* ended = point && point->ledger_id == id_ ? rows_.find(point->transfer) : nullptr;
    if (!ended || !goes_on_with(request, ended->record))
      return;
    record.part = ended->record.part;
    record.received = record.part.position;
    record.total = record.part.total;
    auto without = *ended;
    without.record.part = {};
    rows_.put_row(point->transfer, std::move(without));
  }

  static void end(transfer_record& record, transfer_state state, const outcome& result, time_point now) {
    ledger_rules::to_rest(record, state);
    record.attempts = result.attempts;
    record.received = result.received;
    record.total = result.total;
    record.last_error = result.why;
    record.finished_at = now;
    record.sha256 = result.sha256;
    const bool completed = state == transfer_state::completed;
    record.part = result.part && !completed ? result.part : checkpoint{};
    if (completed)
      record.published = result.published.empty() ? record.request.destination : result.published;
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
      ledger_rules::to_rest(row.record, transfer_state::queued);
      rows_.put_row(id, std::move(row));
    }
  }

  std::string id_;
  bool open_ = false;
  std::uint64_t last_id_ = 0;
  memory::rows rows_;
};

} // namespace

std::unique_ptr<ledger> make_memory_ledger() {
  return std::make_unique<memory_ledger>();
}

} // namespace bellhop
