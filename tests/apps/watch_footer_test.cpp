#include "apps/bellhop/progress_model.hpp"
#include "apps/bellhop/progress_view.hpp"
#include "apps/bellhop/watch_footer.hpp"

#include <catch2/catch.hpp>

using namespace bellhop;
using namespace bellhop::cli;
using namespace std::chrono_literals;

namespace {

using lines = std::vector<std::string>;

std::string footer_of(const session_status& now) {
  watch_footer footer{"nightly"};
  footer.take(now);
  const auto shown = footer.lines();
  REQUIRE(shown.size() == 1);
  return shown.front();
}

} // namespace

TEST_CASE("the footer tells what is not in the rows above", "[watch]") {
  session_status now;
  CHECK(footer_of(now) == "nightly: nothing to do  [q leaves, the transfers go on]");
  now.counts.queued = 7;
  now.active = 3;
  now.counts.suspended = 2;
  CHECK(footer_of(now) == "nightly: 3 running, 4 queued, 2 suspended  [q leaves, the transfers go on]");
  now.active = 0;
  now.counts.waiting = 1;
  now.paused = true;
  CHECK_THAT(footer_of(now),
             Catch::Contains("7 queued, 1 waiting, 2 suspended") && Catch::Contains("bellhop sessions resume nightly"));
}

TEST_CASE("numbers that were asked for at different times never make less than none", "[watch]") {
  session_status now;
  now.active = 2;
  now.counts.queued = 1;
  CHECK_THAT(footer_of(now), Catch::StartsWith("nightly: 2 running  "));
}

TEST_CASE("others that end are told and do not count", "[watch]") {
  const instant begin{1000s};
  progress_model model{begin};
  model.expect(1);
  model.mention({"old.iso (transfer 3)", event_type::completed, 5, {}, {}});
  model.mention({"bad.iso (transfer 4)", event_type::failed, 0, {}, "404"});
  CHECK(model.ended() == tally{});
  CHECK(model.transfers() == 1);
  CHECK(model.bytes() == 0);
  CHECK(render(model.take_ended(), {charset::utf8, false}, 60) ==
        lines{"✓ old.iso (transfer 3)  5 B", "✗ bad.iso (transfer 4): 404"});
}

TEST_CASE("what is left is as somebody knows who knows them all", "[watch]") {
  const instant begin{1000s};
  progress_model model{begin};
  model.expect_left(3);
  CHECK(model.transfers() == 3);
  model.completed({1}, "a", 1, begin);
  model.expect_left(5);
  CHECK(model.transfers() == 6);
}
