#include "tests/support/program.hpp"
#include "tests/system/lies.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>

using namespace bellhop::test;

namespace {

const std::string v1 = random_bytes(600'000, 11);
const std::string v2 = random_bytes(600'000, 12);
const std::string shorter = v2.substr(0, 200'000);
const std::string longer = v1 + random_bytes(100'000, 13);
const std::string etag = "ETag: \"v1\"";

/// The first request gets half of the first version, later ones what `later` says.
std::function<void(origin&)> half_then(origin::handler later, const std::string& content = v1,
                                       std::vector<std::string> lines = {etag}) {
  return first({cut(content, 300'000, std::move(lines))}, std::move(later));
}

/// Answers ranges with a 206 made by `response`, and honestly to those who ask for all.
origin::handler liar(std::function<std::string(std::size_t)> response, const std::string& content = v1) {
  return ranged(serve::file(content, "\"v1\""), std::move(response));
}

std::string last_bytes(std::size_t from) {
  return fmt::format("bytes {}-599999/600000", from);
}

std::string whole_response(const std::string& content, const std::string& tag) {
  return serve::head("200 OK", {fmt::format("Content-Length: {}", content.size()), "ETag: " + tag}) + content;
}

std::string asked_for_a_range(const origin& server) {
  const auto requests = server.requests();
  return std::any_of(requests.begin(), requests.end(), [](const auto& r) { return r.header("Range").has_value(); })
             ? ""
             : "; it never asked for a range";
}

std::string never_asked_for_a_range(const origin& server) {
  return asked_for_a_range(server).empty() ? "; it asked for a range" : "";
}

/// Everything but the rest of the file would be a waste, and a sign that resuming does not work.
std::string resumed(const origin& server) {
  return server.requests().size() == 2 ? asked_for_a_range(server) : "; it did not go on at its second request";
}

} // namespace

TEST_CASE("a 206 that nobody asked for", "[system][lies]") {
  const auto unasked = [](const std::string& range, const std::string& body) {
    std::vector<std::string> lines{fmt::format("Content-Length: {}", body.size()), etag};
    if (!range.empty())
      lines.push_back("Content-Range: " + range);
    return always(serve::raw(serve::head("206 Partial Content", lines) + body));
  };
  judge({
      {"of the beginning", ends::absent, {v1}, unasked("bytes 0-99999/600000", v1.substr(0, 100'000))},
      {"of the end", ends::absent, {v1}, unasked("bytes 500000-599999/600000", v1.substr(500'000))},
      {"of all", ends::either, {v1}, unasked("bytes 0-599999/600000", v1)},
      {"without Content-Range", ends::absent, {v1}, unasked("", v1.substr(0, 100'000))},
      {"then what was asked for",
       ends::whole,
       {v1},
       first({serve::raw(partial(v1, 500'000, "bytes 500000-599999/600000"))}, serve::file(v1, "\"v1\""))},
  });
}

TEST_CASE("ranges that are not what was asked for", "[system][lies]") {
  judge({
      {"as they should be", ends::whole, {v1}, half_then(serve::file(v1, "\"v1\"")), {}, resumed},
      {"from a later byte", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return partial(v1, from + 1000, last_bytes(from + 1000));
       }))},
      {"from an earlier byte", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return partial(v1, from - 1000, last_bytes(from - 1000));
       }))},
      {"said to be right, but shifted", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return partial(v1.substr(1) + "x", from, last_bytes(from));
       }))},
      {"said to be right, but the beginning", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return serve::head("206 Partial Content", {fmt::format("Content-Length: {}", v1.size()), etag,
                                                    "Content-Range: " + last_bytes(from)}) +
                v1;
       }))},
      {"without Content-Range", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return partial(v1, from, "");
       }))},
      {"without Content-Range, from the beginning", ends::whole, {v1}, half_then(liar([](std::size_t) {
         return partial(v1, 0, "");
       }))},
      {"of another total", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return partial(v1, from, fmt::format("bytes {}-599999/700000", from));
       }))},
      {"beyond the end", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return partial(v1, from, fmt::format("bytes {}-699999/600000", from));
       }))},
      {"that end early", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return serve::head("206 Partial Content",
                            {"Content-Length: 50000", etag,
                             fmt::format("Content-Range: bytes {}-{}/600000", from, from + 49'999)}) +
                v1.substr(from, 50'000);
       }))},
      {"of unknown total", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return partial(v1, from, fmt::format("bytes {}-599999/*", from));
       }))},
      {"of another unit", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return partial(v1, from, fmt::format("items {}-599999/600000", from));
       }))},
      {"with garbage", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return partial(v1, from, "bytes all");
       }))},
      {"backwards", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return partial(v1, from, fmt::format("bytes 599999-{}/600000", from));
       }))},
      {"in several parts", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         const auto part =
             fmt::format("--x\r\nContent-Range: {}\r\n\r\n", last_bytes(from)) + v1.substr(from) + "\r\n--x--\r\n";
         return serve::head("206 Partial Content", {fmt::format("Content-Length: {}", part.size()), etag,
                                                    "Content-Type: multipart/byteranges; boundary=x"}) +
                part;
       }))},
      {"with a length that disagrees", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return serve::head("206 Partial Content", {fmt::format("Content-Length: {}", v1.size()), etag,
                                                    "Content-Range: " + last_bytes(from)}) +
                v1.substr(from);
       }))},
      {"that are coded", ends::whole, {v1}, half_then(liar([](std::size_t from) {
         return serve::head("206 Partial Content", {fmt::format("Content-Length: {}", v1.size() - from), etag,
                                                    "Content-Encoding: gzip", "Content-Range: " + last_bytes(from)}) +
                v1.substr(from);
       }))},
  });
}

TEST_CASE("servers that do not do ranges", "[system][lies]") {
  judge({
      {"all in answer to a range, unchanged",
       ends::whole,
       {v1},
       half_then(serve::response("200 OK", v1, {etag})),
       {},
       asked_for_a_range},
      {"all in answer to a range, without validators", ends::whole, {v1}, half_then(serve::response("200 OK", v1))},
      {"200 to If-Range although unchanged",
       ends::whole,
       {v1},
       half_then([](const origin::request& r, origin::connection& c) {
         if (r.header("If-Range"))
           serve::response("200 OK", v1, {etag})(r, c);
         else
           serve::file(v1, "\"v1\"")(r, c);
       })},
      {"416 to every range", ends::whole, {v1}, half_then(liar([](std::size_t) {
         return serve::head("416 Range Not Satisfiable", {"Content-Length: 0"});
       }))},
      {"416 to everything", ends::absent, {v1}, half_then(serve::response("416 Range Not Satisfiable", ""))},
      {"a 404 to every range", ends::either, {v1}, half_then(liar([](std::size_t) {
         return serve::head("404 Not Found", {"Content-Length: 0"});
       }))},
      {"weak entity tags",
       ends::whole,
       {v1},
       half_then(serve::file(v1, ""), v1, {"ETag: W/\"v1\""}),
       {},
       never_asked_for_a_range},
      {"weak entity tags of a changed file",
       ends::whole,
       {v2},
       half_then(ranged(serve::response("200 OK", v2, {"ETag: W/\"v1\""}),
                        [](std::size_t from) { return partial(v2, from, last_bytes(from), "W/\"v1\""); }),
                 v1, {"ETag: W/\"v1\""})},
  });
}

TEST_CASE("files that change between attempts", "[system][lies]") {
  const std::vector<std::string> both{v1, v2};
  const std::vector<std::string> dated{"Last-Modified: Mon, 05 Jan 2026 10:00:00 GMT",
                                       "Date: Mon, 05 Jan 2026 12:00:00 GMT"};
  const auto with_date = [](const std::string& content, const std::string& date) {
    return serve::response("200 OK", content, {"Last-Modified: " + date, "Date: Mon, 05 Jan 2026 12:00:00 GMT"});
  };
  judge({
      {"with another entity tag", ends::whole, both, half_then(serve::file(v2, "\"v2\""))},
      {"with another entity tag, served as a range all the same", ends::whole, both,
       half_then(ranged(serve::file(v2, "\"v2\""),
                        [](std::size_t from) { return partial(v2, from, last_bytes(from), "\"v2\""); }))},
      {"with the same entity tag", ends::whole, both,
       half_then(
           ranged(serve::file(v2, "\"v1\""), [](std::size_t from) { return partial(v2, from, last_bytes(from)); }))},
      {"without an entity tag in the range", ends::whole, both,
       half_then(ranged(serve::file(v2, "\"v2\""),
                        [](std::size_t from) { return partial(v2, from, last_bytes(from), ""); }))},
      {"with another date", ends::whole, both, half_then(with_date(v2, "Mon, 05 Jan 2026 11:00:00 GMT"), v1, dated)},
      {"with the same date", ends::whole, both,
       half_then(ranged(with_date(v2, "Mon, 05 Jan 2026 10:00:00 GMT"),
                        [](std::size_t from) { return partial(v2, from, last_bytes(from), ""); }),
                 v1, dated)},
      {"unchanged, with a date only",
       ends::whole,
       {v1},
       half_then(ranged(with_date(v1, "Mon, 05 Jan 2026 10:00:00 GMT"),
                        [](std::size_t from) { return partial(v1, from, last_bytes(from), ""); }),
                 v1, dated),
       {},
       asked_for_a_range},
      {"getting shorter", ends::whole, {v1, shorter}, half_then(serve::file(shorter, "\"v2\""))},
      {"getting shorter, with the same entity tag",
       ends::whole,
       {v1, shorter},
       half_then(serve::file(shorter, "\"v1\""))},
      {"getting shorter, told by a 416",
       ends::whole,
       {v1, shorter},
       half_then(ranged(
           serve::file(shorter, "\"v2\""),
           [](std::size_t) {
             return serve::head("416 Range Not Satisfiable", {"Content-Range: bytes */200000", "Content-Length: 0"});
           }))},
      {"getting longer", ends::whole, {v1, longer}, half_then(serve::file(longer, "\"v2\""))},
      {"getting longer, with the same entity tag", ends::whole, {v1, longer}, half_then(serve::file(longer, "\"v1\""))},
      {"to nothing", ends::whole, {v1, ""}, half_then(serve::file("", "\"v2\""))},
      {"at every attempt, each time cut", ends::absent, both,
       first({cut(v1, 300'000, {etag}), cut(v2, 300'000, {"ETag: \"v2\""})},
             in_turn({cut(v1, 300'000, {"ETag: \"v3\""}), cut(v2, 300'000, {"ETag: \"v4\""}),
                      cut(v1, 300'000, {"ETag: \"v5\""}), cut(v2, 300'000, {"ETag: \"v6\""}), cut(v1, 1000)}))},
      {"behind a redirect", ends::whole, both,
       [](origin& server) {
         server.on("/a", cut(v1, 300'000, {etag}));
         server.on("/b", serve::file(v2, "\"v2\""));
         server.on("/file", in_turn({serve::redirect("/a"), serve::redirect("/b")}));
       }},
      {"behind a redirect, with the same entity tag", ends::whole, both,
       [](origin& server) {
         server.on("/a", cut(v1, 300'000, {etag}));
         server.on("/b", serve::file(v2, "\"v1\""));
         server.on("/file", in_turn({serve::redirect("/a"), serve::redirect("/b")}));
       }},
      {"and gone", ends::absent, {v1}, half_then(serve::response("404 Not Found", "gone"))},
      {"whole at first, then another", ends::whole, both,
       first({serve::raw(whole_response(v1, "\"v1\""))}, serve::file(v2, "\"v2\""))},
  });
}
