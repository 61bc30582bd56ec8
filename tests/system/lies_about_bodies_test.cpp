#include "tests/support/desk.hpp"
#include "tests/system/lies.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <chrono>
#include <thread>

using namespace bellhop::test;

namespace {

const std::string small = random_bytes(20'000, 1);
const std::string large = random_bytes(600'000, 2);
const std::string etag = "ETag: \"v1\"";

origin::handler honest(const std::string& content) {
  return serve::file(content, "\"v1\"");
}

std::string head_of(const std::string& content, std::vector<std::string> lines = {}) {
  lines.push_back(fmt::format("Content-Length: {}", content.size()));
  return serve::head("200 OK", lines);
}

std::string chunked_head() {
  return serve::head("200 OK", {"Transfer-Encoding: chunked", etag});
}

/// A body of which the server says this of the length.
origin::handler with_lengths(const std::vector<std::string>& lines, const std::string& body) {
  return serve::raw(serve::head("200 OK", lines) + body);
}

} // namespace

TEST_CASE("connections are cut anywhere, then all is well", "[system][lies]") {
  std::vector<lie> lies;
  const auto whole_head = head_of(small, {etag});
  for (const std::size_t kept :
       {std::size_t{0}, std::size_t{7}, std::size_t{11}, whole_head.size() - 20, whole_head.size() - 2})
    lies.push_back({fmt::format("cut after {} bytes of the head", kept),
                    ends::whole,
                    {small},
                    first({serve::raw(whole_head.substr(0, kept))}, honest(small))});
  for (const std::size_t kept : {0U, 1U, 10'000U, 19'999U})
    lies.push_back({fmt::format("cut after {} bytes of a small body", kept),
                    ends::whole,
                    {small},
                    first({cut(small, kept, {etag})}, honest(small))});
  // Around the overlap that a resume asks for again, and around what is gathered in memory.
  for (const std::size_t kept : {1U, 16'383U, 16'384U, 16'385U, 131'071U, 131'072U, 131'073U, 300'000U, 599'999U})
    lies.push_back({fmt::format("cut after {} bytes of a large body", kept),
                    ends::whole,
                    {large},
                    first({cut(large, kept, {etag})}, honest(large))});
  lies.push_back(
      {"cut without a validator", ends::whole, {large}, first({cut(large, 300'000)}, serve::file(large, ""))});
  lies.push_back(
      {"cut with a date only",
       ends::whole,
       {large},
       first({cut(large, 300'000, {"Last-Modified: Mon, 05 Jan 2026 10:00:00 GMT"})}, serve::file(large, ""))});
  lies.push_back({"cut again and again, each time further",
                  ends::whole,
                  {large},
                  always(ranged(cut(large, 60'000, {etag}), [](std::size_t from) {
                    const auto answer = partial(large, from, fmt::format("bytes {}-599999/600000", from));
                    return answer.substr(0, answer.size() - (large.size() - from) +
                                                std::min<std::size_t>(100'000, large.size() - from));
                  }))});
  lies.push_back({"cut at the same place for ever", ends::absent, {large}, always(cut(large, 300'000))});
  judge(lies);
}

TEST_CASE("connections are reset", "[system][lies]") {
  const auto reset_after = [](std::string bytes) -> origin::handler {
    return [bytes = std::move(bytes)](const origin::request&, origin::connection& c) {
      c.send(bytes);
      c.reset();
    };
  };
  judge({
      {"before the head", ends::whole, {small}, first({reset_after("")}, honest(small))},
      {"in the head", ends::whole, {small}, first({reset_after("HTTP/1.1 200 OK\r\nETag: ")}, honest(small))},
      {"after the head", ends::whole, {large}, first({reset_after(head_of(large, {etag}))}, honest(large))},
      {"in the body",
       ends::whole,
       {large},
       first({reset_after(head_of(large, {etag}) + large.substr(0, 400'000))}, honest(large))},
      {"always", ends::absent, {large}, always(reset_after(head_of(large, {etag}) + large.substr(0, 1000)))},
      {"in a body of unknown length",
       ends::absent,
       {small},
       always(reset_after(serve::head("200 OK", {"Connection: close"}) + small.substr(0, 5000)))},
  });
}

TEST_CASE("chunked bodies are broken", "[system][lies]") {
  const auto body = serve::chunked(large, 50'000);
  const auto chunks = [](const std::string& coded) { return serve::raw(chunked_head() + coded); };
  judge({
      {"as they should be", ends::whole, {large}, always(chunks(body))},
      {"cut in a chunk, then whole", ends::whole, {large}, first({chunks(body.substr(0, 320'000))}, chunks(body))},
      {"cut in a chunk, then ranges", ends::whole, {large}, first({chunks(body.substr(0, 320'000))}, honest(large))},
      {"always cut in a chunk",
       ends::absent,
       {large},
       always(serve::raw(serve::head("200 OK", {"Transfer-Encoding: chunked"}) + body.substr(0, 320'000)))},
      {"cut in a chunk's size", ends::absent, {large}, always(chunks(body.substr(0, 50'000 + 6 + 2 + 2)))},
      {"without the last chunk", ends::absent, {large}, always(chunks(body.substr(0, body.size() - 5)))},
      {"without the last chunk, then 416 to what is whole",
       ends::whole,
       {large},
       always(ranged(chunks(body.substr(0, body.size() - 5)),
                     [](std::size_t) {
                       return serve::head("416 Range Not Satisfiable",
                                          {"Content-Range: bytes */600000", etag, "Content-Length: 0"});
                     }))},
      {"without the last line end", ends::either, {large}, always(chunks(body.substr(0, body.size() - 2)))},
      {"of a size that is no number", ends::absent, {small}, always(chunks("zz\r\n" + small))},
      {"of a negative size", ends::absent, {small}, always(chunks("-5\r\n" + small))},
      {"of a size beyond all bounds", ends::absent, {small}, always(chunks("ffffffffffffffffff\r\n" + small))},
      {"of the greatest size", ends::absent, {small}, always(chunks("7fffffffffffffff\r\n" + small))},
      {"shorter than their size", ends::absent, {small}, always(chunks("4e30\r\n" + small + "\r\n0\r\n\r\n"))},
      {"longer than their size", ends::absent, {small}, always(chunks("4e10\r\n" + small + "\r\n0\r\n\r\n"))},
      {"with extensions and trailers",
       ends::whole,
       {small},
       always(chunks(fmt::format("{:x};name=value\r\n", small.size()) + small + "\r\n0;last\r\nX-Trailer: 1\r\n\r\n"))},
      {"empty", ends::whole, {""}, always(chunks("0\r\n\r\n"))},
  });
}

TEST_CASE("lengths are lies", "[system][lies]") {
  judge({
      {"too long", ends::absent, {small}, always(with_lengths({"Content-Length: 20001"}, small))},
      {"too short", ends::absent, {small}, always(with_lengths({"Content-Length: 19990", "Connection: close"}, small))},
      {"zero for a body", ends::either, {small, ""}, always(with_lengths({"Content-Length: 0"}, small))},
      {"negative", ends::absent, {small}, always(with_lengths({"Content-Length: -1"}, small.substr(0, 9000)))},
      {"two that differ, cut",
       ends::absent,
       {small},
       always(with_lengths({"Content-Length: 20000", "Content-Length: 19000"}, small.substr(0, 19'000)))},
      {"two that are equal",
       ends::either,
       {small},
       always(with_lengths({"Content-Length: 20000", "Content-Length: 20000"}, small))},
      {"two in one line", ends::either, {small}, always(with_lengths({"Content-Length: 20000, 20000"}, small))},
      {"garbage", ends::absent, {small}, always(with_lengths({"Content-Length: many"}, small.substr(0, 9000)))},
      {"more than 64 bits",
       ends::absent,
       {small},
       always(with_lengths({"Content-Length: 99999999999999999999"}, small))},
      {"with a chunked body, which counts",
       ends::whole,
       {small},
       always(with_lengths({"Content-Length: 7", "Transfer-Encoding: chunked"}, serve::chunked(small, 4096)))},
      {"with a chunked body that is cut",
       ends::absent,
       {small},
       always(with_lengths({"Content-Length: 7", "Transfer-Encoding: chunked"},
                           serve::chunked(small, 4096).substr(0, 9000)))},
      {"none, ended by closing", ends::whole, {small}, always(with_lengths({}, small))},
      {"none and empty", ends::either, {""}, always(with_lengths({}, ""))},
      {"as it should be, with junk behind it",
       ends::either,
       {small},
       always(with_lengths({"Content-Length: 20000"}, small + "junk"))},
      {"HTTP/1.0, ended by closing", ends::whole, {small}, always(serve::raw("HTTP/1.0 200 OK\r\n\r\n" + small))},
      {"HTTP/1.0, cut",
       ends::absent,
       {small},
       always(serve::raw("HTTP/1.0 200 OK\r\nContent-Length: 20000\r\n\r\n" + small.substr(0, 19'000)))},
  });
}

TEST_CASE("sizes at which the way of a body changes", "[system][lies]") {
  std::vector<lie> lies;
  for (const std::size_t size : {0U, 1U, 16'383U, 16'384U, 16'385U, 131'071U, 131'072U, 131'073U}) {
    const auto content = random_bytes(size, 3);
    lies.push_back({fmt::format("{} bytes", size), ends::whole, {content}, always(honest(content))});
    lies.push_back({fmt::format("{} bytes, chunked", size),
                    ends::whole,
                    {content},
                    always(serve::raw(chunked_head() + serve::chunked(content, 10'000)))});
    if (size > 1)
      lies.push_back({fmt::format("{} bytes, cut before the last", size),
                      ends::whole,
                      {content},
                      first({cut(content, size - 1, {etag})}, honest(content))});
  }
  judge(lies);
}

TEST_CASE("servers that stand still", "[system][lies]") {
  const auto stall_after = [](std::string bytes) -> origin::handler {
    return [bytes = std::move(bytes)](const origin::request&, origin::connection& c) {
      c.send(bytes);
      c.stall();
    };
  };
  // Much longer than a pause of a busy machine is, and short enough to be waited for.
  const std::vector<std::string> impatient{"--timeout", "3"};
  judge({
      {"before the head", ends::whole, {small}, first({stall_after("")}, honest(small)), impatient},
      {"in the head", ends::whole, {small}, first({stall_after("HTTP/1.1 200 OK\r\nETa")}, honest(small)), impatient},
      {"in a small body",
       ends::whole,
       {small},
       first({stall_after(head_of(small) + small.substr(0, 10'000))}, honest(small)),
       impatient},
      {"in a large body",
       ends::whole,
       {large},
       first({stall_after(head_of(large, {etag}) + large.substr(0, 400'000))}, honest(large)),
       impatient},
      {"before the last chunk",
       ends::absent,
       {small},
       always(stall_after(chunked_head() + serve::chunked(small, 5000).substr(0, 15'000))),
       impatient},
      {"for ever", ends::absent, {small}, always(stall_after("")), impatient},
      {"drop by drop",
       ends::whole,
       {small.substr(0, 300)},
       always([](const origin::request&, origin::connection& c) {
         c.send(head_of(small.substr(0, 300)));
         for (std::size_t i = 0; i < 300; ++i) {
           c.send(small.substr(i, 1));
           std::this_thread::sleep_for(std::chrono::milliseconds{10});
         }
       }),
       impatient},
  });
}

TEST_CASE("what is announced is verified", "[system][lies]") {
  // sha256sum of the 20,000 bytes, from an implementation that is not ours.
  const desk here;
  write_file(here / "small", small);
  const auto sum = run_program({"/usr/bin/sha256sum", (here / "small").string()}).out.substr(0, 64);
  const std::vector<std::string> expected{"--checksum", "sha-256:" + sum};
  auto damaged = small;
  damaged[7777] ^= 1;
  judge({
      {"damaged once", ends::whole, {small}, first({serve::file(damaged, "\"v1\"")}, honest(small)), expected},
      {"damaged always", ends::absent, {small}, always(serve::file(damaged, "\"v1\"")), expected},
      {"an error page with status 200",
       ends::absent,
       {small},
       always(serve::response("200 OK", "<html>please log in</html>")),
       expected},
  });
}
