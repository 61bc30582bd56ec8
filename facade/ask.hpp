#pragma once

#include "actors/errors.hpp"

#include <caf/actor_system.hpp>
#include <caf/atom.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/sec.hpp>

#include <exception>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

namespace bellhop {

/// What an error says to a program; `gone` in place of CAF's word for an actor that has ended.
inline error to_program(const caf::error& why, const error& gone) {
  if (why == caf::sec::request_receiver_down || why.category() == caf::atom("exit"))
    return gone;
  return from_caf(why);
}

/// Asks an actor; the future has its answer, or throws a `failure`.
template <class T, class Handle, class... Args>
std::future<T> ask(caf::actor_system& system, error gone, const Handle& whom, Args... args) {
  auto promise = std::make_shared<std::promise<T>>();
  auto result = promise->get_future();
  system.spawn(
      [promise, gone = std::move(gone), whom, ... args = std::move(args)](caf::event_based_actor* self) mutable {
        const auto failed = [promise, gone](const caf::error& why) {
          promise->set_exception(std::make_exception_ptr(failure{to_program(why, gone)}));
        };
        if constexpr (std::is_void_v<T>)
          self->request(whom, caf::infinite, std::move(args)...).then([promise] { promise->set_value(); }, failed);
        else
          self->request(whom, caf::infinite, std::move(args)...)
              .then([promise](T& value) { promise->set_value(std::move(value)); }, failed);
      });
  return result;
}

} // namespace bellhop
