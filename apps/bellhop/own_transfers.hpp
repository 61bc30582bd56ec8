#pragma once

#include "core/ids.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace bellhop::cli {

/// The transfers that one `get` has handed over, and how many are left. Numbers that were given together follow one
/// another, so that a million take as little room as one. One thread.
class own_transfers {
public:
  /// So many are kept one by one, to be named.
  static constexpr std::size_t most_named = 8;

  /// Numbers grow.
  void add(transfer_id id) {
    if (!ranges_.empty() && ranges_.back().last + 1 == id.value)
      ranges_.back().last = id.value;
    else
      ranges_.push_back({id.value, id.value});
    ++count_;
    if (named_.size() <= most_named)
      named_.push_back(id);
  }

  bool contains(transfer_id id) const {
    const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), id.value,
                                        [](std::uint64_t value, const range& each) { return value < each.first; });
    return after != ranges_.begin() && id.value <= std::prev(after)->last;
  }

  /// One of these has ended.
  void end(transfer_id id) {
    ++ended_;
    std::erase(named_, id);
  }

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t left() const noexcept { return count_ - std::min(ended_, count_); }
  /// Those that are left, if they are few.
  std::optional<std::vector<transfer_id>> few_left() const {
    return count_ <= most_named ? std::optional{named_} : std::nullopt;
  }

private:
  struct range {
    std::uint64_t first;
    std::uint64_t last;
  };

  std::vector<range> ranges_;
  std::vector<transfer_id> named_;
  std::uint64_t count_ = 0;
  std::uint64_t ended_ = 0;
};

} // namespace bellhop::cli
