#include "actors/remote_engine.hpp"
#include "actors/session_proxy.hpp"
#include "core/json.hpp"
#include "tests/support/actor_fixture.hpp"

#include <fmt/format.h>

#include <deque>
#include <functional>

using namespace bellhop;
using namespace bellhop::test;
using Catch::Contains;

namespace {

/// The daemon's end of the wire, as the test says.
struct fake_api {
  /// Gives the answer; none withholds it.
  std::function<std::optional<api_answer>(const api_request&)> answers;
  std::vector<api_request> requests;
  std::deque<caf::typed_response_promise<api_answer>> withheld;
  /// The streams that were asked for, in order.
  std::vector<std::pair<api_stream, stream_reader_actor>> streams;
  std::uint64_t accepted = 0;

  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (const auto& r : requests)
      all.push_back(fmt::format("{} {} {}", r.method, r.target, r.body));
    return all;
  }
};

/// `resume` answers well what was withheld.
using api_twin_actor = api_actor::extend<caf::reacts_to<resume_atom>>;

api_twin_actor::behavior_type api_twin(api_twin_actor::pointer self, std::shared_ptr<fake_api> api) {
  return {
      [self, api](const api_request& request) -> caf::result<api_answer> {
        api->requests.push_back(request);
        if (auto answer = api->answers ? api->answers(request) : std::nullopt)
          return std::move(*answer);
        api->withheld.push_back(self->make_response_promise<api_answer>());
        return api->withheld.back();
      },
      [api](open_atom, const api_stream& stream, const stream_reader_actor& reader) {
        api->streams.emplace_back(stream, reader);
      },
      [api](accept_atom, stream_id, std::uint64_t events) { api->accepted += events; },
      [api](stop_atom) {
        for (auto& each : std::exchange(api->withheld, {}))
          each.deliver(api_answer{.why = {errc::shutting_down, "stopped", 0}, .body = {}});
      },
      [api](resume_atom) {
        for (auto& each : std::exchange(api->withheld, {}))
          each.deliver(api_answer{.why = {}, .status = 200, .body = "{}"});
      },
  };
}

api_answer ok(const json& body) {
  return {.why = {}, .status = 200, .body = body.dump()};
}

api_answer refused(errc code) {
  return {.why = {code, "as the test says", 0}, .status = 409, .body = {}};
}

event numbered(std::uint64_t number) {
  event e;
  e.seq.value = number;
  e.transfer.value = number;
  e.session = "pictures";
  e.url = "http://example.org/" + std::to_string(number);
  e.destination = "/pictures/" + std::to_string(number);
  return e;
}

stream_event streamed(std::uint64_t number) {
  return {std::to_string(number), "completed", to_json(numbered(number)).dump()};
}

json shown(const std::string& identifier, const session_status& status, session_kind kind = session_kind::background) {
  session_record record;
  record.identifier = identifier;
  record.configuration.kind = kind;
  auto out = to_json(record, status.counts);
  out["status"] = to_json(status);
  return out;
}

class proxy_fixture : public actor_fixture {
public:
  ~proxy_fixture() {
    api->streams.clear();
    api->answers = {};
    api->withheld.clear();
  }

  std::shared_ptr<fake_api> api = std::make_shared<fake_api>();
  api_twin_actor twin = ends(system.spawn(api_twin, api));
  api_actor wire{twin};
  session_proxy_actor proxy = ends(system.spawn(session_proxy_behavior, wire, std::string{"pictures"}));
  session_actor session{proxy};
  std::shared_ptr<fake_delegate> log = std::make_shared<fake_delegate>();

  void answer_with(std::function<std::optional<api_answer>(const api_request&)> with) {
    api->answers = std::move(with);
  }
  void answer_with(const api_answer& with) {
    api->answers = [with](const auto&) { return with; };
  }

  /// Who asks for the session is told of a log of so many events.
  void answer_with_last_event(event_number last) {
    session_status status;
    status.last_event = last;
    answer_with(ok(shown("pictures", status)));
  }

  const api_stream& stream() const { return api->streams.back().first; }
  const stream_reader_actor& reader() const { return api->streams.back().second; }

  void open() {
    caf::anon_send(reader(), ready_atom_v, stream().id);
    settle();
  }
  void bring(std::vector<stream_event> events) {
    caf::anon_send(reader(), events_atom_v, stream().id,
                   stream_events_ptr{std::make_shared<const std::vector<stream_event>>(std::move(events))});
    settle();
  }
  void bring(std::uint64_t first, std::uint64_t last) {
    std::vector<stream_event> events;
    for (auto i = first; i <= last; ++i)
      events.push_back(streamed(i));
    bring(std::move(events));
  }
  void break_off(errc code = errc::daemon_unavailable) {
    caf::anon_send(reader(), closed_atom_v, stream().id, error{code, "the stream has ended", 0});
    settle();
  }

  /// A delegate that is attached.
  delegate_twin_actor attached(std::shared_ptr<fake_delegate> to, bool take_over = false) {
    auto handle = spawn_delegate(std::move(to));
    auto answer = later<void>(session, attach_atom_v, delegate_actor{handle}, take_over);
    settle();
    open();
    answer.value();
    return handle;
  }
};

} // namespace

TEST_CASE_METHOD(proxy_fixture, "what is asked of a session is asked in the daemon's words", "[proxy]") {
  answer_with(ok(json::object()));
  const std::vector<transfer_id> ids{{7}, {8}};
  ask<void>(session, suspend_atom_v, ids);
  ask<void>(session, resume_atom_v, ids);
  ask<void>(session, cancel_atom_v, ids);
  ask<void>(session, remove_atom_v, ids);
  transfer_change change;
  change.priority = 1;
  ask<void>(session, change_atom_v, ids, change);
  ask<void>(session, acknowledge_atom_v, event_number{9});
  ask<void>(session, pause_atom_v, true);
  ask<void>(session, pause_atom_v, false);
  ask<void>(session, invalidate_atom_v, false);
  ask<void>(session, invalidate_atom_v, true);
  // Nothing to ask.
  ask<void>(session, cancel_atom_v, std::vector<transfer_id>{});
  CHECK(ask<std::vector<transfer_record>>(session, list_atom_v, list_filter{{}, {}, {}, 0}).empty());
  CHECK(api->lines() == std::vector<std::string>{
                            R"(POST /v1/sessions/pictures/transfers/pause {"ids":[7,8]})",
                            R"(POST /v1/sessions/pictures/transfers/resume {"ids":[7,8]})",
                            R"(POST /v1/sessions/pictures/transfers/cancel {"ids":[7,8]})",
                            R"(POST /v1/sessions/pictures/transfers/remove {"ids":[7,8]})",
                            R"(PATCH /v1/sessions/pictures/transfers {"change":{"priority":1.0},"ids":[7,8]})",
                            R"(POST /v1/sessions/pictures/events/ack {"upto":9})",
                            "POST /v1/sessions/pictures/pause ",
                            "POST /v1/sessions/pictures/resume ",
                            "DELETE /v1/sessions/pictures?mode=finish ",
                            "DELETE /v1/sessions/pictures?mode=cancel ",
                        });
  for (const auto& each : api->requests) {
    CHECK(each.lane == "pictures");
    CHECK(each.repeatable);
  }
}

TEST_CASE_METHOD(proxy_fixture, "what the daemon answers is what a session answers", "[proxy]") {
  transfer_record record;
  record.id = {7};
  record.session = "pictures";
  record.request = picture(7);
  record.state = transfer_state::waiting;
  record.request.metadata = R"({"a":1})";
  session_status status;
  status.counts.queued = 3;
  status.last_event = {12};
  status.paused = true;
  answer_with([&](const api_request& r) -> api_answer {
    if (r.target.ends_with("/transfers/7"))
      return ok(to_json(record));
    if (r.target.ends_with("/cancel?resume_data=true"))
      return ok({{"id", 7}, {"resume_data", "abc"}});
    if (r.target.ends_with("/events?after=11&limit=5"))
      return ok({{"events", json::array({to_json(numbered(12))})}});
    return ok(shown("pictures", status));
  });
  CHECK(find(session, {7}) == record);
  CHECK(ask<std::string>(session, cancel_atom_v, transfer_id{7}) == "abc");
  CHECK(ask<session_status>(session, status_atom_v) == status);
  CHECK(ask<session_counts>(session, counts_atom_v) == status.counts);
  CHECK(ask<std::vector<event>>(session, events_atom_v, event_number{11}, std::uint32_t{5}) ==
        std::vector<event>{numbered(12)});
}

TEST_CASE_METHOD(proxy_fixture, "what the daemon refuses is refused", "[proxy]") {
  answer_with(refused(errc::wrong_state));
  CHECK(ask_error<void>(session, cancel_atom_v, std::vector<transfer_id>{{7}}).code == errc::wrong_state);
  CHECK(ask_error<transfer_record>(session, find_atom_v, transfer_id{7}).code == errc::wrong_state);
  CHECK(ask_error<std::vector<submit_result>>(session, submit_atom_v, pictures(2)).code == errc::wrong_state);
  for (const auto* nonsense : {"", "[", "[]", "{}", R"({"ids":[1]})", R"({"status":7})"}) {
    answer_with(api_answer{.why = {}, .status = 200, .body = nonsense});
    CHECK(ask_error<session_status>(session, status_atom_v).code == errc::bad_response);
    CHECK(ask_error<std::vector<submit_result>>(session, submit_atom_v, pictures(2)).code == errc::bad_response);
    CHECK(ask_error<std::vector<transfer_record>>(session, list_atom_v, list_filter{}).code == errc::bad_response);
  }
}

TEST_CASE_METHOD(proxy_fixture, "a submit has one result for each request", "[proxy]") {
  auto requests = pictures(4);
  requests[1].destination = "relative";
  answer_with(ok({{"accepted", 2},
                  {"refused", 1},
                  {"ids", {11, nullptr, 12}},
                  {"errors", {{{"index", 1}, {"error", to_json(error{errc::invalid_url, "no", 0})}}}}}));
  const auto results = ask<std::vector<submit_result>>(session, submit_atom_v, requests);
  REQUIRE(results.size() == 4);
  CHECK(results[0] == submit_result{{11}, {}});
  CHECK(results[1].why.code == errc::invalid_destination);
  CHECK(results[2] == submit_result{{}, {errc::invalid_url, "no", 0}});
  CHECK(results[3] == submit_result{{12}, {}});
  REQUIRE(api->requests.size() == 1);
  const auto& sent = api->requests[0];
  CHECK(sent.target == "/v1/sessions/pictures/transfers");
  CHECK(sent.content_type == "application/x-ndjson");
  CHECK_FALSE(sent.repeatable);
  CHECK(std::count(sent.body.begin(), sent.body.end(), '\n') == 3);
  CHECK(request_from_json(json::parse(sent.body.substr(0, sent.body.find('\n')))) == requests[0]);
  // Those that are all wrong are nothing to ask.
  CHECK(ask<std::vector<submit_result>>(session, submit_atom_v, std::vector{requests[1]}).at(0).why);
  CHECK(api->requests.size() == 1);
}

TEST_CASE_METHOD(proxy_fixture, "what was done by a try whose answer was lost is done", "[proxy]") {
  answer_with([](const api_request& r) -> api_answer {
    if (r.method == "GET")
      return ok({{"id", 7}, {"resume_data", "kept"}});
    auto answer = refused(r.target.ends_with("/remove")                   ? errc::unknown_transfer
                          : r.target.find("/cancel") != std::string::npos ? errc::wrong_state
                                                                          : errc::unknown_session);
    answer.repeated = true;
    return answer;
  });
  ask<void>(session, remove_atom_v, std::vector<transfer_id>{{7}});
  ask<void>(session, invalidate_atom_v, true);
  CHECK(ask<std::string>(session, cancel_atom_v, transfer_id{7}) == "kept");
}

TEST_CASE_METHOD(proxy_fixture, "lists are read in pages", "[proxy]") {
  static constexpr std::uint64_t rows = 2500;
  answer_with([](const api_request& r) -> api_answer {
    std::uint64_t after = 0;
    std::uint64_t limit = 0;
    CHECK(std::sscanf(r.target.c_str(), "/v1/sessions/pictures/transfers?state=queued,failed&after=%lu&limit=%lu",
                      &after, &limit) == 2);
    CHECK(limit <= 1000);
    auto page = json::array();
    for (auto id = after + 1; id <= std::min(rows, after + limit); ++id) {
      transfer_record record;
      record.id.value = id;
      record.request = picture(1);
      page.push_back(to_json(record));
    }
    return ok({{"transfers", page}});
  });
  list_filter filter{"ignored", {transfer_state::queued, transfer_state::failed}, {}, 10'000};
  CHECK(ask<std::vector<transfer_record>>(session, list_atom_v, filter).size() == rows);
  CHECK(api->requests.size() == 3);
  filter.limit = 2'100;
  const auto some = ask<std::vector<transfer_record>>(session, list_atom_v, filter);
  REQUIRE(some.size() == 2'100);
  CHECK(some.back().id.value == 2'100);
}

TEST_CASE_METHOD(proxy_fixture, "ids are sent in pieces that the daemon takes", "[proxy]") {
  std::vector<transfer_id> ids;
  for (std::uint64_t i = 1; i <= 25'000; ++i)
    ids.push_back({i * 1'000'000'000'000});
  std::size_t asked = 0;
  answer_with([&](const api_request& r) -> api_answer {
    CHECK(r.body.size() < 1024 * 1024);
    asked += json::parse(r.body)["ids"].size();
    return asked == 20'000 ? refused(errc::wrong_state) : ok({});
  });
  CHECK(ask_error<void>(session, suspend_atom_v, ids).code == errc::wrong_state);
  CHECK(asked == ids.size());
}

TEST_CASE_METHOD(proxy_fixture, "a delegate gets what the stream brings, one batch at a time", "[proxy]") {
  log->withholds = true;
  const auto delegate = attached(log);
  CHECK_THAT(stream().target, Contains("attach=true&client=") && !Contains("take_over"));
  CHECK_FALSE(stream().last_event);
  bring(1, 2);
  bring(3, 300);
  bring({{"", "progress", R"([{"session":"pictures","transfer":301,"bytes":5}])"},
         {"", "notice", R"({"type":"started","session":"pictures","transfer":301,"bytes":0})"},
         {"", "of a newer daemon", "{}"},
         {"", "finished", R"({"session":"pictures"})"}});
  CHECK(log->numbers() == std::vector<std::uint64_t>{1, 2});
  CHECK(log->finished_after.empty());
  caf::anon_send(delegate, resume_atom_v);
  settle();
  CHECK(log->numbers().size() == 300);
  CHECK(log->batches.size() == 3);
  CHECK(log->events().back() == numbered(300));
  CHECK(log->finished_after == std::vector<std::size_t>{300});
  REQUIRE(log->moved.size() == 1);
  CHECK(log->moved[0] == std::vector<progress>{{{301}, 5, unknown_size}});
  REQUIRE(log->notices.at(0).size() == 1);
  CHECK(log->notices[0][0].type == notice_type::started);
  CHECK(api->accepted == 304);
}

TEST_CASE_METHOD(proxy_fixture, "a delegate that cannot be attached is told why", "[proxy]") {
  auto answer = later<void>(session, attach_atom_v, delegate_actor{spawn_delegate(log)}, false);
  settle();
  CHECK_FALSE(answer.done());
  SECTION("by the daemon") {
    break_off(errc::session_in_use);
    CHECK(answer.why().code == errc::session_in_use);
  }
  SECTION("when there is none for long") {
    for (int i = 0; i < 70 && !answer.done(); ++i) {
      break_off();
      advance(1s);
    }
    CHECK(answer.why().code == errc::daemon_unavailable);
    CHECK(api->streams.size() > 20);
  }
  SECTION("but a daemon that comes is waited for") {
    break_off();
    advance(5s);
    open();
    answer.value();
    bring(1, 1);
    CHECK(log->numbers() == std::vector<std::uint64_t>{1});
    CHECK(log->stalls.empty());
    return;
  }
  CHECK(log->detached.empty());
  // The place is free again.
  attached(std::make_shared<fake_delegate>());
}

TEST_CASE_METHOD(proxy_fixture, "a stream that breaks goes on where it was", "[proxy]") {
  attached(log);
  const auto target = stream().target;
  bring(1, 5);
  break_off();
  CHECK(api->streams.size() == 1);
  SECTION("in a moment, and nobody is told") {
    advance(100ms, 50ms);
  }
  SECTION("after a while, and the delegate knows") {
    advance(990ms, 10ms);
    CHECK(log->stalls.empty());
    advance(5s);
    REQUIRE(log->stalls.size() == 1);
    CHECK(log->stalls[0].code == errc::daemon_unavailable);
  }
  const bool told = !log->stalls.empty();
  REQUIRE(api->streams.size() == 2);
  CHECK(stream().target == target);
  CHECK(stream().last_event == event_number{5});
  answer_with(refused(errc::internal));
  open();
  if (told)
    CHECK(log->stalls.back() == error{});
  CHECK(log->stalls.size() == (told ? 2 : 0));
  // Whatever the daemon repeats.
  bring(3, 9);
  CHECK(log->numbers() == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE_METHOD(proxy_fixture, "a stream that broke before all was delivered loses nothing", "[proxy]") {
  log->withholds = true;
  const auto delegate = attached(log);
  bring(1, 3);
  bring(4, 6);
  break_off();
  advance(1s, 50ms);
  answer_with(refused(errc::internal));
  open();
  bring(2, 7);
  caf::anon_send(delegate, resume_atom_v);
  settle();
  CHECK(log->numbers() == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE_METHOD(proxy_fixture, "that all is finished is told once, though the daemon died before it could",
                 "[proxy]") {
  attached(log);
  bring(1, 3);
  session_status status;
  status.last_event = {3};
  SECTION("when nothing is left") {
    answer_with(ok(shown("pictures", status)));
    break_off();
    advance(1s, 50ms);
    open();
    CHECK(log->finished_after == std::vector<std::size_t>{3});
    bring({{"", "finished", "{}"}});
    CHECK(log->finished_after.size() == 1);
    // It was told before, and nothing has come since.
    break_off();
    advance(1s, 50ms);
    open();
    bring({{"", "finished", "{}"}});
    CHECK(log->finished_after.size() == 1);
    bring(4, 4);
    bring({{"", "finished", "{}"}});
    CHECK(log->finished_after == std::vector<std::size_t>{3, 4});
  }
  SECTION("when more is to come") {
    status.counts.queued = 1;
    answer_with(ok(shown("pictures", status)));
    break_off();
    advance(1s, 50ms);
    open();
    CHECK(log->finished_after.empty());
    bring(4, 4);
    bring({{"", "finished", "{}"}});
    CHECK(log->finished_after == std::vector<std::size_t>{4});
  }
}

TEST_CASE_METHOD(proxy_fixture, "a delegate that blocks keeps its place, and gets all from the log", "[proxy]") {
  static constexpr std::uint64_t count = 3 * event_inbox::most_events;
  log->withholds = true;
  const auto delegate = attached(log);
  for (std::uint64_t i = 1; i <= count; i += 100)
    bring(i, std::min(count, i + 99));
  // All was taken from the wire.
  CHECK(api->accepted == count);
  bool broken = true;
  answer_with([&](const api_request& r) -> api_answer {
    std::uint64_t after = 0;
    std::uint64_t limit = 0;
    CHECK(std::sscanf(r.target.c_str(), "/v1/sessions/pictures/events?after=%lu&limit=%lu", &after, &limit) == 2);
    if (std::exchange(broken, false))
      return refused(errc::ledger_io);
    auto page = json::array();
    for (auto i = after + 1; i <= std::min(count, after + limit); ++i)
      page.push_back(to_json(numbered(i)));
    return ok({{"events", page}});
  });
  bring({{"", "finished", "{}"}});
  caf::anon_send(delegate, resume_atom_v);
  settle();
  CHECK(log->numbers().size() < count);
  advance(5s, 50ms);
  const auto numbers = log->numbers();
  REQUIRE(numbers.size() == count);
  for (std::uint64_t i = 0; i < count; ++i)
    REQUIRE(numbers[i] == i + 1);
  CHECK(log->finished_after == std::vector<std::size_t>{count});
}

TEST_CASE_METHOD(proxy_fixture, "what the daemon waits for is told", "[proxy]") {
  attached(log);
  bring({{"", "stalled", R"({"error":{"code":"no_space","message":"full"}})"}});
  REQUIRE(log->stalls.size() == 1);
  CHECK(log->stalls[0].code == errc::no_space);
  bring({{"", "stalled", "{}"}});
  REQUIRE(log->stalls.size() == 2);
  CHECK_FALSE(log->stalls[1]);
}

TEST_CASE_METHOD(proxy_fixture, "a session has one delegate in a program", "[proxy]") {
  const auto first = attached(log);
  const auto other = std::make_shared<fake_delegate>();
  CHECK(ask_error<void>(session, attach_atom_v, delegate_actor{spawn_delegate(other)}, false).code ==
        errc::session_in_use);
  CHECK(api->streams.size() == 1);
  const auto client = stream().target;
  SECTION("which another may replace") {
    attached(other, true);
    CHECK(stream().target == client + "&take_over=true");
    REQUIRE(log->detached.size() == 1);
    CHECK(log->detached[0].code == errc::session_in_use);
    bring(1, 1);
    CHECK(log->batches.empty());
    CHECK(other->numbers().size() == 1);
    // What it has taken it keeps without a word.
    break_off();
    advance(1s, 50ms);
    CHECK(stream().target == client);
  }
  SECTION("which may attach again") {
    auto answer = later<void>(session, attach_atom_v, delegate_actor{first}, false);
    settle();
    open();
    answer.value();
    CHECK(log->detached.empty());
    bring(1, 1);
    CHECK(log->numbers().size() == 1);
  }
  SECTION("which may leave") {
    caf::anon_send(session, detach_atom_v);
    settle();
    attached(other);
    CHECK(log->detached.empty());
    CHECK(stream().target == client);
  }
  SECTION("which may end") {
    caf::anon_send_exit(first, caf::exit_reason::kill);
    settle();
    attached(other);
  }
  SECTION("which may fail") {
    log->throws = true;
    bring(1, 1);
    attached(other);
    bring(1, 1);
    CHECK(other->numbers().size() == 1);
  }
}

TEST_CASE_METHOD(proxy_fixture, "a delegate whose place another program has taken is told", "[proxy]") {
  attached(log);
  SECTION("at once") {
    bring(
        {streamed(1), {"", "detached", R"({"error":{"code":"session_in_use","message":"taken over"}})"}, streamed(2)});
    break_off();
    CHECK(log->batches.empty());
  }
  SECTION("when the daemon is back") {
    break_off();
    advance(1s, 50ms);
    break_off(errc::session_in_use);
  }
  REQUIRE(log->detached.size() == 1);
  CHECK(log->detached[0].code == errc::session_in_use);
  const auto streams = api->streams.size();
  advance(10s);
  CHECK(api->streams.size() == streams);
}

TEST_CASE_METHOD(proxy_fixture, "a reader that was too slow comes back", "[proxy]") {
  attached(log);
  bring(1, 1);
  bring({{"", "detached", R"({"error":{"code":"timed_out","message":"too slow"}})"}});
  break_off();
  advance(1s, 50ms);
  REQUIRE(api->streams.size() == 2);
  CHECK(stream().last_event == event_number{1});
  CHECK(log->detached.empty());
}

TEST_CASE_METHOD(proxy_fixture, "that a session is gone is the last that is told", "[proxy]") {
  log->withholds = true;
  const auto delegate = attached(log);
  SECTION("by the daemon, after what was on its way") {
    bring(1, 2);
    bring({{"", "finished", "{}"}, {"", "invalid", R"({"session":"pictures"})"}});
    break_off();
    CHECK(log->invalid_after.empty());
    caf::anon_send(delegate, resume_atom_v);
    settle();
    CHECK(log->finished_after == std::vector<std::size_t>{2});
    CHECK(log->invalid_after == std::vector<std::size_t>{log->messages});
  }
  SECTION("when it went while the daemon was away") {
    answer_with(ok(json::object()));
    ask<void>(session, invalidate_atom_v, false);
    break_off();
    advance(1s, 50ms);
    break_off(errc::unknown_session);
    CHECK(log->invalid_after.size() == 1);
  }
  SECTION("or it was lost, which is none of ours") {
    break_off();
    advance(1s, 50ms);
    break_off(errc::unknown_session);
    REQUIRE(log->detached.size() == 1);
    CHECK(log->detached[0].code == errc::unknown_session);
    CHECK(log->invalid_after.empty());
  }
  const auto streams = api->streams.size();
  advance(10s);
  CHECK(api->streams.size() == streams);
}

TEST_CASE_METHOD(proxy_fixture, "any number may watch", "[proxy]") {
  answer_with_last_event({5});
  const auto other = std::make_shared<fake_delegate>();
  const auto first = spawn_delegate(log);
  auto one = later<void>(session, watch_atom_v, delegate_actor{first}, event_number{3});
  settle();
  CHECK(stream().target == "/v1/sessions/pictures/events?after=3");
  open();
  one.value();
  bring(4, 5);
  CHECK(log->numbers() == std::vector<std::uint64_t>{4, 5});
  auto two = later<void>(session, watch_atom_v, delegate_actor{spawn_delegate(other)}, event_number{});
  settle();
  open();
  two.value();
  bring(1, 5);
  CHECK(other->numbers().size() == 5);
  attached(std::make_shared<fake_delegate>());
  caf::anon_send_exit(first, caf::exit_reason::kill);
  settle();
}

TEST_CASE_METHOD(proxy_fixture, "watching after a number that is still to come is watching from now on", "[proxy]") {
  answer_with_last_event({5});
  const auto watcher = spawn_delegate(log);
  auto answer = later<void>(session, watch_atom_v, delegate_actor{watcher}, event_number{1000});
  settle();
  CHECK(stream().target == "/v1/sessions/pictures/events?after=5");
  open();
  answer.value();
  bring(6, 7);
  CHECK(log->numbers() == std::vector<std::uint64_t>{6, 7});
  answer_with(api_answer{.why = {errc::unknown_session, "there is no session \"pictures\"", 0}, .body = {}});
  CHECK(ask_error<void>(session, watch_atom_v, delegate_actor{watcher}, event_number{1}).code == errc::unknown_session);
}

// -- the engine -------------------------------------------------------------------------------------------------------

namespace {

class engine_fixture : public proxy_fixture {
public:
  engine_actor engine_for(const std::string& relaunched_for) {
    return ends(system.spawn(remote_engine_behavior, wire, relaunched_for));
  }
  session_actor open_session(const engine_actor& engine, const session_configuration& configuration, bool replace) {
    return remember(ask<session_actor>(engine, open_atom_v, std::string{"a"}, configuration, replace));
  }
};

/// Told of sessions; keeps their handlers.
struct told_app {
  std::vector<std::string> identifiers;
  std::vector<completion_handler_actor> handlers;
};

app_delegate_actor::behavior_type app_twin(app_delegate_actor::pointer, std::shared_ptr<told_app> log) {
  return {[log](handle_atom, const std::string& identifier, const completion_handler_actor& handler) {
    log->identifiers.push_back(identifier);
    log->handlers.push_back(handler);
  }};
}

} // namespace

TEST_CASE_METHOD(engine_fixture, "a session of the daemon is opened as a background session", "[proxy]") {
  bool known = false;
  answer_with([&](const api_request& r) {
    return r.method == "GET" && !known ? refused(errc::unknown_session) : ok(json::object());
  });
  const auto engine = engine_for({});
  session_configuration settings;
  settings.max_active = 3;
  CHECK(ask_error<session_actor>(engine, find_atom_v, std::string{"a"}).code == errc::unknown_session);
  SECTION("with what is given in place of what is stored") {
    open_session(engine, settings, true);
    REQUIRE(api->requests.size() == 2);
  }
  SECTION("or with what is stored") {
    open_session(engine, settings, false);
    REQUIRE(api->requests.size() == 3);
    known = true;
    const auto same = open_session(engine, {}, false);
    CHECK(api->requests.size() == 4);
    CHECK(same == ask<session_actor>(engine, find_atom_v, std::string{"a"}));
    api->requests.resize(3);
  }
  const auto& put = api->requests.back();
  CHECK(put.method == "PUT");
  CHECK(put.target == "/v1/sessions/a");
  const auto sent = configuration_from_json(json::parse(put.body));
  CHECK(sent.kind == session_kind::background);
  CHECK(sent.max_active == 3);
  CHECK(ask_error<session_actor>(engine, find_atom_v, std::string{"a/b"}).code == errc::invalid_identifier);
  settings.max_active = 0;
  CHECK(ask_error<session_actor>(engine, open_atom_v, std::string{"a"}, settings, true).code == errc::invalid_argument);
}

TEST_CASE_METHOD(engine_fixture, "a program hears of the daemon's sessions that have news", "[proxy]") {
  session_status quiet;
  session_status news;
  news.counts.unacknowledged_events = 1;
  session_status busy;
  busy.counts.queued = 1;
  session_status taken = news;
  taken.attached = true;
  session_status paused;
  paused.paused = true;
  paused.phase = session_phase::finishing;
  answer_with(ok({{"sessions",
                   {shown("quiet", quiet), shown("news", news), shown("busy", busy), shown("taken", taken),
                    shown("own", quiet), shown("program's", news, session_kind::standard), shown("paused", paused)}}}));
  const auto engine = engine_for("own");
  const auto all = ask<std::vector<session_summary>>(engine, sessions_atom_v);
  REQUIRE(all.size() == 7);
  CHECK(all[1].counts == news.counts);
  CHECK(all[6].record.paused);
  CHECK(all[6].record.phase == session_phase::finishing);
  const auto app = std::make_shared<told_app>();
  CHECK(ask<std::uint64_t>(engine, delegate_atom_v, app_delegate_actor{ends(system.spawn(app_twin, app))}) == 3);
  CHECK(app->identifiers == std::vector<std::string>{"own", "news", "busy"});
  api->requests.clear();
  caf::anon_send(app->handlers[0], complete_atom_v);
  caf::anon_send(app->handlers[0], complete_atom_v);
  settle();
  CHECK(api->lines() == std::vector<std::string>{"POST /v1/sessions/own/complete "});
  app->handlers.clear();
  answer_with(refused(errc::ledger_io));
  CHECK(ask_error<std::uint64_t>(engine, delegate_atom_v, app_delegate_actor{ends(system.spawn(app_twin, app))}).code ==
        errc::ledger_io);
}

TEST_CASE_METHOD(engine_fixture, "an engine that is shut down has answered what was asked", "[proxy]") {
  answer_with(ok(json::object()));
  const auto engine = engine_for({});
  session = open_session(engine, {}, true);
  attached(log);
  answer_with([](const api_request&) { return std::nullopt; });
  auto acknowledged = later<void>(session, acknowledge_atom_v, event_number{1});
  auto stopped = later<void>(engine, shutdown_atom_v, caf::timespan{5s});
  settle();
  CHECK_FALSE(stopped.done());
  SECTION("in time") {
    caf::anon_send(twin, resume_atom_v);
    settle();
    acknowledged.value();
  }
  SECTION("or that it is not waited for any more") {
    advance(6s);
    CHECK(acknowledged.why().code == errc::shutting_down);
  }
  stopped.value();
  CHECK(log->detached.empty());
  CHECK(ask_error<session_counts>(session, counts_atom_v).code == errc::internal);
}
