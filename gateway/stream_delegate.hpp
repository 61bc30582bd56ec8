#pragma once

#include "actors/interfaces.hpp"
#include "gateway/exchange.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/actor_system.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace bellhop {

/// What a session tells a reader of its events.
namespace news {
struct events {
  std::vector<event> batch;
};
struct moved {
  std::vector<progress> how_far;
  std::vector<notice> notices;
};
struct finished {};
struct stalled {
  error why;
};
struct detached {
  error why;
};
struct invalid {
  error why;
};
/// The session's actor has ended without a word: the engine is shutting down.
struct gone {};
} // namespace news

using news_item =
    std::variant<news::events, news::moved, news::finished, news::stalled, news::detached, news::invalid, news::gone>;

/// Where the news wait for the coroutine that writes them. Bounded, since a session has one batch of events and one of
/// progress under way at a time, and the rest is coalesced here.
///
/// Threads: the gateway's.
class news_inbox {
public:
  explicit news_inbox(asio::io_context& io) : wake_(io) {}

  void push(news_item);
  /// No more is wanted: `next` returns none from now on.
  void close();
  bool closed() const noexcept { return closed_; }

  /// The next one; none when the time has passed without one, or when it was closed.
  asio::awaitable<std::optional<news_item>> next(std::chrono::milliseconds patience);

private:
  std::deque<news_item> items_;
  asio::steady_timer wake_;
  bool closed_ = false;
};

/// A reader's end of the conversation: a delegate that answers a batch only when it was written.
using reader_actor = delegate_actor::extend<
    // From the stream: the batch of events was taken by the client.
    caf::reacts_to<written_atom>,
    // From the stream: so was the news.
    caf::reacts_to<resume_atom>>;

/// Puts what a session says into the inbox, on the gateway's thread. Ends when the stream says so; the session sees
/// that it is detached by its end.
reader_actor spawn_reader(caf::actor_system&, std::shared_ptr<asio::io_context>, std::shared_ptr<news_inbox>,
                          const session_actor&);

} // namespace bellhop
