#pragma once

#include "core/transfer.hpp"

#include <string_view>

namespace bellhop {

/// Throws `failure`: "cannot {doing} {where}: {what errno means}", with `code`; a full disk or quota is `no_space`.
[[noreturn]] void throw_system_error(errc code, std::string_view doing, const path& where, int error_number);

} // namespace bellhop
