#pragma once

#include "core/transfer.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bellhop::cli {

/// What one line of a list became: a request, or an error that names list, line, input and remedy ("list.txt:3: ...").
using list_item = std::variant<transfer_request, error>;

/// Reads lines of
///
///     URL [TAB destination [TAB checksum]]
///
/// Blank lines and lines that begin with '#' are skipped; CR LF ends a line too. A relative destination is below the
/// folder and cannot leave it; one that ends with '/' is a folder, and the file is called as in the URL. A bad line is
/// an item of its own and does not stop the others.
///
/// Pulled in batches: at most one batch, one line and one read buffer are in memory, however long the list is. One
/// thread.
class list_reader {
public:
  /// A longer line is an error and skipped.
  static constexpr std::size_t longest_line = 64 * 1024;

  /// Opens a file, or standard input for "-". Errors tell the name as `list` has it. Each request begins as a copy of
  /// `common`. Throws `failure` (invalid_argument) when the file cannot be opened.
  list_reader(const path& list, path folder, transfer_request common);
  /// Takes `fd` over.
  list_reader(int fd, std::string name, path folder, transfer_request common);
  ~list_reader();
  list_reader(const list_reader&) = delete;
  list_reader& operator=(const list_reader&) = delete;

  /// Up to `most` items. Waits for the first one, but not for more when the writer of a pipe pauses. Returns early,
  /// maybe with nothing, when a signal arrives or `wake_fd` (if any) is readable. Throws `failure` (file_io) when
  /// reading fails.
  std::vector<list_item> next(std::size_t most, int wake_fd = -1);

  /// Everything was returned.
  bool at_end() const noexcept { return ended_ && consumed_ == buffer_.size(); }

private:
  std::optional<list_item> take_item();
  std::optional<std::string_view> take_line();
  error too_long() const;
  bool wait_for_input(bool may_block, int wake_fd) const;
  void fill();
  list_item parse(std::string_view line) const;
  transfer_request request_from(std::string_view line) const;
  path destination_from(std::string_view text, const std::string& url) const;

  int fd_;
  std::string name_;
  path folder_;
  transfer_request common_;
  /// What was read; everything before `consumed_` is done with.
  std::string buffer_;
  std::size_t consumed_ = 0;
  /// Of the line taken last, from 1.
  std::size_t line_number_ = 0;
  /// Inside of a line that was too long and has been told of.
  bool skipping_ = false;
  bool ended_ = false;
};

} // namespace bellhop::cli
