#pragma once

#include "core/body_pipe.hpp"
#include "core/folder.hpp"
#include "core/part_file.hpp"
#include "core/publisher.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace bellhop {

/// A part that the publisher has open, and the stream into it. Decides when a checkpoint is due. One thread.
class active_part {
public:
  using steady_time = std::chrono::steady_clock::time_point;

  /// `serial` tells it from earlier parts of the same transfer.
  active_part(std::uint64_t serial, part_request, std::shared_ptr<folder>, part_file);

  /// Non-empty while the part's bytes are being verified.
  publisher::answer<part_opened> opened;

  part_file file;
  const part_request request;
  const std::shared_ptr<folder> in;

  /// Begins a stream; `serial` tells it from earlier ones.
  void begin(std::uint64_t serial, std::int64_t offset, std::shared_ptr<body_pipe>,
             unique_function<void(checkpoint)> on_checkpoint, publisher::answer<part_written> done, steady_time now);
  bool streaming() const noexcept { return pipe_ != nullptr; }
  std::uint64_t serial() const noexcept { return serial_; }

  enum class drained { waiting, more, ended };
  /// Stores what is in the pipe, about `budget` bytes of it. After `ended`, `end` must be called with `why`.
  drained drain(std::int64_t budget, error& why);
  /// Something was taken from the pipe and not stored yet.
  bool has_backlog() const noexcept { return next_ < backlog_.buffers.size(); }
  /// Ends the stream and answers it.
  void end(error why);
  /// Lets the producer go; no answer.
  void abandon() { pipe_->abandon(); }

  /// Bytes that were stored since the last checkpoint.
  std::int64_t unsaved() const noexcept { return file.position() - saved_; }
  steady_time last_checkpoint() const noexcept { return last_checkpoint_; }
  /// In power mode synced first; a failure to sync skips it.
  void save_checkpoint(steady_time now);

private:
  error store(const body_buffer&);
  error check_length() const;
  error disk_failure(int error_number) const;

  std::uint64_t serial_;
  std::shared_ptr<body_pipe> pipe_;
  body_pipe::batch backlog_;
  std::size_t next_ = 0;
  /// The body's byte that comes next.
  std::int64_t cursor_ = 0;
  unique_function<void(checkpoint)> on_checkpoint_;
  publisher::answer<part_written> done_;
  std::int64_t saved_ = 0;
  steady_time last_checkpoint_{};
};

} // namespace bellhop
