#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bellhop {

/// The parameters of a request's query. What nobody has taken at the end is a slip, and refused.
class query_parameters {
public:
  query_parameters() = default;
  /// "a=1&b=2", percent-encoded. Throws `failure` (invalid_argument) for a bad encoding, or a parameter that is there
  /// twice.
  explicit query_parameters(std::string_view text);

  std::optional<std::string> take(std::string_view name);
  /// A whole number from `least` to `most`. Throws `failure` for anything else.
  std::optional<std::uint64_t> take_number(std::string_view name, std::uint64_t least, std::uint64_t most);
  /// "true" or "false"; absent is false. Throws `failure` for anything else.
  bool take_flag(std::string_view name);
  /// Throws `failure` that names a parameter that was not taken.
  void expect_no_more() const;

private:
  std::vector<std::pair<std::string, std::string>> left_;
};

/// Where a request goes: "/v1/sessions/a%20b?x=1" is {"v1", "sessions", "a b"} and x=1.
struct target {
  std::vector<std::string> segments;
  query_parameters parameters;
};

/// Throws `failure` (invalid_argument) for what is no path or badly encoded.
target parse_target(std::string_view);

/// None for a % without two hex digits.
std::optional<std::string> percent_decoded(std::string_view);

} // namespace bellhop
