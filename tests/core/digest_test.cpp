#include "core/digest.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <string_view>
#include <vector>

using namespace bellhop;

namespace {

std::string digest_of(digest_algorithm algorithm, std::string_view text) {
  digest d{algorithm};
  d.update({text.data(), text.size()});
  return d.hex();
}

} // namespace

TEST_CASE("digests are those of the standards", "[digest]") {
  // FIPS 180-4 and RFC 1321, "abc".
  CHECK(digest_of(digest_algorithm::md5, "abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(digest_of(digest_algorithm::sha1, "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(digest_of(digest_algorithm::sha256, "abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest_of(digest_algorithm::sha512, "abc") ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  CHECK(digest_of(digest_algorithm::sha256, "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a digest has as many digits as its algorithm says", "[digest]") {
  for (const auto algorithm :
       {digest_algorithm::md5, digest_algorithm::sha1, digest_algorithm::sha256, digest_algorithm::sha512})
    CHECK(digest_of(algorithm, "x").size() == hex_length(algorithm));
  CHECK(hex_length(digest_algorithm::none) == 0);
}

TEST_CASE("a body's digests are those that were asked for", "[digest]") {
  const std::string text = "abc";
  const std::string sha1 = digest_of(digest_algorithm::sha1, text);
  const std::string sha256 = digest_of(digest_algorithm::sha256, text);
  const auto values = [&](digest_algorithm expected, bool record) {
    body_digests both{expected, record};
    both.update(text);
    return both.finish();
  };
  CHECK(values(digest_algorithm::none, false).expected.empty());
  CHECK(values(digest_algorithm::none, false).sha256.empty());
  CHECK(values(digest_algorithm::sha1, true).expected == sha1);
  CHECK(values(digest_algorithm::sha1, true).sha256 == sha256);
  CHECK(values(digest_algorithm::sha256, true).expected == sha256);
  CHECK(values(digest_algorithm::sha256, true).sha256 == sha256);
  CHECK(values(digest_algorithm::sha256, false).sha256.empty());
}

TEST_CASE("the prefix hash depends on the bytes alone, not on how they came", "[digest]") {
  CHECK(prefix_hash{}.value() == 0x2D06800538D394C2ULL); // XXH3-64 of nothing, as the format defines it
  const bool holds = rc::check([](const std::vector<std::string>& pieces) {
    prefix_hash in_pieces;
    std::string whole;
    for (const auto& piece : pieces) {
      in_pieces.update(piece);
      whole += piece;
      prefix_hash at_once;
      at_once.update(whole);
      RC_ASSERT(in_pieces.value() == at_once.value());
    }
    in_pieces.reset();
    RC_ASSERT(in_pieces.value() == prefix_hash{}.value());
  });
  REQUIRE(holds);
}
