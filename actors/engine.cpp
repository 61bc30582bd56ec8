#include "actors/engine.hpp"

#include "actors/completion_handler.hpp"
#include "actors/errors.hpp"
#include "actors/launcher.hpp"
#include "actors/ledger.hpp"
#include "actors/network.hpp"
#include "actors/publisher.hpp"
#include "actors/session.hpp"
#include "actors/settle.hpp"
#include "core/state_directory.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
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

namespace {

error shutting_down() {
  return {errc::shutting_down, "the engine is shutting down", 0};
}

} // namespace

engine_control_actor::behavior_type engine_role::make_behavior(std::shared_ptr<const services> durable,
                                                               std::shared_ptr<const services> ephemeral) {
  durable_ = std::move(durable);
  ephemeral_ = std::move(ephemeral);
  self_->set_down_handler([this](const caf::down_msg& down) { ended(down.source); });
  return {
      [this](open_atom, const std::string& identifier, const session_configuration& configuration, bool replace) {
        return open(identifier, configuration, replace);
      },
      [this](find_atom, const std::string& identifier) { return find(identifier); },
      [this](start_atom) { return start_all(); },
      [this](sessions_atom) { return self_->delegate(durable_->ledger, sessions_atom_v); },
      [this](delegate_atom, const app_delegate_actor& app) { return introduce(app); },
      [this](complete_atom, const std::string& identifier) {
        // In-process there is nobody to put to rest.
        if (durable_->launcher)
          self_->send(durable_->launcher, complete_atom_v, identifier);
      },
      [this](limits_atom, const engine_limits& limits) { self_->send(durable_->network, limits_atom_v, limits); },
      [this](shutdown_atom, caf::timespan deadline) { return shut_down(deadline); },
      [this](invalid_atom, const std::string& identifier, bool is_ending) { set_ending(identifier, is_ending); },
  };
}

const std::shared_ptr<const services>& engine_role::services_for(const session_configuration& configuration) const {
  return configuration.kind == session_kind::ephemeral ? ephemeral_ : durable_;
}

// -- opening ----------------------------------------------------------------------------------------------------------

caf::result<session_actor> engine_role::open(const std::string& identifier, const session_configuration& configuration,
                                             bool replace) {
  if (auto why = check_identifier(identifier))
    return to_caf(why);
  if (auto why = check(configuration))
    return to_caf(why);
  auto promise = self_->make_response_promise<session_actor>();
  open_for(promise, identifier, configuration, replace);
  return promise;
}

void engine_role::open_for(session_promise promise, const std::string& identifier,
                           const session_configuration& configuration, bool replace) {
  const auto known = sessions_.find(identifier);
  if (stopping_)
    promise.deliver(to_caf(shutting_down()));
  else if (known != sessions_.end() && known->second.ending)
    known->second.after_end.push_back(
        [this, promise, identifier, configuration, replace] { open_for(promise, identifier, configuration, replace); });
  else if (known != sessions_.end() && !replace)
    promise.deliver(session_actor{known->second.handle});
  else
    ask_ledger_to_open(promise, identifier, services_for(configuration), configuration, replace);
}

caf::result<session_actor> engine_role::find(const std::string& identifier) {
  auto promise = self_->make_response_promise<session_actor>();
  find_for(promise, identifier);
  return promise;
}

void engine_role::find_for(session_promise promise, const std::string& identifier) {
  const auto known = sessions_.find(identifier);
  if (stopping_)
    promise.deliver(to_caf(shutting_down()));
  else if (known == sessions_.end())
    ask_ledger_to_open(promise, identifier, durable_);
  else if (known->second.ending)
    known->second.after_end.push_back([this, promise, identifier] { find_for(promise, identifier); });
  else
    promise.deliver(session_actor{known->second.handle});
}

template <class... Request>
void engine_role::ask_ledger_to_open(session_promise promise, const std::string& identifier,
                                     const std::shared_ptr<const services>& with, Request... request) {
  self_->request(with->ledger, caf::infinite, open_atom_v, identifier, std::move(request)...)
      .then(
          [this, identifier, with, promise](const opened_session& found) mutable {
            if (auto session = opened(identifier, found, with))
              promise.deliver(std::move(*session));
            else
              promise.deliver(std::move(session.error()));
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
}

/// Several may ask for one session at once: the ledger has seen to each in turn, and all get the same one.
caf::expected<session_actor> engine_role::opened(const std::string& identifier, const opened_session& found,
                                                 const std::shared_ptr<const services>& with) {
  for (const auto& part : found.obsolete)
    self_->send(with->publisher, discard_atom_v, part.transfer, part.folder.string(), part.name);
  if (stopping_)
    return to_caf(shutting_down());
  auto& session = sessions_[identifier];
  if (!session.handle) {
    session.handle = self_->spawn<caf::monitored>(session_behavior, with, engine_control_actor{self_}, found);
    session.with = with;
    if (with->session_opened)
      with->session_opened(identifier);
  } else if (session.with == with) {
    self_->send(session.handle, open_atom_v, found.record.configuration);
  } else {
    return to_caf({errc::invalid_argument,
                   "the session " + identifier + " is open already: ephemeral and others cannot share an identifier",
                   0});
  }
  return session_actor{session.handle};
}

caf::result<std::uint64_t> engine_role::start_all() {
  auto promise = self_->make_response_promise<std::uint64_t>();
  self_->request(durable_->ledger, caf::infinite, sessions_atom_v)
      .then(
          [this, promise](const std::vector<session_summary>& all) mutable {
            auto left = std::make_shared<std::size_t>(all.size() + 1);
            auto one_less = [promise, left, count = all.size()]() mutable {
              if (--*left == 0)
                promise.deliver(std::uint64_t{count});
            };
            for (const auto& [record, counts] : all)
              self_->request(engine_actor{self_}, caf::infinite, find_atom_v, record.identifier)
                  .then([one_less](const session_actor&) mutable { one_less(); },
                        [one_less](const caf::error&) mutable { one_less(); });
            one_less();
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

void engine_role::set_ending(const std::string& identifier, bool is_ending) {
  const auto known = sessions_.find(identifier);
  if (known == sessions_.end())
    return;
  known->second.ending = is_ending;
  if (!is_ending)
    for (const auto& open_now : std::exchange(known->second.after_end, {}))
      open_now();
}

/// A session that was invalidated; or one with a bug, which whoever opens it next gets anew.
void engine_role::ended(const caf::actor_addr& who) {
  const auto gone =
      std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& s) { return s.second.handle.address() == who; });
  if (gone == sessions_.end())
    return;
  const auto after_end = std::move(gone->second.after_end);
  sessions_.erase(gone);
  for (const auto& open_again : after_end)
    open_again();
}

// -- relaunch and end -------------------------------------------------------------------------------------------------

caf::result<std::uint64_t> engine_role::introduce(const app_delegate_actor& app) {
  auto promise = self_->make_response_promise<std::uint64_t>();
  self_->request(durable_->ledger, caf::infinite, sessions_atom_v)
      .then(
          [this, app, promise](const std::vector<session_summary>& all) mutable {
            auto task = std::make_shared<introduction>(introduction{app, promise, 1, 0});
            for (const auto& [record, counts] : all)
              if (counts.unacknowledged_events > 0 || counts.unfinished() > 0)
                introduce_unless_attached(record.identifier, task);
            one_less(*task);
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

void engine_role::introduce_unless_attached(const std::string& identifier, const std::shared_ptr<introduction>& task) {
  const auto known = sessions_.find(identifier);
  if (known == sessions_.end())
    return tell(identifier, *task);
  ++task->left;
  const auto answered = [this, identifier, task](const session_status& status) {
    if (!status.attached)
      tell(identifier, *task);
    one_less(*task);
  };
  self_->request(known->second.handle, caf::infinite, status_atom_v).then(answered, [answered](const caf::error&) {
    answered({});
  });
}

void engine_role::tell(const std::string& identifier, introduction& task) {
  ++task.told;
  self_->send(task.app, handle_atom_v, identifier,
              self_->spawn(completion_handler_behavior, identifier, engine_actor{self_}));
}

void engine_role::one_less(introduction& task) {
  if (--task.left == 0)
    task.answer.deliver(task.told);
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
    if (durable_->launcher)
      self_->send_exit(durable_->launcher, caf::exit_reason::user_shutdown);
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

engine_control_actor::behavior_type engine_behavior(engine_control_actor::stateful_pointer<engine_role> self,
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
                          std::shared_ptr<state_directory> lock, std::shared_ptr<engine_metrics> metrics) {
  auto setting = std::make_shared<ledger_setting>();
  setting->commits.metrics = std::move(metrics);
  setting->database = std::move(database);
  setting->lock = std::move(lock);
  setting->now = now;
  return system.spawn<caf::detached>(ledger_behavior, std::move(setting));
}

launcher_actor spawn_launcher(caf::actor_system& system, const engine_options& options, const path& state) {
  auto setting = make_launcher_setting(state, options.socket);
  setting.changed = options.launch_changed;
  return system.spawn(launcher_behavior, std::move(setting));
}

} // namespace

engine_actor open_engine(caf::actor_system& system, const engine_options& options) {
  auto state = std::make_shared<state_directory>(options.state.empty() ? default_state_directory() : options.state);
  auto database = open_sqlite_ledger(state->ledger_file(), options.durable);
  auto durable = std::make_shared<services>();
  if (options.launches)
    durable->launcher = spawn_launcher(system, options, state->where());
  durable->ledger = spawn_ledger(system, std::move(database), std::move(state), options.metrics);
  auto network = options.network;
  network.metrics = options.metrics;
  durable->network = system.spawn(network_behavior, std::move(network));
  durable->publisher = system.spawn(publisher_behavior);
  durable->now = now;
  durable->jitter = uniform;
  durable->next_attempt = fresh_attempt;
  durable->metrics = options.metrics;
  durable->session_opened = options.session_opened;
  durable->transfer_ended = options.transfer_ended;
  auto ephemeral = std::make_shared<services>(*durable);
  ephemeral->launcher = nullptr;
  ephemeral->ledger = spawn_ledger(system, make_memory_ledger(), nullptr, nullptr);
  return system.spawn(engine_behavior, std::move(durable), std::move(ephemeral));
}

} // namespace bellhop
