#pragma once

#include "actors/event_reader.hpp"
#include "actors/interfaces.hpp"
#include "core/json.hpp"

#include <caf/actor_addr.hpp>
#include <caf/response_promise.hpp>
#include <caf/result.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bellhop {

using session_proxy_actor = session_actor::extend<
    // From the engine: no more deliveries; answered when all that was asked is answered.
    caf::replies_to<stop_atom>::with<void>>;

/// A session of the daemon, with the interface of one that is embedded. What is asked goes to the daemon one by one, in
/// the order in which it was asked; while the daemon is away it waits. A submit whose answer is lost fails with
/// `connection_lost`: it may or may not have been recorded. Everything else is asked again.
///
/// Does not end with its session: what is asked about one that is gone is answered with `unknown_session`, until it is
/// opened again.
class session_proxy_role {
public:
  static inline const char* name = "session_proxy";
  explicit session_proxy_role(session_proxy_actor::pointer self) : self_(self) {}

  session_proxy_actor::behavior_type make_behavior(api_actor, std::string identifier);

private:
  using on_answer = std::function<void(const api_answer&)>;

  // session_proxy.cpp: the wire, and who reads events
  void send(api_request, on_answer);
  caf::result<void> attach(const delegate_actor&, bool take_over);
  caf::result<void> watch(const delegate_actor&, event_number after);
  event_reader_actor spawn_reader(event_reader_setting);
  /// Of one who watches.
  event_reader_actor watched_by(const delegate_actor&, event_number after);
  void detach(const error&);
  void ended(const caf::down_msg&);
  caf::result<void> stop();
  void answered();
  std::string path(const std::string& rest = {}) const;

  // session_proxy_requests.cpp: what programs ask
  template <class T>
  struct paging;
  template <class T, class Read>
  caf::result<T> ask(api_request, Read);
  caf::result<void> tell(api_request);
  caf::result<std::vector<submit_result>> submit(std::vector<transfer_request>&);
  caf::result<void> each(const std::string& method, const std::string& rest, const std::vector<transfer_id>&,
                         const json& more = json::object());
  caf::result<void> change(const std::vector<transfer_id>&, const transfer_change&);
  caf::result<std::string> cancel_with_resume_data(transfer_id);
  caf::result<transfer_record> find(transfer_id);
  caf::result<std::vector<transfer_record>> list(const list_filter&);
  caf::result<std::vector<event>> events(event_number after, std::uint32_t limit);
  template <class T>
  void next_page(std::shared_ptr<paging<T>>);
  caf::result<void> acknowledge(event_number);
  caf::result<session_status> status();
  caf::result<session_counts> counts();
  caf::result<void> pause_all(bool);
  caf::result<void> invalidate(bool cancel);

  session_proxy_actor::pointer self_;
  api_actor api_;
  std::string identifier_;
  /// Names this proxy to the daemon: one that comes back takes its own place.
  std::string client_;
  /// Reads for the attached delegate.
  event_reader_actor attached_;
  delegate_actor delegate_;
  std::map<caf::actor_addr, event_reader_actor> watchers_;
  /// Requests on their way, and who waits until there are none.
  std::size_t unanswered_ = 0;
  std::vector<caf::response_promise> stopped_;
};

session_proxy_actor::behavior_type
session_proxy_behavior(session_proxy_actor::stateful_pointer<session_proxy_role> self, api_actor,
                       std::string identifier);

} // namespace bellhop
