#pragma once

#include "actors/interfaces.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

namespace bellhop {

/// A session's log as far as it is at hand, for all of its feeds; what lies before is read from the ledger.
struct event_log {
  std::string identifier;
  /// The last event's number.
  event_number last;
  /// Committed events in their order, without a gap. Bounded: the oldest are dropped.
  std::deque<event> tail;
  /// More than one feed wants them.
  bool shared = false;

  void append(std::vector<event>);
  /// The next ones after this, at most a batch; empty if they are not at hand.
  std::vector<event> take(event_number after);
};

/// What one delegate is told of a session, at its own pace: events in order, one batch under way at a time, and news,
/// which are coalesced and bounded while it is busy. A feed is one attachment: when it is let go, answers of its
/// delegate that are still under way count no more. Lives on the session's actor.
class event_feed : public std::enable_shared_from_this<event_feed> {
public:
  /// The session. It may let go of the feed that calls.
  class host {
  public:
    virtual ~host() = default;
    /// All there is was delivered.
    virtual void caught_up() = 0;
    /// The delegate has answered a batch with an error: it is not asked again. The events are kept.
    virtual void refused(const event_feed&) = 0;
    /// The ledger could not be read; `deliver` is to be called again later.
    virtual void could_not_read() = 0;
  };

  /// Delivers what comes after `delivered`. All but the delegate outlive the feed.
  event_feed(session_control_actor::pointer self, const ledger_actor&, event_log&, host&, delegate_actor to,
             event_number delivered);

  const delegate_actor& delegate() const noexcept { return to_; }
  bool is_caught_up() const noexcept { return !delivering_ && delivered_ >= log_.last; }

  /// Sends what there is, unless a batch is under way.
  void deliver();
  void add(const std::vector<progress>&);
  void add(notice);
  /// Progress of these is no news any more.
  void forget_progress(const std::vector<event>&);

private:
  void read_from_ledger();
  void send_batch(std::vector<event>);
  void send_news();

  session_control_actor::pointer self_;
  const ledger_actor& ledger_;
  event_log& log_;
  host& host_;
  delegate_actor to_;
  event_number delivered_;
  bool delivering_ = false;
  std::unordered_map<transfer_id, progress> moved_;
  std::deque<notice> notices_;
  bool telling_ = false;
};

} // namespace bellhop
