#include "apps/bellhop/wake_up.hpp"

#include "apps/bellhop/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace bellhop::cli {

namespace {

sigset_t stopping_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

int checked(int result, const char* what) {
  if (result < 0)
    throw std::system_error(errno, std::generic_category(), what);
  return result;
}

} // namespace

void wake_up::block_signals() {
  const auto set = stopping_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

wake_up::wake_up(int news_fd, int keys_fd)
    : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")), signals_(-1), timer_(-1) {
  const auto set = stopping_signals();
  signals_ = checked(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
  timer_ = checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create");
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(terminal::frame_interval).count();
  const itimerspec every{{0, ns}, {0, ns}};
  checked(::timerfd_settime(timer_, 0, &every, nullptr), "timerfd_settime");
  for (const int fd : {news_fd, signals_, timer_, keys_fd}) {
    if (fd < 0)
      continue;
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = fd;
    checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted), "epoll_ctl");
  }
}

wake_up::~wake_up() {
  for (const int fd : {epoll_, signals_, timer_})
    if (fd >= 0)
      ::close(fd);
}

void wake_up::wait() {
  epoll_event unused{};
  ::epoll_wait(epoll_, &unused, 1, -1);
}

bool wake_up::signalled() {
  std::uint64_t ticks = 0;
  [[maybe_unused]] const auto tick = ::read(timer_, &ticks, sizeof ticks);
  signalfd_siginfo info{};
  return ::read(signals_, &info, sizeof info) == sizeof info;
}

void wake_up::die_at_next_signal() {
  const auto set = stopping_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

} // namespace bellhop::cli
