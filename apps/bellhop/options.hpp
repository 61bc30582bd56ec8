#pragma once

#include "core/configuration.hpp"
#include "core/transfer.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
  /// Bytes; 0 means no limit.
  std::int64_t max_size = 0;
  /// JSON text, or empty.
  std::string metadata;
  /// Of a transfer that was cancelled or has failed; or empty.
  std::string resume_data;
  /// The transfers run in this process; else in the daemon.
  bool embedded = false;
  /// Hand over, tell the numbers, leave.
  bool detach = false;
  /// Nothing runs before `bellhop resume`.
  bool suspended = false;
  bool json = false;
  bool quiet = false;
  /// Which of the session's settings were on the command line, for a session that has its own already.
  struct {
    bool parallel = false, durable = false, attempts = false, retry_delay = false, timeout = false,
         connect_timeout = false, ca_file = false;
  } given;

  /// Nothing new is handed over: finish what the session has.
  bool attaches() const noexcept { return urls.empty() && list.empty(); }
  /// Nothing is to be waited for.
  bool leaves_at_once() const noexcept { return detach || suspended; }
};

struct list_options {
  std::string session = default_session;
  std::optional<transfer_state> state;
  bool json = false;
};

struct status_options {
  /// None: the daemon and all sessions.
  std::vector<transfer_id> ids;
  std::string session = default_session;
  bool json = false;
};

struct watch_options {
  /// None: all, until somebody leaves.
  std::vector<transfer_id> ids;
  std::string session = default_session;
  bool json = false;
};

enum class action : std::uint8_t { pause, resume, cancel, remove };

/// `bellhop pause`, `resume`, `cancel`, `remove`.
struct act_options {
  action what = action::pause;
  std::vector<transfer_id> ids;
  /// All that it can be done to.
  bool all = false;
  /// Cancel with resume data.
  bool keep = false;
  std::string session = default_session;
  bool json = false;
};

struct change_options {
  std::vector<transfer_id> ids;
  transfer_change change;
  std::string session = default_session;
  bool json = false;
};

enum class session_action : std::uint8_t { list, pause, resume, finish, cancel };

struct sessions_options {
  session_action what = session_action::list;
  /// Empty for `list`.
  std::string session;
  bool json = false;
};

struct events_options {
  std::string session = default_session;
  /// Only what came later.
  event_number after;
  /// Go on with what comes.
  bool follow = false;
  bool json = false;
};

struct ack_options {
  std::string session = default_session;
  /// Nothing: all there are.
  std::optional<event_number> upto;
  bool json = false;
};

enum class daemon_action : std::uint8_t { start, stop, status };

struct daemon_command {
  daemon_action what = daemon_action::status;
  bool json = false;
};

enum class shell : std::uint8_t { bash, zsh, fish };

struct completion_options {
  shell of = shell::bash;
};

std::string_view to_string(action) noexcept;
std::string_view to_string(session_action) noexcept;
std::string_view to_string(daemon_action) noexcept;
std::string_view to_string(shell) noexcept;
bool from_string(std::string_view, session_action&) noexcept;
bool from_string(std::string_view, daemon_action&) noexcept;
bool from_string(std::string_view, shell&) noexcept;

/// Help, version or a usage error: print and leave.
struct early_exit {
  int status = 0;
  /// For standard output if the status is 0, else for standard error; ends with a line break.
  std::string text;
};

using invocation =
    std::variant<get_options, list_options, status_options, watch_options, act_options, change_options,
                 sessions_options, events_options, ack_options, daemon_command, completion_options, early_exit>;

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

/// One option, for whoever completes or documents the command line.
struct option_description {
  /// "-o", or empty.
  std::string short_name;
  /// "--output"
  std::string long_name;
  /// What its value is, if it takes one: "FILE", "DIR", "SESSION", choices as "crash|power", or "TEXT".
  std::string value;
  /// The first phrase of what the help says.
  std::string about;
};

struct verb_description {
  std::string name;
  std::string about;
  std::vector<option_description> options;
  /// What its other words are, in their order; the last may be repeated. As an option's value, or "URL", "ID".
  std::vector<std::string> words;
};

/// Every verb with its options, as `parse_options` knows them.
std::vector<verb_description> describe_verbs();

} // namespace bellhop::cli
