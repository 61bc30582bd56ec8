#pragma once

#include "core/response.hpp"
#include "core/transfer.hpp"

#include <cstdint>
#include <string>

namespace bellhop {

/// Bytes before the position that a resume asks for again; they must be equal to those on disk, since servers lie about
/// validators too.
inline constexpr std::int64_t resume_overlap = 16 * 1024;

/// What to ask for, given what is on disk.
struct range_plan {
  /// 0: no Range header, a fresh start.
  std::int64_t from = 0;
  /// For If-Range; empty in the "plain" second try.
  std::string if_range;
  friend bool operator==(const range_plan&, const range_plan&) = default;
};

/// A fresh start unless the part has a strong validator and more than the overlap on disk. `plain` leaves If-Range out.
range_plan plan_range(const checkpoint&, bool plain);

/// What a response to an attempt means for the bytes on disk.
enum class resume_action : std::uint8_t {
  take_from_start, ///< the body is the whole file: discard the part, store from byte 0
  go_on,           ///< the body begins at `offset`; the overlap is still to be compared
  ask_plainly,     ///< 200 although nothing seems to have changed: once more without If-Range
  start_over,      ///< unusable: discard the part, a new attempt without Range
  already_whole,   ///< 416, and its length is what is on disk
  fail,            ///< not a download at all, see `why`
};

struct resume_decision {
  resume_action action = resume_action::fail;
  /// For go_on: where the body begins.
  std::int64_t offset = 0;
  /// The whole body's size, or unknown.
  std::int64_t total = unknown_size;
  /// For start_over and fail: the reason; for take_from_start after a Range request, why the part is dropped.
  error why;
  friend bool operator==(const resume_decision&, const resume_decision&) = default;
};

/// Pure. `plan` is what was asked, `part` what is on disk, `plain` whether this was already the second, plain try,
/// `accept_error_responses` as in the request.
///
/// Fresh requests: 2xx other than 204, 205, 206 is taken; 206 unasked is refused (`start_over` would loop, so `fail` with
/// bad_response, which is transient); 204/205 fail with no_content; 3xx (no usable Location) and >= 400 fail with
/// http_status, unless accept_error_responses. Range requests: 206 must be a single range (not multipart/byteranges)
/// with a Content-Range that starts at plan.from, ends at total-1, agrees with part.total when both are known and with
/// Content-Length when announced, no Content-Encoding, and with validators that do not contradict the part's; otherwise
/// start_over. 200 with the same strong validator and total: ask_plainly unless `plain`, then take_from_start. Any other
/// 200: take_from_start. 416 with `*/total` equal to part.position: already_whole if part.total is unknown or equal and no
/// validator contradicts; otherwise start_over. Other statuses as for fresh requests.
resume_decision decide(const range_plan& plan, const checkpoint& part, bool plain, const response_head& head,
                       bool accept_error_responses);

/// The checkpoint's validators and total for a body that is taken from the start: strong ones only, none for a coded
/// body. Without them the part is not resumable.
void adopt_validators(checkpoint&, const response_head&);

} // namespace bellhop
