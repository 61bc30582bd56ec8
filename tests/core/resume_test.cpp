#include "core/http_headers.hpp"
#include "core/resume.hpp"
#include "tests/support/one_of.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <functional>

using namespace bellhop;
using Catch::Matchers::Contains;

namespace {

constexpr std::int64_t position = 100'000;
constexpr std::int64_t from = position - resume_overlap;
constexpr std::int64_t total = 150'000;
const std::string tag = "\"v1\"";
const std::string modified = "Sun, 06 Nov 1994 08:49:37 GMT";
const std::string later = "Mon, 07 Nov 1994 08:49:37 GMT";

checkpoint some_part() {
  checkpoint part;
  part.part_name = ".a.part";
  part.position = position;
  part.total = total;
  part.etag = tag;
  part.last_modified = modified;
  return part;
}

response_head response(std::int32_t status) {
  response_head head;
  head.status = status;
  head.date = later;
  return head;
}

std::string range_text(std::int64_t first, std::int64_t last, std::int64_t all) {
  return "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + (all < 0 ? "*" : std::to_string(all));
}

/// What a correct server says to a Range request.
response_head partial() {
  auto head = response(206);
  head.content_range = range_text(from, total - 1, total);
  head.content_length = total - from;
  head.etag = tag;
  head.last_modified = modified;
  return head;
}

response_head whole() {
  auto head = response(200);
  head.content_length = total;
  head.etag = tag;
  head.last_modified = modified;
  return head;
}

response_head unsatisfied(std::int64_t all) {
  auto head = response(416);
  head.content_range = "bytes */" + std::to_string(all);
  return head;
}

struct resume_case {
  std::string what;
  response_head head;
  std::function<void(checkpoint&, response_head&)> change;
  resume_action expected;
};

/// Each case on its own: a good part, the head, one change.
void check_cases(const std::vector<resume_case>& cases, bool plain) {
  for (const auto& c : cases) {
    CAPTURE(c.what, plain);
    auto part = some_part();
    auto head = c.head;
    const auto plan = plan_range(part, plain);
    REQUIRE(plan.from == from);
    c.change(part, head);
    const auto d = decide(plan, part, plain, head, false);
    CHECK(d.action == c.expected);
    CHECK(d.offset == (d.action == resume_action::go_on ? from : 0));
    if (d.action == resume_action::go_on || d.action == resume_action::already_whole) {
      CHECK(d.total != unknown_size);
      CHECK_FALSE(d.why);
    }
    if (d.action == resume_action::start_over || d.action == resume_action::take_from_start) {
      CHECK(d.why.code == errc::bad_response);
      CHECK_FALSE(d.why.message.empty());
    }
  }
}

void as_it_is(checkpoint&, response_head&) {}

} // namespace

TEST_CASE("a range is planned only for what can be resumed", "[resume]") {
  auto part = some_part();
  CHECK(plan_range(part, false) == range_plan{from, tag});
  CHECK(plan_range(part, true) == range_plan{from, ""});

  part.etag.clear();
  CHECK(plan_range(part, false) == range_plan{from, modified});

  SECTION("no validator") {
    part.last_modified.clear();
  }
  SECTION("a date that is none") {
    part.last_modified = "yesterday";
  }
  SECTION("no part file") {
    part.part_name.clear();
  }
  SECTION("no more than the overlap") {
    part.position = resume_overlap;
  }
  SECTION("more than the file has") {
    part.position = total + 1;
  }
  SECTION("a weak tag alone") {
    part.last_modified.clear();
    part.etag = "W/\"v1\"";
  }
  CHECK(plan_range(part, false) == range_plan{});
  CHECK(plan_range(part, true) == range_plan{});
}

TEST_CASE("fresh requests take a whole body and nothing else", "[resume]") {
  const auto action = [](std::int32_t status, bool accept = false) {
    return decide({}, {}, false, response(status), accept);
  };
  for (auto status : {200, 201, 202, 203, 226}) {
    CAPTURE(status);
    CHECK(action(status) == resume_decision{resume_action::take_from_start, 0, unknown_size, {}});
  }
  for (auto status : {204, 205})
    CHECK(action(status).why.code == errc::no_content);
  for (auto status : {0, 100, 101, 199, 206})
    CHECK(action(status).why.code == errc::bad_response);
  for (auto status : {300, 302, 304, 400, 401, 404, 416, 500, 503, 599}) {
    CAPTURE(status);
    const auto d = action(status);
    CHECK(d.action == resume_action::fail);
    CHECK(d.why.code == errc::http_status);
    CHECK(d.why.status == status);
    CHECK(action(status, true).action == (status < 400 ? resume_action::fail : resume_action::take_from_start));
  }
}

TEST_CASE("a fresh body's total is what is announced, unless it is coded", "[resume]") {
  auto head = whole();
  CHECK(decide({}, {}, false, head, false).total == total);
  head.content_encoding = "identity";
  CHECK(decide({}, {}, false, head, false).total == total);
  head.content_encoding = "gzip";
  CHECK(decide({}, {}, false, head, false).total == unknown_size);
}

TEST_CASE("a status is told with the address that gave it, without credentials", "[resume]") {
  auto head = response(404);
  head.effective_url = "https://me:pw@example.org/a";
  const auto why = decide({}, {}, false, head, false).why;
  CHECK(why.message == "https://example.org/a answered with status 404");
}

TEST_CASE("what resumes after If-Range as well as after a plain Range", "[resume]") {
  for (bool plain : {false, true})
    check_cases(
        {
            {"a correct 206", partial(), as_it_is, resume_action::go_on},
            {"no Content-Length", partial(), [](auto&, auto& h) { h.content_length = unknown_size; },
             resume_action::go_on},
            {"the total is unknown to the part", partial(), [](auto& p, auto&) { p.total = unknown_size; },
             resume_action::go_on},
            {"the total is unknown to the response", partial(),
             [](auto&, auto& h) { h.content_range = range_text(from, total - 1, -1); }, resume_action::go_on},
            {"the tag alone", partial(), [](auto&, auto& h) { h.last_modified.clear(); }, resume_action::go_on},
            {"the date alone, and the part has no tag", partial(),
             [](auto& p, auto& h) {
               p.etag.clear();
               h.etag.clear();
             },
             resume_action::go_on},
            {"the date in another form", partial(),
             [](auto&, auto& h) { h.last_modified = "Sun Nov  6 08:49:37 1994"; }, resume_action::go_on},
            {"coded as itself", partial(), [](auto&, auto& h) { h.content_encoding = "identity"; },
             resume_action::go_on},
            {"all bytes are here, only the overlap comes", partial(),
             [](auto& p, auto& h) {
               p.total = position;
               h.content_range = range_text(from, position - 1, position);
               h.content_length = resume_overlap;
             },
             resume_action::go_on},
        },
        plain);
}

TEST_CASE("ranges that must never be appended", "[resume]") {
  const auto refused = resume_action::start_over;
  for (bool plain : {false, true})
    check_cases(
        {
            {"a 206 whose Content-Range starts elsewhere", partial(),
             [](auto&, auto& h) { h.content_range = range_text(from + 1, total - 1, total); }, refused},
            {"a 206 from the start", partial(),
             [](auto&, auto& h) {
               h.content_range = range_text(0, total - 1, total);
               h.content_length = total;
             },
             refused},
            {"a 206 whose Content-Range is missing", partial(), [](auto&, auto& h) { h.content_range.clear(); },
             refused},
            {"a Content-Range that is none", partial(), [](auto&, auto& h) { h.content_range = "bytes=1-2/3"; },
             refused},
            {"a Content-Range without a range", partial(), [](auto&, auto& h) { h.content_range = "bytes */150000"; },
             refused},
            {"a range that ends early", partial(),
             [](auto&, auto& h) {
               h.content_range = range_text(from, total - 2, total);
               h.content_length -= 1;
             },
             refused},
            {"a range that ends early, total unknown to the response", partial(),
             [](auto&, auto& h) { h.content_range = range_text(from, total - 2, -1); }, refused},
            {"the total is unknown to both", partial(),
             [](auto& p, auto& h) {
               p.total = unknown_size;
               h.content_range = range_text(from, total - 1, -1);
             },
             refused},
            {"a file that grew", partial(),
             [](auto&, auto& h) {
               h.content_range = range_text(from, total, total + 1);
               h.content_length += 1;
             },
             refused},
            {"a file that shrank below what is here, its total unknown before", partial(),
             [](auto& p, auto& h) {
               p.total = unknown_size;
               h.content_range = range_text(from, position - 2, position - 1);
               h.content_length = unknown_size;
             },
             refused},
            {"a Content-Length that is less than the range", partial(), [](auto&, auto& h) { --h.content_length; },
             refused},
            {"a Content-Length that is more than the range", partial(), [](auto&, auto& h) { ++h.content_length; },
             refused},
            {"an ETag that changes between attempts", partial(), [](auto&, auto& h) { h.etag = "\"v2\""; }, refused},
            {"a tag that became weak", partial(), [](auto&, auto& h) { h.etag = "W/\"v1\""; }, refused},
            {"a date that changes under the same tag", partial(), [](auto&, auto& h) { h.last_modified = later; },
             refused},
            {"a date that is none", partial(), [](auto&, auto& h) { h.last_modified = "x"; }, refused},
            {"several ranges", partial(), [](auto&, auto& h) { h.content_type = "Multipart/ByteRanges; boundary=x"; },
             refused},
            {"a coded body", partial(), [](auto&, auto& h) { h.content_encoding = "gzip"; }, refused},
        },
        plain);
}

TEST_CASE("a 206 without validators is believed after If-Range only", "[resume]") {
  const auto bare = [](auto&, auto& h) {
    h.etag.clear();
    h.last_modified.clear();
  };
  const auto date_alone = [](auto&, auto& h) { h.etag.clear(); };
  check_cases({{"no validator", partial(), bare, resume_action::go_on},
               {"the part's weaker validator", partial(), date_alone, resume_action::go_on}},
              false);
  check_cases({{"no validator", partial(), bare, resume_action::start_over},
               {"the part's weaker validator", partial(), date_alone, resume_action::start_over}},
              true);
}

TEST_CASE("200 to a Range request", "[resume]") {
  const auto taken = resume_action::take_from_start;
  const std::vector<resume_case> changed{
      {"another tag", whole(), [](auto&, auto& h) { h.etag = "\"v2\""; }, taken},
      {"another date", whole(), [](auto&, auto& h) { h.last_modified = later; }, taken},
      {"another total", whole(), [](auto&, auto& h) { h.content_length += 1; }, taken},
      {"less than is here", whole(),
       [](auto& p, auto& h) {
         p.total = unknown_size;
         h.content_length = position - 1;
       },
       taken},
      {"coded", whole(), [](auto&, auto& h) { h.content_encoding = "br"; }, taken},
      {"no validator", whole(),
       [](auto&, auto& h) {
         h.etag.clear();
         h.last_modified.clear();
       },
       taken},
      {"not 200", whole(), [](auto&, auto& h) { h.status = 203; }, taken},
  };
  check_cases(changed, false);
  check_cases(changed, true);
  const std::vector<resume_case> unchanged{
      {"a server that claims ranges and sends all", whole(), as_it_is, resume_action::ask_plainly},
      {"the same, chunked", whole(), [](auto&, auto& h) { h.content_length = unknown_size; },
       resume_action::ask_plainly},
  };
  check_cases(unchanged, false);
  auto second = unchanged;
  for (auto& c : second)
    c.expected = taken;
  check_cases(second, true);
}

TEST_CASE("416 is resolved by its length", "[resume]") {
  for (bool plain : {false, true})
    check_cases(
        {
            {"a 416 on a file that is already whole", unsatisfied(position), [](auto& p, auto&) { p.total = position; },
             resume_action::already_whole},
            {"the same, total unknown before", unsatisfied(position), [](auto& p, auto&) { p.total = unknown_size; },
             resume_action::already_whole},
            {"whole now, but it was to be longer", unsatisfied(position), as_it_is, resume_action::start_over},
            {"a file that shrank", unsatisfied(position - 1), [](auto& p, auto&) { p.total = unknown_size; },
             resume_action::start_over},
            {"a refusal without reason", unsatisfied(total), as_it_is, resume_action::start_over},
            {"no length", response(416), as_it_is, resume_action::start_over},
            {"a range instead of a length", unsatisfied(position),
             [](auto& p, auto& h) {
               p.total = position;
               h.content_range = range_text(0, position - 1, position);
             },
             resume_action::start_over},
            {"another tag", unsatisfied(position),
             [](auto& p, auto& h) {
               p.total = position;
               h.etag = "\"v2\"";
             },
             resume_action::start_over},
        },
        plain);
}

TEST_CASE("errors keep the part, unless the error's body is wanted", "[resume]") {
  const auto part = some_part();
  const auto plan = plan_range(part, false);
  for (auto status : {302, 304, 401, 403, 404, 500, 503}) {
    CAPTURE(status);
    const auto d = decide(plan, part, false, response(status), false);
    CHECK(d.action == resume_action::fail);
    CHECK(d.why.status == status);
  }
  const auto wanted = decide(plan, part, false, response(404), true);
  CHECK(wanted.action == resume_action::take_from_start);
  CHECK(wanted.why.status == 404);
  CHECK(decide(plan, part, false, response(204), false).why.code == errc::no_content);
}

TEST_CASE("only strong validators of an uncoded 200 are kept", "[resume]") {
  checkpoint part = some_part();
  part.etag = "\"old\"";
  auto head = whole();

  adopt_validators(part, head);
  CHECK(part.etag == tag);
  CHECK(part.last_modified == modified);
  CHECK(part.total == total);
  CHECK(part.position == position);

  SECTION("weak") {
    head.etag = "W/\"v1\"";
    head.last_modified = head.date;
    head.content_length = unknown_size;
    adopt_validators(part, head);
    CHECK(part.total == unknown_size);
  }
  SECTION("coded") {
    head.content_encoding = "gzip";
    adopt_validators(part, head);
    CHECK(part.total == unknown_size);
  }
  SECTION("an error's body") {
    head.status = 404;
    adopt_validators(part, head);
    CHECK(part.total == total);
  }
  CHECK(part.etag.empty());
  CHECK(part.last_modified.empty());
  CHECK(plan_range(part, false) == range_plan{});
}

namespace {

std::int64_t any_number() {
  return one_of<std::int64_t>({-1, 0, from - 1, from, from + 1, position - 1, position, total - 1, total, total + 1});
}

/// One field of a response gets a value near the point where decisions turn.
void change_something(response_head& head) {
  switch (*rc::gen::inRange(0, 7)) {
  case 0:
    head.status = one_of({200, 203, 204, 206, 302, 404, 416, 503});
    break;
  case 1:
    head.content_length = one_of({any_number(), total - from});
    break;
  case 2:
    head.content_range = one_of({range_text(any_number(), any_number(), any_number()),
                                 range_text(from, total - 1, any_number()), "bytes */" + std::to_string(any_number())});
    break;
  case 3:
    head.etag = one_of<std::string>({"", tag, "\"v2\"", "W/\"v1\""});
    break;
  case 4:
    head.last_modified = one_of<std::string>({"", modified, later});
    break;
  case 5:
    head.content_encoding = one_of<std::string>({"", "identity", "gzip"});
    break;
  default:
    head.content_type = one_of<std::string>({"text/plain", "multipart/byteranges"});
  }
}

/// What correct servers say, with up to three things wrong.
response_head any_response() {
  auto head = one_of({partial(), partial(), whole(), unsatisfied(position), response(404)});
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
    change_something(head);
  return head;
}

checkpoint any_part() {
  auto part = some_part();
  part.total = one_of({unknown_size, total, position});
  part.etag = one_of<std::string>({"", tag});
  part.last_modified = one_of<std::string>({"", modified});
  return part;
}

} // namespace

TEST_CASE("whatever the response, two versions are never mixed", "[resume]") {
  REQUIRE(rc::check([](bool plain, bool accept_error_responses) {
    const auto part = any_part();
    const auto head = any_response();
    const auto plan = plan_range(part, plain);
    const auto d = decide(plan, part, plain, head, accept_error_responses);
    const auto range = parse_content_range(head.content_range);
    RC_TAG(static_cast<int>(d.action));

    if (d.action == resume_action::go_on) {
      RC_ASSERT(head.status == 206);
      RC_ASSERT(plan.from > 0);
      RC_ASSERT(range.has_value());
      RC_ASSERT(range->first == plan.from);
      RC_ASSERT(d.offset == plan.from);
      RC_ASSERT(d.total == range->last + 1);
      RC_ASSERT(d.total >= part.position);
      RC_ASSERT(part.total == unknown_size || part.total == d.total);
      RC_ASSERT(head.etag.empty() || part.etag.empty() || head.etag == part.etag);
      RC_ASSERT(!plain || head.etag == part.etag || part.etag.empty());
    }
    if (head.status == 206)
      RC_ASSERT(d.action != resume_action::take_from_start && d.action != resume_action::already_whole);
    if (d.action == resume_action::already_whole)
      RC_ASSERT(head.status == 416 && d.total == part.position);
    if (d.action == resume_action::ask_plainly)
      RC_ASSERT(!plain && plan.from > 0);
    if (d.action == resume_action::start_over)
      RC_ASSERT(plan.from > 0);
    if (d.action == resume_action::fail)
      RC_ASSERT(static_cast<bool>(d.why));
  }));
}

TEST_CASE("noise in every field does no harm", "[resume]") {
  REQUIRE(rc::check([](std::int32_t status, std::int64_t length, bool plain) {
    const auto noise = [] { return *rc::gen::string<std::string>(); };
    response_head head;
    head.status = one_of({status, 200, 206, 416});
    head.content_length = length;
    head.content_range = "bytes " + noise();
    head.etag = noise();
    head.last_modified = noise();
    head.date = noise();
    head.content_encoding = noise();
    head.content_type = noise();
    auto part = some_part();
    const auto d = decide(plan_range(part, plain), part, plain, head, false);
    RC_ASSERT(d.action != resume_action::go_on);
    adopt_validators(part, head);
    RC_ASSERT(part.etag.empty() || is_strong_etag(part.etag));
  }));
}
