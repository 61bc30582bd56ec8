#pragma once

#include "apps/bellhop/exit_status.hpp"
#include "apps/bellhop/rate_meter.hpp"
#include "core/transfer.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bellhop::cli {

using instant = std::chrono::steady_clock::time_point;

/// Why and until when a transfer is not running.
struct pause {
  wait_reason reason = wait_reason::none;
  /// The last attempt's error.
  std::string why;
  /// Nothing when no time ends it, as for `needs_credential`.
  std::optional<instant> until;
};

/// A transfer that was started and has not ended.
struct active_transfer {
  std::string name;
  std::int64_t received = 0;
  std::int64_t total = unknown_size;
  instant since;
  rate_meter rate;
  std::optional<pause> waiting;
};

/// A transfer that has ended and shall be told of.
struct ended_transfer {
  std::string name;
  event_type type = event_type::completed;
  std::int64_t received = 0;
  /// Nothing when it never was seen to start.
  std::optional<std::chrono::milliseconds> elapsed;
  /// Why it failed.
  std::string message;
};

/// What ended since the last look. Bounded: with thousands of small files in a second, most are only counted.
struct ended_batch {
  std::vector<ended_transfer> shown;
  std::uint64_t more_completed = 0;
  std::uint64_t more_failed = 0;

  bool empty() const noexcept { return shown.empty() && more_completed == 0 && more_failed == 0; }
};

/// What a progress view tells about: fed with events, asked by a renderer. Pure; time is passed in. Each call costs
/// O(log active). One thread.
class progress_model {
public:
  /// More active transfers than this are not followed one by one: their end counts all the same.
  static constexpr std::size_t most_active = 4096;
  /// Of each kind, in one batch.
  static constexpr std::size_t most_shown = 10;

  explicit progress_model(instant begin);

  /// So many transfers more are to be done.
  void expect(std::uint64_t transfers) noexcept { expected_ += transfers; }
  /// So many are left to be done, as somebody knows who knows them all.
  void expect_left(std::uint64_t transfers) noexcept { expected_ = ended_.ended() + transfers; }

  /// An attempt got its first bytes. `received` counts what an earlier attempt left too; it is no part of the rate.
  void started(transfer_id, std::string name, std::int64_t received, std::int64_t total, instant now);
  void progressed(transfer_id, std::int64_t received, std::int64_t total, instant now);
  /// `delay` is nothing when no time ends the wait.
  void waiting(transfer_id, std::string name, wait_reason, std::string why,
               std::optional<std::chrono::milliseconds> delay, instant now);
  void completed(transfer_id, std::string name, std::int64_t size, instant now);
  void failed(transfer_id, std::string name, std::string message, instant now);
  void cancelled(transfer_id, std::string name, instant now);
  /// Something that never became a transfer, as a bad line of a list.
  void rejected(std::string name, std::string message);
  /// One that is no part of this run has ended: it is told, and counts for nothing.
  void mention(ended_transfer);

  /// What ended since the last call.
  ended_batch take_ended();

  const std::map<transfer_id, active_transfer>& active() const noexcept { return active_; }
  const tally& ended() const noexcept { return ended_; }
  /// All that are known of, ended and active ones included.
  std::uint64_t transfers() const noexcept;
  /// Bytes of completed files and of what is here of the active ones.
  std::int64_t bytes() const noexcept { return bytes_completed_ + bytes_active_; }
  /// Bytes a second over all transfers.
  std::optional<double> rate(instant now) const noexcept { return rate_.per_second(now); }
  /// Until all are done, by the bytes when the size of everything that is left is known, else by the files. Nothing
  /// when there is no telling.
  std::optional<std::chrono::seconds> time_left(instant now) const;
  std::chrono::milliseconds elapsed(instant now) const noexcept;

private:
  active_transfer* follow(transfer_id, std::string name, instant now);
  void grow(active_transfer&, std::int64_t size, instant now);
  void end(transfer_id, ended_transfer, instant now);
  void count(event_type);
  void tell(ended_transfer);

  instant begin_;
  std::uint64_t expected_ = 0;
  tally ended_;
  std::int64_t bytes_completed_ = 0;
  std::int64_t bytes_active_ = 0;
  rate_meter rate_;
  std::map<transfer_id, active_transfer> active_;
  ended_batch news_;
};

/// `received` of `total` takes so long at this rate; nothing when it cannot be told or is longer than 99 days.
std::optional<std::chrono::seconds> time_left(std::int64_t received, std::int64_t total, std::optional<double> rate);

} // namespace bellhop::cli
