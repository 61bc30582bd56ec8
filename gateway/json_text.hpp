#pragma once

#include "core/json.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bellhop {

/// Follows JSON text byte by byte, knowing strings and brackets alone: enough to find where a value ends, and to refuse
/// what would be dear to read. That it is JSON at all is for the parser to say.
class json_scanner {
public:
  /// Metadata may be nested 100 deep, and is itself inside of something.
  static constexpr std::size_t most_nested = 128;
  /// In one object: the values keep their members in order, and finding a name there is a search.
  static constexpr std::uint32_t most_members = 1000;

  enum class excess : std::uint8_t { none, depth, members };

  void feed(char c) noexcept {
    if (in_string_) {
      if (escaped_)
        escaped_ = false;
      else if (c == '\\')
        escaped_ = true;
      else if (c == '"')
        in_string_ = false;
      return;
    }
    switch (c) {
    case '"':
      in_string_ = true;
      break;
    case '[':
    case '{':
      if (++depth_ <= most_nested)
        members_[depth_] = 0;
      else
        excess_ = excess::depth;
      break;
    case ']':
    case '}':
      if (depth_ > 0)
        --depth_;
      break;
    case ':':
      if (depth_ <= most_nested && ++members_[depth_] > most_members)
        excess_ = excess::members;
      break;
    default:
      break;
    }
  }

  std::size_t depth() const noexcept { return depth_; }
  bool in_string() const noexcept { return in_string_; }
  /// What was too much since the beginning.
  excess beyond() const noexcept { return excess_; }

private:
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  excess excess_ = excess::none;
  std::array<std::uint32_t, most_nested + 1> members_{};
};

/// In words; must not be `none`.
error describe(json_scanner::excess);

/// Throws `failure` (invalid_argument) that says where text is no JSON, or that it is nested too deep. Neither the
/// text's form nor its size can exhaust the stack.
json parse_json(std::string_view);

} // namespace bellhop
