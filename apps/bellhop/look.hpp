#pragma once

#include "apps/bellhop/exit_status.hpp"
#include "apps/bellhop/options.hpp"

namespace bellhop::cli {

/// `bellhop list`: the transfers of a session, as the ledger has them; also beside a running engine. Writes to standard
/// output.
exit_status list(const list_options&);

/// `bellhop events`: the log of a session.
exit_status events(const events_options&);

} // namespace bellhop::cli
