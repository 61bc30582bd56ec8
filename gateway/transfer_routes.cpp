#include "gateway/routes.hpp"

/// Transfers: shown, paused, changed, ended. How they are handed over is in bulk_submit.cpp.
namespace bellhop {

namespace {

constexpr std::uint64_t default_page = 100;
constexpr std::uint64_t largest_page = 1000;

std::vector<transfer_state> states_of(std::string_view text) {
  std::vector<transfer_state> result;
  for (;;) {
    const auto end = text.find(',');
    const auto name = text.substr(0, end);
    transfer_state state{};
    if (!from_string(name, state))
      throw failure{errc::invalid_argument,
                    "the query parameter state has " + in_quotes(name) +
                        "; it may have suspended, queued, running, waiting, finishing, completed, failed, cancelled"};
    result.push_back(state);
    if (end == text.npos)
      return result;
    text.remove_prefix(end + 1);
  }
}

std::vector<transfer_id> ids_of(const json& body, const char* beside = nullptr) {
  const bool fits = body.is_object() && body.contains("ids") && body.at("ids").is_array() &&
                    body.size() == (beside ? 2 : 1) && (!beside || body.contains(beside));
  if (!fits)
    throw failure{errc::invalid_argument,
                  "the body must be an object with the member \"ids\", an array" +
                      (beside ? std::string{", and the member \""} + beside + "\"" : std::string{}) + ", and no other"};
  std::vector<transfer_id> result;
  result.reserve(body.at("ids").size());
  for (const auto& id : body.at("ids")) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() == 0)
      throw failure{errc::invalid_argument, "\"ids\" must be whole numbers from 1 on"};
    result.push_back({id.get<std::uint64_t>()});
  }
  return result;
}

template <class Verb>
asio::awaitable<void> do_to_many(call& c, Verb verb) {
  c.parameters.expect_no_more();
  const auto body = co_await read_json(c);
  auto ids = ids_of(body);
  auto session = co_await find_session(c);
  co_await c.with.ask.ask<void>(session, verb, std::move(ids));
  co_await c.to.answer(no_content());
}

asio::awaitable<void> answer_transfer(call& c, session_actor session, std::string resume_data = {}) {
  auto record = co_await c.with.ask.ask<transfer_record>(session, find_atom_v, c.transfer);
  if (!resume_data.empty())
    record.resume_data = std::move(resume_data);
  co_await c.to.answer(json_response(200, to_json(record)));
}

template <class Verb>
asio::awaitable<void> do_to_one(call& c, Verb verb) {
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  auto session = co_await find_session(c);
  std::vector<transfer_id> ids{c.transfer};
  co_await c.with.ask.ask<void>(session, verb, std::move(ids));
  co_await answer_transfer(c, session);
}

transfer_change checked_change(const json& body) {
  auto result = change_from_json(body);
  if (auto why = check(result))
    throw failure{std::move(why)};
  return result;
}

} // namespace

asio::awaitable<void> list_transfers(call& c) {
  list_filter filter;
  if (const auto states = c.parameters.take("state"))
    filter.states = states_of(*states);
  filter.after.value = c.parameters.take_number("after", 0, INT64_MAX).value_or(0);
  filter.limit = static_cast<std::uint32_t>(c.parameters.take_number("limit", 1, largest_page).value_or(default_page));
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  auto session = co_await find_session(c);
  filter.session = c.session;
  const auto page = co_await c.with.ask.ask<std::vector<transfer_record>>(session, list_atom_v, filter);
  auto list = json::array();
  for (const auto& record : page)
    list.push_back(to_json(record));
  json body{{"transfers", std::move(list)}};
  if (page.size() >= filter.limit)
    body["next"] = page.back().id.value;
  co_await c.to.answer(json_response(200, body));
}

asio::awaitable<void> pause_transfers(call& c) {
  co_await do_to_many(c, suspend_atom_v);
}

asio::awaitable<void> resume_transfers(call& c) {
  co_await do_to_many(c, resume_atom_v);
}

asio::awaitable<void> cancel_transfers(call& c) {
  co_await do_to_many(c, cancel_atom_v);
}

asio::awaitable<void> remove_transfers(call& c) {
  co_await do_to_many(c, remove_atom_v);
}

asio::awaitable<void> change_transfers(call& c) {
  c.parameters.expect_no_more();
  const auto body = co_await read_json(c);
  auto ids = ids_of(body, "change");
  auto change = checked_change(body.at("change"));
  auto session = co_await find_session(c);
  co_await c.with.ask.ask<void>(session, change_atom_v, std::move(ids), std::move(change));
  co_await c.to.answer(no_content());
}

asio::awaitable<void> get_transfer(call& c) {
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  auto session = co_await find_session(c);
  co_await answer_transfer(c, session);
}

asio::awaitable<void> change_transfer(call& c) {
  c.parameters.expect_no_more();
  const auto body = co_await read_json(c);
  auto change = checked_change(body);
  auto session = co_await find_session(c);
  std::vector<transfer_id> ids{c.transfer};
  co_await c.with.ask.ask<void>(session, change_atom_v, std::move(ids), std::move(change));
  co_await answer_transfer(c, session);
}

asio::awaitable<void> delete_transfer(call& c) {
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  auto session = co_await find_session(c);
  std::vector<transfer_id> ids{c.transfer};
  co_await c.with.ask.ask<void>(session, remove_atom_v, std::move(ids));
  co_await c.to.answer(no_content());
}

asio::awaitable<void> pause_transfer(call& c) {
  co_await do_to_one(c, suspend_atom_v);
}

asio::awaitable<void> resume_transfer(call& c) {
  co_await do_to_one(c, resume_atom_v);
}

asio::awaitable<void> cancel_transfer(call& c) {
  if (!c.parameters.take_flag("resume_data"))
    co_return co_await do_to_one(c, cancel_atom_v);
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  auto session = co_await find_session(c);
  auto data = co_await c.with.ask.ask<std::string>(session, cancel_atom_v, c.transfer);
  co_await answer_transfer(c, session, std::move(data));
}

} // namespace bellhop
