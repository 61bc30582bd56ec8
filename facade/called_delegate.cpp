#include "facade/called_delegate.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace bellhop {

namespace {

struct calling_setting {
  std::shared_ptr<session_delegate> delegate;
  session_actor acknowledge_to;
  std::shared_ptr<std::promise<void>> gone;
  std::shared_ptr<std::atomic<std::thread::id>> thread;
};

class calling_role {
public:
  static inline const char* name = "delegate";
  explicit calling_role(delegate_actor::pointer self) : self_(self) {}
  ~calling_role() {
    if (with_.gone)
      with_.gone->set_value();
  }

  delegate_actor::behavior_type make_behavior(calling_setting setting) {
    with_ = std::move(setting);
    *with_.thread = std::this_thread::get_id();
    return {
        [this](events_atom, const std::vector<event>& events) { received(events); },
        [this](news_atom, const std::vector<progress>& moved, const std::vector<notice>& notices) {
          for (const auto& news : notices)
            with_.delegate->did_notice(news);
          if (!moved.empty())
            with_.delegate->did_progress(moved);
        },
        [this](did_finish_atom, const std::string&) { with_.delegate->did_finish_events(); },
        [this](stalled_atom, const error& why) { with_.delegate->did_stall(why); },
        [this](detached_atom, const error& why) {
          // Without an error it comes from `end_after_what_was_said`.
          if (why)
            with_.delegate->did_detach(why);
          self_->quit();
        },
        [this](invalid_atom, const std::string&, const error& why) {
          with_.delegate->did_become_invalid(why);
          self_->quit();
        },
    };
  }

private:
  void received(const std::vector<event>& events) {
    with_.delegate->did_receive(events);
    if (with_.acknowledge_to && !with_.delegate->acknowledges_itself())
      // Nobody here waits for the answer; from `self_` it would come as a message.
      caf::anon_send(with_.acknowledge_to, acknowledge_atom_v, events.back().seq);
  }

  delegate_actor::pointer self_;
  calling_setting with_;
};

delegate_actor::behavior_type calling_behavior(delegate_actor::stateful_pointer<calling_role> self,
                                               calling_setting setting) {
  return self->state.make_behavior(std::move(setting));
}

} // namespace

called_delegate::called_delegate(caf::actor_system& system, std::shared_ptr<session_delegate> delegate,
                                 session_actor acknowledge_to) {
  auto gone = std::make_shared<std::promise<void>>();
  gone_ = gone->get_future().share();
  actor_ = system.spawn<caf::detached>(
      calling_behavior, calling_setting{std::move(delegate), std::move(acknowledge_to), std::move(gone), thread_});
}

delegate_actor called_delegate::actor() const {
  const std::lock_guard lock{mutex_};
  return actor_;
}

delegate_actor called_delegate::take_actor() {
  const std::lock_guard lock{mutex_};
  return std::exchange(actor_, nullptr);
}

void called_delegate::wait() {
  if (thread_->load() != std::this_thread::get_id())
    gone_.wait();
}

void called_delegate::end() {
  if (const auto actor = take_actor())
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  wait();
}

void called_delegate::end_after_what_was_said() {
  if (const auto actor = take_actor())
    caf::anon_send(actor, detached_atom_v, error{});
  wait();
}

} // namespace bellhop
