#pragma once

#include "apps/bellhop/exit_status.hpp"
#include "core/json.hpp"
#include "core/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// What the verbs print on standard output.
namespace bellhop::cli {

/// Writes to standard output. False when nobody reads it any more.
bool print(std::string_view text);

/// One object, one line. Paths need not be UTF-8; JSON has to be.
std::string json_line(const json&);

/// Text that may come from a server or a list, fit for the terminal that standard output may be.
std::string shown(std::string_view text);

/// "in 12s", "5m03s ago", "now".
std::string relative(time_point when, time_point now);

/// "1 transfer", "3 transfers".
std::string counted(std::uint64_t count, std::string_view what);

/// For the next command that a message proposes: "bellhop watch", with the session unless it is the default one.
std::string command(std::string_view words, const std::string& session);

} // namespace bellhop::cli
