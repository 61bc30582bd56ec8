#include "core/api_client.hpp"
#include "core/api_problem.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/program.hpp"
#include "tests/support/scripted_daemon.hpp"
#include "tests/support/temp_dir.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

using namespace bellhop;
using namespace bellhop::test;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

struct place {
  temp_dir folder;
  path socket = folder / "s";

  api_client_options options() const {
    api_client_options result;
    result.socket = socket;
    return result;
  }
};

std::future<api_answer> ask(api_client& client, api_request request) {
  auto promise = std::make_shared<std::promise<api_answer>>();
  auto answer = promise->get_future();
  client.request(std::move(request), [promise](api_answer a) { promise->set_value(std::move(a)); });
  return answer;
}

api_answer get(std::future<api_answer> answer) {
  REQUIRE(answer.wait_for(program_patience) == std::future_status::ready);
  return answer.get();
}

/// Keeps what a stream brings.
class reader : public api_stream_observer {
public:
  void on_open(stream_id) override {
    keep([this] { ++opened; });
  }
  void on_events(stream_id, std::vector<stream_event> more) override {
    keep([&] { events.insert(events.end(), more.begin(), more.end()); });
  }
  void on_end(stream_id, const error& why) override {
    keep([&] { ends.push_back(why); });
  }

  bool wait_until(const std::function<bool()>& condition) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, program_patience, condition);
  }

  std::mutex mutex;
  int opened = 0;
  std::vector<stream_event> events;
  std::vector<error> ends;

private:
  template <class Change>
  void keep(Change change) {
    const std::lock_guard lock{mutex};
    change();
    changed.notify_all();
  }
  std::condition_variable changed;
};

void echo(const scripted_daemon::request& r, scripted_daemon::connection& c) {
  c.answer(200, r.method + " " + r.target + " " + r.body);
}

} // namespace

TEST_CASE("a problem becomes an error", "[api_client]") {
  const auto known = error_from_problem(404, R"({"status":404,"detail":"no such","code":"unknown_session"})");
  CHECK(known == error{errc::unknown_session, "no such", 0});
  CHECK(error_from_problem(418, R"({"title":"Teapot","code":"of_a_newer_version"})") ==
        error{errc::internal, "Teapot", 0});
  for (const auto* body : {"", "<html>", "[]", "{}", R"({"code":7})"}) {
    const auto why = error_from_problem(502, body);
    CHECK(why.code == errc::bad_response);
    CHECK_THAT(why.message, Contains("502"));
  }
}

TEST_CASE("requests go to the daemon as they are", "[api_client]") {
  const place here;
  scripted_daemon daemon{here.socket, echo};
  api_client client{here.options()};
  CHECK(get(ask(client, {.target = "/v1/sessions/../x?a=b"})).body == "GET /v1/sessions/../x?a=b ");
  const std::string large(3'000'000, 'x');
  const auto echoed = get(ask(client, {.method = "POST", .target = "/a", .body = large}));
  CHECK(echoed.why == error{});
  const bool is_whole = echoed.body == "POST /a " + large;
  CHECK(is_whole);
  CHECK(get(ask(client, {.method = "PUT", .target = "/b"})).body == "PUT /b ");
  CHECK(get(ask(client, {.method = "PATCH", .target = "/c", .body = "{}"})).body == "PATCH /c {}");
  CHECK(get(ask(client, {.method = "DELETE", .target = "/d"})).body == "DELETE /d ");
  const auto seen = daemon.requests();
  REQUIRE(seen.size() == 5);
  CHECK(seen[1].headers.at("content-type") == "application/json");
  CHECK_FALSE(seen[1].headers.contains("expect"));
  CHECK_FALSE(seen[2].headers.contains("content-type"));
  CHECK(seen[2].headers.at("content-length") == "0");
}

TEST_CASE("what the daemon refuses is an answer with its error", "[api_client]") {
  const place here;
  scripted_daemon daemon{here.socket, [](const auto&, auto& c) { c.problem(409, "wrong_state", "it has ended"); }};
  api_client client{here.options()};
  const auto answer = get(ask(client, {.target = "/x"}));
  CHECK(answer.status == 409);
  CHECK(answer.why == error{errc::wrong_state, "it has ended", 0});
  CHECK(daemon.requests().size() == 1);
}

TEST_CASE("requests of a lane keep their order, lanes do not wait for each other", "[api_client]") {
  const place here;
  std::atomic<bool> go{false};
  scripted_daemon daemon{here.socket, [&](const auto& r, auto& c) {
                           if (r.target == "/slow/0")
                             c.wait_until([&] { return go.load(); });
                           echo(r, c);
                         }};
  api_client client{here.options()};
  std::vector<std::future<api_answer>> slow;
  for (int i = 0; i < 50; ++i)
    slow.push_back(ask(client, {.target = fmt::format("/slow/{}", i), .lane = "slow"}));
  CHECK(get(ask(client, {.target = "/other", .lane = "other"})).status == 200);
  CHECK(get(ask(client, {.target = "/alone"})).status == 200);
  go = true;
  for (auto& each : slow)
    CHECK(get(std::move(each)).status == 200);
  int next = 0;
  for (const auto& r : daemon.requests())
    if (r.target.starts_with("/slow"))
      CHECK(r.target == fmt::format("/slow/{}", next++));
  CHECK(next == 50);
}

TEST_CASE("a request waits for a daemon that is not there", "[api_client]") {
  const place here;
  api_client client{here.options()};
  auto submit = ask(client, {.method = "POST", .target = "/submit", .body = "x", .repeatable = false});
  auto read = ask(client, {.target = "/read"});
  CHECK(submit.wait_for(200ms) == std::future_status::timeout);
  scripted_daemon daemon{here.socket, echo};
  CHECK(get(std::move(submit)).body == "POST /submit x");
  const auto answer = get(std::move(read));
  CHECK(answer.status == 200);
  CHECK_FALSE(answer.repeated);
}

TEST_CASE("a request that is turned away is asked again", "[api_client]") {
  const place here;
  std::atomic<int> count{0};
  scripted_daemon daemon{here.socket, [&](const auto& r, auto& c) {
                           switch (count++) {
                           case 0:
                             return c.problem(503, "shutting_down", "stopping");
                           case 1:
                             return c.problem(429, "internal", "too many");
                           default:
                             return echo(r, c);
                           }
                         }};
  api_client client{here.options()};
  CHECK(get(ask(client, {.method = "POST", .target = "/x", .repeatable = false})).status == 200);
  CHECK(count == 3);
}

TEST_CASE("a lost answer", "[api_client]") {
  const place here;
  std::atomic<int> count{0};
  scripted_daemon daemon{here.socket, [&](const auto& r, auto& c) {
                           if (r.target == "/warm" || ++count > 1)
                             return echo(r, c);
                           c.close();
                         }};
  api_client client{here.options()};
  // A connection that is kept: libcurl would repeat by itself what is lost on it.
  CHECK(get(ask(client, {.target = "/warm"})).status == 200);
  SECTION("is asked for again when that is safe") {
    const auto answer = get(ask(client, {.method = "POST", .target = "/cancel"}));
    CHECK(answer.status == 200);
    CHECK(answer.repeated);
    CHECK(count == 2);
  }
  SECTION("is told when it is not") {
    const auto answer = get(ask(client, {.method = "POST", .target = "/submit", .body = "x", .repeatable = false}));
    CHECK(answer.why.code == errc::connection_lost);
    CHECK_THAT(answer.why.message, Contains("may or may not"));
    CHECK(count == 1);
  }
}

TEST_CASE("a submit is never sent twice, whenever the daemon dies", "[api_client]") {
  const place here;
  std::atomic<int> submits{0};
  const auto does = [&](const scripted_daemon::request& r, scripted_daemon::connection& c) {
    if (r.target != "/submit")
      return echo(r, c);
    ++submits;
    c.wait_until([] { return false; });
  };
  auto options = here.options();
  options.patience = 300ms;
  api_client client{options};
  auto daemon = std::make_unique<scripted_daemon>(here.socket, does);
  CHECK(get(ask(client, {.target = "/warm"})).status == 200);
  auto answer = ask(client, {.method = "POST", .target = "/submit", .repeatable = false});
  while (submits == 0)
    std::this_thread::sleep_for(1ms);
  daemon.reset();
  CHECK(get(std::move(answer)).why.code == errc::connection_lost);
  daemon = std::make_unique<scripted_daemon>(here.socket, does);
  CHECK(get(ask(client, {.target = "/after"})).status == 200);
  CHECK(submits == 1);
}

TEST_CASE("a daemon that does not come is given up", "[api_client]") {
  const place here;
  auto options = here.options();
  options.patience = 200ms;
  SECTION("with the reason") {
    api_client client{options};
    const auto answer = get(ask(client, {.target = "/x"}));
    CHECK(answer.why.code == errc::daemon_unavailable);
    CHECK_THAT(answer.why.message, Contains(here.socket.string()));
  }
  SECTION("and with why it could not be started") {
    options.start = [] { throw failure(errc::daemon_unavailable, "bellhopd was not found"); };
    api_client client{options};
    const auto answer = get(ask(client, {.target = "/x"}));
    CHECK(answer.why.code == errc::daemon_unavailable);
    CHECK_THAT(answer.why.message, Contains("bellhopd was not found"));
  }
}

TEST_CASE("a daemon that is not there is started", "[api_client]") {
  const place here;
  std::unique_ptr<scripted_daemon> daemon;
  std::atomic<int> starts{0};
  auto options = here.options();
  options.start = [&] {
    ++starts;
    daemon = std::make_unique<scripted_daemon>(here.socket, echo);
  };
  {
    api_client client{options};
    std::vector<std::future<api_answer>> answers;
    for (int i = 0; i < 20; ++i)
      answers.push_back(ask(client, {.target = "/x"}));
    for (auto& each : answers)
      CHECK(get(std::move(each)).status == 200);
  }
  CHECK(starts == 1);
}

TEST_CASE("an answer without end is refused", "[api_client]") {
  const place here;
  scripted_daemon daemon{here.socket, [](const auto&, auto& c) { c.answer(200, std::string(2'000'000, 'x')); }};
  auto options = here.options();
  options.longest_answer_bytes = 1'000'000;
  api_client client{options};
  CHECK(get(ask(client, {.target = "/x"})).why.code == errc::too_large);
}

TEST_CASE("a daemon that hangs is not waited for without end", "[api_client]") {
  const place here;
  scripted_daemon daemon{here.socket, [](const auto&, auto& c) { c.wait_until([] { return false; }); }};
  auto options = here.options();
  options.answer_timeout = 100ms;
  api_client client{options};
  CHECK(get(ask(client, {.target = "/x"})).why.code == errc::timed_out);
}

TEST_CASE("stopping fails what is pending and what comes later", "[api_client]") {
  const place here;
  scripted_daemon daemon{here.socket, [](const auto& r, auto& c) {
                           if (r.target == "/stream")
                             c.begin_stream();
                           c.wait_until([] { return false; });
                         }};
  api_client client{here.options()};
  const auto stream = std::make_shared<reader>();
  client.open({.id = {1}, .target = "/stream", .last_event = {}}, stream);
  CHECK(stream->wait_until([&] { return stream->opened == 1; }));
  auto first = ask(client, {.target = "/x", .lane = "a"});
  auto second = ask(client, {.target = "/x", .lane = "a"});
  client.stop();
  CHECK(get(std::move(first)).why.code == errc::shutting_down);
  CHECK(get(std::move(second)).why.code == errc::shutting_down);
  CHECK(get(ask(client, {.target = "/x"})).why.code == errc::shutting_down);
  REQUIRE(stream->ends.size() == 1);
  CHECK(stream->ends[0].code == errc::shutting_down);
  client.open({.id = {2}, .target = "/stream", .last_event = {}}, stream);
  CHECK(stream->ends.size() == 2);
  client.stop();
}

TEST_CASE("a stream brings events until it ends", "[api_client]") {
  const place here;
  std::atomic<bool> go{false};
  scripted_daemon daemon{here.socket, [&](const auto&, auto& c) {
                           c.begin_stream();
                           c.event("completed", "1");
                           c.wait_until([&] { return go.load(); });
                           c.event("completed", "2");
                           c.close();
                         }};
  api_client client{here.options()};
  const auto stream = std::make_shared<reader>();
  client.open({.id = {1}, .target = "/events", .last_event = {41}}, stream);
  CHECK(stream->wait_until([&] { return stream->events.size() == 1; }));
  CHECK(stream->opened == 1);
  go = true;
  CHECK(stream->wait_until([&] { return stream->ends.size() == 1; }));
  CHECK(stream->ends[0].code == errc::daemon_unavailable);
  CHECK(stream->events == std::vector<stream_event>{{"", "completed", "1"}, {"", "completed", "2"}});
  CHECK(daemon.requests().at(0).headers.at("last-event-id") == "41");
  CHECK(daemon.requests().at(0).headers.at("accept") == "text/event-stream");
}

TEST_CASE("a stream that cannot be opened says why", "[api_client]") {
  const place here;
  const auto end_with = [&](scripted_daemon::handler does) {
    scripted_daemon daemon{here.socket, std::move(does)};
    api_client client{here.options()};
    const auto stream = std::make_shared<reader>();
    client.open({.id = {1}, .target = "/events", .last_event = {}}, stream);
    CHECK(stream->wait_until([&] { return !stream->ends.empty(); }));
    CHECK(stream->events.empty());
    return stream->ends.at(0);
  };
  CHECK(end_with([](const auto&, auto& c) { c.problem(409, "session_in_use", "taken"); }) ==
        error{errc::session_in_use, "taken", 0});
  CHECK(end_with([](const auto&, auto& c) { c.problem(503, "shutting_down", "stopping"); }).code ==
        errc::daemon_unavailable);
  CHECK(end_with([](const auto&, auto& c) { c.answer(200, "{}"); }).code == errc::bad_response);
  CHECK(end_with([](const auto&, auto& c) { c.close(); }).code == errc::daemon_unavailable);
  api_client client{here.options()};
  const auto stream = std::make_shared<reader>();
  client.open({.id = {1}, .target = "/events", .last_event = {}}, stream);
  CHECK(stream->wait_until([&] { return !stream->ends.empty(); }));
  CHECK(stream->ends.at(0).code == errc::daemon_unavailable);
}

TEST_CASE("a reader that takes nothing is sent nothing without bound", "[api_client]") {
  const place here;
  constexpr std::size_t count = 5'000;
  constexpr std::size_t most_in_a_piece = 64;
  scripted_daemon daemon{here.socket, [&](const auto& r, auto& c) {
                           if (r.target == "/other")
                             return echo(r, c);
                           c.begin_stream();
                           for (std::size_t i = 0; i < count; ++i)
                             c.event("completed", std::string(1000, 'x'));
                           c.wait_until([] { return false; });
                         }};
  auto options = here.options();
  options.stream_window = 100;
  api_client client{options};
  const auto stream = std::make_shared<reader>();
  client.open({.id = {1}, .target = "/events", .last_event = {}}, stream);
  std::size_t taken = 0;
  while (taken < count) {
    REQUIRE(stream->wait_until([&] { return stream->events.size() > taken; }));
    // The loop has turned since the window was full.
    CHECK(get(ask(client, {.target = "/other"})).status == 200);
    const std::lock_guard lock{stream->mutex};
    CHECK(stream->events.size() - taken < options.stream_window + most_in_a_piece);
    client.taken({1}, stream->events.size() - taken);
    taken = stream->events.size();
  }
  CHECK(taken == count);
  client.close({1});
}
