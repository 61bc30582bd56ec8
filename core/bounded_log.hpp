#pragma once

#include "core/transfer.hpp"
#include "core/unique_fd.hpp"

#include <cstdint>

namespace bellhop {

/// A file (0600) that others append to and of which the last part is kept. Threads: one at a time.
class bounded_log {
public:
  struct bounds {
    /// It may grow to this before it is cut, in bytes ...
    std::int64_t most = 128 * 1024;
    /// ... to its last lines of this much.
    std::int64_t kept = 64 * 1024;
  };

  /// Opens or makes it, and cuts it if it is too long. Throws `failure` (file_io, no_space).
  bounded_log(const path& file, bounds);

  /// For appending.
  int fd() const noexcept { return fd_.get(); }

  /// Cuts it if it is too long. Others may go on appending; what they write in the very moment of the cut may be lost.
  /// A disk that refuses leaves it as it is, or empty.
  void trim() noexcept;

private:
  bounds bounds_;
  unique_fd fd_;
};

} // namespace bellhop
