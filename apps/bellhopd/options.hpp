#pragma once

#include "apps/bellhopd/log.hpp"
#include "core/transfer.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The command line as plain values. Of the environment only what says where things are is read.
namespace bellhop::daemon {

struct options {
  /// Absolute.
  path state;
  /// Absolute; where to listen, unless a service manager hands a socket over.
  path socket;
  /// "127.0.0.1:PORT"; empty: no TCP.
  std::string listen;
  /// Absolute; holds the token of TCP clients.
  path token_file;
  durability durable = durability::crash;
  /// Absolute. One that was not named need not be there.
  path config;
  bool config_named = false;
  /// Wins over the one of the configuration file.
  std::optional<log_level> level;
  std::chrono::milliseconds shutdown_deadline{std::chrono::seconds{10}};
  /// Stop when there was nothing to do for so long.
  std::optional<std::chrono::milliseconds> exit_when_idle;
  bool background = false;
};

/// Help, version or a usage error: print and leave.
struct early_exit {
  int status = 0;
  /// For standard output if the status is 0, else for standard error; ends with a line break.
  std::string text;
};

using invocation = std::variant<options, early_exit>;

/// `arguments` without the program's name.
invocation parse_options(std::vector<std::string> arguments);

} // namespace bellhop::daemon
