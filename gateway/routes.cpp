#include "gateway/routes.hpp"

#include "gateway/access.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace bellhop {

namespace {

constexpr std::array all_routes{
    route{"GET", "/v1/health", get_health},
    route{"GET", "/metrics", get_metrics},
    route{"GET", "/v1/sessions", list_sessions},
    route{"PUT", "/v1/sessions/{id}", put_session},
    route{"GET", "/v1/sessions/{id}", get_session},
    route{"DELETE", "/v1/sessions/{id}", delete_session},
    route{"POST", "/v1/sessions/{id}/pause", pause_session},
    route{"POST", "/v1/sessions/{id}/resume", resume_session},
    route{"POST", "/v1/sessions/{id}/complete", complete_session},
    route{"POST", "/v1/sessions/{id}/transfers", submit_transfers},
    route{"GET", "/v1/sessions/{id}/transfers", list_transfers},
    route{"PATCH", "/v1/sessions/{id}/transfers", change_transfers},
    route{"POST", "/v1/sessions/{id}/transfers/pause", pause_transfers},
    route{"POST", "/v1/sessions/{id}/transfers/resume", resume_transfers},
    route{"POST", "/v1/sessions/{id}/transfers/cancel", cancel_transfers},
    route{"POST", "/v1/sessions/{id}/transfers/remove", remove_transfers},
    route{"GET", "/v1/sessions/{id}/transfers/{n}", get_transfer},
    route{"PATCH", "/v1/sessions/{id}/transfers/{n}", change_transfer},
    route{"DELETE", "/v1/sessions/{id}/transfers/{n}", delete_transfer},
    route{"POST", "/v1/sessions/{id}/transfers/{n}/pause", pause_transfer},
    route{"POST", "/v1/sessions/{id}/transfers/{n}/resume", resume_transfer},
    route{"POST", "/v1/sessions/{id}/transfers/{n}/cancel", cancel_transfer},
    route{"GET", "/v1/sessions/{id}/events", get_events},
    route{"POST", "/v1/sessions/{id}/events/ack", acknowledge_events},
};

bool take_number(const std::string& text, transfer_id& out) {
  const auto number = parse_digits(text);
  if (!number || *number == 0)
    return false;
  out.value = static_cast<std::uint64_t>(*number);
  return true;
}

/// Whether the path is this route's, and what stands for {id} and {n}.
bool matches(std::string_view pattern, const std::vector<std::string>& segments, found_route& out) {
  for (const auto& segment : segments) {
    if (pattern.empty())
      return false;
    pattern.remove_prefix(1);
    const auto part = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(part.size());
    if (part == "{id}" && !segment.empty())
      out.session = segment;
    else if (part == "{n}" ? !take_number(segment, out.transfer) : part != segment)
      return false;
  }
  return pattern.empty();
}

refusal no_such_path(const std::string& target) {
  return refusal{http_problem(404, "not_found", "there is nothing at " + in_quotes(target))};
}

refusal no_such_method(const std::string& method, const std::vector<std::string_view>& others) {
  auto why = http_problem(405, "method_not_allowed", "the method " + in_quotes(method) + " is not for this path");
  std::string allow;
  for (const auto other : others)
    allow += (allow.empty() ? "" : ", ") + std::string{other} + (other == "GET" ? ", HEAD" : "");
  why.headers.push_back({"Allow", allow});
  return refusal{std::move(why)};
}

/// What was thrown while a request was served, as the client is told it.
problem problem_of_current(const gateway_context& with, std::string_view path) {
  try {
    throw;
  } catch (const refusal& r) {
    return r.why();
  } catch (const failure& f) {
    return problem_of(f.why());
  } catch (const boost::system::system_error&) {
    throw; // The connection's.
  } catch (const std::exception& e) {
    with.log("internal error in " + std::string{path} + ": " + e.what());
    return problem_of({errc::internal, "internal error; the daemon's log has the details", 0});
  }
}

} // namespace

std::span<const route> routes() {
  return all_routes;
}

found_route find_route(std::string_view method, const std::vector<std::string>& segments) {
  const auto wanted = method == "HEAD" ? std::string_view{"GET"} : method;
  found_route result;
  for (const auto& each : all_routes) {
    if (!matches(each.path, segments, result))
      continue;
    if (each.method == wanted) {
      result.what = &each;
      return result;
    }
    result.other_methods.push_back(each.method);
  }
  return result;
}

asio::awaitable<void> api::serve(exchange& to) {
  route which{"", "", nullptr};
  std::optional<problem> why;
  try {
    co_await dispatch(to, which);
  } catch (...) {
    why = problem_of_current(with_, which.path);
  }
  if (why && to.status() == 0)
    co_await to.answer(to_response(*why));
  with_.metrics.request_served(which.method, which.path, to.status());
}

asio::awaitable<void> api::dispatch(exchange& to, route& which) {
  if (auto why = refuse_access(to.head(), with_.options.token))
    throw refusal{std::move(*why)};
  auto where = parse_target(to.head().target);
  auto found = find_route(to.head().method, where.segments);
  if (!found.what && found.other_methods.empty())
    throw no_such_path(to.head().target);
  if (!found.what)
    throw no_such_method(to.head().method, found.other_methods);
  which = *found.what;
  call c{with_, to, std::move(where.parameters), std::move(found.session), found.transfer};
  co_await found.what->serve(c);
}

} // namespace bellhop
