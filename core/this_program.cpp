#include "core/this_program.hpp"

#include <boost/filesystem/operations.hpp>

#include <string_view>
#include <utility>

#include <unistd.h>

namespace bellhop {

launch_command this_program(std::vector<std::string> arguments) {
  boost::system::error_code unknown;
  const auto file = boost::filesystem::read_symlink("/proc/self/exe", unknown);
  if (unknown)
    throw failure{errc::internal, "the file of this program cannot be told: " + unknown.message()};
  launch_command result;
  result.arguments = std::move(arguments);
  result.arguments.insert(result.arguments.begin(), file.string());
  result.working_directory = boost::filesystem::current_path();
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto equals = text.find('=');
    const auto name = text.substr(0, equals);
    if (equals == text.npos || equals == 0 || name == "BELLHOP_BACKGROUND_SESSION" || name == "BELLHOP_SOCKET")
      continue;
    result.environment.push_back({std::string{name}, std::string{text.substr(equals + 1)}});
  }
  return result;
}

} // namespace bellhop
