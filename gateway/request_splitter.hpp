#pragma once

#include "gateway/json_text.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace bellhop {

/// One request of a bulk submit, as text.
struct split_request {
  std::string_view text;
  /// Its place among all, from 0.
  std::uint64_t index = 0;
  /// The line it is on, from 1; 0 in an array.
  std::uint64_t line = 0;
  /// Why it was not even kept; `text` is empty then.
  error why;
};

/// Cuts the body of a bulk submit into its requests as it arrives: a JSON array, or a line each (NDJSON, where empty
/// lines do not count). It holds one request at most. One that is too long is passed over and told.
///
/// Pure; throws only what the receiver throws, and for an array that is none: `failure` (invalid_argument).
class request_splitter {
public:
  enum class form : std::uint8_t { array, lines };
  using receiver = std::function<void(const split_request&)>;

  request_splitter(form f, std::size_t longest_bytes, receiver to)
      : form_(f), longest_(longest_bytes), to_(std::move(to)) {}

  void feed(std::string_view bytes);
  /// The body is whole.
  void end();

  /// How many there were so far; the index of the next one.
  std::uint64_t count() const noexcept { return index_; }

private:
  enum class place : std::uint8_t { before, first, next, inside, after };

  void feed_line(std::string_view bytes);
  void feed_array(std::string_view bytes);
  void between(char c);
  void keep(std::string_view bytes);
  void give(std::uint64_t line);
  void give_line();

  const form form_;
  const std::size_t longest_;
  const receiver to_;
  std::string text_;
  bool too_long_ = false;
  json_scanner scanner_;
  place place_ = place::before;
  std::uint64_t index_ = 0;
  std::uint64_t line_ = 1;
};

} // namespace bellhop
