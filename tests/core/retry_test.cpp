#include "core/retry.hpp"
#include "tests/support/one_of.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace bellhop;
using namespace std::chrono_literals;

namespace {

constexpr double almost_one = 0x1.fffffffffffffp-1;
const error lost{errc::connection_lost, "reset", 0};
const error busy{errc::http_status, "busy", 503};

} // namespace

TEST_CASE("which errors another attempt may help with", "[retry]") {
  const std::vector<errc> transient{errc::resolve_failed, errc::connect_failed, errc::connection_lost,
                                    errc::timed_out,      errc::short_body,     errc::protocol_error,
                                    errc::bad_response,   errc::long_body,      errc::no_space};
  for (int i = 0; i <= static_cast<int>(errc::internal); ++i) {
    const auto code = static_cast<errc>(i);
    CAPTURE(to_string(code));
    const bool expected = std::find(transient.begin(), transient.end(), code) != transient.end();
    CHECK(is_transient({code, "", 0}) == expected);
    CHECK(decide_retry({}, {code, "", 0}, 1, {}, 0.5).again == expected);
  }
}

TEST_CASE("which statuses another attempt may help with", "[retry]") {
  for (int status = 100; status < 600; ++status) {
    const bool expected = status == 408 || status == 425 || status == 429 || status == 500 || status == 502 ||
                          status == 503 || status == 504;
    CAPTURE(status);
    CHECK(is_transient({errc::http_status, "", status}) == expected);
  }
}

TEST_CASE("backoff doubles from the base to the cap, with full jitter", "[retry]") {
  const retry_policy policy;
  const auto delay = [&](std::uint32_t failures, double jitter) {
    const auto d = decide_retry(policy, lost, failures, {}, jitter);
    CHECK(d.again);
    CHECK(d.reason == wait_reason::backoff);
    return d.delay;
  };
  CHECK(delay(1, 0.5) == 500ms);
  CHECK(delay(2, 0.5) == 1s);
  CHECK(delay(3, 0.5) == 2s);
  CHECK(delay(10, 0.5) == 256s);
  CHECK(delay(11, 0.5) == 5min);
  CHECK(delay(std::numeric_limits<std::uint32_t>::max(), 0.5) == 5min);
  CHECK(delay(5, 0) == 0ms);
  CHECK(delay(1, almost_one) == 999ms);
}

TEST_CASE("a Retry-After is honoured as it is, up to the policy's bound", "[retry]") {
  retry_policy policy;
  CHECK(decide_retry(policy, busy, 1, 120s, 0.9) == retry_decision{true, wait_reason::retry_after, 120s});
  CHECK(decide_retry(policy, busy, 9, 1s, 0.9) == retry_decision{true, wait_reason::retry_after, 1s});
  CHECK(decide_retry(policy, busy, 1, 48h, 0.9) == retry_decision{true, wait_reason::retry_after, 24h});
  CHECK(decide_retry(policy, busy, 1, std::chrono::seconds::max(), 0.9).delay == 24h);
  policy.longest_retry_after = 10s;
  CHECK(decide_retry(policy, busy, 1, 120s, 0.9).delay == 10s);
}

TEST_CASE("a Retry-After of nothing does not make attempts endless and immediate", "[retry]") {
  CHECK(decide_retry({}, busy, 3, 0s, 0.5) == retry_decision{true, wait_reason::backoff, 2s});
  CHECK(decide_retry({}, busy, 3, -5s, 0.5) == retry_decision{true, wait_reason::backoff, 2s});
  retry_policy policy;
  policy.longest_retry_after = 0s;
  CHECK(decide_retry(policy, busy, 3, 60s, 0.5) == retry_decision{true, wait_reason::backoff, 2s});
}

TEST_CASE("a Retry-After does not make a final error transient", "[retry]") {
  CHECK(decide_retry({}, {errc::http_status, "", 404}, 1, 5s, 0.5) == retry_decision{});
  CHECK(decide_retry({}, {errc::tls_failed, "", 0}, 1, 5s, 0.5) == retry_decision{});
}

TEST_CASE("attempts end at the policy's number of them", "[retry]") {
  retry_policy policy;
  policy.max_attempts = 3;
  CHECK(decide_retry(policy, lost, 2, {}, 0.5).again);
  CHECK_FALSE(decide_retry(policy, lost, 3, {}, 0.5).again);
  CHECK_FALSE(decide_retry(policy, busy, 4, 5s, 0.5).again);
  policy.max_attempts = 0;
  CHECK(decide_retry(policy, lost, 1'000'000, {}, 0.5).again);
}

TEST_CASE("a full disk is waited for whatever the number of attempts", "[retry]") {
  retry_policy policy;
  policy.max_attempts = 1;
  const error full{errc::no_space, "", 0};
  // From the first time on as long as after five failures.
  CHECK(decide_retry(policy, full, 1, 5s, 0.5) == retry_decision{true, wait_reason::no_space, 8s});
  CHECK(decide_retry(policy, full, 6, 5s, 0.5) == retry_decision{true, wait_reason::no_space, 16s});
}

TEST_CASE("delays stay within their bounds for any policy", "[retry]") {
  REQUIRE(rc::check(
      [](std::int64_t base, std::int64_t cap, std::int64_t longest, std::uint32_t failures, std::int64_t retry_after) {
        retry_policy policy;
        policy.base = std::chrono::milliseconds{one_of<std::int64_t>({base, 0, 1000})};
        policy.cap = std::chrono::milliseconds{one_of<std::int64_t>({cap, 600'000})};
        policy.longest_retry_after = std::chrono::seconds{one_of<std::int64_t>({longest, 86400})};
        const double jitter = one_of({0.0, 0.25, almost_one, 1.0, -1.0, 1e300, std::nan("")});

        const auto backoff = decide_retry(policy, lost, failures, {}, jitter);
        RC_ASSERT(backoff.again);
        RC_ASSERT(backoff.delay >= 0ms);
        RC_ASSERT(backoff.delay <= std::max(policy.cap, 0ms));
        const auto told = decide_retry(policy, busy, failures, std::chrono::seconds{retry_after}, jitter);
        RC_ASSERT(told.delay >= 0ms);
        if (told.reason == wait_reason::retry_after)
          RC_ASSERT(std::chrono::floor<std::chrono::seconds>(told.delay) <= policy.longest_retry_after);
      }));
}
