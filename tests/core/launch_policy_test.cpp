#include "core/launch_policy.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace bellhop;
using namespace bellhop::launch;
using namespace std::chrono_literals;

namespace {

const time_point epoch{std::chrono::hours{24 * 365 * 56}};
/// Twice as much is the whole wait.
constexpr double least_jitter = 0;

/// What a step does, in a word each: "start", "wake", "tell".
std::string to_text(const outputs& what) {
  std::string text;
  for (const auto& [done, word] :
       {std::pair{what.start, "start"}, {what.wake_after.has_value(), "wake"}, {what.tell, "tell"}})
    if (done)
      text += (text.empty() ? "" : " ") + std::string{word};
  return text;
}

const error crash{errc::launch_failed, "was ended by signal 11", 0};

/// A machine with a clock that the test moves.
struct program {
  machine policy;
  time_point now = epoch;

  std::string operator()(const input& what) {
    last = policy.step(what, {now, least_jitter});
    return to_text(last);
  }
  std::string after(duration d, const input& what = in::due{}) {
    now += d;
    return (*this)(what);
  }
  std::string state() const { return std::string{to_string(policy.status().state)}; }

  outputs last;
};

} // namespace

TEST_CASE("the wait before a start doubles from a second to ten minutes", "[launch]") {
  struct row {
    std::uint32_t failures;
    std::chrono::milliseconds least, most;
  };
  for (const auto& [failures, least, most] :
       {row{1, 500ms, 1s}, row{2, 1s, 2s}, row{3, 2s, 4s}, row{10, 256s, 512s}, row{11, 300s, 600s},
        row{12, 300s, 600s}, row{4'000'000'000, 300s, 600s}}) {
    INFO(failures);
    CHECK(delay(failures, 0) == least);
    CHECK(delay(failures, 0.9999999) <= most);
    CHECK(delay(failures, 0.9999999) > most - 1s);
  }
  CHECK(delay(1, -3) == 500ms);
  CHECK(delay(1, 17) == 1s);
}

TEST_CASE("what is done in which state", "[launch]") {
  const in::wanted wanted;
  const in::closed closed;
  const in::completed completed;
  const in::started started{42};
  const in::ended ended{crash};

  struct row {
    const char* name;
    std::vector<input> before;
    input then;
    const char* does;
    const char* state;
  };
  const std::vector<row> table{
      {"wanted: started at once", {}, wanted, "start tell", "running"},
      {"wanted while it starts", {wanted}, wanted, "", "running"},
      {"wanted while it runs", {wanted, started}, wanted, "", "running"},
      {"its pid is told", {wanted}, started, "tell", "running"},
      {"a crash backs off", {wanted, started}, ended, "wake tell", "backing_off"},
      {"what cannot be started backs off", {wanted}, ended, "wake tell", "backing_off"},
      {"wanted while it backs off", {wanted, started, ended}, wanted, "wake", "backing_off"},
      {"closed while it backs off", {wanted, started, ended}, closed, "wake tell", "none"},
      {"the handler ends the back-off", {wanted, started, ended}, completed, "start tell", "running"},
      {"attached: it goes on", {wanted, started}, closed, "", "running"},
      {"the handler was called", {wanted, started, closed}, completed, "tell", "none"},
      {"it ends after its work", {wanted, started, closed, completed}, ended, "wake tell", "none"},
      {"it ends and says nothing", {wanted, started, closed}, ended, "wake tell", "none"},
      {"wanted again while it still runs", {wanted, started, closed, completed}, wanted, "", "none"},
      {"the handler without the work", {wanted, started, completed}, ended, "wake tell", "backing_off"},
      {"closed, and nothing ever ran", {}, closed, "", "none"},
      {"a handler of a program that was started by hand", {}, completed, "", "none"},
      {"an end of nothing", {}, ended, "", "none"},
  };
  for (const auto& [name, before, then, does, state] : table) {
    INFO(name);
    program p;
    for (const auto& each : before)
      p(each);
    CHECK(p(then) == does);
    CHECK(p.state() == state);
  }
}

TEST_CASE("a program that keeps failing is started ever more rarely", "[launch]") {
  program p;
  CHECK(p(in::wanted{}) == "start tell");
  for (std::uint32_t failures = 1; failures <= 14; ++failures) {
    INFO(failures);
    CHECK(p(in::started{100}) == "tell");
    CHECK(p.policy.status().pid == 100);
    CHECK(p(in::ended{crash}) == "wake tell");
    const auto told = p.policy.status();
    CHECK(told.pid == 0);
    CHECK(told.failures == failures);
    CHECK(told.last_error == crash);
    const auto wait = delay(failures, least_jitter);
    CHECK(told.next_at == p.now + wait);
    REQUIRE(p.last.wake_after == duration{wait});
    CHECK(p.after(wait - 1us) == "wake");
    CHECK(p.after(1us) == "start tell");
  }
  // One good run ends it.
  p(in::started{7});
  p(in::closed{});
  p(in::completed{});
  p(in::ended{});
  CHECK(p.after(1s, in::wanted{}) == "start tell");
  CHECK(p.policy.status().failures == 0);
  CHECK(!p.policy.status().last_error);
}

TEST_CASE("what comes while the program runs starts it again after its end", "[launch]") {
  program p;
  p(in::wanted{});
  p(in::started{1});
  p(in::closed{});
  SECTION("at once, if it has called the handler") {
    p(in::completed{});
    CHECK(p.after(5s, in::wanted{}) == "");
    CHECK(p(in::ended{}) == "start tell");
  }
  SECTION("after a wait, if it has not") {
    CHECK(p.after(5s, in::wanted{}) == "");
    CHECK(p(in::ended{crash}) == "wake tell");
    CHECK(p.state() == "backing_off");
  }
  SECTION("in whichever order its end and the news are told") {
    CHECK(p.after(5s, in::ended{crash}) == "wake tell");
    CHECK(p.state() == "none");
    CHECK(p(in::wanted{}) == "wake tell");
    CHECK(p.state() == "backing_off");
    CHECK(p.policy.status().failures == 1);
  }
}

TEST_CASE("a program that comes, does nothing and says that all is well is no busy loop", "[launch]") {
  program p;
  p(in::wanted{});
  SECTION("attached or not, there is a second between two starts") {
    p(in::closed{});
    p(in::completed{});
    p(in::wanted{});
    CHECK(p(in::ended{}) == "wake tell");
    CHECK(p.last.wake_after == duration{shortest_interval});
    CHECK(p.state() == "backing_off");
  }
  SECTION("never attached, it backs off") {
    for (const auto wait : {500ms, 1000ms, 2000ms}) {
      p(in::completed{});
      p(in::ended{});
      CHECK(p.last.wake_after == duration{wait});
      CHECK(p.after(wait) == "start tell");
    }
  }
}

TEST_CASE("an end without the handler is forgiven when the program is not wanted again", "[launch]") {
  program p;
  p(in::wanted{});
  p(in::started{1});
  p(in::closed{});
  CHECK(p(in::ended{crash}) == "wake tell");
  CHECK_FALSE(p.policy.idle());
  CHECK(p.after(500ms) == "");
  CHECK(p.policy.idle());
  CHECK(p(in::wanted{}) == "start tell");
  CHECK(p.policy.status().failures == 0);
}

TEST_CASE("a clock that is set back delays a start by no more than the longest wait", "[launch]") {
  program p;
  p(in::wanted{});
  p(in::ended{crash});
  p.now -= std::chrono::hours{24 * 365};
  CHECK(p(in::due{}) == "wake tell");
  CHECK(p.last.wake_after == duration{10min});
  CHECK(p.after(10min) == "start tell");
}
