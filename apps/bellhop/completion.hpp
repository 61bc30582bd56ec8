#pragma once

#include "apps/bellhop/options.hpp"

#include <span>
#include <string>

namespace bellhop::cli {

/// A script that completes these verbs, their options and words, and the names of sessions as `bellhop sessions --json`
/// tells them. Pure.
std::string completion_script(shell, std::span<const verb_description>);

} // namespace bellhop::cli
