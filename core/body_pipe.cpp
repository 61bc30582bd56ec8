#include "core/body_pipe.hpp"

#include <utility>

namespace bellhop {

// A callback is set once and never replaced, so it may be called outside the lock once it was seen under it.

body_pipe::~body_pipe() {
  tell_taken(queued_bytes_);
}

void body_pipe::on_readable(unique_function<void()> f) {
  bool announce = false;
  {
    std::lock_guard guard{mutex_};
    readable_ = std::move(f);
    announce = !readable_announced_ && (closed_ || !queue_.empty());
    readable_announced_ |= announce;
  }
  if (announce)
    readable_();
}

void body_pipe::on_writable(unique_function<void()> f) {
  std::lock_guard guard{mutex_};
  writable_ = std::move(f);
}

void body_pipe::on_taken(unique_function<void(std::size_t)> f) {
  std::lock_guard guard{mutex_};
  taken_ = std::move(f);
}

void body_pipe::tell_taken(std::size_t bytes) {
  if (bytes > 0 && taken_)
    taken_(bytes);
}

bool body_pipe::push(body_buffer&& bytes) {
  body_buffer pushed = std::move(bytes);
  const auto size = pushed.size();
  bool announce = false;
  bool room = true;
  bool refused = false;
  {
    std::lock_guard guard{mutex_};
    refused = closed_ || abandoned();
    if (!refused && size > 0) {
      queued_bytes_ += size;
      queue_.push_back(std::move(pushed));
      full_ = full_ || queued_bytes_ >= capacity_;
      announce = readable_ && !readable_announced_;
      readable_announced_ |= announce;
    }
    room = !full_;
  }
  if (refused)
    tell_taken(size);
  if (announce)
    readable_();
  return room;
}

void body_pipe::close(error why) {
  bool announce = false;
  {
    std::lock_guard guard{mutex_};
    if (closed_)
      return;
    closed_ = true;
    why_ = std::move(why);
    announce = readable_ && !readable_announced_ && !abandoned();
    readable_announced_ |= announce;
  }
  if (announce)
    readable_();
}

body_pipe::batch body_pipe::take() {
  batch taken;
  std::size_t size = 0;
  bool resume = false;
  {
    std::lock_guard guard{mutex_};
    taken.buffers.swap(queue_);
    size = std::exchange(queued_bytes_, 0);
    taken.closed = closed_;
    taken.why = why_;
    readable_announced_ = false;
    resume = std::exchange(full_, false) && writable_;
  }
  tell_taken(size);
  if (resume)
    writable_();
  return taken;
}

void body_pipe::abandon() {
  std::vector<body_buffer> dropped;
  std::size_t size = 0;
  bool resume = false;
  {
    std::lock_guard guard{mutex_};
    if (abandoned())
      return;
    abandoned_.store(true, std::memory_order_relaxed);
    dropped.swap(queue_);
    size = std::exchange(queued_bytes_, 0);
    full_ = false;
    resume = static_cast<bool>(writable_);
  }
  tell_taken(size);
  if (resume)
    writable_();
}

} // namespace bellhop
