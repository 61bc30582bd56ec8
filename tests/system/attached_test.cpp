#include "tests/support/nginx.hpp"
#include "tests/system/homes.hpp"

#include <fmt/format.h>

#include <random>

using namespace bellhop;
using namespace bellhop::test;
using namespace std::chrono_literals;
using Catch::Contains;

/// What programs that are attached to a daemon rely on: the rest is in both_homes_test.cpp.

namespace {

const std::string content = random_bytes(30'000, 54);

} // namespace

TEST_CASE("no event is lost or repeated when the daemon is killed", "[system][attached]") {
  constexpr std::size_t count = 300;
  nginx server;
  for (std::size_t i = 0; i < count; ++i)
    server.put(fmt::format("{}.bin", i), random_bytes(20'000 + i, static_cast<std::uint32_t>(i)));
  const desk here;
  attached_home home{here};
  const auto app = home.start_program();
  session_configuration settings;
  // One after another, so that there is a middle.
  settings.max_active = 2;
  auto session = app->open_session("s", settings);
  const bool acknowledges_itself = GENERATE(false, true);
  const auto one = std::make_shared<recorder>(acknowledges_itself);
  const auto watcher = std::make_shared<recorder>();
  session.attach(one);
  const auto watching = session.watch(watcher, {});
  std::vector<transfer_request> requests;
  for (std::size_t i = 0; i < count; ++i)
    requests.push_back(request_for(server.url(fmt::format("/{}.bin", i)), here.folder() / std::to_string(i)));
  const auto accepted = session.submit(std::move(requests)).get();
  CHECK(std::none_of(accepted.begin(), accepted.end(), [](const auto& a) { return bool(a.why); }));
  for (std::size_t kills = 1; kills <= 5; ++kills) {
    REQUIRE(one->wait_for_events(kills * count / 7));
    home.kill_daemon();
    home.start_daemon();
  }
  REQUIRE(one->wait_for_events(count));
  CHECK(one->wait_for_finish());
  CHECK(watcher->wait_for_events(count));
  CHECK(one->has_all_to(count));
  CHECK(watcher->has_all_to(count));
  CHECK(one->finishes() == 1);
  CHECK(one->most_at_once() == 1);
  CHECK(one->detached().empty());
  for (std::size_t i = 0; i < count; ++i)
    CHECK(read_file(here.folder() / std::to_string(i)).size() == 20'000 + i);
  if (acknowledges_itself)
    session.acknowledge(event_number{count}).get();
  CHECK(comes_true([&] { return session.counts().get().unacknowledged_events == 0; }));
}

TEST_CASE("what was accepted is there though the daemon is killed right after the answer", "[system][attached]") {
  const desk here;
  attached_home home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  for (std::uint64_t round = 1; round <= 10; ++round) {
    auto request = request_for("http://127.0.0.1:9/x", here.folder() / std::to_string(round));
    request.suspended = true;
    const auto accepted = session.submit({request}).get();
    home.kill_daemon();
    REQUIRE(accepted.size() == 1);
    CHECK(accepted[0].why == error{});
    home.start_daemon();
    const auto found = session.find(accepted[0].id).get();
    CHECK(found.request.destination == request.destination);
    CHECK(found.state == transfer_state::suspended);
    CHECK(session.counts().get().suspended == round);
  }
}

TEST_CASE("a daemon that is away is waited for", "[system][attached]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  attached_home home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  const bool in_order = GENERATE(true, false);
  if (in_order)
    home.stop_daemon();
  else
    home.kill_daemon();
  auto submitted = session.submit({request_for(server.url("/a.bin"), here.folder() / "a")});
  auto counted = session.counts();
  CHECK(comes_true([&] { return one->stalls().size() == 1; }));
  CHECK(one->stalls()[0].code == errc::daemon_unavailable);
  CHECK_THAT(one->stalls()[0].message, Contains(home.socket().string()));
  CHECK(submitted.wait_for(0s) == std::future_status::timeout);
  home.start_daemon();
  CHECK_FALSE(submitted.get().at(0).why);
  counted.get();
  CHECK(one->wait_for_events(1));
  CHECK(one->stalls().size() == 2);
  CHECK_FALSE(one->stalls()[1]);
  CHECK(session.status().get().attached);
}

TEST_CASE("a session has one delegate in all programs", "[system][attached]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  attached_home home{here};
  const auto app = home.start_program();
  auto other = home.start_program();
  auto session = app->open_session("s");
  auto same = other->find_session("s");
  const auto one = std::make_shared<recorder>();
  const auto two = std::make_shared<recorder>();
  session.attach(one);
  CHECK(code_of([&] { same.attach(two); }) == errc::session_in_use);
  CHECK(same.status().get().attached);
  same.attach(two, true);
  CHECK(comes_true([&] { return !one->detached().empty(); }));
  CHECK(one->detached()[0].code == errc::session_in_use);
  submit_one(session, request_for(server.url("/a.bin"), here.folder() / "a"));
  CHECK(two->wait_for_events(1));
  CHECK(one->events().empty());
  // A program that ends leaves its place.
  other.reset();
  const auto three = std::make_shared<recorder>();
  session.attach(three);
  CHECK(two->detached().empty());
}

TEST_CASE("a place that was taken while the daemon was away is lost", "[system][attached]") {
  const desk here;
  attached_home home{here};
  const auto app = home.start_program();
  const auto one = std::make_shared<recorder>();
  app->open_session("s").attach(one);
  const auto other = home.start_program();
  auto same = other->find_session("s");
  const auto two = std::make_shared<recorder>();
  same.attach(two, true);
  CHECK(comes_true([&] { return one->detached().size() == 1; }));
  home.kill_daemon();
  home.start_daemon();
  CHECK(comes_true([&] { return same.status().get().attached; }));
  // The one that has lost its place does not come back for it.
  CHECK(one->detached().size() == 1);
  CHECK(two->detached().empty());
}

TEST_CASE("what was acknowledged before a program ends is acknowledged", "[system][attached]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  attached_home home{here};
  for (int run = 0; run < 10; ++run) {
    const auto app = home.start_program();
    auto session = app->open_session("s");
    CHECK(session.counts().get().unacknowledged_events == 0);
    const auto one = std::make_shared<recorder>();
    session.attach(one);
    submit_one(session, request_for(server.url("/a.bin"), here.folder() / std::to_string(run)));
    CHECK(one->wait_for_events(1));
    CHECK(one->wait_for_finish());
  }
}

TEST_CASE("a session that ends while the daemon is away is invalid when it is back", "[system][attached]") {
  held_server held{content};
  const desk here;
  attached_home home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  submit_one(session, request_for(held.url(), here.folder() / "a"));
  session.finish_and_invalidate().get();
  home.kill_daemon();
  home.start_daemon();
  held.go = true;
  REQUIRE(one->wait_until_invalid());
  CHECK(one->has_all_to(1));
  CHECK(one->detached().empty());
  CHECK(app->sessions().empty());
}

TEST_CASE("an engine without a daemon says so", "[system][attached]") {
  const desk here;
  try {
    engine none{daemon_options{.socket = here / "socket", .start = false}};
    FAIL("there is no daemon");
  } catch (const failure& e) {
    CHECK(e.why().code == errc::daemon_unavailable);
    CHECK_THAT(e.what(), Contains((here / "socket").string()));
  }
}
