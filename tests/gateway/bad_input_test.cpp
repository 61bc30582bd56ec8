#include "tests/gateway/http_client.hpp"
#include "tests/gateway/running_gateway.hpp"
#include "tests/support/program.hpp"

#include <catch2/catch.hpp>

#include <thread>

#include <unistd.h>

using namespace bellhop::test;
using namespace std::chrono_literals;

/// Whatever a client says, it gets a problem or a closed connection, and the gateway serves the next one.
namespace {

struct fixture {
  explicit fixture(const bellhop::gateway_limits& limits = {}) : api(limits) {}
  ~fixture() { CHECK(raw_client{api.socket()}.ask("GET", "/v1/health").json().at("status") == "ok"); }

  raw_client client() const { return raw_client{api.socket()}; }
  http_answer ask(std::string_view method, std::string_view target, std::string_view body = {},
                  const std::vector<std::string>& lines = {}) const {
    return client().ask(method, target, body, lines);
  }

  running_gateway api;
};

/// A problem with this status and code, as RFC 9457 wants it.
void check_problem(const http_answer& answer, int status, const std::string& code) {
  INFO(answer.head << answer.body);
  CHECK(answer.status == status);
  REQUIRE(answer.header("Content-Type") == "application/problem+json");
  const auto body = answer.json();
  CHECK(body.at("type") == "about:blank");
  CHECK(body.at("status") == status);
  CHECK(body.at("code") == code);
  CHECK_FALSE(body.at("title").get<std::string>().empty());
  CHECK_FALSE(body.at("detail").get<std::string>().empty());
}

const std::string a_request = R"({"url":"http://127.0.0.1:9/a","destination":"/tmp/bellhop-never","suspended":true})";

std::uint64_t transfers_in(const fixture& f, const std::string& session) {
  return f.ask("GET", "/v1/sessions/" + session).json().at("counts").at("suspended").get<std::uint64_t>();
}

} // namespace

TEST_CASE("bad input: JSON that is none, is of the wrong type or says what nobody knows", "[gateway]") {
  fixture f;
  REQUIRE(f.ask("PUT", "/v1/sessions/s").status == 201);
  const std::string transfers = "/v1/sessions/s/transfers";
  for (const char* body :
       {"{", "nul", "{\"url\":}", "\"\xff\"", "{\"url\":\"http://x/\" \"destination\":\"/x\"}", "\x01"})
    check_problem(f.ask("POST", transfers, body), 400, "invalid_argument");
  for (const char* body : {"1", "\"x\"", "null", "{}", "{\"url\":1,\"destination\":\"/tmp/x\"}",
                           "{\"url\":\"http://h/\",\"destination\":\"/tmp/x\",\"priority\":\"high\"}",
                           "{\"url\":\"http://h/\",\"destination\":\"/tmp/x\",\"headers\":{}}"})
    check_problem(f.ask("POST", transfers, body), 400, "invalid_argument");
  auto answer = f.ask("POST", transfers, R"({"url":"http://h/","destination":"/tmp/x","destinatoin":"/tmp/y"})");
  check_problem(answer, 400, "invalid_argument");
  CHECK(answer.json().at("detail").get<std::string>().find("destinatoin") != std::string::npos);
  check_problem(f.ask("POST", transfers, R"({"url":"ftp://h/","destination":"/tmp/x"})"), 400, "unsupported_scheme");
  check_problem(f.ask("POST", transfers, R"({"url":"http://h/","destination":"tmp/x"})"), 400, "invalid_destination");
  for (const char* body :
       {"{}", "[]", "{\"ids\":1}", "{\"ids\":[-1]}", "{\"ids\":[0]}", "{\"ids\":[1.5]}", "{\"ids\":[1],\"x\":1}"})
    check_problem(f.ask("POST", transfers + "/pause", body), 400, "invalid_argument");
  for (const char* body : {"{\"upto\":-1}", "{\"upto\":\"1\"}", "{}", "{\"upto\":1,\"x\":1}", "{\"upto\":99}"})
    check_problem(f.ask("POST", "/v1/sessions/s/events/ack", body), 400, "invalid_argument");
  for (const char* body : {"{\"max_active\":0}", "{\"max_actives\":1}", "{\"kind\":\"foreground\"}", "[]", "7"})
    check_problem(f.ask("PUT", "/v1/sessions/other", body), 400, "invalid_argument");
  CHECK(f.ask("GET", "/v1/sessions").json().at("sessions").size() == 1);
}

TEST_CASE("bad input: nesting without end", "[gateway]") {
  fixture f;
  f.ask("PUT", "/v1/sessions/s");
  const std::string deep(1'000'000, '[');
  check_problem(f.ask("POST", "/v1/sessions/s/transfers", deep), 400, "invalid_argument");
  check_problem(f.ask("PUT", "/v1/sessions/s", deep), 400, "invalid_argument");
  check_problem(f.ask("POST", "/v1/sessions/s/transfers", "[" + a_request + "," + deep), 400, "invalid_argument");
  std::string objects;
  for (int i = 0; i < 100'000; ++i)
    objects += "{\"a\":";
  check_problem(f.ask("PATCH", "/v1/sessions/s/transfers", objects), 400, "invalid_argument");
  CHECK(transfers_in(f, "s") == 0);
}

TEST_CASE("bad input: bodies of another kind, too long, or where there is none", "[gateway]") {
  fixture f;
  f.ask("PUT", "/v1/sessions/s");
  const std::string transfers = "/v1/sessions/s/transfers";
  check_problem(f.ask("POST", transfers, a_request, {"Content-Type: text/html"}), 415, "unsupported_media_type");
  check_problem(f.ask("POST", transfers + "/pause", "{\"ids\":[]}", {"Content-Type: application/x-ndjson"}), 415,
                "unsupported_media_type");
  check_problem(f.ask("POST", transfers, a_request, {"Content-Encoding: gzip"}), 415, "unsupported_media_type");
  check_problem(f.ask("POST", transfers, "{\"url\":\"" + std::string(2 << 20, 'x') + "\"}"), 413, "too_large");
  check_problem(f.ask("PUT", "/v1/sessions/s", "{\"user_agent\":\"" + std::string(2 << 20, 'x') + "\"}"), 413,
                "too_large");
  check_problem(f.ask("GET", "/v1/sessions/s", "{}"), 400, "bad_request");
  // A type with parameters, and an empty body of any type, are fine.
  CHECK(f.ask("POST", transfers, a_request, {"Content-Type: Application/JSON; charset=utf-8"}).status == 201);
  CHECK(f.ask("PUT", "/v1/sessions/s", "", {"Content-Type: text/plain", "Content-Length: 0"}).status == 200);
}

TEST_CASE("bad input: unknown paths, methods, sessions, transfers and parameters", "[gateway]") {
  fixture f;
  f.ask("PUT", "/v1/sessions/s");
  check_problem(f.ask("GET", "/"), 404, "not_found");
  check_problem(f.ask("GET", "/v1/sessions/s/nothing"), 404, "not_found");
  const auto wrong = f.ask("DELETE", "/v1/health");
  check_problem(wrong, 405, "method_not_allowed");
  CHECK(wrong.header("Allow") == "GET, HEAD");
  CHECK(f.ask("FROBNICATE", "/v1/sessions/s").header("Allow") == "PUT, GET, HEAD, DELETE");
  check_problem(f.ask("GET", "/v1/sessions/nobody"), 404, "unknown_session");
  check_problem(f.ask("GET", "/v1/sessions/nobody/transfers"), 404, "unknown_session");
  check_problem(f.ask("POST", "/v1/sessions/nobody/transfers", a_request), 404, "unknown_session");
  check_problem(f.ask("GET", "/v1/sessions/a%20b"), 400, "invalid_identifier");
  check_problem(f.ask("PUT", "/v1/sessions/a%2Fb"), 400, "invalid_identifier");
  check_problem(f.ask("GET", "/v1/sessions/" + std::string(201, 'x')), 400, "invalid_identifier");
  check_problem(f.ask("GET", "/v1/sessions/%zz"), 400, "invalid_argument");
  check_problem(f.ask("GET", "/v1/sessions/s/transfers/4711"), 404, "unknown_transfer");
  check_problem(f.ask("POST", "/v1/sessions/s/transfers/4711/cancel"), 404, "unknown_transfer");
  check_problem(f.ask("GET", "/v1/sessions/s/transfers?limit=0"), 400, "invalid_argument");
  check_problem(f.ask("GET", "/v1/sessions/s/transfers?limit=1001"), 400, "invalid_argument");
  check_problem(f.ask("GET", "/v1/sessions/s/transfers?state=done"), 400, "invalid_argument");
  check_problem(f.ask("GET", "/v1/sessions/s/transfers?offset=1"), 400, "invalid_argument");
  check_problem(f.ask("DELETE", "/v1/sessions/s?mode=now"), 400, "invalid_argument");
  check_problem(f.ask("GET", "/v1/sessions/s/events?after=x"), 400, "invalid_argument");
  const std::vector<std::string> stream{"Accept: text/event-stream"};
  check_problem(f.ask("GET", "/v1/sessions/s/events?attach=yes", {}, stream), 400, "invalid_argument");
  check_problem(f.ask("GET", "/v1/sessions/s/events?client=a%20b", {}, stream), 400, "invalid_argument");
  check_problem(f.ask("GET", "/v1/sessions/nobody/events", {}, stream), 404, "unknown_session");
  check_problem(f.ask("GET", "/v1/sessions/s/events", {}, {"Accept: text/event-stream", "Last-Event-ID: x"}), 400,
                "invalid_argument");
}

TEST_CASE("bad input: actions in the wrong state", "[gateway]") {
  fixture f;
  f.ask("PUT", "/v1/sessions/s");
  const auto id = std::to_string(f.ask("POST", "/v1/sessions/s/transfers", a_request).json().at("id").get<int>());
  const auto one = "/v1/sessions/s/transfers/" + id;
  check_problem(f.ask("DELETE", one), 409, "wrong_state");
  CHECK(f.ask("POST", one + "/cancel").json().at("state") == "cancelled");
  check_problem(f.ask("POST", one + "/resume"), 409, "wrong_state");
  check_problem(f.ask("PATCH", one, "{\"priority\":1}"), 409, "wrong_state");
  check_problem(f.ask("POST", "/v1/sessions/s/transfers/resume", "{\"ids\":[" + id + "]}"), 409, "wrong_state");
  CHECK(f.ask("DELETE", one).status == 204);
  check_problem(f.ask("DELETE", one), 404, "unknown_transfer");
}

TEST_CASE("bad input: what is no HTTP, or a head without end", "[gateway]") {
  fixture f;
  for (const char* text : {"\r\n\r\n\r\n", "GET\r\n\r\n", "GET /v1/health HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01",
                           "GET /v1/health HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
                           "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                           "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
                           "GET /v1/health HTTP/1.1\r\n\r\n"}) {
    INFO(text);
    auto client = f.client();
    client.send(text);
    client.end_sending();
    const auto said = client.read_to_end();
    CHECK((said.empty() || said.starts_with("HTTP/1.1 400")));
  }
  auto large = f.client();
  large.send("GET /v1/health HTTP/1.1\r\nHost: x\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n");
  check_problem(large.read_answer(), 431, "head_too_large");
  auto many = f.client();
  many.send("GET /v1/health HTTP/1.1\r\nHost: x\r\n");
  for (int i = 0; i < 20'000; ++i)
    many.send("X-" + std::to_string(i) + ": y\r\n");
  check_problem(many.read_answer(), 431, "head_too_large");
  auto chunks = f.client();
  chunks.send("PUT /v1/sessions/s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n");
  check_problem(chunks.read_answer(), 400, "bad_request");
}

TEST_CASE("bad input: half requests end by a time limit", "[gateway]") {
  bellhop::gateway_limits limits;
  limits.head = limits.body = limits.idle = 300ms;
  fixture f{limits};
  for (const char* half :
       {"", "GET /v1/hea", "GET /v1/health HTTP/1.1\r\nHost: x\r\n",
        "PUT /v1/sessions/s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{\"",
        "POST /v1/sessions/s/transfers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[{"}) {
    INFO(half);
    auto client = f.client();
    client.send(half);
    CHECK_NOTHROW(client.read_to_end());
  }
  CHECK(f.ask("GET", "/v1/sessions").json().at("sessions").empty());
}

TEST_CASE("bad input: a bulk submit that is cut submits nothing", "[gateway]") {
  fixture f;
  f.ask("PUT", "/v1/sessions/s");
  const std::string post = "POST /v1/sessions/s/transfers HTTP/1.1\r\nHost: x\r\n";
  const std::string lines = "Content-Type: application/x-ndjson\r\n";
  for (const auto& text : {post + lines + "Content-Length: 100000\r\n\r\n" + a_request + "\n" + a_request + "\n",
                           post + lines + "Transfer-Encoding: chunked\r\n\r\n4\r\n    \r\n2\r\n\n\n\r\n",
                           post + "Content-Length: 100000\r\n\r\n[" + a_request + "," + a_request + "]"}) {
    auto client = f.client();
    client.send(text);
    client.end_sending();
    CHECK(client.read_to_end().empty());
  }
  // All of the body is here, but not all of the array.
  const auto cut = f.ask("POST", "/v1/sessions/s/transfers", "[" + a_request + "," + a_request);
  check_problem(cut, 400, "invalid_argument");
  const auto inside = f.ask("POST", "/v1/sessions/s/transfers", "[" + a_request + ",{\"url\" 1}," + a_request + "]");
  check_problem(inside, 400, "invalid_argument");
  CHECK(inside.json().at("index") == 1);
  CHECK(transfers_in(f, "s") == 0);
}

TEST_CASE("bad input: a wrong token, a foreign Host, a web page", "[gateway]") {
  fixture f;
  const auto ask = [&](const std::string& host, const std::vector<std::string>& lines) {
    raw_client client{f.api.port()};
    client.send(http_request_text("GET", "/v1/sessions", {}, lines, host));
    auto answer = client.read_answer();
    if (answer.status >= 400) {
      CHECK(client.read_to_end().empty());
    }
    return answer;
  };
  const auto own = "127.0.0.1:" + std::to_string(f.api.port());
  const auto token = "Authorization: Bearer " + f.api.token();
  CHECK(ask(own, {token}).status == 200);
  CHECK(ask("localhost:" + std::to_string(f.api.port()), {token}).status == 200);
  const auto without = ask(own, {});
  check_problem(without, 401, "unauthorized");
  CHECK(without.header("WWW-Authenticate") == "Bearer");
  check_problem(ask(own, {token + "x"}), 401, "unauthorized");
  check_problem(ask("rebound.example:" + std::to_string(f.api.port()), {token}), 403, "forbidden");
  check_problem(ask(own, {token, "Origin: https://rebound.example"}), 403, "forbidden");
}

TEST_CASE("bad input: another user on the socket", "[gateway]") {
  if (::geteuid() != 0) {
    WARN("only root can become another user: not tested");
    return;
  }
  fixture f;
  const auto result =
      run_program({"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/curl", "-s", "-i",
                   "--unix-socket", f.api.socket().string(), "http://bellhop/v1/sessions"});
  INFO(result.err);
  CHECK(result.out.starts_with("HTTP/1.1 403"));
  CHECK(result.out.find("\"forbidden\"") != std::string::npos);
  CHECK(result.out.find("\"sessions\"") == std::string::npos);
}

TEST_CASE("more connections than there may be are told to come again", "[gateway]") {
  bellhop::gateway_limits limits;
  limits.connections = 2;
  running_gateway api{limits};
  {
    raw_client one{api.socket()};
    raw_client two{api.socket()};
    CHECK(one.ask("GET", "/v1/health").status == 200);
    CHECK(two.ask("GET", "/v1/health").status == 200);
    raw_client three{api.socket()};
    const auto refused = three.read_answer();
    check_problem(refused, 503, "too_many_connections");
    CHECK(refused.header("Retry-After") == "1");
    CHECK(three.read_to_end().empty());
    CHECK(one.ask("GET", "/v1/health").status == 200);
  }
  // Those that have gone leave their places.
  for (int tries = 0;; ++tries) {
    raw_client next{api.socket()};
    if (next.ask("GET", "/v1/health").status == 200)
      break;
    REQUIRE(tries < 1000);
    std::this_thread::sleep_for(10ms);
  }
}

TEST_CASE("HTTP: requests in a row, several at once, HEAD, 100-continue, HTTP/1.0", "[gateway]") {
  fixture f;
  auto client = f.client();
  client.send(http_request_text("GET", "/v1/health") + http_request_text("PUT", "/v1/sessions/s", "{}") +
              http_request_text("GET", "/v1/sessions/s"));
  CHECK(client.read_answer().status == 200);
  CHECK(client.read_answer().status == 201);
  CHECK(client.read_answer().json().at("identifier") == "s");
  const auto head = client.ask("HEAD", "/v1/health");
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") != "0");
  client.send("PUT /v1/sessions/s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.read_answer().status == 100);
  client.send("{}");
  CHECK(client.read_answer().status == 200);
  client.send("GET /v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(client.read_answer().header("Connection") == "close");
  CHECK(client.read_to_end().empty());
  auto old = f.client();
  old.send("GET /v1/health HTTP/1.0\r\n\r\n");
  CHECK(old.read_answer().status == 200);
  CHECK(old.read_to_end().empty());
}
