#include "tests/support/nginx.hpp"
#include "tests/system/homes.hpp"

#include <fmt/format.h>

using namespace bellhop;
using namespace bellhop::test;

/// What programs rely on, wherever their session lives.

namespace {

const std::string content = random_bytes(30'000, 51);

} // namespace

TEMPLATE_TEST_CASE("a delegate is called by one thread of its own, one call at a time", "[system][homes]",
                   embedded_home, attached_home) {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto first = app->open_session("first");
  auto second = app->open_session("second");
  const auto one = std::make_shared<recorder>();
  const auto other = std::make_shared<recorder>();
  // A slow delegate keeps nobody but itself waiting.
  std::atomic<bool> go{false};
  one->on_events = [&](const auto&) {
    while (!go)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  };
  first.attach(one);
  second.attach(other);
  for (auto* each : {&first, &second}) {
    std::vector<transfer_request> requests;
    for (int i = 0; i < 100; ++i)
      requests.push_back(
          request_for(server.url("/a.bin"), here.folder() / fmt::format("{}-{}", each->identifier(), i)));
    const auto accepted = each->submit(std::move(requests)).get();
    CHECK(std::none_of(accepted.begin(), accepted.end(), [](const auto& a) { return bool(a.why); }));
  }
  CHECK(other->wait_for_events(100));
  CHECK(other->wait_for_finish());
  CHECK(one->events().empty());
  go = true;
  CHECK(one->wait_for_events(100));
  CHECK(one->wait_for_finish());
  CHECK(one->most_at_once() == 1);
  CHECK(other->most_at_once() == 1);
  REQUIRE(one->threads().size() == 1);
  REQUIRE(other->threads().size() == 1);
  CHECK(one->threads() != other->threads());
  CHECK_FALSE(one->threads().contains(std::this_thread::get_id()));
  for (const auto& each : {one, other}) {
    const auto events = each->events();
    REQUIRE(events.size() == 100);
    for (std::size_t i = 0; i < events.size(); ++i)
      CHECK(events[i].seq.value == i + 1);
  }
  CHECK(names_in(here.folder()).size() == 200);
  CHECK(app->sessions().size() == 2);
}

TEMPLATE_TEST_CASE("futures carry errors", "[system][homes]", embedded_home, attached_home) {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto results = session
                           .submit({request_for("ftp://example.org/x", here.folder() / "x"),
                                    request_for(server.url("/a.bin"), here.folder() / "a"),
                                    request_for(server.url("/a.bin"), "relative")})
                           .get();
  REQUIRE(results.size() == 3);
  CHECK(results[0].why.code == errc::unsupported_scheme);
  CHECK_FALSE(results[1].why);
  CHECK(results[2].why.code == errc::invalid_destination);
  const transfer_id unknown{4711};
  CHECK(code_of([&] { session.find(unknown).get(); }) == errc::unknown_transfer);
  CHECK(code_of([&] { session.cancel({unknown}).get(); }) == errc::unknown_transfer);
  CHECK(code_of([&] { session.acknowledge(event_number{99}).get(); }) == errc::invalid_argument);
  CHECK(code_of([&] { app->open_session("no spaces"); }) == errc::invalid_identifier);
  session_configuration bad;
  bad.max_active = 0;
  CHECK(code_of([&] { app->open_session("s", bad); }) == errc::invalid_argument);
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  CHECK(one->wait_for_events(1));
  CHECK(code_of([&] { session.cancel({results[1].id}).get(); }) == errc::wrong_state);
  CHECK(session.find(results[1].id).get().state == transfer_state::completed);
  session.remove({results[1].id}).get();
  CHECK(code_of([&] { session.find(results[1].id).get(); }) == errc::unknown_transfer);
}

TEMPLATE_TEST_CASE("after detach no call comes", "[system][homes]", embedded_home, attached_home) {
  held_server held{content};
  const desk here;
  TestType home{here};
  const auto app = home.start_program();
  auto session = app->open_session("s");
  SECTION("one that is under way is waited for") {
    held.go = true;
    const auto one = std::make_shared<recorder>(true);
    std::atomic<bool> entered{false};
    std::atomic<bool> left{false};
    one->on_events = [&](const auto&) {
      entered = true;
      std::this_thread::sleep_for(std::chrono::milliseconds{200});
      left = true;
    };
    session.attach(one);
    session.submit({request_for(held.url(), here.folder() / "a")}).get();
    while (!entered)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    session.detach();
    CHECK(left);
    const auto calls = one->calls();
    session.submit({request_for(held.url(), here.folder() / "b")}).get();
    const auto other = std::make_shared<recorder>();
    session.attach(other);
    // What the first one has not acknowledged comes again.
    CHECK(other->wait_for_events(2));
    CHECK(one->calls() == calls);
  }
  SECTION("also from within a call") {
    held.go = true;
    const auto one = std::make_shared<recorder>();
    one->on_events = [&](const auto&) { session.detach(); };
    session.attach(one);
    session.submit({request_for(held.url(), here.folder() / "a")}).get();
    CHECK(one->wait_for_events(1));
    session.detach();
  }
  SECTION("the transfers go on") {
    const auto one = std::make_shared<recorder>();
    session.attach(one);
    session.submit({request_for(held.url(), here.folder() / "a")}).get();
    session.detach();
    held.go = true;
    const auto other = std::make_shared<recorder>();
    session.attach(other);
    CHECK(other->wait_for_events(1));
    CHECK(one->events().empty());
    CHECK(read_file(here.folder() / "a") == content);
  }
}

TEMPLATE_TEST_CASE("a session has one delegate", "[system][homes]", embedded_home, attached_home) {
  const desk here;
  TestType home{here};
  nginx server;
  server.put("a.bin", content);
  const auto app = home.start_program();
  auto session = app->open_session("s");
  auto same = app->open_session("s");
  const auto one = std::make_shared<recorder>();
  const auto other = std::make_shared<recorder>();
  session.attach(one);
  CHECK(code_of([&] { same.attach(other); }) == errc::session_in_use);
  same.attach(other, true);
  session.submit({request_for(server.url("/a.bin"), here.folder() / "a")}).get();
  CHECK(other->wait_for_events(1));
  CHECK(one->events().empty());
  REQUIRE(one->detached().size() == 1);
  CHECK(one->detached()[0].code == errc::session_in_use);
  CHECK(other->detached().empty());
  same.detach();
  const auto third = std::make_shared<recorder>();
  session.attach(third);
  CHECK(session.status().get().attached);
  session.detach();
  CHECK(comes_true([&] { return !session.status().get().attached; }));
  CHECK(third->detached().empty());
}

TEMPLATE_TEST_CASE("a delegate that throws keeps its events", "[system][homes]", embedded_home, attached_home) {
  const desk here;
  TestType home{here};
  nginx server;
  server.put("a.bin", content);
  const auto app = home.start_program();
  auto session = app->open_session("s");
  const auto one = std::make_shared<recorder>();
  std::atomic<bool> thrown{false};
  one->on_events = [&](const auto&) {
    thrown = true;
    throw std::runtime_error("a bug");
  };
  session.attach(one);
  session.submit({request_for(server.url("/a.bin"), here.folder() / "a")}).get();
  while (!thrown)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  const auto other = std::make_shared<recorder>();
  session.attach(other, true);
  CHECK(other->wait_for_events(1));
}

TEMPLATE_TEST_CASE("an engine that goes leaves its transfers to the next one", "[system][homes]", embedded_home,
                   attached_home) {
  held_server held{content};
  const desk here;
  TestType home{here};
  {
    const auto app = home.start_program();
    auto session = app->open_session("s");
    session.attach(std::make_shared<recorder>());
    std::vector<transfer_request> requests;
    for (int i = 0; i < 10; ++i)
      requests.push_back(request_for(held.url(), here.folder() / std::to_string(i)));
    session.submit(std::move(requests)).get();
    while (held.server.requests().empty())
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  CHECK(names_in(here.folder()).empty());
  held.go = true;
  const auto app = home.start_program();
  const auto one = std::make_shared<recorder>();
  auto session = app->open_session("s");
  CHECK(session.counts().get().suspended == 0);
  session.attach(one);
  CHECK(one->wait_for_events(10));
  CHECK(one->wait_for_finish());
  CHECK(names_in(here.folder()).size() == 10);
  app->shutdown();
  CHECK(code_of([&] { session.counts().get(); }) != errc::none);
  app->shutdown();
}

TEMPLATE_TEST_CASE("what nobody acknowledged is told to the next run", "[system][homes]", embedded_home,
                   attached_home) {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  TestType home{here};
  for (int run = 0; run < 3; ++run) {
    const auto app = home.start_program();
    auto session = app->open_session("s");
    const auto one = std::make_shared<recorder>(true);
    session.attach(one);
    if (run == 0)
      session.submit({request_for(server.url("/a.bin"), here.folder() / "a")}).get();
    if (run == 2) {
      CHECK(session.counts().get().unacknowledged_events == 0);
      continue;
    }
    CHECK(one->wait_for_events(1));
    CHECK(one->events()[0].seq.value == 1);
    if (run == 1)
      session.acknowledge(one->events()[0].seq).get();
  }
  CHECK(server.access_log().size() == 1);
}

TEMPLATE_TEST_CASE("a program that comes back is told of its sessions", "[system][homes]", embedded_home,
                   attached_home) {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  TestType home{here};
  {
    const auto app = home.start_program();
    auto session = app->open_session("s");
    session.submit({request_for(server.url("/a.bin"), here.folder() / "a")}).get();
    while (session.counts().get().completed == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  const auto app = home.start_program();
  std::promise<std::pair<std::string, std::function<void()>>> told;
  app->on_background_events([&](const std::string& identifier, std::function<void()> handler) {
    told.set_value({identifier, std::move(handler)});
  });
  auto news = told.get_future();
  REQUIRE(news.wait_for(program_patience) == std::future_status::ready);
  const auto [identifier, handler] = news.get();
  CHECK(identifier == "s");
  const auto one = std::make_shared<recorder>();
  app->open_session(identifier).attach(one);
  CHECK(one->wait_for_events(1));
  CHECK(one->wait_for_finish());
  handler();
}
