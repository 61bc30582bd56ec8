#include "gateway/stream_delegate.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/unit.hpp>

#include <utility>

namespace bellhop {

// -- the inbox --------------------------------------------------------------------------------------------------------

void news_inbox::push(news_item item) {
  if (closed_)
    return;
  // Of a ledger that stalls and goes on while nobody reads, the last word counts.
  if (std::holds_alternative<news::stalled>(item) && !items_.empty() &&
      std::holds_alternative<news::stalled>(items_.back()))
    items_.pop_back();
  items_.push_back(std::move(item));
  wake_.cancel();
}

void news_inbox::close() {
  closed_ = true;
  items_.clear();
  wake_.cancel();
}

asio::awaitable<std::optional<news_item>> news_inbox::next(std::chrono::milliseconds patience) {
  if (items_.empty() && !closed_) {
    wake_.expires_after(patience);
    co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (items_.empty())
    co_return std::nullopt;
  std::optional<news_item> first{std::move(items_.front())};
  items_.pop_front();
  co_return first;
}

// -- the actor --------------------------------------------------------------------------------------------------------

namespace {

class reader_role {
public:
  static inline const char* name = "reader";
  explicit reader_role(reader_actor::pointer self) : self_(self) {}

  reader_actor::behavior_type make_behavior(std::shared_ptr<asio::io_context> io, std::shared_ptr<news_inbox> to,
                                            const session_actor& session) {
    io_ = std::move(io);
    to_ = std::move(to);
    self_->monitor(session);
    self_->set_down_handler([this](const caf::down_msg&) { put(news::gone{}); });
    return {
        [this](events_atom, std::vector<event>& batch) -> caf::result<void> {
          put(news::events{std::move(batch)});
          events_taken_ = self_->make_response_promise();
          return caf::delegated<void>{};
        },
        [this](news_atom, std::vector<progress>& moved, std::vector<notice>& notices) -> caf::result<void> {
          put(news::moved{std::move(moved), std::move(notices)});
          news_taken_ = self_->make_response_promise();
          return caf::delegated<void>{};
        },
        [this](did_finish_atom, const std::string&) { put(news::finished{}); },
        [this](stalled_atom, const error& why) { put(news::stalled{why}); },
        [this](detached_atom, const error& why) { put(news::detached{why}); },
        [this](invalid_atom, const std::string&, const error& why) { put(news::invalid{why}); },
        [this](written_atom) { answer(events_taken_); },
        [this](resume_atom) { answer(news_taken_); },
    };
  }

private:
  void put(news_item item) {
    asio::post(*io_, [to = to_, item = std::move(item)]() mutable { to->push(std::move(item)); });
  }

  static void answer(caf::response_promise& promise) {
    if (promise.pending())
      promise.deliver(caf::unit);
  }

  reader_actor::pointer self_;
  std::shared_ptr<asio::io_context> io_;
  std::shared_ptr<news_inbox> to_;
  caf::response_promise events_taken_;
  caf::response_promise news_taken_;
};

reader_actor::behavior_type reader_behavior(reader_actor::stateful_pointer<reader_role> self,
                                            std::shared_ptr<asio::io_context> io, std::shared_ptr<news_inbox> to,
                                            const session_actor& session) {
  return self->state.make_behavior(std::move(io), std::move(to), session);
}

} // namespace

reader_actor spawn_reader(caf::actor_system& system, std::shared_ptr<asio::io_context> io,
                          std::shared_ptr<news_inbox> to, const session_actor& session) {
  return system.spawn(reader_behavior, std::move(io), std::move(to), session);
}

} // namespace bellhop
