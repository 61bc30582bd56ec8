#include "core/numbers.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace bellhop {

namespace {

constexpr std::int64_t greatest = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view prefixes = "KMGTPE";

struct duration_unit {
  std::string_view name;
  std::int64_t milliseconds;
};

constexpr std::array<duration_unit, 6> duration_units{{
    {"w", 7 * 24 * 3600 * 1000LL},
    {"d", 24 * 3600 * 1000LL},
    {"h", 3600 * 1000LL},
    {"m", 60 * 1000LL},
    {"s", 1000LL},
    {"ms", 1LL},
}};

/// a * b + c of numbers that are not negative.
std::optional<std::int64_t> multiply_add(std::int64_t a, std::int64_t b, std::int64_t c) noexcept {
  if (a != 0 && b > (greatest - c) / a)
    return std::nullopt;
  return a * b + c;
}

/// Takes the characters at the front for which `belongs` holds.
template <class Predicate>
std::string_view take_while(std::string_view& text, Predicate belongs) noexcept {
  const auto end = std::find_if_not(text.begin(), text.end(), belongs);
  const auto taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

void skip_spaces(std::string_view& text) noexcept {
  take_while(text, [](char c) { return c == ' '; });
}

/// Bytes in "", "B", "K", "KiB", "KB", "M"...; 0 if it is no unit.
std::int64_t bytes_in(std::string_view unit) noexcept {
  if (unit.empty() || equals_ignoring_case(unit, "B"))
    return 1;
  const char prefix = unit.front();
  const auto rest = unit.substr(1);
  const auto power =
      std::find_if(prefixes.begin(), prefixes.end(), [&](char p) { return ascii_lower(p) == ascii_lower(prefix); });
  const bool decimal = equals_ignoring_case(rest, "B");
  if (power == prefixes.end() || !(decimal || rest.empty() || equals_ignoring_case(rest, "iB")))
    return 0;
  std::int64_t bytes = 1;
  for (auto i = prefixes.begin(); i <= power; ++i)
    bytes *= decimal ? 1000 : 1024;
  return bytes;
}

} // namespace

std::string format_size(std::int64_t bytes) {
  if (bytes < 0)
    return "?";
  if (bytes < 1024)
    return fmt::format("{} B", bytes);
  // In tenths, and without floating point, whose rounding would show "1024 KiB". Ten times 1 EiB fits 64 bits unsigned.
  const auto n = static_cast<std::uint64_t>(bytes);
  std::uint64_t unit = 1024;
  for (char prefix : prefixes) {
    const auto tenths = n / unit * 10 + (n % unit * 10 + unit / 2) / unit;
    if (tenths < 100)
      return fmt::format("{}.{} {}iB", tenths / 10, tenths % 10, prefix);
    const auto whole = n / unit + (n % unit >= unit / 2 ? 1 : 0);
    if (whole < 1024)
      return fmt::format("{} {}iB", whole, prefix);
    unit *= 1024;
  }
  return "?"; // an int64 has less than 10 EiB
}

std::string format_rate(double bytes_per_second) {
  if (!(bytes_per_second >= 0))
    return "?";
  constexpr double most = 0x1p62; // the conversion must not overflow
  return format_size(std::llround(std::min(bytes_per_second, most))) + "/s";
}

std::string format_duration(std::chrono::seconds duration) {
  constexpr std::int64_t minute = 60;
  constexpr std::int64_t hour = 60 * minute;
  constexpr std::int64_t day = 24 * hour;
  const auto s = duration.count();
  if (s < 0)
    return "?";
  if (s < minute)
    return fmt::format("{}s", s);
  if (s < hour)
    return fmt::format("{}m{:02}s", s / minute, s % minute);
  if (s < day)
    return fmt::format("{}h{:02}m", s / hour, s % hour / minute);
  if (s < 1000 * day)
    return fmt::format("{}d{:02}h", s / day, s % day / hour);
  return "> 999d";
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  const auto whole = parse_digits(take_while(text, is_ascii_digit));
  if (!whole)
    return std::nullopt;
  double fraction = 0;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    const auto digits = take_while(text, is_ascii_digit);
    if (digits.empty())
      return std::nullopt;
    double place = 1;
    for (char digit : digits.substr(0, 18))
      fraction += (digit - '0') * (place /= 10);
  }
  const bool unit_follows = !text.empty();
  skip_spaces(text);
  const auto unit = text.empty() && unit_follows ? 0 : bytes_in(text);
  if (unit == 0)
    return std::nullopt;
  return multiply_add(*whole, unit, std::llround(fraction * static_cast<double>(unit)));
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (const auto plain = parse_digits(text)) {
    const auto ms = multiply_add(*plain, 1000, 0);
    return ms ? std::optional{std::chrono::milliseconds{*ms}} : std::nullopt;
  }
  std::int64_t total = 0;
  auto next_unit = duration_units.begin();
  while (true) {
    const auto number = parse_digits(take_while(text, is_ascii_digit));
    const auto name = take_while(text, [](char c) { return !is_ascii_digit(c) && c != ' '; });
    const auto unit = std::find_if(next_unit, duration_units.end(), [&](const auto& u) { return u.name == name; });
    if (!number || unit == duration_units.end())
      return std::nullopt;
    const auto sum = multiply_add(*number, unit->milliseconds, total);
    if (!sum)
      return std::nullopt;
    total = *sum;
    if (text.empty())
      return std::chrono::milliseconds{total};
    next_unit = unit + 1;
    skip_spaces(text);
  }
}

} // namespace bellhop
