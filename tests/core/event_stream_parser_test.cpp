#include "core/error.hpp"
#include "core/event_stream_parser.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/one_of.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace bellhop;

namespace {

std::vector<stream_event> parse(std::string_view text) {
  event_stream_parser parser;
  return parser.feed(text);
}

} // namespace

TEST_CASE("an event is its fields up to an empty line", "[event_stream]") {
  CHECK(parse("id: 7\nevent: completed\ndata: {}\n\n") == std::vector<stream_event>{{"7", "completed", "{}"}});
  CHECK(parse("data: a\ndata: b\n\n") == std::vector<stream_event>{{"", "message", "a\nb"}});
  CHECK(parse("data\n\n") == std::vector<stream_event>{{"", "message", ""}});
  CHECK(parse("data:no space\n\n") == std::vector<stream_event>{{"", "message", "no space"}});
  CHECK(parse("data:  two\n\n") == std::vector<stream_event>{{"", "message", " two"}});
}

TEST_CASE("lines end as any system ends them", "[event_stream]") {
  const std::vector<stream_event> expected{{"1", "a", "x"}, {"1", "message", "y"}};
  CHECK(parse("id: 1\nevent: a\ndata: x\n\ndata: y\n\n") == expected);
  CHECK(parse("id: 1\revent: a\rdata: x\r\rdata: y\r\r") == expected);
  CHECK(parse("id: 1\r\nevent: a\r\ndata: x\r\n\r\ndata: y\r\n\r\n") == expected);
}

TEST_CASE("what is no event is passed over", "[event_stream]") {
  CHECK(parse(": a comment\n\n").empty());
  CHECK(parse("retry: 1000\n\n").empty());
  CHECK(parse("event: without data\n\n").empty());
  CHECK(parse("unknown: x\ndata: y\n\n") == std::vector<stream_event>{{"", "message", "y"}});
  // The name of the event before does not stay, its id does.
  CHECK(parse("event: a\nid: 1\n\ndata: y\n\n") == std::vector<stream_event>{{"1", "message", "y"}});
  CHECK(parse("\xEF\xBB\xBF"
              "data: y\n\n") == std::vector<stream_event>{{"", "message", "y"}});
  CHECK(parse(std::string_view{"id: 1\0\ndata: y\n\n", 16}) == std::vector<stream_event>{{"", "message", "y"}});
  CHECK(parse("data: not yet").empty());
}

TEST_CASE("a stream may be cut at any byte", "[event_stream]") {
  REQUIRE(rc::check("chunks make no difference", [] {
    std::string text;
    const auto pieces = *rc::gen::inRange(0, 40);
    for (int i = 0; i < pieces; ++i)
      text += bellhop::one_of<std::string>({"data: x", "data", "event: e", "id: 12", ": c", "\n", "\r", "\r\n", "\n\n",
                                            "\xEF\xBB\xBF", "data: \xC3\xA4"});
    const auto whole = parse(text);
    event_stream_parser parser;
    std::vector<stream_event> cut;
    std::string_view left = text;
    while (!left.empty()) {
      const auto chunk = left.substr(0, *rc::gen::inRange<std::size_t>(1, 6));
      left.remove_prefix(chunk.size());
      for (auto& each : parser.feed(chunk))
        cut.push_back(std::move(each));
    }
    RC_ASSERT(cut == whole);
  }));
}

TEST_CASE("an event without end is refused", "[event_stream]") {
  event_stream_parser parser{100};
  CHECK(parser.feed("data: " + std::string(80, 'x')).empty());
  CHECK(test::error_of([&] { parser.feed(std::string(80, 'x')); }).code == errc::bad_response);
  event_stream_parser many{100};
  CHECK(test::error_of([&] {
          for (int i = 0; i < 20; ++i)
            many.feed("data: 0123456789\n");
        }).code == errc::bad_response);
}
