#include "gateway/routes.hpp"

/// The log of events as a list, and its acknowledgement. The stream is in event_stream.cpp.
namespace bellhop {

namespace {

bool accepts_stream(const request_head& head) {
  const auto* accept = head.find("Accept");
  return accept && accept->find("text/event-stream") != std::string::npos;
}

} // namespace

asio::awaitable<void> get_events(call& c) {
  if (accepts_stream(c.to.head()))
    co_return co_await stream_events(c);
  const event_number after{c.parameters.take_number("after", 0, INT64_MAX).value_or(0)};
  const auto limit = static_cast<std::uint32_t>(c.parameters.take_number("limit", 1, 1000).value_or(100));
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  auto session = co_await find_session(c);
  const auto events = co_await c.with.ask.ask<std::vector<event>>(session, events_atom_v, after, limit);
  auto list = json::array();
  for (const auto& each : events)
    list.push_back(to_json(each));
  json body{{"events", std::move(list)}};
  co_await c.to.answer(json_response(200, body));
}

asio::awaitable<void> acknowledge_events(call& c) {
  c.parameters.expect_no_more();
  const auto body = co_await read_json(c);
  const event_number upto{only_number(body, "upto")};
  auto session = co_await find_session(c);
  co_await c.with.ask.ask<void>(session, acknowledge_atom_v, upto);
  co_await c.to.answer(no_content());
}

} // namespace bellhop
