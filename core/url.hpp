#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>

/// URLs, by libcurl's own parser, so that what is checked is what is fetched.
namespace bellhop {

/// `invalid_url` or `unsupported_scheme` (only http and https) with a message that names the URL (redacted), what is
/// wrong and what to do; empty when it can be fetched.
error check_url(std::string_view url);

/// Without user, password; fit for logs and errors. Query values are kept. Text that is no URL comes back with
/// everything between "//" and "@" taken out.
std::string redact(std::string_view url);

/// Scheme, host and port, "https://example.org:443": what connections and credentials belong to. Empty if malformed.
std::string origin_of(std::string_view url);

/// The last path segment, percent-decoded and made safe; "index.html" when there is none.
std::string file_name_from_url(std::string_view url);

} // namespace bellhop
