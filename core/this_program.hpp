#pragma once

#include "core/configuration.hpp"

#include <string>
#include <vector>

namespace bellhop {

/// The command that starts this program again as it was started: its file, the given arguments, its current folder and
/// its environment as they are now. Everything of the environment is stored with the session (the ledger is 0600),
/// except what a launch sets itself. Throws `failure` (`internal`) when the program's file cannot be told.
launch_command this_program(std::vector<std::string> arguments);

} // namespace bellhop
