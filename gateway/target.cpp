#include "gateway/target.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>

namespace bellhop {

namespace {

[[noreturn]] void bad(std::string message) {
  throw failure{errc::invalid_argument, std::move(message)};
}

std::string decoded(std::string_view text) {
  auto result = percent_decoded(text);
  if (!result)
    bad("the request's target is badly percent-encoded: " + in_quotes(text));
  return std::move(*result);
}

/// Calls `each` with every part between separators.
template <class Each>
void split(std::string_view text, char separator, Each&& each) {
  for (;;) {
    const auto end = text.find(separator);
    each(text.substr(0, end));
    if (end == text.npos)
      return;
    text.remove_prefix(end + 1);
  }
}

} // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
      return std::nullopt;
    result += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return result;
}

query_parameters::query_parameters(std::string_view text) {
  split(text, '&', [this](std::string_view part) {
    if (part.empty())
      return;
    const auto equals = part.find('=');
    auto name = decoded(part.substr(0, equals));
    auto value = equals == part.npos ? std::string{} : decoded(part.substr(equals + 1));
    if (std::any_of(left_.begin(), left_.end(), [&](const auto& known) { return known.first == name; }))
      bad("the query parameter " + in_quotes(name) + " is there twice");
    left_.emplace_back(std::move(name), std::move(value));
  });
}

std::optional<std::string> query_parameters::take(std::string_view name) {
  const auto i = std::find_if(left_.begin(), left_.end(), [&](const auto& known) { return known.first == name; });
  if (i == left_.end())
    return std::nullopt;
  auto value = std::move(i->second);
  left_.erase(i);
  return value;
}

std::optional<std::uint64_t> query_parameters::take_number(std::string_view name, std::uint64_t least,
                                                           std::uint64_t most) {
  const auto text = take(name);
  if (!text)
    return std::nullopt;
  const auto number = parse_digits(*text);
  if (!number || static_cast<std::uint64_t>(*number) < least || static_cast<std::uint64_t>(*number) > most)
    bad("the query parameter " + std::string{name} + " is " + in_quotes(*text) + "; it must be a whole number from " +
        std::to_string(least) + " to " + std::to_string(most));
  return static_cast<std::uint64_t>(*number);
}

bool query_parameters::take_flag(std::string_view name) {
  const auto text = take(name);
  if (text && *text != "true" && *text != "false")
    bad("the query parameter " + std::string{name} + " is " + in_quotes(*text) + "; it must be true or false");
  return text == "true";
}

void query_parameters::expect_no_more() const {
  if (!left_.empty())
    bad("this request knows no query parameter " + in_quotes(left_.front().first));
}

target parse_target(std::string_view text) {
  if (text.empty() || text.front() != '/')
    bad("the request's target must be a path that begins with a slash");
  target result;
  const auto mark = text.find('?');
  split(text.substr(1, mark == text.npos ? text.npos : mark - 1), '/',
        [&](std::string_view part) { result.segments.push_back(decoded(part)); });
  if (mark != text.npos)
    result.parameters = query_parameters{text.substr(mark + 1)};
  return result;
}

} // namespace bellhop
