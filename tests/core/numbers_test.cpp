#include "core/numbers.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <cmath>
#include <limits>

using namespace bellhop;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t greatest = std::numeric_limits<std::int64_t>::max();

/// Numbers of every magnitude alike.
std::int64_t any_magnitude() {
  return *rc::gen::arbitrary<std::int64_t>() >> *rc::gen::inRange(0, 63) & greatest;
}

} // namespace

TEST_CASE("sizes as people read them", "[numbers]") {
  const auto [bytes, text] = GENERATE(table<std::int64_t, std::string>({
      {0, "0 B"},
      {512, "512 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {1280, "1.3 KiB"},
      {10'188, "9.9 KiB"},
      {10'189, "10 KiB"},
      {20'480, "20 KiB"},
      {1'048'063, "1023 KiB"},
      {1'048'064, "1.0 MiB"},
      {1'288'490'189, "1.2 GiB"},
      {greatest, "8.0 EiB"},
      {-1, "?"},
  }));
  CHECK(format_size(bytes) == text);
}

TEST_CASE("rates as people read them", "[numbers]") {
  CHECK(format_rate(0) == "0 B/s");
  CHECK(format_rate(1'288'490.2) == "1.2 MiB/s");
  CHECK(format_rate(0.4) == "0 B/s");
  CHECK(format_rate(-1) == "?");
  CHECK(format_rate(std::nan("")) == "?");
  CHECK(format_rate(std::numeric_limits<double>::infinity()) == "4.0 EiB/s");
}

TEST_CASE("durations as people read them", "[numbers]") {
  const auto [duration, text] = GENERATE(table<std::chrono::seconds, std::string>({
      {0s, "0s"},
      {3s, "3s"},
      {59s, "59s"},
      {60s, "1m00s"},
      {125s, "2m05s"},
      {3599s, "59m59s"},
      {3720s, "1h02m"},
      {24h - 1s, "23h59m"},
      {76h, "3d04h"},
      {1000 * 24h - 1s, "999d23h"},
      {1000 * 24h, "> 999d"},
      {std::chrono::seconds::max(), "> 999d"},
      {-1s, "?"},
  }));
  CHECK(format_duration(duration) == text);
}

TEST_CASE("what is shown fits its column", "[numbers]") {
  REQUIRE(rc::check([](std::int64_t any, double rate) {
    for (auto n : {any, any_magnitude()}) {
      RC_ASSERT(format_size(n).size() <= static_cast<std::size_t>(size_width));
      RC_ASSERT(format_rate(static_cast<double>(n)).size() <= static_cast<std::size_t>(rate_width));
      RC_ASSERT(format_rate(rate).size() <= static_cast<std::size_t>(rate_width));
      RC_ASSERT(format_duration(std::chrono::seconds{n}).size() <= static_cast<std::size_t>(duration_width));
    }
  }));
}

TEST_CASE("sizes as people write them", "[numbers]") {
  const auto [text, bytes] = GENERATE(table<std::string, std::int64_t>({
      {"0", 0},
      {"4096", 4096},
      {"7B", 7},
      {"20k", 20 * 1024},
      {"20 KiB", 20 * 1024},
      {"20kB", 20'000},
      {"10M", 10 * 1024 * 1024},
      {"1.5GiB", 1'610'612'736},
      {"0.29kB", 290},
      {"1.05 k", 1075},
      {"1T", 1'099'511'627'776},
      {"1p", 1'125'899'906'842'624},
      {"7EB", 7'000'000'000'000'000'000},
      {"9223372036854775807", greatest},
  }));
  CAPTURE(text);
  CHECK(parse_size(text) == bytes);
}

TEST_CASE("what is no size is refused", "[numbers]") {
  const auto text = GENERATE(as<std::string>{}, "", " ", "k", "-1", "+1", " 1", "1 ", "1.", ".5", "1.5.5", "1,5", "1kk",
                             "1ki", "1X", "1e3", "0x10", "8E", "9223372036854775808", "9007199254740992k", "1 k B");
  CAPTURE(text);
  CHECK_FALSE(parse_size(text));
}

TEST_CASE("durations as people write them", "[numbers]") {
  const auto [text, duration] = GENERATE(table<std::string, std::chrono::milliseconds>({
      {"0", 0ms},
      {"90", 90s},
      {"90s", 90s},
      {"500ms", 500ms},
      {"2m05s", 125s},
      {"1h 30m", 90min},
      {"3d04h", 76h},
      {"2w", 336h},
      {"1s500ms", 1500ms},
      {"100m", 100min},
  }));
  CAPTURE(text);
  CHECK(parse_duration(text) == duration);
}

TEST_CASE("what is no duration is refused", "[numbers]") {
  const auto text =
      GENERATE(as<std::string>{}, "", " ", "s", "-1", "+1s", "1.5s", "1x", "1s2m", "1s1s", "1m2", "1 s", " 1s", "1s ",
               "1S", "9223372036854775807", "9223372036854775807s", "9223372036854775807ms1", "15250284452w1w");
  CAPTURE(text);
  CHECK_FALSE(parse_duration(text));
}

TEST_CASE("what is written reads back, as far as it was written", "[numbers]") {
  REQUIRE(rc::check([] {
    const auto n = any_magnitude();
    const auto size = parse_size(format_size(n));
    if (n < 1024)
      RC_ASSERT(size == n);
    // Nearly 8 EiB is rounded up to what no int64 holds.
    if (size)
      RC_ASSERT(std::abs(static_cast<double>(*size) - static_cast<double>(n)) <= 0.05 * static_cast<double>(n));
    else
      RC_ASSERT(n > greatest / 100 * 99);

    const std::chrono::seconds s{n};
    const auto duration = parse_duration(format_duration(s));
    RC_ASSERT(duration.has_value() == (s < 1000 * 24h));
    if (duration) {
      RC_ASSERT(*duration <= s);
      RC_ASSERT(s < *duration + (s < 1h ? 1s : s < 24h ? 60s : 3600s));
    }
  }));
}

TEST_CASE("noise is a number or refused", "[numbers]") {
  REQUIRE(rc::check([] {
    std::string text;
    for (int i = *rc::gen::inRange(0, 8); i > 0; --i)
      text += *rc::gen::element<std::string>("0", "1", "99999999", ".", "k", "M", "iB", "B", "E", " ", "-", "w", "d",
                                             "h", "m", "s", "ms", "\xFF");
    RC_ASSERT(parse_size(text).value_or(0) >= 0);
    RC_ASSERT(parse_duration(text).value_or(0ms) >= 0ms);
  }));
}
