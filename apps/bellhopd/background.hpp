#pragma once

#include "core/unique_fd.hpp"

namespace bellhop::daemon {

/// How a daemon in the background tells the process that started it that it listens.
class readiness {
public:
  readiness() = default;
  explicit readiness(unique_fd tell) : tell_(std::move(tell)) {}

  /// Once; nothing in the foreground.
  void tell() noexcept;

private:
  unique_fd tell_;
};

/// Returns in a new process, in a session of its own, in the folder "/", with an empty standard input. This one waits
/// until that tells its readiness, or ends, and exits with 0, or as that did. Before there are threads. Throws
/// `failure`.
readiness go_to_background();

} // namespace bellhop::daemon
