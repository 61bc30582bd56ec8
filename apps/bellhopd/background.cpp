#include "apps/bellhopd/background.hpp"

#include "apps/bellhopd/service_manager.hpp"
#include "core/error.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bellhop::daemon {

namespace {

void check(bool done) {
  if (!done)
    throw failure{errc::internal, std::string{"cannot go to the background: "} + std::strerror(errno)};
}

[[noreturn]] void wait_for(pid_t child, int told) {
  char ready;
  ssize_t length;
  do
    length = ::read(told, &ready, 1);
  while (length < 0 && errno == EINTR);
  if (length == 1)
    ::_exit(EXIT_SUCCESS);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

} // namespace

void readiness::tell() noexcept {
  // Whoever started it may have given up.
  if (tell_) [[maybe_unused]]
    const auto written = ::write(tell_.get(), "r", 1);
  tell_.reset();
}

readiness go_to_background() {
  // What belongs to whoever started it would stay open for as long as the daemon lives.
  check(::close_range(STDERR_FILENO + 1, ~0U, 0) == 0);
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC) == 0);
  const unique_fd told{ends[0]};
  unique_fd tell{ends[1]};
  const auto child = ::fork();
  check(child >= 0);
  if (child > 0) {
    tell.reset();
    wait_for(child, told.get());
  }
  ::setsid();
  leave_service_manager();
  const unique_fd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  check(nothing && ::dup2(nothing.get(), STDIN_FILENO) == STDIN_FILENO && ::chdir("/") == 0);
  return readiness{std::move(tell)};
}

} // namespace bellhop::daemon
