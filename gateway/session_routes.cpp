#include "core/hidden.hpp"
#include "gateway/routes.hpp"

#include <algorithm>

/// Sessions: opened, shown, paused, ended.
namespace bellhop {

namespace {

/// What the ledger has about sessions. An ephemeral one is not among them.
asio::awaitable<std::vector<session_summary>> all_sessions(call& c) {
  co_return co_await c.with.ask.ask<std::vector<session_summary>>(c.with.engine, sessions_atom_v);
}

json session_json(const session_summary& stored, const session_status& now) {
  auto result = to_json(stored.record, now.counts);
  result["status"] = to_json(now);
  return result;
}

const session_summary* find_stored(const std::string& identifier, const std::vector<session_summary>& all) {
  const auto found = std::ranges::find(
      all, identifier, [](const auto& each) -> const auto& { return each.record.identifier; });
  return found == all.end() ? nullptr : &*found;
}

session_summary summary_of(const std::string& identifier, const std::vector<session_summary>& all,
                           const session_status& now) {
  if (const auto* stored = find_stored(identifier, all))
    return *stored;
  session_summary result;
  result.record.identifier = identifier;
  result.record.configuration.kind = session_kind::ephemeral;
  result.record.acknowledged = now.acknowledged;
  result.record.last_event = now.last_event;
  result.record.phase = now.phase;
  result.record.paused = now.paused;
  return result;
}

asio::awaitable<json> describe(call& c, session_actor session) {
  auto now = co_await c.with.ask.ask<session_status>(session, status_atom_v);
  const auto all = co_await all_sessions(c);
  co_return session_json(summary_of(c.session, all, now), now);
}

/// What the daemon holds goes on without the program.
session_configuration configuration_of(const json& body) {
  session_configuration result;
  if (!body.is_null())
    result = configuration_from_json(body, unknown_members::refused);
  if (result.kind == session_kind::standard)
    result.kind = session_kind::background;
  return result;
}

asio::awaitable<std::optional<session_actor>> find_if_there(call& c) {
  error why;
  try {
    co_return co_await find_session(c);
  } catch (const failure& f) {
    why = f.why();
  }
  if (why.code != errc::unknown_session)
    throw failure{why};
  co_return std::nullopt;
}

asio::awaitable<void> set_paused(call& c, bool paused) {
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  auto session = co_await find_session(c);
  co_await c.with.ask.ask<void>(session, pause_atom_v, paused);
  auto body = co_await describe(c, session);
  co_await c.to.answer(json_response(200, body));
}

} // namespace

asio::awaitable<void> list_sessions(call& c) {
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  auto list = json::array();
  const auto all = co_await all_sessions(c);
  for (const auto& each : all) {
    c.session = each.record.identifier;
    auto session = co_await find_if_there(c);
    if (!session)
      continue; // It has just gone.
    const auto now = co_await c.with.ask.ask<session_status>(*session, status_atom_v);
    list.push_back(session_json(each, now));
  }
  json body{{"sessions", std::move(list)}};
  co_await c.to.answer(json_response(200, body));
}

asio::awaitable<void> put_session(call& c) {
  c.parameters.expect_no_more();
  const auto body = co_await read_json_if_any(c);
  auto configuration = configuration_of(body);
  auto session = co_await find_if_there(c);
  const bool created = !session;
  if (!body.is_null()) {
    const auto all = co_await all_sessions(c);
    const auto* stored = find_stored(c.session, all);
    keep_hidden(configuration, stored ? stored->record.configuration : session_configuration{});
  }
  if (created || !body.is_null())
    session =
        co_await c.with.ask.ask<session_actor>(c.with.engine, open_atom_v, c.session, configuration, !body.is_null());
  auto shown = co_await describe(c, *session);
  co_await c.to.answer(json_response(created ? 201 : 200, shown));
}

asio::awaitable<void> get_session(call& c) {
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  auto session = co_await find_session(c);
  auto body = co_await describe(c, session);
  co_await c.to.answer(json_response(200, body));
}

asio::awaitable<void> delete_session(call& c) {
  const auto mode = c.parameters.take("mode").value_or("finish");
  if (mode != "finish" && mode != "cancel")
    throw failure{errc::invalid_argument,
                  "the query parameter mode is " + in_quotes(mode) + "; it must be finish or cancel"};
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  auto session = co_await find_session(c);
  // One that has nothing left is gone as soon as it is told.
  auto body = co_await describe(c, session);
  co_await c.with.ask.ask<void>(session, invalidate_atom_v, mode == "cancel");
  const auto phase = to_string(mode == "cancel" ? session_phase::cancelling : session_phase::finishing);
  body["phase"] = phase;
  body["status"]["phase"] = phase;
  co_await c.to.answer(json_response(202, body));
}

asio::awaitable<void> pause_session(call& c) {
  co_await set_paused(c, true);
}

asio::awaitable<void> resume_session(call& c) {
  co_await set_paused(c, false);
}

asio::awaitable<void> complete_session(call& c) {
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  co_await find_session(c);
  caf::anon_send(c.with.engine, complete_atom_v, c.session);
  co_await c.to.answer(no_content());
}

} // namespace bellhop
