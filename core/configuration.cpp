#include "core/configuration.hpp"

#include "core/digest.hpp"
#include "core/text.hpp"
#include "core/url.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace bellhop {

namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 3> kind_names{"default", "ephemeral", "background"};

constexpr std::size_t longest_identifier = 200;
constexpr std::size_t longest_file_name = 255; // NAME_MAX of Linux's file systems
constexpr std::size_t longest_path = 4095;     // PATH_MAX without the final NUL
constexpr std::size_t longest_metadata = 64 * 1024;
/// Ours has about 150 bytes.
constexpr std::size_t longest_resume_data = 1024;
constexpr std::size_t most_headers = 100;
constexpr std::size_t most_header_bytes = 64 * 1024;
constexpr std::size_t most_launch_texts = 1000;
constexpr std::size_t most_launch_bytes = 256 * 1024;
/// Linux takes no longer argument or variable (MAX_ARG_STRLEN).
constexpr std::size_t longest_launch_text = 128 * 1024 - 1;

error invalid(errc code, std::string message) {
  return {code, std::move(message), 0};
}

error invalid(std::string message) {
  return invalid(errc::invalid_argument, std::move(message));
}

constexpr bool is_alphanumeric(char c) noexcept {
  const char lower = ascii_lower(c);
  return is_ascii_digit(c) || (lower >= 'a' && lower <= 'z');
}

/// RFC 9110 5.6.2.
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || marks.find(c) != std::string_view::npos;
  });
}

bool breaks_a_line(std::string_view value) noexcept {
  return value.find_first_of(std::string_view{"\r\n\0", 3}) != std::string_view::npos;
}

/// What Bellhop says itself; a second opinion would make it misunderstand the response.
bool is_reserved(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 4> reserved{"Range", "If-Range", "Content-Length", "Transfer-Encoding"};
  return std::any_of(reserved.begin(), reserved.end(), [&](auto r) { return equals_ignoring_case(r, name); });
}

/// Never shows a value: it may be a credential.
error check_headers(const std::vector<header>& headers) {
  if (headers.size() > most_headers)
    return invalid(fmt::format("{} headers given, at most {} are allowed", headers.size(), most_headers));
  std::size_t bytes = 0;
  for (const auto& [name, value] : headers) {
    if (!is_token(name))
      return invalid(
          fmt::format("header name {} must be one or more of letters, digits and !#$%&'*+-.^_`|~", in_quotes(name)));
    if (is_reserved(name))
      return invalid(fmt::format("header {} cannot be set, Bellhop sends it when a transfer needs it", name));
    if (breaks_a_line(value))
      return invalid(fmt::format("the value of header {} has a line break or a NUL; remove it", name));
    if (!is_utf8(value))
      return invalid(fmt::format("the value of header {} is not UTF-8", name));
    bytes += name.size() + value.size();
  }
  if (bytes > most_header_bytes)
    return invalid(fmt::format("the headers have {} bytes, at most {} are allowed", bytes, most_header_bytes));
  return {};
}

/// `value` and the bounds have the setting's own unit, so that nothing has to be converted and can overflow.
template <class Number>
error check_range(std::string_view setting, Number value, Number from, Number to, std::string_view unit = "") {
  if (value >= from && value <= to)
    return {};
  return invalid(fmt::format("{} must be {} to {}{}, got {}", setting, from, to, unit, value));
}

template <class Duration>
error check_duration(std::string_view setting, Duration value, Duration from, Duration to) {
  constexpr std::string_view unit = std::is_same_v<Duration, std::chrono::seconds> ? " s" : " ms";
  return check_range(setting, value.count(), from.count(), to.count(), unit);
}

error check_retry(const retry_policy& p) {
  constexpr std::chrono::milliseconds longest_cap = 24h * 7;
  constexpr std::chrono::seconds longest_wait = 24h * 365;
  if (auto e = check_duration("retry.base", p.base, std::chrono::milliseconds{0}, longest_cap))
    return e;
  if (auto e = check_duration("retry.cap", p.cap, p.base, longest_cap))
    return e;
  return check_duration("retry.longest_retry_after", p.longest_retry_after, std::chrono::seconds{0}, longest_wait);
}

error check_limits_and_times(const session_configuration& c) {
  constexpr std::chrono::milliseconds longest_silence = 24h * 7;
  constexpr std::chrono::seconds longest = 24h * 365 * 10;
  if (auto e = check_range("max_active", c.max_active, 1u, 100'000u))
    return e;
  if (auto e = check_range("max_per_host", c.max_per_host, 1u, 10'000u))
    return e;
  if (auto e = check_range("max_redirects", c.max_redirects, 0u, 1'000u))
    return e;
  if (auto e = check_duration("request_timeout", c.request_timeout, std::chrono::milliseconds{1}, longest_silence))
    return e;
  if (auto e = check_duration("connect_timeout", c.connect_timeout, std::chrono::milliseconds{1}, longest_silence))
    return e;
  if (auto e = check_duration("resource_timeout", c.resource_timeout, std::chrono::seconds{1}, longest))
    return e;
  return check_duration("keep_finished", c.keep_finished, std::chrono::seconds{0}, longest);
}

/// Every name in a path has its bound, not only the last.
error check_names(const std::string& destination) {
  std::string_view rest = destination;
  while (!rest.empty()) {
    const auto name = rest.substr(0, rest.find('/'));
    if (name.size() > longest_file_name)
      return invalid(errc::invalid_destination,
                     fmt::format("a name in destination {} has {} bytes, at most {} are allowed",
                                 in_quotes(destination), name.size(), longest_file_name));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
  }
  return {};
}

error check_destination(const transfer_request& r) {
  const auto& text = r.destination.native();
  const auto refuse = [&](std::string_view why) {
    return invalid(errc::invalid_destination, fmt::format("destination {} {}", in_quotes(text, 300), why));
  };
  if (text.empty())
    return invalid(errc::invalid_destination, "no destination is given; name the file to publish");
  if (text.find('\0') != std::string::npos)
    return refuse("has a NUL");
  if (text.front() != '/')
    return refuse("must be an absolute path");
  if (text.size() > longest_path)
    return refuse(fmt::format("has {} bytes, at most {} are allowed", text.size(), longest_path));
  if (auto e = check_names(text))
    return e;
  if (r.name_from_server)
    return {};
  const auto name = std::string_view{text}.substr(text.rfind('/') + 1);
  if (name.empty() || name == "." || name == "..")
    return refuse("is a folder; name the file in it, or ask for the server's name");
  return {};
}

error check_checksum(const checksum& c) {
  const auto refuse = [](std::string message) { return invalid(errc::invalid_checksum, std::move(message)); };
  if (!c)
    return c.hex.empty() ? error{} : refuse(fmt::format("checksum {} has no algorithm", in_quotes(c.hex, 12)));
  const auto name = to_string(c.algorithm);
  if (c.hex.size() != hex_length(c.algorithm))
    return refuse(fmt::format("checksum of {} needs {} hex digits, got {}: {}", name, hex_length(c.algorithm),
                              c.hex.size(), in_quotes(c.hex, 12)));
  for (char digit : c.hex)
    if (hex_value(digit) < 0 || ascii_lower(digit) != digit)
      return refuse(
          fmt::format("checksum of {} must be hex digits in lower case, got {}", name, in_quotes(c.hex, 128)));
  return {};
}

/// Of text that is valid JSON.
int depth_of(std::string_view text) noexcept {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"')
      in_string = !in_string;
    else if (in_string)
      i += c == '\\' ? 1 : 0;
    else if (c == '{' || c == '[')
      deepest = std::max(deepest, ++depth);
    else if (c == '}' || c == ']')
      --depth;
  }
  return deepest;
}

error check_metadata(std::string_view text) {
  if (text.empty())
    return {};
  if (text.size() > longest_metadata)
    return invalid(fmt::format("metadata has {} bytes, at most {} are allowed", text.size(), longest_metadata));
  if (!nlohmann::json::accept(text))
    return invalid(fmt::format("metadata is not JSON: {}", in_quotes(text, 40)));
  if (depth_of(text) > deepest_metadata)
    return invalid(fmt::format("metadata is nested more than {} levels deep", deepest_metadata));
  return {};
}

error check_resume_data(std::string_view text) {
  if (text.size() > longest_resume_data)
    return invalid(fmt::format("resume_data has {} bytes, at most {} are allowed", text.size(), longest_resume_data));
  const bool fits = std::all_of(text.begin(), text.end(),
                                [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
  if (!fits)
    return invalid(fmt::format("resume_data {} is not what a cancelled or failed transfer gave", in_quotes(text, 40)));
  return {};
}

// A NaN is in no range.
error check_priority(double priority) {
  if (priority >= 0 && priority <= 1)
    return {};
  return invalid(fmt::format("priority must be 0 to 1, got {}", priority));
}

error check_max_size(std::int64_t bytes) {
  if (bytes >= 0)
    return {};
  return invalid(fmt::format("max_size must be 0 (no limit) or a number of bytes, got {}", bytes));
}

bool has_nul(std::string_view text) noexcept {
  return text.find('\0') != std::string_view::npos;
}

bool is_absolute(std::string_view text) noexcept {
  return text.starts_with('/') && !has_nul(text) && text.size() <= longest_path;
}

/// The environment's values may be credentials: only names are shown.
error check_environment(const std::vector<header>& environment) {
  for (const auto& [name, value] : environment) {
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || !is_utf8(name))
      return invalid(fmt::format("launch.environment: the name {} must be UTF-8, not empty, without '=' and NUL",
                                 in_quotes(name)));
    if (has_nul(value))
      return invalid(fmt::format("launch.environment: the value of {} has a NUL; remove it", in_quotes(name)));
  }
  return {};
}

error check_launch_size(const launch_command& launch) {
  const auto texts = launch.arguments.size() + launch.environment.size();
  if (texts > most_launch_texts)
    return invalid(
        fmt::format("launch has {} arguments and variables, at most {} are allowed", texts, most_launch_texts));
  std::size_t bytes = 0;
  std::size_t longest = 0;
  const auto add = [&](std::size_t length) {
    bytes += length;
    longest = std::max(longest, length);
  };
  for (const auto& argument : launch.arguments)
    add(argument.size());
  for (const auto& [name, value] : launch.environment)
    add(name.size() + 1 + value.size());
  if (longest > longest_launch_text)
    return invalid(fmt::format("launch has an argument or variable of {} bytes, at most {} are allowed", longest,
                               longest_launch_text));
  if (bytes > most_launch_bytes)
    return invalid(fmt::format("launch has {} bytes of arguments and environment, at most {} are allowed", bytes,
                               most_launch_bytes));
  return {};
}

error check_launch(const launch_command& launch) {
  if (launch == launch_command{})
    return {};
  if (!launch)
    return invalid("launch.arguments is empty: name the program and its arguments, or leave launch out");
  const auto& program = launch.arguments.front();
  if (!is_absolute(program))
    return invalid(fmt::format("launch.arguments: the program {} must be an absolute path", in_quotes(program, 300)));
  if (std::any_of(launch.arguments.begin(), launch.arguments.end(), has_nul))
    return invalid(fmt::format("launch.arguments: an argument of {} has a NUL; remove it", in_quotes(program, 300)));
  const auto& folder = launch.working_directory.native();
  if (!is_absolute(folder))
    return invalid(fmt::format("launch.working_directory {} must be an absolute path", in_quotes(folder, 300)));
  if (auto e = check_environment(launch.environment))
    return e;
  return check_launch_size(launch);
}

} // namespace

std::string_view to_string(session_kind kind) noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return index < kind_names.size() ? kind_names[index] : std::string_view{};
}

bool from_string(std::string_view name, session_kind& out) noexcept {
  const auto found = std::find(kind_names.begin(), kind_names.end(), name);
  if (found == kind_names.end())
    return false;
  out = static_cast<session_kind>(found - kind_names.begin());
  return true;
}

error check_identifier(std::string_view identifier) {
  const bool characters_fit = std::all_of(identifier.begin(), identifier.end(), [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
  });
  if (characters_fit && !identifier.empty() && identifier.size() <= longest_identifier)
    return {};
  return invalid(errc::invalid_identifier,
                 fmt::format("session identifier {} must be 1 to {} of the characters A-Z a-z "
                             "0-9 . _ -",
                             in_quotes(identifier), longest_identifier));
}

error check(const session_configuration& c) {
  if (auto e = check_limits_and_times(c))
    return e;
  if (auto e = check_retry(c.retry))
    return e;
  if (auto e = check_headers(c.headers))
    return e;
  if (breaks_a_line(c.user_agent) || !is_utf8(c.user_agent))
    return invalid(fmt::format("user_agent {} must be UTF-8 without line breaks", in_quotes(c.user_agent)));
  const auto& ca_file = c.ca_file.native();
  if (!ca_file.empty() && (ca_file.front() != '/' || ca_file.find('\0') != std::string::npos || !is_utf8(ca_file)))
    return invalid(fmt::format("ca_file {} must be an absolute path in UTF-8", in_quotes(ca_file, 300)));
  return check_launch(c.launch);
}

error check(const transfer_request& r) {
  if (auto e = check_url(r.url))
    return e;
  if (auto e = check_destination(r))
    return e;
  if (auto e = check_checksum(r.expected))
    return e;
  if (auto e = check_headers(r.headers))
    return e;
  if (auto e = check_priority(r.priority))
    return e;
  if (auto e = check_max_size(r.max_size))
    return e;
  if (auto e = check_resume_data(r.resume_data))
    return e;
  return check_metadata(r.metadata);
}

error check(const transfer_change& c) {
  if (auto e = c.priority ? check_priority(*c.priority) : error{})
    return e;
  if (auto e = c.headers ? check_headers(*c.headers) : error{})
    return e;
  return c.max_size ? check_max_size(*c.max_size) : error{};
}

} // namespace bellhop
