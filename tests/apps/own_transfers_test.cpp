#include "apps/bellhop/own_transfers.hpp"

#include <catch2/catch.hpp>

using namespace bellhop;
using bellhop::cli::own_transfers;

TEST_CASE("own transfers are known, others are not", "[own_transfers]") {
  own_transfers own;
  CHECK_FALSE(own.contains({1}));
  for (const std::uint64_t id : {5, 6, 7, 20, 30, 31})
    own.add({id});
  for (const std::uint64_t id : {5, 6, 7, 20, 30, 31})
    CHECK(own.contains({id}));
  for (const std::uint64_t id : {0, 1, 4, 8, 19, 21, 29, 32, 1000})
    CHECK_FALSE(own.contains({id}));
  CHECK(own.count() == 6);
  CHECK(own.left() == 6);
}

TEST_CASE("a few that are left can be named, many cannot", "[own_transfers]") {
  own_transfers own;
  CHECK(own.few_left() == std::vector<transfer_id>{});
  for (std::uint64_t id = 1; id <= own_transfers::most_named; ++id)
    own.add({id});
  for (std::uint64_t id = 3; id <= own_transfers::most_named; ++id)
    own.end({id});
  CHECK(own.left() == 2);
  CHECK(own.few_left() == std::vector<transfer_id>{{1}, {2}});
  own.add({100});
  CHECK_FALSE(own.few_left());
  own.end({100});
  CHECK(own.left() == 2);
}
