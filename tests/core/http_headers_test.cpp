#include "core/http_headers.hpp"
#include "core/text.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <limits>

using namespace bellhop;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::sys_seconds the_example{784'111'777s};

/// Text that resembles a header more than noise does: its own pieces, shuffled.
std::string any_of_pieces(const std::vector<std::string>& pieces) {
  std::string out;
  for (int i = *rc::gen::inRange(0, 12); i > 0; --i)
    out += *rc::gen::inRange(0, 4) ? *rc::gen::elementOf(pieces) : *rc::gen::string<std::string>();
  return out;
}

void check_safe(const std::string& name) {
  RC_ASSERT(name.size() <= 255u);
  RC_ASSERT(is_utf8(name));
  RC_ASSERT(name.find_first_of(std::string_view{"/\\\0\r\n\x7F", 6}) == std::string::npos);
  if (!name.empty()) {
    RC_ASSERT(name.front() != '.' && name.front() != ' ');
    RC_ASSERT(name.back() != ' ');
  }
  RC_ASSERT(safe_file_name(name) == name);
}

} // namespace

TEST_CASE("Content-Range in its three forms", "[http_headers]") {
  const auto max = std::numeric_limits<std::int64_t>::max();
  CHECK(parse_content_range("bytes 0-99/200") == content_range{0, 99, 200});
  CHECK(parse_content_range("bytes 5-5/6") == content_range{5, 5, 6});
  CHECK(parse_content_range("bytes 0-99/*") == content_range{0, 99, -1});
  CHECK(parse_content_range("bytes */200") == content_range{-1, -1, 200});
  CHECK(parse_content_range("bytes */0") == content_range{-1, -1, 0});
  CHECK(parse_content_range(" Bytes 0-99/200\t") == content_range{0, 99, 200});
  CHECK(parse_content_range("bytes 0-" + std::to_string(max - 1) + "/" + std::to_string(max)) ==
        content_range{0, max - 1, max});
}

TEST_CASE("a Content-Range that is not exact is none", "[http_headers]") {
  const auto text = GENERATE(
      as<std::string>{}, "", "bytes", "bytes ", "bytes=0-99/200", "bytes 0-99", "bytes 0-99/", "bytes -99/200",
      "bytes 0-/200", "bytes 99-0/200", "bytes 0-200/200", "bytes 0-99/99", "bytes */*", "bytes */", "bytes /200",
      "bytes 0 - 99/200", "bytes  0-99/200", "bytes 0-99 /200", "bytes +0-99/200", "bytes 0--99/200", "bytes 0-99/-1",
      "bytes 0x0-99/200", "bytes 0-99/200,", "bytes 0-99/200 x", "lines 0-99/200", "bytes 0-9223372036854775807/*",
      "bytes 0-99/9223372036854775808", "bytes 18446744073709551616-18446744073709551617/*", "bytes 0-1,3-4/200");
  CAPTURE(text);
  CHECK_FALSE(parse_content_range(text));
}

TEST_CASE("a Content-Range is in order, or it is none", "[http_headers]") {
  REQUIRE(rc::check([](std::int64_t a, std::int64_t b, std::int64_t c) {
    const auto text = "bytes " + std::to_string(a) + "-" + std::to_string(b) + "/" + std::to_string(c);
    RC_ASSERT(parse_content_range(text).has_value() ==
              (a >= 0 && a <= b && b < c && b < std::numeric_limits<std::int64_t>::max()));
  }));
  REQUIRE(rc::check([] {
    const auto text = any_of_pieces({"bytes ", "0", "9", "-", "/", "*", " ", "9223372036854775807"});
    if (const auto r = parse_content_range(text)) {
      RC_ASSERT(r->first >= -1 && r->first <= r->last);
      RC_ASSERT(r->total == -1 || r->last < r->total);
      RC_ASSERT(r->first != -1 || r->total != -1);
    }
  }));
}

TEST_CASE("dates in the three forms of RFC 9110", "[http_headers]") {
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == the_example);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == the_example);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == the_example);
  CHECK(parse_http_date("Sun Nov 06 08:49:37 1994") == the_example);
  CHECK(parse_http_date(" Sun, 06 Nov 1994 08:49:37 GMT ") == the_example);
  CHECK(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT") == std::chrono::sys_days{2024y / 2 / 29});
  CHECK(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT") == std::chrono::sys_days{2017y / 1 / 1});
  CHECK(parse_http_date("Thursday, 01-Jan-70 00:00:00 GMT") == std::chrono::sys_seconds{});
  CHECK(parse_http_date("Tuesday, 01-Jan-69 00:00:00 GMT") == std::chrono::sys_days{2069y / 1 / 1});
}

TEST_CASE("a date that is not exact is none", "[http_headers]") {
  const auto text =
      GENERATE(as<std::string>{}, "", "0", "-1", "now", "784111777", "Sun, 6 Nov 1994 08:49:37 GMT",
               "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 +0000",
               "Sun, 06 nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT", "Foo, 06 Nov 1994 08:49:37 GMT",
               "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 2023 08:49:37 GMT",
               "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
               "Sun, 06 Nov 1899 08:49:37 GMT", "Sun, 06 Nov 19940 08:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT",
               "Sun, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06-Nov--4 08:49:37 GMT",
               "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 1994 GMT", "1994-11-06T08:49:37Z");
  CAPTURE(text);
  CHECK_FALSE(parse_http_date(text));
}

TEST_CASE("noise is a date of the years from 1900 on, or none", "[http_headers]") {
  REQUIRE(rc::check([] {
    std::string text = *rc::gen::element<std::string>("Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                                      "Sun Nov  6 08:49:37 1994");
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
      text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::element('0', '9', '-', ' ', ':', 'A', '\xFF');
    if (const auto t = parse_http_date(text)) {
      RC_ASSERT(*t >= std::chrono::sys_days{1900y / 1 / 1});
      RC_ASSERT(*t < std::chrono::sys_days{10000y / 1 / 1} + 1s);
    }
    parse_http_date(*rc::gen::string<std::string>());
  }));
}

TEST_CASE("Retry-After in seconds or as a date", "[http_headers]") {
  const time_point now{the_example - 60s};
  CHECK(parse_retry_after("120", "", now) == 120s);
  CHECK(parse_retry_after(" 0 ", "", now) == 0s);
  CHECK(parse_retry_after("99999999999999999999", "", now) == std::chrono::days{3650});
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "", now) == 60s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "garbage", now) == 60s);
  SECTION("the server's clock counts, not ours") {
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:07 GMT", now) == 30s);
  }
  SECTION("a date that has passed") {
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 07 Nov 1994 08:49:37 GMT", now) == 0s);
  }
  SECTION("a date far away") {
    CHECK(parse_retry_after("Sun, 06 Nov 9994 08:49:37 GMT", "", now) == std::chrono::days{3650});
  }
  for (std::string text : {"", "-1", "+1", "1.5", "1s", "soon", "0x10", "1 2"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_retry_after(text, "", now));
  }
}

TEST_CASE("strong entity tags", "[http_headers]") {
  for (std::string strong : {"\"a\"", "\"!#$[]\\/W/\"", "\"\xE9\""})
    CHECK(is_strong_etag(strong));
  for (std::string other : {"", "\"", "\"\"", "a", "W/\"a\"", "w/\"a\"", "\"a", "a\"", "\"a\"b\"", "\"a b\"", "\"a\n\"",
                            " \"a\"", "\"a\" "}) {
    CAPTURE(other);
    CHECK_FALSE(is_strong_etag(other));
  }
}

TEST_CASE("a date is a strong validator a second after it", "[http_headers]") {
  const std::string modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  CHECK(is_strong_last_modified(modified, "Sun, 06 Nov 1994 08:49:38 GMT"));
  CHECK_FALSE(is_strong_last_modified(modified, modified));
  CHECK_FALSE(is_strong_last_modified(modified, "Sun, 06 Nov 1994 08:49:36 GMT"));
  CHECK_FALSE(is_strong_last_modified(modified, ""));
  CHECK_FALSE(is_strong_last_modified("yesterday", modified));
}

TEST_CASE("the name in a Content-Disposition", "[http_headers]") {
  const auto [value, name] = GENERATE(table<std::string, std::string>({
      {R"(attachment; filename="a.txt")", "a.txt"},
      {R"(attachment; filename=a.txt)", "a.txt"},
      {R"(attachment ; FileName = "a.txt" ; size=3)", "a.txt"},
      {R"(inline;filename=a.txt;x=y)", "a.txt"},
      {R"(attachment; filename="a \"b\" \\ c.txt")", "c.txt"},
      {R"(attachment; filename="say \"hi\".txt")", R"(say "hi".txt)"},
      {R"(attachment; filename="a;b=c.txt")", "a;b=c.txt"},
      {R"(attachment; filename*=UTF-8''%e2%82%ac.txt)", "\xE2\x82\xAC.txt"},
      {R"(attachment; filename*=utf-8'en'%E2%82%AC%20rates.txt)", "\xE2\x82\xAC rates.txt"},
      {R"(attachment; filename="b.txt"; filename*=UTF-8''%e2%82%ac.txt)", "\xE2\x82\xAC.txt"},
      {R"(attachment; filename*=UTF-8''%e2%82%ac.txt; filename="b.txt")", "\xE2\x82\xAC.txt"},
      {R"(attachment; filename*=ISO-8859-1''%A3.txt)", "\xC2\xA3.txt"},
      {"attachment; filename=\"caf\xE9.txt\"", "caf\xC3\xA9.txt"},
      {"attachment; filename=\"caf\xC3\xA9.txt\"", "caf\xC3\xA9.txt"},
      // What is malformed gives way to the other.
      {R"(attachment; filename*=UTF-8''%e2%82.txt; filename=b.txt)", "b.txt"},
      {R"(attachment; filename*=UTF-8''%zz.txt; filename=b.txt)", "b.txt"},
      {R"(attachment; filename*=UTF-8''a%2; filename=b.txt)", "b.txt"},
      {R"(attachment; filename*=KOI8-R''%A3.txt; filename=b.txt)", "b.txt"},
      {R"(attachment; filename*=a.txt; filename=b.txt)", "b.txt"},
      {R"(attachment; filename*=UTF-8''..; filename=b.txt)", "b.txt"},
      {R"(attachment; filename*=UTF-8''a.txt; filename="b.txt)", "a.txt"},
      // Only the last component, whoever separates them.
      {R"(attachment; filename="../../x")", "x"},
      {R"(attachment; filename="/etc/passwd")", "passwd"},
      {R"(attachment; filename="..\\..\\x.exe")", "x.exe"},
      {R"(attachment; filename*=UTF-8''..%2f..%2Fx)", "x"},
      {R"(attachment; filename*=UTF-8''%00a%0a.txt)", "a.txt"},
      {R"(attachment; filename=".bashrc")", "bashrc"},
      // Nothing to be had.
      {"", ""},
      {"attachment", ""},
      {"attachment; filename", ""},
      {"attachment; filename=", ""},
      {R"(attachment; filename="")", ""},
      {R"(attachment; filename="..")", ""},
      {R"(attachment; filename="a/")", ""},
      {R"(attachment; filename="a.txt)", ""},
      {R"(attachment; filename="a.txt\)", ""},
      {R"(attachment; name="a.txt"; xfilename=b)", ""},
      {R"(attachment; name="filename=x; filename=y")", ""},
  }));
  CAPTURE(value);
  CHECK(file_name_from_disposition(value) == name);
}

TEST_CASE("names made safe", "[http_headers]") {
  const auto [given, safe] = GENERATE(table<std::string, std::string>({
      {"a.txt", "a.txt"},
      {"", ""},
      {".", ""},
      {"..", ""},
      {"...", ""},
      {". .a", "a"},
      {"a.", "a."},
      {" a b ", "a b"},
      {"x/y", "y"},
      {"x/", ""},
      {"x\\y", "y"},
      {std::string("a\0b\n\t\x7F.txt", 10), "ab.txt"},
      {"a\xFF.txt", "a_.txt"},
      {"\xC0\xAF", "__"},
      {"\xED\xA0\x80", "___"},
      {"\xF4\x90\x80\x80", "____"},
      {"a\xC2\x85\xE2\x80\xA8.txt", "a.txt"},
      {"a\xE2\x80\xAEtxt.exe", "atxt.exe"},
      {"\xF0\x9F\x8E\xB5.mp3", "\xF0\x9F\x8E\xB5.mp3"},
      {"-rf", "-rf"},
  }));
  CAPTURE(given);
  CHECK(safe_file_name(given) == safe);
}

TEST_CASE("long names are cut between characters and keep their extension", "[http_headers]") {
  CHECK(safe_file_name(std::string(255, 'a')) == std::string(255, 'a'));
  CHECK(safe_file_name(std::string(300, 'a') + ".tar") == std::string(251, 'a') + ".tar");
  CHECK(safe_file_name(std::string(300, 'a')) == std::string(255, 'a'));
  std::string euros;
  for (int i = 0; i < 100; ++i)
    euros += "\xE2\x82\xAC";
  CHECK(safe_file_name(euros + ".x") == euros.substr(0, 252) + ".x");
  CHECK(safe_file_name(euros + ".xy") == euros.substr(0, 252) + ".xy");
  CHECK(safe_file_name(euros + ".xyz") == euros.substr(0, 249) + ".xyz");
  CHECK(safe_file_name("a." + std::string(300, 'b')) == "a." + std::string(253, 'b'));
  CHECK(safe_file_name(std::string(254, 'a') + " b") == std::string(254, 'a'));
}

TEST_CASE("whatever a server suggests, the name is safe", "[http_headers]") {
  const std::vector<std::string> pieces{"attachment",
                                        ";",
                                        " ",
                                        "filename",
                                        "filename*",
                                        "=",
                                        "\"",
                                        "\\",
                                        "/",
                                        "..",
                                        "UTF-8''",
                                        "%2f",
                                        "%00",
                                        "%e2%82%ac",
                                        "%",
                                        ".txt",
                                        "\xE2\x80\xAE",
                                        "'",
                                        std::string(120, 'n'),
                                        "\xE2\x82\xAC"};
  REQUIRE(rc::check([&] { check_safe(safe_file_name(any_of_pieces(pieces))); }));
  REQUIRE(rc::check([&] { check_safe(file_name_from_disposition(any_of_pieces(pieces))); }));
  REQUIRE(rc::check([&] { check_safe(file_name_from_disposition("a; filename=\"" + any_of_pieces(pieces))); }));
  REQUIRE(rc::check([&] { check_safe(file_name_from_disposition("a; filename*=UTF-8''" + any_of_pieces(pieces))); }));
}
