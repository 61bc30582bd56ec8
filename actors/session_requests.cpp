#include "actors/errors.hpp"
#include "actors/session.hpp"
#include "actors/settle.hpp"
#include "actors/transfer.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <utility>

/// What programs ask of a session.
namespace bellhop {

namespace {

constexpr const char* verb_of(std::uint8_t wish) {
  constexpr const char* verbs[] = {"suspended", "resumed", "cancelled", "removed"};
  return verbs[wish];
}

error not_ours(const transfer_record& record) {
  return {errc::unknown_transfer,
          "transfer " + std::to_string(record.id.value) + " belongs to the session " + record.session, 0};
}

} // namespace

caf::result<std::vector<submit_result>> session_role::submit(std::vector<transfer_request>& requests) {
  if (stopping_)
    return to_caf({errc::shutting_down, "the engine is shutting down: submit again after the next start", 0});
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
  finish_owed_ = true;
  auto promise = self_->make_response_promise<std::vector<submit_result>>();
  self_->request(with_->ledger, caf::infinite, submit_atom_v, identifier_, std::move(good))
      .then(
          [this, promise, results = std::move(results)](const std::vector<transfer_id>& ids) mutable {
            --submitting_;
            auto next = ids.begin();
            for (auto& result : results)
              if (!result.why)
                result.id = *next++;
            promise.deliver(std::move(results));
            look_again();
          },
          [this, promise](caf::error& why) mutable {
            --submitting_;
            promise.deliver(std::move(why));
            deliver();
          });
  return promise;
}

caf::result<void> session_role::each(const std::vector<transfer_id>& ids, wish what) {
  if (ids.empty())
    return caf::unit;
  auto all = std::make_shared<bulk>(bulk{self_->make_response_promise(), ids.size(), {}});
  for (const auto id : ids)
    one(id, what, all);
  return caf::delegated<void>{};
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
            if (record.session == identifier_)
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
    if (record.part)
      self_->send(with_->publisher, discard_atom_v, record.id, part_folder(record.request).string(),
                  record.part.part_name);
    self_->request(with_->ledger, caf::infinite, cancel_atom_v, record.id, me()).then(checked, failed);
    return;
  case wish::remove:
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
  if (what == wish::cancel && record.state == transfer_state::cancelled)
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
    settle(all->promise, all->first);
}

/// An active transfer is at rest now: grant what was wished meanwhile.
void session_role::stop_waiting_for(transfer_id id) {
  auto node = wishes_.extract(id);
  if (node.empty())
    return;
  for (auto& [what, all] : node.mapped()) {
    if (what != wish::cancel) {
      ask_at_rest(id, what, std::move(all));
      continue;
    }
    // Either it is cancelled now, or it ended by itself in the same moment; both leave nothing to do, unless it went to
    // wait just before it was told.
    hold(id);
    self_->request(with_->ledger, caf::infinite, find_atom_v, id)
        .then(
            [this, all = all](const transfer_record& record) {
              if (is_terminal(record.state))
                rest_done(record.id, all, {});
              else
                at_rest(record, wish::cancel, all);
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

caf::result<transfer_record> session_role::find(transfer_id id) {
  auto promise = self_->make_response_promise<transfer_record>();
  self_->request(with_->ledger, caf::infinite, find_atom_v, id)
      .then(
          [this, promise](transfer_record& found) mutable {
            if (found.session != identifier_) {
              promise.deliver(to_caf(not_ours(found)));
              return;
            }
            if (active_.contains(found.id) && found.state == transfer_state::queued)
              found.state = transfer_state::running;
            promise.deliver(std::move(found));
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

void session_role::tell_to_stop(transfer_id id, machine::stop_reason why) {
  // One that crashed is on its way to the ledger already.
  if (const auto& actor = active_.at(id))
    self_->send(actor, stop_atom_v, why);
}

caf::result<void> session_role::stop() {
  stopping_ = true;
  ready_.clear();
  dismiss_spare();
  if (active_.empty())
    return caf::unit;
  for (const auto& [id, actor] : active_)
    if (actor)
      self_->send(actor, stop_atom_v, machine::stop_reason::shutdown);
  stopped_ = self_->make_response_promise();
  return caf::delegated<void>{};
}

} // namespace bellhop
