#pragma once

#include "core/error.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/error.hpp>

namespace bellhop {

/// Bellhop's errors as CAF carries them in answers: category "bellhop", the code, and the message and status as
/// context.
caf::error to_caf(const error&);

/// The inverse. An error of CAF's own (a dead actor, a timeout) becomes `internal`, with its text.
error from_caf(const caf::error&);

/// Teaches a system to print them.
void add_error_category(caf::actor_system_config&);

} // namespace bellhop
