#pragma once

#include "core/error.hpp"

#include <functional>

namespace bellhop::test {

/// What a call throws as a `failure`; an empty error when it returns.
inline error error_of(const std::function<void()>& call) {
  try {
    call();
    return {};
  } catch (const failure& e) {
    return e.why();
  }
}

} // namespace bellhop::test
