#include "gateway/turnstile.hpp"

#include "core/error.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bellhop {

asio::awaitable<turnstile::place> turnstile::enter(std::chrono::milliseconds patience) {
  if (free_ > 0) {
    --free_;
    co_return place{*this};
  }
  auto executor = co_await asio::this_coro::executor;
  auto mine = std::make_shared<waiter>(waiter{asio::steady_timer{executor, patience}});
  line_.push_back(mine);
  co_await mine->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (mine->admitted)
    co_return place{*this};
  std::erase(line_, mine);
  throw failure{errc::timed_out, "too many bulk submits are under way; try again"};
}

/// The place goes to the first in line, if there is one.
void turnstile::leave() noexcept {
  if (line_.empty()) {
    ++free_;
    return;
  }
  const auto next = line_.front();
  line_.pop_front();
  next->admitted = true;
  next->timer.cancel();
}

void turnstile::close() noexcept {
  for (const auto& each : line_)
    each->timer.cancel();
}

} // namespace bellhop
