#pragma once

#include "core/error.hpp"
#include "core/response.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace bellhop {

/// Makes a `response_head` of the header lines that libcurl hands over for one attempt: interim responses, redirects,
/// and at last the response that counts. Bounded, whatever the server sends.
class response_head_parser {
public:
  static constexpr std::size_t max_bytes = 256 * 1024;
  static constexpr std::size_t max_lines = 1000;

  enum class progress {
    reading, ///< in the middle of a head
    skipped, ///< an interim response or a redirect that will be followed is complete
    final,   ///< the head is complete; what follows are trailers, and ignored
    failed,  ///< see `why`
  };

  /// One line, with or without its line end.
  progress feed(std::string_view line);

  progress state() const noexcept { return state_; }
  const error& why() const noexcept { return why_; }
  const response_head& head() const noexcept { return head_; }
  /// Where the last redirect pointed, as received; empty if there was none.
  const std::string& redirect_target() const noexcept { return redirect_target_; }

  /// The head, moved out; without its effective URL, which only libcurl knows.
  response_head take_head() { return std::move(head_); }

private:
  progress begin(std::string_view status_line);
  progress field(std::string_view name, std::string_view value);
  progress content_length(std::string_view value);
  progress end_of_head();
  progress fail(std::string message);

  progress state_ = progress::reading;
  std::size_t bytes_ = 0;
  std::size_t lines_ = 0;
  bool transfer_coded_ = false;
  response_head head_;
  std::string location_;
  std::string redirect_target_;
  error why_;
};

} // namespace bellhop
