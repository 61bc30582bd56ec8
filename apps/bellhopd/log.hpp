#pragma once

#include "core/transfer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// The daemon's log: one line for each thing that happened, on standard error. Whoever writes a line keeps secrets out
/// of it (core/url.hpp, `redact`).
///
/// Threads: any.
namespace bellhop::daemon {

enum class log_level : std::uint8_t { debug, info, warning, error };

std::string_view to_string(log_level) noexcept;
bool from_string(std::string_view, log_level&) noexcept;
/// For messages.
inline constexpr const char* log_levels = "debug, info, warning, error";

/// Begins the log. Lines have a time and a level; where standard error is the journal, it has these itself, and the
/// level is told by "<N>" before the line.
void begin_log(log_level);

/// Lines below this are dropped from now on.
void set_log_level(log_level) noexcept;

/// From now on standard output and error, and so the log, are this file, of which the last 1 to 2 MiB are kept. Throws
/// `failure`.
void log_to_file(const path&);

/// Line breaks and control characters are shown as \xNN, so that one thing is one line whoever had a hand in its text.
void log(log_level, std::string_view line);

inline void log_debug(std::string_view line) {
  log(log_level::debug, line);
}
inline void log_info(std::string_view line) {
  log(log_level::info, line);
}
inline void log_warning(std::string_view line) {
  log(log_level::warning, line);
}
inline void log_error(std::string_view line) {
  log(log_level::error, line);
}

} // namespace bellhop::daemon
