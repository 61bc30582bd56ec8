#pragma once

#include "apps/bellhop/list_file.hpp"
#include "apps/bellhop/options.hpp"
#include "core/transfer.hpp"

#include <memory>
#include <string>
#include <vector>

namespace bellhop::cli {

/// What became of a URL or a line that `get` was given: a number, or why not.
struct handed {
  /// Without user and password; empty for a line that could not be read, whose error names it.
  std::string url;
  path destination;
  transfer_id id;
  error why;
};

/// Some of them.
struct hand_over_batch {
  std::vector<handed> all;
  /// Of those in `all` that have no error, in their order.
  std::vector<transfer_request> requests;

  /// What the session answered to `requests`.
  void settle(const std::vector<submit_result>&);
};

/// All that `get` was given, in batches: the URLs first, then the list. One thread.
class hand_over {
public:
  /// One commit each, and the first ones are under way while the next are read.
  static constexpr std::size_t batch_size = 1000;

  /// Opens the list, before anything is started or recorded: a wrong name must leave nothing behind. The options must
  /// outlive this.
  explicit hand_over(const get_options&);

  bool at_end() const noexcept { return next_url_ == options_.urls.size() && (!list_ || list_->at_end()); }
  /// Waits for a line of the list, at most until `wake_fd` is readable; then it may be empty.
  hand_over_batch next(int wake_fd = -1);

private:
  const get_options& options_;
  std::size_t next_url_ = 0;
  std::unique_ptr<list_reader> list_;
};

} // namespace bellhop::cli
