#pragma once

#include "actors/interfaces.hpp"
#include "actors/session_proxy.hpp"
#include "core/api_client.hpp"

#include <caf/actor_system.hpp>
#include <caf/response_promise.hpp>
#include <caf/result.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bellhop {

/// Which daemon a program is attached to.
struct remote_options {
  /// Empty: `default_socket()` (core/daemon.hpp).
  path socket;
  /// Start `bellhopd` when nobody listens there, also later.
  bool start = true;
};

/// The engine of a program that is attached to the daemon: opens proxies of sessions. Its sessions are background
/// sessions, whatever kind a configuration names. The daemon goes on when it ends.
class remote_engine_role {
public:
  static inline const char* name = "remote_engine";
  explicit remote_engine_role(engine_actor::pointer self) : self_(self) {}

  /// `relaunched_for`: the session whose news this program was started for by the daemon, or empty.
  engine_actor::behavior_type make_behavior(api_actor, std::string relaunched_for);

private:
  using on_answer = std::function<void(const api_answer&)>;
  void send(api_request, on_answer);
  caf::result<session_actor> open(const std::string& identifier, session_configuration, bool replace);
  void put(const std::string& identifier, const std::string& body, caf::typed_response_promise<session_actor>);
  caf::result<session_actor> find(const std::string& identifier);
  session_actor proxy_of(const std::string& identifier);
  caf::result<std::vector<session_summary>> sessions();
  caf::result<std::uint64_t> introduce(const app_delegate_actor&);
  std::uint64_t tell(const app_delegate_actor&, const std::string& sessions);
  caf::result<void> shut_down(caf::timespan deadline);
  void stop_sessions(caf::duration deadline, std::function<void()> then);
  void end();

  engine_actor::pointer self_;
  api_actor api_;
  std::string relaunched_for_;
  std::map<std::string, session_proxy_actor> sessions_;
  std::size_t left_to_stop_ = 0;
  bool stopping_ = false;
  std::vector<caf::response_promise> stopped_;
};

engine_actor::behavior_type remote_engine_behavior(engine_actor::stateful_pointer<remote_engine_role> self, api_actor,
                                                   std::string relaunched_for);

/// The way to the daemon, which is started if it is not there and `start` says so. Throws `failure`
/// (`daemon_unavailable`). End it with `shutdown_atom`, which answers once what was asked before is answered, and joins
/// its thread.
engine_actor open_remote_engine(caf::actor_system&, const remote_options&);

} // namespace bellhop
