#pragma once

#include "actors/errors.hpp"
#include "core/error.hpp"
#include "core/unique_function.hpp"
#include "gateway/exchange.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/duration.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace bellhop {

/// What became of a request to an actor.
template <class T>
struct outcome_of_ask {
  std::optional<T> value;
  error why;
};

/// Takes one answer to the gateway's thread, wherever it comes from. If none comes, since whoever should give it is
/// gone, that is an answer too: a coroutine that waits is never forgotten, and never ended on another thread.
template <class T>
class answer_slot {
public:
  using receiver = unique_function<void(outcome_of_ask<T>)>;

  answer_slot(std::shared_ptr<asio::io_context> io, receiver to)
      : io_(std::move(io)), work_(io_->get_executor()), to_(std::move(to)) {}
  answer_slot(const answer_slot&) = delete;
  answer_slot& operator=(const answer_slot&) = delete;
  ~answer_slot() {
    if (to_)
      deliver({std::nullopt, {errc::shutting_down, "the engine is shutting down", 0}});
  }

  void deliver(outcome_of_ask<T> what) {
    asio::post(*io_, [to = std::exchange(to_, {}), what = std::move(what)]() mutable { to(std::move(what)); });
    work_.reset();
  }

private:
  /// Outlives the gateway as long as somebody may still post.
  std::shared_ptr<asio::io_context> io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  receiver to_;
};

using ask_task = std::shared_ptr<unique_function<void(caf::event_based_actor*)>>;

/// How coroutines of the gateway's thread ask actors: a hidden actor makes the requests and brings the answers back.
class asker {
public:
  asker(caf::actor_system&, std::shared_ptr<asio::io_context>);
  asker(const asker&) = delete;
  asker& operator=(const asker&) = delete;

  /// Answers all that is still waited for with `shutting_down`, and all that is asked later. Returns at once.
  void stop();

  /// Sends a request and waits for the answer. Throws `failure`. Without a time limit unless one is given: most answers
  /// come after a commit, and a client that is told "too late" could not know whether it was one.
  template <class T, class Handle, class... Args>
  asio::awaitable<T> ask(Handle whom, Args... args) {
    return ask_within<T>(caf::infinite, std::move(whom), std::move(args)...);
  }

  template <class T, class Handle, class... Args>
  asio::awaitable<T> ask_within(caf::duration limit, Handle whom, Args... args) {
    using value = std::conditional_t<std::is_void_v<T>, bool, T>;
    auto result = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(outcome_of_ask<value>)>(
        [&](auto handler) {
          auto slot = std::make_shared<answer_slot<value>>(io_, std::move(handler));
          post([=, ... args = std::move(args)](caf::event_based_actor* self) mutable {
            const auto failed = [slot](const caf::error& why) { slot->deliver({std::nullopt, error_of(why)}); };
            if constexpr (std::is_void_v<T>)
              self->request(whom, limit, std::move(args)...).then([slot] { slot->deliver({true, {}}); }, failed);
            else
              self->request(whom, limit, std::move(args)...)
                  .then(
                      [slot](T& v) {
                        slot->deliver({std::move(v), {}});
                      },
                      failed);
          });
        },
        asio::use_awaitable);
    if (result.why)
      throw failure{std::move(result.why)};
    if constexpr (!std::is_void_v<T>)
      co_return std::move(*result.value);
  }

private:
  void post(unique_function<void(caf::event_based_actor*)>);
  /// Of CAF's own errors two have a meaning for clients: too late, and gone.
  static error error_of(const caf::error&);

  std::shared_ptr<asio::io_context> io_;
  caf::actor hidden_;
};

} // namespace bellhop

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::ask_task)
