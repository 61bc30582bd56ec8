#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace bellhop {

/// Wall-clock time, stored in the ledger with microseconds. Nothing is measured with it: a clock that is set back
/// may delay a retry by its bound, but never loses one.
using time_point = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using duration = std::chrono::microseconds;

/// The wall clock; only shells call it and pass the value in.
time_point now() noexcept;

/// RFC 3339 in UTC with milliseconds, rounded down, "2026-11-22T09:15:02.250Z". Times outside the years 0 to 9999,
/// which have no such form, are shown as its first or last one.
std::string to_rfc3339(time_point);

/// The same with microseconds where milliseconds would lose some: what is written reads back as it was.
std::string to_rfc3339_exact(time_point);

/// Accepts what RFC 3339 allows, with any offset and the date and time set apart by T, t or a space; false and `out`
/// untouched otherwise. What is finer than a microsecond is dropped; a leap second (only where one can be) is taken as
/// the second after it.
bool from_rfc3339(std::string_view text, time_point& out) noexcept;

/// Microseconds since the epoch, the ledger's form.
inline std::int64_t to_micros(time_point t) noexcept {
  return t.time_since_epoch().count();
}
inline time_point from_micros(std::int64_t us) noexcept {
  return time_point{duration{us}};
}

} // namespace bellhop
