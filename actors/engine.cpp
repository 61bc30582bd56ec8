#include "actors/engine.hpp"

#include "actors/completion_handler.hpp"
#include "actors/errors.hpp"
#include "actors/ledger.hpp"
#include "actors/network.hpp"
#include "actors/publisher.hpp"
#include "actors/session.hpp"
#include "actors/settle.hpp"
#include "core/state_directory.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <random>
#include <utility>

namespace bellhop {

void configure(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::bellhop>();
  add_error_category(config);
  // The default policy, stealing, polls; one worker is faster here than two (ARCHITECTURE.md, "Speed").
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{1});
}

engine_actor::behavior_type engine_role::make_behavior(std::shared_ptr<const services> durable,
                                                       std::shared_ptr<const services> ephemeral) {
  durable_ = std::move(durable);
  ephemeral_ = std::move(ephemeral);
  return {
      [this](open_atom, const std::string& identifier, const session_configuration& configuration, bool replace) {
        return open(identifier, configuration, replace);
      },
      [this](sessions_atom) { return self_->delegate(durable_->ledger, sessions_atom_v); },
      [this](delegate_atom, const app_delegate_actor& app) { return introduce(app); },
      [](complete_atom, const std::string&) {
        // In-process there is nobody to put to rest; the launcher of the daemon waits for this.
      },
      [this](shutdown_atom, caf::timespan deadline) { return shut_down(deadline); },
  };
}

const std::shared_ptr<const services>& engine_role::services_for(const session_configuration& configuration) const {
  return configuration.kind == session_kind::ephemeral ? ephemeral_ : durable_;
}

caf::result<session_actor> engine_role::open(const std::string& identifier, const session_configuration& configuration,
                                             bool replace) {
  if (stopping_)
    return to_caf({errc::shutting_down, "the engine is shutting down", 0});
  if (auto why = check_identifier(identifier))
    return to_caf(why);
  if (auto why = check(configuration))
    return to_caf(why);
  const auto known = sessions_.find(identifier);
  if (known != sessions_.end() && !replace)
    return session_actor{known->second.handle};
  auto promise = self_->make_response_promise<session_actor>();
  const auto with = services_for(configuration);
  self_->request(with->ledger, caf::infinite, open_atom_v, identifier, configuration, replace)
      .then(
          [this, identifier, with, promise](const opened_session& found) mutable {
            if (auto session = opened(identifier, found, with))
              promise.deliver(std::move(*session));
            else
              promise.deliver(std::move(session.error()));
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

/// Several may ask for one session at once: the ledger has seen to each in turn, and all get the same one.
caf::expected<session_actor> engine_role::opened(const std::string& identifier, const opened_session& found,
                                                 const std::shared_ptr<const services>& with) {
  if (stopping_)
    return to_caf({errc::shutting_down, "the engine is shutting down", 0});
  auto& session = sessions_[identifier];
  if (!session.handle)
    session = {self_->spawn(session_behavior, with, found), with};
  else if (session.with == with)
    self_->send(session.handle, open_atom_v, found.record.configuration);
  else
    return to_caf({errc::invalid_argument,
                   "the session " + identifier + " is open already: ephemeral and others cannot share an identifier",
                   0});
  return session_actor{session.handle};
}

caf::result<std::uint64_t> engine_role::introduce(const app_delegate_actor& app) {
  auto promise = self_->make_response_promise<std::uint64_t>();
  self_->request(durable_->ledger, caf::infinite, sessions_atom_v)
      .then(
          [this, app, promise](const std::vector<session_summary>& all) mutable {
            std::uint64_t told = 0;
            for (const auto& [record, counts] : all) {
              if (counts.unacknowledged_events == 0 && counts.unfinished() == 0)
                continue;
              ++told;
              self_->send(app, handle_atom_v, record.identifier,
                          self_->spawn(completion_handler_behavior, record.identifier, engine_actor{self_}));
            }
            promise.deliver(told);
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

caf::result<void> engine_role::shut_down(caf::timespan deadline) {
  stopped_.push_back(self_->make_response_promise());
  if (std::exchange(stopping_, true))
    return caf::delegated<void>{};
  left_to_stop_ = sessions_.size() + 1;
  // The last quarter is the ledger's, which has to write down what the sessions told it.
  const auto for_sessions = deadline - deadline / 4;
  const auto began = self_->clock().now();
  const auto one_less = [this, deadline, began] {
    if (left_to_stop_ > 0 && --left_to_stop_ == 0)
      stop_ledger(deadline - (self_->clock().now() - began));
  };
  for (const auto& [identifier, session] : sessions_)
    self_->request(session.handle, for_sessions, stop_atom_v).then(one_less, [one_less](const caf::error&) {
      one_less();
    });
  one_less();
  return caf::delegated<void>{};
}

/// The sessions are at rest, or their time has passed; what they told the ledger is in its mailbox.
void engine_role::stop_ledger(caf::timespan left) {
  const auto end = [this] {
    for (const auto& [identifier, session] : sessions_)
      self_->send_exit(session.handle, caf::exit_reason::user_shutdown);
    self_->send_exit(durable_->network, caf::exit_reason::user_shutdown);
    self_->send_exit(durable_->publisher, caf::exit_reason::user_shutdown);
    self_->send_exit(durable_->ledger, caf::exit_reason::user_shutdown);
    self_->send_exit(ephemeral_->ledger, caf::exit_reason::user_shutdown);
    for (auto& promise : stopped_)
      promise.deliver(caf::unit);
    self_->quit();
  };
  self_->request(durable_->ledger, left, shutdown_atom_v).then(end, [end](const caf::error&) { end(); });
}

engine_actor::behavior_type engine_behavior(engine_actor::stateful_pointer<engine_role> self,
                                            std::shared_ptr<const services> durable,
                                            std::shared_ptr<const services> ephemeral) {
  return self->state.make_behavior(std::move(durable), std::move(ephemeral));
}

namespace {

double uniform() {
  thread_local std::mt19937_64 source{std::random_device{}()};
  return std::uniform_real_distribution<double>{0.0, 1.0}(source);
}

attempt_id fresh_attempt() {
  static std::atomic<std::uint64_t> last{0};
  return {++last};
}

ledger_actor spawn_ledger(caf::actor_system& system, std::unique_ptr<ledger> database,
                          std::shared_ptr<state_directory> lock) {
  auto setting = std::make_shared<ledger_setting>();
  setting->database = std::move(database);
  setting->lock = std::move(lock);
  setting->now = now;
  return system.spawn<caf::detached>(ledger_behavior, std::move(setting));
}

} // namespace

engine_actor open_engine(caf::actor_system& system, const engine_options& options) {
  auto state = std::make_shared<state_directory>(options.state.empty() ? default_state_directory() : options.state);
  auto database = open_sqlite_ledger(state->ledger_file(), options.durable);
  auto durable = std::make_shared<services>();
  durable->ledger = spawn_ledger(system, std::move(database), std::move(state));
  durable->network = system.spawn(network_behavior, options.network);
  durable->publisher = system.spawn(publisher_behavior);
  durable->now = now;
  durable->jitter = uniform;
  durable->next_attempt = fresh_attempt;
  auto ephemeral = std::make_shared<services>(*durable);
  ephemeral->ledger = spawn_ledger(system, make_memory_ledger(), nullptr);
  return system.spawn(engine_behavior, std::move(durable), std::move(ephemeral));
}

} // namespace bellhop
