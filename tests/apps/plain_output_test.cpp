#include "apps/bellhop/plain_output.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <csignal>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace bellhop::cli;
using namespace std::chrono_literals;

namespace {

/// A file in memory.
struct sink {
  sink() : fd(::memfd_create("sink", MFD_CLOEXEC)) { REQUIRE(fd >= 0); }
  ~sink() { ::close(fd); }
  std::string text() const {
    std::string all(1 << 20, '\0');
    const auto size = ::pread(fd, all.data(), all.size(), 0);
    REQUIRE(size >= 0);
    all.resize(static_cast<std::size_t>(size));
    return all;
  }
  int fd;
};

} // namespace

TEST_CASE("results go to standard output, messages to standard error", "[plain_output]") {
  sink out, err;
  {
    plain_output plain{out.fd, err.fd, verbosity::lines};
    plain.completed("/srv/a.iso", 1 << 20, 1100ms);
    plain.completed("/srv/odd\nname", 5, std::nullopt);
    plain.failed("http://example.org/b.iso", "404 Not Found");
    plain.object({{"seq", 1}});
    plain.summary({2, 1, 0}, 1 << 20, 2000ms);
  }
  CHECK(out.text() == "completed /srv/a.iso  1.0 MiB  1.1s\ncompleted /srv/odd\uFFFDname  5 B\n");
  CHECK(err.text() ==
        "failed http://example.org/b.iso: 404 Not Found\n2 files, 1.0 MiB in 2.0s (512 KiB/s), 1 failed\n");
}

TEST_CASE("quiet prints errors only", "[plain_output]") {
  sink out, err;
  {
    plain_output plain{out.fd, err.fd, verbosity::errors};
    plain.completed("/srv/a.iso", 1, 1ms);
    plain.object({{"seq", 1}});
    plain.failed("b.iso", "gone");
    plain.summary({1, 1, 0}, 1, 1s);
  }
  CHECK(out.text() == "");
  CHECK(err.text() == "failed b.iso: gone\n");
}

TEST_CASE("json is one object a line, whatever the names hold", "[plain_output]") {
  sink out, err;
  {
    plain_output plain{out.fd, err.fd, verbosity::json};
    plain.completed("/srv/a.iso", 1, 1ms);
    plain.object({{"seq", 1}, {"type", "completed"}, {"destination", "/srv/line\nbreak"}});
    plain.object({{"seq", 2}, {"destination", "no utf-8 \xff"}});
    plain.summary({2, 0, 0}, 1, 1s);
  }
  CHECK(out.text() == "{\"seq\":1,\"type\":\"completed\",\"destination\":\"/srv/line\\nbreak\"}\n"
                      "{\"seq\":2,\"destination\":\"no utf-8 \uFFFD\"}\n");
  CHECK(err.text() == "");
}

TEST_CASE("a wait is told, and one that may need the user always", "[plain_output]") {
  for (const auto how : {verbosity::lines, verbosity::errors, verbosity::json}) {
    sink out, err;
    plain_output plain{out.fd, err.fd, how};
    plain.waiting("a.iso", "the connection was lost", 2s, false);
    CHECK(err.text() == (how == verbosity::lines ? "waiting a.iso: the connection was lost; again in 2.0s\n" : ""));
    plain.waiting("b.iso", "no space", 16s, true);
    CHECK(err.text().ends_with("waiting b.iso: no space; again in 16.0s\n"));
    CHECK(out.text() == "");
  }
}

TEST_CASE("lines are gathered, and written when asked", "[plain_output]") {
  sink out, err;
  plain_output plain{out.fd, err.fd, verbosity::lines};
  plain.completed("a", 1, std::nullopt);
  CHECK(out.text() == "");
  CHECK(plain.flush());
  CHECK(out.text() == "completed a  1 B\n");
  for (int i = 0; i < 10'000; ++i)
    plain.completed("a", 1, std::nullopt);
  CHECK(out.text().size() > 100'000);
}

TEST_CASE("a reader that went away is noticed", "[plain_output]") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  ::close(ends[0]);
  sink err;
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  {
    plain_output plain{ends[1], err.fd, verbosity::lines};
    plain.completed("a", 1, std::nullopt);
    CHECK_FALSE(plain.flush());
  }
  std::signal(SIGPIPE, before);
  ::close(ends[1]);
}
