#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace bellhop {

/// A number that cannot be mixed up with a number of another kind. Zero means "none".
template <class Tag>
struct strong_id {
  std::uint64_t value = 0;

  friend auto operator<=>(const strong_id&, const strong_id&) = default;
  explicit operator bool() const noexcept { return value != 0; }
};

/// Names one transfer; unique in a state directory, never used twice.
using transfer_id = strong_id<struct transfer_tag>;

/// The place of an event in its session's log: 1, 2, 3 ... without gaps. NSURLSession has nothing like it;
/// it is what server-sent events call the event id.
using event_number = strong_id<struct event_tag>;

/// Names one attempt of a transfer on the wire; unique in a process.
using attempt_id = strong_id<struct attempt_tag>;

} // namespace bellhop

template <class Tag>
struct std::hash<bellhop::strong_id<Tag>> {
  std::size_t operator()(bellhop::strong_id<Tag> id) const noexcept { return std::hash<std::uint64_t>{}(id.value); }
};
