#pragma once

#include "actors/interfaces.hpp"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace bellhop {

/// Observers by name. A notification without an observer is kept for the first one that comes (an app delegate may be
/// told before its view controller is there), at most `most_kept` of them.
class notification_center_role {
public:
  static inline const char* name = "notification_center";
  static constexpr std::size_t most_kept = 64;

  explicit notification_center_role(notification_center_actor::pointer self) : self_(self) {}

  notification_center_actor::behavior_type make_behavior();

private:
  void observe(const std::string& what, const observer_actor&);
  void post(const notification&);

  notification_center_actor::pointer self_;
  std::multimap<std::string, observer_actor> observers_;
  std::deque<notification> kept_;
  std::uint64_t dropped_ = 0;
};

notification_center_actor::behavior_type
notification_center_behavior(notification_center_actor::stateful_pointer<notification_center_role> self);

} // namespace bellhop
