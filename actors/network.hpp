#pragma once

#include "actors/interfaces.hpp"

#include <memory>

namespace bellhop {

/// The http_client as an actor: takes the transfers' wishes to its thread, and brings what it tells to the transfer or
/// session it is for. Ends its thread when it ends.
class network_role {
public:
  static inline const char* name = "network";
  explicit network_role(network_actor::pointer self);
  ~network_role();

  network_actor::behavior_type make_behavior(const http_client_options&);

private:
  class bridge;
  std::shared_ptr<bridge> bridge_;
};

network_actor::behavior_type network_behavior(network_actor::stateful_pointer<network_role> self, http_client_options);

} // namespace bellhop
