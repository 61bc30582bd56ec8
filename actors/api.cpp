#include "actors/api.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace bellhop {

namespace {

/// Takes what a stream brings from the client's thread to its reader.
class relay : public api_stream_observer {
public:
  explicit relay(stream_reader_actor reader) : reader_(std::move(reader)) {}

  void on_open(stream_id id) override { caf::anon_send(reader_, ready_atom_v, id); }
  void on_events(stream_id id, std::vector<stream_event> events) override {
    caf::anon_send(reader_, events_atom_v, id,
                   stream_events_ptr{std::make_shared<const std::vector<stream_event>>(std::move(events))});
  }
  void on_end(stream_id id, const error& why) override { caf::anon_send(reader_, closed_atom_v, id, why); }

private:
  stream_reader_actor reader_;
};

} // namespace

api_role::~api_role() {
  if (client_)
    client_->stop();
}

api_control_actor::behavior_type api_role::make_behavior(std::shared_ptr<api_client> client) {
  client_ = std::move(client);
  self_->set_down_handler([this](const caf::down_msg& down) { ended(down); });
  return {
      [this](api_request& what) { return request(what); },
      [this](open_atom, const api_stream& stream, const stream_reader_actor& reader) { open(stream, reader); },
      [this](accept_atom, stream_id stream, std::uint64_t events) { client_->taken(stream, events); },
      [this](stop_atom) { client_->stop(); },
      [this](done_atom, std::uint64_t number, api_answer& answer) {
        if (auto node = asked_.extract(number))
          node.mapped().deliver(std::move(answer));
      },
  };
}

caf::result<api_answer> api_role::request(api_request& what) {
  const auto number = ++last_request_;
  auto promise = self_->make_response_promise<api_answer>();
  asked_.emplace(number, promise);
  client_->request(std::move(what), [me = api_control_actor{self_}, number](api_answer answer) {
    caf::anon_send(me, done_atom_v, number, std::move(answer));
  });
  return promise;
}

void api_role::open(const api_stream& stream, const stream_reader_actor& reader) {
  if (streams_.insert_or_assign(reader.address(), stream.id).second)
    self_->monitor(reader);
  client_->open(stream, std::make_shared<relay>(reader));
}

void api_role::ended(const caf::down_msg& down) {
  if (auto node = streams_.extract(down.source))
    client_->close(node.mapped());
}

api_control_actor::behavior_type api_behavior(api_control_actor::stateful_pointer<api_role> self,
                                              std::shared_ptr<api_client> client) {
  return self->state.make_behavior(std::move(client));
}

} // namespace bellhop
