#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

/// What an engine counts about itself, for whoever looks (the gateway's /metrics). Nothing here is waited for, locked
/// or exact across values: each is right by itself.
///
/// Threads: any.
namespace bellhop {

/// Only grows.
class counter {
public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// What is so now.
class gauge {
public:
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// Durations, sorted into fixed steps from half a millisecond to five seconds.
class duration_histogram {
public:
  /// The steps' upper bounds, inclusive; what is longer than the last is in a step of its own.
  static constexpr std::array<std::chrono::microseconds, 13> bounds{
      std::chrono::microseconds{500}, std::chrono::milliseconds{1},   std::chrono::microseconds{2500},
      std::chrono::milliseconds{5},   std::chrono::milliseconds{10},  std::chrono::milliseconds{25},
      std::chrono::milliseconds{50},  std::chrono::milliseconds{100}, std::chrono::milliseconds{250},
      std::chrono::milliseconds{500}, std::chrono::seconds{1},        std::chrono::milliseconds{2500},
      std::chrono::seconds{5}};

  void observe(std::chrono::nanoseconds took) noexcept {
    std::size_t step = 0;
    while (step < bounds.size() && took > bounds[step])
      ++step;
    steps_[step].add();
    sum_us_.add(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  }

  /// How many were in this step; `bounds.size()` is the last.
  std::uint64_t in_step(std::size_t step) const noexcept { return steps_[step].value(); }
  std::chrono::microseconds sum() const noexcept { return std::chrono::microseconds{sum_us_.value()}; }

private:
  std::array<counter, bounds.size() + 1> steps_;
  counter sum_us_;
};

struct engine_metrics {
  /// Attempts that went on the wire.
  counter attempts;
  /// Bytes of bodies from the network, those of attempts that failed too.
  counter received_bytes;
  /// Attempts that ended in a wait, by wait_reason.
  std::array<counter, 8> waits;
  /// Attempts that have a slot, and those that wait for one.
  gauge on_the_wire;
  gauge waiting_for_slot;
  /// Writes that were committed, in how many commits, and how long each commit took.
  counter committed_writes;
  duration_histogram commits;
};

} // namespace bellhop
