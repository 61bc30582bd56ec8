#include "actors/session.hpp"

#include "actors/errors.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <utility>

namespace bellhop {

namespace {

/// The most events in one answer.
constexpr std::uint32_t most_events = 4096;

} // namespace

session_role::~session_role() {
  for (const auto& actor : spare_)
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  for (const auto& [id, actor] : active_)
    if (actor)
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

session_control_actor session_role::me() const {
  return caf::actor_cast<session_control_actor>(self_);
}

session_control_actor::behavior_type session_role::make_behavior(std::shared_ptr<const services> with,
                                                                 engine_control_actor engine, opened_session opened) {
  with_ = std::move(with);
  engine_ = std::move(engine);
  ledger_id_ = std::move(opened.ledger_id);
  last_recovered_ = opened.last_recovered;
  auto& record = opened.record;
  configuration_ = std::make_shared<const session_configuration>(std::move(record.configuration));
  log_.identifier = std::move(record.identifier);
  log_.last = record.last_event;
  acknowledged_ = record.acknowledged;
  phase_ = record.phase;
  paused_ = record.paused;
  finish_owed_ = opened.counts.unfinished() > 0 || log_.last > acknowledged_;

  self_->set_down_handler([this](const caf::down_msg& down) {
    if (!is_down(down.source))
      crashed(down);
  });
  self_->send(with_->ledger, stalled_atom_v, me());
  refill();

  return {
      [this](attach_atom, const delegate_actor& delegate, bool take_over) { return attach(delegate, take_over); },
      [this](detach_atom) { detach(); },
      [this](submit_atom, std::vector<transfer_request>& requests) { return submit(requests); },
      [this](suspend_atom, const std::vector<transfer_id>& ids) { return each(ids, wish::suspend); },
      [this](resume_atom, const std::vector<transfer_id>& ids) { return each(ids, wish::resume); },
      [this](cancel_atom, const std::vector<transfer_id>& ids) { return each(ids, wish::cancel); },
      [this](cancel_atom, transfer_id id) { return cancel_keeping(id); },
      [this](change_atom, const std::vector<transfer_id>& ids, const transfer_change& what) {
        return change(ids, what);
      },
      [this](remove_atom, const std::vector<transfer_id>& ids) { return each(ids, wish::remove); },
      [this](acknowledge_atom, event_number upto) { return acknowledge(upto); },
      [this](find_atom, transfer_id id) { return find(id); },
      [this](list_atom, list_filter& filter) { return list(std::move(filter)); },
      [this](counts_atom) { return self_->delegate(with_->ledger, counts_atom_v, identifier()); },
      [this](status_atom) { return status(); },
      [this](events_atom, event_number after, std::uint32_t limit) {
        return self_->delegate(with_->ledger, events_atom_v, identifier(), after, std::min(limit, most_events));
      },
      [this](watch_atom, const delegate_actor& who, event_number after) { return watch(who, after); },
      [this](pause_atom, bool paused) { return pause(paused); },
      [this](invalidate_atom, bool cancel) { return invalidate(cancel); },
      // What the roles behind it tell.
      [this](events_atom, std::vector<event>& events) {
        if (with_->transfer_ended)
          std::for_each(events.begin(), events.end(), with_->transfer_ended);
        ended(events);
        keep_for_delivery(std::move(events));
      },
      [this](waiting_atom, transfer_id id, time_point retry_at) {
        left(id);
        if (next_due_ == time_point{} || retry_at < next_due_)
          schedule(retry_at);
      },
      [this](released_atom, transfer_id id) { released(id); },
      [this](notice_atom, notice& news) { add_notice(news); },
      [this](progress_atom, std::vector<progress>& moved) { add_progress(moved); },
      [this](due_atom, std::uint64_t generation) { due(generation); },
      [this](stalled_atom, const error& why) { stalled(why); },
      [this](open_atom, const session_configuration& configuration) { configure(configuration); },
      [this](submit_atom, const source_ptr& source) { return submit_from(source); },
      [this](launched_atom, const launch_status& status) { launch_ = status; },
      [this](stop_atom) { return stop(); },
  };
}

session_control_actor::behavior_type session_behavior(session_control_actor::stateful_pointer<session_role> self,
                                                      std::shared_ptr<const services> with, engine_control_actor engine,
                                                      opened_session opened) {
  return self->state.make_behavior(std::move(with), std::move(engine), std::move(opened));
}

} // namespace bellhop
