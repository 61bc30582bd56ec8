#include "apps/bellhop/output.hpp"

#include "apps/bellhop/display_text.hpp"
#include "apps/bellhop/options.hpp"
#include "apps/bellhop/terminal.hpp"
#include "core/numbers.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace bellhop::cli {

bool print(std::string_view text) {
  return write_all(STDOUT_FILENO, text);
}

std::string json_line(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string shown(std::string_view text) {
  return printable(text, traits_of(STDOUT_FILENO).set);
}

std::string relative(time_point when, time_point now) {
  const auto span = std::chrono::duration_cast<std::chrono::seconds>(when > now ? when - now : now - when);
  if (span == std::chrono::seconds{0})
    return "now";
  return when > now ? "in " + format_duration(span) : format_duration(span) + " ago";
}

std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string command(std::string_view words, const std::string& session) {
  return fmt::format("bellhop {}{}", words, session == default_session ? "" : " -s " + session);
}

} // namespace bellhop::cli
