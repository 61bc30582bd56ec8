#pragma once

#include "core/configuration.hpp"
#include "core/response.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace bellhop {

/// May another attempt help? Transient: connect, DNS, reset, short or long body, timeout, protocol hiccups, responses
/// that contradict themselves, a full disk, and the statuses 408 425 429 500 502 503 504.
/// Everything else is final.
bool is_transient(const error&) noexcept;

/// What to do after a failed attempt.
struct retry_decision {
  bool again = false;
  wait_reason reason = wait_reason::backoff;
  std::chrono::milliseconds delay{0};
  friend bool operator==(const retry_decision&, const retry_decision&) = default;
};

/// `failures`: attempts that failed in a row without progress, this one included (so at least 1). `retry_after`: what
/// the server asked for. `jitter`: uniform in [0, 1), from outside. Backoff is "full jitter": uniform in
/// [0, min(cap, base * 2^(failures-1))]; a Retry-After is honoured as it is, up to the policy's bound, except one of
/// zero (a date that has passed, too), which would have all attempts made at once: it is backed off from as usual.
/// `no_space` waits too (reason no_space), never counted against max_attempts. When `again` is false the rest is as
/// initialised.
retry_decision decide_retry(const retry_policy&, const error& why, std::uint32_t failures,
                            std::optional<std::chrono::seconds> retry_after, double jitter) noexcept;

} // namespace bellhop
