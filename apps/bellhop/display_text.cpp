#include "apps/bellhop/display_text.hpp"

#include <algorithm>

#include <utf8proc.h>

namespace bellhop::cli {

namespace {

constexpr std::string_view replacement = "\uFFFD";
constexpr std::string_view ellipsis = "\u2026";

/// One code point of a text.
struct glyph {
  utf8proc_int32_t code_point = 0;
  /// Bytes of the text it takes, at least 1.
  std::size_t length = 1;
  bool valid = false;
};

glyph next_glyph(std::string_view text) noexcept {
  glyph result;
  const auto taken = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                      static_cast<utf8proc_ssize_t>(text.size()), &result.code_point);
  if (taken > 0) {
    result.length = static_cast<std::size_t>(taken);
    result.valid = true;
  }
  return result;
}

/// Hexagrams, circled numbers and a few marks among the East Asian characters: tables differ, so the wider opinion
/// counts.
bool is_disputed(utf8proc_int32_t c) noexcept {
  return (c >= 0x302E && c <= 0x4DFF) || c == 0x16FF0 || c == 0x16FF1;
}

std::size_t width_of(const glyph& g) noexcept {
  if (!g.valid)
    return 1;
  // A spacing mark, as Indic vowel signs, joins the character before it but has a column; utf8proc says it has none.
  const bool spacing_mark = utf8proc_category(g.code_point) == UTF8PROC_CATEGORY_MC;
  const int width = spacing_mark ? 1 : utf8proc_charwidth(g.code_point);
  if (width == 1 && is_disputed(g.code_point))
    return 2;
  return static_cast<std::size_t>(std::max(0, width));
}

enum class treatment { keep, replace, drop };

treatment treatment_of(const glyph& g) noexcept {
  if (!g.valid)
    return treatment::replace;
  if (g.code_point >= 0xFE00 && g.code_point <= 0xFE0F)
    return treatment::drop;
  switch (utf8proc_category(g.code_point)) {
  case UTF8PROC_CATEGORY_CF:
    return treatment::drop;
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CN:
  case UTF8PROC_CATEGORY_CO:
  case UTF8PROC_CATEGORY_CS:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
    return treatment::replace;
  default:
    return treatment::keep;
  }
}

/// Bytes of the longest beginning that is at most `columns` wide, with the combining marks of its last character.
std::size_t prefix_within(std::string_view text, std::size_t columns) noexcept {
  std::size_t end = 0;
  for (std::size_t width = 0; end < text.size();) {
    const auto g = next_glyph(text.substr(end));
    width += width_of(g);
    if (width > columns)
      break;
    end += g.length;
  }
  return end;
}

/// Where the longest ending begins that is at most `columns` wide and does not begin with a combining mark.
std::size_t suffix_within(std::string_view text, std::size_t columns) noexcept {
  auto width = display_width(text);
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto g = next_glyph(text.substr(begin));
    if (width <= columns && width_of(g) > 0)
      break;
    width -= width_of(g);
    begin += g.length;
  }
  return begin;
}

/// The width of ".iso" or ".tar.gz"; 0 when what follows the last dot is no extension.
std::size_t extension_width(std::string_view name) noexcept {
  constexpr std::size_t longest = 6;
  auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || name.size() - dot > longest)
    return 0;
  if (dot >= 4 && name.substr(dot - 4, 4) == ".tar")
    dot -= 4;
  return display_width(name.substr(dot));
}

std::string_view mark_of(charset set) noexcept {
  return set == charset::utf8 ? ellipsis : std::string_view{"~"};
}

} // namespace

std::string printable(std::string_view text, charset set) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto g = next_glyph(text);
    const auto how = treatment_of(g);
    const bool plain = g.valid && g.code_point < 0x80;
    if (how == treatment::keep && (plain || set == charset::utf8))
      result += text.substr(0, g.length);
    else if (how != treatment::drop && (width_of(g) > 0 || how == treatment::replace))
      result += set == charset::utf8 ? replacement : std::string_view{"?"};
    text.remove_prefix(g.length);
  }
  return result;
}

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto g = next_glyph(text);
    width += width_of(g);
    text.remove_prefix(g.length);
  }
  return width;
}

std::string shorten_end(std::string_view text, std::size_t columns, charset set) {
  if (display_width(text) <= columns)
    return std::string{text};
  if (columns == 0)
    return {};
  std::string result{text.substr(0, prefix_within(text, columns - 1))};
  return result += mark_of(set);
}

std::string shorten_middle(std::string_view text, std::size_t columns, charset set) {
  if (display_width(text) <= columns)
    return std::string{text};
  if (columns < 3)
    return shorten_end(text, columns, set);
  const auto room = columns - 1;
  const auto wanted = std::max(extension_width(text), room / 3);
  const auto tail = text.substr(suffix_within(text, std::min(wanted, room - 1)));
  std::string result{text.substr(0, prefix_within(text, room - display_width(tail)))};
  result += mark_of(set);
  return result += tail;
}

std::string pad_right(std::string text, std::size_t columns) {
  const auto width = display_width(text);
  if (width < columns)
    text.append(columns - width, ' ');
  return text;
}

std::string pad_left(std::string text, std::size_t columns) {
  const auto width = display_width(text);
  if (width < columns)
    text.insert(0, columns - width, ' ');
  return text;
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  // A wide character or the indent must fit, or nothing would ever be taken.
  if (columns < 4)
    return {shorten_end(text, columns, charset::ascii)};
  while (!text.empty()) {
    const std::string indent = lines.empty() ? "" : "  ";
    auto end = prefix_within(text, columns - indent.size());
    auto rest = end;
    if (end < text.size()) {
      if (const auto space = text.substr(0, end + 1).rfind(' '); space != std::string_view::npos && space > 0)
        rest = (end = space) + 1;
    }
    lines.push_back(indent + std::string{text.substr(0, end)});
    text.remove_prefix(rest);
  }
  return lines;
}

} // namespace bellhop::cli
