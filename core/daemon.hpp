#pragma once

#include "core/transfer.hpp"

namespace bellhop {

/// `$BELLHOP_SOCKET`, else `$XDG_RUNTIME_DIR/bellhop/bellhopd.sock`, else `bellhopd.sock` in the state directory.
path default_socket();

/// True when somebody accepts connections at this Unix socket.
bool daemon_listens(const path& socket);

/// Starts `bellhopd` for this socket unless somebody listens there, in a session of its own (setsid) so that it
/// outlives this process and its terminal, and waits until it listens. The program is `$BELLHOPD`, else `bellhopd`
/// beside this program's file, else in `$PATH`. Several may call it at once: one daemon wins, and all are served by it.
/// Throws `failure` (`daemon_unavailable`) with what the daemon wrote to its standard error, or where it was looked
/// for.
///
/// The daemon belongs to what this process belongs to: where a service manager ends a whole service or login with all
/// its processes, it is better started by that (packaging/systemd).
void start_daemon(const path& socket);

/// How `bellhopd` exits when another engine holds the state directory, or another daemon the socket: one that will
/// listen soon, or is about to stop. The value is sysexits.h's EX_TEMPFAIL.
inline constexpr int exit_state_in_use = 75;

} // namespace bellhop
