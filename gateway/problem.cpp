#include "gateway/problem.hpp"

#include "core/json.hpp"

#include <array>

namespace bellhop {

unsigned status_of(errc code) noexcept {
  switch (code) {
  case errc::unknown_session:
  case errc::unknown_transfer:
    return 404;
  case errc::session_in_use:
  case errc::wrong_state:
    return 409;
  case errc::too_large:
    return 413;
  case errc::shutting_down:
  case errc::daemon_unavailable:
  case errc::timed_out:
  case errc::no_space:
    return 503;
  default:
    break;
  }
  const auto domain = domain_of(code);
  if (domain == "input")
    return 400;
  return domain == "ledger" ? 503 : 500;
}

problem problem_of(const error& why) {
  problem result;
  result.status = status_of(why.code);
  result.domain = domain_of(why.code);
  result.code = to_string(why.code);
  result.detail = why.message;
  if (result.status == 503)
    result.headers.push_back({"Retry-After", "1"});
  return result;
}

problem http_problem(unsigned status, std::string code, std::string detail) {
  problem result;
  result.status = status;
  result.code = std::move(code);
  result.detail = std::move(detail);
  return result;
}

response to_response(const problem& why) {
  json body{{"type", "about:blank"}, {"title", reason_phrase(why.status)},
            {"status", why.status},  {"detail", to_utf8(why.detail)},
            {"domain", why.domain},  {"code", why.code}};
  if (why.index)
    body["index"] = *why.index;
  response result;
  result.status = why.status;
  result.type = "application/problem+json";
  result.body = body.dump();
  result.headers = why.headers;
  result.close = why.close;
  return result;
}

std::string_view reason_phrase(unsigned status) noexcept {
  struct entry {
    unsigned status;
    std::string_view phrase;
  };
  static constexpr std::array entries{
      entry{200, "OK"},
      entry{201, "Created"},
      entry{202, "Accepted"},
      entry{204, "No Content"},
      entry{400, "Bad Request"},
      entry{401, "Unauthorized"},
      entry{403, "Forbidden"},
      entry{404, "Not Found"},
      entry{405, "Method Not Allowed"},
      entry{409, "Conflict"},
      entry{413, "Content Too Large"},
      entry{415, "Unsupported Media Type"},
      entry{431, "Request Header Fields Too Large"},
      entry{500, "Internal Server Error"},
      entry{503, "Service Unavailable"},
  };
  for (const auto& e : entries)
    if (e.status == status)
      return e.phrase;
  return {};
}

} // namespace bellhop
