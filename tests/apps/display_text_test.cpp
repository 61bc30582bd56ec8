#include "apps/bellhop/display_text.hpp"
#include "tests/apps/independent_width.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace bellhop::cli;
using bellhop::test::independent_width;

namespace {

std::string encoded(char32_t c) {
  std::string s;
  if (c < 0x80) {
    s += static_cast<char>(c);
  } else if (c < 0x800) {
    s += static_cast<char>(0xC0 | (c >> 6));
    s += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    s += static_cast<char>(0xE0 | (c >> 12));
    s += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    s += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    s += static_cast<char>(0xF0 | (c >> 18));
    s += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    s += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    s += static_cast<char>(0x80 | (c & 0x3F));
  }
  return s;
}

} // namespace

TEST_CASE("no code point is wider than display_width says", "[display_text]") {
  // The C library's own table is the other opinion.
  std::vector<std::uint32_t> wrong;
  for (char32_t c = 0x20; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000)
      continue;
    const auto text = printable(encoded(c), charset::utf8);
    if (independent_width(text) > display_width(text))
      wrong.push_back(static_cast<std::uint32_t>(c));
  }
  CHECK(wrong == std::vector<std::uint32_t>{});
}

TEST_CASE("wide and combining characters have their width", "[display_text]") {
  CHECK(display_width("disk.iso") == 8);
  CHECK(display_width("日本語.iso") == 10);
  CHECK(display_width("e\u0301te\u0301") == 3);
  CHECK(display_width("🎉.png") == 6);
}

TEST_CASE("a name cannot command the terminal", "[display_text]") {
  CHECK(printable("a\x1b[2Jb", charset::utf8) == "a\uFFFD[2Jb");
  CHECK(printable("a\r\n\tb\x7f", charset::utf8) == "a\uFFFD\uFFFD\uFFFDb\uFFFD");
  CHECK(printable("a\u009b2Jb", charset::utf8) == "a\uFFFD2Jb");
  CHECK(printable("fdp.\u202Eexe", charset::utf8) == "fdp.exe");
  CHECK(printable("a\xff\xc3", charset::utf8) == "a\uFFFD\uFFFD");
  CHECK(printable("übergröße\x1b", charset::ascii) == "?bergr??e?");
}

TEST_CASE("anything is made printable", "[display_text]") {
  REQUIRE(rc::check([](const std::string& text) {
    for (const auto set : {charset::ascii, charset::utf8}) {
      const auto shown = printable(text, set);
      RC_ASSERT(independent_width(shown) <= display_width(shown));
      for (const char c : shown)
        RC_ASSERT((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    }
  }));
}

TEST_CASE("a long name keeps its beginning and its extension", "[display_text]") {
  CHECK(shorten_middle("short.iso", 20, charset::utf8) == "short.iso");
  CHECK(shorten_middle("debian-12.8.0-amd64-netinst.iso", 16, charset::utf8) == "debian-12.…t.iso");
  CHECK(shorten_middle("a-very-long-source-archive.tar.gz", 14, charset::utf8) == "a-very….tar.gz");
  CHECK(shorten_middle("a-very-long-source-archive.tar.gz", 14, charset::ascii) == "a-very~.tar.gz");
  CHECK(shorten_middle("とても長い名前のファイル.png", 14, charset::utf8) == "とても長….png");
  CHECK(shorten_middle("abcdef", 1, charset::utf8) == "…");
  CHECK(shorten_middle("abcdef", 0, charset::utf8) == "");
}

TEST_CASE("shortened text never exceeds its columns", "[display_text]") {
  REQUIRE(rc::check([] {
    const auto points = *rc::gen::container<std::vector<char32_t>>(
        rc::gen::oneOf(rc::gen::inRange<char32_t>(0x20, 0x7f), rc::gen::inRange<char32_t>(0x300, 0x36f),
                       rc::gen::inRange<char32_t>(0x4e00, 0x9fff), rc::gen::inRange<char32_t>(0x1f300, 0x1f6ff)));
    std::string text;
    for (const auto c : points)
      text += encoded(c);
    const auto columns = *rc::gen::inRange<std::size_t>(0, 40);
    const auto shown = printable(text, charset::utf8);
    RC_ASSERT(independent_width(shorten_middle(shown, columns, charset::utf8)) <= columns);
    RC_ASSERT(independent_width(shorten_end(shown, columns, charset::utf8)) <= columns);
    for (const auto& line : wrap(shown, columns))
      RC_ASSERT(independent_width(line) <= columns);
  }));
}

TEST_CASE("wrapping breaks at spaces and loses nothing but them", "[display_text]") {
  CHECK(wrap("connection refused by example.org", 20) ==
        std::vector<std::string>{"connection refused", "  by example.org"});
  CHECK(wrap("http://example.org/averylongpath", 12) ==
        std::vector<std::string>{"http://examp", "  le.org/ave", "  rylongpath"});
}
