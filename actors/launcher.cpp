#include "actors/launcher.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace bellhop {

namespace {

void set_variable(std::vector<header>& environment, const char* name, std::string value) {
  std::erase_if(environment, [&](const header& each) { return each.name == name; });
  environment.push_back({name, std::move(value)});
}

/// Sends what the runner's thread tells, as long as the launcher is there.
template <class... Args>
void tell(const caf::weak_actor_ptr& launcher, Args... args) {
  if (const auto handle = caf::actor_cast<caf::strong_actor_ptr>(launcher))
    caf::anon_send(caf::actor_cast<launcher_control_actor>(handle), std::move(args)...);
}

} // namespace

launcher_control_actor::behavior_type launcher_role::make_behavior(launcher_setting setting) {
  setting_ = std::move(setting);
  return {
      [this](launch_atom, const launch_order& order, const session_control_actor& session) {
        auto& entry = entries_[order.identifier];
        entry.order = order;
        entry.session = session;
        step(order.identifier, launch::in::wanted{});
      },
      [this](close_atom, const std::string& identifier) { step(identifier, launch::in::closed{}); },
      [this](complete_atom, const std::string& identifier) { step(identifier, launch::in::completed{}); },
      [this](start_atom, const std::string& identifier, std::uint64_t start, std::int32_t pid) {
        if (is_current(identifier, &entry::start, start))
          step(identifier, launch::in::started{pid});
      },
      [this](done_atom, const std::string& identifier, std::uint64_t start, const error& how) {
        if (is_current(identifier, &entry::start, start))
          step(identifier, launch::in::ended{how});
      },
      [this](due_atom, const std::string& identifier, std::uint64_t timer) {
        if (is_current(identifier, &entry::timer, timer))
          step(identifier, launch::in::due{});
      },
  };
}

bool launcher_role::is_current(const std::string& identifier, std::uint64_t entry::*which, std::uint64_t number) const {
  const auto found = entries_.find(identifier);
  return found != entries_.end() && found->second.*which == number;
}

void launcher_role::step(const std::string& identifier, const launch::input& what) {
  const auto found = entries_.find(identifier);
  if (found == entries_.end())
    return;
  auto& entry = found->second;
  const auto then = entry.policy.step(what, {setting_.now(), setting_.jitter()});
  if (then.tell) {
    self_->send(entry.session, launched_atom_v, entry.policy.status());
    if (setting_.changed)
      setting_.changed(identifier, entry.policy.status());
  }
  if (then.start)
    start(entry);
  if (then.wake_after) {
    entry.timer = ++last_number_;
    self_->delayed_send(self_, *then.wake_after, due_atom_v, identifier, entry.timer);
  }
  if (entry.policy.idle())
    entries_.erase(found);
}

void launcher_role::start(entry& which) {
  which.start = ++last_number_;
  const auto launcher = caf::actor_cast<caf::weak_actor_ptr>(self_);
  const auto& identifier = which.order.identifier;
  program_observer observer;
  observer.started = [launcher, identifier, number = which.start](std::int32_t pid) {
    tell(launcher, start_atom_v, identifier, number, pid);
  };
  observer.ended = [launcher, identifier, number = which.start](const error& how) {
    tell(launcher, done_atom_v, identifier, number, how);
  };
  setting_.start({identifier, complete_command(which.order)}, std::move(observer));
}

launch_command launcher_role::complete_command(const launch_order& order) const {
  auto command = order.command;
  command.arguments.insert(command.arguments.end(), {"--background-session", order.identifier});
  set_variable(command.environment, "BELLHOP_BACKGROUND_SESSION", order.identifier);
  set_variable(command.environment, "BELLHOP_SOCKET", setting_.socket.string());
  return command;
}

launcher_control_actor::behavior_type launcher_behavior(launcher_control_actor::stateful_pointer<launcher_role> self,
                                                        launcher_setting setting) {
  return self->state.make_behavior(std::move(setting));
}

launcher_setting make_launcher_setting(const path& state, const path& socket) {
  launcher_setting setting;
  const auto runner = std::make_shared<program_runner>(state);
  setting.start = [runner](program_start what, program_observer observer) {
    runner->start(std::move(what), std::move(observer));
  };
  setting.now = now;
  setting.jitter = [source = std::mt19937_64{std::random_device{}()}]() mutable {
    return std::uniform_real_distribution<double>{0.0, 1.0}(source);
  };
  setting.socket = socket;
  return setting;
}

} // namespace bellhop
