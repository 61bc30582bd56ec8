#pragma once

#include "core/transfer.hpp"

#include <string>
#include <string_view>

/// The values that people write on the command line and in lists. Each throws `failure` with what was written and what
/// to write instead.
namespace bellhop::cli {

/// Absolute and without "." and ".."; the file system is not asked, so a link is not followed. Of "a/" becomes "a".
path absolute_path(std::string_view text, const path& current_directory);

/// "sha-256:<hex>", in any case.
checksum parse_checksum(std::string_view text);

/// "Name: value". The value is not repeated in the error, it may be a password.
header parse_header(std::string_view text);

/// RFC 3339, or "+90s", "+15m", "+2h30m", "+1d" from now on (core/numbers.hpp).
time_point parse_start(std::string_view text, time_point now);

/// JSON of at most 64 KiB. Whether it is nested too deeply is for `check` to say (core/configuration.hpp).
std::string parse_metadata(std::string_view text);

} // namespace bellhop::cli
