#include "tests/core/http_client_fixture.hpp"
#include "tests/support/temp_dir.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fstream>

using namespace bellhop;
using namespace bellhop::test;
using Catch::Matchers::Contains;

namespace {

origin::handler sends(std::string bytes) {
  return serve::raw(std::move(bytes));
}

/// An origin of one script.
struct scripted {
  explicit scripted(origin::handler h) { server.on("/x", std::move(h)); }
  outcome_of_attempt fetch() { return client.fetch(server.url("/x")); }

  origin server;
  client_fixture client;
};

} // namespace

// ---- Connections -------------------------------------------------------------------------------------------------

TEST_CASE("A refused connection names the peer", "[http_client]") {
  client_fixture client;
  std::uint16_t port = 0;
  {
    const origin gone;
    port = gone.port();
  }
  const auto o = client.fetch(fmt::format("http://me:secret@127.0.0.1:{}/", port));
  CHECK(o.result.why.code == errc::connect_failed);
  CHECK_THAT(o.result.why.message, Contains(fmt::format("refused by 127.0.0.1:{}", port)) && !Contains("secret"));
}

TEST_CASE("A host that does not exist", "[http_client]") {
  client_fixture client;
  const auto o = client.fetch("http://nowhere.invalid/x");
  CHECK(o.result.why.code == errc::resolve_failed);
  CHECK_THAT(o.result.why.message, Contains("could not resolve host nowhere.invalid"));
}

TEST_CASE("A URL that is none, or of another scheme", "[http_client]") {
  client_fixture client;
  CHECK(client.fetch("http://exa mple/").result.why.code == errc::invalid_url);
  CHECK(client.fetch("file:///etc/passwd").result.why.code == errc::unsupported_scheme);
}

TEST_CASE("A reset before the response", "[http_client]") {
  scripted s{[](const origin::request&, origin::connection& c) { c.reset(); }};
  CHECK(s.fetch().result.why.code == errc::connection_lost);
}

TEST_CASE("A close before the response", "[http_client]") {
  scripted s{[](const origin::request&, origin::connection& c) { c.close(); }};
  CHECK(s.fetch().result.why.code == errc::connection_lost);
}

TEST_CASE("A reset in the head", "[http_client]") {
  scripted s{[](const origin::request&, origin::connection& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Le");
    c.reset();
  }};
  CHECK(s.fetch().result.why.code == errc::connection_lost);
}

TEST_CASE("A reset in the body", "[http_client]") {
  scripted s{[](const origin::request&, origin::connection& c) {
    c.send(serve::head("200 OK", {"Content-Length: 1000"}) + std::string(100, 'x'));
    c.reset();
  }};
  const auto o = s.fetch();
  CHECK((o.result.why.code == errc::connection_lost || o.result.why.code == errc::short_body));
}

TEST_CASE("A connection that died while it was idle is replaced without a failure", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/x", [](const origin::request&, origin::connection& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    c.close();
  });
  for (int i = 0; i < 5; ++i)
    CHECK_FALSE(client.fetch(server.url("/x")).result.why);
}

// ---- Framing -----------------------------------------------------------------------------------------------------

TEST_CASE("A body shorter than announced", "[http_client]") {
  scripted s{serve::truncated(pattern(1000), 400)};
  const auto o = s.fetch();
  CHECK(o.result.why.code == errc::short_body);
  CHECK_THAT(o.result.why.message, Contains("400 of 1000"));
  CHECK(o.result.received == 400);
  CHECK(o.result.body == nullptr);
}

TEST_CASE("A body shorter than announced, in a pipe, ends with what came", "[http_client]") {
  const auto content = pattern(900 * 1024);
  scripted s{serve::truncated(content, 700 * 1024)};
  const auto o = s.fetch();
  CHECK(o.result.why.code == errc::short_body);
  CHECK((o.body == content.substr(0, 700 * 1024)));
  CHECK(o.pipe_end == o.result.why);
}

TEST_CASE("A body longer than announced", "[http_client]") {
  scripted s{sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello world")};
  CHECK(s.fetch().result.why.code == errc::long_body);
}

TEST_CASE("Bytes after a body that is announced as empty", "[http_client]") {
  scripted s{sends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nhello")};
  CHECK(s.fetch().result.why.code == errc::long_body);
}

TEST_CASE("A handle that met a long body is fit for the next one", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/long", sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello world"));
  server.on("/good", serve::response("200 OK", "hello"));
  CHECK(client.fetch(server.url("/long")).result.why.code == errc::long_body);
  const auto o = client.fetch(server.url("/good"));
  CHECK_FALSE(o.result.why);
  CHECK(o.body == "hello");
}

TEST_CASE("Two lengths that differ, and two that do not", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/differ", sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"));
  server.on("/same", sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"));
  CHECK(client.fetch(server.url("/differ")).result.why.code == errc::bad_response);
  CHECK_FALSE(client.fetch(server.url("/same")).result.why);
}

TEST_CASE("A length that is no number", "[http_client]") {
  const auto length = GENERATE(as<std::string>{}, "abc", "-5", "5, 6", "99999999999999999999", "5x");
  scripted s{sends("HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\nhello")};
  CHECK(s.fetch().result.why.code == errc::bad_response);
}

TEST_CASE("Validators that contradict themselves", "[http_client]") {
  scripted s{sends("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"a\"\r\nETag: \"b\"\r\n\r\nok")};
  CHECK(s.fetch().result.why.code == errc::bad_response);
}

TEST_CASE("A chunked body that is cut", "[http_client]") {
  const auto whole = serve::chunked(pattern(1000), 300);
  const auto cut =
      GENERATE_COPY(std::size_t{2}, std::size_t{100}, whole.size() / 2, whole.size() - 5, whole.size() - 3);
  scripted s{sends(serve::head("200 OK", {"Transfer-Encoding: chunked"}) + whole.substr(0, cut))};
  const auto o = s.fetch();
  CHECK(o.result.why.code == errc::short_body);
  CHECK(o.result.body == nullptr);
}

TEST_CASE("A chunk size that is no number", "[http_client]") {
  scripted s{sends(serve::head("200 OK", {"Transfer-Encoding: chunked"}) + "zz\r\nhello\r\n0\r\n\r\n")};
  CHECK(s.fetch().result.why.code == errc::bad_response);
}

// ---- Heads -------------------------------------------------------------------------------------------------------

TEST_CASE("A hundred headers of 8 KiB", "[http_client]") {
  std::vector<std::string> lines;
  for (int i = 0; i < 100; ++i)
    lines.push_back(fmt::format("X-{}: {}", i, std::string(8 * 1024, 'x')));
  scripted s{serve::response("200 OK", "body", lines)};
  const auto o = s.fetch();
  CHECK(o.result.why.code == errc::bad_response);
  CHECK_THAT(o.result.why.message, Contains("response head too large"));
}

TEST_CASE("A thousand and more short headers", "[http_client]") {
  scripted s{serve::response("200 OK", "body", std::vector<std::string>(1200, "A: b"))};
  CHECK_THAT(s.fetch().result.why.message, Contains("response head too large"));
}

TEST_CASE("A head that never ends", "[http_client]") {
  const auto [begin, endless] = GENERATE(table<std::string, std::string>({
      {"HTTP/1.1 200 OK\r\nX: ", "x"},
      {"HTTP/1.1 200 OK\r\n", "X: y\r\n"},
      {"", "HTTP/1.1 100 Continue\r\n\r\n"},
  }));
  std::string many;
  while (many.size() < 64 * 1024)
    many += endless;
  scripted s{[begin = begin, many](const origin::request&, origin::connection& c) {
    c.send(begin);
    while (true)
      c.send(many);
  }};
  const auto o = s.fetch();
  CHECK(o.result.why.code == errc::bad_response);
  CHECK_THAT(o.result.why.message, Contains("response head too large"));
}

TEST_CASE("What is no HTTP", "[http_client]") {
  const auto bytes = GENERATE(as<std::string>{}, "hello\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/9.9 200 OK\r\n\r\n",
                              "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n", "HTTP/1.1\r\n\r\n", "\r\n\r\n");
  CAPTURE(bytes);
  scripted s{sends(bytes)};
  CHECK_THAT(s.fetch().result.why.message, Contains("HTTP"));
}

// ---- Time --------------------------------------------------------------------------------------------------------

TEST_CASE("A stall before the head, in it and in the body times out", "[http_client]") {
  const auto sent = GENERATE(as<std::string>{}, "", "HTTP/1.1 200 OK\r\nX: y\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
  origin server;
  client_fixture client;
  server.on("/x", [sent](const origin::request&, origin::connection& c) {
    c.send(sent);
    c.stall();
  });
  auto r = client.request(server.url("/x"));
  r.request_timeout = std::chrono::milliseconds{200};
  const auto o = client.fetch(r);
  CHECK(o.result.why.code == errc::timed_out);
  CHECK_THAT(o.result.why.message, Contains("200 ms"));
}

TEST_CASE("A connection that is not answered times out", "[http_client]") {
  client_fixture client;
  origin server;
  // A TLS handshake that nobody answers.
  auto r = client.request(fmt::format("https://127.0.0.1:{}/", server.port()));
  r.connect_timeout = std::chrono::milliseconds{200};
  const auto o = client.fetch(r);
  CHECK(o.result.why.code == errc::timed_out);
}

TEST_CASE("A drip that never stalls long enough does not time out", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/x", [](const origin::request&, origin::connection& c) {
    c.send(serve::head("200 OK", {"Content-Length: 10"}));
    for (int i = 0; i < 10; ++i) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{100};
      c.wait_until([until] { return std::chrono::steady_clock::now() >= until; });
      c.send("x");
    }
  });
  auto r = client.request(server.url("/x"));
  r.request_timeout = std::chrono::milliseconds{900};
  CHECK_FALSE(client.fetch(r).result.why);
}

// ---- Redirects ---------------------------------------------------------------------------------------------------

namespace {

/// /0 leads to /1 and so on to /<hops>, which answers.
void chain(origin& server, int hops) {
  for (int i = 0; i < hops; ++i)
    server.on(fmt::format("/{}", i), serve::redirect(fmt::format("/{}", i + 1)));
  server.on(fmt::format("/{}", hops), serve::response("200 OK", "arrived", {"ETag: \"end\""}));
}

} // namespace

TEST_CASE("Twenty redirects are followed, twenty-one are too many", "[http_client]") {
  origin server;
  client_fixture client;
  chain(server, 21);
  const auto twenty = client.fetch(server.url("/1"));
  CHECK_FALSE(twenty.result.why);
  CHECK(twenty.body == "arrived");
  CHECK(twenty.result.head.effective_url == server.url("/21"));
  CHECK(twenty.result.head.etag == "\"end\"");
  const auto more = client.fetch(server.url("/0"));
  CHECK(more.result.why.code == errc::too_many_redirects);
  CHECK_THAT(more.result.why.message, Contains("20"));
}

TEST_CASE("A redirect to itself", "[http_client]") {
  scripted s{serve::redirect("/x")};
  CHECK(s.fetch().result.why.code == errc::too_many_redirects);
}

TEST_CASE("A relative redirect and an encoded query", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/a/b", serve::redirect("../c?q=%20%2F&r=a+b"));
  server.on("/c", serve::response("200 OK", "ok"));
  CHECK(client.fetch(server.url("/a/b")).body == "ok");
  CHECK(server.requests().back().target == "/c?q=%20%2F&r=a+b");
}

TEST_CASE("Redirects to what may not be fetched are refused by name", "[http_client]") {
  const auto target = GENERATE(as<std::string>{}, "file:///etc/passwd", "ftp://me:secret@127.0.0.1/x", "gopher://h/");
  scripted s{serve::redirect(target)};
  const auto o = s.fetch();
  CHECK(o.result.why.code == errc::redirect_refused);
  CHECK_THAT(o.result.why.message, Contains(target.substr(0, 4)) && !Contains("secret"));
}

TEST_CASE("A redirect without a usable target is a response like another", "[http_client]") {
  const auto location = GENERATE(as<std::string>{}, "Location:", "X: y");
  scripted s{serve::response("302 Found", "moved", {location})};
  const auto o = s.fetch();
  CHECK_FALSE(o.result.why);
  CHECK(o.result.head.status == 302);
  CHECK(o.body == "moved");
}

TEST_CASE("From https to http only when allowed", "[http_client]") {
  origin plain;
  origin secure({.tls = true});
  client_fixture client;
  const temp_dir dir;
  std::ofstream{(dir / "ca.pem").string()} << secure.certificate();
  plain.on("/x", serve::response("200 OK", "ok"));
  secure.on("/x", serve::redirect(plain.url("/x")));
  auto r = client.request(secure.url("/x"));
  r.ca_file = dir / "ca.pem";
  CHECK(client.fetch(r).result.why.code == errc::redirect_refused);
  r = client.request(secure.url("/x"));
  r.ca_file = dir / "ca.pem";
  r.allow_downgrade = true;
  CHECK(client.fetch(r).body == "ok");
}

TEST_CASE("Credentials stay with their origin, and another port is another origin", "[http_client]") {
  origin first;
  origin other;
  client_fixture client;
  first.on("/away", serve::redirect(other.url("/x")));
  first.on("/near", serve::redirect("/x"));
  first.on("/x", serve::response("200 OK", "ok"));
  other.on("/x", serve::response("200 OK", "ok"));
  const std::vector<header> secrets{{"Authorization", "Bearer secret"}, {"Cookie", "id=secret"}, {"X-Kept", "yes"}};

  auto r = client.request(first.url("/away"));
  r.headers = secrets;
  CHECK_FALSE(client.fetch(r).result.why);
  const auto away = other.requests().back();
  CHECK_FALSE(away.header("Authorization"));
  CHECK_FALSE(away.header("Cookie"));
  CHECK(away.header("X-Kept") == "yes");

  r = client.request(first.url("/near"));
  r.headers = secrets;
  CHECK_FALSE(client.fetch(r).result.why);
  CHECK(first.requests().back().header("Authorization") == "Bearer secret");

  std::string with_user = first.url("/away");
  with_user.insert(7, "me:secret@");
  CHECK_FALSE(client.fetch(with_user).result.why);
  CHECK_FALSE(other.requests().back().header("Authorization"));
}

// ---- Certificates ------------------------------------------------------------------------------------------------

TEST_CASE("Certificates that are not trusted, and how to trust one", "[http_client]") {
  client_fixture client;
  const temp_dir dir;
  const auto fetch = [&](origin::options options, bool trusted) {
    origin server(options);
    server.on("/x", serve::response("200 OK", "ok"));
    auto r = client.request(server.url("/x"));
    if (trusted) {
      std::ofstream{(dir / "ca.pem").string()} << server.certificate();
      r.ca_file = dir / "ca.pem";
    }
    return client.fetch(r);
  };
  CHECK(fetch({.tls = true}, true).body == "ok");

  const auto self_signed = fetch({.tls = true}, false);
  CHECK(self_signed.result.why.code == errc::tls_failed);
  CHECK_THAT(self_signed.result.why.message, Contains("self-signed") && Contains("ca_file"));

  const auto other_name = fetch({.tls = true, .certificate_name = "example.org"}, true);
  CHECK(other_name.result.why.code == errc::tls_failed);

  const auto expired = fetch({.tls = true, .certificate_expired = true}, true);
  CHECK(expired.result.why.code == errc::tls_failed);
  CHECK_THAT(expired.result.why.message, Contains("expired"));
}

TEST_CASE("A file of trusted certificates that is not there", "[http_client]") {
  origin server({.tls = true});
  client_fixture client;
  auto r = client.request(server.url("/x"));
  r.ca_file = "/nonexistent/ca.pem";
  const auto o = client.fetch(r);
  CHECK(o.result.why.code == errc::tls_failed);
  CHECK_THAT(o.result.why.message, Contains("/nonexistent/ca.pem"));
}
