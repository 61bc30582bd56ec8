#include "core/daemon.hpp"
#include "core/listener.hpp"
#include "core/token_file.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <set>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace bellhop;
using namespace bellhop::test;

namespace {

mode_t mode_of(const path& file) {
  struct stat info {};
  REQUIRE(::lstat(file.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

/// With another umask.
class umask_of {
public:
  explicit umask_of(mode_t mask) : old_(::umask(mask)) {}
  ~umask_of() { ::umask(old_); }

private:
  mode_t old_;
};

/// Leaves a socket's file behind, as a process does that was killed.
void leave_stale(const path& socket) {
  const auto address = unix_address(socket);
  const unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

} // namespace

TEST_CASE("a Unix socket listens for this user alone, and its file goes with it", "[listener]") {
  temp_dir folder;
  const auto socket = folder / "run" / "bellhopd.sock";
  {
    const umask_of everybody{0};
    unix_listener listener{socket};
    CHECK(mode_of(socket) == 0600);
    CHECK(mode_of(socket.parent_path()) == 0700);
    CHECK(daemon_listens(socket));
    const auto taken = listener.release();
    CHECK(daemon_listens(socket));
  }
  CHECK_FALSE(boost::filesystem::exists(socket));
  CHECK_FALSE(daemon_listens(socket));
}

TEST_CASE("a socket that nobody answers at is replaced", "[listener]") {
  temp_dir folder;
  const auto socket = folder / "s";
  leave_stale(socket);
  CHECK_FALSE(daemon_listens(socket));
  unix_listener listener{socket};
  CHECK(daemon_listens(socket));
}

TEST_CASE("a socket that somebody answers at, and what is no socket, stay", "[listener]") {
  temp_dir folder;
  const auto socket = folder / "s";
  SECTION("somebody answers") {
    unix_listener first{socket};
    const auto why = error_of([&] { unix_listener second{socket}; });
    CHECK(why.code == errc::state_in_use);
    CHECK(why.message.find(socket.native()) != std::string::npos);
    CHECK(daemon_listens(socket));
  }
  SECTION("a file") {
    write_file(socket, "precious");
    const auto why = error_of([&] { unix_listener second{socket}; });
    CHECK(why.code == errc::invalid_argument);
    CHECK(why.message.find("no socket") != std::string::npos);
    CHECK(read_file(socket) == "precious");
  }
}

TEST_CASE("a listener leaves alone what has taken its file's name", "[listener]") {
  temp_dir folder;
  const auto socket = folder / "s";
  {
    unix_listener listener{socket};
    ::unlink(socket.c_str());
    leave_stale(socket);
  }
  CHECK(boost::filesystem::exists(socket));
}

TEST_CASE("of many that want one socket, one gets it", "[listener]") {
  temp_dir folder;
  const auto socket = folder / "s";
  for (int round = 0; round < 50; ++round) {
    leave_stale(socket);
    std::vector<std::optional<unix_listener>> listeners(4);
    std::vector<std::thread> threads;
    for (auto& each : listeners)
      threads.emplace_back([&] { error_of([&] { each.emplace(socket); }); });
    for (auto& each : threads)
      each.join();
    CHECK(std::count_if(listeners.begin(), listeners.end(), [](const auto& each) { return each.has_value(); }) == 1);
    CHECK(daemon_listens(socket));
  }
}

TEST_CASE("a path that is too long for a socket says so", "[listener]") {
  const path longest{"/" + std::string(106, 'x')};
  CHECK_NOTHROW(unix_address(longest));
  for (const auto& text : {longest.native() + "x", std::string{}}) {
    const auto why = error_of([&] { unix_address(text); });
    CHECK(why.code == errc::invalid_argument);
    CHECK(why.message.find("107") != std::string::npos);
    CHECK_FALSE(daemon_listens(text));
  }
}

TEST_CASE("TCP listens on loopback alone", "[listener]") {
  for (const std::string address : {"127.0.0.1:0", "localhost:0", "[::1]:0", "127.8.9.10:0"}) {
    INFO(address);
    const auto listener = listen_on_loopback(address);
    CHECK(listener.address.find(":0") == std::string::npos);
    CHECK(is_on_loopback(listener.fd.get()));
    const auto again = error_of([&] { listen_on_loopback(listener.address); });
    CHECK(again.message.find("choose another port") != std::string::npos);
  }
  for (const std::string address :
       {"0.0.0.0:0", "192.0.2.1:80", "[::]:0", "[2001:db8::1]:80", "[::ffff:127.0.0.1]:80"}) {
    INFO(address);
    const auto why = error_of([&] { listen_on_loopback(address); });
    CHECK(why.code == errc::invalid_argument);
    CHECK(why.message.find("loopback") != std::string::npos);
    CHECK(why.message.find(address) != std::string::npos);
  }
  for (const std::string address : {"", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                                    "127.0.0.1:8o", "::1:80", "[::1:80", "example.org:80", "127.0.0.1:80:80"}) {
    INFO(address);
    CHECK(error_of([&] { listen_on_loopback(address); }).message.find("give an address and a port") !=
          std::string::npos);
  }
}

TEST_CASE("a token is made once, for this user alone", "[token_file]") {
  temp_dir folder;
  const umask_of everybody{0};
  const auto file = folder / "token";
  std::vector<std::string> tokens(8);
  std::vector<std::thread> threads;
  for (auto& each : tokens)
    threads.emplace_back([&] { each = read_or_make_token(file); });
  for (auto& each : threads)
    each.join();
  CHECK(tokens.front().size() == 64);
  CHECK(std::set<std::string>(tokens.begin(), tokens.end()).size() == 1);
  CHECK(mode_of(file) == 0600);
  CHECK(read_or_make_token(file) == tokens.front());
  CHECK(names_in(folder.path()) == std::vector<std::string>{"token"});
  CHECK(read_or_make_token(folder / "other") != tokens.front());
}

TEST_CASE("a token that is no secret, or none, is refused", "[token_file]") {
  temp_dir folder;
  const auto file = folder / "token";
  struct row {
    const char* content;
    mode_t mode;
    const char* says;
  };
  for (const auto& [content, mode, says] :
       {row{"0123456789abcdef\n", 0600, ""}, row{"0123456789abcdef\n", 0640, "mode 0640"},
        row{"0123456789abcdef", 0604, "mode 0604"}, row{"", 0600, "16 to 1024"}, row{"short\n", 0600, "16 to 1024"},
        row{"0123456789 abcdef", 0600, "printable"}}) {
    INFO(content);
    write_file(file, content);
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    const auto why = error_of([&] { read_or_make_token(file); });
    CHECK(why.message.find(says) != std::string::npos);
    CHECK(bool{why} == (*says != '\0'));
    if (why)
      CHECK(why.message.find(file.native()) != std::string::npos);
  }
  CHECK(error_of([&] { read_or_make_token(folder.path()); }).message.find("no regular file") != std::string::npos);
  CHECK(error_of([&] { read_or_make_token(folder / "absent" / "token"); }).code == errc::file_io);
}
