#include "tests/support/desk.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/origin.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

using namespace bellhop::test;
using Catch::Contains;

/// What people do wrong, and what happens to their machines: a clear error names it, and the other transfers go on.
namespace {

using strings = std::vector<std::string>;
namespace fs = boost::filesystem;

const std::string content = random_bytes(30'000, 41);

/// A server with a good file, and a user who wants it too.
struct office {
  office() { server.put("good.bin", content); }

  std::string good() const { return server.url("/good.bin"); }
  bool good_is_there() const { return read_file(here.folder() / "good.bin") == content; }

  nginx server;
  desk here;
};

/// The exit status of a program whose `before_exec` was refused.
constexpr int not_permitted = 127;

/// Writes a file of `size` bytes; true also for none. Safe between fork and exec.
bool fill(const char* name, std::size_t size) {
  static const char zeros[4096] = {};
  const int fd = size > 0 ? ::open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
  while (size > 0 && ::write(fd, zeros, sizeof zeros) == sizeof zeros)
    size -= std::min(size, sizeof zeros);
  return size == 0;
}

/// A file system of its own, seen by the program only, with a file of `used` bytes in it. Needs the right to mount.
program::options with_mount(const desk& here, const fs::path& where, unsigned long flags, std::string data,
                            std::size_t used = 0) {
  auto with = here.options();
  with.before_exec = [target = where.string(), filler = (where / "filler").string(), flags, data = std::move(data),
                      used] {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", target.c_str(), "tmpfs", flags, data.c_str()) == 0 && fill(filler.c_str(), used);
  };
  return with;
}

bool permitted(const program_result& ended) {
  if (ended.status == not_permitted)
    WARN("skipped: no right to mount a file system");
  return ended.status != not_permitted;
}

} // namespace

TEST_CASE("arguments that make no sense start nothing", "[system][input]") {
  office o;
  struct row {
    strings arguments;
    std::string told;
  };
  for (const auto& [arguments, told] :
       {row{{"http//example.org/x"}, "http//example.org/x"}, row{{"http://"}, "http://"},
        row{{"http://exa mple.org/"}, "exa mple.org"}, row{{"ftp://example.org/x"}, "ftp"},
        row{{"file:///etc/hostname"}, "file"}, row{{"--checksum", "sha-256:abc"}, "64"},
        row{{"--checksum", "sha-256:" + std::string(64, 'z')}, "hexadecimal"}, row{{"-j", "none"}, "none"},
        row{{"--frob"}, "--frob"}, row{{"-H", "no colon"}, "-H"}}) {
    strings all{"get", o.good()};
    if (arguments[0].starts_with("--checksum") || arguments[0].starts_with("-"))
      all.insert(all.begin() + 1, arguments.begin(), arguments.end());
    else
      all.push_back(arguments[0]);
    const auto ended = o.here.run(all);
    INFO(ended.err);
    CHECK(ended.status == 2);
    CHECK(ended.out == "");
    CHECK_THAT(ended.err, Contains(told) && Contains("--help"));
  }
  CHECK(names_in(o.here.folder()).empty());
  CHECK(o.server.access_log().empty());
}

TEST_CASE("a list's bad line does not stop the others", "[system][input]") {
  office o;
  for (const std::string bad : {"http:/nowhere", "ftp://example.org/x", "file:///etc/passwd"}) {
    write_file(
        o.here / "list",
        fmt::format("{0}\n# a comment\n{1}\n{0}\tother.bin\n{0}\tx.bin\tmd5:12\n{0}\t../y.bin\n", o.good(), bad));
    const auto ended = o.here.run({"get", "--on-conflict", "overwrite", "-i", (o.here / "list").string()});
    INFO(ended.err);
    CHECK(ended.status == 1);
    CHECK_THAT(ended.err,
               Contains("list:3:") && Contains(bad) && Contains("list:5:") && Contains("32") && Contains("list:6:"));
    CHECK(names_in(o.here.folder()) == strings{"good.bin", "other.bin"});
    CHECK(o.good_is_there());
  }
  const auto missing = o.here.run({"get", "-i", "no-such-list"});
  CHECK(missing.status != 0);
  CHECK_THAT(missing.err, Contains("no-such-list"));
}

TEST_CASE("a folder that is not there, or is none, fails its transfer only", "[system][input]") {
  office o;
  write_file(o.here / "plain", "");
  write_file(o.here / "list", fmt::format("{0}\n{0}\t{1}/x/a.bin\n{0}\t{1}/plain/b.bin\n", o.good(),
                                          o.here.folder().parent_path().string()));
  const auto ended = o.here.run({"get", "--json", "-i", (o.here / "list").string(), "-d", o.here.folder().string()});
  INFO(ended.err);
  CHECK(ended.status == 1);
  CHECK(o.good_is_there());
  const auto asked = o.server.access_log().size();
  for (const std::string policy : {"rename", "overwrite", "fail"}) {
    const auto list = o.here.run({"get", "--on-conflict", policy, "-d", (o.here / "missing").string(), o.good()});
    CHECK(list.status == 1);
    CHECK_THAT(list.err, Contains("missing"));
    const auto plain =
        o.here.run({"get", "--on-conflict", policy, "-o", (o.here / "plain").string() + "/b.bin", o.good()});
    CHECK(plain.status == 1);
    CHECK_THAT(plain.err, Contains("plain"));
  }
  // It was found out before anything was fetched in vain.
  CHECK(o.server.access_log().size() == asked);
  const auto folder = o.here.run({"get", "-o", o.here.folder().string(), o.good()});
  CHECK_THAT(folder.err + folder.out, Contains("downloads"));
  CHECK(names_in(o.here.folder()) == strings{"good.bin"});
}

TEST_CASE("a folder that cannot be written to is named", "[system][input]") {
  office o;
  const auto closed = o.here / "closed";
  fs::create_directory(closed);
  auto with = o.here.options();
  if (::geteuid() == 0)
    with = with_mount(o.here, closed, MS_RDONLY, "");
  else
    fs::permissions(closed, fs::owner_read | fs::owner_exe);
  write_file(o.here / "list", fmt::format("{0}\n{0}\tother.bin\n", o.good()));
  const auto ended = o.here.run({"get", "-d", closed.string(), o.good()}, with);
  if (!permitted(ended))
    return;
  CHECK(ended.status == 1);
  CHECK_THAT(ended.err, Contains(closed.string()));
  CHECK(o.server.access_log().empty());
  CHECK(o.here.run({"get", o.good()}, with).status == 0);
  CHECK(o.good_is_there());
}

TEST_CASE("a destination on a full disk waits, and the others go on", "[system][input]") {
  office o;
  o.server.put("large.bin", random_bytes(500'000, 42));
  const auto tiny = o.here / "tiny";
  fs::create_directory(tiny);
  // Not through -i: its destinations stay below the folder.
  auto running = o.here.start({"get", "-d", tiny.string(), "--json", o.server.url("/large.bin")},
                              with_mount(o.here, tiny, 0, "size=600k", 400'000));
  const auto waits = [&] { return o.here.run({"list", "--json"}).out.find("no_space") != std::string::npos; };
  const bool waited = running.wait_until(waits);
  running.signal(SIGINT);
  const auto ended = running.wait();
  if (!permitted(ended))
    return;
  CHECK(waited);
  CHECK(ended.status == 130);
  CHECK_THAT(ended.err, Contains("waiting large.bin: no space left in the folder " + tiny.string()));
  // The program's file system is gone with it, and with that the disk has room again.
  CHECK(o.here.run({"get"}).status == 0);
  CHECK(fs::file_size(tiny / "large.bin") == 500'000);
}

TEST_CASE("a length that the disk could never hold is not waited for", "[system][input]") {
  office o;
  origin boaster;
  boaster.on("/x", serve::raw(serve::head("200 OK", {"Content-Length: 1000000000000000000"}) + content));
  const auto ended = o.here.run({"get", boaster.url("/x"), o.good()});
  INFO(ended.err);
  CHECK(ended.status == 1);
  CHECK_THAT(ended.err, Contains("1000000000000000000") && Contains(o.here.folder().string()));
  CHECK(names_in(o.here.folder()) == strings{"good.bin"});
}

TEST_CASE("a state directory has one engine, and says whose", "[system][input]") {
  office o;
  origin slow;
  slow.on("/slow", [](const origin::request&, origin::connection& c) { c.stall(); });
  auto holder = o.here.start({"get", slow.url("/slow")});
  REQUIRE(holder.wait_until([&] { return !slow.requests().empty(); }));
  const auto ended = o.here.run({"get", o.good()});
  CHECK(ended.status == 1);
  CHECK_THAT(ended.err, Contains(std::to_string(holder.pid())) && Contains(o.here.state().string()));
  CHECK(holder.running());
  holder.kill();
  // What the dead one left does not lock.
  CHECK(o.here.run({"get", "-s", "other", o.good()}).status == 0);
}

TEST_CASE("a state directory on a full disk is told of", "[system][input]") {
  office o;
  fs::create_directory(o.here.state());
  const auto ended = o.here.run({"get", o.good()}, with_mount(o.here, o.here.state(), 0, "size=16k"));
  if (!permitted(ended))
    return;
  INFO(ended.err);
  CHECK(ended.status == 1);
  CHECK_THAT(ended.err, Contains("space") || Contains("full"));
  CHECK_THAT(ended.err, Contains(o.here.state().string()));
  CHECK(names_in(o.here.folder()).empty());
}

TEST_CASE("a state directory that cannot be written to is told of", "[system][input]") {
  office o;
  fs::create_directory(o.here.state());
  const auto ended = o.here.run({"get", o.good()}, with_mount(o.here, o.here.state(), MS_RDONLY, ""));
  if (!permitted(ended))
    return;
  CHECK(ended.status == 1);
  CHECK_THAT(ended.err, Contains(o.here.state().string()));
}

TEST_CASE("a ledger of a newer Bellhop is left alone", "[system][input]") {
  office o;
  REQUIRE(o.here.run({"get", o.good()}).status == 0);
  const auto file = o.here.state() / "ledger.sqlite";
  auto bytes = read_file(file);
  bytes.replace(60, 4, std::string{"\0\0\x27\x0f", 4}); // user_version in SQLite's file header
  write_file(file, bytes);
  for (const auto& arguments : {strings{"get", o.good()}, strings{"list"}}) {
    const auto ended = o.here.run(arguments);
    INFO(ended.err);
    CHECK(ended.status == 1);
    CHECK_THAT(ended.err, Contains("9999") && Contains(file.string()));
  }
  CHECK(read_file(file) == bytes);
}

TEST_CASE("a ledger that cannot be read is set aside, not lost", "[system][input]") {
  office o;
  fs::create_directory(o.here.state());
  fs::permissions(o.here.state(), fs::owner_all);
  const auto garbage = random_bytes(20'000, 43);
  write_file(o.here.state() / "ledger.sqlite", garbage);
  const auto ended = o.here.run({"get", o.good()});
  INFO(ended.err);
  CHECK(ended.status == 1);
  std::string aside;
  for (const auto& name : names_in(o.here.state()))
    if (name.find(".unreadable-") != std::string::npos)
      aside = (o.here.state() / name).string();
  REQUIRE(aside != "");
  CHECK(read_file(aside) == garbage);
  CHECK_THAT(ended.err, Contains(aside));
  CHECK(o.here.run({"get", o.good()}).status == 0);
  CHECK(o.good_is_there());
}

TEST_CASE("a host that is not there is named", "[system][input]") {
  office o;
  const auto ended = o.here.run({"get", "--retry", "2", "--retry-delay", "0.02", o.good(),
                                 "http://bellhop-test.invalid/x", "http://127.0.0.1:1/y"});
  INFO(ended.err);
  CHECK(ended.status == 1);
  CHECK_THAT(ended.err, Contains("bellhop-test.invalid") && Contains("127.0.0.1:1"));
  CHECK(o.good_is_there());
}
