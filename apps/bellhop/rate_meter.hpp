#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

namespace bellhop::cli {

/// A smoothed rate: the exponentially weighted mean of what was counted, in which news loses 63 % of its weight every
/// `time_constant`. The weights are normalised by the time that was really seen, so that the first seconds are not
/// shown too low. Costs one exponential for each `add`, however uneven the intervals.
class rate_meter {
public:
  using instant = std::chrono::steady_clock::time_point;

  /// Calm enough to read, fast enough to show within a few seconds that a server stalls.
  static constexpr std::chrono::duration<double> time_constant{4.0};
  /// Before this much time was seen a rate would be noise.
  static constexpr std::chrono::duration<double> shortest_window{0.4};

  explicit rate_meter(instant begin) : begin_(begin), last_(begin) {}

  /// Instants must not go back; one that does counts as the last one.
  void add(double amount, instant now) noexcept {
    const auto t = std::max(now, last_);
    weighted_ = weighted_ * decay(t - last_) + amount;
    last_ = t;
  }

  /// A second; nothing while too little time was seen.
  std::optional<double> per_second(instant now) const noexcept {
    const auto t = std::max(now, last_);
    const std::chrono::duration<double> seen = t - begin_;
    if (seen < shortest_window)
      return std::nullopt;
    return weighted_ * decay(t - last_) / (time_constant.count() * (1 - decay(seen)));
  }

private:
  static double decay(std::chrono::duration<double> d) noexcept { return std::exp(-d / time_constant); }

  instant begin_;
  instant last_;
  double weighted_ = 0;
};

} // namespace bellhop::cli
