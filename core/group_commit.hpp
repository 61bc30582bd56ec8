#pragma once

#include "core/ledger.hpp"
#include "core/metrics.hpp"
#include "core/task_loop.hpp"
#include "core/unique_function.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>

namespace bellhop {

/// Many writes, one commit. Writes are applied at once inside an open transaction and answered when it is committed:
/// when the queue has run empty for a moment, or at the latest `linger` after the transaction was opened.
///
/// A write is `droppable` when its caller can be told that it failed (a submit); others (a terminal event, a
/// checkpoint) must not be lost: when a commit fails, or a write fails with an error of the ledger itself, which undoes
/// the transaction, they are applied again in their order, with a pause between tries, until it succeeds, and
/// `on_stall` says so, once for each time it begins and once (with an empty error) when it is over. Until then
/// droppable writes fail at once and kept ones are queued without a bound: whoever writes for running transfers stops
/// them on `on_stall`.
///
/// Threads: all on the ledger's loop. Callbacks may write, but not flush, and do not throw.
class group_commit : public task_loop::turn_handler {
public:
  struct options {
    std::chrono::microseconds linger{2000};
    /// How long the queue must have been empty.
    std::chrono::microseconds quiet{200};
    std::chrono::milliseconds retry{1000};
    /// Commits and what was in them are counted there; may be null.
    std::shared_ptr<engine_metrics> metrics{};
  };
  /// The clock is steady; tests pass their own.
  using clock = std::function<std::chrono::steady_clock::time_point()>;

  group_commit(std::unique_ptr<ledger>, options, clock, unique_function<void(const error&)> on_stall);
  /// Flushes. What cannot be committed then is answered with the error; the next start finds the state before it.
  ~group_commit() override;

  /// For reading; sees uncommitted writes, which a failed commit undoes: act on them only after a `write` that was made
  /// later is done. While stalled it lacks the kept writes.
  ledger& db() noexcept;

  enum class loss : bool { droppable, kept };
  /// `apply` may be called more than once if kept, each time on a clean slate; what it throws goes to `done`, at once.
  /// `done` is called after the commit with an empty error; it may be null. An `apply` of several ledger calls that
  /// throws leaves the effects of those before: checks come first.
  void write(loss, std::function<void(ledger&)> apply, unique_function<void(const error&)> done);

  std::chrono::microseconds end_of_turn(bool more) override;

  /// Commits now, or tries again now if stalled. For the end, and for tests.
  void flush();

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace bellhop
