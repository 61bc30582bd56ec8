#pragma once

#include "core/unique_fd.hpp"

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace bellhop {

// glibc 2.36 declares its own for C only.

/// A descriptor that means this very process, whoever has its number later, and is readable when it has ended. None,
/// and errno, when there is no such process.
inline unique_fd open_pidfd(pid_t pid) noexcept {
  return unique_fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

/// False, and errno, when it has ended.
inline bool send_signal(const unique_fd& pidfd, int number) noexcept {
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) == 0;
}

} // namespace bellhop
