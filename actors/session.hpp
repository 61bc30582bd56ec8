#pragma once

#include "actors/event_feed.hpp"
#include "actors/interfaces.hpp"
#include "actors/services.hpp"

#include <caf/response_promise.hpp>
#include <caf/result.hpp>

#include <deque>
#include <functional>
#include <memory>
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
class session_role : private event_feed::host {
public:
  static inline const char* name = "session";
  explicit session_role(session_control_actor::pointer self) : self_(self) {}
  /// Ends its transfer actors, which hold it as it holds them.
  ~session_role() override;

  session_control_actor::behavior_type make_behavior(std::shared_ptr<const services>, engine_control_actor,
                                                     opened_session);

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
  void released(transfer_id);
  void go_on();
  void crashed(const caf::down_msg&);
  bool may_start() const noexcept;
  bool idle() const noexcept;

  // session_requests.cpp: what programs ask
  enum class wish : std::uint8_t { suspend, resume, cancel, cancel_keep, change, remove };
  /// One request over many transfers.
  struct bulk {
    /// Called when all are done, with the first error if there was one.
    std::function<void(const error&)> done;
    std::size_t left = 0;
    /// For wish::change.
    transfer_change change;
    error first;
  };
  caf::result<std::vector<submit_result>> submit(std::vector<transfer_request>&);
  caf::result<transfer_range> submit_from(const source_ptr&);
  error refuses_submits() const;
  void submitted(bool added);
  caf::result<void> each(const std::vector<transfer_id>&, wish, const transfer_change& = {});
  caf::result<void> change(const std::vector<transfer_id>&, const transfer_change&);
  caf::result<std::string> cancel_keeping(transfer_id);
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
  void discard_part_of(const transfer_record&);
  caf::result<transfer_record> find(transfer_id);
  caf::result<std::vector<transfer_record>> list(list_filter);
  caf::result<session_status> status();
  transfer_record as_told(transfer_record) const;
  void tell_to_stop(transfer_id, machine::stop_reason);
  error wrong_state(const transfer_record&, wish) const;

  // session_delivery.cpp: the delegate and those who watch
  caf::result<void> attach(const delegate_actor&, bool take_over);
  void detach();
  caf::result<void> watch(const delegate_actor&, event_number after);
  bool is_down(const caf::actor_addr&);
  std::shared_ptr<event_feed> feed(const delegate_actor&, event_number delivered);
  void feeds_changed();
  void let_go(const delegate_actor&);
  void tell_stalled(const error&);
  void stalled(const error&);
  caf::result<void> acknowledge(event_number);
  void deliver();
  void keep_for_delivery(std::vector<event>);
  void add_progress(std::vector<progress>&);
  void add_notice(notice&);
  void caught_up() override;
  void refused(const event_feed&) override;
  void could_not_read() override;

  // session_lifecycle.cpp: what a session does when it has nothing to do, and its end
  void look_whether_done();
  void tell_finished();
  void look_after_program();
  void configure(const session_configuration&);
  caf::result<void> pause(bool);
  void off_the_wire();
  caf::result<void> invalidate(bool cancel);
  void cancel_rest(transfer_id after);
  void look_whether_over();
  void discard_kept(transfer_id after);
  void forget_session();
  void not_over_yet();
  void become_invalid();
  caf::result<void> stop();

  session_control_actor me() const;
  const std::string& identifier() const noexcept { return log_.identifier; }

  session_control_actor::pointer self_;
  std::shared_ptr<const services> with_;
  engine_control_actor engine_;
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

  std::shared_ptr<event_feed> owner_;
  std::vector<std::shared_ptr<event_feed>> watchers_;
  event_log log_;
  event_number acknowledged_;
  /// Why the ledger cannot be written; empty when it can.
  error stalled_;
  /// There is or was something to do or to deliver since the delegate was last told that nothing is left.
  bool finish_owed_ = false;

  bool paused_ = false;
  /// Answered when nothing is on the wire any more.
  std::vector<caf::response_promise> pausing_;
  session_phase phase_ = session_phase::open;
  /// Changes of the phase that are not recorded yet.
  std::size_t recording_ = 0;
  /// Of a session that is being cancelled: its transfers that had not ended.
  enum class rest : std::uint8_t { untouched, being_cancelled, cancelled };
  rest rest_ = rest::untouched;
  /// It is being forgotten.
  bool ending_ = false;
  /// The launcher was asked to start the program.
  bool launch_asked_ = false;
  launch_status launch_;
  bool stopping_ = false;
  caf::response_promise stopped_;
};

session_control_actor::behavior_type session_behavior(session_control_actor::stateful_pointer<session_role> self,
                                                      std::shared_ptr<const services>, engine_control_actor,
                                                      opened_session);

} // namespace bellhop
