#include "core/sqlite_transfers.hpp"

#include "core/ledger_rules.hpp"
#include "core/resume_data.hpp"
#include "core/sqlite_rows.hpp"

#include <algorithm>
#include <limits>

namespace bellhop::sqlite {

namespace {

void append(query& rows, const session_row& session, std::vector<transfer_record>& records) {
  while (rows.step())
    records.push_back(read_transfer(rows, session.record.identifier));
}

} // namespace

void count(session_row& session, transfer_state from, transfer_state to) {
  --ledger_rules::counter(session.counts, from);
  ++ledger_rules::counter(session.counts, to);
  session.changed = true;
}

transfer_table::transfer_table(statements& sql, session_table& sessions, const std::string& ledger_id)
    : sql_(sql), sessions_(sessions), ledger_id_(ledger_id) {
  query last{sql_.last_id};
  last_id_ = last.step() ? last.integer(0) : 0;
}

std::vector<transfer_id> transfer_table::submit(const std::string& identifier,
                                                std::span<const transfer_request> requests, time_point now) {
  auto& session = sessions_.at(identifier);
  std::vector<transfer_id> ids;
  ids.reserve(requests.size());
  request_texts texts;
  for (const auto& request : requests) {
    // Never counted back, not even by a rollback: whoever saw the id before the commit failed holds no other's.
    ids.push_back(id_of(++last_id_));
    {
      query insert{sql_.insert};
      bind_request(insert, ids.back(), session.number, request, now, texts);
      insert.run();
    }
    ++(request.suspended ? session.counts.suspended : session.counts.queued);
    take_over_part(ids.back(), request);
  }
  session.changed = true;
  return ids;
}

/// Of the ended transfer that the request goes on with, which has none any more then.
void transfer_table::take_over_part(transfer_id id, const transfer_request& request) {
  const auto point = parse_resume_data(request.resume_data);
  if (!point || point->ledger_id != ledger_id_)
    return;
  const auto ended = find(point->transfer);
  if (!ended || !goes_on_with(request, *ended))
    return;
  save_checkpoint(id, ended->part);
  query{sql_.clear_part}.integer(1, number(point->transfer)).run();
}

std::optional<transfer_record> transfer_table::find(transfer_id id) {
  query row{sql_.find};
  if (!row.integer(1, number(id)).step())
    return {};
  return read_transfer(row, sessions_.at(session_number(row)).record.identifier);
}

std::vector<transfer_record> transfer_table::list(const list_filter& filter) {
  std::vector<transfer_record> records;
  for (const auto id : page(filter))
    if (auto record = find(id_of(id)))
      records.push_back(std::move(*record));
  return records;
}

/// The ids of a listing: each state is a range of an index, in the order of ids; their heads are merged.
std::vector<std::int64_t> transfer_table::page(const list_filter& filter) {
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

std::vector<transfer_record> transfer_table::next_ready(const std::string& identifier, queue_position after,
                                                        std::uint32_t limit, time_point now) {
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
}

void transfer_table::make_due_ready(session_row& session, time_point now) {
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

std::optional<time_point> transfer_table::next_due(const std::string& identifier, time_point now) {
  const auto session = sessions_.at(identifier).number;
  std::optional<time_point> earliest;
  for (const auto state : {transfer_state::queued, transfer_state::waiting}) {
    query due{sql_.next_due};
    due.integer(1, session).integer(2, number(state)).integer(3, to_micros(now));
    if (due.step() && !due.is_null(0))
      earliest = std::min(earliest.value_or(time_point::max()), from_micros(due.integer(0)));
  }
  return earliest;
}

void transfer_table::save_checkpoint(transfer_id id, const checkpoint& part) {
  query save{sql_.save_part};
  bind_part(save, 1, part);
  save.integer(8, part.position).integer_or_null(9, part.total, unknown_size).integer(10, number(id)).run();
}

void transfer_table::save_waiting(const transfer_record& record) {
  const auto now = state_of(record.id);
  if (!now || is_terminal(now->state))
    return;
  const auto why = error_text(record.last_error);
  query save{sql_.save_waiting};
  bind_part(save, 1, record.part);
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
}

bool transfer_table::set_suspended(transfer_id id, bool suspended) {
  const auto now = state_of(id);
  if (!now)
    ledger_rules::throw_unknown_transfer(id);
  const auto next = suspended ? transfer_state::suspended : transfer_state::queued;
  if (is_terminal(now->state) || now->state == next)
    return false;
  query{suspended ? sql_.suspend : sql_.resume}.integer(1, number(id)).run();
  count(sessions_.at(now->session), now->state, next);
  return true;
}

bool transfer_table::change(transfer_id id, const transfer_change& news) {
  std::optional<transfer_record> record;
  std::optional<time_point> due;
  {
    query row{sql_.find};
    if (!row.integer(1, number(id)).step())
      ledger_rules::throw_unknown_transfer(id);
    record = read_transfer(row, sessions_.at(session_number(row)).record.identifier);
    due = read_due(row);
  }
  if (is_terminal(record->state))
    return false;
  const auto before = record->state;
  ledger_rules::apply(news, *record, due);
  request_texts texts;
  query update{sql_.change};
  bind_change(update, *record, due, texts);
  update.run();
  if (record->state != before)
    count(sessions_.at(record->session), before, record->state);
  return true;
}

std::optional<transfer_table::owner_and_state> transfer_table::state_of(transfer_id id) {
  query row{sql_.state};
  if (!row.integer(1, number(id)).step())
    return {};
  return owner_and_state{row.integer(0), static_cast<transfer_state>(row.integer(1))};
}

} // namespace bellhop::sqlite
