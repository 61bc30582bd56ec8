#pragma once

#include "core/digest.hpp"
#include "core/folder.hpp"
#include "core/transfer.hpp"
#include "core/unique_fd.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace bellhop {

/// A file that this transfer published before a crash kept that from being recorded. Recognised by its mark or, if it
/// has none, by the part's inode number and the hash of the part's bytes.
class own_file {
public:
  /// Looks at one name. None: there is nothing, or it is somebody else's.
  static std::optional<own_file> find(const folder&, const std::string& name, const std::string& token,
                                      const checkpoint& part, bool record_sha256);

  enum class verdict { unfinished, ours, foreign };
  /// Reads up to `bytes` more, as far as anything must be read at all.
  verdict verify(std::int64_t bytes);

  /// Makes the content survive a loss of power; 0 or errno.
  int sync();

  const std::string& name() const noexcept { return name_; }
  std::int64_t size() const noexcept { return size_; }
  std::uint64_t inode() const noexcept { return inode_; }
  /// Hex, if it is recorded; after `ours`.
  const std::string& sha256() const noexcept { return sha256_; }

private:
  own_file() = default;

  std::string name_;
  unique_fd fd_;
  std::int64_t size_ = 0;
  std::uint64_t inode_ = 0;
  std::int64_t read_ = 0;
  /// Bytes to read, and how many of them the part's hash covers; no hash is compared when zero.
  std::int64_t to_read_ = 0;
  std::int64_t hashed_ = 0;
  std::uint64_t claimed_hash_ = 0;
  prefix_hash hash_;
  body_digests digests_{digest_algorithm::none, false};
  std::string sha256_;
};

} // namespace bellhop
