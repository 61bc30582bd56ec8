#include "facade/bellhop.hpp"
#include "tests/support/desk.hpp"
#include "tests/support/nginx.hpp"

#include <catch2/catch.hpp>

using namespace bellhop;
using namespace bellhop::test;
using Catch::Contains;

/// What an embedded engine alone has; the rest is in both_homes_test.cpp.

namespace {

namespace fs = boost::filesystem;

const std::string content = random_bytes(30'000, 51);

engine_options options_in(const desk& here) {
  engine_options options;
  options.state = here.state();
  return options;
}

} // namespace

TEST_CASE("a state directory has one engine", "[system][facade]") {
  const desk here;
  std::string told;
  {
    engine engine{options_in(here)};
    try {
      bellhop::engine second{options_in(here)};
    } catch (const failure& e) {
      CHECK(e.why().code == errc::state_in_use);
      told = e.what();
    }
    CHECK_THAT(told, Contains(std::to_string(::getpid())));
  }
  engine after{options_in(here)};
}

TEST_CASE("the example of an embedded engine works as it says", "[system][facade]") {
  nginx server;
  server.put("a.bin", content);
  server.put("b.bin", content);
  const desk here;
  auto with = here.options();
  with.interactive_input = true;
  const std::vector<std::string> command{BELLHOP_BIN_DIR "/embed", here.state().string(), here.folder().string()};
  {
    program running{command, with};
    running.write(server.url("/a.bin") + "\nnonsense\n");
    CHECK(running.wait_until([&] { return running.out().find("nothing left to do") != std::string::npos; }));
    CHECK_THAT(running.out(), Contains("completed " + (here.folder() / "a.bin").string()) && Contains("refused") &&
                                  Contains("nonsense"));
    running.write(server.url("/b.bin") + "\n");
    CHECK(running.wait_until([&] { return fs::exists(here.folder() / "b.bin"); }));
    CHECK(running.wait().status == 0);
  }
  CHECK(run_program({BELLHOP_BIN_DIR "/embed"}).status == 2);
  CHECK(run_program(command).status == 0);
  CHECK(names_in(here.folder()) == std::vector<std::string>{"a.bin", "b.bin"});
}
