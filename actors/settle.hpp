#pragma once

#include "actors/errors.hpp"

#include <caf/response_promise.hpp>
#include <caf/unit.hpp>

namespace bellhop {

/// Answers a request that promised no value: done, or why not.
inline void settle(caf::response_promise& promise, const error& why) {
  if (why)
    promise.deliver(to_caf(why));
  else
    promise.deliver(caf::unit);
}

} // namespace bellhop
