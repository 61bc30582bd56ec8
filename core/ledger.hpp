#pragma once

#include "core/configuration.hpp"
#include "core/transfer.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bellhop {

/// A session as the ledger knows it.
struct session_record {
  std::string identifier;
  session_configuration configuration;
  time_point created_at{};
  /// Everything up to here was acknowledged.
  event_number acknowledged;
  /// The last event's number.
  event_number last_event;
  session_phase phase = session_phase::open;
  /// Nothing of it is started until it is resumed.
  bool paused = false;

  friend bool operator==(const session_record&, const session_record&) = default;
};

/// A session for whoever lists them.
struct session_summary {
  session_record record;
  session_counts counts;
  friend bool operator==(const session_summary&, const session_summary&) = default;
};

/// Which rows a listing is for.
struct list_filter {
  std::string session;
  /// Only these states; empty means all.
  std::vector<transfer_state> states;
  /// Rows with a greater id only: the cursor of the next page.
  transfer_id after;
  std::uint32_t limit = 1000;

  friend bool operator==(const list_filter&, const list_filter&) = default;
};

/// A place in the order of start: priority (greater first), then id.
struct queue_position {
  double priority = 2;
  transfer_id id;

  friend bool operator==(const queue_position&, const queue_position&) = default;
};

/// A part file that nobody will ask for any more.
struct obsolete_part {
  transfer_id transfer;
  path folder;
  std::string name;
  friend bool operator==(const obsolete_part&, const obsolete_part&) = default;
};

/// What a prune has forgotten.
struct pruned {
  std::uint64_t transfers = 0;
  /// Parts that failed or cancelled ones among them had kept for their resume data: to be removed from the disk.
  std::vector<obsolete_part> parts;
  friend bool operator==(const pruned&, const pruned&) = default;
};

/// Requests that are too many to be in memory at once. Read on the ledger's thread, within one transaction.
class request_source {
public:
  virtual ~request_source() = default;
  /// The next ones, at most so many, checked before; empty at the end. Throws `failure`, which undoes the submit.
  virtual std::vector<transfer_request> next(std::size_t most) = 0;
};

/// The only record of what was accepted and what became of it (core/ledger_format.md). SQLite on disk, or its
/// in-memory twin; a test runs one suite over both.
///
/// Writing calls must stand between `begin` and `commit`; nothing is promised to anyone before `commit` returned.
/// Errors are thrown as `failure`. `unknown_session`, `unknown_transfer`, `wrong_state` and `invalid_argument` leave
/// the open transaction usable and without the failed call's effect. One of domain "ledger" (`no_space` too) undoes the
/// whole transaction: writing calls throw it again, until `rollback`, or `commit`, which throws it too, ends it.
///
/// Threads: one at a time.
class ledger {
public:
  /// The most that one `prune` removes.
  static constexpr std::uint32_t prune_limit = 10'000;

  virtual ~ledger() = default;

  /// A random id of this state directory: 32 hex digits, never changed.
  virtual const std::string& id() const = 0;

  /// The greatest transfer id that was ever given.
  virtual transfer_id last_transfer() = 0;
  /// From the next transaction on, what is committed survives at least this. Never lowered.
  virtual void require(durability) = 0;

  virtual void begin() = 0;
  /// On failure nothing of the transaction has happened, and it is no longer open.
  virtual void commit() = 0;
  virtual void rollback() noexcept = 0;

  /// Creates the session or, given a configuration, replaces the stored one.
  virtual session_record put_session(const std::string& identifier, const session_configuration&, time_point now) = 0;
  virtual std::optional<session_record> find_session(const std::string& identifier) = 0;
  virtual std::vector<session_record> sessions() = 0;
  /// What becomes of the session. Throws `unknown_session`.
  virtual void set_phase(const std::string& session, session_phase) = 0;
  /// Throws `unknown_session`.
  virtual void set_paused(const std::string& session, bool paused) = 0;
  /// Removes the session with its transfers and events.
  virtual void remove_session(const std::string& identifier) = 0;
  virtual session_counts counts(const std::string& session) = 0;

  /// Adds the requests in their order, `suspended` or `queued`, and returns the new ids in the same order. The
  /// requests were checked before. An id is never used again, even if the commit fails. One with resume data of this
  /// ledger's takes the part over that the ended transfer has kept, which then has none any more; data that is used
  /// up, unknown or for another URL or destination folder is ignored: the transfer begins anew.
  virtual std::vector<transfer_id> submit(const std::string& session, std::span<const transfer_request>,
                                          time_point now) = 0;
  virtual std::optional<transfer_record> find(transfer_id) = 0;
  virtual std::vector<transfer_record> list(const list_filter&) = 0;

  /// The next rows that may start now, in the order of start, from `after` on (exclusive): `queued` rows whose begin
  /// date has come, and `waiting` rows whose time has come, which become `queued` by this call. A row that waits longer
  /// than its session's configuration ever would shows that the clock was set back, and is due too; one that waits for
  /// a credential is never due. Outside of a transaction the call is one by itself.
  virtual std::vector<transfer_record> next_ready(const std::string& session, queue_position after, std::uint32_t limit,
                                                  time_point now) = 0;
  /// When `next_ready` will have more by itself: the earliest begin date or retry time in the future; or none.
  virtual std::optional<time_point> next_due(const std::string& session, time_point now) = 0;

  /// The position, part and validators of a transfer that is not terminal; otherwise, and if unknown, ignored.
  virtual void save_checkpoint(transfer_id, const checkpoint&) = 0;
  /// Puts a transfer that is not terminal to `waiting`; stores reason and time, attempts, failures, mismatches, the
  /// part, received, total, and why. Otherwise, and if unknown, ignored.
  virtual void save_waiting(const transfer_record&) = 0;
  /// suspended <-> queued; a waiting one may be suspended, and resuming makes it due now. False, and nothing is done,
  /// when the transfer is terminal or has that state already.
  virtual bool set_suspended(transfer_id, bool suspended) = 0;

  /// Changes what was asked of a transfer. False, and nothing is done, when it has ended.
  virtual bool change(transfer_id, const transfer_change&) = 0;

  /// Writes the terminal state and its one event together; the row's part becomes that of the outcome. None, and
  /// nothing is done, when it has ended already. A completed transfer has no part any more, and is published at its
  /// destination unless the outcome says where.
  virtual std::optional<event> finish(transfer_id, const outcome&, time_point now) = 0;

  /// The log from `after` on (exclusive), in order.
  virtual std::vector<event> events(const std::string& session, event_number after, std::uint32_t limit) = 0;
  /// Everything up to `upto` was dealt with. Lower than before is ignored; beyond the last event is `invalid_argument`.
  virtual void acknowledge(const std::string& session, event_number upto) = 0;
  /// Forgets one terminal transfer with its events; `wrong_state` if it has not ended.
  virtual void remove(transfer_id) = 0;
  /// Forgets acknowledged terminal transfers that ended before `cutoff`; says which. When there are
  /// `prune_limit` of them, there may be more.
  virtual pruned prune(const std::string& session, time_point cutoff) = 0;
};

/// Opens or creates `file`. `power` sets synchronous=FULL. Throws `failure`: `ledger_unreadable` (the file is set
/// aside as "<name>.unreadable-<time>", never deleted, and the message says where), `ledger_too_new` (left alone),
/// `no_space`, `ledger_io`.
std::unique_ptr<ledger> open_sqlite_ledger(const path& file, durability);

/// For looking only, beside a running engine: never creates, never migrates, never sets aside.
std::unique_ptr<ledger> open_sqlite_ledger_readonly(const path& file);

std::unique_ptr<ledger> make_memory_ledger();

} // namespace bellhop
