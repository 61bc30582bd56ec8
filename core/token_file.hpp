#pragma once

#include "core/transfer.hpp"

#include <string>

namespace bellhop {

/// The secret of a file, without white space at its end: at least 16 printable characters. A file that is not there is
/// made (0600) with 256 random bits in hex. Throws `failure` (invalid_argument) for one that others may read, that is
/// somebody else's or that holds no such secret; (file_io, no_space) when it cannot be read or made. Several may call
/// it at once, and all get the same.
std::string read_or_make_token(const path& file);

} // namespace bellhop
