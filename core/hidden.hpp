#pragma once

#include "core/configuration.hpp"

#include <string_view>
#include <vector>

namespace bellhop {

/// What stands where a credential is not shown.
inline constexpr std::string_view hidden_value = "***";

/// Whether a header's value is a credential: Authorization, Cookie, Proxy-Authorization.
bool is_secret(std::string_view header_name) noexcept;

/// Who changes a configuration that was shown gives back what was hidden: that means the stored value of the same name,
/// of a header that is a credential or of the launch environment. Throws `failure` (invalid_argument), naming it, where
/// nothing is stored.
void keep_hidden(session_configuration& given, const session_configuration& stored);

/// Throws `failure` (invalid_argument) naming a header whose credential is what stands for a hidden one.
void refuse_hidden(const std::vector<header>&);

} // namespace bellhop
