#include "core/daemon.hpp"
#include "core/listener.hpp"
#include "core/process.hpp"
#include "tests/support/environment.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace bellhop;
using namespace bellhop::test;

namespace {

/// Shell scripts in the daemon's place. What the real one does is in tests/system/daemon_process_test.cpp.
struct daemon_fixture {
  temp_dir folder;
  path socket = folder / "bellhopd.sock";
  path program = folder / "daemon";
  environment which{"BELLHOPD", program.c_str()};
  environment state{"BELLHOP_STATE_DIR", (folder / "state").c_str()};

  void daemon_is(const std::string& script) const {
    write_file(program, "#!/bin/sh\ncd '" + folder.path().native() + "'\n" + script);
    REQUIRE(::chmod(program.c_str(), 0700) == 0);
  }
  error start() const {
    return error_of([&] { start_daemon(socket); });
  }
};

} // namespace

TEST_CASE("the daemon's socket is where the environment says", "[daemon]") {
  environment state{"BELLHOP_STATE_DIR", "/state"};
  SECTION("in the runtime directory") {
    environment own{"BELLHOP_SOCKET", nullptr};
    environment runtime{"XDG_RUNTIME_DIR", "/run/user/7"};
    CHECK(default_socket() == "/run/user/7/bellhop/bellhopd.sock");
  }
  SECTION("without one, or with one that is no absolute path, in the state directory") {
    environment own{"BELLHOP_SOCKET", ""};
    for (const char* value : {static_cast<const char*>(nullptr), "", "run"}) {
      environment runtime{"XDG_RUNTIME_DIR", value};
      CHECK(default_socket() == "/state/bellhopd.sock");
    }
  }
  SECTION("its own variable wins, and may be relative") {
    environment own{"BELLHOP_SOCKET", "here.sock"};
    environment runtime{"XDG_RUNTIME_DIR", "/run/user/7"};
    CHECK(default_socket() == boost::filesystem::current_path() / "here.sock");
  }
}

TEST_CASE("a daemon that listens is not started again", "[daemon]") {
  daemon_fixture f;
  f.daemon_is("touch started");
  unix_listener listener{f.socket};
  CHECK_FALSE(f.start());
  CHECK_FALSE(boost::filesystem::exists(f.folder / "started"));
}

TEST_CASE("a daemon that is not installed: where it was looked for", "[daemon]") {
  daemon_fixture f;
  SECTION("where BELLHOPD says") {
    const auto why = f.start();
    CHECK(why.code == errc::daemon_unavailable);
    CHECK(why.message.find(f.program.native()) != std::string::npos);
    CHECK(why.message.find("set BELLHOPD") != std::string::npos);
  }
  SECTION("beside this program, and in PATH") {
    environment unset{"BELLHOPD", nullptr};
    environment folders{"PATH", "/nowhere:relative::/elsewhere"};
    const auto beside = boost::filesystem::read_symlink("/proc/self/exe").parent_path() / "bellhopd";
    if (!boost::filesystem::exists(beside)) {
      const auto why = f.start();
      CHECK(why.message.find(beside.native() + ", /nowhere/bellhopd, /elsewhere/bellhopd.") != std::string::npos);
    }
  }
  SECTION("what is no program") {
    write_file(f.program, "no program");
    CHECK(f.start().message.find("not found") != std::string::npos);
    f.daemon_is("");
    write_file(f.program, "#!/nowhere/interpreter\n");
    CHECK(f.start().message.find("cannot start the daemon") != std::string::npos);
  }
}

TEST_CASE("a daemon that does not come up: its last words", "[daemon]") {
  daemon_fixture f;
  f.daemon_is("echo 'the disk is on fire' >&2; exit 1");
  const auto why = f.start();
  CHECK(why.code == errc::daemon_unavailable);
  CHECK(why.message.find(f.program.native()) != std::string::npos);
  CHECK(why.message.find(f.socket.native()) != std::string::npos);
  CHECK(why.message.ends_with("it says: the disk is on fire"));

  f.daemon_is("exit 0");
  CHECK(f.start().message.find("bellhopd.log in " + (f.folder / "state").native()) != std::string::npos);

  // Nothing is left of either.
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a daemon that says more than anybody reads is no obstacle", "[daemon]") {
  daemon_fixture f;
  f.daemon_is("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1");
  const auto why = f.start();
  CHECK(why.message.ends_with("xxx"));
  CHECK(why.message.size() < 10'000);
}

TEST_CASE("a daemon starts as its own master", "[daemon]") {
  daemon_fixture f;
  environment notify{"NOTIFY_SOCKET", "/nowhere"};
  environment launched{"BELLHOP_BACKGROUND_SESSION", "pictures"};
  const unique_fd stays_here{::open("/dev/null", O_RDONLY)};
  f.daemon_is(R"sh(
    { echo "$*"; echo "${NOTIFY_SOCKET-none} ${BELLHOP_BACKGROUND_SESSION-none}"
      set -- $(cat /proc/$$/stat); test "$1" = "$6" && echo 'leads a session'
      ls /proc/self/fd | tr '\n' ' '; } >told
    exit 1)sh");
  f.start();
  const auto lines = lines_of(read_file(f.folder / "told"));
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "--background --socket " + f.socket.native());
  CHECK(lines[1] == "none none");
  CHECK(lines[2] == "leads a session");
  // Besides the standard ones: the shell's for its script and ls's for the folder.
  CHECK(lines[3].size() <= std::string{"0 1 2 3 10 "}.size());
}

TEST_CASE("who loses the race for the state directory is served by who wins it", "[daemon]") {
  daemon_fixture f;
  std::optional<unix_listener> winner;
  SECTION("that listens a little later") {
    f.daemon_is("echo in use >&2; touch tried; exit 75");
    std::thread other{[&] {
      while (!boost::filesystem::exists(f.folder / "tried"))
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      winner.emplace(f.socket);
    }};
    CHECK_FALSE(f.start());
    other.join();
  }
  SECTION("or, when that was about to stop, by the next try") {
    // The state directory is free at the third try; that one listens: in this process, since a shell cannot.
    f.daemon_is("echo x >>tries; test $(wc -l <tries) -lt 3 && exit 75; touch free; while ! test -S bellhopd.sock; do "
                "sleep 0.01; done");
    std::thread other{[&] {
      while (!boost::filesystem::exists(f.folder / "free"))
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      winner.emplace(f.socket);
    }};
    CHECK_FALSE(f.start());
    other.join();
    CHECK(lines_of(read_file(f.folder / "tries")).size() == 3);
  }
}

TEST_CASE("a socket's path that is too long is told before anything is started", "[daemon]") {
  daemon_fixture f;
  f.daemon_is("touch started");
  const auto why = error_of([&] { start_daemon(f.folder / std::string(108, 'x')); });
  CHECK(why.code == errc::daemon_unavailable);
  CHECK(why.message.find("107") != std::string::npos);
  CHECK_FALSE(boost::filesystem::exists(f.folder / "started"));
}
