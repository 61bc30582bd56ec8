#include "actors/remote_engine.hpp"

#include "actors/api.hpp"
#include "actors/completion_handler.hpp"
#include "actors/errors.hpp"
#include "core/daemon.hpp"
#include "core/json.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace bellhop {

namespace {

/// Given to a program that the daemon has started.
constexpr const char* relaunched_variable = "BELLHOP_BACKGROUND_SESSION";

std::string path_of(const std::string& identifier) {
  return "/v1/sessions/" + identifier;
}

error shutting_down() {
  return {errc::shutting_down, "the engine is shutting down", 0};
}

error unreadable(const std::exception& e) {
  return {errc::bad_response, fmt::format("the daemon's answer cannot be read: {}", e.what()), 0};
}

/// A session as the daemon shows it.
struct shown_session {
  session_summary summary;
  bool attached = false;
};

std::vector<shown_session> sessions_in(const std::string& body) {
  std::vector<shown_session> all;
  const auto answer = json::parse(body);
  for (const auto& each : answer.at("sessions")) {
    auto record = session_from_json(each).first;
    const auto status = status_from_json(each.at("status"));
    record.phase = status.phase;
    record.paused = status.paused;
    all.push_back({{std::move(record), status.counts}, status.attached});
  }
  return all;
}

} // namespace

engine_actor::behavior_type remote_engine_role::make_behavior(api_actor api, std::string relaunched_for) {
  api_ = std::move(api);
  relaunched_for_ = std::move(relaunched_for);
  return {
      [this](open_atom, const std::string& identifier, const session_configuration& configuration, bool replace) {
        return open(identifier, configuration, replace);
      },
      [this](find_atom, const std::string& identifier) { return find(identifier); },
      [this](sessions_atom) { return sessions(); },
      [](start_atom) -> std::uint64_t {
        // The daemon has let all of its sessions go on when it started.
        return 0;
      },
      [this](delegate_atom, const app_delegate_actor& app) { return introduce(app); },
      [this](complete_atom, const std::string& identifier) {
        send({.method = "POST", .target = path_of(identifier) + "/complete", .lane = identifier},
             [](const api_answer&) {});
      },
      [](limits_atom, const engine_limits&) {
        // The daemon's limits are its own: one program does not set them for all.
      },
      [this](shutdown_atom, caf::timespan deadline) { return shut_down(deadline); },
  };
}

void remote_engine_role::send(api_request request, on_answer then) {
  self_->request(api_, caf::infinite, std::move(request)).then(then, [then](const caf::error& why) {
    then({.why = from_caf(why), .body = {}});
  });
}

// -- sessions ---------------------------------------------------------------------------------------------------------

caf::result<session_actor> remote_engine_role::open(const std::string& identifier, session_configuration configuration,
                                                    bool replace) {
  configuration.kind = session_kind::background;
  if (stopping_)
    return to_caf(shutting_down());
  if (auto why = check_identifier(identifier))
    return to_caf(why);
  if (auto why = check(configuration))
    return to_caf(why);
  auto promise = self_->make_response_promise<session_actor>();
  const auto body = to_json(configuration, secrets::shown).dump();
  if (replace) {
    put(identifier, body, promise);
    return promise;
  }
  // What is stored stays; the configuration is for a session that is new.
  send({.target = path_of(identifier), .lane = identifier},
       [this, identifier, body, promise](const api_answer& answer) mutable {
         if (answer.why.code == errc::unknown_session)
           put(identifier, body, promise);
         else if (answer.why)
           promise.deliver(to_caf(answer.why));
         else
           promise.deliver(proxy_of(identifier));
       });
  return promise;
}

void remote_engine_role::put(const std::string& identifier, const std::string& body,
                             caf::typed_response_promise<session_actor> promise) {
  send({.method = "PUT", .target = path_of(identifier), .body = body, .lane = identifier},
       [this, identifier, promise](const api_answer& answer) mutable {
         if (answer.why)
           promise.deliver(to_caf(answer.why));
         else
           promise.deliver(proxy_of(identifier));
       });
}

caf::result<session_actor> remote_engine_role::find(const std::string& identifier) {
  if (stopping_)
    return to_caf(shutting_down());
  if (auto why = check_identifier(identifier))
    return to_caf(why);
  auto promise = self_->make_response_promise<session_actor>();
  send({.target = path_of(identifier), .lane = identifier},
       [this, identifier, promise](const api_answer& answer) mutable {
         if (answer.why)
           promise.deliver(to_caf(answer.why));
         else
           promise.deliver(proxy_of(identifier));
       });
  return promise;
}

session_actor remote_engine_role::proxy_of(const std::string& identifier) {
  auto& proxy = sessions_[identifier];
  if (!proxy)
    proxy = self_->spawn(session_proxy_behavior, api_, identifier);
  return session_actor{proxy};
}

caf::result<std::vector<session_summary>> remote_engine_role::sessions() {
  auto promise = self_->make_response_promise<std::vector<session_summary>>();
  send({.target = "/v1/sessions"}, [promise](const api_answer& answer) mutable {
    try {
      if (answer.why)
        throw failure(answer.why);
      std::vector<session_summary> all;
      for (auto& each : sessions_in(answer.body))
        all.push_back(std::move(each.summary));
      promise.deliver(std::move(all));
    } catch (const failure& e) {
      promise.deliver(to_caf(e.why()));
    } catch (const std::exception& e) {
      promise.deliver(to_caf(unreadable(e)));
    }
  });
  return promise;
}

// -- the app delegate -------------------------------------------------------------------------------------------------

caf::result<std::uint64_t> remote_engine_role::introduce(const app_delegate_actor& app) {
  auto promise = self_->make_response_promise<std::uint64_t>();
  send({.target = "/v1/sessions"}, [this, app, promise](const api_answer& answer) mutable {
    try {
      if (answer.why)
        throw failure(answer.why);
      promise.deliver(tell(app, answer.body));
    } catch (const failure& e) {
      promise.deliver(to_caf(e.why()));
    } catch (const std::exception& e) {
      promise.deliver(to_caf(unreadable(e)));
    }
  });
  return promise;
}

std::uint64_t remote_engine_role::tell(const app_delegate_actor& app, const std::string& sessions) {
  std::vector<std::string> told;
  for (const auto& [summary, attached] : sessions_in(sessions)) {
    const auto& [record, counts] = summary;
    // The launcher waits for this one's completion handler, even if nothing is left for it.
    if (record.identifier == relaunched_for_)
      told.insert(told.begin(), record.identifier);
    else if (!attached && record.configuration.kind == session_kind::background &&
             (counts.unacknowledged_events > 0 || counts.unfinished() > 0))
      told.push_back(record.identifier);
  }
  for (const auto& identifier : told)
    self_->send(app, handle_atom_v, identifier,
                self_->spawn(completion_handler_behavior, identifier, engine_actor{self_}));
  return told.size();
}

// -- the end ----------------------------------------------------------------------------------------------------------

caf::result<void> remote_engine_role::shut_down(caf::timespan deadline) {
  stopped_.push_back(self_->make_response_promise());
  if (std::exchange(stopping_, true))
    return caf::delegated<void>{};
  // What was asked is answered, an acknowledgement above all; at the deadline the daemon is waited for no more.
  stop_sessions(caf::duration{deadline}, [this] {
    const auto answered = [this] { stop_sessions(caf::infinite, [this] { end(); }); };
    self_->request(api_, caf::infinite, stop_atom_v).then(answered, [answered](const caf::error&) { answered(); });
  });
  return caf::delegated<void>{};
}

void remote_engine_role::stop_sessions(caf::duration deadline, std::function<void()> then) {
  left_to_stop_ = sessions_.size() + 1;
  const auto one_less = [this, then] {
    if (--left_to_stop_ == 0)
      then();
  };
  for (const auto& [identifier, session] : sessions_)
    self_->request(session, deadline, stop_atom_v).then(one_less, [one_less](const caf::error&) { one_less(); });
  one_less();
}

void remote_engine_role::end() {
  for (const auto& [identifier, session] : sessions_)
    self_->send_exit(session, caf::exit_reason::user_shutdown);
  self_->send_exit(api_, caf::exit_reason::user_shutdown);
  for (auto& promise : stopped_)
    promise.deliver(caf::unit);
  self_->quit();
}

engine_actor::behavior_type remote_engine_behavior(engine_actor::stateful_pointer<remote_engine_role> self,
                                                   api_actor api, std::string relaunched_for) {
  return self->state.make_behavior(std::move(api), std::move(relaunched_for));
}

engine_actor open_remote_engine(caf::actor_system& system, const remote_options& options) {
  api_client_options client;
  client.socket = options.socket.empty() ? default_socket() : options.socket;
  if (options.start) {
    client.start = [socket = client.socket] { start_daemon(socket); };
    client.start();
  } else if (!daemon_listens(client.socket)) {
    throw failure(errc::daemon_unavailable,
                  fmt::format("no bellhopd listens at {}: start one, or let it be started", client.socket.native()));
  }
  auto api = std::make_shared<api_client>(std::move(client));
  const auto* const relaunched_for = std::getenv(relaunched_variable);
  return system.spawn(remote_engine_behavior, api_actor{system.spawn(api_behavior, std::move(api))},
                      std::string{relaunched_for == nullptr ? "" : relaunched_for});
}

} // namespace bellhop
