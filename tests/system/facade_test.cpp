#include "facade/bellhop.hpp"
#include "tests/support/desk.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/origin.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

using namespace bellhop;
using namespace bellhop::test;
using Catch::Contains;

namespace {

namespace fs = boost::filesystem;

const std::string content = random_bytes(30'000, 51);

/// Keeps what it was told, and who told it.
class recorder : public session_delegate {
public:
  explicit recorder(bool acknowledges = false) : acknowledges_(acknowledges) {}

  void did_receive(const std::vector<event>& received) override {
    const call here{*this};
    if (on_events)
      on_events(received);
    const std::lock_guard lock{mutex_};
    events_.insert(events_.end(), received.begin(), received.end());
    changed_.notify_all();
  }
  void did_progress(const std::vector<progress>&) override { const call here{*this}; }
  void did_notice(const notice&) override { const call here{*this}; }
  void did_finish_events() override {
    const call here{*this};
    const std::lock_guard lock{mutex_};
    ++finishes_;
    changed_.notify_all();
  }
  bool acknowledges_itself() const override { return acknowledges_; }

  bool wait_for_events(std::size_t count) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, program_patience, [&] { return events_.size() >= count; });
  }
  bool wait_for_finish() {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, program_patience, [&] { return finishes_ > 0; });
  }

  std::vector<event> events() const {
    const std::lock_guard lock{mutex_};
    return events_;
  }
  std::set<std::thread::id> threads() const {
    const std::lock_guard lock{mutex_};
    return threads_;
  }
  int calls() const { return calls_; }
  int most_at_once() const { return most_at_once_; }

  std::function<void(const std::vector<event>&)> on_events;

private:
  struct call {
    explicit call(recorder& r) : to(r) {
      ++to.calls_;
      to.most_at_once_ = std::max<int>(to.most_at_once_, ++to.now_);
      const std::lock_guard lock{to.mutex_};
      to.threads_.insert(std::this_thread::get_id());
    }
    ~call() { --to.now_; }
    recorder& to;
  };

  const bool acknowledges_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<event> events_;
  std::set<std::thread::id> threads_;
  int finishes_ = 0;
  std::atomic<int> calls_{0};
  std::atomic<int> now_{0};
  std::atomic<int> most_at_once_{0};
};

engine_options options_in(const desk& here) {
  engine_options options;
  options.state = here.state();
  return options;
}

transfer_request request_for(const std::string& url, const path& destination) {
  transfer_request request;
  request.url = url;
  request.destination = destination;
  return request;
}

errc code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const failure& e) {
    CHECK(std::string{e.what()} != "");
    return e.why().code;
  }
  return errc::none;
}

/// A server whose answers are all held back until `go`.
struct held_server {
  held_server() {
    server.on("/file", [this](const origin::request& r, origin::connection& c) {
      c.wait_until([this] { return go.load(); });
      serve::response("200 OK", content)(r, c);
    });
  }
  std::atomic<bool> go{false};
  origin server;
};

} // namespace

TEST_CASE("a delegate is called by one thread of its own, one call at a time", "[system][facade]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  engine engine{options_in(here)};
  auto first = engine.open_session("first");
  auto second = engine.open_session("second");
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
  CHECK(engine.sessions().size() == 2);
}

TEST_CASE("futures carry errors", "[system][facade]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  engine engine{options_in(here)};
  auto session = engine.open_session("s");
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
  CHECK(code_of([&] { engine.open_session("no spaces"); }) == errc::invalid_identifier);
  session_configuration bad;
  bad.max_active = 0;
  CHECK(code_of([&] { engine.open_session("s", bad); }) == errc::invalid_argument);
  const auto one = std::make_shared<recorder>();
  session.attach(one);
  CHECK(one->wait_for_events(1));
  CHECK(code_of([&] { session.cancel({results[1].id}).get(); }) == errc::wrong_state);
  CHECK(session.find(results[1].id).get().state == transfer_state::completed);
  session.remove({results[1].id}).get();
  CHECK(code_of([&] { session.find(results[1].id).get(); }) == errc::unknown_transfer);
}

TEST_CASE("after detach no call comes", "[system][facade]") {
  held_server held;
  const desk here;
  engine engine{options_in(here)};
  auto session = engine.open_session("s");
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
    session.submit({request_for(held.server.url("/file"), here.folder() / "a")}).get();
    while (!entered)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    session.detach();
    CHECK(left);
    const auto calls = one->calls();
    session.submit({request_for(held.server.url("/file"), here.folder() / "b")}).get();
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
    session.submit({request_for(held.server.url("/file"), here.folder() / "a")}).get();
    CHECK(one->wait_for_events(1));
    session.detach();
  }
  SECTION("the transfers go on") {
    const auto one = std::make_shared<recorder>();
    session.attach(one);
    session.submit({request_for(held.server.url("/file"), here.folder() / "a")}).get();
    session.detach();
    held.go = true;
    const auto other = std::make_shared<recorder>();
    session.attach(other);
    CHECK(other->wait_for_events(1));
    CHECK(one->events().empty());
    CHECK(read_file(here.folder() / "a") == content);
  }
}

TEST_CASE("a session has one delegate", "[system][facade]") {
  const desk here;
  nginx server;
  server.put("a.bin", content);
  engine engine{options_in(here)};
  auto session = engine.open_session("s");
  auto same = engine.open_session("s");
  const auto one = std::make_shared<recorder>();
  const auto other = std::make_shared<recorder>();
  session.attach(one);
  CHECK(code_of([&] { same.attach(other); }) == errc::session_in_use);
  same.attach(other, true);
  session.submit({request_for(server.url("/a.bin"), here.folder() / "a")}).get();
  CHECK(other->wait_for_events(1));
  CHECK(one->events().empty());
  same.detach();
  session.attach(one);
}

TEST_CASE("a delegate that throws keeps its events", "[system][facade]") {
  const desk here;
  nginx server;
  server.put("a.bin", content);
  engine engine{options_in(here)};
  auto session = engine.open_session("s");
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

TEST_CASE("an engine that goes leaves its transfers to the next one", "[system][facade]") {
  held_server held;
  const desk here;
  {
    engine engine{options_in(here)};
    auto session = engine.open_session("s");
    session.attach(std::make_shared<recorder>());
    std::vector<transfer_request> requests;
    for (int i = 0; i < 10; ++i)
      requests.push_back(request_for(held.server.url("/file"), here.folder() / std::to_string(i)));
    session.submit(std::move(requests)).get();
    while (held.server.requests().empty())
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  CHECK(names_in(here.folder()).empty());
  held.go = true;
  engine engine{options_in(here)};
  const auto one = std::make_shared<recorder>();
  auto session = engine.open_session("s");
  CHECK(session.counts().get().suspended == 0);
  session.attach(one);
  CHECK(one->wait_for_events(10));
  CHECK(one->wait_for_finish());
  CHECK(names_in(here.folder()).size() == 10);
  engine.shutdown();
  CHECK(code_of([&] { session.counts().get(); }) != errc::none);
  engine.shutdown();
}

TEST_CASE("a state directory has one engine", "[system][facade]") {
  const desk here;
  std::string told;
  {
    engine engine{options_in(here)};
    try {
      bellhop::engine second{options_in(here)};
    } catch (const failure& e) {
      CHECK(e.why().code == errc::state_in_use);
      told = e.what();
    }
    CHECK_THAT(told, Contains(std::to_string(::getpid())));
  }
  engine after{options_in(here)};
}

TEST_CASE("what nobody acknowledged is told to the next run", "[system][facade]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  for (int run = 0; run < 3; ++run) {
    engine engine{options_in(here)};
    auto session = engine.open_session("s");
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

TEST_CASE("a program that comes back is told of its sessions", "[system][facade]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  {
    engine engine{options_in(here)};
    auto session = engine.open_session("s");
    session.submit({request_for(server.url("/a.bin"), here.folder() / "a")}).get();
    while (session.counts().get().completed == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  engine engine{options_in(here)};
  std::promise<std::pair<std::string, std::function<void()>>> told;
  engine.on_background_events([&](const std::string& identifier, std::function<void()> handler) {
    told.set_value({identifier, std::move(handler)});
  });
  auto news = told.get_future();
  REQUIRE(news.wait_for(program_patience) == std::future_status::ready);
  const auto [identifier, handler] = news.get();
  CHECK(identifier == "s");
  const auto one = std::make_shared<recorder>();
  engine.open_session(identifier).attach(one);
  CHECK(one->wait_for_events(1));
  CHECK(one->wait_for_finish());
  handler();
}

TEST_CASE("the example of an embedded engine works as it says", "[system][facade]") {
  nginx server;
  server.put("a.bin", content);
  server.put("b.bin", content);
  const desk here;
  auto with = here.options();
  with.interactive_input = true;
  const std::vector<std::string> command{BELLHOP_BIN_DIR "/embed", here.state().string(), here.folder().string()};
  {
    program running{command, with};
    running.write(server.url("/a.bin") + "\nnonsense\n");
    CHECK(running.wait_until([&] { return running.out().find("nothing left to do") != std::string::npos; }));
    CHECK_THAT(running.out(), Contains("completed " + (here.folder() / "a.bin").string()) && Contains("refused") &&
                                  Contains("nonsense"));
    running.write(server.url("/b.bin") + "\n");
    CHECK(running.wait_until([&] { return fs::exists(here.folder() / "b.bin"); }));
    CHECK(running.wait().status == 0);
  }
  CHECK(run_program({BELLHOP_BIN_DIR "/embed"}).status == 2);
  CHECK(run_program(command).status == 0);
  CHECK(names_in(here.folder()) == std::vector<std::string>{"a.bin", "b.bin"});
}
