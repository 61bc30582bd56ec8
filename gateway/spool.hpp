#pragma once

#include "core/transfer.hpp"
#include "core/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bellhop {

/// Bytes that are written once and then read once, in order: in memory as long as they are few, else in an unnamed
/// file. Written by one thread, then read by one.
class spool {
public:
  spool(std::size_t most_in_memory, path folder) : most_in_memory_(most_in_memory), folder_(std::move(folder)) {}

  /// Throws `failure` (no_space, file_io).
  void append(std::string_view);
  /// From now on it is read.
  void rewind();
  /// At most so many of the next bytes; fewer at the end. Throws `failure` (file_io).
  std::string read(std::size_t most);

  std::uint64_t size() const noexcept { return size_; }
  bool in_memory() const noexcept { return !file_; }

private:
  void write_out();

  const std::size_t most_in_memory_;
  const path folder_;
  /// All of it, or what is not in the file yet; while reading, what was read ahead.
  std::string buffer_;
  std::size_t taken_ = 0;
  unique_fd file_;
  std::uint64_t size_ = 0;
};

/// $TMPDIR, else /tmp.
path default_spool_directory();

} // namespace bellhop
