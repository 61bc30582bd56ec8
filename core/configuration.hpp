#pragma once

#include "core/transfer.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace bellhop {

/// Where a session lives; NSURLSessionConfiguration's three kinds.
enum class session_kind : std::uint8_t {
  standard,   ///< in this process, with a ledger
  ephemeral,  ///< in this process, in memory
  background, ///< goes on without this process
};

std::string_view to_string(session_kind) noexcept;
bool from_string(std::string_view, session_kind&) noexcept;

/// How failed attempts are repeated (core/retry.hpp).
struct retry_policy {
  std::chrono::milliseconds base{1000};
  std::chrono::milliseconds cap{std::chrono::minutes{10}};
  /// A longer Retry-After is cut to this.
  std::chrono::seconds longest_retry_after{std::chrono::hours{24}};
  /// Fail after this many attempts in a row without progress; 0 means only the resource timeout ends it.
  std::uint32_t max_attempts = 0;

  friend bool operator==(const retry_policy&, const retry_policy&) = default;
};

/// How a program is started again when its session has events and nobody is attached.
struct launch_command {
  /// The program (an absolute path) and its arguments; empty: none is registered. `--background-session ID` is
  /// appended.
  std::vector<std::string> arguments;
  /// Absolute.
  path working_directory;
  /// All of its environment, NAME and value; BELLHOP_BACKGROUND_SESSION and BELLHOP_SOCKET are added.
  std::vector<header> environment;

  explicit operator bool() const noexcept { return !arguments.empty(); }
  friend bool operator==(const launch_command&, const launch_command&) = default;
};

/// A session's settings: copied when the session is opened, stored in the ledger, replaced when given again.
struct session_configuration {
  session_kind kind = session_kind::standard;
  durability durable = durability::crash;
  /// Transfers of this session on the wire at once.
  std::uint32_t max_active = 32;
  /// Connections to one host (scheme, name, port) at once; NSURLSession's HTTPMaximumConnectionsPerHost is 6.
  std::uint32_t max_per_host = 6;
  /// NSURLSession's timeoutIntervalForRequest: no byte for this long ends the attempt.
  std::chrono::milliseconds request_timeout{std::chrono::seconds{60}};
  std::chrono::milliseconds connect_timeout{std::chrono::seconds{30}};
  /// NSURLSession's timeoutIntervalForResource: the whole transfer, all attempts.
  std::chrono::seconds resource_timeout{std::chrono::hours{24 * 7}};
  std::uint32_t max_redirects = 20;
  /// Follow a redirect from https to http.
  bool allow_downgrade = false;
  retry_policy retry;
  std::vector<header> headers;
  std::string user_agent;
  /// A file of trusted certificates in PEM; empty means the system's.
  path ca_file;
  /// Finished and acknowledged transfers are forgotten after this long.
  std::chrono::seconds keep_finished{std::chrono::hours{24 * 7}};
  /// NSURLSession's sessionSendsLaunchEvents; only a background session in the daemon starts programs.
  bool launches_on_events = true;
  launch_command launch;

  friend bool operator==(const session_configuration&, const session_configuration&) = default;
};

/// The limits of a whole engine, over all sessions.
struct engine_limits {
  std::uint32_t max_active = 256;

  friend bool operator==(const engine_limits&, const engine_limits&) = default;
};

/// Levels of nesting in a transfer's metadata: whoever writes JSON recurses once for each.
inline constexpr int deepest_metadata = 100;

/// 1-200 of `A-Za-z0-9._-`. The error names the identifier and what is allowed.
error check_identifier(std::string_view identifier);

/// Says which setting is out of range and what is allowed. Texts must be UTF-8, since they are stored as JSON; the CA
/// file must be absolute, since a session may move to another process. Of a launch command the program and the working
/// folder must be absolute; arguments and environment have 1000 texts and 256 KiB at most, a single one 128 KiB.
error check(const session_configuration&);

/// Says why a request cannot be accepted: the URL, the scheme, the destination, the checksum's length, a header with
/// a line break or of Bellhop's own (Range, If-Range, Content-Length, Transfer-Encoding), metadata that is no JSON, too
/// long or nested too deep, resume data that cannot be any. Checksums are in lower case here; who reads them from a
/// person lowers them. Pure: the file system is not asked (core/publisher.hpp).
error check(const transfer_request&);

/// Says which member of a change is out of range; the same rules as for a request.
error check(const transfer_change&);

} // namespace bellhop
