#pragma once

#include "core/unique_fd.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <sys/epoll.h>

namespace bellhop {

/// Wakes a thread that waits in an event_poll. Any thread may call `wake`.
class wake_event {
public:
  wake_event();

  void wake() noexcept;
  int fd() const noexcept { return fd_.get(); }

private:
  unique_fd fd_;
};

/// epoll, as curl's socket interface wants it. For one thread.
class event_poll {
public:
  using clock = std::chrono::steady_clock;

  struct ready_socket {
    int fd;
    /// EPOLL* bits.
    std::uint32_t events;
  };

  event_poll();

  /// Makes `wait` return when the event is raised; it is not listed among the sockets. It must outlive the poll.
  void watch(const wake_event&);
  /// Begins to wait on a socket, for EPOLL* bits.
  void add(int fd, std::uint32_t events);
  /// Changes what is waited for on a socket that was added.
  void modify(int fd, std::uint32_t events);
  /// A socket that was closed already is none of our business any more; that is no error.
  void forget(int fd) noexcept;

  /// Waits until a socket is ready, the wake event was raised or `deadline` has passed; without one, as long as it
  /// takes. What is returned is valid until the next call.
  std::span<const ready_socket> wait(std::optional<clock::time_point> deadline);

private:
  unique_fd epoll_;
  int wake_fd_ = -1;
  std::vector<epoll_event> events_;
  std::vector<ready_socket> ready_;
};

} // namespace bellhop
