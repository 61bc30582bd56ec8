#include "apps/bellhop/exit_status.hpp"

#include <catch2/catch.hpp>

using namespace bellhop::cli;

TEST_CASE("the exit status tells how the run ended", "[exit_status]") {
  CHECK(static_cast<int>(status_of({}, false)) == 0);
  CHECK(static_cast<int>(status_of({3, 0, 0}, false)) == 0);
  CHECK(static_cast<int>(status_of({3, 1, 0}, false)) == 1);
  CHECK(static_cast<int>(status_of({3, 0, 1}, false)) == 1);
  CHECK(static_cast<int>(status_of({3, 1, 0}, true)) == 130);
  CHECK(static_cast<int>(exit_status::usage) == 2);
}
