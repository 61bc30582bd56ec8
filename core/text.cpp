#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace bellhop {

namespace {

/// The bytes that may come second differ for a few leading bytes; that is what rules out overlong forms (C0, C1, E0,
/// F0), surrogates (ED) and what is above U+10FFFF (F4).
struct sequence_rule {
  std::size_t length;
  unsigned char second_from;
  unsigned char second_to;
};

constexpr sequence_rule rule_of(unsigned char lead) noexcept {
  if (lead < 0x80)
    return {1, 0, 0};
  if (lead >= 0xC2 && lead <= 0xDF)
    return {2, 0x80, 0xBF};
  if (lead >= 0xE0 && lead <= 0xEF)
    return {3, static_cast<unsigned char>(lead == 0xE0 ? 0xA0 : 0x80),
            static_cast<unsigned char>(lead == 0xED ? 0x9F : 0xBF)};
  if (lead >= 0xF0 && lead <= 0xF4)
    return {4, static_cast<unsigned char>(lead == 0xF0 ? 0x90 : 0x80),
            static_cast<unsigned char>(lead == 0xF4 ? 0x8F : 0xBF)};
  return {0, 0, 0};
}

constexpr std::string_view replacement = "\xEF\xBF\xBD";

} // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::int64_t> parse_digits(std::string_view text) noexcept {
  // from_chars would take a minus sign.
  if (text.empty() || !is_ascii_digit(text.front()))
    return std::nullopt;
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::size_t utf8_sequence(std::string_view text) noexcept {
  if (text.empty())
    return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto rule = rule_of(byte(0));
  if (rule.length <= 1)
    return rule.length;
  if (text.size() < rule.length || byte(1) < rule.second_from || byte(1) > rule.second_to)
    return 0;
  for (std::size_t i = 2; i < rule.length; ++i)
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
  return rule.length;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto length = utf8_sequence(text);
    if (length == 0)
      return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string to_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = utf8_sequence(text);
    out += length == 0 ? replacement : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string in_quotes(std::string_view text, std::size_t longest) {
  std::string out = "\"";
  std::size_t taken = 0;
  while (taken < text.size()) {
    const auto rest = text.substr(taken);
    const auto length = std::max<std::size_t>(utf8_sequence(rest), 1);
    if (taken + length > longest) {
      out += "...";
      break;
    }
    const auto byte = static_cast<unsigned char>(rest.front());
    if (utf8_sequence(rest) == 0 || byte < 0x20 || byte == 0x7F)
      out += fmt::format("\\x{:02X}", byte);
    else
      out += rest.substr(0, length);
    taken += length;
  }
  return out += '"';
}

} // namespace bellhop
