#pragma once

#include "core/event_poll.hpp"
#include "core/task_loop.hpp"

#include <mutex>
#include <vector>

namespace bellhop {

/// The queue of tasks of a thread that waits in an event_poll. Shared with whoever may post after that thread has gone:
/// then tasks are destroyed unrun.
///
/// Threads: `post` any; everything else the thread that works the tasks off.
class mailbox : public executor {
public:
  /// Raised when a task arrives while the owner may be asleep.
  const wake_event& event() const noexcept { return event_; }

  void post(task t) override {
    bool wake = false;
    {
      const std::lock_guard guard{mutex_};
      if (closed_)
        return;
      queue_.push_back(std::move(t));
      wake = std::exchange(may_sleep_, false);
    }
    if (wake)
      event_.wake();
  }

  /// To be asked before each wait: false means that tasks are here, so do not wait.
  bool prepare_to_sleep() {
    const std::lock_guard guard{mutex_};
    may_sleep_ = queue_.empty();
    return may_sleep_;
  }

  /// Moves what is queued into `out`, which must be empty.
  void take(std::vector<task>& out) {
    const std::lock_guard guard{mutex_};
    may_sleep_ = false;
    out.swap(queue_);
  }

  /// No task is accepted from now on; returns those that were queued.
  std::vector<task> close() {
    const std::lock_guard guard{mutex_};
    closed_ = true;
    return std::exchange(queue_, {});
  }

private:
  wake_event event_;
  std::mutex mutex_;
  std::vector<task> queue_;
  bool may_sleep_ = false;
  bool closed_ = false;
};

} // namespace bellhop
