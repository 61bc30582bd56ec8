#pragma once

#include "core/digest.hpp"
#include "core/folder.hpp"
#include "core/transfer.hpp"
#include "core/unique_fd.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace bellhop {

/// Calls `sink` for the bytes [from, upto) of a file, in order. 0, or errno; ENODATA when the file is shorter.
int read_range(int fd, std::int64_t from, std::int64_t upto, const std::function<void(std::span<const char>)>& sink);

/// One open part: a hidden file, private to its owner, that holds the body's bytes [0, position), with the hashes of
/// these bytes. Errors are errno values, 0 for success. One thread.
class part_file {
public:
  /// An empty part in place of whatever has the name. `from` gives the name, total and validators. Throws `failure`.
  static part_file create(const folder&, const checkpoint& from, digest_algorithm expected, bool record_sha256);

  /// The file of an earlier run if it may still be what `from` says: a regular file of ours with no other name, of that
  /// inode and long enough. Its bytes are yet to be verified.
  static std::optional<part_file> reopen(const folder&, const checkpoint& from, digest_algorithm expected,
                                         bool record_sha256);

  enum class verdict { unfinished, holds, broken };
  /// Hashes up to `bytes` more of a re-opened file. At the end, compares with the checkpoint and cuts off what lies
  /// behind its position.
  verdict verify(std::int64_t bytes);

  /// Writes at the position. On failure the position is behind the last byte that was written.
  int append(std::span<const char>);

  struct comparison {
    bool equal = false;
    int error_number = 0;
  };
  /// Compares bytes that arrived again with those at `offset`, which must all lie before the position.
  comparison compare(std::int64_t offset, std::span<const char>) const;

  int sync();

  /// Ends the stream of digests; no `append` after it.
  body_digests::values finish_digests() { return digests_.finish(); }

  checkpoint state() const;
  std::int64_t position() const noexcept { return state_.position; }
  std::int64_t total() const noexcept { return state_.total; }
  const std::string& name() const noexcept { return state_.part_name; }
  int fd() const noexcept { return fd_.get(); }
  unique_fd release() noexcept { return std::move(fd_); }

  /// Whether the name in the folder still is this file: not removed, not replaced.
  bool still_named(const folder&) const;

private:
  part_file(unique_fd, checkpoint, body_digests);

  unique_fd fd_;
  /// `prefix_hash` is kept in hash_; position is what is on disk and hashed.
  checkpoint state_;
  /// What a re-opened file must prove.
  checkpoint claimed_;
  prefix_hash hash_;
  body_digests digests_;
};

} // namespace bellhop
