#include "core/atomic_name.hpp"
#include "core/digest.hpp"
#include "core/publisher.hpp"
#include "tests/core/disk_fixture.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <csignal>
#include <thread>

#include <sys/wait.h>

using namespace bellhop;
using namespace bellhop::test;

namespace {

const std::string ledger_id = "0123456789abcdef0123456789abcdef";
constexpr transfer_id id{7};
const std::string part_name = ".bellhop-01234567-7.part";

publish_target target_of(const path& destination, transfer_id transfer = id) {
  publish_target target;
  target.transfer = transfer;
  target.destination = destination;
  target.token = ledger_id + ":" + std::to_string(transfer.value);
  return target;
}

part_request request_of(const path& folder, checkpoint from = {}) {
  part_request request;
  request.transfer = id;
  request.folder = folder;
  request.from = std::move(from);
  request.from.part_name = part_name;
  return request;
}

std::string sha256_of(const body_buffer& bytes) {
  digest d{digest_algorithm::sha256};
  d.update(bytes);
  return d.hex();
}

body_buffer slice(const body_buffer& bytes, std::size_t from, std::size_t upto) {
  return {bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(upto)};
}

int mode_of(const path& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 07777) : -1;
}

struct umask_guard {
  explicit umask_guard(mode_t mask) : before(::umask(mask)) {}
  ~umask_guard() { ::umask(before); }
  mode_t before;
};

} // namespace

TEST_CASE("part names carry the ledger's id and the transfer's number", "[publisher]") {
  CHECK(part_name_for(ledger_id, id) == part_name);
}

TEST_CASE("a small body is published whole, marked, with the umask's mode", "[publisher]") {
  const umask_guard umask{027};
  for (const auto durable : {durability::crash, durability::power}) {
    for (const bool unnamed : {true, false}) {
      temporary_folder there;
      publisher_options options;
      options.unnamed_files = unnamed;
      disk d{std::move(options)};
      auto target = target_of(there / "a.bin");
      target.durable = durable;
      target.record_sha256 = true;
      write_file(there / part_name, "of an earlier attempt");
      target.stale_part = part_name;
      const auto result = d.publish_small(target, pattern(20000));
      CHECK_FALSE(result.why);
      CHECK_FALSE(result.needs_part);
      CHECK(result.file.where == there / "a.bin");
      CHECK(result.file.size == 20000);
      CHECK(result.file.sha256 == sha256_of(pattern(20000)));
      CHECK(read_file(there / "a.bin") == text_of(pattern(20000)));
      CHECK(mode_of(there / "a.bin") == 0640);
      CHECK(names_in(there.where()) == std::vector<std::string>{"a.bin"});
      folder_cache folders;
      CHECK(look_for_mark(*folders.open(there.where().native()), "a.bin", target.token) == mark_state::ours);
    }
  }
}

TEST_CASE("an empty body is a file too", "[publisher]") {
  temporary_folder there;
  disk d;
  CHECK_FALSE(d.publish_small(target_of(there / "empty"), {}).why);
  CHECK(names_in(there.where()) == std::vector<std::string>{"empty"});
}

TEST_CASE("a small body of the wrong digest is not published", "[publisher]") {
  temporary_folder there;
  disk d;
  auto target = target_of(there / "a.bin");
  target.expected = {digest_algorithm::sha256, sha256_of(pattern(5, 2))};
  const auto result = d.publish_small(target, pattern(5));
  CHECK(result.why.code == errc::checksum_mismatch);
  CHECK(result.why.message.find(target.expected.hex) != std::string::npos);
  CHECK(result.why.message.find(sha256_of(pattern(5))) != std::string::npos);
  CHECK(names_in(there.where()).empty());
  target.expected.hex = sha256_of(pattern(5));
  CHECK_FALSE(d.publish_small(target, pattern(5)).why);
}

TEST_CASE("many small bodies of one turn are all published and answered", "[publisher]") {
  for (const auto durable : {durability::crash, durability::power}) {
    temporary_folder there;
    disk d;
    std::vector<std::future<publish_result>> answers;
    constexpr std::uint64_t count = 700;
    for (std::uint64_t i = 1; i <= count; ++i) {
      auto target = target_of(there / ("file-" + std::to_string(i % 350)), transfer_id{i});
      target.durable = durable;
      target.on_conflict = conflict_policy::rename;
      answers.push_back(d.publish_small_later(target, pattern(100, i)));
    }
    for (std::uint64_t i = 1; i <= count; ++i) {
      const auto result = wait_for(std::move(answers[i - 1]));
      REQUIRE_FALSE(result.why);
      CHECK(read_file(result.file.where) == text_of(pattern(100, i)));
    }
    CHECK(names_in(there.where()).size() == count);
  }
}

TEST_CASE("an existing destination is treated as the policy says", "[publisher]") {
  temporary_folder there;
  disk d;
  write_file(there / "a.txt", "old");
  auto target = target_of(there / "a.txt");

  const auto failed = d.publish_small(target, pattern(10));
  CHECK(failed.why.code == errc::destination_exists);
  CHECK(failed.why.message.find((there / "a.txt").native()) != std::string::npos);
  CHECK(d.preflight(target).why.code == errc::destination_exists);
  CHECK(read_file(there / "a.txt") == "old");

  target.on_conflict = conflict_policy::rename;
  CHECK_FALSE(d.preflight(target).why);
  CHECK(d.preflight(target).file.where.empty());
  CHECK(d.publish_small(target, pattern(10)).file.where == there / "a (1).txt");

  target.on_conflict = conflict_policy::overwrite;
  CHECK_FALSE(d.preflight(target).why);
  CHECK(d.publish_small(target, pattern(11)).file.where == there / "a.txt");
  CHECK(read_file(there / "a.txt") == text_of(pattern(11)));

  boost::filesystem::create_directory(there / "sub");
  target.destination = there / "sub";
  CHECK(d.preflight(target).why.code == errc::destination_unavailable);
  CHECK(d.publish_small(target, pattern(10)).why.code == errc::destination_unavailable);
  target.on_conflict = conflict_policy::fail;
  CHECK(d.preflight(target).why.code == errc::destination_exists);
  CHECK(d.publish_small(target, pattern(10)).why.code == errc::destination_exists);
}

TEST_CASE("a file that was published before a crash is this transfer's own", "[publisher]") {
  temporary_folder there;
  disk d;
  auto target = target_of(there / "a.txt");
  target.record_sha256 = true;
  target.durable = GENERATE(durability::crash, durability::power);
  target.on_conflict = GENERATE(conflict_policy::fail, conflict_policy::rename, conflict_policy::overwrite);
  path own = there / "a.txt";
  if (target.on_conflict == conflict_policy::rename) {
    write_file(there / "a.txt", "somebody else's");
    own = there / "a (1).txt";
  }
  write_file(own, text_of(pattern(5000)));
  set_mark(own, target.token);
  write_file(there / part_name, "left over");
  checkpoint part;
  part.part_name = part_name;

  const auto found = d.preflight(target, part);
  CHECK_FALSE(found.why);
  CHECK(found.file.where == own);
  CHECK(found.file.size == 5000);
  CHECK(found.file.sha256 == sha256_of(pattern(5000)));
  CHECK_FALSE(is_there(there / part_name));

  if (target.on_conflict != conflict_policy::overwrite) {
    const auto again = d.publish_small(target, pattern(5000));
    CHECK_FALSE(again.why);
    CHECK(again.file.where == own);
    CHECK(again.file.sha256 == found.file.sha256);
  }
  auto other = target_of(there / "a.txt", transfer_id{8});
  CHECK(d.preflight(other, part).why.code == errc::destination_exists);
}

TEST_CASE("without extended attributes a file is published as a part and recognised by its inode", "[publisher]") {
  const mounted_folder there{"ramfs"};
  if (!there.mounted()) {
    WARN("skipped: no right to mount a file system");
    return;
  }
  disk d;
  const auto target = target_of(there / "a.bin");
  for (int i = 0; i < 2; ++i) {
    const auto result = d.publish_small(target, pattern(100));
    CHECK(result.needs_part);
    CHECK_FALSE(result.why);
    CHECK(names_in(there.where()).empty());
  }
  const auto opened = d.open_part(request_of(there.where()));
  REQUIRE_FALSE(opened.why);
  REQUIRE_FALSE(d.receive(id, 0, pattern(100)).why);
  const auto result = d.publish_part(target);
  CHECK_FALSE(result.why);
  CHECK(result.file.where == there / "a.bin");

  const auto found = d.preflight(target, opened.part);
  CHECK_FALSE(found.why);
  CHECK(found.file.where == there / "a.bin");
  CHECK(found.file.size == 100);

  checkpoint other_bytes = opened.part;
  other_bytes.position = 50;
  other_bytes.prefix_hash = 1;
  CHECK(d.preflight(target, other_bytes).why.code == errc::destination_exists);
  checkpoint other_inode = opened.part;
  ++other_inode.inode;
  CHECK(d.preflight(target, other_inode).why.code == errc::destination_exists);
}

TEST_CASE("a file that there is no room to mark is recognised by its inode", "[publisher]") {
  temporary_folder there;
  disk d;
  auto request = request_of(there.where());
  auto opened = d.open_part(request);
  CHECK(opened.marked);
  REQUIRE(d.receive(id, 0, pattern(100), {errc::connection_lost, "", 0}).part.position == 100);
  request.from = d.close_part(id);
  // Somebody else's attributes fill the room that the file has for them.
  const auto part = there / part_name;
  REQUIRE(::removexattr(part.c_str(), "user.bellhop.transfer") == 0);
  const std::string filler(std::size_t{1} << 10, 'x');
  for (int i = 0; i < 1000; ++i)
    if (::setxattr(part.c_str(), ("user." + std::to_string(i)).c_str(), filler.data(), filler.size(), 0) != 0)
      break;
  for (int i = 0; i < 1000; ++i)
    if (::setxattr(part.c_str(), ("user.s" + std::to_string(i)).c_str(), "", 0, 0) != 0)
      break;
  opened = d.open_part(request);
  REQUIRE_FALSE(opened.why);
  if (opened.marked) {
    WARN("skipped: the file system has room for many attributes");
    return;
  }
  const auto target = target_of(there / "a.bin");
  REQUIRE_FALSE(d.publish_part(target).why);
  CHECK(d.preflight(target, opened.part).file.where == there / "a.bin");
  // Another transfer's mark overrules the number.
  for (int i = 0; i < 1000; ++i)
    ::removexattr((there / "a.bin").c_str(), ("user.s" + std::to_string(i)).c_str());
  set_mark(there / "a.bin", ledger_id + ":8");
  CHECK(d.preflight(target, opened.part).why.code == errc::destination_exists);
}

TEST_CASE("a folder in a part's place is named", "[publisher]") {
  temporary_folder there;
  disk d;
  boost::filesystem::create_directory(there / part_name);
  const auto opened = d.open_part(request_of(there.where()));
  CHECK(opened.why.code == errc::destination_unavailable);
  CHECK(opened.why.message.find((there / part_name).native()) != std::string::npos);
  CHECK(names_in(there.where()) == std::vector<std::string>{part_name});
}

TEST_CASE("a folder that is missing, no folder, or read-only is an error that names it", "[publisher]") {
  temporary_folder there;
  disk d;
  const auto check_all = [&](const path& folder) {
    CAPTURE(folder.native());
    for (const auto& why :
         {d.preflight(target_of(folder / "a")).why, d.publish_small(target_of(folder / "a"), pattern(3)).why,
          d.open_part(request_of(folder)).why}) {
      CHECK(why.code == errc::destination_unavailable);
      CHECK(why.message.find(folder.native()) != std::string::npos);
    }
  };
  check_all(there / "missing");
  write_file(there / "file", "");
  check_all(there / "file");
  const mounted_folder read_only{"tmpfs", "", MS_RDONLY};
  if (read_only.mounted())
    check_all(read_only.where());
  else
    WARN("skipped the read-only file system: no right to mount one");
}

TEST_CASE("a folder that vanishes and comes back is followed", "[publisher]") {
  temporary_folder there;
  disk d;
  const path folder = there / "downloads";
  boost::filesystem::create_directory(folder);
  CHECK_FALSE(d.publish_small(target_of(folder / "a"), pattern(3)).why);
  boost::filesystem::remove_all(folder);
  CHECK(d.publish_small(target_of(folder / "a"), pattern(3)).why.code == errc::destination_unavailable);
  boost::filesystem::create_directory(there / "elsewhere");
  REQUIRE(::symlink("elsewhere", folder.c_str()) == 0);
  CHECK_FALSE(d.publish_small(target_of(folder / "a"), pattern(3)).why);
  CHECK(read_file(there / "elsewhere" / "a") == text_of(pattern(3)));
}

TEST_CASE("a full file system is an error that can be waited out", "[publisher]") {
  const mounted_folder small{"tmpfs", "size=640k"};
  if (!small.mounted()) {
    WARN("skipped: no right to mount a file system");
    return;
  }
  write_file(small / "filler", std::string(400 * 1024, 'x'));
  disk d;
  const body_buffer body = pattern(512 * 1024);

  auto request = request_of(small.where());
  request.total = 512 * 1024;
  CHECK(d.open_part(request).why.code == errc::no_space);
  // More than could ever be free is not waited for.
  request.total = 641 * 1024;
  const auto never = d.open_part(request);
  CHECK(never.why.code == errc::too_large);
  CHECK(never.why.message.find(small.where().native()) != std::string::npos);

  request.total = unknown_size;
  REQUIRE_FALSE(d.open_part(request).why);
  const auto written = d.receive(id, 0, body);
  CHECK(written.why.code == errc::no_space);
  CHECK(written.why.message.find(small.where().native()) != std::string::npos);
  CHECK(written.part.position > 0);

  const auto refused = d.publish_small(target_of(small / "small", transfer_id{8}), pattern(20000));
  CHECK(refused.why.code == errc::no_space);
  CHECK(refused.why.message.find("20000") != std::string::npos);
  CHECK(names_in(small.where()) == std::vector<std::string>{part_name, "filler"});
  CHECK(d.close_part(id) == written.part);

  REQUIRE(::mount("none", small.where().c_str(), "tmpfs", MS_REMOUNT, "size=4m") == 0);
  request.from = written.part;
  const auto again = d.open_part(request);
  CHECK_FALSE(again.why);
  CHECK(again.part == written.part);
  const auto offset = static_cast<std::size_t>(again.part.position - 1000);
  REQUIRE_FALSE(d.receive(id, again.part.position - 1000, slice(body, offset, body.size())).why);
  CHECK_FALSE(d.publish_part(target_of(small / "a")).why);
  CHECK(read_file(small / "a") == text_of(body));
}

TEST_CASE("a large body goes through a part, with its digests, to its name", "[publisher]") {
  const umask_guard umask{022};
  temporary_folder there;
  disk d;
  const body_buffer body = pattern(3 * 1024 * 1024);
  auto target = target_of(there / "a.bin");
  target.expected = {digest_algorithm::sha1, ""};
  digest sha1{digest_algorithm::sha1};
  sha1.update(body);
  target.expected.hex = sha1.hex();
  target.record_sha256 = true;
  target.durable = GENERATE(durability::crash, durability::power);
  auto request = request_of(there.where());
  request.expected = target.expected;
  request.record_sha256 = true;
  request.durable = target.durable;
  request.from.total = request.total = static_cast<std::int64_t>(body.size());

  const auto opened = d.open_part(request);
  REQUIRE_FALSE(opened.why);
  CHECK(opened.part.inode == inode_of(there / part_name));
  CHECK(d.open_part(request).why.code == errc::wrong_state);

  const auto cut = d.receive(id, 0, slice(body, 0, 1000000), {errc::connection_lost, "reset", 0});
  CHECK(cut.why.code == errc::connection_lost);
  CHECK(cut.part.position == 1000000);

  SECTION("in one run") {
    REQUIRE_FALSE(d.receive(id, 990000, slice(body, 990000, body.size())).why);
  }
  SECTION("over a stop") {
    CHECK(d.close_part(id) == cut.part);
    request.from = cut.part;
    const auto again = d.open_part(request);
    CHECK(again.part == cut.part);
    REQUIRE_FALSE(d.receive(id, 990000, slice(body, 990000, body.size())).why);
  }
  const auto result = d.publish_part(target);
  CHECK_FALSE(result.why);
  CHECK(result.file.size == static_cast<std::int64_t>(body.size()));
  CHECK(result.file.sha256 == sha256_of(body));
  CHECK(read_file(there / "a.bin") == text_of(body));
  CHECK(mode_of(there / "a.bin") == 0644);
  CHECK(inode_of(there / "a.bin") == opened.part.inode);
  CHECK(names_in(there.where()) == std::vector<std::string>{"a.bin"});
  CHECK(d.publish_part(target).why.code == errc::wrong_state);
}

TEST_CASE("a part of the wrong digest is removed, not published", "[publisher]") {
  temporary_folder there;
  disk d;
  auto request = request_of(there.where());
  request.expected = {digest_algorithm::sha256, sha256_of(pattern(10, 2))};
  REQUIRE_FALSE(d.open_part(request).why);
  REQUIRE_FALSE(d.receive(id, 0, pattern(10)).why);
  auto target = target_of(there / "a");
  target.expected = request.expected;
  CHECK(d.publish_part(target).why.code == errc::checksum_mismatch);
  CHECK(names_in(there.where()).empty());
}

TEST_CASE("a part that cannot have its name stays", "[publisher]") {
  temporary_folder there;
  disk d;
  REQUIRE_FALSE(d.open_part(request_of(there.where())).why);
  const auto written = d.receive(id, 0, pattern(10));
  write_file(there / "a", "old");
  CHECK(d.publish_part(target_of(there / "a")).why.code == errc::destination_exists);
  CHECK(names_in(there.where()) == std::vector<std::string>{part_name, "a"});
  const auto again = d.open_part(request_of(there.where(), written.part));
  CHECK(again.part == written.part);
  CHECK_FALSE(d.publish_part(target_of(there / "b")).why);
}

TEST_CASE("a body that contradicts the part is refused", "[publisher]") {
  temporary_folder there;
  disk d;
  const body_buffer body = pattern(100000);
  auto request = request_of(there.where());
  request.from.total = 100000;
  REQUIRE_FALSE(d.open_part(request).why);
  REQUIRE(d.receive(id, 0, slice(body, 0, 50000), {errc::connection_lost, "", 0}).part.position == 50000);
  const std::string before = read_file(there / part_name);
  SECTION("other bytes in the overlap") {
    auto other = slice(body, 40000, 100000);
    other[9999] = static_cast<char>(other[9999] ^ 1);
    const auto written = d.receive(id, 40000, other);
    CHECK(written.why.code == errc::content_changed);
    CHECK(written.why.message.find("overlap") != std::string::npos);
    CHECK(written.part.position == 50000);
  }
  SECTION("an end within the overlap") {
    const auto written = d.receive(id, 40000, slice(body, 40000, 45000));
    CHECK(written.why.code == errc::content_changed);
    CHECK(written.why.message.find("overlap") != std::string::npos);
  }
  SECTION("an end before the announced total") {
    CHECK(d.receive(id, 50000, body_buffer{}).why.code == errc::short_body);
  }
  SECTION("a body that does not join the part") {
    CHECK(d.receive(id, 50001, slice(body, 50001, 100000)).why.code == errc::wrong_state);
  }
  CHECK(read_file(there / part_name) == before);
  CHECK_FALSE(is_there(there / "a"));
  auto too_long = slice(body, 50000, 100000);
  too_long.push_back('x');
  CHECK(d.receive(id, 50000, too_long).why.code == errc::long_body);
  CHECK(d.close_part(id).position <= 100000);
}

TEST_CASE("a part that was touched between runs starts over", "[publisher]") {
  temporary_folder there;
  disk d;
  const body_buffer body = pattern(9 * 1024 * 1024);
  REQUIRE_FALSE(d.open_part(request_of(there.where())).why);
  const auto saved = d.receive(id, 0, body, {errc::connection_lost, "", 0}).part;
  d.close_part(id);
  SECTION("longer is cut to the recorded position") {
    write_file(there / "x", "");
    std::ofstream{(there / part_name).native(), std::ios::app} << "more";
    CHECK(d.open_part(request_of(there.where(), saved)).part == saved);
    CHECK(read_file(there / part_name).size() == body.size());
  }
  SECTION("changed") {
    auto text = text_of(body);
    text[8 * 1024 * 1024] ^= 1;
    write_file(there / part_name, text);
    const auto opened = d.open_part(request_of(there.where(), saved));
    CHECK_FALSE(opened.why);
    CHECK(opened.part.position == 0);
    CHECK(opened.part.inode == inode_of(there / part_name));
    CHECK(read_file(there / part_name).empty());
  }
  SECTION("removed") {
    boost::filesystem::remove(there / part_name);
    CHECK(d.open_part(request_of(there.where(), saved)).part.position == 0);
  }
}

TEST_CASE("a part that disappears while it is open is not published", "[publisher]") {
  temporary_folder there;
  disk d;
  REQUIRE_FALSE(d.open_part(request_of(there.where())).why);
  REQUIRE_FALSE(d.receive(id, 0, pattern(10)).why);
  boost::filesystem::remove(there / part_name);
  write_file(there / part_name, "somebody else's");
  CHECK(d.publish_part(target_of(there / "a")).why.code == errc::content_changed);
  CHECK_FALSE(is_there(there / "a"));
}

TEST_CASE("discarding removes the part, open or not, and its temporary name", "[publisher]") {
  temporary_folder there;
  disk d;
  write_file(there / "keep", "");
  SECTION("open, with a stream") {
    REQUIRE_FALSE(d.open_part(request_of(there.where())).why);
    auto pipe = std::make_shared<body_pipe>(10);
    auto written = d.receive(id, 0, pipe);
    d.discard_part(id, there.where(), part_name);
    CHECK(wait_for(std::move(written)).why.code == errc::shutting_down);
    CHECK(pipe->abandoned());
  }
  SECTION("not open") {
    write_file(there / part_name, "x");
    write_file(there / ".bellhop-01234567-7.new", "x");
    d.discard_part(id, there.where(), part_name);
  }
  SECTION("not there, and names that lead elsewhere") {
    d.discard_part(id, there.where(), part_name);
    d.discard_part(id, there / "missing", part_name);
    d.discard_part(id, there / "missing", "../keep");
  }
  CHECK(names_in(there.where()) == std::vector<std::string>{"keep"});
}

TEST_CASE("closing takes what has come and keeps it", "[publisher]") {
  temporary_folder there;
  disk d;
  REQUIRE_FALSE(d.open_part(request_of(there.where())).why);
  auto pipe = std::make_shared<body_pipe>(1000000);
  auto written = d.receive(id, 0, pipe);
  pipe->push(pattern(1000));
  const auto closed = d.close_part(id);
  CHECK(closed.position == 1000);
  CHECK(wait_for(std::move(written)).why.code == errc::shutting_down);
  CHECK(pipe->abandoned());
  CHECK(d.open_part(request_of(there.where(), closed)).part == closed);
  d.close_part(id);
  CHECK_FALSE(d.close_part(id));
}

TEST_CASE("checkpoints are saved while a body arrives and can be gone on from", "[publisher]") {
  temporary_folder there;
  using steady = std::chrono::steady_clock;
  auto ticks = std::make_shared<std::atomic<std::int64_t>>(1);
  publisher_options options;
  options.clock = [ticks] { return steady::time_point{std::chrono::milliseconds{ticks->load()}}; };
  disk d{std::move(options)};
  auto request = request_of(there.where());
  SECTION("every 250 ms when only the process may die") {
    REQUIRE_FALSE(d.open_part(request).why);
    auto saved = std::make_shared<std::vector<checkpoint>>();
    auto pipe = std::make_shared<body_pipe>(1000000);
    auto written = d.receive(id, 0, pipe, [saved](const checkpoint& c) { saved->push_back(c); });
    const auto turn = [&] { d.preflight(target_of(there / "a", transfer_id{9})); };
    pipe->push(pattern(100));
    turn();
    ticks->fetch_add(249);
    turn();
    CHECK(saved->empty());
    ticks->fetch_add(1);
    turn();
    turn();
    REQUIRE(saved->size() == 1);
    CHECK(saved->front().position == 100);
    ticks->fetch_add(10000);
    turn();
    turn();
    CHECK(saved->size() == 1);
    pipe->push(pattern(50, 2));
    turn();
    turn();
    CHECK(saved->size() == 2);
    pipe->close({});
    wait_for(std::move(written));
  }
  SECTION("every 64 MiB or 5 s when power may be lost") {
    request.durable = durability::power;
    REQUIRE_FALSE(d.open_part(request).why);
    auto saved = std::make_shared<std::vector<checkpoint>>();
    auto pipe = std::make_shared<body_pipe>(std::size_t{256} * 1024 * 1024);
    auto written = d.receive(id, 0, pipe, [saved](const checkpoint& c) { saved->push_back(c); });
    for (int i = 0; i < 80; ++i)
      pipe->push(body_buffer(1024 * 1024, 'x'));
    const auto turn = [&] { d.preflight(target_of(there / "a", transfer_id{9})); };
    for (int i = 0; i < 40; ++i)
      turn();
    REQUIRE(saved->size() == 1);
    CHECK(saved->front().position >= 64 * 1024 * 1024);
    CHECK(saved->front().position < 80 * 1024 * 1024);
    ticks->fetch_add(4999);
    turn();
    CHECK(saved->size() == 1);
    ticks->fetch_add(1);
    turn();
    turn();
    CHECK(saved->size() == 2);
    pipe->close({});
    wait_for(std::move(written));
  }
}

TEST_CASE("streams from another thread through a small pipe arrive whole", "[publisher]") {
  temporary_folder there;
  disk d;
  constexpr std::uint64_t streams = 4;
  constexpr std::size_t size = 2 * 1024 * 1024;
  struct flow {
    std::shared_ptr<body_pipe> pipe;
    std::shared_ptr<std::atomic<bool>> paused = std::make_shared<std::atomic<bool>>(false);
    body_buffer body;
    std::size_t sent = 0;
    std::future<part_written> written;
  };
  std::vector<flow> flows(streams);
  for (std::uint64_t i = 0; i < streams; ++i) {
    auto request = request_of(there.where());
    request.transfer = transfer_id{i + 1};
    request.from.part_name = part_name_for(ledger_id, request.transfer);
    REQUIRE_FALSE(d.open_part(request).why);
    auto& f = flows[i];
    f.body = pattern(size, i + 1);
    f.pipe = std::make_shared<body_pipe>(64 * 1024);
    f.pipe->on_writable([paused = f.paused] { paused->store(false); });
    f.written = d.receive(request.transfer, 0, f.pipe);
  }
  std::thread network{[&] {
    for (std::size_t open = streams; open > 0;) {
      for (auto& f : flows) {
        if (f.sent == size || f.paused->load())
          continue;
        const std::size_t upto = std::min(size, f.sent + 16 * 1024);
        // Paused before the push, since the consumer may be done before it returns.
        f.paused->store(true);
        if (f.pipe->push(slice(f.body, f.sent, upto)))
          f.paused->store(false);
        f.sent = upto;
        if (f.sent == size) {
          f.pipe->close({});
          --open;
        }
      }
      std::this_thread::yield();
    }
  }};
  network.join();
  for (std::uint64_t i = 0; i < streams; ++i) {
    CHECK_FALSE(wait_for(std::move(flows[i].written)).why);
    auto target = target_of(there / ("file-" + std::to_string(i)), transfer_id{i + 1});
    REQUIRE_FALSE(d.publish_part(target).why);
    CHECK(read_file(target.destination) == text_of(flows[i].body));
  }
}

TEST_CASE("stopping answers what was accepted and lets producers go", "[publisher]") {
  temporary_folder there;
  auto pipe = std::make_shared<body_pipe>(10);
  std::vector<std::future<publish_result>> answers;
  {
    disk d;
    REQUIRE_FALSE(d.open_part(request_of(there.where())).why);
    auto written = d.receive(id, 0, pipe);
    for (std::uint64_t i = 1; i <= 100; ++i) {
      auto target = target_of(there / std::to_string(i), transfer_id{i});
      target.durable = durability::power;
      answers.push_back(d.publish_small_later(target, pattern(10)));
    }
    d->stop();
    d->stop();
  }
  for (auto& answer : answers)
    CHECK_FALSE(wait_for(std::move(answer)).why);
  CHECK(pipe->abandoned());
}

namespace {

/// In a child: publishes small and large bodies until it is killed.
[[noreturn, maybe_unused]] void publish_until_killed(const path& folder, std::uint64_t round) {
  disk d;
  for (std::uint64_t i = 1;; ++i) {
    const transfer_id transfer{round * 1000000 + i};
    auto target = target_of(folder / std::to_string(i % 40), transfer);
    target.on_conflict = conflict_policy::overwrite;
    if (i % 3 != 0) {
      d.publish_small_later(target, pattern(50000, i % 40 + 1));
      continue;
    }
    auto request = request_of(folder);
    request.transfer = transfer;
    request.from.part_name = part_name_for(ledger_id, transfer);
    d.open_part(request);
    d.receive(transfer, 0, pattern(50000, i % 40 + 1));
    d.publish_part(target);
  }
}

} // namespace

TEST_CASE("a destination is absent or whole whenever the process is killed", "[publisher][kill]") {
#if defined(__SANITIZE_THREAD__)
  WARN("skipped: ThreadSanitizer does not allow threads after a fork");
#else
  temporary_folder there;
  std::uint64_t random = 42;
  for (std::uint64_t round = 1; round <= 25; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0)
      publish_until_killed(there.where(), round);
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    std::this_thread::sleep_for(std::chrono::microseconds{1000 + (random >> 33) % 40000});
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    for (const auto& name : names_in(there.where())) {
      if (name.starts_with(".bellhop-"))
        continue;
      CAPTURE(round, name);
      REQUIRE(read_file(there / name) == text_of(pattern(50000, std::stoull(name) + 1)));
    }
  }
  CHECK_FALSE(names_in(there.where()).empty());
#endif
}
