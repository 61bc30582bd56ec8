#include "core/retry.hpp"

#include <algorithm>

namespace bellhop {

namespace {

using namespace std::chrono;

/// Keeps the arithmetic far from overflow whatever an unchecked policy says.
constexpr milliseconds longest_delay = days{365};

/// A disk does not get room within a second, and what waits for it does not count its failures: as long as after so
/// many.
constexpr std::uint32_t full_disk_failures = 5;

bool is_transient_status(std::int32_t status) noexcept {
  switch (status) {
  case 408: // Request Timeout
  case 425: // Too Early
  case 429: // Too Many Requests
  case 500:
  case 502:
  case 503:
  case 504:
    return true;
  default:
    return false;
  }
}

milliseconds backoff(const retry_policy& policy, std::uint32_t failures, double jitter) noexcept {
  const auto cap = std::clamp(policy.cap, milliseconds{0}, longest_delay);
  auto bound = std::clamp(policy.base, milliseconds{0}, cap);
  for (std::uint32_t i = 1; i < failures && bound < cap && bound > milliseconds{0}; ++i)
    bound = std::min(bound * 2, cap);
  const double share = jitter > 0 ? std::min(jitter, 1.0) : 0;
  return milliseconds{static_cast<std::int64_t>(static_cast<double>(bound.count()) * share)};
}

} // namespace

bool is_transient(const error& why) noexcept {
  switch (why.code) {
  case errc::resolve_failed:
  case errc::connect_failed:
  case errc::connection_lost:
  case errc::timed_out:
  case errc::short_body:
  case errc::protocol_error:
  case errc::bad_response:
  case errc::long_body:
  case errc::no_space:
    return true;
  case errc::http_status:
    return is_transient_status(why.status);
  default:
    return false;
  }
}

retry_decision decide_retry(const retry_policy& policy, const error& why, std::uint32_t failures,
                            std::optional<seconds> retry_after, double jitter) noexcept {
  if (!is_transient(why))
    return {};
  if (why.code == errc::no_space)
    return {true, wait_reason::no_space, backoff(policy, std::max(failures, full_disk_failures), jitter)};
  if (policy.max_attempts > 0 && failures >= policy.max_attempts)
    return {};
  const auto longest = std::clamp(policy.longest_retry_after, seconds{0}, duration_cast<seconds>(longest_delay));
  if (const auto told = std::min(retry_after.value_or(seconds{0}), longest); told > seconds{0})
    return {true, wait_reason::retry_after, told};
  return {true, wait_reason::backoff, backoff(policy, failures, jitter)};
}

} // namespace bellhop
