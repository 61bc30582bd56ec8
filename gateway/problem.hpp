#pragma once

#include "core/error.hpp"
#include "gateway/exchange.hpp"

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace bellhop {

/// Why a request is refused, as the client is told (RFC 9457).
struct problem {
  unsigned status = 500;
  /// As in error.hpp, or "gateway" for what is about HTTP itself.
  std::string domain = "gateway";
  /// Stable.
  std::string code;
  /// For a person.
  std::string detail;
  /// Which request of a bulk submit it is about.
  std::optional<std::uint64_t> index;
  /// Of the answer: Allow, Retry-After ...
  std::vector<header> headers;
  /// The connection cannot go on after it.
  bool close = false;
};

/// Thrown by whoever serves a request.
class refusal : public std::exception {
public:
  explicit refusal(problem why) : why_(std::move(why)) {}
  const char* what() const noexcept override { return why_.detail.c_str(); }
  const problem& why() const noexcept { return why_; }

private:
  problem why_;
};

/// The status that an error has on the wire (docs/api.md).
unsigned status_of(errc) noexcept;
problem problem_of(const error&);

/// About HTTP itself: `code` names it.
problem http_problem(unsigned status, std::string code, std::string detail);

/// As application/problem+json.
response to_response(const problem&);

/// "Not Found"; empty if unknown.
std::string_view reason_phrase(unsigned status) noexcept;

} // namespace bellhop
