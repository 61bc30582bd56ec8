#include "facade/bellhop.hpp"

#include "actors/engine.hpp"
#include "actors/errors.hpp"
#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace bellhop {

namespace {

template <class T, class Handle, class... Args>
std::future<T> ask(caf::actor_system& system, const Handle& whom, Args... args) {
  auto promise = std::make_shared<std::promise<T>>();
  auto result = promise->get_future();
  system.spawn([promise, whom, ... args = std::move(args)](caf::event_based_actor* self) mutable {
    const auto failed = [promise](const caf::error& why) {
      promise->set_exception(std::make_exception_ptr(failure{from_caf(why)}));
    };
    if constexpr (std::is_void_v<T>)
      self->request(whom, caf::infinite, std::move(args)...).then([promise] { promise->set_value(); }, failed);
    else
      self->request(whom, caf::infinite, std::move(args)...)
          .then([promise](T& value) { promise->set_value(std::move(value)); }, failed);
  });
  return result;
}

/// Calls the delegate on a thread of its own.
class delegate_role {
public:
  static inline const char* name = "delegate";
  explicit delegate_role(delegate_actor::pointer) {}
  ~delegate_role() {
    if (gone)
      gone->set_value();
  }
  /// Fulfilled when no call can come any more.
  std::shared_ptr<std::promise<void>> gone;
};

delegate_actor::behavior_type delegate_behavior(delegate_actor::stateful_pointer<delegate_role> self,
                                                std::shared_ptr<session_delegate> delegate, session_actor session,
                                                std::shared_ptr<std::promise<void>> gone,
                                                std::shared_ptr<std::atomic<std::thread::id>> thread) {
  self->state.gone = std::move(gone);
  *thread = std::this_thread::get_id();
  return {
      [delegate, session](events_atom, const std::vector<event>& events) {
        delegate->did_receive(events);
        if (!delegate->acknowledges_itself())
          // Nobody here waits for the answer; from `self` it would come as a message.
          caf::anon_send(session, acknowledge_atom_v, events.back().seq);
      },
      [delegate](news_atom, const std::vector<progress>& moved, const std::vector<notice>& notices) {
        for (const auto& news : notices)
          delegate->did_notice(news);
        if (!moved.empty())
          delegate->did_progress(moved);
      },
      [delegate](did_finish_atom, const std::string&) { delegate->did_finish_events(); },
      [delegate](stalled_atom, const error& why) { delegate->did_stall(why); },
  };
}

} // namespace

// -- session --------------------------------------------------------------------------------------------------------

struct session::impl {
  impl(caf::actor_system& s, session_actor h, std::string id)
      : system(s), handle(std::move(h)), identifier(std::move(id)) {}

  /// With `attached`: the delegate's actor, and how to know that it is gone.
  struct attachment {
    delegate_actor actor;
    std::future<void> gone;
    std::shared_ptr<std::atomic<std::thread::id>> thread;
  };

  void end(attachment& old) {
    caf::anon_send_exit(old.actor, caf::exit_reason::user_shutdown);
    if (old.thread->load() != std::this_thread::get_id())
      old.gone.wait();
  }

  caf::actor_system& system;
  session_actor handle;
  const std::string identifier;
  std::mutex mutex;
  std::optional<attachment> attached;
};

session::session(std::shared_ptr<impl> i) : impl_(std::move(i)) {}

const std::string& session::identifier() const noexcept {
  return impl_->identifier;
}

void session::attach(std::shared_ptr<session_delegate> delegate, bool take_over) {
  auto gone = std::make_shared<std::promise<void>>();
  auto thread = std::make_shared<std::atomic<std::thread::id>>();
  impl::attachment fresh;
  fresh.gone = gone->get_future();
  fresh.thread = thread;
  fresh.actor = impl_->system.spawn<caf::detached>(delegate_behavior, std::move(delegate), impl_->handle,
                                                   std::move(gone), std::move(thread));
  try {
    ask<void>(impl_->system, impl_->handle, attach_atom_v, fresh.actor, take_over).get();
  } catch (...) {
    impl_->end(fresh);
    throw;
  }
  const std::lock_guard lock{impl_->mutex};
  if (impl_->attached)
    impl_->end(*impl_->attached);
  impl_->attached = std::move(fresh);
}

void session::detach() {
  std::optional<impl::attachment> old;
  {
    const std::lock_guard lock{impl_->mutex};
    old = std::exchange(impl_->attached, std::nullopt);
  }
  if (!old)
    return;
  caf::anon_send(impl_->handle, detach_atom_v);
  impl_->end(*old);
}

std::future<std::vector<submit_result>> session::submit(std::vector<transfer_request> requests) {
  return ask<std::vector<submit_result>>(impl_->system, impl_->handle, submit_atom_v, std::move(requests));
}

std::future<void> session::suspend(std::vector<transfer_id> ids) {
  return ask<void>(impl_->system, impl_->handle, suspend_atom_v, std::move(ids));
}

std::future<void> session::resume(std::vector<transfer_id> ids) {
  return ask<void>(impl_->system, impl_->handle, resume_atom_v, std::move(ids));
}

std::future<void> session::cancel(std::vector<transfer_id> ids) {
  return ask<void>(impl_->system, impl_->handle, cancel_atom_v, std::move(ids));
}

std::future<void> session::remove(std::vector<transfer_id> ids) {
  return ask<void>(impl_->system, impl_->handle, remove_atom_v, std::move(ids));
}

std::future<void> session::acknowledge(event_number upto) {
  return ask<void>(impl_->system, impl_->handle, acknowledge_atom_v, upto);
}

std::future<transfer_record> session::find(transfer_id id) {
  return ask<transfer_record>(impl_->system, impl_->handle, find_atom_v, id);
}

std::future<std::vector<transfer_record>> session::list(list_filter filter) {
  return ask<std::vector<transfer_record>>(impl_->system, impl_->handle, list_atom_v, std::move(filter));
}

std::future<session_counts> session::counts() {
  return ask<session_counts>(impl_->system, impl_->handle, counts_atom_v);
}

// -- engine ---------------------------------------------------------------------------------------------------------

namespace {

struct system_config : caf::actor_system_config {
  system_config() { configure(*this); }
};

app_delegate_actor::behavior_type call_app(app_delegate_actor::pointer,
                                           std::function<void(const std::string&, std::function<void()>)> app) {
  return {
      [app = std::move(app)](handle_atom, const std::string& identifier, const completion_handler_actor& handler) {
        app(identifier, [handler] { caf::anon_send(handler, complete_atom_v); });
      },
  };
}

} // namespace

struct engine::impl {
  explicit impl(const engine_options& options) : system(config), handle(open_engine(system, options)) {}

  system_config config;
  caf::actor_system system;
  engine_actor handle;
  std::mutex mutex;
  bool stopped = false;
  std::map<std::string, std::shared_ptr<session::impl>> sessions;
  std::vector<app_delegate_actor> apps;
};

engine::engine(engine_options options) : impl_(std::make_unique<impl>(options)) {}

engine::~engine() {
  shutdown();
}

session engine::open_session(const std::string& identifier) {
  return open(identifier, {}, false);
}

session engine::open_session(const std::string& identifier, const session_configuration& configuration) {
  return open(identifier, configuration, true);
}

session engine::open(const std::string& identifier, const session_configuration& configuration, bool replace) {
  auto handle = ask<session_actor>(impl_->system, impl_->handle, open_atom_v, identifier, configuration, replace).get();
  const std::lock_guard lock{impl_->mutex};
  auto& known = impl_->sessions[identifier];
  if (!known)
    known = std::make_shared<session::impl>(impl_->system, std::move(handle), identifier);
  return session{known};
}

std::vector<session_summary> engine::sessions() {
  return ask<std::vector<session_summary>>(impl_->system, impl_->handle, sessions_atom_v).get();
}

void engine::on_background_events(std::function<void(const std::string&, std::function<void()>)> app) {
  auto actor = impl_->system.spawn<caf::detached>(call_app, std::move(app));
  ask<std::uint64_t>(impl_->system, impl_->handle, delegate_atom_v, actor).get();
  const std::lock_guard lock{impl_->mutex};
  impl_->apps.push_back(std::move(actor));
}

void engine::shutdown(std::chrono::milliseconds deadline) {
  {
    const std::lock_guard lock{impl_->mutex};
    if (std::exchange(impl_->stopped, true))
      return;
  }
  try {
    ask<void>(impl_->system, impl_->handle, shutdown_atom_v, caf::timespan{deadline}).get();
  } catch (const failure&) {
    // The engine is gone already, which is what was wanted.
  }
  for (auto& [identifier, each] : impl_->sessions)
    session{each}.detach();
  for (const auto& app : impl_->apps)
    caf::anon_send_exit(app, caf::exit_reason::user_shutdown);
}

} // namespace bellhop
