#include "core/sqlite_events.hpp"

#include "core/ledger_rules.hpp"
#include "core/sqlite_rows.hpp"
#include "core/sqlite_transfers.hpp"

namespace bellhop::sqlite {

namespace {

event read_event(const query& row, const std::string& session) {
  event e;
  e.seq = {static_cast<std::uint64_t>(row.integer(0))};
  e.time = from_micros(row.integer(1));
  e.session = session;
  e.transfer = id_of(row.integer(2));
  e.type = static_cast<event_type>(row.integer(3));
  e.url = row.text(4);
  e.destination = row.is_null(6) ? row.text(5) : row.text(6);
  e.received = row.integer(7);
  e.why = error_from_text(row.text(8));
  e.sha256 = row.text(9);
  e.metadata = row.text(10);
  return e;
}

} // namespace

event_table::event_table(statements& sql, session_table& sessions) : sql_(sql), sessions_(sessions) {}

std::optional<event> event_table::finish(transfer_id id, const outcome& result, time_point now) {
  const auto state = ledger_rules::state_after(result.type);
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
}

void event_table::write_end(const event& ended, transfer_state state, const outcome& result,
                            const session_row& session) {
  const bool completed = state == transfer_state::completed;
  const auto why = error_text(result.why);
  const std::string published = completed ? result.published.native() : std::string{};
  const checkpoint none;
  query end{sql_.finish};
  bind_part(end, 1, completed ? none : result.part);
  end.integer(8, number(state))
      .integer(9, result.attempts)
      .integer(10, result.received)
      .integer_or_null(11, result.total, unknown_size)
      .integer(12, to_micros(ended.time))
      .integer(13, number(ended.seq))
      .text_or_null(14, why)
      .text_or_null(15, published)
      .text_or_null(16, result.sha256)
      .integer(17, number(ended.transfer))
      .run();
  query{sql_.insert_event}
      .integer(1, session.number)
      .integer(2, number(ended.seq))
      .integer(3, to_micros(ended.time))
      .integer(4, number(ended.transfer))
      .integer(5, static_cast<int>(ended.type))
      .run();
}

std::vector<event> event_table::events(const std::string& identifier, event_number after, std::uint32_t limit) {
  const auto& session = sessions_.at(identifier);
  std::vector<event> log;
  query row{sql_.events};
  row.integer(1, session.number).integer(2, number(after)).integer(3, limit);
  while (row.step())
    log.push_back(read_event(row, identifier));
  return log;
}

void event_table::acknowledge(const std::string& identifier, event_number upto) {
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
}

void event_table::remove(transfer_id id) {
  forget(id);
}

pruned event_table::prune(const std::string& identifier, time_point cutoff) {
  const auto& session = sessions_.at(identifier);
  std::vector<transfer_id> old;
  {
    query rows{sql_.old_transfers};
    rows.integer(1, session.number)
        .integer(2, number(session.record.acknowledged))
        .integer(3, to_micros(cutoff))
        .integer(4, ledger::prune_limit);
    while (rows.step())
      old.push_back(id_of(rows.integer(0)));
  }
  pruned forgotten;
  for (const auto id : old)
    if (auto part = forget(id))
      forgotten.parts.push_back(std::move(*part));
  forgotten.transfers = old.size();
  return forgotten;
}

std::optional<obsolete_part> event_table::forget(transfer_id id) {
  query row{sql_.removable};
  if (!row.integer(1, number(id)).step())
    ledger_rules::throw_unknown_transfer(id);
  const auto state = static_cast<transfer_state>(row.integer(1));
  if (!is_terminal(state))
    ledger_rules::throw_not_ended(id);
  auto& session = sessions_.at(row.integer(0));
  const auto seq = row.integer(2);
  std::optional<obsolete_part> part;
  if (!row.is_null(3))
    part = obsolete_part{id, stored_part_folder(row.text(4), row.text(5)), row.text(3)};
  query{sql_.remove_event}.integer(1, session.number).integer(2, seq).run();
  query{sql_.remove_transfer}.integer(1, number(id)).run();
  --ledger_rules::counter(session.counts, state);
  if (seq > number(session.record.acknowledged))
    --session.counts.unacknowledged_events;
  session.changed = true;
  return part;
}

} // namespace bellhop::sqlite
