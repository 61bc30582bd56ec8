#include "actors/completion_handler.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace bellhop {

completion_handler_actor::behavior_type
completion_handler_behavior(completion_handler_actor::stateful_pointer<completion_handler_role> self,
                            std::string identifier, engine_actor whom_to_tell) {
  return {
      [self, identifier = std::move(identifier), whom_to_tell = std::move(whom_to_tell)](complete_atom) {
        if (!std::exchange(self->state.completed, true))
          self->send(whom_to_tell, complete_atom_v, identifier);
      },
  };
}

} // namespace bellhop
