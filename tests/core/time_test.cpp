#include "core/time.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <tuple>

using namespace bellhop;
using namespace std::chrono_literals;

namespace {

/// The epoch plus microseconds; -1 when the text is refused.
std::int64_t parsed(const std::string& text) {
  time_point t = from_micros(-1);
  from_rfc3339(text, t);
  return to_micros(t);
}

} // namespace

TEST_CASE("times are written in UTC with milliseconds", "[time]") {
  CHECK(to_rfc3339(time_point{}) == "1970-01-01T00:00:00.000Z");
  CHECK(to_rfc3339(from_micros(1'795'338'902'250'999)) == "2026-11-22T09:15:02.250Z");
  CHECK(to_rfc3339(from_micros(-1)) == "1969-12-31T23:59:59.999Z");
  CHECK(to_rfc3339(std::chrono::sys_days{2024y / std::chrono::February / 29}) == "2024-02-29T00:00:00.000Z");
}

TEST_CASE("an exact time has microseconds where it needs them, and reads back as it was", "[time]") {
  CHECK(to_rfc3339_exact(from_micros(1'795'338'902'250'000)) == "2026-11-22T09:15:02.250Z");
  CHECK(to_rfc3339_exact(from_micros(1'795'338'902'250'999)) == "2026-11-22T09:15:02.250999Z");
  CHECK(to_rfc3339_exact(from_micros(-1)) == "1969-12-31T23:59:59.999999Z");
  CHECK(to_rfc3339_exact(from_micros(1)) == "1970-01-01T00:00:00.000001Z");
  REQUIRE(rc::check([] {
    constexpr std::int64_t year_zero = -62'167'219'200'000'000;
    constexpr std::int64_t year_ten_thousand = 253'402'300'800'000'000;
    const auto t = from_micros(*rc::gen::inRange(year_zero, year_ten_thousand));
    time_point back;
    RC_ASSERT(from_rfc3339(to_rfc3339_exact(t), back));
    RC_ASSERT(back == t);
  }));
}

TEST_CASE("times without a form of their own are shown as the nearest that has one", "[time]") {
  CHECK(to_rfc3339(time_point::min()) == "0000-01-01T00:00:00.000Z");
  CHECK(to_rfc3339(time_point::max()) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("every form of RFC 3339 is read", "[time]") {
  // The examples of RFC 3339, section 5.8, and the liberties of 5.6.
  const auto [text, micros] = GENERATE(table<std::string, std::int64_t>({
      {"1985-04-12T23:20:50.52Z", 482'196'050'520'000},
      {"1996-12-19T16:39:57-08:00", 851'042'397'000'000},
      {"1990-12-31T23:59:60Z", 662'688'000'000'000},
      {"1990-12-31T15:59:60-08:00", 662'688'000'000'000},
      {"1937-01-01T12:00:27.87+00:20", -1'041'337'172'130'000},
      {"1985-04-12t23:20:50.52z", 482'196'050'520'000},
      {"1985-04-12 23:20:50.52Z", 482'196'050'520'000},
      {"1970-01-01T00:00:00-00:00", 0},
      {"1970-01-01T00:00:00.123456789Z", 123'456},
      {"1970-01-01T23:59:00+23:59", 0},
      {"2024-02-29T00:00:00Z", 1'709'164'800'000'000},
  }));
  CAPTURE(text);
  CHECK(parsed(text) == micros);
}

TEST_CASE("what is no RFC 3339 time is refused and leaves the value alone", "[time]") {
  const auto text =
      GENERATE(as<std::string>{}, "", "1985-04-12", "1985-04-12T23:20Z", "1985-04-12T23:20:50", "1985-4-12T23:20:50Z",
               "1985-13-12T23:20:50Z", "1985-00-12T23:20:50Z", "1985-02-29T23:20:50Z", "1985-04-31T23:20:50Z",
               "1985-04-12T24:00:00Z", "1985-04-12T23:60:00Z", "1985-04-12T23:20:61Z", "1985-04-12T23:20:60Z",
               "1990-12-30T23:59:60Z", "1985-04-12T23:20:50.Z", "1985-04-12T23:20:50,5Z", "1985-04-12T23:20:50+24:00",
               "1985-04-12T23:20:50+0100", "1985-04-12T23:20:50+01", "1985-04-12T23:20:50ZZ", " 1985-04-12T23:20:50Z",
               "1985-04-12T23:20:50Z ", "-985-04-12T23:20:50Z", "+985-04-12T23:20:50Z", "19850412T232050Z",
               "12345-01-01T00:00:00Z");
  CAPTURE(text);
  time_point t = from_micros(42);
  CHECK_FALSE(from_rfc3339(text, t));
  CHECK(t == from_micros(42));
}

TEST_CASE("a time that is written is read back to the millisecond", "[time]") {
  REQUIRE(rc::check([] {
    constexpr std::int64_t year_zero = -62'167'219'200'000;
    constexpr std::int64_t year_ten_thousand = 253'402'300'800'000;
    const time_point t{std::chrono::milliseconds{*rc::gen::inRange(year_zero, year_ten_thousand)}};
    time_point back;
    RC_ASSERT(from_rfc3339(to_rfc3339(t), back));
    RC_ASSERT(back == t);
  }));
}

TEST_CASE("any text is either a time that can be written or refused", "[time]") {
  REQUIRE(rc::check([] {
    // Near misses find more than noise does: a good time with a few characters replaced.
    auto text = to_rfc3339(from_micros(*rc::gen::arbitrary<std::int64_t>()));
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
      text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::element('0', '9', '-', '+', ':', 'Z', '.', '\0');
    time_point t;
    if (from_rfc3339(text, t))
      RC_ASSERT(to_rfc3339(t).size() == 24u);
  }));
}
