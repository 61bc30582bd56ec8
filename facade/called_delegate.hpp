#pragma once

#include "actors/interfaces.hpp"
#include "facade/bellhop.hpp"

#include <caf/actor_system.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

namespace bellhop {

/// A session_delegate as an actor that calls it on a thread of its own. All members may be called from any thread, also
/// from within a call of the delegate.
class called_delegate {
public:
  /// Acknowledges to this session what the delegate has dealt with; to none if there is none (it watches).
  called_delegate(caf::actor_system&, std::shared_ptr<session_delegate>, session_actor acknowledge_to);
  ~called_delegate() { end(); }
  called_delegate(const called_delegate&) = delete;
  called_delegate& operator=(const called_delegate&) = delete;

  /// None after the end.
  delegate_actor actor() const;

  /// No call comes any more when this returns; from within a call: after that call. Idempotent.
  void end();
  /// The same, after the calls that are due already.
  void end_after_what_was_said();

private:
  delegate_actor take_actor();
  void wait();

  mutable std::mutex mutex_;
  delegate_actor actor_;
  std::shared_future<void> gone_;
  std::shared_ptr<std::atomic<std::thread::id>> thread_ = std::make_shared<std::atomic<std::thread::id>>();
};

} // namespace bellhop
