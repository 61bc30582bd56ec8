#pragma once

#include "core/unique_function.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace bellhop {

/// A queue of tasks that a thread works off in batches. The network, the publisher and the ledger each are one:
/// what arrives while a batch is being worked on becomes the next batch, which is what makes group commit and one
/// wake-up for many messages come by themselves.
///
/// A task handles its own failures: an exception that leaves it is a mistake in the program and ends it
/// (std::terminate), like one that leaves any thread.
///
/// Threads: `post` may be called from any thread; everything else from the owner.
class executor {
public:
  using task = unique_function<void()>;

  virtual ~executor() = default;

  /// Queues a task; wakes the thread only if it may be asleep. After the loop has ended the task is destroyed unrun.
  virtual void post(task) = 0;
};

/// The executor for threads that wait for nothing but tasks.
class task_loop : public executor {
public:
  /// What the loop does between batches; called on the loop's thread.
  class turn_handler {
  public:
    virtual ~turn_handler() = default;
    /// After a batch; `more` is false when nothing is queued now. Returns how long to wait for more before asking
    /// again with `more == false`: zero or less means "nothing is pending, sleep until a task comes".
    virtual std::chrono::microseconds end_of_turn(bool more) = 0;
  };

  /// Starts the thread. `name` shows in ps and gdb, at most 15 characters. `handler` may be null and must outlive
  /// the loop.
  task_loop(std::string name, turn_handler* handler);
  ~task_loop() override;

  task_loop(const task_loop&) = delete;
  task_loop& operator=(const task_loop&) = delete;

  void post(task) override;

  /// Works off what is queued, calls `end_of_turn(false)` a last time, and joins the thread. Idempotent; not from a
  /// task.
  void stop();

private:
  void run();
  /// False when nothing came in time.
  bool wait(std::unique_lock<std::mutex>&, std::chrono::microseconds at_most);
  std::chrono::microseconds end_of_turn(bool more);

  std::string name_;
  turn_handler* handler_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<task> queue_;
  bool stopping_ = false;
  /// Set by the thread before it waits, cleared by whoever wakes it: one notification for many posts.
  bool asleep_ = false;
  bool ended_ = false;
  /// The last member: it begins to run when everything else is there.
  std::thread thread_;
};

} // namespace bellhop
