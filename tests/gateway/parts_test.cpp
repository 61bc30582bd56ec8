#include "core/error.hpp"
#include "gateway/access.hpp"
#include "gateway/gateway_metrics.hpp"
#include "gateway/json_text.hpp"
#include "gateway/problem.hpp"
#include "gateway/request_splitter.hpp"
#include "gateway/routes.hpp"
#include "gateway/spooled_requests.hpp"
#include "gateway/target.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace bellhop;
using namespace bellhop::test;

// -- targets ----------------------------------------------------------------------------------------------------------

TEST_CASE("a target is split into decoded segments and parameters", "[gateway]") {
  auto t = parse_target("/v1/sessions/a%20b%2Fc/transfers?state=a,b&limit=%31&empty=&flag");
  CHECK(t.segments == std::vector<std::string>{"v1", "sessions", "a b/c", "transfers"});
  CHECK(t.parameters.take("state") == "a,b");
  CHECK(t.parameters.take_number("limit", 1, 10) == 1);
  CHECK(t.parameters.take("empty") == "");
  CHECK(t.parameters.take("flag") == "");
  CHECK_NOTHROW(t.parameters.expect_no_more());
  CHECK(parse_target("/").segments == std::vector<std::string>{""});
  CHECK(parse_target("/a//b/").segments == std::vector<std::string>{"a", "", "b", ""});
}

TEST_CASE("a target that is badly written is refused", "[gateway]") {
  for (const char* bad : {"", "*", "http://x/y", "v1", "/%", "/%1", "/%zz", "/a?b=%f", "/a?b=1&b=2"}) {
    INFO(bad);
    CHECK(error_of([&] { parse_target(bad); }).code == errc::invalid_argument);
  }
}

TEST_CASE("a parameter that nobody knows, or that is none of what it may be, is named", "[gateway]") {
  query_parameters q{"limti=1&limit=0&flag=yes"};
  CHECK(error_of([&] { q.take_number("limit", 1, 1000); }).message.find("from 1 to 1000") != std::string::npos);
  CHECK(error_of([&] { q.take_flag("flag"); }).message.find("true or false") != std::string::npos);
  CHECK(error_of([&] { q.expect_no_more(); }).message.find("limti") != std::string::npos);
}

// -- routes -----------------------------------------------------------------------------------------------------------

TEST_CASE("a path leads to its route, with what stands in it", "[gateway]") {
  const auto find = [](std::string_view method, std::string_view target) {
    return find_route(method, parse_target(target).segments);
  };
  auto found = find("POST", "/v1/sessions/pause/transfers/17/cancel");
  REQUIRE(found.what);
  CHECK(found.what->path == "/v1/sessions/{id}/transfers/{n}/cancel");
  CHECK(found.session == "pause");
  CHECK(found.transfer.value == 17);
  CHECK(find("HEAD", "/v1/health").what);
  CHECK(find("POST", "/v1/sessions/x/transfers/pause").what->path == "/v1/sessions/{id}/transfers/pause");
  // Words are no numbers, so this is the path of all, which cannot be read.
  CHECK(find("GET", "/v1/sessions/x/transfers/pause").other_methods == std::vector<std::string_view>{"POST"});
  for (const char* nowhere : {"/", "/v1", "/v1/", "/v1/sessions/", "/v1/sessions//transfers", "/v1/sessions/x/",
                              "/v2/health", "/v1/sessions/x/transfers/0", "/v1/sessions/x/transfers/-1",
                              "/v1/sessions/x/transfers/99999999999999999999", "/v1/sessions/x/transfers/1/pause/2"}) {
    INFO(nowhere);
    CHECK_FALSE(find("GET", nowhere).what);
    CHECK(find("GET", nowhere).other_methods.empty());
  }
}

// -- access -----------------------------------------------------------------------------------------------------------

namespace {

request_head over_tcp(std::vector<header> headers) {
  request_head head;
  head.peer = peer_kind::loopback;
  head.port = 8080;
  head.method = "GET";
  head.target = "/v1/health";
  head.headers = std::move(headers);
  return head;
}

unsigned refused_with(const request_head& head) {
  const auto why = refuse_access(head, "secret");
  return why ? why->status : 0;
}

} // namespace

TEST_CASE("over TCP only who names this machine, shows the token and is no web page is served", "[gateway]") {
  const header token{"Authorization", "Bearer secret"};
  for (const char* host : {"127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"}) {
    INFO(host);
    CHECK(refused_with(over_tcp({{"Host", host}, token})) == 0);
  }
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:80", "evil.example:8080", "127.0.0.1.evil.example:8080", "", "127.0.0.1:8080:8080"}) {
    INFO(host);
    CHECK(refused_with(over_tcp({{"Host", host}, token})) == 403);
  }
  CHECK(refused_with(over_tcp({{"Host", "localhost:8080"}, token, {"Origin", "http://localhost:8080"}})) == 403);
  CHECK(refused_with(over_tcp({{"Host", "localhost:8080"}, token, {"Origin", "null"}})) == 403);
  CHECK(refused_with(over_tcp({token})) == 400);
  CHECK(refused_with(over_tcp({{"Host", "localhost:8080"}, {"Host", "localhost:8080"}, token})) == 400);
  for (const char* wrong : {"Bearer secre", "Bearer secrets", "Bearer ", "Basic secret", "secret", "Bearer SECRET"}) {
    INFO(wrong);
    CHECK(refused_with(over_tcp({{"Host", "localhost:8080"}, {"Authorization", wrong}})) == 401);
  }
  CHECK(refused_with(over_tcp({{"Host", "localhost:8080"}})) == 401);
  CHECK(refused_with(over_tcp({{"Host", "localhost:8080"}, {"authorization", "bearer secret"}})) == 0);
}

// -- JSON -------------------------------------------------------------------------------------------------------------

TEST_CASE("JSON that would be dear to read is refused before it is", "[gateway]") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK_NOTHROW(parse_json(nested(json_scanner::most_nested)));
  CHECK(error_of([&] { parse_json(nested(json_scanner::most_nested + 1)); }).message.find("nested") !=
        std::string::npos);
  CHECK(error_of([] { parse_json(std::string(1'000'000, '[')); }).code == errc::invalid_argument);
  std::string wide = "{";
  for (std::uint32_t i = 0; i <= json_scanner::most_members; ++i)
    wide += "\"" + std::to_string(i) + "\":0,";
  wide.back() = '}';
  CHECK(error_of([&] { parse_json(wide); }).message.find("members") != std::string::npos);
  // Brackets and colons in text count for nothing.
  CHECK_NOTHROW(parse_json("\"" + std::string(10'000, '[') + std::string(10'000, ':') + "\\\"[\""));
  CHECK(error_of([] { parse_json("{\"a\": nil}"); }).message.find("at byte") != std::string::npos);
  CHECK(error_of([] { parse_json("\"\xff\""); }).code == errc::invalid_argument);
  CHECK(error_of([] { parse_json(""); }).code == errc::invalid_argument);
  CHECK(error_of([] { parse_json("1e999"); }).code == errc::invalid_argument);
  CHECK(error_of([] { parse_json("1 2"); }).code == errc::invalid_argument);
}

// -- bulk submits -----------------------------------------------------------------------------------------------------

namespace {

struct seen {
  std::string text;
  std::uint64_t index;
  std::uint64_t line;
  errc why;
  friend bool operator==(const seen&, const seen&) = default;
};

/// What the splitter finds when the body comes in pieces of this size.
std::vector<seen> split(request_splitter::form form, std::string_view body, std::size_t piece,
                        std::size_t longest = 100) {
  std::vector<seen> all;
  request_splitter splitter{form, longest, [&](const split_request& r) {
                              all.push_back({std::string{r.text}, r.index, r.line, r.why.code});
                            }};
  for (std::size_t at = 0; at < body.size(); at += piece)
    splitter.feed(body.substr(at, piece));
  splitter.end();
  return all;
}

} // namespace

TEST_CASE("an array is cut into its elements, wherever the body is cut", "[gateway]") {
  const std::string body = " [ {\"a\":[1,{\"b\":\"],[\\\"\"}]} ,2,\r\n\"x,y]\", [ ] ] \n";
  const std::vector<seen> expected{{"{\"a\":[1,{\"b\":\"],[\\\"\"}]} ", 0, 0, errc::none},
                                   {"2", 1, 0, errc::none},
                                   {"\"x,y]\"", 2, 0, errc::none},
                                   {"[ ] ", 3, 0, errc::none}};
  for (std::size_t piece = 1; piece <= body.size(); ++piece) {
    INFO(piece);
    CHECK(split(request_splitter::form::array, body, piece) == expected);
  }
  CHECK(split(request_splitter::form::array, "[]", 1).empty());
  CHECK(split(request_splitter::form::array, " [ ] ", 2).empty());
}

TEST_CASE("an array that is none is refused", "[gateway]") {
  for (const char* bad : {"", " ", "{}", "1", "[", "[1", "[1,", "[1,]", "[,1]", "[1] x", "[1]]", "[\"a]", "[{]"}) {
    INFO(bad);
    CHECK(error_of([&] { split(request_splitter::form::array, bad, 1); }).code == errc::invalid_argument);
  }
}

TEST_CASE("lines are numbered, empty ones do not count, and the last needs no end", "[gateway]") {
  const std::string body = "\n{\"a\":1}\r\n  \n\nx\n{\"b\":2}";
  const std::vector<seen> expected{
      {"{\"a\":1}\r", 0, 2, errc::none}, {"x", 1, 5, errc::none}, {"{\"b\":2}", 2, 6, errc::none}};
  for (std::size_t piece = 1; piece <= body.size(); ++piece)
    CHECK(split(request_splitter::form::lines, body, piece) == expected);
  CHECK(split(request_splitter::form::lines, "", 1).empty());
}

TEST_CASE("what is too long is passed over, and what follows is found", "[gateway]") {
  const std::string longish(50, '1');
  CHECK(split(request_splitter::form::array, "[" + longish + ",2]", 7, 10) ==
        std::vector<seen>{{"", 0, 0, errc::too_large}, {"2", 1, 0, errc::none}});
  CHECK(split(request_splitter::form::lines, "1\n" + longish + "\n2", 7, 10) ==
        std::vector<seen>{{"1", 0, 1, errc::none}, {"", 1, 2, errc::too_large}, {"2", 2, 3, errc::none}});
}

TEST_CASE("requests come back from a spool as they were, from memory or a file", "[gateway]") {
  temp_dir folder;
  for (const std::size_t memory : {std::size_t{1} << 20, std::size_t{100}}) {
    INFO(memory);
    std::vector<transfer_request> all;
    for (int i = 0; i < 1000; ++i) {
      transfer_request r;
      r.url = "http://127.0.0.1/" + std::to_string(i);
      r.destination = folder / ("a\xff" + std::to_string(i));
      r.headers = {{"X", std::string(static_cast<std::size_t>(i), 'x')}};
      r.metadata = "{\"i\":" + std::to_string(i) + "}";
      r.suspended = i % 2 == 0;
      all.push_back(r);
    }
    spooled_requests spooled{memory, folder.path()};
    for (const auto& r : all)
      spooled.append(r);
    spooled.rewind();
    std::vector<transfer_request> back;
    for (auto some = spooled.next(64); !some.empty(); some = spooled.next(64))
      back.insert(back.end(), some.begin(), some.end());
    CHECK(back == all);
  }
  CHECK(boost::filesystem::is_empty(folder.path()));
}

TEST_CASE("a spool says where it cannot write", "[gateway]") {
  spool nowhere{10, "/nowhere/at/all"};
  CHECK(error_of([&] { nowhere.append("more than ten bytes"); }).message.find("/nowhere/at/all") != std::string::npos);
}

// -- problems and metrics ---------------------------------------------------------------------------------------------

TEST_CASE("errors have the statuses that docs/api.md tells", "[gateway]") {
  CHECK(status_of(errc::invalid_url) == 400);
  CHECK(status_of(errc::invalid_argument) == 400);
  CHECK(status_of(errc::unknown_session) == 404);
  CHECK(status_of(errc::unknown_transfer) == 404);
  CHECK(status_of(errc::session_in_use) == 409);
  CHECK(status_of(errc::wrong_state) == 409);
  CHECK(status_of(errc::too_large) == 413);
  CHECK(status_of(errc::shutting_down) == 503);
  CHECK(status_of(errc::ledger_io) == 503);
  CHECK(status_of(errc::no_space) == 503);
  CHECK(status_of(errc::internal) == 500);
  const auto answer = to_response(problem_of({errc::shutting_down, "the \xff is stopping", 0}));
  const auto body = nlohmann::json::parse(answer.body);
  CHECK(body.at("code") == "shutting_down");
  CHECK(body.at("domain") == "engine");
  CHECK(body.at("title") == "Service Unavailable");
  CHECK(answer.headers == std::vector<header>{{"Retry-After", "1"}});
}

TEST_CASE("a histogram counts what is up to each bound", "[gateway]") {
  engine_metrics counted;
  for (const auto ms : {0, 1, 1, 7, 400, 60'000})
    counted.commits.observe(std::chrono::milliseconds{ms});
  gateway_metrics own;
  own.request_served("GET", "/v1/health", 200);
  own.request_served("GET", "/v1/health", 200);
  metrics_snapshot snapshot;
  snapshot.gateway = &own;
  snapshot.engine = &counted;
  const auto text = to_metrics_text(snapshot);
  CHECK(text.find("bellhop_ledger_commit_seconds_bucket{le=\"0.001\"} 3\n") != std::string::npos);
  CHECK(text.find("bellhop_ledger_commit_seconds_bucket{le=\"0.5\"} 5\n") != std::string::npos);
  CHECK(text.find("bellhop_ledger_commit_seconds_bucket{le=\"+Inf\"} 6\n") != std::string::npos);
  CHECK(text.find("bellhop_ledger_commit_seconds_count 6\n") != std::string::npos);
  CHECK(text.find("{method=\"GET\",route=\"/v1/health\",status=\"200\"} 2") != std::string::npos);
}
