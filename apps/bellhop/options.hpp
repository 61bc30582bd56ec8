#pragma once

#include "core/configuration.hpp"
#include "core/transfer.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The command line as plain values. Nothing is read but the arguments: no file, no environment.
namespace bellhop::cli {

inline constexpr const char* default_session = "default";

struct get_options {
  std::vector<std::string> urls;
  /// Absolute; -o.
  std::optional<path> output;
  /// Absolute; -d, else the current directory.
  path folder;
  /// A list of URLs: absolute, or "-" for standard input; or empty.
  path list;
  std::string session = default_session;
  /// Transfers at once, in all and to one host.
  std::uint32_t parallel = 8;
  std::vector<header> headers;
  checksum expected;
  double priority = 0.5;
  conflict_policy on_conflict = conflict_policy::rename;
  /// The epoch means at once.
  time_point start_at{};
  durability durable = durability::crash;
  /// Attempts in a row without progress; 0 means no limit but the resource timeout.
  std::uint32_t attempts = 5;
  /// What the waits between attempts begin with; see core/retry.hpp.
  std::chrono::milliseconds retry_delay{1000};
  /// No byte for this long ends an attempt.
  std::chrono::milliseconds timeout{std::chrono::seconds{60}};
  std::chrono::milliseconds connect_timeout{std::chrono::seconds{30}};
  /// Absolute, or empty for the system's.
  path ca_file;
  bool embedded = false;
  bool json = false;
  bool quiet = false;
  /// Which of the session's settings were on the command line, for a session that has its own already.
  struct {
    bool parallel = false, durable = false, attempts = false, retry_delay = false, timeout = false,
         connect_timeout = false, ca_file = false;
  } given;

  /// Nothing new is handed over: finish what the session has.
  bool attaches() const noexcept { return urls.empty() && list.empty(); }
};

struct list_options {
  std::string session = default_session;
  std::optional<transfer_state> state;
  bool json = false;
};

struct events_options {
  std::string session = default_session;
  /// Only what came later.
  event_number after;
  bool json = false;
};

/// Help, version or a usage error: print and leave.
struct early_exit {
  int status = 0;
  /// For standard output if the status is 0, else for standard error; ends with a line break.
  std::string text;
};

using invocation = std::variant<get_options, list_options, events_options, early_exit>;

/// What arguments are relative to.
struct surroundings {
  path current_directory;
  time_point now;
};

/// `arguments` without the program's name. Never throws for what a user wrote: that is an `early_exit` of status 2,
/// which names the argument and the remedy.
invocation parse_options(std::vector<std::string> arguments, const surroundings&);

/// What all transfers of this run have in common; no URL and no destination yet.
transfer_request common_request(const get_options&);

/// For one of `urls`: to `output`, else into `folder` under the URL's file name.
transfer_request request_for(const get_options&, std::string url);

session_configuration configuration_for(const get_options&);

/// What a session has, but for what was given on the command line.
session_configuration configuration_for(const get_options&, session_configuration stored);

} // namespace bellhop::cli
