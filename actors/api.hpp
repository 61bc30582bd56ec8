#pragma once

#include "actors/interfaces.hpp"
#include "core/api_client.hpp"

#include <caf/actor_addr.hpp>
#include <caf/response_promise.hpp>
#include <caf/result.hpp>

#include <map>
#include <memory>
#include <unordered_map>

namespace bellhop {

using api_control_actor = api_actor::extend<
    // From the client's thread: the answer to the request of this number.
    caf::reacts_to<done_atom, std::uint64_t, api_answer>>;

/// The api_client as an actor. Stops it when it ends.
class api_role {
public:
  static inline const char* name = "api";
  explicit api_role(api_control_actor::pointer self) : self_(self) {}
  ~api_role();

  api_control_actor::behavior_type make_behavior(std::shared_ptr<api_client>);

private:
  caf::result<api_answer> request(api_request&);
  void open(const api_stream&, const stream_reader_actor&);
  void ended(const caf::down_msg&);

  api_control_actor::pointer self_;
  std::shared_ptr<api_client> client_;
  std::uint64_t last_request_ = 0;
  std::unordered_map<std::uint64_t, caf::typed_response_promise<api_answer>> asked_;
  /// The stream that each reader has now.
  std::map<caf::actor_addr, stream_id> streams_;
};

api_control_actor::behavior_type api_behavior(api_control_actor::stateful_pointer<api_role> self,
                                              std::shared_ptr<api_client>);

} // namespace bellhop
