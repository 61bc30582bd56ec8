#pragma once

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"

#include <boost/filesystem/path.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The values that travel between the roles and into the ledger. All are plain data: copyable, comparable,
/// serialisable (actors/messages.hpp), without behaviour.
namespace bellhop {

using path = boost::filesystem::path;

/// A length or total that is not known.
inline constexpr std::int64_t unknown_size = -1;

/// Each state says who knows about the transfer (ARCHITECTURE.md, "States").
enum class transfer_state : std::uint8_t {
  suspended, ///< only the ledger; will not run until resumed
  queued,    ///< only the ledger, or a session that waits for a slot
  running,   ///< an actor; an attempt is on the wire
  waiting,   ///< only the ledger; a reason and a time are stored
  finishing, ///< an actor; all bytes are here: verifying, syncing, naming
  completed, ///< only the ledger; terminal
  failed,    ///< only the ledger; terminal
  cancelled, ///< only the ledger; terminal
};

/// Why a transfer is `waiting`.
enum class wait_reason : std::uint8_t { none, backoff, retry_after, no_network, no_space, needs_credential };

/// What to do when the destination exists. `fail` is NSURLSession's moveItem; `rename` takes "name (1).ext".
enum class conflict_policy : std::uint8_t { fail, overwrite, rename };

/// What a published file survives: the death of the process, or the loss of power.
enum class durability : std::uint8_t { crash, power };

enum class digest_algorithm : std::uint8_t { none, md5, sha1, sha256, sha512 };

std::string_view to_string(transfer_state) noexcept;
std::string_view to_string(wait_reason) noexcept;
std::string_view to_string(conflict_policy) noexcept;
std::string_view to_string(durability) noexcept;
/// "sha-256", "sha-512", "sha-1", "md5"; empty for none.
std::string_view to_string(digest_algorithm) noexcept;

/// The inverses; false when the name is unknown, and then the value is left alone.
bool from_string(std::string_view, transfer_state&) noexcept;
bool from_string(std::string_view, wait_reason&) noexcept;
bool from_string(std::string_view, conflict_policy&) noexcept;
bool from_string(std::string_view, durability&) noexcept;
/// Accepts "sha-256" and "sha256" alike, in any case.
bool from_string(std::string_view, digest_algorithm&) noexcept;

constexpr bool is_terminal(transfer_state s) noexcept {
  return s >= transfer_state::completed;
}

struct header {
  std::string name;
  std::string value;
  friend bool operator==(const header&, const header&) = default;
};

struct checksum {
  digest_algorithm algorithm = digest_algorithm::none;
  /// Lower case.
  std::string hex;

  explicit operator bool() const noexcept { return algorithm != digest_algorithm::none; }
  friend bool operator==(const checksum&, const checksum&) = default;
};

/// What a caller hands over. `check` in core/configuration.hpp says whether it can be accepted.
struct transfer_request {
  std::string url;
  /// The file to publish, absolute. With `name_from_server` the folder to publish it in.
  path destination;
  conflict_policy on_conflict = conflict_policy::fail;
  std::vector<header> headers;
  checksum expected;
  /// 0 to 1, as NSURLSessionTask.priority; a hint for the order of start.
  double priority = 0.5;
  /// Not started before; the epoch means at once.
  time_point earliest_begin{};
  bool suspended = false;
  /// Take the file's name from Content-Disposition, else from the URL.
  bool name_from_server = false;
  /// Publish the body of a 4xx or 5xx response too, as NSURLSession does.
  bool accept_error_responses = false;
  /// Fail when the body is larger, in bytes; 0 means no limit.
  std::int64_t max_size = 0;
  /// Record the sha-256 of the published file with its terminal event.
  bool record_sha256 = false;
  /// JSON text of at most 64 KiB, kept with the transfer; or empty.
  std::string metadata;
  /// Goes on where a cancelled or failed transfer ended (core/resume_data.hpp); or empty. Used once: the part belongs
  /// to the new transfer then. Data that does not fit the disk any more is no error: the transfer begins anew.
  std::string resume_data;

  friend bool operator==(const transfer_request&, const transfer_request&) = default;
};

/// The folder that the file is published in, and its part is kept in until then.
path part_folder(const transfer_request&);

/// What may be changed about a transfer that has not ended; what is absent stays as it is. An active one goes back to
/// the queue for it and keeps what it has.
struct transfer_change {
  std::optional<double> priority;
  std::optional<time_point> earliest_begin;
  /// All headers, in place of those it has: expired tokens are replaced so.
  std::optional<std::vector<header>> headers;
  std::optional<std::int64_t> max_size;

  explicit operator bool() const noexcept { return priority || earliest_begin || headers || max_size; }
  friend bool operator==(const transfer_change&, const transfer_change&) = default;
};

/// What is needed to go on after a crash. Written when the part file is created and as it grows; everything up to
/// `position` can be checked against `prefix_hash`, whatever happened to the file in between.
struct checkpoint {
  /// The part file's name in the destination's folder; empty means there is none.
  std::string part_name;
  /// The part file's inode number; it is the published file's too, which is how a crash between naming the file
  /// and recording it is recognised.
  std::uint64_t inode = 0;
  /// Bytes of the body that are in the part file.
  std::int64_t position = 0;
  /// XXH3-64 of these bytes.
  std::uint64_t prefix_hash = 0;
  /// The size of the whole body, or `unknown_size`.
  std::int64_t total = unknown_size;
  /// A strong entity tag with its quotes, or empty.
  std::string etag;
  /// The Last-Modified header as received, when it is strong enough to resume by; or empty.
  std::string last_modified;

  explicit operator bool() const noexcept { return !part_name.empty(); }
  friend bool operator==(const checkpoint&, const checkpoint&) = default;
};

/// All that is known about one transfer at rest: one row of the ledger.
struct transfer_record {
  transfer_id id;
  std::string session;
  transfer_request request;
  transfer_state state = transfer_state::queued;
  wait_reason waiting_for = wait_reason::none;
  /// When a `waiting` transfer is tried again.
  time_point retry_at{};
  /// Attempts that were begun, ever.
  std::uint32_t attempts = 0;
  /// Attempts that failed since the last progress; what backs off.
  std::uint32_t failures = 0;
  /// Digest mismatches so far; the second is final.
  std::uint32_t mismatches = 0;
  checkpoint part;
  /// The cause of the last failed attempt, or of the failure.
  error last_error;
  time_point submitted_at{};
  time_point finished_at{};
  /// Size of the published file, or of what is here so far.
  std::int64_t received = 0;
  std::int64_t total = unknown_size;
  /// Where the file really is (policy `rename`, name from the server); empty until completed.
  path published;
  /// The recorded sha-256 in hex; empty unless asked for.
  std::string sha256;
  /// Of a failed or cancelled transfer that kept its part: what a new request goes on with (core/resume_data.hpp).
  /// Filled in by whoever answers a program; the ledger has no such column.
  std::string resume_data;

  friend bool operator==(const transfer_record&, const transfer_record&) = default;
};

enum class event_type : std::uint8_t { completed, failed, cancelled, needs_credential };

std::string_view to_string(event_type) noexcept;
bool from_string(std::string_view, event_type&) noexcept;

constexpr bool is_terminal(event_type t) noexcept {
  return t <= event_type::cancelled;
}

/// One entry of a session's log: durable, numbered, delivered in order at least once, kept until acknowledged.
struct event {
  event_number seq;
  time_point time{};
  std::string session;
  transfer_id transfer;
  event_type type = event_type::completed;
  std::string url;
  /// The published file; for a failure the destination that was asked for.
  path destination;
  std::int64_t received = 0;
  error why;
  std::string sha256;
  std::string metadata;

  friend bool operator==(const event&, const event&) = default;
};

/// How a transfer ended; becomes its terminal event.
struct outcome {
  event_type type = event_type::completed;
  path published;
  std::int64_t received = 0;
  std::int64_t total = unknown_size;
  error why;
  std::string sha256;
  std::uint32_t attempts = 0;
  /// What a failed or cancelled transfer keeps for `resume_data`; its file is there. Empty: nothing is kept.
  checkpoint part;

  friend bool operator==(const outcome&, const outcome&) = default;
};

/// Transient: coalesced to at most ten a second for each transfer, monotonic within an attempt's validity, dropped
/// rather than queued when nobody keeps up.
struct progress {
  transfer_id transfer;
  std::int64_t received = 0;
  std::int64_t total = unknown_size;

  friend bool operator==(const progress&, const progress&) = default;
};

/// Transient news of a transfer that is not its end.
enum class notice_type : std::uint8_t {
  started,   ///< the first bytes of an attempt's response are here
  resumed,   ///< goes on at `received` of `total`; URLSession:downloadTask:didResumeAtOffset:expectedTotalBytes:
  restarted, ///< what was here is discarded; the reason is in `why`
  waiting,   ///< the attempt failed with `why`; tried again at `retry_at`
};

std::string_view to_string(notice_type) noexcept;
bool from_string(std::string_view, notice_type&) noexcept;

struct notice {
  transfer_id transfer;
  notice_type type = notice_type::started;
  /// The file's name, without its folder.
  std::string name;
  std::int64_t received = 0;
  std::int64_t total = unknown_size;
  wait_reason waiting_for = wait_reason::none;
  time_point retry_at{};
  error why;

  friend bool operator==(const notice&, const notice&) = default;
};

/// How many transfers of a session are in each state, and what is undelivered.
struct session_counts {
  std::uint64_t suspended = 0;
  std::uint64_t queued = 0;
  std::uint64_t waiting = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t unacknowledged_events = 0;

  /// Transfers that will still run by themselves.
  std::uint64_t unfinished() const noexcept { return queued + waiting; }
  friend bool operator==(const session_counts&, const session_counts&) = default;
};

/// What the launcher does about a session whose program is not attached.
enum class launch_state : std::uint8_t {
  none,        ///< nothing to start, or no command is registered
  running,     ///< the program was started and has not called its completion handler yet
  backing_off, ///< it failed or left without acknowledging; started again at `next_at`
};

std::string_view to_string(launch_state) noexcept;
bool from_string(std::string_view, launch_state&) noexcept;

struct launch_status {
  launch_state state = launch_state::none;
  /// The running program's process id and group, or 0.
  std::int32_t pid = 0;
  /// Starts in a row that did not end with the completion handler.
  std::uint32_t failures = 0;
  time_point next_at{};
  /// How the last start failed.
  error last_error;

  friend bool operator==(const launch_status&, const launch_status&) = default;
};

/// What becomes of a session: NSURLSession's finishTasksAndInvalidate and invalidateAndCancel.
enum class session_phase : std::uint8_t {
  open,
  finishing,  ///< takes no more transfers; ends when those it has have ended and their events were acknowledged
  cancelling, ///< the same, and what has not ended is being cancelled
};

std::string_view to_string(session_phase) noexcept;
bool from_string(std::string_view, session_phase&) noexcept;

/// What is known about a session now.
struct session_status {
  session_counts counts;
  /// Transfers that have an actor; they are among the queued.
  std::uint64_t active = 0;
  event_number acknowledged;
  event_number last_event;
  session_phase phase = session_phase::open;
  bool paused = false;
  bool attached = false;
  launch_status launch;

  friend bool operator==(const session_status&, const session_status&) = default;
};

/// Transfers that were handed over together: `count` consecutive ids.
struct transfer_range {
  transfer_id first;
  std::uint64_t count = 0;
  friend bool operator==(const transfer_range&, const transfer_range&) = default;
};

/// What became of one request of a submit: an id, or why it was refused.
struct submit_result {
  transfer_id id;
  error why;
  friend bool operator==(const submit_result&, const submit_result&) = default;
};

} // namespace bellhop
