#pragma once

#include "actors/interfaces.hpp"
#include "core/json.hpp"
#include "gateway/asker.hpp"
#include "gateway/exchange.hpp"
#include "gateway/gateway.hpp"
#include "gateway/gateway_metrics.hpp"
#include "gateway/problem.hpp"
#include "gateway/server.hpp"
#include "gateway/target.hpp"
#include "gateway/turnstile.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace bellhop {

/// What all requests share. Only on the gateway's thread.
struct gateway_context {
  gateway_context(caf::actor_system& s, engine_actor e, const gateway_options& o)
      : system(s), engine(std::move(e)), options(o), io(std::make_shared<asio::io_context>(1)), ask(s, io),
        bulk_submits(o.limits.bulk_at_once) {}

  caf::actor_system& system;
  const engine_actor engine;
  const gateway_options& options;
  const std::shared_ptr<asio::io_context> io;
  asker ask;
  gateway_metrics metrics;
  turnstile bulk_submits;
  /// For each session what its last delegate through this gateway called itself; empty if nothing.
  std::map<std::string, std::string> delegates;
  const std::chrono::steady_clock::time_point started_at = std::chrono::steady_clock::now();
  bool stopping = false;
  const bellhop::server* server = nullptr;

  void log(const std::string& line) const {
    if (options.log)
      options.log(line);
  }
};

/// One request that a route was found for.
struct call {
  gateway_context& with;
  exchange& to;
  query_parameters parameters;
  /// From the path, where it has them.
  std::string session;
  transfer_id transfer;
};

using route_function = asio::awaitable<void> (*)(call&);

// What routes have in common.

/// The session of the path. Throws `failure` (invalid_identifier, unknown_session).
asio::awaitable<session_actor> find_session(call&);

/// A body of JSON, which must be there. Throws `refusal` (413, 415) and `failure`.
asio::awaitable<json> read_json(call&);
/// The same; null if the body is empty.
asio::awaitable<json> read_json_if_any(call&);
/// The request must not have a body. Throws `refusal`.
asio::awaitable<void> read_nothing(call&);

/// "application/json" of "application/json; charset=utf-8", in lower case; empty if there is none.
std::string content_type_of(const request_head&);
enum class body_form : std::uint8_t { json, lines };
/// What the body is; no type counts as JSON. Throws `refusal` (415) for anything else.
body_form form_of_body(const request_head&, bool lines_allowed);
refusal body_too_large(std::uint64_t most);

response json_response(unsigned status, const json&);
/// 204.
response no_content();

/// The object's one member. Throws `failure` that names it when it is not there or no number, or there are others.
std::uint64_t only_number(const json& object, const char* name);

} // namespace bellhop
