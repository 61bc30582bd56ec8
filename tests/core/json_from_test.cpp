#include "core/json.hpp"
#include "core/text.hpp"
#include "tests/support/error_of.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <functional>

// What a program hands over and the daemon answers comes back as it was, and what is wrong is told by name.

using namespace bellhop;
using namespace bellhop::test;
using Catch::Matchers::Contains;

namespace {

std::string any_bytes() {
  return *rc::gen::string<std::string>();
}

std::string any_text() {
  return to_utf8(any_bytes());
}

path any_path() {
  return "/" + any_bytes();
}

bool any_bool() {
  return *rc::gen::arbitrary<bool>();
}

std::int64_t any_size() {
  return *rc::gen::arbitrary<std::int64_t>();
}

template <class Enum>
Enum any_of(Enum last) {
  return static_cast<Enum>(*rc::gen::inRange(0, static_cast<int>(last) + 1));
}

/// Of the years 0 to 9999, to the microsecond.
time_point any_time() {
  return from_micros(*rc::gen::inRange<std::int64_t>(-62'167'219'200'000'000, 253'402'300'800'000'000));
}

error any_error() {
  const auto code = any_of(errc::daemon_unavailable);
  return code == errc::none ? error{} : error{code, any_text(), *rc::gen::arbitrary<std::int32_t>()};
}

std::string any_metadata() {
  return *rc::gen::element<std::string>("", "null", "5", R"({"album":"cats"})", R"( { "album" : [1.0, 1e2] } )",
                                        R"("\u00e9")", "\"\xC3\xA9\"", R"({"a":1,"a":2})", "123456789012345678901",
                                        std::string(100, '[') + std::string(100, ']'));
}

std::vector<header> any_headers() {
  std::vector<header> headers;
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i)
    headers.push_back({any_text(), any_bytes()});
  return headers;
}

transfer_request any_request() {
  transfer_request r;
  r.url = "https://example.org/" + std::to_string(*rc::gen::arbitrary<unsigned>()) + "?at=@";
  r.destination = any_path();
  r.on_conflict = any_of(conflict_policy::rename);
  r.headers = any_headers();
  r.expected.algorithm = any_of(digest_algorithm::sha512);
  if (r.expected)
    r.expected.hex = *rc::gen::element<std::string>("", "0a", "ff00");
  r.priority = *rc::gen::inRange(0, 1000) / 999.0;
  r.earliest_begin = any_time();
  r.suspended = any_bool();
  r.name_from_server = any_bool();
  r.accept_error_responses = any_bool();
  r.max_size = any_size();
  r.record_sha256 = any_bool();
  r.metadata = any_metadata();
  return r;
}

void set_waiting(wait_reason& reason, time_point& until) {
  reason = any_of(wait_reason::needs_credential);
  if (reason != wait_reason::none)
    until = any_time();
}

/// Without what does not travel.
transfer_record any_record() {
  transfer_record r;
  r.id.value = *rc::gen::arbitrary<std::uint64_t>();
  r.session = any_text();
  r.request = any_request();
  r.state = any_of(transfer_state::cancelled);
  r.request.suspended = r.state == transfer_state::suspended;
  set_waiting(r.waiting_for, r.retry_at);
  r.attempts = *rc::gen::arbitrary<std::uint32_t>();
  r.last_error = any_error();
  r.submitted_at = any_time();
  r.finished_at = any_time();
  r.received = any_size();
  r.total = any_size();
  r.published = any_bytes();
  r.sha256 = any_text();
  r.resume_data = any_text();
  return r;
}

session_counts any_counts() {
  session_counts c;
  for (auto* each :
       {&c.suspended, &c.queued, &c.waiting, &c.completed, &c.failed, &c.cancelled, &c.unacknowledged_events})
    *each = *rc::gen::arbitrary<std::uint64_t>();
  return c;
}

launch_status any_launch_status() {
  return {any_of(launch_state::backing_off), *rc::gen::arbitrary<std::int32_t>(), *rc::gen::arbitrary<std::uint32_t>(),
          any_time(), any_error()};
}

/// As a wire carries it.
json sent(const json& value) {
  return json::parse(value.dump());
}

/// The message of the failure that reading `text` ends in.
template <class Read>
std::string refused(Read read, const std::string& text) {
  CAPTURE(text.substr(0, 200));
  const auto why = error_of([&] { read(json::parse(text)); });
  CHECK(why.code == errc::invalid_argument);
  return why.message;
}

std::string refused_request(const std::string& members) {
  return refused(request_from_json, R"({"url":"https://example.org/a","destination":"/a",)" + members + "}");
}

} // namespace

TEST_CASE("an event comes back as it was", "[json]") {
  REQUIRE(rc::check([] {
    event e;
    e.seq.value = *rc::gen::arbitrary<std::uint64_t>();
    e.time = any_time();
    e.session = any_text();
    e.transfer.value = *rc::gen::arbitrary<std::uint64_t>();
    e.type = any_of(event_type::needs_credential);
    e.url = "https://example.org/" + std::to_string(e.seq.value) + "/@home";
    e.destination = any_path();
    e.received = any_size();
    e.why = any_error();
    e.sha256 = any_text();
    e.metadata = any_metadata();
    RC_ASSERT(event_from_json(sent(to_json(e))) == e);
  }));
}

TEST_CASE("a record comes back as it was", "[json]") {
  REQUIRE(rc::check([] {
    const auto r = any_record();
    RC_ASSERT(record_from_json(sent(to_json(r))) == r);
  }));
}

TEST_CASE("what is hidden in a record stays so, and its inner workings stay at home", "[json]") {
  transfer_record r;
  r.id.value = 7;
  r.request.url = "https://me:pw@example.org/a";
  r.request.destination = "/a";
  r.request.headers = {{"Authorization", "s3cret\xFF"}, {"X", "y"}};
  r.failures = 3;
  r.mismatches = 1;
  r.part.part_name = ".part";
  auto expected = r;
  expected.request.url = "https://example.org/a";
  expected.request.headers[0].value = "***";
  expected.failures = 0;
  expected.mismatches = 0;
  expected.part = {};
  CHECK(record_from_json(sent(to_json(r))) == expected);
}

TEST_CASE("a request comes back as it was, its secrets only where they are shown", "[json]") {
  REQUIRE(rc::check([] {
    auto r = any_request();
    r.url = "https://me:pw@example.org/a";
    r.headers.push_back({"Authorization", "Bearer s3cret"});
    r.resume_data = any_text();
    RC_ASSERT(request_from_json(sent(to_json(r, secrets::shown))) == r);
    const auto hidden = to_json(r, secrets::hidden).dump();
    RC_ASSERT(hidden.find("s3cret") == hidden.npos);
    RC_ASSERT(hidden.find("pw@") == hidden.npos);
  }));
  transfer_request plain;
  plain.url = "https://example.org/a";
  plain.destination = "/a";
  CHECK(to_json(plain, secrets::shown).dump() == R"({"url":"https://example.org/a","destination":"/a"})");
}

TEST_CASE("a change comes back as it was", "[json]") {
  REQUIRE(rc::check([] {
    transfer_change c;
    if (any_bool())
      c.priority = *rc::gen::inRange(0, 100) / 99.0;
    if (any_bool())
      c.earliest_begin = *rc::gen::element(time_point{}, any_time());
    if (any_bool())
      c.headers = any_headers();
    if (any_bool())
      c.max_size = any_size();
    RC_PRE(static_cast<bool>(c));
    RC_ASSERT(change_from_json(sent(to_json(c))) == c);
  }));
}

TEST_CASE("transient news come back as they were", "[json]") {
  REQUIRE(rc::check([] {
    const progress p{{*rc::gen::arbitrary<std::uint64_t>()}, any_size(), any_size()};
    RC_ASSERT(progress_from_json(sent(to_json(p, "s"))) == p);
    notice n;
    n.transfer = p.transfer;
    n.type = any_of(notice_type::waiting);
    n.name = any_bytes();
    n.received = any_size();
    n.total = any_size();
    set_waiting(n.waiting_for, n.retry_at);
    n.why = any_error();
    RC_ASSERT(notice_from_json(sent(to_json(n, "s"))) == n);
  }));
}

TEST_CASE("what is known about sessions comes back as it was", "[json]") {
  REQUIRE(rc::check([] {
    session_status s;
    s.counts = any_counts();
    s.active = *rc::gen::arbitrary<std::uint64_t>();
    s.acknowledged.value = *rc::gen::arbitrary<std::uint64_t>();
    s.last_event.value = *rc::gen::arbitrary<std::uint64_t>();
    s.phase = any_of(session_phase::cancelling);
    s.paused = any_bool();
    s.attached = any_bool();
    s.launch = any_launch_status();
    RC_ASSERT(counts_from_json(sent(to_json(s.counts))) == s.counts);
    RC_ASSERT(launch_status_from_json(sent(to_json(s.launch))) == s.launch);
    RC_ASSERT(status_from_json(sent(to_json(s))) == s);

    session_record r;
    r.identifier = any_text();
    r.created_at = any_time();
    r.acknowledged = s.acknowledged;
    r.last_event = s.last_event;
    r.phase = s.phase;
    r.paused = s.paused;
    r.configuration.max_active = *rc::gen::arbitrary<std::uint32_t>();
    RC_ASSERT(session_from_json(sent(to_json(r, s.counts))) == std::pair(r, s.counts));
  }));
}

TEST_CASE("what a newer daemon tells besides is ignored, what it does not tell has its default", "[json]") {
  const auto r = record_from_json(json::parse(R"({"id":7,"invented_later":[]})"));
  transfer_record expected;
  expected.id.value = 7;
  CHECK(r == expected);
  CHECK(progress_from_json(json::parse(R"({"transfer":7,"x":1})")) == progress{{7}, 0, unknown_size});
  CHECK(session_from_json(json::parse(R"({"identifier":"a","status":{}})")).first.identifier == "a");
  CHECK(status_from_json(json::object()) == session_status{});
  CHECK(event_from_json(json::parse(R"({"seq":1,"transfer":2,"type":"failed","x":1})")).type == event_type::failed);
  CHECK(notice_from_json(json::parse(R"({"transfer":2,"type":"resumed","x":1})")).type == notice_type::resumed);
}

TEST_CASE("a checksum is read in either case", "[json]") {
  const auto r =
      request_from_json(json::parse(R"({"url":"https://example.org/a","destination":"/a","checksum":"SHA256:0AFF"})"));
  CHECK(r.expected == checksum{digest_algorithm::sha256, "0aff"});
}

TEST_CASE("a request that cannot be read is refused by the member's name", "[json]") {
  CHECK(refused(request_from_json, "5") == "the value must be a JSON object, got number");
  CHECK_THAT(refused(request_from_json, R"({"destination":"/a"})"), Contains("url is missing"));
  CHECK_THAT(refused(request_from_json, R"({"url":"https://example.org"})"), Contains("destination is missing"));
  CHECK(refused(request_from_json, R"({"url":5,"destination":"/a"})") == "url must be a string, got 5");
  CHECK_THAT(refused_request(R"("sized":5)"), Contains("\"sized\" is unknown") && Contains("max_size"));
  CHECK_THAT(refused_request(R"("destination_bytes":"%")"), Contains("destination_bytes") && Contains("base64"));
  CHECK_THAT(refused_request(R"("conflict":"replace")"), Contains("conflict must be fail, overwrite or rename"));
  CHECK_THAT(refused_request(R"("priority":"high")"), Contains("priority must be a number"));
  CHECK_THAT(refused_request(R"("earliest_begin":"tomorrow")"), Contains("earliest_begin") && Contains("tomorrow"));
  CHECK_THAT(refused_request(R"("earliest_begin":null)"), Contains("earliest_begin"));
  CHECK_THAT(refused_request(R"("suspended":"yes")"), Contains("suspended must be true or false"));
  CHECK_THAT(refused_request(R"("max_size":1.5)"), Contains("max_size must be a whole number"));
  CHECK_THAT(refused_request(R"("metadata_text":{})"), Contains("metadata_text"));
  CHECK_THAT(refused_request(R"("resume_data":[])"), Contains("resume_data must be a string, got an array"));
  for (std::string bad : {R"(5)", R"("0aff")", R"(":0aff")", R"("none:0aff")", R"("crc32:0aff")", R"("")"}) {
    CAPTURE(bad);
    CHECK_THAT(refused_request(R"("checksum":)" + bad), Contains("checksum must be \"ALGORITHM:HEX\""));
  }
  CHECK_THAT(refused_request(R"("headers":[["A","b"]])"), Contains("headers[0] must be a JSON object"));
  CHECK_THAT(refused_request(R"("headers":[{"name":"A","value":"b"},{"name":"C"}])"),
             Contains("headers[1].value is missing"));
  CHECK_THAT(refused_request(R"("headers":[{"name":"Authorization","value":12345}])"),
             Contains("headers[0].value") && !Contains("12345"));
}

TEST_CASE("a change that says nothing, or something unknown, is refused", "[json]") {
  CHECK_THAT(refused(change_from_json, "{}"), Contains("the change is empty"));
  CHECK_THAT(refused(change_from_json, R"({"url":"https://example.org/b"})"), Contains("\"url\" is unknown"));
  CHECK_THAT(refused(change_from_json, R"({"priority":true})"), Contains("priority must be a number"));
  CHECK_THAT(refused(change_from_json, R"({"earliest_begin":0})"), Contains("earliest_begin must be a time"));
  CHECK_THAT(refused(change_from_json, R"({"headers":{}})"), Contains("headers must be an array"));
}

TEST_CASE("what the daemon must tell is missed by name", "[json]") {
  CHECK_THAT(refused(record_from_json, "{}"), Contains("id is missing"));
  CHECK_THAT(refused(record_from_json, R"({"id":1,"state":"lost"})"), Contains("state"));
  CHECK_THAT(refused(event_from_json, R"({"seq":1,"transfer":2})"), Contains("type is missing"));
  CHECK_THAT(refused(progress_from_json, "{}"), Contains("transfer is missing"));
  CHECK_THAT(refused(notice_from_json, R"({"transfer":2,"type":"gone"})"), Contains("type"));
  CHECK_THAT(refused(session_from_json, "{}"), Contains("identifier is missing"));
  CHECK_THAT(refused(status_from_json, R"({"phase":"closed"})"), Contains("status.phase"));
  CHECK_THAT(refused(status_from_json, R"({"counts":[]})"), Contains("counts must be a JSON object"));
}

TEST_CASE("nesting without end is refused wherever it stands, without following it", "[json]") {
  constexpr int levels = 200'000;
  const auto deep = std::string(levels, '[') + std::string(levels, ']');
  for (std::string member : {"url", "destination", "headers", "checksum", "metadata", "earliest_begin", "no_member"}) {
    CAPTURE(member);
    std::string text = R"({"url":"https://example.org/a","destination":"/a",")" + member + "\":" + deep + "}";
    if (member == "url")
      text = R"({"destination":"/a","url":)" + deep + "}";
    if (member == "destination")
      text = R"({"url":"https://example.org/a","destination":)" + deep + "}";
    CHECK_THAT(refused(request_from_json, text), Contains(member));
  }
  CHECK_THAT(refused(request_from_json, deep), Contains("must be a JSON object"));
  CHECK_THAT(
      refused([](const json& v) { return configuration_from_json(v); }, R"({"launch":{"arguments":)" + deep + "}}"),
      Contains("launch.arguments"));
  CHECK_THAT(refused(event_from_json, R"({"seq":1,"transfer":2,"type":"failed","metadata":)" + deep + "}"),
             Contains("metadata must be nested at most 100 levels deep"));
}
