#pragma once

#include "core/json.hpp"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bellhop {

/// Reads the members of one JSON object into values, which keep what they have when the member is absent. Throws
/// `failure` (invalid_argument) that names the member, what it must be and what is there. Private to the functions of
/// core/json.hpp. The object must outlive the reader.
class object_reader {
public:
  /// `name` is what messages call the object; empty: the whole value.
  object_reader(const json& object, unknown_members, std::string name = {});

  /// Null when it is absent. What was asked for once counts as known.
  const json* find(std::string_view member);
  /// Throws when it is absent.
  void need(std::string_view member, std::string_view wanted);

  template <class Integer>
  void integer(std::string_view member, Integer& out);
  template <class Rep, class Period>
  void duration(std::string_view member, std::chrono::duration<Rep, Period>& out);
  void number(std::string_view member, double& out);
  void boolean(std::string_view member, bool& out);
  void string(std::string_view member, std::string& out);
  /// A string that need not be UTF-8: a second member, of this name and "_bytes", has it in base64 then, and counts.
  void bytes(std::string_view member, std::string& out);
  void file(std::string_view member, path& out);
  /// RFC 3339.
  void time(std::string_view member, time_point& out);
  /// A value that has a name.
  template <class Enum>
  void one_of(std::string_view member, std::string_view allowed, Enum& out);
  /// Any value, as its text; nested no deeper than `deepest_metadata`.
  void metadata(std::string_view member, std::string& out);
  /// [{"name","value"}...]. Messages show no value: it may be a credential.
  void pairs(std::string_view member, std::vector<header>& out);
  /// Strings that need not be UTF-8, as `bytes`; a second array then has them all.
  void texts(std::string_view member, std::vector<std::string>& out);

  /// A reader of a member that is an object itself; none when it is absent.
  std::optional<object_reader> object(std::string_view member);

  /// The last call: refuses members that nobody asked for, where that is wanted.
  void end() const;

  [[noreturn]] void refuse(std::string_view member, std::string_view wanted, const json& got) const;

private:
  const json* array(std::string_view member, std::string_view wanted);
  std::string decoded(std::string_view member, const json& text) const;
  std::string named(std::string_view member) const { return prefix_ + std::string{member}; }

  const json& object_;
  unknown_members mode_;
  std::string prefix_;
  bool shows_values_ = true;
  std::vector<std::string> known_;
};

template <class Integer>
void object_reader::integer(std::string_view member, Integer& out) {
  const auto* value = find(member);
  if (!value)
    return;
  bool fits = false;
  if (value->is_number_unsigned())
    fits = std::in_range<Integer>(value->get<std::uint64_t>());
  else if (value->is_number_integer())
    fits = std::in_range<Integer>(value->get<std::int64_t>());
  if (!fits)
    refuse(member,
           fmt::format("a whole number from {} to {}", std::numeric_limits<Integer>::min(),
                       std::numeric_limits<Integer>::max()),
           *value);
  out = value->get<Integer>();
}

template <class Rep, class Period>
void object_reader::duration(std::string_view member, std::chrono::duration<Rep, Period>& out) {
  auto count = out.count();
  integer(member, count);
  out = std::chrono::duration<Rep, Period>{count};
}

template <class Enum>
void object_reader::one_of(std::string_view member, std::string_view allowed, Enum& out) {
  if (const auto* value = find(member))
    if (!value->is_string() || !from_string(value->get_ref<const std::string&>(), out))
      refuse(member, allowed, *value);
}

} // namespace bellhop
