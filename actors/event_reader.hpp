#pragma once

#include "actors/interfaces.hpp"
#include "core/api_client.hpp"
#include "core/event_inbox.hpp"

#include <caf/response_promise.hpp>
#include <caf/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace bellhop {

using event_reader_actor = stream_reader_actor::extend<
    // From the session's proxy: open the stream; `true` takes the place of another program's delegate. Answered when it
    // is open.
    caf::replies_to<attach_atom, bool>::with<void>,
    // From the proxy: no more deliveries. The delegate is told why, unless it is none.
    caf::reacts_to<detach_atom, error>,
    // From the proxy: the session was told to go, so that it is gone is what was wanted.
    caf::reacts_to<invalidate_atom>,
    // From itself: try again to open the stream, or to read the log. The number drops those that are stale.
    caf::reacts_to<due_atom, std::uint64_t>,
    // From itself: the daemon has been away for a while.
    caf::reacts_to<stalled_atom, std::uint64_t>>;

/// Which events of which session a reader brings to whom.
struct event_reader_setting {
  api_actor api;
  std::string identifier;
  delegate_actor delegate;
  /// Attached as this client (docs/api.md); empty: it watches.
  std::string client;
  /// Where one that watches begins.
  event_number after;
};

/// The way of a session's events from the daemon to one delegate. Opens the stream again when it breaks, and goes on
/// after the last event that it has; what comes twice is dropped (core/event_inbox.hpp). Ends with the delegate, when
/// the session is gone, and when another has taken over.
class event_reader_role {
public:
  static inline const char* name = "event_reader";
  explicit event_reader_role(event_reader_actor::pointer self) : self_(self) {}

  event_reader_actor::behavior_type make_behavior(event_reader_setting);

private:
  // event_reader.cpp: the stream
  caf::result<void> start(bool take_over);
  void open_stream();
  std::string target() const;
  void opened(stream_id);
  void received(stream_id, const std::vector<stream_event>&);
  void take(const stream_event&);
  void ended(stream_id, const error&);
  void lost(const error&);
  void try_later();
  void due(std::uint64_t generation);
  void away_for_long(std::uint64_t outage);
  void leave(const error&);
  void end();

  // event_reader_delivery.cpp: the delegate
  void deliver();
  void send_news();
  void stalled(const error&);
  void fetch_missing();
  void look_whether_finished();
  void tell_the_end();

  bool attaches() const noexcept { return !setting_.client.empty(); }

  event_reader_actor::pointer self_;
  event_reader_setting setting_;
  event_inbox inbox_;

  stream_id stream_;
  bool take_over_ = false;
  /// It was open once: the session is attached, or watched.
  bool began_ = false;
  caf::response_promise attached_;
  std::chrono::milliseconds pause_{0};
  std::uint64_t generation_ = 0;
  /// Why there is no stream; none while there is.
  error away_;
  std::uint64_t outage_ = 0;
  bool going_ = false;
  /// The delegate was told that no more comes.
  bool left_ = false;

  bool delivering_ = false;
  bool telling_ = false;
  bool fetching_ = false;
  /// The delegate knows that something waits.
  bool stall_told_ = false;
  /// Nothing is left to do; to be told when every event was delivered.
  bool finished_ = false;
  /// It was told, and nothing has come since: a daemon that was started again says it once more.
  bool told_finished_ = false;
  /// The session is gone, and why; to be told last.
  std::optional<error> invalid_;
};

event_reader_actor::behavior_type event_reader_behavior(event_reader_actor::stateful_pointer<event_reader_role> self,
                                                        event_reader_setting);

} // namespace bellhop
