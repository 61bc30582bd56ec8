#include "tests/gateway/http_client.hpp"
#include "tests/gateway/running_gateway.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/program.hpp"

#include <catch2/catch.hpp>

#include <numeric>
#include <thread>

using namespace bellhop::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

/// A session "s"; its transfers are made and cancelled, so that events come without a network.
struct fixture {
  explicit fixture(const bellhop::gateway_limits& limits = {}) : api(limits) {
    REQUIRE(ask("PUT", "/v1/sessions/s").status == 201);
  }

  http_answer ask(std::string_view method, std::string_view target, std::string_view body = {}) const {
    return raw_client{api.socket()}.ask(method, target, body);
  }

  std::uint64_t last_event() const {
    return ask("GET", "/v1/sessions/s").json().at("status").at("last_event").get<std::uint64_t>();
  }

  /// So many events more.
  void make_events(int count, std::size_t metadata_bytes = 0) const {
    const auto before = last_event();
    auto all = json::array();
    for (int i = 0; i < count; ++i) {
      all.push_back({{"url", "http://127.0.0.1:9/x"}, {"destination", "/tmp/x"}, {"suspended", true}});
      if (metadata_bytes > 0)
        all.back()["metadata"] = std::string(metadata_bytes, 'm');
    }
    const auto ids = ask("POST", "/v1/sessions/s/transfers", all.dump()).json().at("ids");
    REQUIRE(ask("POST", "/v1/sessions/s/transfers/cancel", json{{"ids", ids}}.dump()).status == 204);
    // The session hears of its events a moment after they were committed.
    while (last_event() < before + static_cast<std::uint64_t>(count))
      std::this_thread::sleep_for(1ms);
  }

  sse_client stream(const std::string& query, std::vector<std::string> lines = {}) const {
    return sse_client{api.socket(), "/v1/sessions/s/events" + query, std::move(lines)};
  }

  bool attached() const { return ask("GET", "/v1/sessions/s").json().at("status").at("attached").get<bool>(); }

  std::uint64_t metric(const std::string& name) const {
    const auto text = ask("GET", "/metrics").body;
    const auto at = text.find("\n" + name + " ");
    return at == text.npos ? 0 : std::stoull(text.substr(at + name.size() + 2));
  }

  running_gateway api;
};

std::vector<std::uint64_t> numbers(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> all(to - from + 1);
  std::iota(all.begin(), all.end(), from);
  return all;
}

} // namespace

TEST_CASE("events come in order, with their numbers, from where the reader says", "[gateway]") {
  fixture f;
  f.make_events(10);
  CHECK(f.stream("?after=0").next_ids(10) == numbers(1, 10));
  CHECK(f.stream("").next_ids(10) == numbers(1, 10));
  CHECK(f.stream("?after=4").next_ids(6) == numbers(5, 10));
  CHECK(f.stream("?after=4", {"Last-Event-ID: 7"}).next_ids(3) == numbers(8, 10));
  auto late = f.stream("?after=latest");
  auto later = f.stream("?after=1000");
  f.make_events(2);
  CHECK(late.next_ids(2) == numbers(11, 12));
  CHECK(later.next_ids(2) == numbers(11, 12));
  const auto list = f.ask("GET", "/v1/sessions/s/events?after=3&limit=4").json().at("events");
  REQUIRE(list.size() == 4);
  CHECK(list[0].at("seq") == 4);
  const auto first = f.stream("?after=0").next_of("cancelled");
  CHECK(first.id == "1");
  CHECK(first.json().at("session") == "s");
  CHECK(first.json().at("type") == "cancelled");
}

TEST_CASE("a reader that was cut off goes on where it was", "[gateway]") {
  fixture f;
  f.make_events(20);
  std::vector<std::uint64_t> seen;
  for (int round = 0; round < 4; ++round) {
    auto stream =
        f.stream("?after=0", seen.empty() ? std::vector<std::string>{}
                                          : std::vector<std::string>{"Last-Event-ID: " + std::to_string(seen.back())});
    const auto some = stream.next_ids(5);
    seen.insert(seen.end(), some.begin(), some.end());
  }
  CHECK(seen == numbers(1, 20));
}

TEST_CASE("the delegate is one, and gets what was not acknowledged again", "[gateway]") {
  fixture f;
  f.make_events(6);
  {
    auto stream = f.stream("?attach=true");
    REQUIRE(stream.status() == 200);
    CHECK(stream.next_ids(6) == numbers(1, 6));
    CHECK(stream.next_of("finished").json().at("session") == "s");
    CHECK(f.attached());
    CHECK(f.ask("POST", "/v1/sessions/s/events/ack", "{\"upto\":4}").status == 204);
    const auto second = f.stream("?attach=true&client=b");
    CHECK(second.status() == 409);
    CHECK(second.head().json().at("code") == "session_in_use");
  }
  // Its end detaches, so that the next one need not take over.
  auto next = f.stream("?attach=true");
  REQUIRE(next.status() == 200);
  CHECK(next.next_ids(2) == numbers(5, 6));
  CHECK(f.ask("GET", "/v1/sessions/s").json().at("acknowledged") == 4);
}

TEST_CASE("the stream's end is noticed without anything being written", "[gateway]") {
  fixture f;
  {
    auto stream = f.stream("?attach=true");
    REQUIRE(stream.status() == 200);
    REQUIRE(f.attached());
  }
  while (f.attached())
    std::this_thread::sleep_for(5ms);
  CHECK(f.metric("bellhop_event_readers") == 0);
}

TEST_CASE("an attached reader may begin before what was acknowledged, or later", "[gateway]") {
  fixture f;
  f.make_events(8);
  REQUIRE(f.ask("POST", "/v1/sessions/s/events/ack", "{\"upto\":5}").status == 204);
  CHECK(f.stream("?attach=true").next_ids(3) == numbers(6, 8));
  CHECK(f.stream("?attach=true&after=2").next_ids(6) == numbers(3, 8));
  CHECK(f.stream("?attach=true&after=7").next_ids(1) == numbers(8, 8));
}

TEST_CASE("taking over tells the old delegate, which the same client does to itself", "[gateway]") {
  fixture f;
  f.make_events(3);
  auto one = f.stream("?attach=true&client=one");
  CHECK(one.next_ids(3) == numbers(1, 3));
  auto two = f.stream("?attach=true&client=two&take_over=true");
  CHECK(two.next_ids(3) == numbers(1, 3));
  CHECK(one.next_of("detached").json().at("error").at("code") == "session_in_use");
  CHECK_FALSE(one.next());
  CHECK(f.stream("?attach=true&client=one").status() == 409);
  auto again = f.stream("?attach=true&client=two");
  REQUIRE(again.status() == 200);
  two.next_of("detached");
  f.make_events(1);
  CHECK(again.next_ids(4) == numbers(1, 4));
}

TEST_CASE("any number may watch, and none holds up another", "[gateway]") {
  fixture f;
  auto owner = f.stream("?attach=true");
  std::vector<sse_client> watchers;
  watchers.reserve(20);
  for (int i = 0; i < 20; ++i)
    watchers.push_back(f.stream("?after=0"));
  auto lazy = f.stream("?after=0"); // Reads nothing.
  f.make_events(50, 4000);
  CHECK(owner.next_ids(50) == numbers(1, 50));
  for (auto& each : watchers)
    CHECK(each.next_ids(50) == numbers(1, 50));
  CHECK(lazy.next_ids(50) == numbers(1, 50));
}

TEST_CASE("a stream says that it lives", "[gateway]") {
  bellhop::gateway_limits limits;
  limits.heartbeat = 20ms;
  fixture f{limits};
  auto stream = f.stream("");
  CHECK(stream.wait_for_comment());
  CHECK(stream.wait_for_comment());
}

TEST_CASE("a reader that takes nothing is let go, holds nobody up and loses nothing", "[gateway]") {
  bellhop::gateway_limits limits;
  limits.slow_reader = 500ms;
  fixture f{limits};
  auto slow = f.stream("?attach=true&client=slow");
  REQUIRE(slow.status() == 200);
  f.make_events(400, 8000); // More than sockets hold.
  while (f.metric("bellhop_event_readers_dropped_total") == 0)
    std::this_thread::sleep_for(10ms);
  // Its place is free at once, though its connection may still be open.
  auto next = f.stream("?attach=true&client=next");
  REQUIRE(next.status() == 200);
  CHECK(next.next_ids(400) == numbers(1, 400));
  // What it finds is a beginning without a gap; where that ends, it can go on. The reason, if it fits, is last.
  std::uint64_t last = 0;
  std::string end;
  while (const auto found = slow.next()) {
    CHECK(end != "detached");
    end = found->id.empty() ? found->event : "";
    if (found->id.empty())
      continue;
    CHECK(std::stoull(found->id) == last + 1);
    last = std::stoull(found->id);
  }
  CHECK(last < 400);
  if (!end.empty())
    CHECK(end == "detached");
  CHECK(f.stream("?after=0", {"Last-Event-ID: " + std::to_string(last)}).next_ids(400 - last) ==
        numbers(last + 1, 400));
}

TEST_CASE("a reader that was let go is told why when it reads again in time", "[gateway]") {
  bellhop::gateway_limits limits;
  limits.slow_reader = 3s;
  fixture f{limits};
  auto slow = f.stream("?after=0");
  f.make_events(400, 8000);
  while (f.metric("bellhop_event_readers_dropped_total") == 0)
    std::this_thread::sleep_for(10ms);
  const auto why = slow.next_of("detached").json();
  CHECK(why.at("error").at("code") == "timed_out");
  CHECK_FALSE(slow.next());
}

TEST_CASE("progress and notices are news, events are kept", "[gateway]") {
  nginx origin{nginx::options{.limit_rate = "300k"}};
  origin.put("a.bin", random_bytes(1'000'000, 5));
  fixture f;
  auto stream = f.stream("?attach=true");
  const json request{{"url", origin.url("/a.bin")}, {"destination", (f.api / "a.bin").string()}};
  const auto id = f.ask("POST", "/v1/sessions/s/transfers", request.dump()).json().at("id");
  const auto started = stream.next_of("notice").json();
  CHECK(started.at("type") == "started");
  CHECK(started.at("transfer") == id);
  std::uint64_t bytes = 0;
  for (auto found = stream.next(); found; found = stream.next()) {
    if (found->event == "completed")
      break;
    CHECK(found->id.empty());
    if (found->event != "progress")
      continue;
    const auto moved = found->json().at(0);
    CHECK(moved.at("total") == 1'000'000);
    CHECK(moved.at("bytes").get<std::uint64_t>() >= bytes);
    bytes = moved.at("bytes").get<std::uint64_t>();
  }
  CHECK(bytes > 0);
  stream.next_of("finished");
}

TEST_CASE("an invalidated session says so last, and its stream ends", "[gateway]") {
  fixture f;
  auto owner = f.stream("?attach=true");
  f.ask("POST", "/v1/sessions/s/transfers",
        R"([{"url":"http://127.0.0.1:9/","destination":"/tmp/x","suspended":true}])");
  CHECK(f.ask("DELETE", "/v1/sessions/s?mode=cancel").status == 202);
  CHECK(owner.next_ids(1) == numbers(1, 1));
  CHECK(f.ask("POST", "/v1/sessions/s/events/ack", "{\"upto\":1}").status == 204);
  CHECK(owner.next_of("invalid").json().at("session") == "s");
  CHECK_FALSE(owner.next());
  while (f.ask("GET", "/v1/sessions/s").status != 404)
    std::this_thread::sleep_for(5ms);
  // The identifier is free again.
  CHECK(f.ask("PUT", "/v1/sessions/s").status == 201);
}

TEST_CASE("events survive a restart, and readers go on", "[gateway]") {
  fixture f;
  f.make_events(5);
  {
    auto stream = f.stream("?attach=true");
    CHECK(stream.next_ids(3) == numbers(1, 3));
  }
  f.api.restart();
  CHECK(f.stream("?attach=true", {"Last-Event-ID: 3"}).next_ids(2) == numbers(4, 5));
}

TEST_CASE("attaching and detaching, 200 times, by the same client and by others", "[gateway]") {
  fixture f;
  f.make_events(2);
  for (int round = 0; round < 200; ++round) {
    auto stream = f.stream(round % 2 == 0 ? "?attach=true&client=same" : "?attach=true");
    INFO(round);
    REQUIRE(stream.status() == 200);
    if (round % 3 == 0) {
      CHECK(stream.next_ids(2) == numbers(1, 2));
    }
  }
}
