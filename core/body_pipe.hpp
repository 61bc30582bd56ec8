#pragma once

#include "core/buffer_pool.hpp"
#include "core/error.hpp"
#include "core/response.hpp"
#include "core/unique_function.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace bellhop {

/// The bytes of one response on their way from the network thread to the publisher thread, without a message per
/// chunk. Bounded: `push` says when the producer has to pause, and the consumer's `take` says when it may go on.
///
/// Threads: one producer, one consumer; every member may be called from either. The callbacks run on the calling
/// thread, outside the lock, and must only post to their loop.
class body_pipe {
public:
  /// `capacity_bytes`: how much may be queued before the producer has to pause.
  explicit body_pipe(std::size_t capacity_bytes) : capacity_(capacity_bytes) {}
  ~body_pipe();

  /// Called when the queue was empty and bytes or the end arrived. Set before the producer begins.
  void on_readable(unique_function<void()> f);
  /// Called when a full queue has fallen to half. Set before the consumer begins.
  void on_writable(unique_function<void()> f);
  /// Called with the number of bytes that left the queue, however they did: taken, abandoned, refused, or destroyed
  /// with the pipe. It is how the producer bounds what waits in many pipes together. Set before the producer begins.
  void on_taken(unique_function<void(std::size_t bytes)> f);

  /// Where the producer takes its buffers from. Set before the producer begins.
  void use_buffers(std::shared_ptr<buffer_pool> pool) { buffers_ = std::move(pool); }
  /// Consumer: a buffer that it is done with, for the producer to fill again.
  void give_back(body_buffer&& used) {
    if (buffers_)
      buffers_->give_back(std::move(used));
  }

  /// Producer: hands over a buffer. False means the pipe is full now: pause until `on_writable`. The buffer is taken
  /// in any case. Bytes after `close` are dropped.
  bool push(body_buffer&& bytes);
  /// Producer: no more bytes; `why` is empty when the body is whole. Only the first call counts.
  void close(error why);

  struct batch {
    std::vector<body_buffer> buffers;
    bool closed = false;
    /// Valid when closed: how the body ended.
    error why;
  };
  /// Consumer: all that is queued. After a `closed` batch nothing follows.
  batch take();

  /// Consumer: refuses what is queued and all that comes; the producer sees `abandoned`.
  void abandon();
  bool abandoned() const noexcept { return abandoned_.load(std::memory_order_relaxed); }

private:
  void tell_taken(std::size_t bytes);

  const std::size_t capacity_;
  std::mutex mutex_;
  std::vector<body_buffer> queue_;
  std::size_t queued_bytes_ = 0;
  bool full_ = false;
  bool readable_announced_ = false;
  bool closed_ = false;
  error why_;
  std::atomic<bool> abandoned_{false};
  unique_function<void()> readable_;
  unique_function<void()> writable_;
  unique_function<void(std::size_t)> taken_;
  std::shared_ptr<buffer_pool> buffers_;
};

} // namespace bellhop
