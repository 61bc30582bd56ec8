#include "tests/support/program.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <sstream>

using namespace bellhop::test;

TEST_CASE("a hundred thousand suspended transfers cost disk, not memory nor time", "[system][idle]") {
  const auto ended = run_program({BELLHOP_BIN_DIR "/bench_idle", "100000", "2"});
  INFO(ended.err);
  REQUIRE(ended.status == 0);
  std::map<std::string, long> measured;
  std::istringstream out{ended.out};
  for (std::string name; out >> name;)
    out >> measured[name];
  INFO(ended.out);
  // Sanitizers keep what was freed, and have threads of their own.
#ifndef __SANITIZE_ADDRESS__
  CHECK(measured.at("resident_kib") <= 40 * 1024);
  CHECK(measured.at("processor_us") <= 20'000);
#endif
  CHECK(measured.at("resident_kib") > 0);
}
