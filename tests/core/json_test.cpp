#include "core/json.hpp"
#include "core/text.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <limits>

using namespace bellhop;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

namespace {

/// The message of the failure that reading `text` as a configuration ends in.
std::string refused(const std::string& text) {
  try {
    configuration_from_json(json::parse(text));
  } catch (const failure& f) {
    CHECK(f.why().code == errc::invalid_argument);
    return f.what();
  }
  return "accepted";
}

transfer_record some_record() {
  transfer_record r;
  r.id.value = 7;
  r.session = "photos";
  r.request.url = "https://me:pw@example.org/a.jpg?size=2";
  r.request.destination = "/home/guest/a.jpg";
  r.submitted_at = from_micros(1'795'338'902'250'000);
  return r;
}

} // namespace

TEST_CASE("an error's members", "[json]") {
  CHECK(to_json(error{errc::http_status, "gone", 410}).dump() ==
        R"({"domain":"http","code":"http_status","message":"gone","status":410})");
  CHECK(to_json(error{errc::no_space, "full", 0}).dump() == R"({"domain":"file","code":"no_space","message":"full"})");
}

TEST_CASE("an event's members, without the URL's credentials", "[json]") {
  event e;
  e.seq.value = 3;
  e.time = from_micros(1'795'338'902'250'000);
  e.session = "photos";
  e.transfer.value = 7;
  e.type = event_type::failed;
  e.url = "https://me:pw@example.org/a.jpg";
  e.destination = "/home/guest/a.jpg";
  e.received = 12;
  e.why = {errc::http_status, "not found", 404};
  e.metadata = R"({"album":5})";
  CHECK(to_json(e).dump() ==
        R"({"seq":3,"time":"2026-11-22T09:15:02.250Z","session":"photos","transfer":7,"type":"failed",)"
        R"("url":"https://example.org/a.jpg","destination":"/home/guest/a.jpg","bytes":12,)"
        R"("error":{"domain":"http","code":"http_status","message":"not found","status":404},)"
        R"("metadata":{"album":5}})");

  e.type = event_type::completed;
  e.why = {};
  e.metadata.clear();
  e.sha256 = "abcd";
  const auto completed = to_json(e);
  CHECK_FALSE(completed.contains("error"));
  CHECK_FALSE(completed.contains("metadata"));
  CHECK(completed["sha256"] == "abcd");
}

TEST_CASE("metadata whose text is not the compact one has it beside the value", "[json]") {
  event e;
  e.metadata = R"({ "album": 5 })";
  CHECK(to_json(e)["metadata"].dump() == R"({"album":5})");
  CHECK(to_json(e)["metadata_text"] == e.metadata);
}

TEST_CASE("a record shows no secret", "[json]") {
  auto r = some_record();
  r.request.headers = {{"Authorization", "Bearer s3cret"},
                       {"cookie", "id=s3cret"},
                       {"PROXY-AUTHORIZATION", "Basic s3cret"},
                       {"Accept", "image/jpeg"}};
  const auto shown = to_json(r);
  CHECK(shown["headers"][0].dump() == R"({"name":"Authorization","value":"***"})");
  CHECK(shown["headers"][3]["value"] == "image/jpeg");
  CHECK_THAT(shown.dump(), !Contains("s3cret") && !Contains("pw"));
}

TEST_CASE("a record's members are there when they have something to say", "[json]") {
  auto r = some_record();
  CHECK(to_json(r).dump() ==
        R"({"id":7,"session":"photos","state":"queued","url":"https://example.org/a.jpg?size=2",)"
        R"("destination":"/home/guest/a.jpg","bytes":0,"attempts":0,"submitted_at":"2026-11-22T09:15:02.250Z",)"
        R"("conflict":"fail","priority":0.5})");

  r.state = transfer_state::waiting;
  r.waiting_for = wait_reason::retry_after;
  r.retry_at = from_micros(1'000'000);
  r.last_error = {errc::http_status, "busy", 503};
  r.total = 0;
  r.request.expected = {digest_algorithm::md5, "00"};
  r.request.max_size = 10;
  const auto shown = to_json(r);
  CHECK(shown["waiting"].dump() == R"({"reason":"retry_after","until":"1970-01-01T00:00:01.000Z"})");
  CHECK(shown["error"]["status"] == 503);
  CHECK(shown["total"] == 0);
  CHECK(shown["checksum"] == "md5:00");
  CHECK(shown["max_size"] == 10);
}

TEST_CASE("transient news and counts", "[json]") {
  notice n;
  n.transfer.value = 4;
  n.type = notice_type::waiting;
  n.received = 10;
  n.waiting_for = wait_reason::no_space;
  n.why = {errc::no_space, "full", 0};
  CHECK(to_json(n, "s").dump() == R"({"type":"waiting","session":"s","transfer":4,"bytes":10,)"
                                  R"("waiting":{"reason":"no_space"},)"
                                  R"("error":{"domain":"file","code":"no_space","message":"full"}})");
  CHECK(to_json(progress{{4}, 10, 20}, "s").dump() ==
        R"({"type":"progress","session":"s","transfer":4,"bytes":10,"total":20})");
  session_counts counts;
  counts.queued = 2;
  counts.unacknowledged_events = std::numeric_limits<std::uint64_t>::max();
  CHECK(to_json(counts)["queued"] == 2);
  CHECK(to_json(counts)["unacknowledged_events"].dump() == "18446744073709551615");
}

TEST_CASE("names and messages that are no UTF-8 can still be written", "[json]") {
  auto r = some_record();
  r.request.destination = "/home/guest/caf\xE9.jpg";
  r.last_error = {errc::file_io, "\xFF", 0};
  r.request.metadata = "\xFF";
  r.state = transfer_state::failed;
  const auto shown = to_json(r);
  CHECK_NOTHROW(shown.dump());
  CHECK(shown["destination"] == "/home/guest/caf\xEF\xBF\xBD.jpg");
  CHECK(shown["destination_bytes"] == "L2hvbWUvZ3Vlc3QvY2Fm6S5qcGc=");
}

TEST_CASE("errors read back; codes of later versions become internal", "[json]") {
  REQUIRE(rc::check([](std::int32_t status) {
    const auto code = static_cast<errc>(*rc::gen::inRange(0, static_cast<int>(errc::daemon_unavailable) + 1));
    const error why{code, to_utf8(*rc::gen::string<std::string>()), status};
    RC_ASSERT(error_from_json(json::parse(to_json(why).dump())) == why);
  }));
  CHECK(error_from_json(json::parse(R"({"code":"invented_later"})")).code == errc::internal);
  CHECK(error_from_json(json::object()) == error{});
  CHECK_THROWS_AS(error_from_json(json::array()), failure);
  CHECK_THROWS_AS(error_from_json(json::parse(R"({"status":"404"})")), failure);
}

TEST_CASE("a configuration reads back as it was, secrets included", "[json]") {
  REQUIRE(rc::check([] {
    session_configuration c;
    c.kind = static_cast<session_kind>(*rc::gen::inRange(0, 3));
    c.durable = static_cast<durability>(*rc::gen::inRange(0, 2));
    c.max_active = *rc::gen::arbitrary<std::uint32_t>();
    c.max_per_host = *rc::gen::arbitrary<std::uint32_t>();
    c.request_timeout = std::chrono::milliseconds{*rc::gen::arbitrary<std::int64_t>()};
    c.connect_timeout = std::chrono::milliseconds{*rc::gen::arbitrary<std::int64_t>()};
    c.resource_timeout = std::chrono::seconds{*rc::gen::arbitrary<std::int64_t>()};
    c.max_redirects = *rc::gen::arbitrary<std::uint32_t>();
    c.allow_downgrade = *rc::gen::arbitrary<bool>();
    c.retry.base = std::chrono::milliseconds{*rc::gen::arbitrary<std::int64_t>()};
    c.retry.cap = std::chrono::milliseconds{*rc::gen::arbitrary<std::int64_t>()};
    c.retry.longest_retry_after = std::chrono::seconds{*rc::gen::arbitrary<std::int64_t>()};
    c.retry.max_attempts = *rc::gen::arbitrary<std::uint32_t>();
    c.headers = {{"Authorization", "Bearer s3cret"}, {"A", "1"}, {"A", "2"}};
    c.user_agent = "bellhop/0.1 \xE2\x82\xAC";
    c.ca_file = "/etc/ssl/own.pem";
    c.keep_finished = std::chrono::seconds{*rc::gen::arbitrary<std::int64_t>()};
    c.launches_on_events = *rc::gen::arbitrary<bool>();
    c.launch.arguments = *rc::gen::arbitrary<std::vector<std::string>>();
    if (c.launch) {
      c.launch.working_directory = "/home/guest/" + *rc::gen::string<std::string>();
      c.launch.environment = {{"PATH", "/bin"}, {"LATIN", *rc::gen::string<std::string>()}};
    }
    RC_ASSERT(configuration_from_json(json::parse(to_json(c).dump())) == c);
  }));
}

TEST_CASE("absent settings keep their default, unknown ones are ignored", "[json]") {
  CHECK(configuration_from_json(json::object()) == session_configuration{});
  const auto c = configuration_from_json(json::parse(R"({"max_active":3,"invented_later":{},"retry":{"cap_ms":5}})"));
  session_configuration expected;
  expected.max_active = 3;
  expected.retry.cap = 5ms;
  CHECK(c == expected);
}

TEST_CASE("a configuration without its secrets", "[json]") {
  session_configuration c;
  c.headers = {{"Authorization", "Bearer s3cret"}, {"Accept", "image/jpeg"}};
  c.launch = {{"/usr/bin/app", "--quiet"}, "/home/guest", {{"TOKEN", "s3cret"}}};
  const auto shown = to_json(c, secrets::hidden);
  CHECK_THAT(shown.dump(), !Contains("s3cret"));
  CHECK(shown["headers"][1]["value"] == "image/jpeg");
  CHECK(shown["launch"].dump() == R"({"arguments":["/usr/bin/app","--quiet"],"working_directory":"/home/guest",)"
                                  R"("environment":[{"name":"TOKEN","value":"***"}]})");
  CHECK(configuration_from_json(to_json(c, secrets::shown)) == c);
}

TEST_CASE("settings that are not known are refused where that is wanted, by their name", "[json]") {
  const auto refused_in = [](const std::string& text) -> std::string {
    try {
      configuration_from_json(json::parse(text), unknown_members::refused);
      return "accepted";
    } catch (const failure& f) {
      CHECK(f.why().code == errc::invalid_argument);
      return f.what();
    }
  };
  CHECK(refused_in(to_json(session_configuration{}).dump()) == "accepted");
  CHECK_THAT(refused_in(R"({"max_activ":3})"), Contains("\"max_activ\"") && Contains("max_active"));
  CHECK_THAT(refused_in(R"({"retry":{"jitter":1}})"), Contains("\"retry.jitter\""));
  CHECK_THAT(refused_in(R"({"launch":{"argv":[]}})"), Contains("\"launch.argv\""));
  CHECK_THAT(refused_in(R"({"headers":[{"name":"A","value":"b","valeu":"c"}]})"), Contains("\"headers[0].valeu\""));
}

TEST_CASE("a setting of the wrong type is refused by its name", "[json]") {
  CHECK(refused("[]") == "the value must be a JSON object, got array");
  CHECK(refused(R"({"max_active":"3"})") == R"(max_active must be a whole number from 0 to 4294967295, got "3")");
  CHECK_THAT(refused(R"({"max_active":4294967296})"), Contains("max_active"));
  CHECK_THAT(refused(R"({"max_active":-1})"), Contains("max_active"));
  CHECK_THAT(refused(R"({"max_active":1.5})"), Contains("max_active"));
  CHECK_THAT(refused(R"({"request_timeout_ms":9223372036854775808})"), Contains("request_timeout_ms"));
  CHECK_THAT(refused(R"({"allow_downgrade":1})"), Contains("allow_downgrade must be true or false"));
  CHECK_THAT(refused(R"({"launch":[]})"), Contains("launch must be a JSON object"));
  CHECK_THAT(refused(R"({"launch":{"arguments":"/bin/true"}})"), Contains("launch.arguments must be an array"));
  CHECK_THAT(refused(R"({"launch":{"arguments":[5]}})"), Contains("launch.arguments"));
  CHECK_THAT(refused(R"({"launch":{"arguments_bytes":["%"]}})"), Contains("launch.arguments_bytes"));
  CHECK_THAT(refused(R"({"launch":{"environment":[{"name":"A","value":5}]}})"),
             Contains("launch.environment[0].value must be a string") && !Contains("5"));
  CHECK_THAT(refused(R"({"kind":"foreground"})"), Contains("kind must be default, ephemeral or background"));
  CHECK_THAT(refused(R"({"durability":null})"), Contains("durability"));
  CHECK_THAT(refused(R"({"retry":5})"), Contains("retry must be a JSON object"));
  CHECK_THAT(refused(R"({"retry":{"base_ms":true}})"), Contains("retry.base_ms"));
  CHECK_THAT(refused(R"({"user_agent":[]})"), Contains("user_agent must be a string"));
  CHECK_THAT(refused(R"({"max_active":")" + std::string(1000, 'x') + R"("})"), EndsWith("xxx..."));
  CHECK_THAT(refused(R"({"headers":{"Authorization":"s3cret"}})"), Contains("headers") && !Contains("s3cret"));
  CHECK_THAT(refused(R"({"headers":[{"name":"Authorization","value":["s3cret"]}]})"),
             Contains("headers") && !Contains("s3cret"));
}
