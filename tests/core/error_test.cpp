#include "core/error.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace bellhop;

TEST_CASE("every code has a name of its own that reads back, and a domain", "[error]") {
  const std::set<std::string_view> domains{"none", "input", "network", "http", "content", "file", "ledger", "engine"};
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(errc::launch_failed); ++i) {
    const auto code = static_cast<errc>(i);
    CAPTURE(to_string(code));
    CHECK(names.insert(to_string(code)).second);
    CHECK(errc_from_string(to_string(code)) == code);
    CHECK(domains.count(domain_of(code)) == 1);
  }
}

TEST_CASE("codes of other versions become internal", "[error]") {
  CHECK(errc_from_string("invented_later") == errc::internal);
  CHECK(errc_from_string("") == errc::internal);
  CHECK(to_string(static_cast<errc>(250)) == "internal");
  CHECK(domain_of(static_cast<errc>(250)) == "engine");
}

TEST_CASE("a failure carries its error and shows its message", "[error]") {
  const failure f{errc::no_space, "the disk is full"};
  CHECK(f.why() == error{errc::no_space, "the disk is full", 0});
  CHECK(std::string{f.what()} == "the disk is full");
  CHECK(f.why());
  CHECK_FALSE(error{});
}
