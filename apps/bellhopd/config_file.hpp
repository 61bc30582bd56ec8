#pragma once

#include "apps/bellhopd/log.hpp"
#include "core/configuration.hpp"
#include "core/transfer.hpp"

#include <optional>

namespace bellhop::daemon {

/// What the configuration file says; what it does not say is as initialised.
struct configuration {
  engine_limits limits;
  std::optional<log_level> level;

  friend bool operator==(const configuration&, const configuration&) = default;
};

/// Reads {"max_active"?, "log_level"?}. A file that is not there says nothing, unless it must be there. Throws
/// `failure` (invalid_argument) that names the file, the member and what it must be.
configuration read_configuration(const path& file, bool must_be_there);

} // namespace bellhop::daemon
