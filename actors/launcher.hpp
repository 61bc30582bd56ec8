#pragma once

#include "actors/interfaces.hpp"
#include "core/launch_policy.hpp"
#include "core/program_runner.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace bellhop {

/// What a launcher works with; given to it, so that tests give it others.
struct launcher_setting {
  /// Starts a program, soon; see program_runner::start. The observer may be called on any thread.
  std::function<void(program_start, program_observer)> start;
  /// The wall clock.
  std::function<time_point()> now;
  /// Uniform in [0, 1).
  std::function<double()> jitter;
  /// Where the daemon listens; programs are told.
  path socket;
  /// Called with each change that a session is told, for the daemon's log; may be empty.
  std::function<void(const std::string& session, const launch_status&)> changed;
};

/// A setting with a program_runner over the state directory. Throws `failure`.
launcher_setting make_launcher_setting(const path& state, const path& socket);

/// Shell of core's launch::machine, of which there is one for each session whose program is of interest now.
class launcher_role {
public:
  static inline const char* name = "launcher";
  explicit launcher_role(launcher_control_actor::pointer self) : self_(self) {}

  launcher_control_actor::behavior_type make_behavior(launcher_setting);

private:
  struct entry {
    launch::machine policy;
    launch_order order;
    session_control_actor session;
    /// The last start; what is told of others is stale.
    std::uint64_t start = 0;
    /// The last timer.
    std::uint64_t timer = 0;
  };

  void step(const std::string& identifier, const launch::input&);
  void start(entry&);
  launch_command complete_command(const launch_order&) const;
  bool is_current(const std::string& identifier, std::uint64_t entry::*which, std::uint64_t number) const;

  launcher_control_actor::pointer self_;
  launcher_setting setting_;
  std::map<std::string, entry> entries_;
  std::uint64_t last_number_ = 0;
};

launcher_control_actor::behavior_type launcher_behavior(launcher_control_actor::stateful_pointer<launcher_role> self,
                                                        launcher_setting);

} // namespace bellhop
