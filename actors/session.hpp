#pragma once

#include "actors/interfaces.hpp"
#include "actors/services.hpp"

#include <caf/response_promise.hpp>
#include <caf/result.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace bellhop {

/// One identifier: its configuration, the window of active transfers, its event log and its delegate.
///
/// A queued transfer is a row of the ledger. The session keeps a window of active ones, an actor each, refilled in the
/// order of start. A transfer stays in the window until the ledger has said that its end (or its wait) is committed, so
/// an answer of the ledger that is older than that cannot start it twice. Likewise a transfer at rest is held back from
/// when its change is asked of the ledger until that is answered, so that an answer computed before the change cannot
/// start it.
class session_role {
public:
  static inline const char* name = "session";
  explicit session_role(session_control_actor::pointer self) : self_(self) {}
  /// Ends its transfer actors, which hold it as it holds them.
  ~session_role();

  session_control_actor::behavior_type make_behavior(std::shared_ptr<const services>, opened_session);

private:
  // session_transfers.cpp: the window
  void refill();
  void take(ready_batch);
  void start_ready();
  void begin(transfer_record);
  void retire(transfer_id);
  void dismiss_spare();
  void schedule(time_point due);
  void due(std::uint64_t generation);
  void look_again();
  void look_later();
  void ended(const std::vector<event>&);
  void left(transfer_id);
  void go_on();
  void crashed(const caf::down_msg&);
  bool idle() const noexcept;

  // session_requests.cpp: what programs ask
  enum class wish : std::uint8_t { suspend, resume, cancel, remove };
  /// One request over many transfers: answered when all are done, with the first error if there was one.
  struct bulk {
    caf::response_promise promise;
    std::size_t left = 0;
    error first;
  };
  caf::result<std::vector<submit_result>> submit(std::vector<transfer_request>&);
  caf::result<void> each(const std::vector<transfer_id>&, wish);
  void one(transfer_id, wish, std::shared_ptr<bulk>);
  void stop_active(transfer_id, wish, std::shared_ptr<bulk>);
  void at_rest(const transfer_record&, wish, std::shared_ptr<bulk>);
  void rest_done(transfer_id, const std::shared_ptr<bulk>&, const error&);
  void one_done(const std::shared_ptr<bulk>&, const error&);
  void stop_waiting_for(transfer_id);
  void ask_at_rest(transfer_id, wish, std::shared_ptr<bulk>);
  void hold(transfer_id);
  void release(transfer_id);
  void forget_ready(transfer_id);
  caf::result<transfer_record> find(transfer_id);
  void tell_to_stop(transfer_id, machine::stop_reason);
  caf::result<void> stop();
  error wrong_state(const transfer_record&, wish) const;

  // session_delivery.cpp: the delegate
  caf::result<void> attach(delegate_actor, bool take_over);
  void detach();
  void end_delivery();
  void stalled(const error&);
  caf::result<void> acknowledge(event_number);
  void deliver();
  void send_batch(std::vector<event>);
  void keep_for_delivery(std::vector<event>);
  void add_news(std::vector<progress>, std::optional<notice>);
  void send_news();
  void tell_finished();

  session_control_actor me() const;

  session_control_actor::pointer self_;
  std::shared_ptr<const services> with_;
  std::string identifier_;
  std::string ledger_id_;
  transfer_id last_recovered_;
  std::shared_ptr<const session_configuration> configuration_;

  std::unordered_map<transfer_id, transfer_actor> active_;
  /// Actors between two transfers; with the active ones never more than the window.
  std::vector<transfer_actor> spare_;
  std::deque<transfer_record> ready_;
  queue_position cursor_;
  /// Nothing is ready beyond the cursor.
  bool exhausted_ = false;
  bool asking_ = false;
  /// Something came before the cursor while an answer was under way.
  bool ask_again_ = false;
  time_point next_due_{};
  std::uint64_t due_generation_ = 0;
  std::size_t submitting_ = 0;

  /// What was asked of active transfers; granted in this order when they are at rest.
  std::unordered_map<transfer_id, std::vector<std::pair<wish, std::shared_ptr<bulk>>>> wishes_;
  /// Transfers at rest whose change is under way, and how many times.
  std::unordered_map<transfer_id, std::uint32_t> held_;
  bool stopping_ = false;
  caf::response_promise stopped_;

  delegate_actor delegate_;
  /// Counts attachments: answers that belong to an earlier one are dropped.
  std::uint64_t attachment_ = 0;
  /// Why the ledger cannot be written; empty when it can.
  error stalled_;
  event_number delivered_;
  event_number acknowledged_;
  event_number last_event_;
  std::deque<event> fresh_;
  bool delivering_ = false;
  /// There is or was something to do or to deliver since the delegate was last told that nothing is left.
  bool finish_owed_ = false;
  std::unordered_map<transfer_id, progress> moved_;
  std::deque<notice> notices_;
  bool telling_ = false;
};

session_control_actor::behavior_type session_behavior(session_control_actor::stateful_pointer<session_role> self,
                                                      std::shared_ptr<const services>, opened_session);

} // namespace bellhop
