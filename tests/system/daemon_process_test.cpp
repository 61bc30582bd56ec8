#include "core/daemon.hpp"
#include "core/listener.hpp"
#include "tests/support/desk.hpp"
#include "tests/support/environment.hpp"
#include "tests/support/error_of.hpp"

#include <boost/filesystem.hpp>
#include <catch2/catch.hpp>

#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace bellhop::test;

/// bellhopd as a process: how it starts, takes over what is handed to it, listens to signals, and stops.
namespace {

namespace fs = boost::filesystem;
using bellhop::unique_fd;

/// What a service manager hears.
class manager {
public:
  explicit manager(const fs::path& where) : where_(where), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const auto address = bellhop::unix_address(where);
    REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  std::string address() const { return where_.string(); }

  /// The next message; its lines end with a line break each.
  std::string next() {
    pollfd what{fd_.get(), POLLIN, 0};
    REQUIRE(::poll(&what, 1, std::chrono::milliseconds{program_patience}.count()) == 1);
    char text[4096];
    const auto length = ::recv(fd_.get(), text, sizeof text, 0);
    REQUIRE(length > 0);
    return std::string(text, static_cast<std::size_t>(length)) + "\n";
  }

private:
  fs::path where_;
  unique_fd fd_;
};

struct daemon_desk : desk {
  fs::path socket = *this / "run" / "bellhopd.sock";
  fs::path config = *this / "bellhopd.json";

  program::options quiet() const {
    auto result = options();
    // What this test's own surroundings say does not count.
    for (const char* name : {"XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "BELLHOP_SOCKET", "NOTIFY_SOCKET", "JOURNAL_STREAM"})
      result.environment[name] = "";
    return result;
  }
  std::vector<std::string> command_line(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"--socket", socket.string()};
    all.insert(all.end(), more.begin(), more.end());
    return command("bellhopd", all);
  }
  std::unique_ptr<program> daemon(std::vector<std::string> more = {}) const { return daemon(std::move(more), quiet()); }
  std::unique_ptr<program> daemon(std::vector<std::string> more, program::options with) const {
    auto started = std::make_unique<program>(command_line(std::move(more)), std::move(with));
    INFO(started->err());
    const bool listens = started->wait_until([&] { return said(*started, "listens at"); });
    INFO(started->err());
    REQUIRE(listens);
    return started;
  }
  static bool said(const program& p, const std::string& what) { return p.err().find(what) != std::string::npos; }
  program_result refused(std::vector<std::string> more) const {
    return run_program(command_line(std::move(more)), quiet());
  }

  /// The daemon's answer to GET; empty if it gave none.
  static json get(const std::string& path, std::vector<std::string> how) {
    how.insert(how.begin(), {"/usr/bin/curl", "-sS", "--max-time", "60"});
    how.push_back("http://localhost" + path);
    const auto result = run_program(how);
    INFO(result.err);
    return json::parse(result.out, nullptr, false);
  }
  json health() const { return get("/v1/health", {"--unix-socket", socket.string()}); }
};

} // namespace

TEST_CASE("bellhopd serves until it is told to stop", "[system][bellhopd]") {
  daemon_desk d;
  const auto signal = GENERATE(SIGTERM, SIGINT);
  const auto daemon = d.daemon();
  CHECK(d.health().at("status") == "ok");
  CHECK(d.health().at("pid") == daemon->pid());
  struct stat info {};
  REQUIRE(::stat(d.socket.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  daemon->signal(signal);
  const auto end = daemon->wait();
  CHECK(end.status == 0);
  CHECK(end.out.empty());
  CHECK(lines_of(end.err).back().find("info: stopped; transfers completed: 0") != std::string::npos);
  CHECK_FALSE(fs::exists(d.socket));
  // Whoever comes next finds everything free.
  CHECK_NOTHROW(d.daemon());
}

TEST_CASE("a second bellhopd on the same state is refused, with the first one's pid", "[system][bellhopd]") {
  daemon_desk d;
  const auto first = d.daemon();
  const auto second =
      run_program(daemon_desk::command("bellhopd", {"--socket", (d / "other.sock").string()}), d.quiet());
  CHECK(second.status == bellhop::exit_state_in_use);
  CHECK(second.err.find("process " + std::to_string(first->pid())) != std::string::npos);
  CHECK(second.err.find(d.state().native()) != std::string::npos);
  CHECK_FALSE(fs::exists(d / "other.sock"));
  // Another state, the same socket: that one is alive.
  const auto third = d.refused({"--state", (d / "other-state").string()});
  CHECK(third.status == bellhop::exit_state_in_use);
  CHECK(third.err.find(d.socket.native()) != std::string::npos);
  CHECK(d.health().at("pid") == first->pid());
}

TEST_CASE("bellhopd takes the place of one that was killed", "[system][bellhopd]") {
  daemon_desk d;
  d.daemon()->kill();
  CHECK(fs::exists(d.socket));
  const auto next = d.daemon();
  CHECK(d.health().at("pid") == next->pid());
}

TEST_CASE("bellhopd is told by SIGHUP to read its configuration again", "[system][bellhopd]") {
  daemon_desk d;
  write_file(d.config, R"({"max_active": 7})");
  const auto daemon = d.daemon({"--config", d.config.string()});
  const auto reload = [&](const std::string& content, const std::string& says) {
    write_file(d.config, content);
    daemon->signal(SIGHUP);
    const bool told = daemon->wait_until([&] { return daemon_desk::said(*daemon, says); });
    INFO(daemon->err());
    CHECK(told);
  };
  reload(R"({"max_active": 9})", "max_active 9");
  reload(R"({"max_active": "ten"})", "max_active must be");
  CHECK(daemon_desk::said(*daemon, "what was set before stays"));
  reload(R"({"log_level": "warning"})", "what was set before stays");
  reload("{", "it is no JSON");
  fs::remove(d.config);
  daemon->signal(SIGHUP);
  CHECK(daemon->wait_until([&] { return daemon_desk::said(*daemon, "is not there"); }));
  CHECK(d.health().at("status") == "ok");
}

TEST_CASE("bellhopd refuses what it cannot use, and says what and why", "[system][bellhopd]") {
  daemon_desk d;
  struct row {
    std::vector<std::string> arguments;
    std::string config;
    int status;
    std::vector<std::string> says;
  };
  const std::string file = d.config.string();
  for (const auto& [arguments, config, status, says] : std::vector<row>{
           {{"--listen", "0.0.0.0:80"}, "", 2, {"0.0.0.0:80", "loopback"}},
           {{"--listen", "here"}, "", 2, {"here", "127.0.0.1:8080"}},
           {{"--durability", "maybe"}, "", 2, {"--durability 'maybe'", "crash, power"}},
           {{"--log-level", "loud"}, "", 2, {"--log-level 'loud'", "debug, info, warning, error"}},
           {{"--shutdown-deadline", "soon"}, "", 2, {"--shutdown-deadline 'soon'"}},
           {{"--exit-when-idle", "25h"}, "", 2, {"--exit-when-idle '25h'", "24h"}},
           {{"--socket", "/" + std::string(107, 'x')}, "", 2, {"107", "BELLHOP_SOCKET"}},
           {{"--state", ""}, "", 2, {"--state ''"}},
           {{"--frobnicate"}, "", 2, {"--frobnicate"}},
           {{"word"}, "", 2, {"'word'"}},
           {{"--config", (d / "absent").string()}, "", 2, {"absent", "is not there"}},
           {{"--config", file}, "[1]", 2, {file, "object"}},
           {{"--config", file}, R"({"max_active": 0})", 2, {file, "max_active", "from 1 to"}},
           {{"--config", file}, R"({"max_actve": 3})", 2, {file, "max_actve"}},
           {{"--config", file}, R"({"log_level": 3})", 2, {file, "log_level", "debug, info, warning, error"}},
           {{"--config", file}, std::string(70'000, ' '), 2, {file, "65536 bytes"}},
       }) {
    INFO(arguments.front() << " " << config.substr(0, 80));
    write_file(d.config, config);
    const auto end = d.refused(arguments);
    INFO(end.err);
    CHECK(end.status == status);
    for (const auto& each : says)
      CHECK(end.err.find(each) != std::string::npos);
    CHECK_FALSE(fs::exists(d.socket));
  }
}

TEST_CASE("bellhopd tells what it is", "[system][bellhopd]") {
  const auto version = run_program(desk::command("bellhopd", {"--version"}));
  CHECK(version.status == 0);
  CHECK(version.out.starts_with("bellhopd 0."));
  const auto help = run_program(desk::command("bellhopd", {"--help"}));
  CHECK(help.status == 0);
  for (const char* option :
       {"--state", "--socket", "--listen", "--token-file", "--durability", "--config", "--log-level",
        "--shutdown-deadline", "--exit-when-idle", "--background", "BELLHOP_STATE_DIR"})
    CHECK(help.out.find(option) != std::string::npos);
}

TEST_CASE("bellhopd listens on loopback for who has its token", "[system][bellhopd]") {
  daemon_desk d;
  const auto daemon = d.daemon({"--listen", "127.0.0.1:0"});
  const auto log = daemon->err();
  const auto at = log.find("127.0.0.1:");
  REQUIRE(at != std::string::npos);
  const auto address = log.substr(at, log.find(';', at) - at);
  const auto token = lines_of(read_file(d.state() / "token")).at(0);
  CHECK(token.size() == 64);
  CHECK(log.find(token) == std::string::npos);
  const auto ask = [&](const std::string& shown) {
    return run_program({"/usr/bin/curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H",
                        "Authorization: Bearer " + shown, "http://" + address + "/v1/health"})
        .out;
  };
  CHECK(ask(token) == "200");
  CHECK(ask(std::string(64, '0')) == "401");
}

TEST_CASE("bellhopd serves the socket that a service manager passes, and tells it how it is", "[system][bellhopd]") {
  daemon_desk d;
  manager m{d / "notify"};
  const auto passed_path = d / "passed.sock";
  bellhop::unix_listener passed{passed_path};
  const auto fd = passed.release();
  auto with = d.quiet();
  with.environment["NOTIFY_SOCKET"] = m.address();
  with.environment["LISTEN_FDS"] = "1";
  // The shell becomes the daemon, with its pid.
  with.before_exec = [number = fd.get()] { return ::dup2(number, 3) == 3; };
  auto command = d.command_line();
  command.insert(command.begin(), {"/bin/sh", "-c", "LISTEN_PID=$$ exec \"$@\"", "sh"});
  program daemon{command, with};

  const auto ready = m.next();
  INFO(daemon.err());
  CHECK(ready.find("READY=1\n") != std::string::npos);
  CHECK(ready.find(passed_path.native()) != std::string::npos);
  CHECK(d.get("/v1/health", {"--unix-socket", passed_path.string()}).at("status") == "ok");
  CHECK_FALSE(fs::exists(d.socket));

  daemon.signal(SIGHUP);
  const auto reloading = m.next();
  CHECK(reloading.find("RELOADING=1\n") != std::string::npos);
  CHECK(reloading.find("MONOTONIC_USEC=") != std::string::npos);
  CHECK(m.next().find("READY=1\n") != std::string::npos);

  daemon.signal(SIGTERM);
  CHECK(m.next().find("STOPPING=1\n") != std::string::npos);
  CHECK(daemon.wait().status == 0);
  // It is the service manager's.
  CHECK(fs::exists(passed_path));
}

TEST_CASE("bellhopd refuses a socket that it must not serve", "[system][bellhopd]") {
  daemon_desk d;
  auto with = d.quiet();
  with.environment["LISTEN_FDS"] = "1";
  const unique_fd everywhere{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  REQUIRE(::listen(everywhere.get(), 1) == 0);
  with.before_exec = [number = everywhere.get()] { return ::dup2(number, 3) == 3; };
  auto command = d.command_line();
  command.insert(command.begin(), {"/bin/sh", "-c", "LISTEN_PID=$$ exec \"$@\"", "sh"});
  const auto end = run_program(command, with);
  CHECK(end.status == 2);
  CHECK(end.err.find("loopback") != std::string::npos);
}

TEST_CASE("bellhopd tells the journal how serious each line is", "[system][bellhopd]") {
  daemon_desk d;
  auto with = d.quiet();
  // As a service manager: the stream's own numbers.
  auto command = d.command_line();
  command.insert(command.begin(),
                 {"/bin/sh", "-c", "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/$$/fd/2) exec \"$@\"", "sh"});
  program daemon{command, with};
  CHECK(daemon.wait_until([&] { return daemon_desk::said(daemon, "listens at"); }));
  for (const auto& line : lines_of(daemon.err()))
    CHECK(line.starts_with("<6>"));
}

TEST_CASE("bellhopd goes when nobody needs it", "[system][bellhopd]") {
  daemon_desk d;
  const auto daemon = d.daemon({"--exit-when-idle", "200ms"});
  const auto end = daemon->wait();
  CHECK(end.status == 0);
  CHECK(end.err.find("nothing to do") != std::string::npos);
  CHECK_FALSE(fs::exists(d.socket));
}

TEST_CASE("bellhopd stays for who is connected, and no longer", "[system][bellhopd]") {
  daemon_desk d;
  const auto daemon = d.daemon({"--exit-when-idle", "2s"});
  unique_fd client{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = bellhop::unix_address(d.socket);
  REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const std::string request = "GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
  REQUIRE(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL) > 0);
  char answer[16];
  REQUIRE(::recv(client.get(), answer, sizeof answer, 0) > 0);
  std::this_thread::sleep_for(std::chrono::seconds{4});
  CHECK(daemon->running());
  client.reset();
  CHECK(daemon->wait().status == 0);
}

// -- on demand --------------------------------------------------------------------------------------------------------

namespace {

/// In this process's surroundings, as a program has them that calls start_daemon.
struct demand_desk : daemon_desk {
  environment program{"BELLHOPD", BELLHOP_BIN_DIR "/bellhopd"};
  environment where{"BELLHOP_STATE_DIR", state().c_str()};
  environment home{"HOME", (*this / "home").c_str()};
  environment config_home{"XDG_CONFIG_HOME", nullptr};
  pid_t started = 0;

  ~demand_desk() {
    if (started > 0)
      ::kill(started, SIGKILL);
  }
};

} // namespace

TEST_CASE("a daemon is started when it is needed, once for all that need it", "[system][bellhopd]") {
  demand_desk d;
  const unique_fd ours{::open(d.folder().c_str(), O_RDONLY | O_DIRECTORY)};
  std::vector<bellhop::error> outcomes(8);
  std::vector<std::thread> clients;
  for (auto& each : outcomes)
    clients.emplace_back([&] { each = error_of([&] { bellhop::start_daemon(d.socket); }); });
  for (auto& each : clients)
    each.join();
  for (const auto& each : outcomes)
    CHECK(each.message.empty());
  const auto health = d.health();
  d.started = health.at("pid");
  CHECK(health.at("status") == "ok");

  // It is nobody's child here, and has a log of its own.
  CHECK(::kill(d.started, 0) == 0);
  CHECK(::getpgid(d.started) != ::getpgrp());
  CHECK(::getsid(d.started) != ::getsid(0));
  CHECK(read_file(d.state() / "bellhopd.log").find("listens at") != std::string::npos);
  CHECK(fs::read_symlink("/proc/" + std::to_string(d.started) + "/cwd") == "/");
  for (const auto& each : fs::directory_iterator{"/proc/" + std::to_string(d.started) + "/fd"}) {
    boost::system::error_code closed_meanwhile;
    CHECK(fs::read_symlink(each.path(), closed_meanwhile) != d.folder());
  }
}

TEST_CASE("what keeps a daemon from starting is told to who wanted it", "[system][bellhopd]") {
  demand_desk d;
  fs::create_directories(d / "home/.config/bellhop");
  write_file(d / "home/.config/bellhop/bellhopd.json", R"({"max_active": -1})");
  const auto why = error_of([&] { bellhop::start_daemon(d.socket); });
  CHECK(why.code == bellhop::errc::daemon_unavailable);
  CHECK(why.message.find("bellhopd.json") != std::string::npos);
  CHECK(why.message.find("max_active") != std::string::npos);
}
