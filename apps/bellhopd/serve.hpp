#pragma once

#include "apps/bellhopd/background.hpp"
#include "apps/bellhopd/config_file.hpp"
#include "apps/bellhopd/options.hpp"
#include "apps/bellhopd/signals.hpp"

namespace bellhop::daemon {

/// The daemon's life: takes the state directory, then the socket, serves until it is told to stop, and stops in order.
/// Throws `failure` when it cannot begin.
void serve(const options&, configuration, signals&, readiness);

} // namespace bellhop::daemon
