#pragma once

#include "gateway/exchange.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>

namespace bellhop {

/// Lets so many in at once; the others wait in a line.
///
/// Threads: the gateway's.
class turnstile {
public:
  explicit turnstile(std::size_t most) : free_(most) {}
  turnstile(const turnstile&) = delete;
  turnstile& operator=(const turnstile&) = delete;

  /// A place inside, given back when it goes.
  class place {
  public:
    explicit place(turnstile& of) noexcept : of_(&of) {}
    place(place&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    place& operator=(place&&) = delete;
    ~place() {
      if (of_)
        of_->leave();
    }

  private:
    turnstile* of_;
  };

  /// Throws `failure` (timed_out) when there is no place for this long.
  asio::awaitable<place> enter(std::chrono::milliseconds patience);

  /// Nobody who waits is let in any more.
  void close() noexcept;

  std::size_t waiting() const noexcept { return line_.size(); }

private:
  struct waiter {
    asio::steady_timer timer;
    bool admitted = false;
  };

  void leave() noexcept;

  std::size_t free_;
  std::deque<std::shared_ptr<waiter>> line_;
};

} // namespace bellhop
