#include "core/api_problem.hpp"

#include "core/json.hpp"

#include <fmt/format.h>

#include <string>

namespace bellhop {

namespace {

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

} // namespace

error error_from_problem(int status, std::string_view body) {
  const auto problem = json::parse(body, nullptr, false);
  const auto code = problem.is_object() ? text_of(problem, "code") : std::string{};
  if (code.empty())
    return {errc::bad_response, fmt::format("the daemon answered with status {} and no word why", status), 0};
  auto detail = text_of(problem, "detail");
  if (detail.empty())
    detail = text_of(problem, "title");
  // A newer daemon may have codes that are not known here.
  auto known = errc_from_string(code);
  if (known == errc::none)
    known = errc::internal;
  return {known, detail.empty() ? code : detail, 0};
}

} // namespace bellhop
