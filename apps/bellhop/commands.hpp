#pragma once

#include "apps/bellhop/exit_status.hpp"
#include "apps/bellhop/options.hpp"

/// The verbs. Results go to standard output, all else to standard error. Each throws `failure` for what cannot be done.
namespace bellhop::cli {

/// `bellhop get`, in the daemon or with the engine inside. Blocks until everything has ended or a signal stops it. The
/// calling thread must be the only one, since SIGINT, SIGTERM and SIGHUP are blocked for all that are started here.
exit_status run(const get_options&);

/// The transfers of a session, as the daemon has them, else the ledger at rest.
exit_status run(const list_options&);

/// All about some transfers; or the daemon and the sessions.
exit_status run(const status_options&);

/// The live view. Needs a running daemon. The calling thread must be the only one, as for `get`.
exit_status run(const watch_options&);

/// The log of a session.
exit_status run(const events_options&);

/// Lists the sessions, or changes one.
exit_status run(const sessions_options&);

/// Pauses, resumes, cancels or removes transfers; by the daemon, which is started if need be.
exit_status run(const act_options&);
exit_status run(const change_options&);
exit_status run(const ack_options&);

exit_status run(const daemon_command&);

/// Prints a completion script.
exit_status run(const completion_options&);

/// Help, version or a usage error.
exit_status run(const early_exit&);

} // namespace bellhop::cli
