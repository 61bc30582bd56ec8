#include "core/response_head_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace bellhop {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == text.npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// What a field that comes twice with different values means.
enum class repeated { is_an_error, is_a_list, first_counts };

struct known_field {
  std::string_view name;
  std::string response_head::*value;
  repeated twice;
};

constexpr std::array known_fields{
    known_field{"etag", &response_head::etag, repeated::is_an_error},
    known_field{"last-modified", &response_head::last_modified, repeated::first_counts},
    known_field{"date", &response_head::date, repeated::first_counts},
    known_field{"content-range", &response_head::content_range, repeated::is_an_error},
    known_field{"content-encoding", &response_head::content_encoding, repeated::is_a_list},
    known_field{"content-type", &response_head::content_type, repeated::first_counts},
    known_field{"content-disposition", &response_head::content_disposition, repeated::first_counts},
    known_field{"retry-after", &response_head::retry_after, repeated::first_counts},
};

/// "HTTP/1.1 200 OK" and "HTTP/2 200". libcurl lets nothing else pass, but its rules are not ours to rely on.
bool parse_status_line(std::string_view line, response_head& head) {
  line.remove_prefix(5);
  const auto space = line.find(' ');
  if (space == line.npos || space == 0 || line.size() < space + 4)
    return false;
  const auto version = line.substr(0, space);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!digit(version[0]) || (version.size() > 1 && (version.size() != 3 || version[1] != '.' || !digit(version[2]))))
    return false;
  head.http_version = (version[0] - '0') * 10 + (version.size() == 3 ? version[2] - '0' : 0);
  const auto code = line.substr(space + 1, 3);
  const auto parsed = std::from_chars(code.data(), code.data() + code.size(), head.status);
  return parsed.ec == std::errc{} && parsed.ptr == code.data() + code.size() && head.status >= 100;
}

} // namespace

response_head_parser::progress response_head_parser::feed(std::string_view line) {
  if (state_ == progress::final || state_ == progress::failed)
    return state_;
  bytes_ += line.size();
  if (bytes_ > max_bytes || ++lines_ > max_lines)
    return fail("response head too large");
  if (line.starts_with("HTTP/"))
    return begin(line);
  // Trailers of a redirect's body.
  if (state_ == progress::skipped)
    return state_;
  if (trim(line).empty())
    return end_of_head();
  // Folded lines were given up by RFC 9112 5.2; nothing that we rely on may come in them.
  if (line.front() == ' ' || line.front() == '\t')
    return fail("the server sent a header field over several lines");
  const auto colon = line.find(':');
  if (colon == line.npos)
    return state_;
  return field(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
}

response_head_parser::progress response_head_parser::begin(std::string_view status_line) {
  head_ = {};
  location_.clear();
  transfer_coded_ = false;
  if (!parse_status_line(status_line, head_))
    return fail("the server sent an illegal status line");
  return state_ = progress::reading;
}

response_head_parser::progress response_head_parser::field(std::string_view name, std::string_view value) {
  if (equal_ignoring_case(name, "content-length"))
    return content_length(value);
  if (equal_ignoring_case(name, "transfer-encoding")) {
    // None was offered by TE, so that chunked is the only one that can be meant.
    if (!equal_ignoring_case(value, "chunked") && !equal_ignoring_case(value, "identity"))
      return fail("the server sent a transfer coding that was not asked for");
    transfer_coded_ = true;
  }
  if (equal_ignoring_case(name, "location") && location_.empty())
    location_ = value;
  const auto known =
      std::ranges::find_if(known_fields, [&](const known_field& k) { return equal_ignoring_case(k.name, name); });
  if (known == known_fields.end())
    return state_;
  auto& kept = head_.*known->value;
  if (kept.empty())
    kept = value;
  else if (known->twice == repeated::is_a_list)
    kept.append(", ").append(value);
  else if (known->twice == repeated::is_an_error && kept != value)
    return fail(fmt::format("the server sent two different values of {}", name));
  return state_;
}

response_head_parser::progress response_head_parser::content_length(std::string_view value) {
  std::int64_t length = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), length);
  if (parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size() || length < 0)
    return fail("the server sent a Content-Length that is no number");
  if (head_.content_length != unknown_size && head_.content_length != length)
    return fail("the server sent two different values of Content-Length");
  head_.content_length = length;
  return state_;
}

response_head_parser::progress response_head_parser::end_of_head() {
  if (head_.status < 200)
    return state_ = progress::skipped;
  if (head_.status < 400 && head_.status >= 300 && !location_.empty()) {
    redirect_target_ = location_;
    return state_ = progress::skipped;
  }
  // RFC 9112 6.3: the transfer coding overrides the length.
  if (transfer_coded_)
    head_.content_length = unknown_size;
  return state_ = progress::final;
}

response_head_parser::progress response_head_parser::fail(std::string message) {
  why_ = {errc::bad_response, std::move(message), head_.status};
  return state_ = progress::failed;
}

} // namespace bellhop
