#pragma once

#include "core/transfer.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bellhop {

/// What has come from a stream of events and waits for the delegate: each event once, in order, whatever the stream
/// repeats; news coalesced. Bounded: of a delegate that does not keep up, the events that are too many are forgotten
/// here, and asked for again when there is room. So the stream is read on, and its reader stays attached, however long
/// the delegate blocks.
class event_inbox {
public:
  static constexpr std::size_t batch_size = 256;
  static constexpr std::size_t most_events = 4096;
  /// The oldest are dropped.
  static constexpr std::size_t most_notices = 1024;

  /// Events up to `after` were dealt with before.
  explicit event_inbox(event_number after = {}) : position_(after), newest_(after) {}

  /// From the stream. One that was here before is ignored.
  void add(event);
  void add(const std::vector<progress>&);
  void add(notice);

  /// Events are missing: the log after `position` is to be asked for.
  bool missing() const noexcept { return newest_ > position_ && pending_.empty(); }
  /// What the log has after `position`; `newest` was this one's when it was asked.
  void add_missing(std::vector<event> log, event_number newest);

  /// The last event that was taken in: where a new stream goes on.
  event_number position() const noexcept { return position_; }
  /// The last event that was seen, taken in or not.
  event_number newest() const noexcept { return newest_; }
  /// Nothing waits, and nothing is missing.
  bool empty() const noexcept { return pending_.empty() && newest_ <= position_; }

  /// The next events, at most `batch_size`.
  std::vector<event> take_batch();

  bool has_news() const noexcept { return !moved_.empty() || !notices_.empty(); }
  std::pair<std::vector<progress>, std::vector<notice>> take_news();

private:
  void append(event);

  std::deque<event> pending_;
  event_number position_;
  event_number newest_;
  std::unordered_map<transfer_id, progress> moved_;
  std::deque<notice> notices_;
};

} // namespace bellhop
