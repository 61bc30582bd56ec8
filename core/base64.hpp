#pragma once

#include <optional>
#include <string>
#include <string_view>

/// RFC 4648. Texts are at most a few MiB: paths, and small data that travels as text.
namespace bellhop {

/// The usual alphabet, padded.
std::string to_base64(std::string_view bytes);

/// The alphabet for URLs and file names, without padding.
std::string to_base64url(std::string_view bytes);

/// The inverses. None unless the text is exactly what encoding its bytes gives.
std::optional<std::string> from_base64(std::string_view text);
std::optional<std::string> from_base64url(std::string_view text);

} // namespace bellhop
