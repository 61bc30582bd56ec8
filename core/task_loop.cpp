#include "core/task_loop.hpp"

#include <utility>

#include <pthread.h>

namespace bellhop {

task_loop::task_loop(std::string name, turn_handler* handler)
    : name_(std::move(name)), handler_(handler), thread_([this] { run(); }) {}

task_loop::~task_loop() {
  stop();
}

void task_loop::post(task t) {
  bool wake = false;
  {
    std::lock_guard lock{mutex_};
    // An ended loop takes nothing: `t` is destroyed after the lock is released, since its destructor may post again.
    if (!ended_) {
      queue_.push_back(std::move(t));
      wake = std::exchange(asleep_, false);
    }
  }
  if (wake)
    wake_.notify_one();
}

void task_loop::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
    asleep_ = false;
  }
  wake_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

std::chrono::microseconds task_loop::end_of_turn(bool more) {
  return handler_ ? handler_->end_of_turn(more) : std::chrono::microseconds::zero();
}

bool task_loop::wait(std::unique_lock<std::mutex>& lock, std::chrono::microseconds at_most) {
  const auto news = [this] { return !queue_.empty() || stopping_; };
  asleep_ = true;
  bool came = true;
  if (at_most > std::chrono::microseconds::zero())
    came = wake_.wait_for(lock, at_most, news);
  else
    wake_.wait(lock, news);
  asleep_ = false;
  return came;
}

void task_loop::run() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  std::vector<task> batch;
  std::chrono::microseconds pause{0};
  std::unique_lock lock{mutex_};
  for (;;) {
    if (!queue_.empty()) {
      batch.swap(queue_);
      lock.unlock();
      for (auto& t : batch) {
        t();
        // What a task owns goes with it, not with the last of its batch.
        t = {};
      }
      batch.clear();
      lock.lock();
      const bool more = !queue_.empty();
      lock.unlock();
      pause = end_of_turn(more);
      lock.lock();
    } else if (stopping_) {
      lock.unlock();
      end_of_turn(false);
      lock.lock();
      // The last turn may have posted once more (an answer that asks something new); that is worked off too.
      if (queue_.empty()) {
        ended_ = true;
        return;
      }
    } else if (!wait(lock, pause)) {
      lock.unlock();
      pause = end_of_turn(false);
      lock.lock();
    }
  }
}

} // namespace bellhop
