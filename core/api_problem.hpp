#pragma once

#include "core/error.hpp"

#include <string_view>

namespace bellhop {

/// What an answer of the daemon with a status from 400 on says went wrong: the problem's `code` and `detail`
/// (docs/api.md). An answer that is no problem, which something else than the daemon gave, becomes `bad_response` with
/// the status in words. Never empty.
error error_from_problem(int status, std::string_view body);

} // namespace bellhop
