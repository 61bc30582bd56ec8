#pragma once

#include <cstdint>

namespace bellhop::cli {

/// How the transfers of one run ended.
struct tally {
  std::uint64_t completed = 0;
  /// Lines of a list that could not be accepted are failures too.
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;

  std::uint64_t ended() const noexcept { return completed + failed + cancelled; }
  friend bool operator==(const tally&, const tally&) = default;
};

/// What the program returns; documented in its help.
enum class exit_status : int {
  all_completed = 0,
  some_failed = 1,
  usage = 2,
  /// Of `bellhop daemon status`, as an init script's "status" reports it.
  not_running = 3,
  /// 128 + SIGINT, as shells report it.
  interrupted = 130,
};

/// An interrupt counts more than a failure: what was not tried cannot be known to be good.
constexpr exit_status status_of(const tally& ended, bool interrupted) noexcept {
  if (interrupted)
    return exit_status::interrupted;
  return ended.failed + ended.cancelled > 0 ? exit_status::some_failed : exit_status::all_completed;
}

} // namespace bellhop::cli
