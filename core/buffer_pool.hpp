#pragma once

#include "core/response.hpp"

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace bellhop {

/// Large buffers that were used and can be used again. malloc gives memory of this size back to the system when it is
/// freed, and getting it anew costs a page fault for every 4 KiB: several times the cost of receiving what goes in.
///
/// Threads: any.
class buffer_pool {
public:
  explicit buffer_pool(std::size_t capacity_bytes) : capacity_(capacity_bytes) {}

  /// An empty buffer with at least this capacity.
  body_buffer take(std::size_t bytes) {
    body_buffer buffer;
    {
      const std::lock_guard guard{mutex_};
      if (!spare_.empty()) {
        buffer = std::move(spare_.back());
        spare_.pop_back();
        held_ -= buffer.capacity();
      }
    }
    buffer.reserve(bytes);
    return buffer;
  }

  /// Keeps a buffer that is no longer needed, unless it is small or enough are kept.
  void give_back(body_buffer&& buffer) {
    auto used = std::move(buffer);
    const std::lock_guard guard{mutex_};
    if (used.capacity() < smallest || held_ + used.capacity() > capacity_)
      return;
    held_ += used.capacity();
    spare_.push_back(std::move(used));
    spare_.back().clear();
  }

  static constexpr std::size_t smallest = 32 * 1024;

private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::vector<body_buffer> spare_;
  std::size_t held_ = 0;
};

} // namespace bellhop
