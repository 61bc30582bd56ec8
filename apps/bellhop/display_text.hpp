#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Text in terminal columns. Names and messages come from servers and lists: nothing of them may reach a terminal
/// before it went through `printable`.
namespace bellhop::cli {

/// What the terminal's locale can show.
enum class charset : std::uint8_t { ascii, utf8 };

/// `text` on one line and without effect on a terminal: control characters, escape sequences' introducers and bytes
/// that are no UTF-8 become a replacement character; invisible format characters (bidirectional overrides, joiners) and
/// variation selectors, whose width terminals do not agree on, are left out. In ASCII all else is replaced by '?'.
std::string printable(std::string_view text, charset);

/// Columns that printable text takes: 2 for wide East Asian characters and emoji, 0 for combining marks.
std::size_t display_width(std::string_view text) noexcept;

/// At most `columns` wide; what is cut off at the end is marked by an ellipsis. Printable text only.
std::string shorten_end(std::string_view text, std::size_t columns, charset);

/// At most `columns` wide; cut in the middle, so that a file's extension stays. Printable text only.
std::string shorten_middle(std::string_view text, std::size_t columns, charset);

/// Filled up with spaces to `columns`, never cut.
std::string pad_right(std::string text, std::size_t columns);
std::string pad_left(std::string text, std::size_t columns);

/// Lines at most `columns` wide, broken at spaces where there are any; all but the first are indented by two columns.
std::vector<std::string> wrap(std::string_view text, std::size_t columns);

} // namespace bellhop::cli
