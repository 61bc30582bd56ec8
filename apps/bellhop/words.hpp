#pragma once

#include "core/configuration.hpp"
#include "core/error.hpp"
#include "core/transfer.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Words of the command line as values. CLI11 finds the words, these judge them, so that every error has the same form
/// and tells a remedy. All throw `failure` (invalid_argument).
namespace bellhop::cli {

struct surroundings;

/// A value as it was written, if it was.
using text_option = std::optional<std::string>;

[[noreturn]] void refuse(std::string message);

/// Runs a conversion and puts the argument's name before its error.
template <class Convert>
auto named(std::string_view argument, Convert convert) {
  try {
    return convert();
  } catch (const failure& problem) {
    refuse(fmt::format("{} {}", argument, problem.why().message));
  }
}

template <class Number>
Number number(std::string_view argument, std::string_view text, Number least, Number most) {
  Number value{};
  const auto* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  // Written so that a NaN is out of range.
  if (problem != std::errc{} || stopped != end || !(value >= least && value <= most))
    refuse(fmt::format("{} '{}': give a number from {} to {}", argument, text, least, most));
  return value;
}

template <class Enum>
Enum one_of(std::string_view argument, std::string_view text, std::string_view choices) {
  Enum value{};
  if (!from_string(text, value))
    refuse(fmt::format("{} '{}': use one of {}", argument, text, choices));
  return value;
}

/// Seconds, which may have a fraction.
std::chrono::milliseconds seconds(std::string_view argument, std::string_view text, double most);

/// "4096", "10M", "1.5GiB" (core/numbers.hpp); not zero.
std::int64_t size(std::string_view argument, std::string_view text);

/// The session that -s names, else the default one.
std::string session_name(const text_option&);

/// Not empty; relative to the current directory.
path path_of(std::string_view argument, const std::string& text, const surroundings&);

std::vector<header> headers_of(const std::vector<std::string>&);

/// The numbers of transfers.
std::vector<transfer_id> ids_of(const std::vector<std::string>&);

/// An event's number; 0 is before the first.
event_number event_of(std::string_view argument, std::string_view text);

} // namespace bellhop::cli
