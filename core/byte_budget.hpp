#pragma once

#include <atomic>
#include <cstddef>

namespace bellhop {

/// Bounds the bytes that wait in many pipes together. The producer adds what it hands over and stops when the budget is
/// spent; consumers give back what they took.
///
/// Threads: any. A producer that found the budget spent calls `want_more` and looks once more before it stops, so that
/// what was given back in between is not missed.
class byte_budget {
public:
  explicit byte_budget(std::size_t capacity_bytes) noexcept : capacity_(capacity_bytes) {}

  void add(std::size_t bytes) noexcept { used_.fetch_add(bytes); }
  bool spent() const noexcept { return used_.load() >= capacity_; }

  void want_more() noexcept { wanted_.store(true); }
  /// True when someone wants more and at least half is free again: tell the producer. Only one caller gets this answer.
  bool give_back(std::size_t bytes) noexcept {
    const auto left = used_.fetch_sub(bytes) - bytes;
    return left <= capacity_ / 2 && wanted_.exchange(false);
  }

private:
  const std::size_t capacity_;
  std::atomic<std::size_t> used_{0};
  std::atomic<bool> wanted_{false};
};

} // namespace bellhop
