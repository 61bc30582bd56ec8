#include "actors/errors.hpp"
#include "actors/session.hpp"
#include "actors/settle.hpp"
#include "actors/transfer.hpp"
#include "core/resume.hpp"
#include "core/resume_data.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <utility>

/// What programs ask of a session.
namespace bellhop {

namespace {

constexpr const char* verb_of(std::uint8_t wish) {
  constexpr const char* verbs[] = {"suspended", "resumed", "cancelled", "cancelled", "changed", "removed"};
  return verbs[wish];
}

error not_ours(const transfer_record& record) {
  return {errc::unknown_transfer,
          "transfer " + std::to_string(record.id.value) + " belongs to the session " + record.session, 0};
}

} // namespace

// -- handing over -----------------------------------------------------------------------------------------------------

error session_role::refuses_submits() const {
  if (stopping_)
    return {errc::shutting_down, "the engine is shutting down: submit again after the next start", 0};
  if (phase_ != session_phase::open)
    return {errc::wrong_state,
            "the session " + identifier() + " is " + std::string{to_string(phase_)} + ": it takes no more transfers",
            0};
  return {};
}

caf::result<std::vector<submit_result>> session_role::submit(std::vector<transfer_request>& requests) {
  if (auto why = refuses_submits())
    return to_caf(why);
  std::vector<submit_result> results(requests.size());
  std::vector<transfer_request> good;
  good.reserve(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    results[i].why = check(requests[i]);
    if (!results[i].why)
      good.push_back(std::move(requests[i]));
  }
  if (good.empty())
    return results;
  ++submitting_;
  auto promise = self_->make_response_promise<std::vector<submit_result>>();
  self_->request(with_->ledger, caf::infinite, submit_atom_v, identifier(), std::move(good))
      .then(
          [this, promise, results = std::move(results)](const std::vector<transfer_id>& ids) mutable {
            auto next = ids.begin();
            for (auto& result : results)
              if (!result.why)
                result.id = *next++;
            promise.deliver(std::move(results));
            submitted(true);
          },
          [this, promise](caf::error& why) mutable {
            promise.deliver(std::move(why));
            submitted(false);
          });
  return promise;
}

caf::result<transfer_range> session_role::submit_from(const source_ptr& source) {
  if (auto why = refuses_submits())
    return to_caf(why);
  ++submitting_;
  auto promise = self_->make_response_promise<transfer_range>();
  self_->request(with_->ledger, caf::infinite, submit_atom_v, identifier(), source)
      .then(
          [this, promise](const transfer_range& added) mutable {
            promise.deliver(added);
            submitted(added.count > 0);
          },
          [this, promise](caf::error& why) mutable {
            promise.deliver(std::move(why));
            submitted(false);
          });
  return promise;
}

void session_role::submitted(bool added) {
  --submitting_;
  finish_owed_ = finish_owed_ || added;
  if (added)
    look_again();
  else
    look_whether_done();
}

// -- many at once -----------------------------------------------------------------------------------------------------

caf::result<void> session_role::each(const std::vector<transfer_id>& ids, wish what, const transfer_change& change) {
  if (ids.empty())
    return caf::unit;
  auto answer = [promise = self_->make_response_promise()](const error& why) mutable { settle(promise, why); };
  auto all = std::make_shared<bulk>(bulk{std::move(answer), ids.size(), change, {}});
  for (const auto id : ids)
    one(id, what, all);
  return caf::delegated<void>{};
}

caf::result<void> session_role::change(const std::vector<transfer_id>& ids, const transfer_change& change) {
  if (!change)
    return to_caf(
        {errc::invalid_argument, "nothing is to be changed: give a priority, begin date, headers or size", 0});
  if (auto why = check(change))
    return to_caf(why);
  return each(ids, wish::change, change);
}

caf::result<std::string> session_role::cancel_keeping(transfer_id id) {
  auto promise = self_->make_response_promise<std::string>();
  const auto cancelled = [this, id, promise](const error& why) mutable {
    if (why) {
      promise.deliver(to_caf(why));
      return;
    }
    self_->request(with_->ledger, caf::infinite, find_atom_v, id)
        .then(
            [this, promise](const transfer_record& row) mutable { promise.deliver(make_resume_data(ledger_id_, row)); },
            [promise](caf::error& failed) mutable { promise.deliver(std::move(failed)); });
  };
  one(id, wish::cancel_keep, std::make_shared<bulk>(bulk{cancelled, 1, {}, {}}));
  return promise;
}

void session_role::one(transfer_id id, wish what, std::shared_ptr<bulk> all) {
  if (active_.contains(id))
    stop_active(id, what, std::move(all));
  else
    ask_at_rest(id, what, std::move(all));
}

void session_role::stop_active(transfer_id id, wish what, std::shared_ptr<bulk> all) {
  // What is asked after a stop that is under way is about the transfer as it will be then.
  const bool stops = wishes_.contains(id);
  switch (what) {
  case wish::suspend:
    tell_to_stop(id, machine::stop_reason::suspend);
    break;
  case wish::cancel:
    tell_to_stop(id, machine::stop_reason::cancel);
    break;
  case wish::cancel_keep:
    tell_to_stop(id, machine::stop_reason::cancel_keep);
    break;
  case wish::change:
    tell_to_stop(id, machine::stop_reason::requeue);
    break;
  case wish::resume:
    if (!stops)
      return one_done(all, {});
    break;
  case wish::remove:
    if (!stops)
      return one_done(all,
                      {errc::wrong_state, "transfer " + std::to_string(id.value) + " is running: cancel it first", 0});
    break;
  }
  wishes_[id].emplace_back(what, std::move(all));
}

void session_role::ask_at_rest(transfer_id id, wish what, std::shared_ptr<bulk> all) {
  hold(id);
  self_->request(with_->ledger, caf::infinite, find_atom_v, id)
      .then(
          [this, what, all](const transfer_record& record) {
            if (record.session == identifier())
              at_rest(record, what, all);
            else
              rest_done(record.id, all, not_ours(record));
          },
          [this, id, all](const caf::error& why) { rest_done(id, all, from_caf(why)); });
}

void session_role::at_rest(const transfer_record& record, wish what, std::shared_ptr<bulk> all) {
  const auto failed = [this, all, id = record.id](const caf::error& why) { rest_done(id, all, from_caf(why)); };
  const auto checked = [this, all, record, what](bool changed) {
    finish_owed_ = finish_owed_ || (changed && what == wish::resume);
    rest_done(record.id, all, changed ? error{} : wrong_state(record, what));
    if (changed && what == wish::resume)
      look_again();
  };
  switch (what) {
  case wish::suspend:
  case wish::resume:
    self_->request(with_->ledger, caf::infinite, suspend_atom_v, record.id, what == wish::suspend)
        .then(checked, failed);
    return;
  case wish::cancel:
  case wish::cancel_keep: {
    const bool keep = what == wish::cancel_keep && plan_range(record.part, false).from > 0;
    if (!keep && !is_terminal(record.state))
      discard_part_of(record);
    self_->request(with_->ledger, caf::infinite, cancel_atom_v, record.id, keep, me()).then(checked, failed);
    return;
  }
  case wish::change:
    self_->request(with_->ledger, caf::infinite, change_atom_v, record.id, all->change).then(checked, failed);
    return;
  case wish::remove:
    // Before the row that knows of it.
    if (is_terminal(record.state))
      discard_part_of(record);
    self_->request(with_->ledger, caf::infinite, remove_atom_v, record.id)
        .then([this, all, id = record.id] { rest_done(id, all, {}); }, failed);
    return;
  }
}

void session_role::rest_done(transfer_id id, const std::shared_ptr<bulk>& all, const error& why) {
  release(id);
  const bool last = all->left == 1;
  one_done(all, why);
  // What was held back may start again, and what was waited for may be gone.
  if (last)
    look_again();
}

error session_role::wrong_state(const transfer_record& record, wish what) const {
  // Asked for what is so already: nothing to complain of.
  if (!is_terminal(record.state))
    return {};
  const bool cancels = what == wish::cancel || what == wish::cancel_keep;
  if (cancels && record.state == transfer_state::cancelled)
    return {};
  return {errc::wrong_state,
          "transfer " + std::to_string(record.id.value) + " is " + std::string{to_string(record.state)} +
              " and cannot be " + verb_of(static_cast<std::uint8_t>(what)),
          0};
}

void session_role::one_done(const std::shared_ptr<bulk>& all, const error& why) {
  if (why && !all->first)
    all->first = why;
  if (--all->left == 0)
    all->done(all->first);
}

/// An active transfer is at rest now: grant what was wished meanwhile.
void session_role::stop_waiting_for(transfer_id id) {
  auto node = wishes_.extract(id);
  if (node.empty())
    return;
  for (auto& [what, all] : node.mapped()) {
    if (what != wish::cancel && what != wish::cancel_keep) {
      ask_at_rest(id, what, std::move(all));
      continue;
    }
    // Either it is cancelled now, or it ended by itself in the same moment; both leave nothing to do, unless it went to
    // wait just before it was told.
    hold(id);
    self_->request(with_->ledger, caf::infinite, find_atom_v, id)
        .then(
            [this, what = what, all = all](const transfer_record& record) {
              if (is_terminal(record.state))
                rest_done(record.id, all, {});
              else
                at_rest(record, what, all);
            },
            [this, id, all = all](const caf::error& why) { rest_done(id, all, from_caf(why)); });
  }
}

void session_role::hold(transfer_id id) {
  ++held_[id];
  forget_ready(id);
}

void session_role::release(transfer_id id) {
  if (auto i = held_.find(id); --i->second == 0)
    held_.erase(i);
}

void session_role::forget_ready(transfer_id id) {
  const auto i = std::find_if(ready_.begin(), ready_.end(), [id](const auto& record) { return record.id == id; });
  if (i != ready_.end())
    ready_.erase(i);
}

void session_role::discard_part_of(const transfer_record& record) {
  if (record.part)
    self_->send(with_->publisher, discard_atom_v, record.id, part_folder(record.request).string(),
                record.part.part_name);
}

void session_role::tell_to_stop(transfer_id id, machine::stop_reason why) {
  // One that crashed is on its way to the ledger already.
  if (const auto& actor = active_.at(id))
    self_->send(actor, stop_atom_v, why);
}

// -- what is known ----------------------------------------------------------------------------------------------------

transfer_record session_role::as_told(transfer_record row) const {
  if (active_.contains(row.id) && row.state == transfer_state::queued)
    row.state = transfer_state::running;
  row.resume_data = make_resume_data(ledger_id_, row);
  return row;
}

caf::result<transfer_record> session_role::find(transfer_id id) {
  auto promise = self_->make_response_promise<transfer_record>();
  self_->request(with_->ledger, caf::infinite, find_atom_v, id)
      .then(
          [this, promise](transfer_record& found) mutable {
            if (found.session == identifier())
              promise.deliver(as_told(std::move(found)));
            else
              promise.deliver(to_caf(not_ours(found)));
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

caf::result<std::vector<transfer_record>> session_role::list(list_filter filter) {
  filter.session = identifier();
  auto promise = self_->make_response_promise<std::vector<transfer_record>>();
  self_->request(with_->ledger, caf::infinite, list_atom_v, std::move(filter))
      .then(
          [this, promise](std::vector<transfer_record>& rows) mutable {
            for (auto& row : rows)
              row = as_told(std::move(row));
            promise.deliver(std::move(rows));
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

caf::result<session_status> session_role::status() {
  auto promise = self_->make_response_promise<session_status>();
  self_->request(with_->ledger, caf::infinite, counts_atom_v, identifier())
      .then(
          [this, promise](const session_counts& counts) mutable {
            session_status now;
            now.counts = counts;
            now.active = active_.size();
            now.acknowledged = acknowledged_;
            now.last_event = log_.last;
            now.phase = phase_;
            now.paused = paused_;
            now.attached = owner_ != nullptr;
            now.launch = launch_;
            promise.deliver(std::move(now));
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

} // namespace bellhop
