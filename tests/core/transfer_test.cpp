#include "core/configuration.hpp"
#include "core/transfer.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace bellhop;

namespace {

/// Each value's name is the one given, in the order of the enum, and reads back.
template <class Enum>
void check_names(std::initializer_list<std::string_view> names) {
  std::set<std::string_view> seen;
  std::size_t index = 0;
  for (auto name : names) {
    CAPTURE(name);
    const auto value = static_cast<Enum>(index++);
    CHECK(to_string(value) == name);
    CHECK(seen.insert(name).second);
    Enum back = static_cast<Enum>(names.size());
    CHECK(from_string(name, back));
    CHECK(back == value);
  }
  CHECK(to_string(static_cast<Enum>(names.size())).empty());
  Enum untouched = static_cast<Enum>(1);
  CHECK_FALSE(from_string("no such name", untouched));
  CHECK(untouched == static_cast<Enum>(1));
}

} // namespace

TEST_CASE("the names that ledgers and clients know never change", "[transfer]") {
  check_names<transfer_state>(
      {"suspended", "queued", "running", "waiting", "finishing", "completed", "failed", "cancelled"});
  check_names<wait_reason>({"none", "backoff", "retry_after", "no_network", "no_space", "needs_credential"});
  check_names<conflict_policy>({"fail", "overwrite", "rename"});
  check_names<durability>({"crash", "power"});
  check_names<digest_algorithm>({"", "md5", "sha-1", "sha-256", "sha-512"});
  check_names<event_type>({"completed", "failed", "cancelled", "needs_credential"});
  check_names<session_kind>({"default", "ephemeral", "background"});
  check_names<notice_type>({"started", "resumed", "restarted", "waiting"});
  check_names<launch_state>({"none", "running", "backing_off"});
  check_names<session_phase>({"open", "finishing", "cancelling"});
}

TEST_CASE("names are told apart by case, digests are not", "[transfer]") {
  transfer_state state{};
  CHECK_FALSE(from_string("Queued", state));
  CHECK_FALSE(from_string("", state));

  const auto [name, expected] = GENERATE(table<std::string, digest_algorithm>({
      {"SHA-256", digest_algorithm::sha256},
      {"sha256", digest_algorithm::sha256},
      {"Sha512", digest_algorithm::sha512},
      {"SHA1", digest_algorithm::sha1},
      {"MD5", digest_algorithm::md5},
  }));
  CAPTURE(name);
  digest_algorithm algorithm{};
  CHECK(from_string(name, algorithm));
  CHECK(algorithm == expected);
  CHECK_FALSE(from_string("sha-224", algorithm));
  CHECK_FALSE(from_string("none", algorithm));
}

TEST_CASE("a transfer is over when it completed, failed or was cancelled", "[transfer]") {
  for (auto s : {transfer_state::suspended, transfer_state::queued, transfer_state::running, transfer_state::waiting,
                 transfer_state::finishing})
    CHECK_FALSE(is_terminal(s));
  for (auto s : {transfer_state::completed, transfer_state::failed, transfer_state::cancelled})
    CHECK(is_terminal(s));
  CHECK(is_terminal(event_type::cancelled));
  CHECK_FALSE(is_terminal(event_type::needs_credential));
}

TEST_CASE("a part is in the folder that the file is published in", "[transfer]") {
  transfer_request r;
  r.destination = "/downloads/cat.jpg";
  CHECK(part_folder(r) == "/downloads");
  r.name_from_server = true;
  CHECK(part_folder(r) == "/downloads/cat.jpg");
}
