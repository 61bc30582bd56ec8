#include "apps/bellhop/progress_view.hpp"
#include "tests/apps/independent_width.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace bellhop;
using namespace bellhop::cli;
using namespace std::chrono_literals;
using bellhop::test::independent_width;
using lines = std::vector<std::string>;

namespace {

constexpr std::int64_t MiB = 1 << 20;
const instant begin{1000s};
const view_style plain{charset::utf8, false};
const view_style ascii{charset::ascii, false};

/// Three transfers after four seconds of 1 MiB/s each: one plain, one of a long CJK name, one that waits.
progress_model sample() {
  progress_model model{begin};
  model.expect(5);
  model.started(transfer_id{1}, "debian.iso", 0, 10 * MiB, begin);
  model.started(transfer_id{2}, "とても長い名前のファイルそしてもっと長い名前.png", 0, unknown_size, begin);
  model.started(transfer_id{3}, "re\u0301sume\u0301.pdf", 0, MiB, begin);
  for (int i = 1; i <= 40; ++i) {
    model.progressed(transfer_id{1}, i * MiB / 10, 10 * MiB, begin + i * 100ms);
    model.progressed(transfer_id{2}, i * MiB / 10, unknown_size, begin + i * 100ms);
  }
  model.waiting(transfer_id{3}, "", wait_reason::backoff, "connection refused", 3500ms, begin + 4s);
  model.completed(transfer_id{4}, "small.txt", 1000, begin + 4s);
  return model;
}

lines drawn(const progress_model& model, std::size_t width, const view_style& style = plain) {
  auto shown = render(model, style, width, 24, begin + 4s);
  for (const auto& line : shown)
    CHECK(independent_width(line) <= width);
  return shown;
}

} // namespace

TEST_CASE("the view at 80 columns", "[progress_view]") {
  const lines expected{
      "debian.iso                ████░░░░░░░░  40%    4.0 MiB/10 MiB  1.0 MiB/s      6s",
      "とても長い名前の…名前.png ░░███░░░░░░░                4.0 MiB  1.0 MiB/s",
      "résumé.pdf                retrying in 4s: connection refused",
      "1/5 files  2.0 MiB/s  11s left  8.0 MiB",
  };
  CHECK(drawn(sample(), 80) == expected);
}

TEST_CASE("the view at 40 columns", "[progress_view]") {
  const lines expected{
      "debian.iso        40%  1.0 MiB/s      6s",
      "とても長い….png        1.0 MiB/s",
      "résumé.pdf   retrying in 4s: connection…",
      "1/5 files  2.0 MiB/s  11s left  8.0 MiB",
  };
  CHECK(drawn(sample(), 40) == expected);
}

TEST_CASE("the view at 20 columns", "[progress_view]") {
  const lines expected{
      "debian.iso       40%",
      "とても長い….png",
      "r…df retrying in 4s…",
      "1/5 files  2.0 MiB/s",
  };
  CHECK(drawn(sample(), 20) == expected);
}

TEST_CASE("the view at 200 columns", "[progress_view]") {
  const lines expected{
      "debian.iso                                                   ████████████████░░░░░░░░░░░░░░░░░░░░░░░░  40%    "
      "4.0 MiB/10 MiB  1.0 MiB/s      6s",
      "とても長い名前のファイルそしてもっと長い名前.png             ░░░░░░░░░░░░░░░░░░░░██████████░░░░░░░░░░           "
      "     4.0 MiB  1.0 MiB/s",
      "résumé.pdf                                                   retrying in 4s: connection refused",
      "1/5 files  2.0 MiB/s  11s left  8.0 MiB",
  };
  CHECK(drawn(sample(), 200) == expected);
}

TEST_CASE("the view without UTF-8", "[progress_view]") {
  const auto shown = drawn(sample(), 80, ascii);
  for (const auto& line : shown)
    for (const char c : line)
      REQUIRE((c >= 0x20 && c < 0x7f));
  CHECK(shown.front() == "debian.iso                ####--------  40%    4.0 MiB/10 MiB  1.0 MiB/s      6s");
}

TEST_CASE("colours take no room and are switched off again", "[progress_view]") {
  for (const auto& line : drawn(sample(), 80, {charset::utf8, true})) {
    const auto last = line.rfind("\x1b[");
    if (last != std::string::npos)
      CHECK(line.substr(last, 4) == "\x1b[0m");
  }
}

TEST_CASE("what ended scrolls away, one line each", "[progress_view]") {
  progress_model model{begin};
  model.started(transfer_id{1}, "a.iso", 0, MiB, begin);
  model.completed(transfer_id{1}, "a.iso", MiB, begin + 1100ms);
  model.failed(transfer_id{2}, "b.iso", "404 Not Found: http://example.org/b.iso", begin + 2s);
  CHECK(render(model.take_ended(), plain, 80) ==
        lines{"✓ a.iso  1.0 MiB  1.1s", "✗ b.iso: 404 Not Found: http://example.org/b.iso"});
  CHECK(model.take_ended().empty());
  model.completed(transfer_id{3}, "c.iso", 5, begin + 3s);
  model.cancelled(transfer_id{4}, "d.iso", begin + 3s);
  CHECK(render(model.take_ended(), ascii, 80) == lines{"ok c.iso  5 B", "failed d.iso: cancelled"});
  CHECK(model.ended() == tally{2, 1, 1});
}

TEST_CASE("a failure's message is wrapped, not cut", "[progress_view]") {
  progress_model model{begin};
  model.failed(transfer_id{1}, "b.iso", "the server certificate has expired; ask its owner", begin);
  const auto shown = render(model.take_ended(), plain, 30);
  CHECK(shown == lines{"✗ b.iso: the server", "  certificate has expired; ask", "  its owner"});
}

TEST_CASE("thousands of small files are coalesced", "[progress_view]") {
  progress_model model{begin};
  model.expect(10'000);
  for (std::uint64_t i = 1; i <= 1'000; ++i) {
    const auto name = std::to_string(i) + ".jpg";
    model.started(transfer_id{i}, name, 0, 100, begin + 1ms * i);
    if (i % 50 == 0)
      model.failed(transfer_id{i}, name, "404", begin + 1ms * i);
    else
      model.completed(transfer_id{i}, name, 100, begin + 1ms * i);
  }
  const auto shown = render(model.take_ended(), plain, 80);
  REQUIRE(shown.size() == 2 * progress_model::most_shown + 2);
  CHECK(shown[20] == "… and 970 more files");
  CHECK(shown[21] == "… and 10 more files failed");
  CHECK(model.active().empty());
  CHECK_THAT(drawn(model, 80).front(), Catch::StartsWith("980/10000 files  20 failed"));
}

TEST_CASE("the totals add up however progress comes", "[progress_view]") {
  progress_model model{begin};
  model.started(transfer_id{1}, "a", 50, 100, begin);
  CHECK(model.bytes() == 50);
  model.progressed(transfer_id{1}, 80, 100, begin + 1s);
  model.started(transfer_id{1}, "a", 0, 100, begin + 2s); // restarted: what was here is discarded
  CHECK(model.bytes() == 0);
  model.progressed(transfer_id{1}, 60, 100, begin + 3s);
  model.completed(transfer_id{1}, "a", 100, begin + 4s);
  CHECK(model.bytes() == 100);
  model.progressed(transfer_id{1}, 70, 100, begin + 5s); // comes late
  CHECK(model.bytes() == 100);
  CHECK(model.active().empty());
  model.started(transfer_id{2}, "b", 0, 100, begin + 5s);
  model.progressed(transfer_id{2}, 10, 100, begin + 6s);
  model.failed(transfer_id{2}, "b", "gone", begin + 7s);
  CHECK(model.bytes() == 100);
  CHECK(model.transfers() == 2);
}

TEST_CASE("the rate is right at once, steady, and forgets within seconds", "[progress_view]") {
  rate_meter meter{begin};
  CHECK_FALSE(meter.per_second(begin + 100ms));
  for (int i = 1; i <= 10; ++i)
    meter.add(100, begin + i * 100ms);
  CHECK(meter.per_second(begin + 1s).value() == Approx(1000).epsilon(0.05));
  for (int i = 11; i <= 300; ++i)
    meter.add(100, begin + i * 100ms);
  CHECK(meter.per_second(begin + 30s).value() == Approx(1000).epsilon(0.05));
  CHECK(meter.per_second(begin + 34s).value() == Approx(1000 * std::exp(-1)).epsilon(0.05));
  CHECK(meter.per_second(begin + 60s).value() < 1);
  meter.add(1, begin); // an instant before the last one does no harm
  CHECK(std::isfinite(meter.per_second(begin).value()));
}

TEST_CASE("what a resumed transfer had is no speed", "[progress_view]") {
  progress_model model{begin};
  model.started(transfer_id{1}, "a", 900 * MiB, 1000 * MiB, begin);
  model.progressed(transfer_id{1}, 901 * MiB, 1000 * MiB, begin + 1s);
  CHECK(model.rate(begin + 1s).value() < 1.5 * MiB);
}

TEST_CASE("time left", "[progress_view]") {
  CHECK(time_left(50, 100, 10.0) == 5s);
  CHECK_FALSE(time_left(50, unknown_size, 10.0));
  CHECK_FALSE(time_left(50, 100, 0.0));
  CHECK_FALSE(time_left(50, 100, std::nullopt));
  CHECK_FALSE(time_left(0, 1'000'000'000, 1.0));
}

TEST_CASE("more transfers than rows are counted", "[progress_view]") {
  progress_model model{begin};
  for (std::uint64_t i = 1; i <= 30; ++i)
    model.started(transfer_id{i}, "f" + std::to_string(i), 0, 100, begin);
  model.waiting(transfer_id{1}, "f1", wait_reason::no_network, "", 9s, begin + 1s);
  auto shown = render(model, plain, 100, 24, begin + 1s);
  REQUIRE(shown.size() == most_rows + 1);
  CHECK_THAT(shown[0], Catch::StartsWith("f2 "));
  CHECK_THAT(shown.back(), Catch::Contains("14 more active"));
  CHECK(render(model, plain, 100, 10, begin + 1s).size() == 9);
  CHECK(render(model, plain, 100, 2, begin + 1s).size() == 1);
  CHECK(render(model, plain, 100, 1, begin + 1s).size() == 1);
}

TEST_CASE("files that are gone in a blink get no row", "[progress_view]") {
  progress_model model{begin};
  model.started(transfer_id{1}, "a", 0, 100, begin);
  CHECK(render(model, plain, 80, 24, begin + 100ms).size() == 1);
  CHECK(render(model, plain, 80, 24, begin + 300ms).size() == 2);
}

TEST_CASE("no more transfers are followed than the bound", "[progress_view]") {
  progress_model model{begin};
  const auto many = progress_model::most_active + 100;
  for (std::uint64_t i = 1; i <= many; ++i)
    model.waiting(transfer_id{i}, "f", wait_reason::no_network, "", 9s, begin);
  CHECK(model.active().size() == progress_model::most_active);
  for (std::uint64_t i = 1; i <= many; ++i)
    model.completed(transfer_id{i}, "f", 1, begin + 1s);
  CHECK(model.active().empty());
  CHECK(model.ended().completed == many);
}

TEST_CASE("no line is wider than the terminal, whatever the names and numbers", "[progress_view]") {
  REQUIRE(rc::check([] {
    const auto text = rc::gen::oneOf(
        rc::gen::arbitrary<std::string>(), rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7e)),
        rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::vector<std::string>{
                         "長", "é", "e\u0301", "🎉", "\u200d", "❤\ufe0f", ".tar", ".gz", " ", "\x1b[31m", "ﷺ"})),
                     [](const std::vector<std::string>& parts) {
                       std::string joined;
                       for (const auto& part : parts)
                         joined += part;
                       return joined;
                     }));
    const auto size = rc::gen::arbitrary<std::int64_t>();
    const auto time = rc::gen::map(rc::gen::inRange(0, 1'000'000), [](int ms) { return begin + ms * 1ms; });
    progress_model model{begin};
    model.expect(*rc::gen::arbitrary<std::uint32_t>());
    const auto count = *rc::gen::inRange(0, 6);
    for (int i = 1; i <= count; ++i) {
      const transfer_id id{static_cast<std::uint64_t>(i)};
      model.started(id, *text, *size, *size, *time);
      model.progressed(id, *size, *size, *time);
      switch (*rc::gen::inRange(0, 4)) {
      case 0:
        model.waiting(id, *text, static_cast<wait_reason>(*rc::gen::inRange(0, 6)), *text,
                      1ms * *rc::gen::arbitrary<std::int32_t>(), *time);
        break;
      case 1:
        model.completed(id, *text, *size, *time);
        break;
      case 2:
        model.failed(id, *text, *text, *time);
        break;
      default:
        break;
      }
    }
    const auto width = *rc::gen::inRange<std::size_t>(1, 260);
    const auto height = *rc::gen::inRange<std::size_t>(0, 60);
    const view_style style{*rc::gen::element(charset::ascii, charset::utf8), *rc::gen::arbitrary<bool>()};
    const auto live = render(model, style, width, height, *time);
    RC_ASSERT(!live.empty());
    RC_ASSERT(live.size() <= std::max<std::size_t>(1, height));
    for (const auto& line : live)
      RC_ASSERT(independent_width(line) <= width);
    for (const auto& line : render(model.take_ended(), style, width))
      RC_ASSERT(independent_width(line) <= width);
  }));
}

TEST_CASE("the summary tells the whole run", "[progress_view]") {
  CHECK(summary({3, 0, 0}, 12 * MiB, 4000ms) == "3 files, 12 MiB in 4.0s (3.0 MiB/s)");
  CHECK(summary({1, 2, 1}, 0, 0ms) == "1 file, 0 B in 0.0s, 2 failed, 1 cancelled");
  CHECK_THAT(summary({1, 0, 0}, MiB, 125s), Catch::Contains("2m05s"));
}
