#include "core/configuration.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <functional>
#include <limits>

using namespace bellhop;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

transfer_request good_request() {
  transfer_request r;
  r.url = "https://example.org/a.iso";
  r.destination = "/home/guest/a.iso";
  return r;
}

template <class T>
struct refusal {
  std::string what;
  std::function<void(T&)> change;
  errc code;
  /// What the message has to name.
  std::string named;
};

template <class T>
void check_refused(const T& good, const std::vector<refusal<T>>& refusals) {
  REQUIRE(check(good) == error{});
  for (const auto& r : refusals) {
    CAPTURE(r.what);
    T bad = good;
    r.change(bad);
    const auto why = check(bad);
    CHECK(why.code == r.code);
    CHECK_THAT(why.message, Contains(r.named));
  }
}

} // namespace

TEST_CASE("session identifiers are 1 to 200 of A-Za-z0-9._-", "[configuration]") {
  for (std::string good : {"a", "org.example.App-1_2", "...", "-"})
    CHECK(check_identifier(good) == error{});
  CHECK(check_identifier(std::string(200, 'x')) == error{});
  for (std::string bad : {"", "a b", "a/b", "caf\xC3\xA9", "a\n", "a:b"}) {
    CAPTURE(bad);
    const auto why = check_identifier(bad);
    CHECK(why.code == errc::invalid_identifier);
    CHECK_THAT(why.message, Contains("1 to 200"));
  }
  CHECK(check_identifier(std::string(201, 'x')).code == errc::invalid_identifier);
  CHECK(check_identifier(std::string("a\0b", 3)).code == errc::invalid_identifier);
  CHECK_THAT(check_identifier("a b").message, Contains("\"a b\""));
}

TEST_CASE("a configuration with a setting out of range is refused by its name", "[configuration]") {
  using conf = session_configuration;
  const auto code = errc::invalid_argument;
  check_refused<conf>(
      {},
      {
          {"no slot", [](conf& c) { c.max_active = 0; }, code, "max_active"},
          {"no connection", [](conf& c) { c.max_per_host = 0; }, code, "max_per_host must be 1 to 10000, got 0"},
          {"endless redirects", [](conf& c) { c.max_redirects = 1001; }, code, "max_redirects"},
          {"no time", [](conf& c) { c.request_timeout = 0ms; }, code, "request_timeout"},
          {"negative time", [](conf& c) { c.connect_timeout = -1ms; }, code, "connect_timeout"},
          {"no time at all", [](conf& c) { c.resource_timeout = 0s; }, code, "resource_timeout"},
          {"greatest time", [](conf& c) { c.resource_timeout = std::chrono::seconds::max(); }, code,
           "resource_timeout"},
          {"least time", [](conf& c) { c.keep_finished = std::chrono::seconds::min(); }, code, "keep_finished"},
          {"negative base", [](conf& c) { c.retry.base = -1ms; }, code, "retry.base"},
          {"cap under base", [](conf& c) { c.retry.cap = 999ms; }, code, "retry.cap must be 1000 to"},
          {"greatest cap", [](conf& c) { c.retry.cap = std::chrono::milliseconds::max(); }, code, "retry.cap"},
          {"negative bound", [](conf& c) { c.retry.longest_retry_after = -1s; }, code, "longest_retry_after"},
          {"header",
           [](conf& c) {
             c.headers = {{"X y", "z"}};
           },
           code, "\"X y\""},
          {"agent", [](conf& c) { c.user_agent = "a\r\nb: c"; }, code, "user_agent \"a\\x0D\\x0Ab: c\""},
          {"agent's text", [](conf& c) { c.user_agent = "\xFF"; }, code, "UTF-8"},
          {"nothing to launch", [](conf& c) { c.launch.working_directory = "/"; }, code, "launch.arguments is empty"},
          {"relative program",
           [](conf& c) {
             c.launch = {{"app"}, "/", {}};
           },
           code, "the program \"app\" must be an absolute path"},
          {"NUL in an argument",
           [](conf& c) {
             c.launch = {{"/bin/app", std::string("a\0b", 3)}, "/", {}};
           },
           code, "has a NUL"},
          {"relative folder",
           [](conf& c) {
             c.launch = {{"/bin/app"}, "here", {}};
           },
           code, "launch.working_directory \"here\" must be an absolute path"},
          {"no folder",
           [](conf& c) {
             c.launch = {{"/bin/app"}, "", {}};
           },
           code, "launch.working_directory"},
          {"variable without a name",
           [](conf& c) {
             c.launch = {{"/bin/app"}, "/", {{"", "x"}}};
           },
           code, "launch.environment"},
          {"variable with a sign",
           [](conf& c) {
             c.launch = {{"/bin/app"}, "/", {{"A=B", "x"}}};
           },
           code, "\"A=B\""},
          {"NUL in a variable",
           [](conf& c) {
             c.launch = {{"/bin/app"}, "/", {{"A", std::string("a\0b", 3)}}};
           },
           code, "value of \"A\""},
          {"many arguments",
           [](conf& c) {
             c.launch = {std::vector<std::string>(1001, "/bin/app"), "/", {}};
           },
           code, "1001 arguments and variables, at most 1000"},
          {"long argument",
           [](conf& c) {
             c.launch = {{"/bin/app", std::string(128 * 1024, 'x')}, "/", {}};
           },
           code, "131072 bytes, at most 131071"},
          {"long environment",
           [](conf& c) {
             c.launch = {{"/bin/app"}, "/", std::vector<header>(3, {"A", std::string(100'000, 'x')})};
           },
           code, "at most 262144"},
          {"relative file", [](conf& c) { c.ca_file = "ca.pem"; }, code, "\"ca.pem\" must be an absolute path"},
      });
}

TEST_CASE("a request that cannot be carried out is refused by what is wrong with it", "[configuration]") {
  using request = transfer_request;
  const std::string hex64(64, 'a');
  check_refused<request>(
      good_request(),
      {
          {"no URL", [](request& r) { r.url = "nonsense"; }, errc::invalid_url, ""},
          {"no destination", [](request& r) { r.destination = ""; }, errc::invalid_destination, "no destination"},
          {"relative", [](request& r) { r.destination = "a.iso"; }, errc::invalid_destination,
           "\"a.iso\" must be an absolute path"},
          {"folder", [](request& r) { r.destination = "/home/guest/"; }, errc::invalid_destination, "is a folder"},
          {"root", [](request& r) { r.destination = "/"; }, errc::invalid_destination, "is a folder"},
          {"dot", [](request& r) { r.destination = "/home/."; }, errc::invalid_destination, "is a folder"},
          {"dots", [](request& r) { r.destination = "/home/.."; }, errc::invalid_destination, "is a folder"},
          {"NUL", [](request& r) { r.destination = std::string("/a\0b", 4); }, errc::invalid_destination, "NUL"},
          {"long name", [](request& r) { r.destination = "/" + std::string(256, 'n'); }, errc::invalid_destination,
           "256 bytes, at most 255"},
          {"long folder", [](request& r) { r.destination = "/" + std::string(256, 'n') + "/f"; },
           errc::invalid_destination, "at most 255"},
          {"long path",
           [](request& r) {
             std::string deep;
             for (int i = 0; i < 2048; ++i)
               deep += "/d";
             r.destination = deep;
           },
           errc::invalid_destination, "at most 4095"},
          {"short checksum",
           [](request& r) {
             r.expected = {digest_algorithm::sha256, "abcabcabcabc"};
           },
           errc::invalid_checksum, "checksum of sha-256 needs 64 hex digits, got 12: \"abcabcabcabc\""},
          {"no digits",
           [](request& r) {
             r.expected = {digest_algorithm::md5, std::string(31, 'a') + 'g'};
           },
           errc::invalid_checksum, "hex digits in lower case"},
          {"upper case",
           [](request& r) {
             r.expected = {digest_algorithm::sha1, std::string(40, 'A')};
           },
           errc::invalid_checksum, "lower case"},
          {"no algorithm", [&](request& r) { r.expected.hex = hex64; }, errc::invalid_checksum, "no algorithm"},
          {"header name",
           [](request& r) {
             r.headers = {{"", "v"}};
           },
           errc::invalid_argument, "header name \"\""},
          {"colon",
           [](request& r) {
             r.headers = {{"A:", "v"}};
           },
           errc::invalid_argument, "\"A:\""},
          {"CR",
           [](request& r) {
             r.headers = {{"A", "v\rw"}};
           },
           errc::invalid_argument, "header A has a line break"},
          {"LF",
           [](request& r) {
             r.headers = {{"A", "v\nw"}};
           },
           errc::invalid_argument, "line break"},
          {"NUL in a value",
           [](request& r) {
             r.headers = {{"A", std::string("v\0w", 3)}};
           },
           errc::invalid_argument, "NUL"},
          {"own header",
           [](request& r) {
             r.headers = {{"range", "bytes=0-1"}};
           },
           errc::invalid_argument, "range"},
          {"many headers",
           [](request& r) {
             r.headers.assign(101, {"A", "v"});
           },
           errc::invalid_argument, "at most 100"},
          {"long header",
           [](request& r) {
             r.headers = {{"A", std::string(65536, 'v')}};
           },
           errc::invalid_argument, "at most 65536"},
          {"low priority", [](request& r) { r.priority = -0.01; }, errc::invalid_argument, "priority"},
          {"high priority", [](request& r) { r.priority = 1.01; }, errc::invalid_argument, "priority"},
          {"no priority", [](request& r) { r.priority = std::numeric_limits<double>::quiet_NaN(); },
           errc::invalid_argument, "priority"},
          {"negative size", [](request& r) { r.max_size = -1; }, errc::invalid_argument, "max_size"},
          {"long resume data", [](request& r) { r.resume_data = std::string(1025, 'a'); }, errc::invalid_argument,
           "resume_data has 1025 bytes, at most 1024"},
          {"odd resume data", [](request& r) { r.resume_data = "1.a b"; }, errc::invalid_argument,
           "resume_data \"1.a b\""},
          {"no JSON", [](request& r) { r.metadata = "{"; }, errc::invalid_argument, "metadata is not JSON: \"{\""},
          {"JSON and more", [](request& r) { r.metadata = "{} {}"; }, errc::invalid_argument, "not JSON"},
          {"much JSON", [](request& r) { r.metadata = '"' + std::string(65535, 'j') + '"'; }, errc::invalid_argument,
           "65537 bytes, at most 65536"},
          {"deep JSON", [](request& r) { r.metadata = std::string(101, '[') + std::string(101, ']'); },
           errc::invalid_argument, "100 levels"},
      });
}

TEST_CASE("a change is held to the same rules as a request", "[configuration]") {
  using change = transfer_change;
  const auto code = errc::invalid_argument;
  check_refused<change>({}, {
                                {"priority", [](change& c) { c.priority = 2; }, code, "priority must be 0 to 1"},
                                {"size", [](change& c) { c.max_size = -1; }, code, "max_size"},
                                {"header",
                                 [](change& c) {
                                   c.headers = std::vector<header>{{"Range", "bytes=0-"}};
                                 },
                                 code, "Range"},
                            });
  CHECK(check(change{0.0, time_point{}, std::vector<header>{}, 0}) == error{});
  CHECK(check(change{1.0, {}, std::vector<header>{{"Authorization", "Bearer new"}}, 5}) == error{});
}

TEST_CASE("a program to launch may have arguments and variables that are no UTF-8", "[configuration]") {
  session_configuration c;
  c.launch = {{"/usr/bin/app", "caf\xE9"}, "/home/\xFF", {{"LATIN", "\xE9"}, {"EMPTY", ""}}};
  CHECK(check(c) == error{});
}

TEST_CASE("no error shows the value of a variable", "[configuration]") {
  session_configuration c;
  c.launch = {{"/usr/bin/app"}, "/", {{"TOKEN", std::string("s3cret\0", 7)}}};
  const auto why = check(c);
  REQUIRE(why);
  CHECK_THAT(why.message, Contains("TOKEN") && !Contains("s3cret"));
}

TEST_CASE("requests at their bounds are accepted", "[configuration]") {
  auto r = good_request();
  r.destination = "/" + std::string(255, 'n');
  r.expected = {digest_algorithm::sha512, std::string(128, '0')};
  r.headers = {{"X-Token~!#$%&'*+-.^_`|", "b\xC3\xA4r \"x\"\t,;"}, {"Empty", ""}};
  r.priority = 1;
  r.metadata = '"' + std::string(65534, 'j') + '"';
  CHECK(check(r) == error{});

  r.priority = 0;
  r.metadata = std::string(100, '[') + R"("[[[[\"[[{{")" + std::string(100, ']');
  CHECK(check(r) == error{});

  r.destination = "/home/guest/";
  r.name_from_server = true;
  CHECK(check(r) == error{});
}

TEST_CASE("no error shows the value of a header", "[configuration]") {
  for (std::string value : {"secret\n", "secret\xFF"}) {
    auto r = good_request();
    r.headers = {{"Authorization", value}};
    const auto why = check(r);
    REQUIRE(why);
    CHECK_THAT(why.message, !Contains("secret"));
  }
}

TEST_CASE("whatever a request holds, checking it neither throws nor writes unprintable text", "[configuration]") {
  REQUIRE(rc::check([](const std::string& a, const std::string& b, double priority) {
    auto r = good_request();
    r.destination = "/" + a;
    r.headers = {{a, b}};
    r.expected = {digest_algorithm::sha1, b};
    r.metadata = b;
    r.priority = priority;
    const auto why = check(r);
    for (char c : why.message)
      RC_ASSERT(static_cast<unsigned char>(c) >= 0x20);
  }));
}
