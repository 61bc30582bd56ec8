#pragma once

#include "core/unique_fd.hpp"

#include <chrono>
#include <optional>

namespace bellhop::daemon {

/// The signals of a daemon (SIGTERM, SIGINT, SIGHUP), one at a time and in the thread that asks: no handler runs.
/// Threads that are started later leave them alone.
class signals {
public:
  /// Before there are threads. Throws `failure`.
  signals();

  /// The next one; none when none came in this time. Without a time it waits.
  std::optional<int> next(std::optional<std::chrono::milliseconds> at_most);

  /// From now on SIGTERM and SIGINT end the process at once.
  static void let_them_kill() noexcept;

private:
  unique_fd fd_;
};

} // namespace bellhop::daemon
