#include "gateway/context.hpp"

#include "gateway/json_text.hpp"

#include <algorithm>

namespace bellhop {

namespace {

std::string lowered(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(), ascii_lower);
  return result;
}

asio::awaitable<std::string> whole_body(call& c, std::size_t most) {
  std::string body;
  for (;;) {
    const auto piece = co_await c.to.read_piece();
    if (piece.empty())
      co_return body;
    if (body.size() + piece.size() > most)
      throw body_too_large(most);
    body += piece;
  }
}

} // namespace

asio::awaitable<session_actor> find_session(call& c) {
  if (auto why = check_identifier(c.session))
    throw failure{std::move(why)};
  co_return co_await c.with.ask.ask<session_actor>(c.with.engine, find_atom_v, c.session);
}

asio::awaitable<json> read_json_if_any(call& c) {
  const auto body = co_await whole_body(c, c.with.options.limits.body_bytes);
  if (body.empty())
    co_return json{};
  form_of_body(c.to.head(), false);
  co_return parse_json(body);
}

asio::awaitable<json> read_json(call& c) {
  form_of_body(c.to.head(), false);
  const auto body = co_await whole_body(c, c.with.options.limits.body_bytes);
  co_return parse_json(body);
}

asio::awaitable<void> read_nothing(call& c) {
  const auto piece = co_await c.to.read_piece();
  if (!piece.empty()) {
    auto why = http_problem(400, "bad_request", "this request has no body");
    why.close = true;
    throw refusal{std::move(why)};
  }
}

std::string content_type_of(const request_head& head) {
  const auto* type = head.find("Content-Type");
  return type ? lowered(trimmed(std::string_view{*type}.substr(0, type->find(';')))) : std::string{};
}

body_form form_of_body(const request_head& head, bool lines_allowed) {
  const auto type = content_type_of(head);
  const auto* coding = head.find("Content-Encoding");
  const bool plain = !coding || equals_ignoring_case(*coding, "identity");
  if (plain && (type.empty() || type == "application/json"))
    return body_form::json;
  if (plain && lines_allowed && type == "application/x-ndjson")
    return body_form::lines;
  const std::string known = lines_allowed ? "application/json or application/x-ndjson" : "application/json";
  auto why = http_problem(415, "unsupported_media_type",
                          plain ? "the body is " + in_quotes(type) + "; it must be " + known
                                : "the body is coded as " + in_quotes(*coding) + "; it must be plain " + known);
  why.headers.push_back({"Accept", known == "application/json" ? known : "application/json, application/x-ndjson"});
  throw refusal{std::move(why)};
}

refusal body_too_large(std::uint64_t most) {
  auto why = problem_of({errc::too_large, "the body is larger than " + std::to_string(most) + " bytes", 0});
  why.close = true;
  return refusal{std::move(why)};
}

response json_response(unsigned status, const json& body) {
  response result;
  result.status = status;
  result.type = "application/json";
  result.body = body.dump();
  return result;
}

response no_content() {
  response result;
  result.status = 204;
  return result;
}

std::uint64_t only_number(const json& object, const char* name) {
  if (!object.is_object() || object.size() != 1 || !object.contains(name))
    throw failure{errc::invalid_argument,
                  std::string{"the body must be an object with the member \""} + name + "\" and no other"};
  const auto& value = object.at(name);
  if (!value.is_number_unsigned())
    throw failure{errc::invalid_argument, std::string{"the member \""} + name + "\" must be a whole number from 0 on"};
  return value.get<std::uint64_t>();
}

} // namespace bellhop
