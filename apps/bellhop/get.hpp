#pragma once

#include "apps/bellhop/exit_status.hpp"
#include "apps/bellhop/options.hpp"

namespace bellhop::cli {

/// `bellhop get`, with the engine inside. Blocks until everything has ended or a signal stops it. The calling thread
/// must be the only one, since SIGINT, SIGTERM and SIGHUP are blocked for all that are started here.
exit_status get(const get_options&);

} // namespace bellhop::cli
