#pragma once

#include "core/body_pipe.hpp"
#include "core/task_loop.hpp"
#include "core/transfer.hpp"
#include "core/unique_function.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace bellhop {

/// Where and how a file gets its name.
struct publish_target {
  transfer_id transfer;
  /// Absolute path of the file.
  path destination;
  conflict_policy on_conflict = conflict_policy::fail;
  durability durable = durability::crash;
  checksum expected;
  bool record_sha256 = false;
  /// Marks a published file as this transfer's, in the extended attribute `user.bellhop.transfer`: a crash between
  /// naming the file and recording it is recognised by it. "<ledger's id>:<transfer's number>".
  std::string token;
  /// A part file of an earlier attempt, in the destination's folder, that is obsolete once the file is published.
  std::string stale_part;
};

struct published_file {
  path where;
  std::int64_t size = 0;
  /// Hex, when `record_sha256`.
  std::string sha256;
};

struct publish_result {
  error why;
  published_file file;
  /// Nothing was published and nothing is wrong (`why` is empty): the file could not be marked, as its file system has
  /// no extended attributes of the user namespace or no room for one, so that a file which gets its name just before a
  /// crash could not be recognised as this transfer's. Go the way of a part, whose inode number is recorded first. Only
  /// from `publish_small`.
  bool needs_part = false;
};

/// How a part file is opened.
struct part_request {
  transfer_id transfer;
  path folder;
  /// `part_name` must be set. With position > 0 the existing file is checked against it first: inode, length and the
  /// hash of everything up to the position.
  checkpoint from;
  durability durable = durability::crash;
  checksum expected;
  bool record_sha256 = false;
  std::string token;
  /// Preflight: fail with `no_space` when the folder's file system has less than this free, with `too_large` when it
  /// could not hold it if it were empty; `unknown_size` skips it.
  std::int64_t total = unknown_size;
};

struct part_opened {
  error why;
  /// The file carries the token as a mark. Otherwise its inode has to be recorded before it is published.
  bool marked = true;
  /// What of `from` still holds: position 0, and a new inode, when the file was missing, changed or short; then it was
  /// replaced by an empty one. Total and validators are those of `from` in any case.
  checkpoint part;
};

/// The end of a stream into a part.
struct part_written {
  /// Empty when the body arrived whole. `content_changed` when the bytes that were asked
  /// for again differ from those on disk; `no_space`, `file_io` for the disk; otherwise how the pipe was closed.
  error why;
  checkpoint part;
};

struct publisher_options {
  /// Steady; tests pass their own.
  std::function<std::chrono::steady_clock::time_point()> clock = [] { return std::chrono::steady_clock::now(); };
  std::chrono::microseconds crash_checkpoint_interval = std::chrono::milliseconds{250};
  std::chrono::microseconds power_checkpoint_interval = std::chrono::seconds{5};
  std::int64_t power_checkpoint_bytes = 64 * 1024 * 1024;
  /// How long files in power mode wait for others to be synced with, while tasks are queued.
  std::chrono::microseconds linger = std::chrono::milliseconds{10};
  /// Use O_TMPFILE where it works.
  bool unnamed_files = true;
};

/// The disk: part files, verification, sync, atomic names. Works in batches: small bodies of one turn are written
/// (unnamed by O_TMPFILE, where the file system has it), in power mode synced together, then named, then answered.
///
/// Threads: one task_loop of its own; every call below must come from a task posted to it (`loop().post`) and every
/// answer is called on it.
class publisher : public task_loop::turn_handler {
public:
  template <class T>
  using answer = unique_function<void(T)>;

  explicit publisher(publisher_options = {});
  /// Stops first. The producers of pipes must have stopped by then.
  ~publisher() override;

  task_loop& loop() noexcept;

  /// Any thread but the loop's: works off what is posted, names and answers what is batched, joins the thread, and
  /// abandons streams without an answer. Parts keep their files; close them before if their last checkpoint matters.
  /// Idempotent.
  void stop();

  /// Writes and names a small body. Checks the digest first; a mismatch publishes nothing. See `needs_part`.
  void publish_small(publish_target, std::shared_ptr<const body_buffer>, answer<publish_result>);

  /// Creates or re-opens a part. It stays open, known by its transfer, until finished, closed or discarded.
  void open_part(part_request, answer<part_opened>);

  /// Appends a stream whose first byte is the body's byte `offset` (at most the part's position). What lies before the
  /// position is compared with the file, byte for byte. Progress is checkpointed: `on_checkpoint` is called when
  /// something was written and about 250 ms (crash) or 5 s or 64 MiB (power, after fdatasync) have passed since the
  /// last one. A new stream for a part must not begin before the last one's answer.
  void receive(transfer_id, std::int64_t offset, std::shared_ptr<body_pipe>,
               unique_function<void(checkpoint)> on_checkpoint, answer<part_written>);

  /// Verifies the digest, syncs, and gives the part its final name. On a mismatch, the part is removed; on any other
  /// failure it is closed and its file kept.
  void publish_part(publish_target, answer<publish_result>);

  /// Closes a part and keeps the file; synced first, so that an ordered stop survives a power loss too. Answers with
  /// the last checkpoint. A stream that is under way is taken as far as it has come, and answered with `shutting_down`
  /// before; so is an `open_part` that is still verifying.
  void close_part(transfer_id, answer<checkpoint>);

  /// Closes and removes a part. Works for one that is not open too: `folder` / `part_name`. Never fails: what cannot be
  /// removed is no longer ours.
  void discard_part(transfer_id, path folder, std::string part_name, answer<error>);

  /// Before anything is asked of the network: is the folder there and writable, is the name free? With policy `fail`
  /// an existing file is `destination_exists`, unless it carries `token` or `inode` (from `part`): then it is this
  /// transfer's own, published before a crash, and its size is answered as `file`, with `why` empty and `where` set.
  /// With policy `rename` the same is looked for among the numbered names. `where` is empty when there is work to do.
  void preflight(publish_target, checkpoint part, answer<publish_result>);

  std::chrono::microseconds end_of_turn(bool more) override;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

/// The part file's name for a transfer, in the destination's folder: ".bellhop-<first 8 of ledger id>-<number>.part".
std::string part_name_for(const std::string& ledger_id, transfer_id);

} // namespace bellhop
