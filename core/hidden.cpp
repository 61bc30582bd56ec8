#include "core/hidden.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

namespace bellhop {

namespace {

[[noreturn]] void refuse(std::string_view where, const std::string& name) {
  throw failure(errc::invalid_argument,
                fmt::format("{} {} is {}, which stands for a value that is not shown: give the value itself", where,
                            in_quotes(name), hidden_value));
}

/// Each hidden one takes the first stored one of its name that was not taken yet, since a header may come twice.
template <class Hides, class SameName>
void keep(std::string_view where, std::vector<header>& given, std::vector<header> stored, Hides hides, SameName same) {
  for (auto& [name, value] : given) {
    if (value != hidden_value || !hides(name))
      continue;
    const auto found =
        std::find_if(stored.begin(), stored.end(), [&, &name = name](const header& h) { return same(h.name, name); });
    if (found == stored.end())
      refuse(where, name);
    value = found->value;
    stored.erase(found);
  }
}

} // namespace

bool is_secret(std::string_view header_name) noexcept {
  constexpr std::array<std::string_view, 3> secret{"Authorization", "Cookie", "Proxy-Authorization"};
  return std::any_of(secret.begin(), secret.end(), [&](auto s) { return equals_ignoring_case(s, header_name); });
}

void keep_hidden(session_configuration& given, const session_configuration& stored) {
  keep("the header", given.headers, stored.headers, is_secret, equals_ignoring_case);
  keep(
      "the launch command's variable", given.launch.environment, stored.launch.environment, [](auto&) { return true; },
      std::equal_to<std::string>{});
}

void refuse_hidden(const std::vector<header>& headers) {
  for (const auto& [name, value] : headers)
    if (value == hidden_value && is_secret(name))
      refuse("the header", name);
}

} // namespace bellhop
