#include "core/memory_rows.hpp"

#include "core/ledger_rules.hpp"

namespace bellhop::memory {

session_rows& rows::at(const std::string& identifier) {
  const auto known = sessions_.find(identifier);
  if (known == sessions_.end())
    ledger_rules::throw_unknown_session(identifier);
  return known->second;
}

const session_rows* rows::find_session(const std::string& identifier) const {
  const auto known = sessions_.find(identifier);
  return known == sessions_.end() ? nullptr : &known->second;
}

const transfer_row* rows::find(transfer_id id) const {
  const auto row = rows_.find(id);
  return row == rows_.end() ? nullptr : &row->second;
}

const transfer_row& rows::at(transfer_id id) const {
  if (const auto* row = find(id))
    return *row;
  ledger_rules::throw_unknown_transfer(id);
}

std::optional<transfer_row> rows::unfinished(transfer_id id) const {
  const auto* row = find(id);
  if (!row || is_terminal(row->record.state))
    return {};
  return *row;
}

void rows::keep() {
  inverses_.clear();
}

void rows::undo() {
  // The inverses note inverses in turn, which nobody needs.
  auto inverses = std::exchange(inverses_, {});
  for (auto inverse = inverses.rbegin(); inverse != inverses.rend(); ++inverse)
    (*inverse)();
  inverses_.clear();
}

void rows::index(const transfer_row& row, bool present) {
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

void rows::put_row(transfer_id id, std::optional<transfer_row> row) {
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

void rows::put_entry(const std::string& identifier, event_number seq, std::optional<log_entry> entry) {
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

void rows::put_header(const std::string& identifier, std::optional<session_record> header) {
  std::optional<session_record> before;
  if (const auto known = sessions_.find(identifier); known != sessions_.end())
    before = known->second.record;
  if (header) {
    auto& session = sessions_[identifier];
    session.record = std::move(*header);
    const auto acknowledged = session.log.upper_bound(session.record.acknowledged);
    if (!before || before->acknowledged != session.record.acknowledged)
      session.counts.unacknowledged_events = static_cast<std::uint64_t>(std::distance(acknowledged, session.log.end()));
  } else {
    sessions_.erase(identifier);
  }
  inverses_.push_back([this, identifier, before = std::move(before)] { put_header(identifier, before); });
}

} // namespace bellhop::memory
