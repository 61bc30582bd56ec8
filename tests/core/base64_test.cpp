#include "core/base64.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace bellhop;

TEST_CASE("base64 of RFC 4648, section 10", "[base64]") {
  const auto [bytes, text] = GENERATE(table<std::string, std::string>({
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xFB\xFF", "+/8="},
  }));
  CAPTURE(text);
  CHECK(to_base64(bytes) == text);
  CHECK(from_base64(text) == bytes);
}

TEST_CASE("base64 for URLs has no padding and letters of its own", "[base64]") {
  CHECK(to_base64url("\xFB\xFF") == "-_8");
  CHECK(from_base64url("-_8") == "\xFB\xFF");
  CHECK_FALSE(from_base64url("+/8"));
  CHECK_FALSE(from_base64url("-_8="));
  CHECK_FALSE(from_base64("-_8="));
}

TEST_CASE("whatever encoding does not give is no base64", "[base64]") {
  const auto text = GENERATE(as<std::string>{}, "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "====", "A===", "Zm9v ",
                             " Zm9v", "Zm9v\n", "Zm\n9v", "Zm9%", "Zg==Zg==", std::string("Zm9\0", 4));
  CAPTURE(text);
  CHECK_FALSE(from_base64(text));
}

TEST_CASE("any bytes come back", "[base64]") {
  REQUIRE(rc::check([](const std::string& bytes) {
    RC_ASSERT(from_base64(to_base64(bytes)) == bytes);
    RC_ASSERT(from_base64url(to_base64url(bytes)) == bytes);
  }));
}
