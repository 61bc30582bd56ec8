#pragma once

#include "actors/interfaces.hpp"
#include "actors/services.hpp"
#include "core/engine_options.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/expected.hpp>
#include <caf/response_promise.hpp>
#include <caf/result.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bellhop {

/// Settings without which Bellhop's actors do not work or burn CPU: the message types, how errors are printed, and a
/// scheduler of few workers that sleep when there is nothing to do. Call it before the actor_system is made; a program
/// that runs CAF anyway may set more workers afterwards.
void configure(caf::actor_system_config&);

/// The root of the actors. Use `open_engine`, or for tests the role with services of your own.
class engine_role {
public:
  static inline const char* name = "engine";
  explicit engine_role(engine_control_actor::pointer self) : self_(self) {}

  engine_control_actor::behavior_type make_behavior(std::shared_ptr<const services> durable,
                                                    std::shared_ptr<const services> ephemeral);

private:
  using session_promise = caf::typed_response_promise<session_actor>;

  struct open_session {
    session_control_actor handle;
    std::shared_ptr<const services> with;
    /// It is about to end, after which these are opened anew.
    bool ending = false;
    std::vector<std::function<void()>> after_end;
  };

  caf::result<session_actor> open(const std::string& identifier, const session_configuration&, bool replace);
  void open_for(session_promise, const std::string& identifier, const session_configuration&, bool replace);
  caf::result<session_actor> find(const std::string& identifier);
  void find_for(session_promise, const std::string& identifier);
  template <class... Request>
  void ask_ledger_to_open(session_promise, const std::string& identifier, const std::shared_ptr<const services>&,
                          Request...);
  caf::expected<session_actor> opened(const std::string& identifier, const opened_session&,
                                      const std::shared_ptr<const services>&);
  caf::result<std::uint64_t> start_all();
  void set_ending(const std::string& identifier, bool);
  void ended(const caf::actor_addr&);

  /// An app delegate that is being told of the sessions that nobody looks after.
  struct introduction {
    app_delegate_actor app;
    caf::typed_response_promise<std::uint64_t> answer;
    std::size_t left;
    std::uint64_t told;
  };
  caf::result<std::uint64_t> introduce(const app_delegate_actor&);
  void introduce_unless_attached(const std::string& identifier, const std::shared_ptr<introduction>&);
  void tell(const std::string& identifier, introduction&);
  static void one_less(introduction&);

  caf::result<void> shut_down(caf::timespan deadline);
  void stop_ledger(caf::timespan left);
  const std::shared_ptr<const services>& services_for(const session_configuration&) const;

  engine_control_actor::pointer self_;
  std::shared_ptr<const services> durable_;
  std::shared_ptr<const services> ephemeral_;
  std::map<std::string, open_session> sessions_;
  std::size_t left_to_stop_ = 0;
  bool stopping_ = false;
  std::vector<caf::response_promise> stopped_;
};

engine_control_actor::behavior_type engine_behavior(engine_control_actor::stateful_pointer<engine_role> self,
                                                    std::shared_ptr<const services> durable,
                                                    std::shared_ptr<const services> ephemeral);

/// Takes the state directory, opens its ledger and starts the threads. Throws `failure` (core/state_directory.hpp,
/// core/ledger.hpp). Nothing runs until a session is opened, or all are by `start_atom`. End it with `shutdown_atom`.
engine_actor open_engine(caf::actor_system&, const engine_options&);

} // namespace bellhop
