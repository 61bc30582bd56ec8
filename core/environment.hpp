#pragma once

#include "core/transfer.hpp"

namespace bellhop {

/// The variable's value as a path; empty when it is not set.
path path_from_environment(const char* name);

/// As it is when it is absolute, else within the current directory.
path made_absolute(const path&);

} // namespace bellhop
