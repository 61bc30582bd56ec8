#pragma once

#include "core/configuration.hpp"
#include "core/ledger.hpp"

#include <algorithm>
#include <optional>

/// What both ledgers decide alike. Private to them.
namespace bellhop::ledger_rules {

/// Throws `invalid_argument` for an event that ends nothing.
inline transfer_state state_after(event_type type) {
  switch (type) {
  case event_type::completed:
    return transfer_state::completed;
  case event_type::failed:
    return transfer_state::failed;
  case event_type::cancelled:
    return transfer_state::cancelled;
  case event_type::needs_credential:
    break;
  }
  throw failure{errc::invalid_argument, "a transfer cannot end with an event that is not terminal"};
}

/// No wait that Bellhop chooses is longer. A `waiting` row that is due later than this from now shows that the clock
/// was set back, and is due at once.
inline duration longest_wait(const session_configuration& configuration) {
  return std::max<duration>(configuration.retry.cap, configuration.retry.longest_retry_after);
}

/// A transfer that waits for a person has no time of its own.
inline bool waits_for_time(wait_reason reason) noexcept {
  return reason != wait_reason::needs_credential;
}

/// When a queued row with this begin date may start: none means now. A date that has come is found out by `next_ready`.
inline std::optional<time_point> due_at(time_point earliest_begin) {
  return earliest_begin > time_point{} ? std::optional{earliest_begin} : std::nullopt;
}

/// At rest nothing is waited for, and what was asked for agrees with the state.
inline void to_rest(transfer_record& record, transfer_state state) {
  record.state = state;
  record.waiting_for = wait_reason::none;
  record.retry_at = {};
  record.request.suspended = state == transfer_state::suspended;
}

/// Applies a change to a row that has not ended; `due` is when it may start. A waiting one that must not begin before
/// its time comes any more is queued for its begin date then, and one whose begin date comes first keeps waiting.
inline void apply(const transfer_change& change, transfer_record& record, std::optional<time_point>& due) {
  auto& request = record.request;
  request.priority = change.priority.value_or(request.priority);
  request.max_size = change.max_size.value_or(request.max_size);
  if (change.headers)
    request.headers = *change.headers;
  if (!change.earliest_begin)
    return;
  request.earliest_begin = *change.earliest_begin;
  const auto begin = due_at(request.earliest_begin);
  const bool is_later = record.state == transfer_state::waiting && due && begin > due;
  if (is_later)
    to_rest(record, transfer_state::queued);
  if (record.state == transfer_state::queued)
    due = begin;
}

/// The part that an ended transfer leaves behind when it is forgotten.
inline obsolete_part left_behind(const transfer_record& record) {
  return {record.id, part_folder(record.request), record.part.part_name};
}

/// The counter of a state at rest.
inline std::uint64_t& counter(session_counts& counts, transfer_state state) {
  switch (state) {
  case transfer_state::suspended:
    return counts.suspended;
  case transfer_state::queued:
    return counts.queued;
  case transfer_state::waiting:
    return counts.waiting;
  case transfer_state::completed:
    return counts.completed;
  case transfer_state::failed:
    return counts.failed;
  case transfer_state::cancelled:
    return counts.cancelled;
  case transfer_state::running:
  case transfer_state::finishing:
    break;
  }
  throw failure{errc::internal, "the ledger holds no running transfers"};
}

inline constexpr transfer_state states_at_rest[] = {transfer_state::suspended, transfer_state::queued,
                                                    transfer_state::waiting,   transfer_state::completed,
                                                    transfer_state::failed,    transfer_state::cancelled};

/// Runs a call as a transaction of its own.
template <class Call>
auto in_transaction(ledger& db, Call&& call) {
  db.begin();
  try {
    auto result = call();
    db.commit();
    return result;
  } catch (...) {
    db.rollback();
    throw;
  }
}

[[noreturn]] inline void throw_unknown_session(const std::string& identifier) {
  throw failure{errc::unknown_session, "there is no session \"" + identifier + "\""};
}

[[noreturn]] inline void throw_unknown_transfer(transfer_id id) {
  throw failure{errc::unknown_transfer, "there is no transfer " + std::to_string(id.value)};
}

[[noreturn]] inline void throw_not_ended(transfer_id id) {
  throw failure{errc::wrong_state,
                "transfer " + std::to_string(id.value) + " has not ended: cancel it before it is removed"};
}

[[noreturn]] inline void throw_beyond_last(event_number upto, event_number last) {
  throw failure{errc::invalid_argument, "event " + std::to_string(upto.value) + " was never delivered: the last is " +
                                            std::to_string(last.value)};
}

[[noreturn]] inline void throw_no_transaction() {
  throw failure{errc::internal, "the ledger is written only between begin and commit"};
}

} // namespace bellhop::ledger_rules
