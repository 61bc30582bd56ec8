#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Sizes, rates and durations as people write them. Independent of the locale.
namespace bellhop {

/// In binary units: "512 B", "1.2 GiB", "20 KiB", "1023 KiB"; one decimal below ten, rounded to the nearest. At most
/// `size_width` characters. A negative size (`unknown_size`) is "?".
std::string format_size(std::int64_t bytes);
inline constexpr int size_width = 8;

/// "1.2 MiB/s"; at most `rate_width` characters. What is negative or no number is "?".
std::string format_rate(double bytes_per_second);
inline constexpr int rate_width = size_width + 2;

/// The two greatest units, rounded down: "3s", "2m05s", "1h02m", "3d04h"; above 999 days "> 999d"; a negative duration
/// (unknown) is "?". At most `duration_width` characters.
std::string format_duration(std::chrono::seconds);
inline constexpr int duration_width = 7;

/// "4096", "10M", "1.5GiB", "20 k", in any case. K, M, G, T, P, E and KiB... are powers of 1024; KB, MB... are powers
/// of 1000, as for dd(1); B or no unit means bytes. Rounded to the nearest byte. None for what is something else,
/// negative or more than an int64.
std::optional<std::int64_t> parse_size(std::string_view);

/// "90" (seconds), "500ms", "2m05s", "1h 30m", "3d04h", "2w": whole numbers, each with a unit of ms, s, m, h, d or w,
/// from the greatest unit to the least, each at most once. None for what is something else, negative or too long to
/// count.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view);

} // namespace bellhop
