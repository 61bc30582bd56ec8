#pragma once

#include "core/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What HTTP's header fields mean, beyond what libcurl tells. Pure functions over untrusted text: none throws, each
/// answers nothing for what it cannot understand.
namespace bellhop {

/// RFC 9110 14.4. `bytes 0-99/200`, `bytes 0-99/*` (total is -1) and, for a 416, `bytes */200` (first and last are -1).
/// What is parsed has 0 <= first <= last < total, as far as they are known.
struct content_range {
  std::int64_t first = -1;
  std::int64_t last = -1;
  std::int64_t total = -1;
  friend bool operator==(const content_range&, const content_range&) = default;
};
std::optional<content_range> parse_content_range(std::string_view);

/// RFC 9110 5.6.7: the three date forms, from the year 1900 on. A year of two digits is in 1970 to 2069. The day's name
/// must be one, but not the right one.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view);

/// RFC 9110 10.2.3: seconds, or a date that is taken relative to `date` (the response's own Date, so that a wrong clock
/// here does no harm) or else to `now`. Never negative, and at most ten years.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::string_view date, time_point now);

/// RFC 9110 8.8.3: quoted, and not marked weak. The empty tag, which servers send that have nothing to say, is not
/// strong.
bool is_strong_etag(std::string_view);

/// RFC 9110 8.8.2.2: strong enough to resume by when it is at least one second older than the response's Date; without
/// a usable Date it is not.
bool is_strong_last_modified(std::string_view last_modified, std::string_view date);

/// RFC 6266 with RFC 8187 (`filename*` in UTF-8 or ISO-8859-1, which wins unless it is malformed): the suggested name
/// made safe by `safe_file_name`; empty if none. A plain `filename` that is no UTF-8 is taken as ISO-8859-1.
std::string file_name_from_disposition(std::string_view);

/// One path component that is safe to create: what follows the last "/" or "\", without control characters (those that
/// change the direction of text too), leading dots and spaces, trailing spaces; bytes that are no UTF-8 become "_"; at
/// most 255 bytes, cut between characters with the extension kept. Empty when nothing is left. A safe name stays as it
/// is.
std::string safe_file_name(std::string_view);

} // namespace bellhop
