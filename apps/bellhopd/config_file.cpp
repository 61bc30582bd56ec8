#include "apps/bellhopd/config_file.hpp"

#include "core/json_reader.hpp"
#include "core/system_error.hpp"
#include "core/text.hpp"
#include "core/unique_fd.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace bellhop::daemon {

namespace {

constexpr std::size_t longest = 64 * 1024;
constexpr std::uint32_t most_active = 65'536;

/// None: there is no such file.
std::optional<std::string> content_of(const path& file) {
  const unique_fd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd && (errno == ENOENT || errno == ENOTDIR))
    return std::nullopt;
  std::string text(longest + 1, '\0');
  const auto length = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
  if (length < 0)
    throw_system_error(errc::invalid_argument, "read", file, errno);
  text.resize(static_cast<std::size_t>(length));
  if (text.size() > longest)
    throw failure{errc::invalid_argument, fmt::format("it has more than {} bytes", longest)};
  return text;
}

configuration parse(const std::string& text) {
  const auto value = json::parse(text, nullptr, false);
  if (value.is_discarded())
    throw failure{errc::invalid_argument, R"(it is no JSON; write it as {"max_active": 256})"};
  configuration said;
  object_reader reader{value, unknown_members::refused};
  if (const auto* member = reader.find("max_active")) {
    if (!member->is_number_unsigned() || *member < 1 || *member > most_active)
      reader.refuse("max_active", fmt::format("a whole number from 1 to {}", most_active), *member);
    said.limits.max_active = member->get<std::uint32_t>();
  }
  log_level level{};
  reader.one_of("log_level", log_levels, level);
  if (value.contains("log_level"))
    said.level = level;
  reader.end();
  return said;
}

} // namespace

configuration read_configuration(const path& file, bool must_be_there) {
  try {
    if (const auto text = content_of(file))
      return parse(*text);
  } catch (const failure& why) {
    throw failure{errc::invalid_argument,
                  fmt::format("the configuration file {}: {}", in_quotes(file.native(), 400), why.what())};
  }
  if (must_be_there)
    throw failure{errc::invalid_argument,
                  fmt::format("the configuration file {} is not there: make it, or leave --config away",
                              in_quotes(file.native(), 400))};
  return {};
}

} // namespace bellhop::daemon
