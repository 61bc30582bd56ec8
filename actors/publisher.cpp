#include "actors/publisher.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace bellhop {

namespace {

/// An answer that is sent to the transfer as a message with this verb.
template <class Atom>
auto answer_to(transfer_actor who, Atom verb) {
  return [who = std::move(who), verb](auto result) { caf::anon_send(who, verb, std::move(result)); };
}

} // namespace

publisher_role::publisher_role(publisher_actor::pointer) {}

publisher_actor::behavior_type publisher_role::make_behavior() {
  disk_ = std::make_unique<publisher>();
  // Tasks run on the disk's own thread, which is joined before `disk_` goes, so they may hold a plain pointer.
  auto* disk = disk_.get();
  return {
      [disk](preflight_atom verb, publish_target& target, checkpoint& part, transfer_actor& who) {
        disk->loop().post(
            [disk, verb, target = std::move(target), part = std::move(part), who = std::move(who)]() mutable {
              disk->preflight(std::move(target), std::move(part), answer_to(std::move(who), verb));
            });
      },
      [disk](part_atom verb, part_request& request, transfer_actor& who) {
        disk->loop().post([disk, verb, request = std::move(request), who = std::move(who)]() mutable {
          disk->open_part(std::move(request), answer_to(std::move(who), verb));
        });
      },
      [disk](receive_atom, transfer_id id, std::int64_t offset, pipe_ptr& pipe, transfer_actor& who) {
        disk->loop().post([disk, id, offset, pipe = std::move(pipe), who = std::move(who)]() mutable {
          auto on_checkpoint = answer_to(who, checkpoint_atom_v);
          disk->receive(id, offset, std::move(pipe), std::move(on_checkpoint),
                        answer_to(std::move(who), written_atom_v));
        });
      },
      [disk](publish_atom, publish_target& target, body_ptr& body, transfer_actor& who) {
        disk->loop().post([disk, target = std::move(target), body = std::move(body), who = std::move(who)]() mutable {
          disk->publish_small(std::move(target), std::move(body), answer_to(std::move(who), published_atom_v));
        });
      },
      [disk](publish_atom, publish_target& target, transfer_actor& who) {
        disk->loop().post([disk, target = std::move(target), who = std::move(who)]() mutable {
          disk->publish_part(std::move(target), answer_to(std::move(who), published_atom_v));
        });
      },
      [disk](close_atom, transfer_id id, transfer_actor& who) {
        disk->loop().post([disk, id, who = std::move(who)]() mutable {
          disk->close_part(id, answer_to(std::move(who), closed_atom_v));
        });
      },
      [disk](discard_atom, transfer_id id, std::string& folder, std::string& part, transfer_actor& who) {
        disk->loop().post(
            [disk, id, folder = std::move(folder), part = std::move(part), who = std::move(who)]() mutable {
              disk->discard_part(id, folder, std::move(part),
                                 [who = std::move(who)](const error&) { caf::anon_send(who, discarded_atom_v); });
            });
      },
      [disk](discard_atom, transfer_id id, std::string& folder, std::string& part) {
        disk->loop().post([disk, id, folder = std::move(folder), part = std::move(part)]() mutable {
          disk->discard_part(id, folder, std::move(part), [](const error&) {});
        });
      },
  };
}

publisher_actor::behavior_type publisher_behavior(publisher_actor::stateful_pointer<publisher_role> self) {
  return self->state.make_behavior();
}

} // namespace bellhop
