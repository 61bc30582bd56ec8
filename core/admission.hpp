#pragma once

#include "core/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace bellhop {

/// One that wants to go on the wire.
struct admission_candidate {
  attempt_id id;
  std::string session;
  /// Scheme, name and port.
  std::string host;
  /// Greater goes first.
  double priority = 0.5;
  /// Among equals, less goes first: the transfer's number.
  std::uint64_t order = 0;
  /// The session's own bounds.
  std::uint32_t max_active = 32;
  std::uint32_t max_per_host = 6;
};

/// Decides who runs next. Bounded for each session, for each host of a session, and in all. Sessions take turns, so
/// that none starves another; within a session priority decides, then the order of submission; a host that is at its
/// bound does not hold up the session's other hosts. Pure: no clock, no I/O, no threads. Every call is at most
/// logarithmic in what waits, times the number of hosts at their bound.
class admission {
public:
  explicit admission(std::uint32_t max_total);
  ~admission();
  admission(admission&&) noexcept;
  admission& operator=(admission&&) noexcept;

  /// How many may be active in all, from now on; what is active beyond it stays.
  void limit(std::uint32_t max_total) noexcept;

  void add(admission_candidate);
  /// The next one that may start, which now counts as active; or none.
  std::optional<attempt_id> next();
  /// One that was active or still waits is gone. Unknown ids are ignored.
  void remove(attempt_id);

  std::size_t waiting() const noexcept;
  std::size_t active() const noexcept;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace bellhop
