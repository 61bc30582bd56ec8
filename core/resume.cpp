#include "core/resume.hpp"

#include "core/http_headers.hpp"
#include "core/text.hpp"
#include "core/url.hpp"

#include <fmt/format.h>

namespace bellhop {

namespace {

error bad_response(std::string message) {
  return {errc::bad_response, std::move(message), 0};
}

resume_decision start_over(std::string message) {
  return {resume_action::start_over, 0, unknown_size, bad_response(std::move(message))};
}

/// A coded body's length is that of the code, and a range of it is a range of the code.
bool is_coded(const response_head& head) noexcept {
  const auto coding = trimmed(head.content_encoding);
  return !coding.empty() && !equals_ignoring_case(coding, "identity");
}

std::int64_t announced_total(const response_head& head) noexcept {
  return is_coded(head) ? unknown_size : head.content_length;
}

resume_decision take_from_start(const response_head& head, error why = {}) {
  return {resume_action::take_from_start, 0, announced_total(head), std::move(why)};
}

/// The same moment may be written in three ways.
bool same_date(std::string_view a, std::string_view b) {
  const auto left = parse_http_date(a);
  const auto right = parse_http_date(b);
  return left && right ? *left == *right : a == b;
}

/// What contradicts the part: a validator that both sides have and that differs. Empty if nothing does.
std::string contradiction(const checkpoint& part, const response_head& head) {
  // A weak tag is another tag: it was strong when the part began.
  if (!part.etag.empty() && !head.etag.empty() && part.etag != head.etag)
    return fmt::format("the file changed on the server: its entity tag was {} and is {}", to_utf8(part.etag),
                       to_utf8(head.etag));
  if (!part.last_modified.empty() && !head.last_modified.empty() && !same_date(part.last_modified, head.last_modified))
    return fmt::format("the file changed on the server: it was last modified {} and is {}", to_utf8(part.last_modified),
                       to_utf8(head.last_modified));
  return {};
}

/// Does the response repeat the validator that the part would be resumed by?
bool repeats_validator(const checkpoint& part, const response_head& head) {
  if (!part.etag.empty())
    return part.etag == head.etag;
  return !part.last_modified.empty() && same_date(part.last_modified, head.last_modified);
}

bool totals_differ(std::int64_t a, std::int64_t b) noexcept {
  return a != unknown_size && b != unknown_size && a != b;
}

/// The whole size that a 206 speaks of, or why its range cannot be appended to the part.
struct range_verdict {
  std::int64_t total = unknown_size;
  std::string why;
};

range_verdict check_range(const range_plan& plan, const checkpoint& part, const response_head& head) {
  const auto range = parse_content_range(head.content_range);
  if (!range || range->first < 0)
    return {unknown_size, fmt::format("the server's Content-Range {} is none", in_quotes(head.content_range))};
  if (range->first != plan.from)
    return {unknown_size, fmt::format("the server sent bytes from {} instead of {}", range->first, plan.from)};
  if (totals_differ(range->total, part.total))
    return {unknown_size,
            fmt::format("the file changed on the server: it had {} bytes and has {}", part.total, range->total)};
  const auto total = range->total == unknown_size ? part.total : range->total;
  if (total == unknown_size || range->last != total - 1)
    return {unknown_size, fmt::format("the server's range {} does not reach the end", in_quotes(head.content_range))};
  if (total < part.position)
    return {unknown_size, fmt::format("the file has {} bytes now, {} are here already", total, part.position)};
  const auto length = range->last - range->first + 1;
  if (totals_differ(head.content_length, length))
    return {unknown_size, fmt::format("the server announced {} bytes for a range of {}", head.content_length, length)};
  return {total, {}};
}

bool is_multipart(const response_head& head) noexcept {
  constexpr std::string_view type = "multipart/byteranges";
  return equals_ignoring_case(trimmed(head.content_type).substr(0, type.size()), type);
}

resume_decision decide_partial(const range_plan& plan, const checkpoint& part, const response_head& head) {
  if (is_multipart(head))
    return start_over("the server sent several ranges although one was asked for");
  if (is_coded(head))
    return start_over(fmt::format("the server sent a range of a {} coded body", in_quotes(head.content_encoding)));
  auto verdict = check_range(plan, part, head);
  if (!verdict.why.empty())
    return start_over(std::move(verdict.why));
  if (auto why = contradiction(part, head); !why.empty())
    return start_over(std::move(why));
  // With If-Range a 206 itself says that nothing changed; without it only the validator can.
  if (plan.if_range.empty() && !repeats_validator(part, head))
    return start_over("the server's range comes without the validator that shows it is of the same file");
  return {resume_action::go_on, plan.from, verdict.total, {}};
}

/// A 2xx that is not 206 to a Range request.
resume_decision decide_whole(const range_plan& plan, const checkpoint& part, bool plain, const response_head& head) {
  if (auto why = contradiction(part, head); !why.empty())
    return take_from_start(head, bad_response(std::move(why)));
  const auto total = announced_total(head);
  if (totals_differ(total, part.total))
    return take_from_start(head, bad_response(fmt::format("the file changed on the server: it had {} bytes and has {}",
                                                          part.total, total)));
  if (total != unknown_size && total < part.position)
    return take_from_start(
        head, bad_response(fmt::format("the file has {} bytes now, {} are here already", total, part.position)));
  if (head.status == 200 && !plain && !is_coded(head) && repeats_validator(part, head))
    return {resume_action::ask_plainly, 0, unknown_size, {}};
  return take_from_start(head, bad_response(fmt::format(
                                   "the server sent the whole file although bytes from {} were asked for", plan.from)));
}

resume_decision decide_unsatisfied(const checkpoint& part, const response_head& head) {
  const auto range = parse_content_range(head.content_range);
  if (!range || range->first >= 0)
    return start_over("the server refused the range without telling the file's size");
  if (range->total != part.position || totals_differ(range->total, part.total))
    return start_over(
        fmt::format("the server refused the range: the file has {} bytes, {} are here", range->total, part.position));
  if (auto why = contradiction(part, head); !why.empty())
    return start_over(std::move(why));
  return {resume_action::already_whole, 0, range->total, {}};
}

error status_error(const response_head& head) {
  const auto who = head.effective_url.empty() ? "the server" : redact(head.effective_url);
  return {errc::http_status, fmt::format("{} answered with status {}", who, head.status), head.status};
}

resume_decision fail(error why) {
  return {resume_action::fail, 0, unknown_size, std::move(why)};
}

} // namespace

range_plan plan_range(const checkpoint& part, bool plain) {
  const bool by_tag = is_strong_etag(part.etag);
  const bool by_date = !by_tag && parse_http_date(part.last_modified).has_value();
  const bool fits = part.total == unknown_size || part.position <= part.total;
  if (!part || part.position <= resume_overlap || !fits || !(by_tag || by_date))
    return {};
  range_plan plan{part.position - resume_overlap, {}};
  if (!plain)
    plan.if_range = by_tag ? part.etag : part.last_modified;
  return plan;
}

resume_decision decide(const range_plan& plan, const checkpoint& part, bool plain, const response_head& head,
                       bool accept_error_responses) {
  const bool range_asked = plan.from > 0;
  const auto status = head.status;
  if (status < 200)
    return fail(bad_response(fmt::format("status {} is no answer to a request", status)));
  if (status == 204 || status == 205)
    return fail(
        {errc::no_content, fmt::format("the server answered with status {}: there is no content", status), status});
  if (status == 206)
    return range_asked ? decide_partial(plan, part, head)
                       : fail(bad_response("the server sent a part of the file although all of it was asked for"));
  if (status == 416 && range_asked)
    return decide_unsatisfied(part, head);
  if (status >= 400 && accept_error_responses)
    return take_from_start(head, range_asked ? status_error(head) : error{});
  if (status >= 300)
    return fail(status_error(head));
  return range_asked ? decide_whole(plan, part, plain, head) : take_from_start(head);
}

void adopt_validators(checkpoint& part, const response_head& head) {
  part.etag.clear();
  part.last_modified.clear();
  part.total = announced_total(head);
  if (head.status != 200 || is_coded(head))
    return;
  if (is_strong_etag(head.etag))
    part.etag = head.etag;
  if (is_strong_last_modified(head.last_modified, head.date))
    part.last_modified = head.last_modified;
}

} // namespace bellhop
