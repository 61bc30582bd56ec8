#include "core/event_poll.hpp"

#include "core/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include <sys/eventfd.h>
#include <unistd.h>

namespace bellhop {

namespace {

int opened(int fd, const char* what) {
  if (fd < 0)
    throw failure(errc::internal, fmt::format("{}: {}", what, std::strerror(errno)));
  return fd;
}

/// Rounded up: waking a little before a deadline would mean to spin until it.
int milliseconds_until(std::optional<event_poll::clock::time_point> deadline) {
  if (!deadline)
    return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - event_poll::clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

} // namespace

wake_event::wake_event() : fd_(opened(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

void wake_event::wake() noexcept {
  // It can only fail when the counter is full, and then the thread is being woken anyway.
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

event_poll::event_poll() : epoll_(opened(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")), events_(128) {}

void event_poll::watch(const wake_event& event) {
  wake_fd_ = event.fd();
  // Edge-triggered, so that the counter need never be read back.
  add(wake_fd_, EPOLLIN | EPOLLET);
}

void event_poll::add(int fd, std::uint32_t events) {
  epoll_event change{};
  change.events = events;
  change.data.fd = fd;
  opened(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &change), "epoll_ctl");
}

void event_poll::modify(int fd, std::uint32_t events) {
  epoll_event change{};
  change.events = events;
  change.data.fd = fd;
  opened(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &change), "epoll_ctl");
}

void event_poll::forget(int fd) noexcept {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::span<const event_poll::ready_socket> event_poll::wait(std::optional<clock::time_point> deadline) {
  ready_.clear();
  const int count =
      ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), milliseconds_until(deadline));
  if (count < 0 && errno != EINTR)
    opened(count, "epoll_wait");
  for (int i = 0; i < count; ++i)
    if (events_[static_cast<std::size_t>(i)].data.fd != wake_fd_)
      ready_.push_back({events_[static_cast<std::size_t>(i)].data.fd, events_[static_cast<std::size_t>(i)].events});
  return ready_;
}

} // namespace bellhop
