#pragma once

#include "core/unique_fd.hpp"

#include <string>

/// What a service manager (systemd) hands to this process and is told by it. Without one all of it is nothing.
namespace bellhop::daemon {

/// Listening sockets that were passed; none: make your own.
struct passed_sockets {
  unique_fd unix_socket;
  unique_fd tcp_socket;
};

/// Takes them, once. Throws `failure` (invalid_argument) for more than one of a kind, another kind, or a TCP socket
/// that is not on loopback.
passed_sockets take_passed_sockets();

/// Forgets what belongs to the process that started this one. Before there are threads.
void leave_service_manager();

void tell_ready(const std::string& status);
void tell_reloading();
void tell_stopping();

} // namespace bellhop::daemon
