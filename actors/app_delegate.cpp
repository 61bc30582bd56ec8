#include "actors/app_delegate.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace bellhop {

app_delegate_actor::behavior_type app_delegate_behavior(app_delegate_actor::stateful_pointer<app_delegate_role> self,
                                                        notification_center_actor center) {
  return {
      [self, center = std::move(center)](handle_atom, const std::string& identifier,
                                         const completion_handler_actor& handler) {
        self->send(center, post_atom_v, notification{background_session_updated, identifier, handler});
      },
  };
}

} // namespace bellhop
