#pragma once

#include "actors/interfaces.hpp"
#include "facade/ask.hpp"
#include "facade/bellhop.hpp"
#include "facade/called_delegate.hpp"

#include <caf/actor_system.hpp>

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace bellhop {

/// What the copies of a `session` share.
struct session::impl {
  impl(caf::actor_system& s, session_actor h, std::string id)
      : system(s), handle(std::move(h)), identifier(std::move(id)) {}

  template <class T, class... Args>
  std::future<T> ask(Args... args) {
    error gone{errc::unknown_session,
               "the session " + identifier + " is gone: it was invalidated, or its engine shut down", 0};
    return bellhop::ask<T>(system, std::move(gone), handle, std::move(args)...);
  }

  void detach();
  /// Nobody of this program is called any more.
  void end();

  caf::actor_system& system;
  const session_actor handle;
  const std::string identifier;
  std::mutex mutex;
  std::shared_ptr<called_delegate> attached;
  std::vector<std::weak_ptr<called_delegate>> watching;
};

} // namespace bellhop
