#pragma once

#include "core/transfer.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace bellhop::cli {

/// What a running daemon tells of itself (docs/api.md, `GET /v1/health`).
struct daemon_health {
  std::int32_t pid = 0;
  std::string version;
  std::chrono::seconds uptime{0};
  /// It has been told to stop.
  bool stopping = false;
};

/// Nothing when nobody listens at this socket. Throws `failure` (`daemon_unavailable`) when who listens there does not
/// answer within 10 seconds, or answers something else.
std::optional<daemon_health> ask_daemon(const path& socket);

} // namespace bellhop::cli
