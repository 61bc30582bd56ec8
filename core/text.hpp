#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Small things done to text, all independent of the locale.
namespace bellhop {

constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool is_ascii_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// The value of a hex digit of either case, or -1.
constexpr int hex_value(char c) noexcept {
  if (is_ascii_digit(c))
    return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Letters A-Z equal a-z; all other bytes equal themselves.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view) noexcept;

/// One or more decimal digits and nothing else; none when it is something else or more than an int64.
std::optional<std::int64_t> parse_digits(std::string_view) noexcept;

/// Bytes in the UTF-8 sequence that `text` begins with, 1 to 4; 0 if it begins with none (RFC 3629: no overlong forms,
/// no surrogates, nothing above U+10FFFF).
std::size_t utf8_sequence(std::string_view text) noexcept;

bool is_utf8(std::string_view) noexcept;

/// Each byte that is part of no UTF-8 sequence becomes U+FFFD, so that the result can be printed and put into JSON.
std::string to_utf8(std::string_view);

/// For messages: in double quotes, control characters and bytes that are no UTF-8 shown as \xNN, cut after `longest`
/// bytes of the original with "..." in its place.
std::string in_quotes(std::string_view text, std::size_t longest = 80);

} // namespace bellhop
