#pragma once

#include "actors/interfaces.hpp"
#include "core/publisher.hpp"

#include <memory>

namespace bellhop {

/// The publisher as an actor: takes wishes to its thread and sends the answers to the transfer that asked. Ends its
/// thread when it ends.
class publisher_role {
public:
  static inline const char* name = "publisher";
  explicit publisher_role(publisher_actor::pointer self);

  publisher_actor::behavior_type make_behavior();

private:
  std::unique_ptr<publisher> disk_;
};

publisher_actor::behavior_type publisher_behavior(publisher_actor::stateful_pointer<publisher_role> self);

} // namespace bellhop
