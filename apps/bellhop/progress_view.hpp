#pragma once

#include "apps/bellhop/display_text.hpp"
#include "apps/bellhop/progress_model.hpp"

#include <cstddef>
#include <string>
#include <vector>

/// A progress model as lines of text. Pure. No line is wider than `width` columns; with colours, lines hold SGR
/// sequences besides, and end without any attribute set.
namespace bellhop::cli {

struct view_style {
  charset set = charset::utf8;
  bool colour = false;
};

/// Rows of transfers at most, however tall the terminal is.
inline constexpr std::size_t most_rows = 16;

/// A transfer has no row before this age: rows of small files would only flicker.
inline constexpr std::chrono::milliseconds shortest_shown{200};

/// The part that is redrawn: the active transfers, the running ones first, then a line of totals. At most `height` - 1
/// lines, and at least one.
std::vector<std::string> render(const progress_model&, const view_style&, std::size_t width, std::size_t height,
                                instant now);

/// The part that scrolls away: one line for each that ended, more where a failure's message needs them, and what is not
/// shown as a number.
std::vector<std::string> render(const ended_batch&, const view_style&, std::size_t width);

/// The last line of a run: "3 files, 12.3 MiB in 4s (2.9 MiB/s), 1 failed".
std::string summary(const tally&, std::int64_t bytes, std::chrono::milliseconds elapsed);

/// "0.3s", "12.0s", "2m05s".
std::string format_elapsed(std::chrono::milliseconds);

} // namespace bellhop::cli
