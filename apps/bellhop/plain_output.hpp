#pragma once

#include "apps/bellhop/exit_status.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bellhop::cli {

/// What is printed of a run where no progress view is shown.
enum class verbosity : std::uint8_t {
  lines,  ///< a line for each file on standard output, failures and a summary on standard error
  errors, ///< failures only
  json,   ///< one JSON object a line on standard output, failures that are no events on standard error
};

/// Results for files, pipes and logs. Standard output is gathered in memory and written when 64 KiB are full, by
/// `flush` and at the end: call `flush` whenever there is nothing more to do at once, as whoever reads a pipe waits for
/// it. Standard error is written at once, after what was gathered. One thread; a reader that does not read blocks.
class plain_output {
public:
  /// The descriptors are not owned.
  plain_output(int out, int err, verbosity how);
  ~plain_output();
  plain_output(const plain_output&) = delete;
  plain_output& operator=(const plain_output&) = delete;

  /// `file` as the user knows it.
  void completed(std::string_view file, std::int64_t size, std::optional<std::chrono::milliseconds> elapsed);
  /// `what` may be empty when the message names it.
  void failed(std::string_view what, std::string_view message);
  /// An attempt ended, and another follows. A wait that may need the user is told whatever the verbosity.
  void waiting(std::string_view file, std::string_view why, std::chrono::milliseconds delay, bool needs_user);
  /// An event as it is, on a line of its own. Text in it that is no UTF-8 is repaired: JSON has no other.
  void object(const nlohmann::ordered_json&);
  /// The last line; see progress_view.hpp.
  void summary(const tally&, std::int64_t bytes, std::chrono::milliseconds elapsed);

  /// False when nobody reads standard output any more (SIGPIPE ignored), or the disk that it goes to is full.
  bool flush();

private:
  void gather(std::string_view line);

  int out_;
  int err_;
  verbosity how_;
  bool broken_ = false;
  std::string gathered_;
};

} // namespace bellhop::cli
