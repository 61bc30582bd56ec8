#pragma once

#include "actors/interfaces.hpp"

#include <string>

namespace bellhop {

/// What an app delegate is given to call when its program has dealt with a session's events. Counts once.
class completion_handler_role {
public:
  static inline const char* name = "completion_handler";
  explicit completion_handler_role(completion_handler_actor::pointer) {}
  bool completed = false;
};

completion_handler_actor::behavior_type
completion_handler_behavior(completion_handler_actor::stateful_pointer<completion_handler_role> self,
                            std::string identifier, engine_actor whom_to_tell);

} // namespace bellhop
