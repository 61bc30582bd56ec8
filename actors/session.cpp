#include "actors/session.hpp"

#include "actors/errors.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace bellhop {

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
                                                                 opened_session opened) {
  with_ = std::move(with);
  identifier_ = opened.record.identifier;
  ledger_id_ = std::move(opened.ledger_id);
  last_recovered_ = opened.last_recovered;
  configuration_ = std::make_shared<const session_configuration>(std::move(opened.record.configuration));
  delivered_ = acknowledged_ = opened.record.acknowledged;
  last_event_ = opened.record.last_event;
  finish_owed_ = opened.counts.unfinished() > 0 || last_event_ > acknowledged_;

  self_->set_down_handler([this](const caf::down_msg& down) {
    if (delegate_ && down.source == delegate_.address())
      detach();
    else
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
      [this](remove_atom, const std::vector<transfer_id>& ids) { return each(ids, wish::remove); },
      [this](acknowledge_atom, event_number upto) { return acknowledge(upto); },
      [this](find_atom, transfer_id id) { return find(id); },
      [this](list_atom, list_filter filter) {
        filter.session = identifier_;
        return self_->delegate(with_->ledger, list_atom_v, std::move(filter));
      },
      [this](counts_atom) { return self_->delegate(with_->ledger, counts_atom_v, identifier_); },
      // What the roles behind it tell.
      [this](events_atom, std::vector<event>& events) {
        ended(events);
        keep_for_delivery(std::move(events));
      },
      [this](waiting_atom, transfer_id id, time_point retry_at) {
        left(id);
        if (next_due_ == time_point{} || retry_at < next_due_)
          schedule(retry_at);
      },
      [this](released_atom, transfer_id id) { left(id); },
      [this](notice_atom, notice& news) { add_news({}, std::move(news)); },
      [this](progress_atom, std::vector<progress>& moved) { add_news(std::move(moved), std::nullopt); },
      [this](due_atom, std::uint64_t generation) { due(generation); },
      [this](stalled_atom, const error& why) { stalled(why); },
      [this](open_atom, const session_configuration& configuration) {
        configuration_ = std::make_shared<const session_configuration>(configuration);
        for (const auto& actor : spare_)
          self_->send(actor, open_atom_v, configuration);
        for (const auto& [id, actor] : active_)
          if (actor)
            self_->send(actor, open_atom_v, configuration);
        refill();
      },
      [this](stop_atom) { return stop(); },
  };
}

session_control_actor::behavior_type session_behavior(session_control_actor::stateful_pointer<session_role> self,
                                                      std::shared_ptr<const services> with, opened_session opened) {
  return self->state.make_behavior(std::move(with), std::move(opened));
}

} // namespace bellhop
