#include "core/http_headers.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace bellhop {

namespace {

using namespace std::chrono;

// ---- dates ----

/// Digits of a field whose place is fixed; -1 when they are something else.
int fixed_number(std::string_view digits) noexcept {
  return static_cast<int>(parse_digits(digits).value_or(-1));
}

month month_named(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::find(names.begin(), names.end(), name);
  return month{found == names.end() ? 0u : static_cast<unsigned>(found - names.begin()) + 1};
}

constexpr std::array<std::string_view, 7> day_names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};

bool is_day_name(std::string_view name) noexcept {
  return std::find(day_names.begin(), day_names.end(), name) != day_names.end();
}

bool is_short_day_name(std::string_view name) noexcept {
  return name.size() == 3 &&
         std::any_of(day_names.begin(), day_names.end(), [&](auto d) { return d.starts_with(name); });
}

/// `clock` is "08:49:37".
std::optional<sys_seconds> assemble(int y, std::string_view month_name, int d, std::string_view clock) noexcept {
  constexpr int first_year = 1900;
  if (y < first_year || d < 1 || clock.size() != 8 || clock[2] != ':' || clock[5] != ':')
    return std::nullopt;
  const year_month_day date{year{y}, month_named(month_name), day{static_cast<unsigned>(d)}};
  const int h = fixed_number(clock.substr(0, 2));
  const int m = fixed_number(clock.substr(3, 2));
  const int s = fixed_number(clock.substr(6, 2));
  // The grammar has leap seconds.
  if (!date.ok() || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60)
    return std::nullopt;
  return sys_days{date} + hours{h} + minutes{m} + seconds{s};
}

/// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<sys_seconds> parse_imf_fixdate(std::string_view text) noexcept {
  if (text.size() != 29 || !is_short_day_name(text.substr(0, 3)) || text.substr(3, 2) != ", " || text[7] != ' ' ||
      text[11] != ' ' || text[16] != ' ' || text.substr(25) != " GMT")
    return std::nullopt;
  return assemble(fixed_number(text.substr(12, 4)), text.substr(8, 3), fixed_number(text.substr(5, 2)),
                  text.substr(17, 8));
}

/// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<sys_seconds> parse_rfc850_date(std::string_view text) noexcept {
  const auto comma = text.find(',');
  if (comma == std::string_view::npos || !is_day_name(text.substr(0, comma)))
    return std::nullopt;
  text.remove_prefix(comma);
  if (text.size() != 24 || text.substr(0, 2) != ", " || text[4] != '-' || text[8] != '-' || text[11] != ' ' ||
      text.substr(20) != " GMT")
    return std::nullopt;
  const int short_year = fixed_number(text.substr(9, 2));
  if (short_year < 0)
    return std::nullopt;
  constexpr int pivot = 70; // as POSIX has it for %y
  return assemble(short_year + (short_year < pivot ? 2000 : 1900), text.substr(5, 3), fixed_number(text.substr(2, 2)),
                  text.substr(12, 8));
}

/// Sun Nov  6 08:49:37 1994
std::optional<sys_seconds> parse_asctime_date(std::string_view text) noexcept {
  if (text.size() != 24 || !is_short_day_name(text.substr(0, 3)) || text[3] != ' ' || text[7] != ' ' ||
      text[10] != ' ' || text[19] != ' ')
    return std::nullopt;
  const auto day_digits = text[8] == ' ' ? text.substr(9, 1) : text.substr(8, 2);
  return assemble(fixed_number(text.substr(20, 4)), text.substr(4, 3), fixed_number(day_digits), text.substr(11, 8));
}

// ---- Content-Disposition ----

std::string utf8_from_latin1(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
      return std::nullopt;
    out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

/// RFC 8187: charset'language'percent-encoded. Empty for what is malformed or in another charset.
std::string decode_extended(std::string_view value) {
  const auto first = value.find('\'');
  const auto second = first == std::string_view::npos ? first : value.find('\'', first + 1);
  if (second == std::string_view::npos)
    return {};
  const auto charset = value.substr(0, first);
  auto decoded = percent_decoded(value.substr(second + 1));
  if (!decoded)
    return {};
  if (equals_ignoring_case(charset, "UTF-8"))
    return is_utf8(*decoded) ? std::move(*decoded) : std::string{};
  return equals_ignoring_case(charset, "ISO-8859-1") ? utf8_from_latin1(*decoded) : std::string{};
}

/// Takes the text of a quoted-string off the front of `rest`, which begins behind the opening quote.
std::optional<std::string> take_quoted(std::string_view& rest) {
  std::string out;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return out;
    }
    if (rest[i] == '\\' && ++i == rest.size())
      break;
    out += rest[i];
  }
  return std::nullopt;
}

struct parameter {
  std::string_view name;
  std::string value;
};

/// Takes what stands before the next ";" off the front of `rest`. A part without "=", as the disposition's type, has an
/// empty value; none means that a quoted-string does not end, and then nothing behind it can be understood.
std::optional<parameter> take_parameter(std::string_view& rest) {
  const auto name_end = std::min(rest.find_first_of("=;"), rest.size());
  parameter out{trimmed(rest.substr(0, name_end)), {}};
  const bool has_value = name_end < rest.size() && rest[name_end] == '=';
  rest.remove_prefix(name_end + (has_value ? 1 : 0));
  if (has_value) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (!rest.empty() && rest.front() == '"') {
      rest.remove_prefix(1);
      auto value = take_quoted(rest);
      if (!value)
        return std::nullopt;
      out.value = std::move(*value);
    } else {
      out.value = trimmed(rest.substr(0, rest.find(';')));
    }
  }
  rest.remove_prefix(std::min(rest.find(';'), rest.size()));
  rest.remove_prefix(rest.empty() ? 0 : 1);
  return out;
}

// ---- file names ----

/// Control characters in the wider sense: C0, DEL, C1, line and paragraph separators, and the marks that change the
/// direction of text, by which "exe.txt" can be made to look like "txt.exe".
bool is_control(std::string_view sequence) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1)
    return byte(0) < 0x20 || byte(0) == 0x7F;
  if (sequence.size() == 2)
    return byte(0) == 0xC2 && byte(1) < 0xA0;
  if (sequence.size() != 3)
    return false;
  const unsigned code = (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
  return code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0xFEFF;
}

std::string without_controls(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto length = utf8_sequence(name);
    if (length == 0)
      out += '_';
    else if (!is_control(name.substr(0, length)))
      out += name.substr(0, length);
    name.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

/// The longest beginning of UTF-8 text that has at most `size` bytes and ends with a whole character.
std::string_view cut(std::string_view text, std::size_t size) noexcept {
  if (text.size() <= size)
    return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80)
    --size;
  return text.substr(0, size);
}

void remove_trailing_spaces(std::string& name) {
  name.erase(name.find_last_not_of(' ') + 1);
}

void shorten(std::string& name) {
  constexpr std::size_t longest_name = 255;
  constexpr std::size_t longest_extension = 32; // what is longer is a sentence with a dot in it
  if (name.size() <= longest_name)
    return;
  const auto dot = name.rfind('.');
  std::string extension;
  if (dot != std::string::npos && name.size() - dot <= longest_extension)
    extension = name.substr(dot);
  name = std::string{cut(name, longest_name - extension.size())} + extension;
  remove_trailing_spaces(name);
}

} // namespace

std::optional<content_range> parse_content_range(std::string_view value) {
  value = trimmed(value);
  constexpr std::string_view unit = "bytes ";
  if (!equals_ignoring_case(value.substr(0, unit.size()), unit))
    return std::nullopt;
  value.remove_prefix(unit.size());
  const auto slash = value.find('/');
  if (slash == std::string_view::npos)
    return std::nullopt;
  const auto range = value.substr(0, slash);
  const auto total = value.substr(slash + 1);

  content_range out;
  if (total != "*") {
    const auto number = parse_digits(total);
    if (!number)
      return std::nullopt;
    out.total = *number;
  }
  if (range == "*")
    return out.total < 0 ? std::nullopt : std::optional{out};

  const auto dash = range.find('-');
  if (dash == std::string_view::npos)
    return std::nullopt;
  const auto first = parse_digits(range.substr(0, dash));
  const auto last = parse_digits(range.substr(dash + 1));
  // The length, last - first + 1, has to fit too.
  if (!first || !last || *first > *last || *last == std::numeric_limits<std::int64_t>::max() ||
      (out.total >= 0 && *last >= out.total))
    return std::nullopt;
  out.first = *first;
  out.last = *last;
  return out;
}

std::optional<sys_seconds> parse_http_date(std::string_view value) {
  value = trimmed(value);
  if (auto t = parse_imf_fixdate(value))
    return t;
  if (auto t = parse_rfc850_date(value))
    return t;
  return parse_asctime_date(value);
}

std::optional<seconds> parse_retry_after(std::string_view value, std::string_view date, time_point now) {
  constexpr seconds longest = days{3650};
  value = trimmed(value);
  if (!value.empty() && std::all_of(value.begin(), value.end(), is_ascii_digit))
    return std::min(seconds{parse_digits(value).value_or(longest.count())}, longest);
  const auto until = parse_http_date(value);
  if (!until)
    return std::nullopt;
  const auto from = parse_http_date(date).value_or(floor<seconds>(now));
  return std::clamp(*until - from, seconds{0}, longest);
}

bool is_strong_etag(std::string_view etag) {
  if (etag.size() < 3 || etag.front() != '"' || etag.back() != '"')
    return false;
  const auto opaque = etag.substr(1, etag.size() - 2);
  return std::all_of(opaque.begin(), opaque.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != '"' && byte != 0x7F;
  });
}

bool is_strong_last_modified(std::string_view last_modified, std::string_view date) {
  const auto modified = parse_http_date(last_modified);
  const auto sent = parse_http_date(date);
  return modified && sent && *sent - *modified >= seconds{1};
}

std::string file_name_from_disposition(std::string_view value) {
  std::string extended;
  std::string plain;
  while (!value.empty()) {
    const auto parameter = take_parameter(value);
    if (!parameter)
      break;
    if (extended.empty() && equals_ignoring_case(parameter->name, "filename*"))
      extended = safe_file_name(decode_extended(parameter->value));
    else if (plain.empty() && equals_ignoring_case(parameter->name, "filename"))
      plain = safe_file_name(is_utf8(parameter->value) ? parameter->value : utf8_from_latin1(parameter->value));
  }
  return extended.empty() ? plain : extended;
}

std::string safe_file_name(std::string_view name) {
  if (const auto separator = name.find_last_of("/\\"); separator != std::string_view::npos)
    name.remove_prefix(separator + 1);
  auto out = without_controls(name);
  out.erase(0, out.find_first_not_of(" ."));
  remove_trailing_spaces(out);
  shorten(out);
  return out;
}

} // namespace bellhop
