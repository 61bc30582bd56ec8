#include "core/part_file.hpp"
#include "tests/core/disk_fixture.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <limits>

using namespace bellhop;
using namespace bellhop::test;

namespace {

constexpr auto everything = std::numeric_limits<std::int32_t>::max();

struct part_fixture {
  temporary_folder there;
  folder_cache folders;
  std::shared_ptr<folder> in = folders.open(there.where().native());
  checkpoint fresh = [] {
    checkpoint from;
    from.part_name = ".bellhop-01234567-7.part";
    from.etag = "\"v1\"";
    return from;
  }();

  part_file create() const { return part_file::create(*in, fresh, digest_algorithm::sha256, false); }
  std::optional<part_file> reopen(const checkpoint& from) const {
    return part_file::reopen(*in, from, digest_algorithm::sha256, false);
  }
  path file() const { return there / fresh.part_name; }
  bool holds(const checkpoint& from) const {
    auto part = reopen(from);
    return part && part->verify(everything) == part_file::verdict::holds;
  }
};

} // namespace

TEST_CASE_METHOD(part_fixture, "a part is private and knows what it holds", "[part]") {
  part_file part = create();
  struct stat info {};
  REQUIRE(::stat(file().c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK(part.append(pattern(1000)) == 0);
  const checkpoint state = part.state();
  CHECK(state.position == 1000);
  CHECK(state.inode == info.st_ino);
  CHECK(state.etag == fresh.etag);
  CHECK(state.part_name == fresh.part_name);
  CHECK(read_file(file()) == text_of(pattern(1000)));
  CHECK(part.still_named(*in));
}

TEST_CASE_METHOD(part_fixture, "a part goes on from any checkpoint and ends with the same digest", "[part]") {
  const bool ok = rc::check([this](const std::vector<std::string>& before, const std::vector<std::string>& unrecorded,
                                   const std::vector<std::string>& after) {
    std::string whole;
    part_file first = create();
    for (const auto& piece : before) {
      RC_ASSERT(first.append(piece) == 0);
      whole += piece;
    }
    const checkpoint saved = first.state();
    for (const auto& piece : unrecorded)
      RC_ASSERT(first.append(piece) == 0);

    auto second = reopen(saved);
    RC_ASSERT(second.has_value());
    auto verdict = part_file::verdict::unfinished;
    while (verdict == part_file::verdict::unfinished)
      verdict = second->verify(3);
    RC_ASSERT(verdict == part_file::verdict::holds);
    RC_ASSERT(second->state() == saved);
    for (const auto& piece : after) {
      RC_ASSERT(second->append(piece) == 0);
      whole += piece;
    }
    RC_ASSERT(read_file(file()) == whole);
    body_digests expected{digest_algorithm::sha256, false};
    expected.update(whole);
    RC_ASSERT(second->finish_digests().expected == expected.finish().expected);
  });
  REQUIRE(ok);
}

TEST_CASE_METHOD(part_fixture, "a part that somebody changed between runs does not hold", "[part]") {
  checkpoint saved;
  {
    part_file part = create();
    REQUIRE(part.append(pattern(10000)) == 0);
    saved = part.state();
  }
  REQUIRE(holds(saved));
  SECTION("one byte") {
    std::string text = read_file(file());
    text[4711] = static_cast<char>(text[4711] + 1);
    write_file(file(), text);
    CHECK_FALSE(holds(saved));
  }
  SECTION("cut short") {
    REQUIRE(::truncate(file().c_str(), 9999) == 0);
    CHECK_FALSE(holds(saved));
  }
  SECTION("removed") {
    boost::filesystem::remove(file());
    CHECK_FALSE(holds(saved));
  }
  SECTION("replaced by a copy") {
    boost::filesystem::copy_file(file(), there / "copy");
    boost::filesystem::rename(there / "copy", file());
    CHECK_FALSE(holds(saved));
  }
  SECTION("replaced by a link to it") {
    boost::filesystem::rename(file(), there / "moved");
    REQUIRE(::symlink("moved", file().c_str()) == 0);
    CHECK_FALSE(holds(saved));
    CHECK(create().append(pattern(1)) == 0);
    CHECK(read_file(there / "moved") == text_of(pattern(10000)));
  }
  SECTION("a second name, whose reader would see it cut") {
    boost::filesystem::create_hard_link(file(), there / "second");
    CHECK_FALSE(holds(saved));
    create();
    CHECK(read_file(there / "second") == text_of(pattern(10000)));
  }
  SECTION("replaced by a pipe without a reader") {
    boost::filesystem::remove(file());
    REQUIRE(::mkfifo(file().c_str(), 0600) == 0);
    CHECK_FALSE(holds(saved));
    CHECK(create().state().position == 0);
  }
}

TEST_CASE_METHOD(part_fixture, "the overlap is compared byte for byte", "[part]") {
  part_file part = create();
  body_buffer body = pattern(600000);
  REQUIRE(part.append(body) == 0);
  const std::span<const char> whole{body};
  CHECK(part.compare(0, whole).equal);
  CHECK(part.compare(599999, whole.subspan(599999)).equal);
  CHECK_FALSE(part.compare(1, whole.subspan(0, 100)).equal);
  body[599999] = static_cast<char>(body[599999] ^ 1);
  CHECK(part.compare(0, whole.first(599999)).equal);
  CHECK_FALSE(part.compare(300000, whole.subspan(300000)).equal);
  REQUIRE(::truncate(file().c_str(), 10) == 0);
  CHECK_FALSE(part.compare(0, whole.first(100)).equal);
}

TEST_CASE_METHOD(part_fixture, "a part notices that it lost its name", "[part]") {
  const part_file part = create();
  boost::filesystem::rename(file(), there / "moved");
  CHECK_FALSE(part.still_named(*in));
  write_file(file(), "");
  CHECK_FALSE(part.still_named(*in));
}

TEST_CASE("a part on a full file system keeps what fitted", "[part]") {
  const mounted_folder small{"tmpfs", "size=256k"};
  if (!small.mounted()) {
    WARN("skipped: no right to mount a file system");
    return;
  }
  folder_cache folders;
  const auto in = folders.open(small.where().native());
  checkpoint from;
  from.part_name = "part";
  part_file part = part_file::create(*in, from, digest_algorithm::none, false);
  const body_buffer body = pattern(1024 * 1024);
  CHECK(part.append(body) == ENOSPC);
  CHECK(part.position() > 0);
  CHECK(part.position() < 1024 * 1024);
  CHECK(part.compare(0, std::span<const char>{body}.first(static_cast<std::size_t>(part.position()))).equal);
  prefix_hash expected;
  expected.update(std::span<const char>{body}.first(static_cast<std::size_t>(part.position())));
  CHECK(part.state().prefix_hash == expected.value());
}
