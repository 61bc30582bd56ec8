#include "apps/bellhopd/signals.hpp"

#include "core/error.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace bellhop::daemon {

signals::signals() {
  // Clients that go away.
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t ours;
  ::sigemptyset(&ours);
  for (const int number : {SIGTERM, SIGINT, SIGHUP})
    ::sigaddset(&ours, number);
  ::pthread_sigmask(SIG_BLOCK, &ours, nullptr);
  fd_.reset(::signalfd(-1, &ours, SFD_CLOEXEC));
  if (!fd_)
    throw failure{errc::internal, std::string{"cannot wait for signals: "} + std::strerror(errno)};
}

std::optional<int> signals::next(std::optional<std::chrono::milliseconds> at_most) {
  pollfd what{fd_.get(), POLLIN, 0};
  if (::poll(&what, 1, at_most ? static_cast<int>(at_most->count()) : -1) <= 0)
    return std::nullopt;
  signalfd_siginfo info;
  if (::read(fd_.get(), &info, sizeof info) != sizeof info)
    return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void signals::let_them_kill() noexcept {
  sigset_t both;
  ::sigemptyset(&both);
  for (const int number : {SIGTERM, SIGINT}) {
    ::signal(number, SIG_DFL);
    ::sigaddset(&both, number);
  }
  ::pthread_sigmask(SIG_UNBLOCK, &both, nullptr);
}

} // namespace bellhop::daemon
