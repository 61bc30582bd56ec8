#include "actors/session_proxy.hpp"

#include "actors/errors.hpp"
#include "actors/settle.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace bellhop {

namespace {

std::string random_token() {
  std::random_device source;
  std::string token;
  for (int i = 0; i < 4; ++i)
    token += fmt::format("{:08x}", source());
  return token;
}

} // namespace

std::string session_proxy_role::path(const std::string& rest) const {
  return "/v1/sessions/" + identifier_ + rest;
}

void session_proxy_role::send(api_request request, on_answer then) {
  request.lane = identifier_;
  ++unanswered_;
  self_->request(api_, caf::infinite, std::move(request))
      .then(
          [this, then](const api_answer& answer) {
            then(answer);
            answered();
          },
          [this, then](const caf::error& why) {
            then({.why = from_caf(why), .body = {}});
            answered();
          });
}

void session_proxy_role::answered() {
  if (--unanswered_ > 0)
    return;
  for (auto& promise : std::exchange(stopped_, {}))
    promise.deliver(caf::unit);
}

caf::result<void> session_proxy_role::stop() {
  detach({});
  for (const auto& [address, reader] : watchers_)
    self_->send(reader, detach_atom_v, error{});
  if (unanswered_ == 0)
    return caf::unit;
  stopped_.push_back(self_->make_response_promise());
  return caf::delegated<void>{};
}

// -- who reads events -------------------------------------------------------------------------------------------------

event_reader_actor session_proxy_role::spawn_reader(event_reader_setting setting) {
  return self_->spawn<caf::monitored>(event_reader_behavior, std::move(setting));
}

caf::result<void> session_proxy_role::attach(const delegate_actor& delegate, bool take_over) {
  const bool same = delegate_ == delegate;
  if (attached_ && !same && !take_over)
    return to_caf(
        {errc::session_in_use, "the session " + identifier_ + " has a delegate already: detach it, or take over", 0});
  // As the same client one takes one's own place without being told; so the delegate is told here.
  detach(attached_ && !same
             ? error{errc::session_in_use, "another delegate has taken over the session " + identifier_, 0}
             : error{});
  delegate_ = delegate;
  attached_ = spawn_reader({api_, identifier_, delegate, client_, {}});
  return self_->delegate(attached_, attach_atom_v, take_over);
}

void session_proxy_role::detach(const error& why) {
  if (attached_)
    self_->send(attached_, detach_atom_v, why);
  attached_ = nullptr;
  delegate_ = nullptr;
}

caf::result<void> session_proxy_role::watch(const delegate_actor& delegate, event_number after) {
  if (after == event_number{})
    return self_->delegate(watched_by(delegate, after), attach_atom_v, false);
  // A number that is still to come means from now on: the daemon must not be asked for it again after a reconnect.
  auto promise = self_->make_response_promise();
  self_->request(session_proxy_actor{self_}, caf::infinite, status_atom_v)
      .then(
          [this, delegate, after, promise](const session_status& now) mutable {
            promise.delegate(watched_by(delegate, std::min(after, now.last_event)), attach_atom_v, false);
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return caf::delegated<void>{};
}

event_reader_actor session_proxy_role::watched_by(const delegate_actor& delegate, event_number after) {
  auto reader = spawn_reader({api_, identifier_, delegate, {}, after});
  watchers_.emplace(reader.address(), reader);
  return reader;
}

void session_proxy_role::ended(const caf::down_msg& down) {
  watchers_.erase(down.source);
  if (attached_ && down.source == attached_.address()) {
    attached_ = nullptr;
    delegate_ = nullptr;
  }
}

// -- the actor --------------------------------------------------------------------------------------------------------

session_proxy_actor::behavior_type session_proxy_role::make_behavior(api_actor api, std::string identifier) {
  api_ = std::move(api);
  identifier_ = std::move(identifier);
  client_ = random_token();
  self_->set_down_handler([this](const caf::down_msg& down) { ended(down); });
  return {
      [this](attach_atom, const delegate_actor& delegate, bool take_over) { return attach(delegate, take_over); },
      [this](detach_atom) { detach({}); },
      [this](submit_atom, std::vector<transfer_request>& requests) { return submit(requests); },
      [this](suspend_atom, const std::vector<transfer_id>& ids) { return each("POST", "/pause", ids); },
      [this](resume_atom, const std::vector<transfer_id>& ids) { return each("POST", "/resume", ids); },
      [this](cancel_atom, const std::vector<transfer_id>& ids) { return each("POST", "/cancel", ids); },
      [this](cancel_atom, transfer_id id) { return cancel_with_resume_data(id); },
      [this](change_atom, const std::vector<transfer_id>& ids, const transfer_change& what) {
        return change(ids, what);
      },
      [this](remove_atom, const std::vector<transfer_id>& ids) { return each("POST", "/remove", ids); },
      [this](acknowledge_atom, event_number upto) { return acknowledge(upto); },
      [this](find_atom, transfer_id id) { return find(id); },
      [this](list_atom, const list_filter& filter) { return list(filter); },
      [this](counts_atom) { return counts(); },
      [this](status_atom) { return status(); },
      [this](events_atom, event_number after, std::uint32_t limit) { return events(after, limit); },
      [this](watch_atom, const delegate_actor& delegate, event_number after) { return watch(delegate, after); },
      [this](pause_atom, bool pause) { return pause_all(pause); },
      [this](invalidate_atom, bool cancel) { return invalidate(cancel); },
      [this](stop_atom) { return stop(); },
  };
}

session_proxy_actor::behavior_type
session_proxy_behavior(session_proxy_actor::stateful_pointer<session_proxy_role> self, api_actor api,
                       std::string identifier) {
  return self->state.make_behavior(std::move(api), std::move(identifier));
}

} // namespace bellhop
