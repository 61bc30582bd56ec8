#include "apps/bellhop/arguments.hpp"

#include "core/digest.hpp"
#include "core/numbers.hpp"
#include "core/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace bellhop::cli {

namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) noexcept {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// A token as RFC 9110 has it.
bool is_header_name(std::string_view name) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [marks](char c) {
    const char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || is_ascii_digit(c) || marks.find(c) != std::string_view::npos;
  });
}

/// "+2h"; not beyond ten years, which is no plan but a slip.
std::optional<std::chrono::milliseconds> parse_delay(std::string_view text) {
  constexpr std::chrono::hours longest{24 * 366 * 10};
  if (text.empty() || text.front() != '+')
    return std::nullopt;
  const auto delay = parse_duration(text.substr(1));
  return delay && *delay <= longest ? delay : std::nullopt;
}

} // namespace

path absolute_path(std::string_view text, const path& current_directory) {
  path result{std::string{text}};
  if (!result.is_absolute())
    result = current_directory / result;
  result = result.lexically_normal();
  // Boost leaves "/a/." of "/a/".
  return result.filename() == "." && result.has_parent_path() ? result.parent_path() : result;
}

checksum parse_checksum(std::string_view text) {
  const auto colon = text.find(':');
  checksum result;
  if (colon == std::string_view::npos || !from_string(text.substr(0, colon), result.algorithm) || !result)
    throw failure(errc::invalid_checksum,
                  fmt::format("'{}': write sha-256:HEX, or sha-512, sha-1 or md5 in its place", text));
  for (const char c : text.substr(colon + 1))
    result.hex += ascii_lower(c);
  const auto digits = hex_length(result.algorithm);
  if (result.hex.size() != digits || result.hex.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw failure(errc::invalid_checksum, fmt::format("'{}': {} has {} hexadecimal digits, these are {} characters",
                                                      text, to_string(result.algorithm), digits, result.hex.size()));
  return result;
}

header parse_header(std::string_view text) {
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  if (colon == std::string_view::npos || !is_header_name(name))
    throw failure(errc::invalid_argument,
                  fmt::format("'{}': write it as 'Name: value'", text.substr(0, text.find_first_of(" \t:"))));
  const auto value = trimmed(text.substr(colon + 1));
  if (value.find_first_of(std::string_view{"\r\n\0", 3}) != std::string_view::npos)
    throw failure(errc::invalid_argument, fmt::format("'{}': the value must be on one line", name));
  return {std::string{name}, std::string{value}};
}

time_point parse_start(std::string_view text, time_point now) {
  if (const auto delay = parse_delay(text))
    return now + *delay;
  time_point result;
  if (!from_rfc3339(text, result))
    throw failure(errc::invalid_argument,
                  fmt::format("'{}': write a time as 2026-11-22T22:00:00Z, or +30m, +2h, +1d from now on", text));
  return result;
}

std::string parse_metadata(std::string_view text) {
  if (!nlohmann::json::accept(text))
    throw failure(errc::invalid_argument,
                  fmt::format("{}: write JSON, as '{{\"album\": 7}}' or '\"a word\"'", in_quotes(text, 40)));
  return std::string{text};
}

} // namespace bellhop::cli
