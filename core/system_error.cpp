#include "core/system_error.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace bellhop {

void throw_system_error(errc code, std::string_view doing, const path& where, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  throw failure{full ? errc::no_space : code, fmt::format("cannot {} {}: {}", doing, to_utf8(where.native()),
                                                          std::generic_category().message(error_number))};
}

} // namespace bellhop
