#pragma once

#include "actors/interfaces.hpp"
#include "core/group_commit.hpp"
#include "core/ledger.hpp"
#include "core/state_directory.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace bellhop {

/// What a ledger actor works with.
struct ledger_setting {
  /// Taken over by the actor.
  std::unique_ptr<ledger> database;
  group_commit::options commits;
  std::function<time_point()> now;
  /// Measures the length of groups.
  group_commit::clock steady = [] { return std::chrono::steady_clock::now(); };
  /// Let go when the database is closed.
  std::shared_ptr<state_directory> lock;
};

/// Shell of core's ledger and group_commit. Spawn it detached: it blocks on the disk, and naps for the length of a
/// group. A group ends when the message that the role sends itself at a group's first write comes out of the mailbox.
class ledger_role {
public:
  static inline const char* name = "ledger";
  explicit ledger_role(ledger_actor::pointer self) : self_(self) {}

  ledger_actor::behavior_type make_behavior(ledger_setting&);

private:
  template <class T>
  caf::result<T> answer(std::function<T(ledger&)> read);
  template <class T>
  caf::result<T> answer_committed(std::function<T(ledger&)> write);
  caf::result<void> answer_done(std::function<void(ledger&)> write, group_commit::loss);
  void write(std::function<void(ledger&)> apply, unique_function<void(const error&)> done, group_commit::loss);
  void end_group();
  void deliver();
  void tell_stalled(const error&);
  void introduce(const session_control_actor&);
  opened_session open(ledger&, const std::string& identifier, const session_configuration&, bool replace);
  opened_session open(ledger&, session_record);
  transfer_range submit(ledger&, const std::string& session, request_source&);
  caf::result<transfer_range> submit_alone(const std::string& session, const source_ptr&);
  caf::result<bool> cancel(transfer_id, bool keep, const session_control_actor&);
  void event_written(const session_control_actor&, event);

  ledger_actor::pointer self_;
  std::shared_ptr<state_directory> lock_;
  std::function<time_point()> now_;
  bool end_is_coming_ = false;
  transfer_id last_recovered_;
  /// Committed events that are about to be sent, a batch for each session.
  std::vector<std::pair<session_control_actor, std::vector<event>>> outbox_;
  /// Whom to tell when the disk is full.
  std::vector<session_control_actor> sessions_;
  /// Why nothing can be committed; empty when it can.
  error stalled_;
  /// The first to go: its last commit calls back.
  std::unique_ptr<group_commit> commits_;
};

ledger_actor::behavior_type ledger_behavior(ledger_actor::stateful_pointer<ledger_role> self,
                                            std::shared_ptr<ledger_setting>);

} // namespace bellhop
