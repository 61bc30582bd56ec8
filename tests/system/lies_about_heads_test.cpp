#include "tests/support/program.hpp"
#include "tests/system/lies.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <memory>

using namespace bellhop::test;

namespace {

const std::string content = random_bytes(200'000, 21);

origin::handler honest() {
  return serve::file(content, "\"v1\"");
}

std::string length() {
  return fmt::format("Content-Length: {}", content.size());
}

lie status_line(const std::string& line, ends how) {
  return {"status line " + line.substr(0, 20),
          how,
          {content},
          always(serve::raw(line + "\r\n" + length() + "\r\n\r\n" + content))};
}

/// `hops` redirects before the file.
std::function<void(origin&)> chain(int hops) {
  return [hops](origin& server) {
    server.on("/file", serve::redirect("/hop/1"));
    for (int i = 1; i < hops; ++i)
      server.on(fmt::format("/hop/{}", i),
                serve::redirect(i % 2 == 0 ? server.url(fmt::format("/hop/{}", i + 1)) : std::to_string(i + 1)));
    server.on(fmt::format("/hop/{}", hops), honest());
  };
}

std::string in_a_second() {
  const auto at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) + 2;
  char text[64];
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

origin::handler redirect_lines(const std::vector<std::string>& lines) {
  auto all = lines;
  all.push_back("Content-Length: 5");
  return serve::raw(serve::head("302 Found", all) + "moved");
}

} // namespace

TEST_CASE("status lines that are none", "[system][lies]") {
  judge({
      status_line("HTTP/1.1 abc OK", ends::absent),
      status_line("HTTP/1.1 2000 OK", ends::either),
      status_line("HTTP/1.1 099 Low", ends::absent),
      status_line("HTTP/1.1 999 High", ends::absent),
      status_line("HTTP/9.9 200 OK", ends::either),
      status_line("ICY 200 OK", ends::absent),
      status_line("", ends::absent),
      status_line("HTTP/1.1 200", ends::whole),
      {"none at all, as HTTP/0.9", ends::absent, {content}, always(serve::raw(content))},
      {"text in place of HTTP", ends::absent, {content}, always(serve::raw("220 ftp.example.org ready\r\n"))},
      {"none at first", ends::whole, {content}, first({serve::raw("garbage\r\n\r\n")}, honest())},
  });
}

TEST_CASE("statuses that are no download", "[system][lies]") {
  std::vector<lie> lies;
  for (const std::string status :
       {"204 No Content", "205 Reset Content", "304 Not Modified", "300 Multiple Choices", "400 Bad Request",
        "401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone", "500 Internal Server Error"})
    lies.push_back({status, ends::absent, {content}, always(serve::raw(serve::head(status, {length()}) + content))});
  lies.push_back({"503 and then the file",
                  ends::whole,
                  {content},
                  first({serve::response("503 Service Unavailable", "later")}, honest())});
  lies.push_back(
      {"503 for ever", ends::absent, {content}, always(serve::response("503 Service Unavailable", content))});
  lies.push_back({"429 with seconds",
                  ends::whole,
                  {content},
                  first({serve::response("429 Too Many Requests", "slow", {"Retry-After: 1"})}, honest())});
  lies.push_back({"429 with a date",
                  ends::whole,
                  {content},
                  first({[](const origin::request& r, origin::connection& c) {
                          serve::response("429 Too Many Requests", "slow", {"Retry-After: " + in_a_second()})(r, c);
                        }},
                        honest())});
  lies.push_back({"429 with garbage",
                  ends::whole,
                  {content},
                  first({serve::response("429 Too Many Requests", "slow", {"Retry-After: soon"})}, honest())});
  lies.push_back(
      {"429 with a date that has passed",
       ends::whole,
       {content},
       first({serve::response("429 Too Many Requests", "slow", {"Retry-After: Mon, 05 Jan 2015 10:00:00 GMT"})},
             honest())});
  lies.push_back({"an error page that is cut",
                  ends::absent,
                  {content},
                  always(serve::raw(serve::head("404 Not Found", {length()}) + content.substr(0, 100'000)))});
  judge(lies);
}

TEST_CASE("interim responses", "[system][lies]") {
  const auto interim = serve::head("103 Early Hints", {"Link: </a>"});
  std::string many;
  for (int i = 0; i < 50; ++i)
    many += interim;
  judge({
      {"one", ends::whole, {content}, always(serve::raw(interim + serve::head("200 OK", {length()}) + content))},
      {"fifty", ends::either, {content}, always(serve::raw(many + serve::head("200 OK", {length()}) + content))},
      {"without end", ends::absent, {content}, always([interim](const origin::request&, origin::connection& c) {
         for (;;)
           c.send(interim);
       })},
      {"only", ends::absent, {content}, always(serve::raw(interim))},
      {"a switch of protocols",
       ends::absent,
       {content},
       always(serve::raw(serve::head("101 Switching Protocols", {"Upgrade: h2c", "Connection: Upgrade"}) + content))},
  });
}

TEST_CASE("odd headers", "[system][lies]") {
  std::vector<std::string> large_headers{length()};
  for (int i = 0; i < 100; ++i)
    large_headers.push_back(fmt::format("X-{}: {}", i, std::string(8192, 'x')));
  const auto with = [](const std::string& lines) {
    return always(serve::raw("HTTP/1.1 200 OK\r\n" + length() + "\r\n" + lines + "\r\n" + content));
  };
  judge({
      {"a hundred of 8 KiB",
       ends::either,
       {content},
       always(serve::raw(serve::head("200 OK", large_headers) + content))},
      {"without end", ends::absent, {content}, always([](const origin::request&, origin::connection& c) {
         c.send("HTTP/1.1 200 OK\r\n");
         for (;;)
           c.send("X-More: " + std::string(1000, 'x') + "\r\n");
       })},
      {"one line without end", ends::absent, {content}, always([](const origin::request&, origin::connection& c) {
         c.send("HTTP/1.1 200 OK\r\nX-More: ");
         for (;;)
           c.send(std::string(1000, 'x'));
       })},
      {"without a colon", ends::either, {content}, with("this is no header\r\n")},
      {"folded", ends::either, {content}, with("X-Folded: a\r\n b\r\n")},
      {"with a NUL", ends::either, {content}, with(std::string{"X-Nul: a\0b\r\n", 13})},
      {"with escape sequences", ends::whole, {content}, with("X-Escape: \x1b[2J\r\nContent-Type: \x1b]0;x\x07\r\n")},
      {"ended by bare line feeds",
       ends::either,
       {content},
       always(serve::raw("HTTP/1.1 200 OK\n" + length() + "\n\n" + content))},
      {"an entity tag of a megabyte",
       ends::either,
       {content},
       always(serve::raw(serve::head("200 OK", {length(), "ETag: \"" + std::string(1'000'000, 'e') + '"'}) + content))},
      {"an unasked coding",
       ends::either,
       {content},
       always(serve::raw(serve::head("200 OK", {length(), "Content-Encoding: gzip"}) + content))},
      {"an unasked coding, cut",
       ends::whole,
       {content},
       first({cut(content, 150'000, {"Content-Encoding: gzip", "ETag: \"v1\""})},
             serve::response("200 OK", content, {"Content-Encoding: gzip", "ETag: \"v1\""}))},
      {"an unknown transfer coding",
       ends::absent,
       {content},
       always(
           serve::raw(serve::head("200 OK", {"Transfer-Encoding: rot13, chunked"}) + serve::chunked(content, 10'000)))},
  });
}

TEST_CASE("redirects", "[system][lies]") {
  const auto to = [](const std::string& target) { return always(serve::redirect(target)); };
  judge({
      {"without Location", ends::absent, {content}, always(redirect_lines({}))},
      {"with an empty Location", ends::absent, {content}, always(redirect_lines({"Location:"}))},
      {"with two Locations",
       ends::either,
       {content},
       [](origin& server) {
         server.on("/file", redirect_lines({"Location: /a", "Location: /b"}));
         server.on("/a", honest());
         server.on("/b", honest());
       }},
      {"to itself", ends::absent, {content}, to("/file")},
      {"in a loop of two",
       ends::absent,
       {content},
       [](origin& server) {
         server.on("/file", serve::redirect("/other"));
         server.on("/other", serve::redirect("/file"));
       }},
      {"of 20 hops, relative and absolute", ends::whole, {content}, chain(20)},
      {"of 21 hops", ends::absent, {content}, chain(21)},
      {"to a file", ends::absent, {content}, to("file:///etc/hostname")},
      {"to ftp", ends::absent, {content}, to("ftp://127.0.0.1/x")},
      {"to gopher", ends::absent, {content}, to("gopher://127.0.0.1/x")},
      {"to a port that is closed", ends::absent, {content}, to("http://127.0.0.1:1/x")},
      {"to garbage", ends::absent, {content}, to("http://[::1:bad/x")},
      {"with an encoded query",
       ends::whole,
       {content},
       [](origin& server) {
         server.on("/file", serve::redirect("/target?name=a%20b%2Fc&x=%C3%A9"));
         server.on("/target", honest());
       },
       {},
       [](const origin& server) {
         return server.requests().back().target == "/target?name=a%20b%2Fc&x=%C3%A9"
                    ? ""
                    : "; the query became " + server.requests().back().target;
       }},
      {"with 308",
       ends::whole,
       {content},
       [](origin& server) {
         server.on("/file", serve::redirect("/a", "308 Permanent Redirect"));
         server.on("/a", honest());
       }},
      {"whose page is cut",
       ends::either,
       {content},
       [](origin& server) {
         server.on("/file", serve::raw(serve::head("302 Found", {"Location: /a", "Content-Length: 100"}) + "moved"));
         server.on("/a", honest());
       }},
  });
}

TEST_CASE("credentials stay with their origin", "[system][lies]") {
  const auto elsewhere = std::make_shared<origin>();
  elsewhere->on("/file", honest());
  elsewhere->on("/back", honest());
  judge({{"a redirect to another origin",
          ends::whole,
          {content},
          always(serve::redirect(elsewhere->url("/file"))),
          {"-H", "Authorization: Bearer s3cret", "-H", "Cookie: id=s3cret", "-H", "X-Plain: yes"},
          [elsewhere](const origin& server) -> std::string {
            const auto there = elsewhere->requests();
            if (there.size() != 1 || there[0].header("Authorization") || there[0].header("Cookie"))
              return "; credentials were sent to another origin";
            return server.requests()[0].header("Authorization") == "Bearer s3cret"
                       ? ""
                       : "; credentials did not reach their origin";
          }}});
}
