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

/// A fresh start unless the part has a strong validator, more than the overlap on disk and no more than its total. The
/// entity tag is preferred to the date. `plain` leaves If-Range out.
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
/// Fresh requests
///   2xx        take_from_start, with Content-Length as the total unless the body is coded
///   204, 205   fail with no_content
///   206        fail with bad_response, which is transient (`start_over` would loop)
///   3xx        (no usable Location) fail with http_status
///   >= 400     fail with http_status, or take_from_start with accept_error_responses
///   below 200  fail with bad_response
///
/// Range requests
///   206        go_on if it is one range (not multipart/byteranges) and not coded; its Content-Range starts at
///   plan.from
///              and ends at the last byte of a total that is known, to the response or to the part, agrees with
///              part.total and with Content-Length when announced, and is not less than part.position; and its
///              validators do not contradict the part's. Otherwise start_over.
///   200        take_from_start if anything contradicts the part. With the part's validator: ask_plainly, unless
///   `plain`
///              or coded. Otherwise take_from_start.
///   416        already_whole if it says `*/total` with the total equal to part.position and to part.total if that is
///              known, and no validator contradicts; otherwise start_over.
///   others     as for fresh requests
///
/// A validator contradicts when both sides have it and it differs; a weak entity tag differs from a strong one. After
/// If-Range a 206 may leave validators out, as the status itself says that the condition held. After a plain Range it
/// must repeat the validator that the part is resumed by: the entity tag, or else the date.
resume_decision decide(const range_plan& plan, const checkpoint& part, bool plain, const response_head& head,
                       bool accept_error_responses);

/// The checkpoint's validators and total for a body that is taken from the start: strong ones only, none for a coded
/// body or a status other than 200. Without them the part is not resumable.
void adopt_validators(checkpoint&, const response_head&);

} // namespace bellhop
