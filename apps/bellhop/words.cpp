#include "apps/bellhop/words.hpp"

#include "apps/bellhop/arguments.hpp"
#include "apps/bellhop/options.hpp"
#include "core/numbers.hpp"

#include <limits>

namespace bellhop::cli {

namespace {

/// What the ledger can store.
constexpr std::uint64_t greatest = std::numeric_limits<std::int64_t>::max();

} // namespace

void refuse(std::string message) {
  throw failure(errc::invalid_argument, std::move(message));
}

std::chrono::milliseconds seconds(std::string_view argument, std::string_view text, double most) {
  const std::chrono::duration<double> value{number<double>(argument, text, 0.001, most)};
  return std::chrono::round<std::chrono::milliseconds>(value);
}

std::int64_t size(std::string_view argument, std::string_view text) {
  const auto bytes = parse_size(text);
  if (!bytes || *bytes == 0)
    refuse(fmt::format("{} '{}': give a size, as 4096, 10M or 1.5GiB", argument, text));
  return *bytes;
}

std::string session_name(const text_option& text) {
  if (!text)
    return default_session;
  if (const auto problem = check_identifier(*text))
    refuse("-s: " + problem.message);
  return *text;
}

path path_of(std::string_view argument, const std::string& text, const surroundings& around) {
  if (text.empty())
    refuse(fmt::format("{} '': give a path", argument));
  return absolute_path(text, around.current_directory);
}

std::vector<header> headers_of(const std::vector<std::string>& words) {
  std::vector<header> headers;
  headers.reserve(words.size());
  for (const auto& text : words)
    headers.push_back(named("-H", [&] { return parse_header(text); }));
  return headers;
}

std::vector<transfer_id> ids_of(const std::vector<std::string>& words) {
  std::vector<transfer_id> ids;
  for (const auto& text : words) {
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc{} || stopped != end || value == 0 || value > greatest)
      refuse(fmt::format("'{}': give the numbers of transfers; 'bellhop list' shows them", text));
    ids.push_back({value});
  }
  return ids;
}

event_number event_of(std::string_view argument, std::string_view text) {
  return {number<std::uint64_t>(argument, text, 0, greatest)};
}

} // namespace bellhop::cli
