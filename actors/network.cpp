#include "actors/network.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <unordered_map>
#include <utility>

namespace bellhop {

/// Lives on the client's thread, apart from its construction and end.
class network_role::bridge : public http_observer {
public:
  explicit bridge(const http_client_options& options) : client_(options, *this) {}

  http_client& client() noexcept { return client_; }

  void start(http_request request, transfer_actor transfer, session_control_actor session) {
    sessions_.insert_or_assign(request.session, std::move(session));
    asked_by_.insert_or_assign(request.id, std::move(transfer));
    client_.start(std::move(request));
  }

  void cancel(attempt_id attempt) {
    asked_by_.erase(attempt);
    client_.cancel(attempt);
  }

  void on_response(const http_request& request, const response_head& head) override {
    if (auto i = asked_by_.find(request.id); i != asked_by_.end())
      caf::anon_send(i->second, response_atom_v, request.id, head_ptr{std::make_shared<response_head>(head)});
  }

  void on_done(const http_request& request, attempt_result result) override {
    auto node = asked_by_.extract(request.id);
    if (!node.empty())
      caf::anon_send(node.mapped(), done_atom_v, request.id,
                     result_ptr{std::make_shared<attempt_result>(std::move(result))});
  }

  void on_progress(const std::vector<std::pair<std::string, progress>>& moved) override {
    std::unordered_map<std::string, std::vector<progress>> by_session;
    for (const auto& [session, how_far] : moved)
      by_session[session].push_back(how_far);
    for (auto& [session, news] : by_session)
      if (auto i = sessions_.find(session); i != sessions_.end())
        caf::anon_send(i->second, progress_atom_v, std::move(news));
  }

private:
  std::unordered_map<attempt_id, transfer_actor> asked_by_;
  std::unordered_map<std::string, session_control_actor> sessions_;
  http_client client_;
};

network_role::network_role(network_actor::pointer) {}

network_role::~network_role() {
  if (bridge_)
    bridge_->client().stop();
}

network_actor::behavior_type network_role::make_behavior(const http_client_options& options) {
  bridge_ = std::make_shared<bridge>(options);
  return {
      [b = bridge_](start_atom, http_request& request, transfer_actor& transfer, session_control_actor& session) {
        b->client().post(
            [b, request = std::move(request), transfer = std::move(transfer), session = std::move(session)]() mutable {
              b->start(std::move(request), std::move(transfer), std::move(session));
            });
      },
      [b = bridge_](accept_atom, attempt_id attempt, const pipe_ptr& pipe) {
        b->client().post([b, attempt, pipe] { b->client().accept(attempt, pipe); });
      },
      [b = bridge_](cancel_atom, attempt_id attempt) { b->client().post([b, attempt] { b->cancel(attempt); }); },
      [b = bridge_](limits_atom, const engine_limits& limits) {
        b->client().post([b, limits] { b->client().set_limits(limits); });
      },
  };
}

network_actor::behavior_type network_behavior(network_actor::stateful_pointer<network_role> self,
                                              http_client_options options) {
  return self->state.make_behavior(options);
}

} // namespace bellhop
