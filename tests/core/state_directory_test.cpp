#include "core/state_directory.hpp"
#include "tests/core/ledger_fixture.hpp"
#include "tests/support/environment.hpp"
#include "tests/support/error_of.hpp"

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <csignal>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace bellhop;
using namespace bellhop::test;

namespace {

mode_t mode_of(const path& file) {
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

} // namespace

TEST_CASE("the state directory is where the environment says", "[state_directory]") {
  environment home{"HOME", "/home/someone"};
  SECTION("by default in the home") {
    environment state{"BELLHOP_STATE_DIR", nullptr};
    environment xdg{"XDG_STATE_HOME", nullptr};
    CHECK(default_state_directory() == "/home/someone/.local/state/bellhop");
  }
  SECTION("XDG") {
    environment state{"BELLHOP_STATE_DIR", nullptr};
    environment xdg{"XDG_STATE_HOME", "/xdg"};
    CHECK(default_state_directory() == "/xdg/bellhop");
  }
  SECTION("a relative XDG path is invalid") {
    environment state{"BELLHOP_STATE_DIR", nullptr};
    environment xdg{"XDG_STATE_HOME", "xdg"};
    CHECK(default_state_directory() == "/home/someone/.local/state/bellhop");
  }
  SECTION("its own variable wins") {
    environment state{"BELLHOP_STATE_DIR", "/elsewhere"};
    environment xdg{"XDG_STATE_HOME", "/xdg"};
    CHECK(default_state_directory() == "/elsewhere");
  }
  SECTION("and may be relative") {
    environment state{"BELLHOP_STATE_DIR", "here"};
    CHECK(default_state_directory() == boost::filesystem::current_path() / "here");
  }
  SECTION("empty means unset") {
    environment state{"BELLHOP_STATE_DIR", ""};
    environment xdg{"XDG_STATE_HOME", ""};
    CHECK(default_state_directory() == "/home/someone/.local/state/bellhop");
  }
}

TEST_CASE("a state directory is made for this user alone", "[state_directory]") {
  temporary_folder folder;
  const auto where = folder.where() / "a" / "b" / "bellhop";
  const state_directory state{where};
  CHECK(state.where() == where);
  CHECK(state.ledger_file() == ledger_file_in(where));
  CHECK(state.ledger_file().parent_path() == where);
  CHECK(mode_of(where) == 0700);
  CHECK(mode_of(folder.where() / "a") == 0700);
  CHECK(mode_of(where / "lock") == 0600);
}

TEST_CASE("an existing directory keeps its mode", "[state_directory]") {
  temporary_folder folder;
  REQUIRE(::chmod(folder.where().c_str(), 0755) == 0);
  const state_directory state{folder.where()};
  CHECK(mode_of(folder.where()) == 0755);
}

TEST_CASE("a second engine is told who is there", "[state_directory]") {
  temporary_folder folder;
  {
    const state_directory first{folder.where()};
    const auto why = error_of([&] { state_directory second{folder.where()}; });
    CHECK(why.code == errc::state_in_use);
    CHECK(why.message.find("process " + std::to_string(::getpid())) != std::string::npos);
    CHECK(why.message.find(folder.where().native()) != std::string::npos);
    CHECK(why.message.find("BELLHOP_STATE_DIR") != std::string::npos);
  }
  CHECK_NOTHROW(state_directory{folder.where()});
}

TEST_CASE("the lock of another process ends with it, even by kill -9", "[state_directory]") {
  temporary_folder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const state_directory held{folder.where()};
    if (::write(ready[1], "r", 1) != 1)
      ::_exit(1);
    for (;;)
      ::pause();
  }
  char mark;
  REQUIRE(::read(ready[0], &mark, 1) == 1);
  const auto why = error_of([&] { state_directory mine{folder.where()}; });
  CHECK(why.code == errc::state_in_use);
  CHECK(why.message.find("process " + std::to_string(child)) != std::string::npos);

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK_NOTHROW(state_directory{folder.where()});
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a state directory that cannot be made says so", "[state_directory]") {
  temporary_folder folder;
  boost::filesystem::ofstream{folder.where() / "file"} << "x";
  for (const auto& where : {folder.where() / "file", folder.where() / "file" / "below"}) {
    const auto why = error_of([&] { state_directory{where}; });
    CHECK(why.code == errc::ledger_io);
    CHECK(why.message.find(where.native()) != std::string::npos);
  }
}

TEST_CASE("the lock file is not followed through a link", "[state_directory]") {
  temporary_folder folder;
  boost::filesystem::ofstream{folder.where() / "precious"} << "precious";
  boost::filesystem::create_symlink(folder.where() / "precious", folder.where() / "lock");
  CHECK(error_of([&] { state_directory{folder.where()}; }).code == errc::ledger_io);
  CHECK(boost::filesystem::file_size(folder.where() / "precious") == 8);
}
