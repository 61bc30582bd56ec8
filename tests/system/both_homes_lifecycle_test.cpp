#include "tests/support/nginx.hpp"
#include "tests/system/homes.hpp"

#include <fmt/format.h>

using namespace bellhop;
using namespace bellhop::test;
using namespace std::chrono_literals;
using Catch::Contains;

/// What becomes of a session and of its transfers, wherever it lives.

namespace {

const std::string content = random_bytes(30'000, 52);
/// Large enough to leave a part behind.
const std::string large = random_bytes(2'000'000, 53);

/// An honest file, of which the first response gives the half and then holds.
origin::handler half_first(std::shared_ptr<std::atomic<int>> asked) {
  return [asked](const origin::request& r, origin::connection& c) {
    if (++*asked > 1)
      return serve::file(large, "\"one\"")(r, c);
    c.send(serve::head("200 OK",
                       {"ETag: \"one\"", "Accept-Ranges: bytes", fmt::format("Content-Length: {}", large.size())}) +
           large.substr(0, large.size() / 2));
    c.stall();
  };
}

/// One that is taken from the wire in the middle.
struct half_server {
  half_server() { server.on("/large", half_first(asked)); }
  /// True when so much has arrived that a part is worth keeping.
  static bool has_some(session& of, transfer_id id) {
    return comes_true([&] { return of.find(id).get().received > 0; });
  }
  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);
  origin server;
};

} // namespace

TEMPLATE_TEST_CASE("what is asked without waiting is done in its order", "[system][homes]", embedded_home,
                   attached_home) {
  held_server held{content};
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto id = submit_one(session, request_for(held.url(), here.folder() / "a"));
  std::vector<std::future<void>> asked;
  for (int i = 0; i < 20; ++i) {
    asked.push_back(session.suspend({id}));
    asked.push_back(session.resume({id}));
  }
  asked.push_back(session.suspend({id}));
  for (auto& each : asked)
    each.get();
  CHECK(session.find(id).get().state == transfer_state::suspended);
}

TEMPLATE_TEST_CASE("any number may watch a session", "[system][homes]", embedded_home, attached_home) {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  for (int i = 0; i < 5; ++i)
    submit_one(session, request_for(server.url("/a.bin"), here.folder() / std::to_string(i)));
  const auto all = std::make_shared<recorder>();
  const auto some = std::make_shared<recorder>();
  auto watching = session.watch(all, {});
  CHECK(all->wait_for_events(5));
  auto watching_some = session.watch(some, event_number{3});
  CHECK(some->wait_for_events(2));
  CHECK(some->events()[0].seq.value == 4);
  // Nobody who watches owns the events.
  auto status = session.status().get();
  CHECK_FALSE(status.attached);
  CHECK(status.counts.unacknowledged_events == 5);
  const auto owner = std::make_shared<recorder>();
  session.attach(owner);
  CHECK(owner->wait_for_events(5));
  watching_some.reset();
  // A number that is still to come means from now on.
  const auto later = std::make_shared<recorder>();
  auto watching_later = session.watch(later, event_number{1000});
  submit_one(session, request_for(server.url("/a.bin"), here.folder() / "5"));
  CHECK(all->wait_for_events(6));
  CHECK(owner->wait_for_finish(1));
  CHECK(some->events().size() == 2);
  CHECK(later->wait_for_events(1));
  CHECK(later->events()[0].seq.value == 6);
  CHECK(all->has_all_to(6));
  CHECK(all->finishes() == 0);
}

TEMPLATE_TEST_CASE("the log can be read again", "[system][homes]", embedded_home, attached_home) {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  for (int i = 0; i < 5; ++i)
    submit_one(session, request_for(server.url("/a.bin"), here.folder() / std::to_string(i)));
  CHECK(one->wait_for_finish());
  CHECK(one->wait_for_events(5));
  CHECK(session.events().get() == one->events());
  const auto some = session.events(event_number{1}, 2).get();
  REQUIRE(some.size() == 2);
  CHECK(some[0].seq.value == 2);
  CHECK(session.events(event_number{5}).get().empty());
  list_filter filter;
  filter.states = {transfer_state::completed};
  filter.limit = 3;
  auto listed = session.list(filter).get();
  REQUIRE(listed.size() == 3);
  filter.after = listed.back().id;
  CHECK(session.list(filter).get().size() == 2);
  filter.states = {transfer_state::failed, transfer_state::queued};
  CHECK(session.list(filter).get().empty());
}

TEMPLATE_TEST_CASE("what a transfer carries comes back with it", "[system][homes]", embedded_home, attached_home) {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  // A name may be any bytes.
  auto request = request_for(server.url("/a.bin"), here.folder() / "caf\xE9 \xC3\xA9.bin");
  request.metadata = R"({"picture":7,"tags":["a","b"]})";
  request.headers = {{"X-Test", "1"}};
  request.record_sha256 = true;
  request.priority = 0.25;
  request.expected = {digest_algorithm::none, ""};
  const auto id = submit_one(session, request);
  CHECK(one->wait_for_events(1));
  const auto done = one->events().at(0);
  CHECK(done.type == event_type::completed);
  CHECK(done.session == "s");
  CHECK(done.transfer == id);
  CHECK(done.destination == request.destination);
  CHECK(done.received == static_cast<std::int64_t>(content.size()));
  CHECK(done.metadata == request.metadata);
  CHECK(done.sha256.size() == 64);
  CHECK(read_file(request.destination) == content);
  const auto record = session.find(id).get();
  CHECK(record.request.metadata == request.metadata);
  CHECK(record.request.headers == request.headers);
  CHECK(record.request.priority == request.priority);
  CHECK(record.published == request.destination);
  CHECK(record.state == transfer_state::completed);

  const auto failing = submit_one(session, request_for(server.url("/nothing"), here.folder() / "b"));
  CHECK(one->wait_for_events(2));
  const auto failed = one->events().at(1);
  CHECK(failed.transfer == failing);
  CHECK(failed.type == event_type::failed);
  CHECK(failed.why.code == errc::http_status);
  CHECK(failed.why.status == 404);
  CHECK(session.find(failing).get().last_error == failed.why);
}

TEMPLATE_TEST_CASE("news of what is under way is told", "[system][homes]", embedded_home, attached_home) {
  half_server half;
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  const auto id = submit_one(session, request_for(half.server.url("/large"), here.folder() / "a"));
  CHECK(comes_true([&] {
    const auto moved = one->moved();
    return !moved.empty() && moved.back().received == static_cast<std::int64_t>(large.size() / 2);
  }));
  for (const auto& each : one->moved()) {
    CHECK(each.transfer == id);
    CHECK(each.total == static_cast<std::int64_t>(large.size()));
  }
  const auto notices = one->notices();
  REQUIRE_FALSE(notices.empty());
  CHECK(notices[0].transfer == id);
  CHECK(notices[0].type == notice_type::started);
}

TEMPLATE_TEST_CASE("a transfer that has not ended can be changed", "[system][homes]", embedded_home, attached_home) {
  const desk here;
  origin server;
  server.on("/file", [](const origin::request& r, origin::connection& c) {
    if (r.header("Authorization") == "new")
      serve::response("200 OK", content)(r, c);
    else
      serve::response("401 Unauthorized", "")(r, c);
  });
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  auto request = request_for(server.url("/file"), here.folder() / "a");
  request.headers = {{"Authorization", "old"}};
  request.suspended = true;
  const auto id = submit_one(session, request);
  transfer_change change;
  change.headers = std::vector<header>{{"Authorization", "new"}};
  change.priority = 0.75;
  change.earliest_begin = bellhop::now() + std::chrono::hours{24};
  session.change({id}, change).get();
  session.resume({id}).get();
  const auto found = session.find(id).get();
  CHECK(found.request.priority == 0.75);
  CHECK(found.request.earliest_begin > bellhop::now());
  CHECK(found.state == transfer_state::queued);
  CHECK(server.requests().empty());
  transfer_change at_once;
  at_once.earliest_begin = time_point{};
  session.change({id}, at_once).get();
  CHECK(one->wait_for_events(1));
  CHECK(read_file(request.destination) == content);
  CHECK(code_of([&] { session.change({id}, change).get(); }) == errc::wrong_state);
  CHECK(code_of([&] { session.change({{4711}}, change).get(); }) == errc::unknown_transfer);
  change.priority = 7;
  CHECK(code_of([&] { session.change({id}, change).get(); }) == errc::invalid_argument);
}

TEMPLATE_TEST_CASE("a session that is paused rests until it goes on", "[system][homes]", embedded_home, attached_home) {
  half_server half;
  nginx server;
  server.put("a.bin", content);
  const desk here;
  TestType home{here};
  const auto one = std::make_shared<recorder>();
  {
    const auto app = home.start_program();
    auto session = app->open_session("s");
    const auto id = submit_one(session, request_for(half.server.url("/large"), here.folder() / "large"));
    CHECK(half_server::has_some(session, id));
    session.pause().get();
    submit_one(session, request_for(server.url("/a.bin"), here.folder() / "a"));
    CHECK(session.status().get().paused);
    CHECK(session.status().get().active == 0);
  }
  // It outlives the program.
  const auto app = home.start_program();
  auto session = app->open_session("s");
  session.attach(one);
  CHECK(session.status().get().paused);
  CHECK(session.counts().get().queued == 2);
  CHECK(app->sessions().at(0).record.paused);
  CHECK(server.access_log().empty());
  CHECK(one->finishes() == 0);
  session.go_on().get();
  CHECK(one->wait_for_events(2));
  CHECK(one->wait_for_finish());
  CHECK_FALSE(session.status().get().paused);
  CHECK(read_file(here.folder() / "large") == large);
  CHECK(*half.asked == 2);
  CHECK(half.server.requests().at(1).header("Range"));
}

TEMPLATE_TEST_CASE("a transfer that was cancelled can go on from its resume data", "[system][homes]", embedded_home,
                   attached_home) {
  half_server half;
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  auto request = request_for(half.server.url("/large"), here.folder() / "large");
  const auto first = submit_one(session, request);
  CHECK(half_server::has_some(session, first));
  const auto data = session.cancel_with_resume_data(first).get();
  REQUIRE(data != "");
  CHECK(one->wait_for_events(1));
  CHECK(one->events().at(0).type == event_type::cancelled);
  CHECK(session.find(first).get().state == transfer_state::cancelled);
  CHECK(session.find(first).get().resume_data == data);
  request.resume_data = data;
  const auto second = submit_one(session, request);
  CHECK(second != first);
  CHECK(one->wait_for_events(2));
  CHECK(one->events().at(1).type == event_type::completed);
  CHECK(read_file(request.destination) == large);
  REQUIRE(half.server.requests().size() == 2);
  const auto again = half.server.requests().at(1);
  REQUIRE(again.header("Range"));
  CHECK(again.header("Range") != "bytes=0-");
  CHECK(again.header("If-Range") == "\"one\"");
  // There is nothing to go on with, and nothing to cancel.
  CHECK(code_of([&] { session.cancel_with_resume_data(second).get(); }) == errc::wrong_state);
  auto waiting = request_for(half.server.url("/large"), here.folder() / "other");
  waiting.suspended = true;
  CHECK(session.cancel_with_resume_data(submit_one(session, waiting)).get() == "");
  CHECK(names_in(here.folder()) == std::vector<std::string>{"large"});
}

TEMPLATE_TEST_CASE("a session that finishes is invalid when all was acknowledged", "[system][homes]", embedded_home,
                   attached_home) {
  held_server held{content};
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto watcher = std::make_shared<recorder>();
  const auto watching = session.watch(watcher, {});
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  submit_one(session, request_for(held.url(), here.folder() / "a"));
  submit_one(session, request_for(held.url(), here.folder() / "b"));
  session.finish_and_invalidate().get();
  CHECK(session.status().get().phase == session_phase::finishing);
  CHECK(code_of([&] { session.submit({request_for(held.url(), here.folder() / "c")}).get(); }) == errc::wrong_state);
  CHECK(one->invalid().empty());
  held.go = true;
  REQUIRE(one->wait_until_invalid());
  CHECK(one->has_all_to(2));
  CHECK(one->finishes() == 1);
  CHECK(one->invalid() == std::vector<error>{error{}});
  CHECK(watcher->wait_until_invalid());
  CHECK(watcher->has_all_to(2));
  CHECK(names_in(here.folder()) == std::vector<std::string>{"a", "b"});
  CHECK(app->sessions().empty());
  CHECK(code_of([&] { app->find_session("s"); }) == errc::unknown_session);
  CHECK(code_of([&] { session.counts().get(); }) == errc::unknown_session);
  CHECK(one->detached().empty());

  // The name is free for another one, whose log begins anew.
  auto next = app->open_session("s");
  const auto other = std::make_shared<recorder>();
  next.attach(other);
  submit_one(next, request_for(held.url(), here.folder() / "c"));
  CHECK(other->wait_for_events(1));
  CHECK(other->events()[0].seq.value == 1);
  // Really last.
  CHECK(one->calls() == one->calls_when_invalid());
}

TEMPLATE_TEST_CASE("a session that is invalidated cancels what it has", "[system][homes]", embedded_home,
                   attached_home) {
  held_server held{content};
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  for (int i = 0; i < 50; ++i)
    submit_one(session, request_for(held.url(), here.folder() / std::to_string(i)));
  session.invalidate_and_cancel().get();
  REQUIRE(one->wait_until_invalid());
  const auto events = one->events();
  CHECK(one->has_all_to(50));
  CHECK(std::all_of(events.begin(), events.end(), [](const auto& e) { return e.type == event_type::cancelled; }));
  CHECK(one->calls() == one->calls_when_invalid());
  CHECK(names_in(here.folder()).empty());
  CHECK(app->sessions().empty());
}

TEMPLATE_TEST_CASE("a session that is unknown is not found", "[system][homes]", embedded_home, attached_home) {
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  CHECK(code_of([&] { app->find_session("s"); }) == errc::unknown_session);
  app->open_session("s");
  CHECK(app->find_session("s").identifier() == "s");
  CHECK(code_of([&] { app->find_session("a/b"); }) == errc::invalid_identifier);
  // Names that mean something in a path.
  for (const auto* name : {".", "..", "-", "a.b_c-d"})
    CHECK(app->open_session(name).status().get().counts == session_counts{});
  CHECK(app->sessions().size() == 5);
}
