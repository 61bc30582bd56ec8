#pragma once

#include "core/error.hpp"
#include "core/transfer.hpp"
#include "core/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sys/types.h>

namespace bellhop {

/// An open destination folder, and what was learnt about its file system by trying.
struct folder {
  path where;
  unique_fd fd;
  dev_t device = 0;
  ino_t inode = 0;
  /// O_TMPFILE works here.
  bool unnamed_files = true;
  /// Extended attributes of the user namespace work here.
  bool marks = true;

  /// Makes the names in the folder survive a loss of power; 0 or errno.
  int sync() const;
  /// Bytes that a file may still take, or `unknown_size`.
  std::int64_t free_bytes() const;
  /// Bytes that the file system has in all, or `unknown_size`.
  std::int64_t total_bytes() const;
};

/// What a failed call means to a person. `error_number` is errno, `doing` completes "cannot ..."; `needed`: how many
/// bytes were to be written, where that is known.
error disk_error(int error_number, std::string_view doing, const folder&, std::int64_t needed = unknown_size);
/// The same for a folder that could not even be opened.
error disk_error(int error_number, std::string_view doing, const path& where);

/// A destination, taken apart.
struct split_path {
  std::string folder;
  std::string name;
};
/// Throws `failure` (destination_unavailable) for a path that is not absolute or names no file.
split_path split_destination(const path& destination);

/// Open folders, the least recently used forgotten first. A folder that was removed or replaced since is noticed: the
/// path is looked up each time. One thread.
class folder_cache {
public:
  explicit folder_cache(std::size_t capacity = 64) : capacity_(capacity) {}

  /// For tests and for file systems that lie: pretend that O_TMPFILE does not work in folders opened from now on.
  void without_unnamed_files() noexcept { unnamed_files_ = false; }

  /// Throws `failure`: destination_unavailable when there is no such folder. Follows links.
  std::shared_ptr<folder> open(const std::string& where);

private:
  using list = std::list<std::shared_ptr<folder>>;

  std::size_t capacity_;
  bool unnamed_files_ = true;
  list recent_;
  std::unordered_map<std::string, list::iterator> by_path_;
};

} // namespace bellhop
