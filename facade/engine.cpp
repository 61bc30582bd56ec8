#include "actors/engine.hpp"

#include "actors/remote_engine.hpp"
#include "facade/session_impl.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <utility>

namespace bellhop {

namespace {

using app_function = std::function<void(const std::string&, std::function<void()>)>;

struct system_config : caf::actor_system_config {
  system_config() { configure(*this); }
};

app_delegate_actor::behavior_type call_app(app_delegate_actor::pointer, app_function app) {
  return {
      [app = std::move(app)](handle_atom, const std::string& identifier, const completion_handler_actor& handler) {
        app(identifier, [handler] { caf::anon_send(handler, complete_atom_v); });
      },
  };
}

} // namespace

struct engine::impl {
  explicit impl(const engine_options& options) : handle(open_engine(system, options)) {}
  explicit impl(const daemon_options& options)
      : handle(open_remote_engine(system, {.socket = options.socket, .start = options.start})) {}

  template <class T, class... Args>
  T ask(Args... args) {
    return bellhop::ask<T>(system, {errc::shutting_down, "the engine was shut down", 0}, handle, std::move(args)...)
        .get();
  }

  session known_as(const std::string& identifier, session_actor);

  system_config config;
  caf::actor_system system{config};
  engine_actor handle;
  std::mutex mutex;
  bool stopped = false;
  std::map<std::string, std::shared_ptr<session::impl>> sessions;
  std::vector<app_delegate_actor> apps;
};

/// The copies of a session's handle share what this program has attached to it.
session engine::impl::known_as(const std::string& identifier, session_actor session_handle) {
  std::shared_ptr<session::impl> former;
  std::shared_ptr<session::impl> found;
  {
    const std::lock_guard lock{mutex};
    auto& known = sessions[identifier];
    if (!known || known->handle != session_handle)
      // The former one was invalidated.
      former = std::exchange(known, std::make_shared<session::impl>(system, std::move(session_handle), identifier));
    found = known;
  }
  if (former)
    former->end();
  return session{std::move(found)};
}

engine::engine(engine_options options) : impl_(std::make_unique<impl>(options)) {}

engine::engine(const daemon_options& options) : impl_(std::make_unique<impl>(options)) {}

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
  return impl_->known_as(identifier, impl_->ask<session_actor>(open_atom_v, identifier, configuration, replace));
}

session engine::find_session(const std::string& identifier) {
  return impl_->known_as(identifier, impl_->ask<session_actor>(find_atom_v, identifier));
}

std::vector<session_summary> engine::sessions() {
  return impl_->ask<std::vector<session_summary>>(sessions_atom_v);
}

void engine::on_background_events(app_function app) {
  auto actor = impl_->system.spawn<caf::detached>(call_app, std::move(app));
  {
    const std::lock_guard lock{impl_->mutex};
    impl_->apps.push_back(actor);
  }
  impl_->ask<std::uint64_t>(delegate_atom_v, actor);
}

void engine::shutdown(std::chrono::milliseconds deadline) {
  {
    const std::lock_guard lock{impl_->mutex};
    if (std::exchange(impl_->stopped, true))
      return;
  }
  try {
    impl_->ask<void>(shutdown_atom_v, caf::timespan{deadline});
  } catch (const failure&) {
    // The engine is gone already, which is what was wanted.
  }
  const auto sessions = [this] {
    const std::lock_guard lock{impl_->mutex};
    return std::pair{impl_->sessions, impl_->apps};
  }();
  for (const auto& [identifier, each] : sessions.first)
    each->end();
  for (const auto& app : sessions.second)
    caf::anon_send_exit(app, caf::exit_reason::user_shutdown);
}

} // namespace bellhop
