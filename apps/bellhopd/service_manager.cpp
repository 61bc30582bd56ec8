#include "apps/bellhopd/service_manager.hpp"

#include "core/error.hpp"
#include "core/listener.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <utility>

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

namespace bellhop::daemon {

namespace {

[[noreturn]] void refuse(std::string message) {
  throw failure{errc::invalid_argument, std::move(message)};
}

void put(unique_fd& place, unique_fd socket, const char* kind) {
  if (place)
    refuse(fmt::format("the service manager passed more than one {} socket: leave one ListenStream= of a kind in "
                       "bellhopd.socket",
                       kind));
  place = std::move(socket);
}

} // namespace

passed_sockets take_passed_sockets() {
  passed_sockets all;
  const int count = ::sd_listen_fds(1);
  for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
    unique_fd socket{fd};
    if (::sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0)
      put(all.unix_socket, std::move(socket), "Unix");
    else if (::sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0 && is_on_loopback(fd))
      put(all.tcp_socket, std::move(socket), "TCP");
    else
      refuse(fmt::format("the service manager passed a socket (descriptor {}) that is neither a listening Unix stream "
                         "socket nor a TCP one on loopback: mend ListenStream= in bellhopd.socket",
                         fd));
  }
  return all;
}

void leave_service_manager() {
  for (const char* name :
       {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID"})
    ::unsetenv(name);
}

void tell_ready(const std::string& status) {
  ::sd_notify(0, fmt::format("READY=1\nSTATUS={}", status).c_str());
}

void tell_reloading() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  ::sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Reading the configuration again",
                             std::chrono::duration_cast<std::chrono::microseconds>(now).count())
                     .c_str());
}

void tell_stopping() {
  ::sd_notify(0, "STOPPING=1\nSTATUS=Letting transfers come to rest");
}

} // namespace bellhop::daemon
