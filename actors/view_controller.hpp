#pragma once

#include "actors/interfaces.hpp"
#include "core/configuration.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bellhop {

/// What a view controller shows its transfers on. Called by the view controller, one call at a time, on a thread of the
/// actor system: return soon.
class session_view {
public:
  virtual ~session_view() = default;
  /// Terminal events, in order, each at least once (a crash before the acknowledgement repeats them).
  virtual void show(const std::vector<event>&) = 0;
  virtual void show(const std::vector<progress>&, const std::vector<notice>&) = 0;
  /// Nothing is left to do, all events were shown, and the completion handler, if there was one, was called.
  virtual void finished(bool handler_called) = 0;
  /// What could not be done, for a person.
  virtual void trouble(const error&) = 0;
};

/// The messages a view controller understands beyond those of its role.
using view_control_actor = view_controller_actor::extend<
    // Download these, as a tap on a button would. Opens the session if that has not happened.
    caf::replies_to<submit_atom, std::vector<transfer_request>>::with<std::vector<submit_result>>,
    // Open the session, and see to what it has.
    caf::reacts_to<open_atom>>;

/// What a view controller works with.
struct view_setting {
  engine_actor engine;
  notification_center_actor center;
  std::string identifier;
  session_configuration configuration;
  std::shared_ptr<session_view> view;
};

/// Opens its session lazily: at the first download, or when a notification says that the session has events. (A session
/// that is opened by the button alone leaves a relaunched program without its events.) Keeps the completion handler and
/// calls it once, when the session has delivered everything. Acknowledges what the view has shown.
class view_controller_role {
public:
  static inline const char* name = "view_controller";
  explicit view_controller_role(view_control_actor::pointer self) : self_(self) {}

  view_control_actor::behavior_type make_behavior(view_setting);

private:
  /// Calls `then` when the session is open; at once if it is.
  void with_session(std::function<void(const session_actor&)> then, std::function<void(const error&)> otherwise);
  void attached(const session_actor&);
  void could_not(const error&);
  void lost_session(const error&);
  void updated(const notification&);
  void look_whether_finished(const session_actor&);
  void finished();

  view_control_actor::pointer self_;
  view_setting setting_;
  session_actor session_;
  bool opening_ = false;
  struct continuation {
    std::function<void(const session_actor&)> then;
    std::function<void(const error&)> otherwise;
  };
  std::vector<continuation> when_open_;
  /// Of every notification that came since the session last had nothing left.
  std::vector<completion_handler_actor> handlers_;
};

view_control_actor::behavior_type
view_controller_behavior(view_control_actor::stateful_pointer<view_controller_role> self, view_setting);

} // namespace bellhop
