#include "actors/view_controller.hpp"

#include "actors/errors.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace bellhop {

view_control_actor::behavior_type view_controller_role::make_behavior(view_setting setting) {
  setting_ = std::move(setting);
  self_->send(setting_.center, observe_atom_v, background_session_updated, caf::actor_cast<observer_actor>(self_));
  return {
      [this](const notification& news) { updated(news); },
      [this](events_atom, const std::vector<event>& events) {
        setting_.view->show(events);
        self_->request(session_, caf::infinite, acknowledge_atom_v, events.back().seq)
            .then([] {}, [this](const caf::error& why) { could_not(from_caf(why)); });
      },
      [this](news_atom, const std::vector<progress>& moved, const std::vector<notice>& notices) {
        setting_.view->show(moved, notices);
      },
      [this](did_finish_atom, const std::string&) { finished(); },
      [this](stalled_atom, const error& why) { could_not(why); },
      [this](detached_atom, const error& why) { lost_session(why); },
      [this](invalid_atom, const std::string&, const error& why) { lost_session(why); },
      [this](submit_atom, std::vector<transfer_request>& requests) {
        auto promise = self_->make_response_promise<std::vector<submit_result>>();
        with_session(
            [this, promise, requests = std::move(requests)](const session_actor& session) mutable {
              self_->request(session, caf::infinite, submit_atom_v, std::move(requests))
                  .then([promise](std::vector<submit_result>& results) mutable { promise.deliver(std::move(results)); },
                        [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
            },
            [promise](const error& why) mutable { promise.deliver(to_caf(why)); });
        return promise;
      },
      [this](open_atom) { with_session([](const session_actor&) {}, [this](const error& why) { could_not(why); }); },
  };
}

void view_controller_role::updated(const notification& news) {
  if (news.identifier != setting_.identifier)
    return;
  handlers_.push_back(news.handler);
  with_session([this](const session_actor& session) { look_whether_finished(session); },
               [this](const error& why) { could_not(why); });
}

/// The session may have finished before the notification came; then it does not say so again.
void view_controller_role::look_whether_finished(const session_actor& session) {
  self_->request(session, caf::infinite, counts_atom_v)
      .then(
          [this](const session_counts& counts) {
            if (!handlers_.empty() && counts.unfinished() == 0 && counts.unacknowledged_events == 0)
              finished();
          },
          [this](const caf::error& why) { could_not(from_caf(why)); });
}

void view_controller_role::finished() {
  const auto handlers = std::exchange(handlers_, {});
  for (const auto& handler : handlers)
    self_->send(handler, complete_atom_v);
  setting_.view->finished(!handlers.empty());
}

void view_controller_role::with_session(std::function<void(const session_actor&)> then,
                                        std::function<void(const error&)> otherwise) {
  if (session_ && !opening_)
    return then(session_);
  when_open_.push_back({std::move(then), std::move(otherwise)});
  if (std::exchange(opening_, true))
    return;
  const auto failed = [this](const caf::error& why) {
    opening_ = false;
    session_ = nullptr;
    for (auto& waiting : std::exchange(when_open_, {}))
      waiting.otherwise(from_caf(why));
  };
  self_->request(setting_.engine, caf::infinite, open_atom_v, setting_.identifier, setting_.configuration, true)
      .then(
          [this, failed](const session_actor& session) {
            self_->request(session, caf::infinite, attach_atom_v, caf::actor_cast<delegate_actor>(self_), false)
                .then([this, session] { attached(session); }, failed);
            // Its events may come before the answer does.
            session_ = session;
          },
          failed);
}

void view_controller_role::attached(const session_actor& session) {
  opening_ = false;
  for (auto& waiting : std::exchange(when_open_, {}))
    waiting.then(session);
}

/// It is opened again when it is needed.
void view_controller_role::lost_session(const error& why) {
  session_ = nullptr;
  if (why)
    could_not(why);
}

void view_controller_role::could_not(const error& why) {
  setting_.view->trouble(why);
}

view_control_actor::behavior_type
view_controller_behavior(view_control_actor::stateful_pointer<view_controller_role> self, view_setting setting) {
  return self->state.make_behavior(std::move(setting));
}

} // namespace bellhop
