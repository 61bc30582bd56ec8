#include "tests/support/desk.hpp"
#include "tests/support/origin.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <regex>

using namespace bellhop::test;
using Catch::Contains;
using Catch::StartsWith;

/// The command line over the real daemon.
namespace {

using strings = std::vector<std::string>;
namespace fs = boost::filesystem;

const std::string content = random_bytes(300'000, 41);

/// A server of files of which it holds the second half until it is told to let go.
class slow_origin {
public:
  slow_origin() {
    server_.on("/slow.bin", [this](const origin::request& r, origin::connection& c) {
      std::size_t first = 0;
      if (const auto range = r.header("Range"))
        first = std::strtoul(range->c_str() + std::string_view{"bytes="}.size(), nullptr, 10);
      const auto rest = content.substr(first);
      strings lines{"ETag: \"v1\"", "Accept-Ranges: bytes", fmt::format("Content-Length: {}", rest.size())};
      if (first > 0)
        lines.push_back(fmt::format("Content-Range: bytes {}-{}/{}", first, content.size() - 1, content.size()));
      const auto now = rest.substr(0, first < 200'000 ? 200'000 - first : 0);
      c.send(serve::head(first > 0 ? "206 Partial Content" : "200 OK", lines) + now);
      c.wait_until([this] { return go.load(); });
      c.send(rest.substr(now.size()));
    });
    server_.on("/quick.bin", serve::response("200 OK", "quick"));
    server_.on("/other.bin", serve::response("200 OK", "other"));
  }

  std::string slow() const { return server_.url("/slow.bin"); }
  std::string quick() const { return server_.url("/quick.bin"); }
  std::string other() const { return server_.url("/other.bin"); }
  std::string missing() const { return server_.url("/missing"); }
  std::vector<origin::request> requests() const { return server_.requests(); }

  std::atomic<bool> go{false};

private:
  origin server_;
};

/// A desk whose transfers run in the daemon.
class daemon_desk : public desk {
public:
  daemon_desk() : desk(home::daemon) {}

  json one(const strings& arguments) const {
    const auto ended = run(arguments);
    INFO(ended.err);
    const auto objects = objects_in(ended.out);
    REQUIRE(objects.size() == 1);
    return objects.front();
  }
  json transfer(int id) const { return one({"status", std::to_string(id), "--json"}); }
  std::string state_of(int id) const { return transfer(id).at("state"); }
  json session(const std::string& name = "default") const {
    const auto all = one({"status", "--json"});
    for (const auto& each : all.at("sessions"))
      if (each.at("identifier") == name)
        return each;
    FAIL("no session " << name);
    return {};
  }
  std::uint64_t unacknowledged() const { return session().at("counts").at("unacknowledged_events"); }

  /// Until a transfer has ended.
  void wait_for(int id) const {
    const auto ended = run({"watch", std::to_string(id)});
    INFO(ended.err);
    REQUIRE((ended.status == 0 || ended.status == 1));
  }
  bool part_is_there() const {
    for (const auto& name : names_in(folder()))
      if (boost::system::error_code gone; name.starts_with('.') && fs::file_size(folder() / name, gone) > 0 && !gone)
        return true;
    return false;
  }
  bool is_running() const { return run({"daemon", "status"}).status == 0; }
};

/// Until a condition holds, asked again and again.
template <class Condition>
bool eventually(Condition condition) {
  program patience{{"/bin/sleep", std::to_string(program_patience.count())}, {}};
  return patience.wait_until(condition);
}

} // namespace

TEST_CASE("get downloads by the daemon, which it starts", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  CHECK(here.run({"daemon", "status"}).status == 3);
  const auto ended = here.run({"get", server.quick(), server.other()});
  INFO(ended.err);
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, Contains((here.folder() / "quick.bin").string()) && Contains("other.bin"));
  CHECK_THAT(ended.err, Contains("2 files"));
  CHECK(read_file(here.folder() / "quick.bin") == "quick");
  CHECK(here.is_running());
  // What was shown is acknowledged.
  CHECK(here.unacknowledged() == 0);
  const auto again = here.run({"get"});
  CHECK(again.status == 0);
  CHECK_THAT(again.err, Contains("nothing to finish"));
  const auto failed = here.run({"get", server.missing(), server.quick()});
  CHECK(failed.status == 1);
  CHECK_THAT(failed.err, Contains("404"));
}

TEST_CASE("get --json tells by the daemon what it tells embedded", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  const auto ended = here.run({"get", "--json", "--metadata", R"({"album": 7})", server.quick(), server.missing()});
  CHECK(ended.status == 1);
  const auto events = objects_in(ended.out);
  REQUIRE(events.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(events[i].at("seq") == i + 1);
    CHECK(events[i].at("metadata") == json{{"album", 7}});
    CHECK(events[i].contains("error") == (events[i].at("type") == "failed"));
  }
  CHECK(objects_in(here.run({"events", "--json"}).out) == events);
}

TEST_CASE("after Ctrl-C the transfers go on, and get comes back to them", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  auto running = here.start({"get", server.quick(), server.slow()});
  REQUIRE(running.wait_until([&] { return here.part_is_there() && fs::exists(here.folder() / "quick.bin"); }));
  REQUIRE(running.wait_until([&] { return running.out().find("quick.bin") != std::string::npos; }));
  running.signal(SIGINT);
  const auto interrupted = running.wait();
  CHECK(interrupted.status == 130);
  CHECK_THAT(interrupted.err,
             Contains("1 of 2 goes on in the background") && Contains("bellhop watch") && Contains("bellhop cancel 2"));
  CHECK(here.state_of(2) != "completed");
  server.go = true;
  const auto rest = here.run({"get"});
  CHECK(rest.status == 0);
  CHECK_THAT(rest.out, Contains("slow.bin") && !Contains("quick.bin"));
  CHECK(read_file(here.folder() / "slow.bin") == content);
  CHECK(server.requests().size() == 2);
  CHECK(here.unacknowledged() == 0);
}

TEST_CASE("get goes on over a daemon that is killed", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  auto running = here.start({"get", server.slow()});
  REQUIRE(running.wait_until([&] { return here.part_is_there(); }));
  const auto pid = here.holder();
  REQUIRE(pid > 1);
  REQUIRE(::kill(pid, SIGKILL) == 0);
  // Another one is started, and asks for the rest.
  REQUIRE(running.wait_until([&] { return server.requests().size() == 2; }));
  CHECK(here.holder() != pid);
  server.go = true;
  const auto ended = running.wait();
  CHECK(ended.status == 0);
  CHECK(read_file(here.folder() / "slow.bin") == content);
  CHECK(lines_of(ended.out).size() == 1);
}

TEST_CASE("get --detach returns when it is recorded", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  CHECK(here.run({"get", "--detach", server.slow(), server.quick()}).out == "1\n2\n");
  const auto third = here.one({"get", "--detach", "--json", server.other()});
  CHECK(third.at("transfer") == 3);
  CHECK(third.at("session") == "default");
  CHECK(third.at("url") == server.other());
  CHECK(third.at("destination") == (here.folder() / "other.bin").string());
  // A line that is none does not stop the others.
  auto with = here.options();
  with.input = "ftp://example.org/x\n" + server.missing() + "\n";
  const auto list = here.run({"get", "--detach", "-i", "-"}, with);
  CHECK(list.status == 1);
  CHECK(list.out == "4\n");
  CHECK_THAT(list.err, Contains("standard input:1") && Contains("ftp"));
  server.go = true;
  // Who comes later is told, once.
  const auto later = here.run({"get"});
  CHECK(later.status == 1);
  CHECK_THAT(later.out, Contains("slow.bin") && Contains("quick.bin") && Contains("other.bin"));
  CHECK_THAT(later.err, Contains("404"));
  CHECK(here.run({"get"}).out == "");
}

TEST_CASE("get waits for its own, and tells what had ended", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "--detach", server.missing(), server.slow()}).status == 0);
  here.wait_for(1);
  const auto ended = here.run({"get", server.quick()});
  // What had failed is told, but is not this one's failure.
  CHECK(ended.status == 0);
  CHECK_THAT(ended.err, Contains("(transfer 1)") && Contains("404"));
  CHECK_THAT(ended.out, Contains("quick.bin") && !Contains("(transfer 3)"));
  CHECK(here.state_of(2) != "completed");
}

TEST_CASE("two gets share a session", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  auto first = here.start({"get", server.slow()});
  REQUIRE(first.wait_until([&] { return here.part_is_there(); }));
  SECTION("the second ends with its own, which the first is told of") {
    const auto second = here.run({"get", server.quick()});
    INFO(second.err);
    CHECK(second.status == 0);
    CHECK_THAT(second.out, Contains("quick.bin"));
    CHECK_THAT(second.err, Contains("1 file,"));
    CHECK(first.running());
    CHECK(here.run({"get", server.missing()}).status == 1);
    server.go = true;
    const auto ended = first.wait();
    CHECK(ended.status == 0);
    CHECK_THAT(ended.out, Contains("slow.bin") && Contains("quick.bin (transfer 2)"));
    CHECK_THAT(ended.err, Contains("1 file,") && Contains("(transfer 3): "));
  }
  SECTION("the second acknowledges its own when the first has left") {
    auto second = here.start({"get", "-o", "again.bin", server.slow()});
    REQUIRE(second.wait_until([&] { return server.requests().size() == 2; }));
    first.signal(SIGINT);
    CHECK(first.wait().status == 130);
    REQUIRE(here.run({"cancel", "1"}).status == 0);
    here.wait_for(1);
    REQUIRE(here.run({"ack"}).status == 0);
    server.go = true;
    CHECK(second.wait().status == 0);
    CHECK(read_file(here.folder() / "again.bin") == content);
  }
  SECTION("without URLs there is one") {
    const auto second = here.run({"get"});
    CHECK(second.status == 1);
    CHECK_THAT(second.err, Contains("bellhop watch"));
    server.go = true;
    CHECK(first.wait().status == 0);
  }
  CHECK(eventually([&] { return here.unacknowledged() == 0; }));
}

TEST_CASE("what is looked at is the same by the daemon and at rest", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "-s", "nightly", server.quick(), server.missing()}).status == 1);
  REQUIRE(here.run({"get", "-s", "nightly", "--suspended", server.slow()}).out == "3\n");
  const auto look = [&] {
    strings seen;
    for (const auto& arguments :
         {strings{"list", "-s", "nightly", "--json"}, strings{"list", "-s", "nightly"},
          strings{"list", "-s", "nightly", "--state", "failed", "--json"}, strings{"events", "-s", "nightly", "--json"},
          strings{"events", "-s", "nightly", "--after", "2"}, strings{"events", "-s", "nightly"},
          strings{"sessions", "--json"}, strings{"sessions"}, strings{"status", "-s", "nightly", "3", "--json"}}) {
      const auto ended = here.run(arguments);
      CHECK(ended.status == 0);
      seen.push_back(ended.out);
    }
    return seen;
  };
  const auto beside = look();
  REQUIRE(here.run({"daemon", "stop"}).status == 0);
  CHECK(look() == beside);
  CHECK_THAT(here.run({"status"}).out, StartsWith("bellhopd is not running") && Contains("nightly") &&
                                           Contains("1 suspended, 1 completed, 1 failed"));
  CHECK(objects_in(beside[0]).size() == 3);
  CHECK(objects_in(beside[2]).at(0).at("url") == server.missing());
  CHECK_THAT(beside[1], Contains("suspended") && Contains("404"));
  CHECK(objects_in(beside[3]).size() == 2);
  CHECK(beside[4] == "");
  CHECK_THAT(beside[5], Contains("quick.bin") && Contains("404"));
  // Nothing of this has started it.
  CHECK_FALSE(here.is_running());
}

TEST_CASE("status tells of one in words", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "--suspended", "--priority", "0.75", "-s", "s", server.slow()}).status == 0);
  const auto told = here.run({"status", "-s", "s", "1"}).out;
  CHECK_THAT(told, StartsWith("transfer 1 of the session \"s\"\n") && Contains("suspended") &&
                       Contains(server.slow()) && Contains((here.folder() / "slow.bin").string()) && Contains("0.75"));
  const auto all = here.run({"status"}).out;
  CHECK_THAT(all, StartsWith("bellhopd ") && Contains("is running") && Contains("s  1 suspended"));
}

TEST_CASE("transfers are paused, changed, resumed, cancelled and removed", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "--detach", server.slow()}).status == 0);
  REQUIRE(eventually([&] { return here.part_is_there(); }));
  CHECK(here.run({"pause", "1"}).out == "paused 1 transfer\n");
  CHECK(here.state_of(1) == "suspended");
  CHECK(here.run({"change", "1", "--priority", "1", "-H", "X-Token: fresh", "--max-size", "1M"}).out ==
        "changed 1 transfer\n");
  CHECK(here.transfer(1).at("priority") == 1.0);
  CHECK(here.transfer(1).at("max_size") == 1 << 20);
  CHECK(here.one({"resume", "1", "--json"}) == json{{"session", "default"}, {"transfer", 1}});
  REQUIRE(eventually([&] { return server.requests().size() == 2; }));
  CHECK(server.requests()[1].header("X-Token") == "fresh");
  CHECK(server.requests()[1].header("Range"));
  SECTION("cancelled") {
    CHECK(here.run({"remove", "1"}).status == 1);
    CHECK(here.run({"cancel", "1"}).out == "cancelled 1 transfer\n");
    here.wait_for(1);
    CHECK(here.state_of(1) == "cancelled");
    CHECK(names_in(here.folder()).empty());
    CHECK(here.run({"change", "1", "--priority", "0"}).status == 1);
    CHECK(here.run({"remove", "1"}).out == "removed 1 transfer\n");
    CHECK(here.run({"list"}).out == "");
  }
  SECTION("cancelled with resume data, and gone on with") {
    const auto kept = here.run({"cancel", "--keep", "1"});
    REQUIRE(kept.status == 0);
    REQUIRE(lines_of(kept.out).size() == 1);
    const auto data = lines_of(kept.out).front();
    REQUIRE(data != "");
    CHECK(here.part_is_there());
    server.go = true;
    const auto ended = here.run({"get", "--resume-data", data, server.slow()});
    CHECK(ended.status == 0);
    CHECK(read_file(here.folder() / "slow.bin") == content);
    CHECK(server.requests().back().header("Range"));
  }
  SECTION("all of them") {
    REQUIRE(here.run({"get", "--suspended", server.quick(), server.other()}).status == 0);
    CHECK(here.run({"pause", "--all"}).out == "paused 1 transfer\n");
    CHECK(here.run({"resume", "--all"}).out == "resumed 3 transfers\n");
    here.wait_for(2);
    here.wait_for(3);
    CHECK(here.run({"remove", "--all"}).out == "removed 2 transfers\n");
    CHECK(here.run({"cancel", "--all", "--json"}).out == "{\"session\":\"default\",\"transfer\":1}\n");
    here.wait_for(1);
    CHECK(here.run({"cancel", "--all"}).out == "cancelled 0 transfers\n");
  }
}

TEST_CASE("what cannot be done is told, with status 1", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "-s", "other", server.quick()}).status == 0);
  REQUIRE(here.run({"get", server.quick()}).status == 0);
  struct row {
    strings arguments;
    std::string told;
  };
  for (const auto& [arguments, told] :
       {row{{"status", "77"}, "77"}, row{{"pause", "77"}, "77"}, row{{"resume", "77"}, "77"},
        row{{"cancel", "77"}, "77"}, row{{"cancel", "--keep", "77"}, "77"}, row{{"remove", "77"}, "77"},
        row{{"change", "--priority", "1", "77"}, "77"}, row{{"watch", "77"}, "77"},
        row{{"status", "1"}, "belongs to the session other"}, row{{"cancel", "1"}, "belongs to the session other"},
        row{{"cancel", "2"}, "is completed"}, row{{"pause", "2"}, "is completed"},
        row{{"list", "-s", "nobody"}, "there are: default, other"}, row{{"pause", "-s", "nobody", "1"}, "nobody"},
        row{{"events", "-s", "nobody", "--follow"}, "nobody"}, row{{"watch", "-s", "nobody"}, "nobody"},
        row{{"ack", "-s", "nobody"}, "nobody"}, row{{"sessions", "pause", "nobody"}, "nobody"},
        row{{"get", "-s", "nobody"}, "nobody"}}) {
    const auto ended = here.run(arguments);
    INFO(fmt::format("{}", fmt::join(arguments, " ")) << '\n' << ended.err);
    CHECK(ended.status == 1);
    CHECK_THAT(ended.err, StartsWith("bellhop: ") && Contains(told));
    CHECK(ended.out == "");
  }
  // One error stops no other.
  const auto some = here.run({"remove", "77", "2", "--json"});
  CHECK(some.status == 1);
  const auto outcomes = objects_in(some.out);
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].at("error").at("code") == "unknown_transfer");
  CHECK_FALSE(outcomes[1].contains("error"));
}

TEST_CASE("a daemon that cannot be had is told", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  SECTION("its program is not there") {
    auto with = here.options();
    with.environment["BELLHOPD"] = "/nowhere/bellhopd";
    for (const auto& arguments : {strings{"get", server.quick()}, strings{"pause", "1"}, strings{"daemon", "start"}}) {
      const auto ended = here.run(arguments, with);
      CHECK(ended.status == 1);
      CHECK_THAT(ended.err, Contains("/nowhere/bellhopd"));
    }
    CHECK_FALSE(fs::exists(here.state() / "ledger.sqlite"));
  }
  SECTION("there is nothing to watch without one") {
    const auto ended = here.run({"watch"});
    CHECK(ended.status == 1);
    CHECK_THAT(ended.err, Contains("bellhop daemon start"));
  }
  SECTION("an engine in another process has the state") {
    auto holder = here.start({"get", "--embedded", server.slow()});
    REQUIRE(holder.wait_until([&] { return here.part_is_there(); }));
    for (const auto& arguments : {strings{"get", server.quick()}, strings{"pause", "1"}, strings{"daemon", "start"}}) {
      const auto ended = here.run(arguments);
      CHECK(ended.status == 1);
      CHECK_THAT(ended.err, Contains(std::to_string(holder.pid())));
    }
    CHECK_THAT(here.run({"list"}).out, Contains("slow.bin"));
    server.go = true;
    CHECK(holder.wait().status == 0);
  }
  SECTION("the daemon has the state") {
    REQUIRE(here.run({"daemon", "start"}).status == 0);
    const auto ended = here.run({"get", "--embedded", server.quick()});
    CHECK(ended.status == 1);
    CHECK_THAT(ended.err, Contains(std::to_string(here.holder())) && Contains("leave out --embedded"));
  }
}

TEST_CASE("the daemon is started, shown and stopped", "[system][cli]") {
  daemon_desk here;
  CHECK_THAT(here.run({"daemon", "stop"}).out, Contains("was not running"));
  const auto started = here.run({"daemon", "start"});
  CHECK(started.status == 0);
  CHECK(started.out == fmt::format("bellhopd is running: process {}\n", here.holder()));
  CHECK_THAT(here.run({"daemon", "start"}).out, Contains("already"));
  const auto shown = here.one({"daemon", "status", "--json"});
  CHECK(shown.at("running") == true);
  CHECK(shown.at("pid") == here.holder());
  CHECK_THAT(here.run({"daemon", "status"}).out,
             Contains("is running") && Contains(here.state().string()) && Contains("bellhopd.sock"));
  CHECK(here.run({"daemon", "stop"}).status == 0);
  CHECK(here.holder() == 0);
  CHECK(here.run({"daemon", "status"}).status == 3);
  CHECK(here.one({"daemon", "status", "--json"}).at("running") == false);
}

TEST_CASE("the daemon stops in order, and goes on when it is started", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "--detach", server.slow()}).status == 0);
  REQUIRE(eventually([&] { return here.part_is_there(); }));
  REQUIRE(here.run({"daemon", "stop"}).status == 0);
  CHECK(here.state_of(1) == "queued");
  server.go = true;
  REQUIRE(here.run({"daemon", "start"}).status == 0);
  here.wait_for(1);
  CHECK(read_file(here.folder() / "slow.bin") == content);
  CHECK(server.requests().back().header("Range"));
}

TEST_CASE("events are followed", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", server.quick()}).status == 0);
  const auto follow = [&](int first) {
    auto running = here.start({"events", "--follow", "--json"});
    REQUIRE(running.wait_until([&] { return !lines_of(running.out()).empty(); }));
    REQUIRE(here.run({"get", "--daemon", "-q", server.other(), server.missing()}).status == 1);
    CHECK(running.wait_until([&] { return lines_of(running.out()).size() == static_cast<std::size_t>(first) + 2; }));
    running.signal(SIGINT);
    const auto ended = running.wait();
    CHECK(ended.status == 130);
    const auto events = objects_in(ended.out);
    for (std::size_t i = 0; i < events.size(); ++i)
      CHECK(events[i].at("seq") == i + 1);
  };
  follow(1);
  REQUIRE(here.run({"daemon", "stop"}).status == 0);
  // At rest, and on when a daemon comes.
  follow(3);
}

TEST_CASE("events are acknowledged", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "--detach", server.quick(), server.other(), server.missing()}).status == 0);
  for (const int id : {1, 2, 3})
    here.wait_for(id);
  CHECK(here.unacknowledged() == 3);
  CHECK(here.run({"ack", "2"}).out == "acknowledged 2 events, up to event 2\n");
  CHECK(here.unacknowledged() == 1);
  CHECK(here.one({"ack", "--json"}) == json{{"session", "default"}, {"acknowledged", 3}});
  CHECK(here.unacknowledged() == 0);
  CHECK_THAT(here.run({"ack"}).out, Contains("nothing to acknowledge"));
  CHECK(here.run({"ack", "999"}).status == 2);
}

TEST_CASE("sessions are paused, resumed and ended", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "--suspended", "-s", "s", server.quick()}).status == 0);
  CHECK(here.run({"sessions", "pause", "s"}).status == 0);
  CHECK(here.session("s").at("paused") == true);
  CHECK_THAT(here.run({"sessions"}).out, Contains("paused"));
  REQUIRE(here.run({"resume", "-s", "s", "--all"}).status == 0);
  CHECK(here.one({"status", "-s", "s", "1", "--json"}).at("state") == "queued");
  CHECK(here.one({"sessions", "resume", "s", "--json"}) == json{{"session", "s"}, {"action", "resume"}});
  CHECK(here.run({"watch", "-s", "s", "1"}).status == 0);
  CHECK_THAT(here.run({"sessions", "finish", "s"}).out, Contains("bellhop ack"));
  CHECK(here.run({"get", "-s", "s", "--detach", server.other()}).status == 1);
  REQUIRE(here.run({"ack", "-s", "s"}).status == 0);
  CHECK(eventually([&] { return here.run({"sessions"}).out == "there are no sessions yet\n"; }));
  REQUIRE(here.run({"get", "--detach", "-s", "t", server.slow()}).status == 0);
  CHECK(here.run({"sessions", "cancel", "t"}).status == 0);
  CHECK(eventually([&] {
    return here.run({"ack", "-s", "t"}).status != 0 || here.run({"sessions"}).out.find("t ") == std::string::npos;
  }));
}

TEST_CASE("watch ends with those that it was given, by how they end", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "--detach", server.slow(), server.missing(), server.quick()}).status == 0);
  auto one = here.start({"watch", "1"});
  auto both = here.start({"watch", "1", "2", "--json"});
  here.wait_for(2);
  here.wait_for(3);
  CHECK(one.running());
  server.go = true;
  const auto good = one.wait();
  CHECK(good.status == 0);
  CHECK_THAT(good.out, Contains("slow.bin") && !Contains("quick.bin"));
  const auto bad = both.wait();
  CHECK(bad.status == 1);
  CHECK_FALSE(objects_in(bad.out).empty());
  CHECK(here.run({"watch", "1", "3"}).status == 0);
  // It has acknowledged nothing.
  CHECK(here.unacknowledged() == 3);
}

TEST_CASE("watch is left by q and by Ctrl-C", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "--detach", server.slow()}).status == 0);
  auto with = here.options();
  with.environment["TERM"] = "xterm-256color";
  with.interactive_input = true;
  const auto [key, status] = GENERATE(std::pair{"q", 0}, std::pair{"\x03", 130});
  program running{
      {"/usr/bin/script", "-qfec", "stty cols 80 rows 24; exec " BELLHOP_BIN_DIR "/bellhop watch", "/dev/null"}, with};
  CHECK(running.wait_until([&] {
    const auto seen = running.out();
    return seen.find("slow.bin") != std::string::npos && seen.find(" 66%") != std::string::npos &&
           seen.find("1 running") != std::string::npos;
  }));
  running.write(key);
  CHECK(running.wait_until([&] { return !running.running(); }));
  CHECK(running.wait().status == status);
  CHECK(here.state_of(1) != "completed");
}

TEST_CASE("bash completes verbs, options, values and sessions", "[system][cli]") {
  slow_origin server;
  daemon_desk here;
  REQUIRE(here.run({"get", "--detach", "-s", "nightly", server.quick()}).status == 0);
  write_file(here / "completion", here.run({"completion", "bash"}).out);
  const auto complete = [&](const strings& words) {
    auto with = here.options();
    with.environment["PATH"] = BELLHOP_BIN_DIR ":/usr/bin:/bin";
    std::string script = ". '" + (here / "completion").string() + "'; COMP_WORDS=(bellhop";
    for (const auto& word : words)
      script += " '" + word + "'";
    script += fmt::format("); COMP_CWORD={}; _bellhop; printf '%s\\n' \"${{COMPREPLY[@]}}\"", words.size());
    return lines_of(run_program({"/bin/bash", "-c", script}, with).out);
  };
  CHECK(complete({"wa"}) == strings{"watch"});
  CHECK(complete({"re"}) == strings{"resume", "remove"});
  CHECK(complete({"get", "--on-c"}) == strings{"--on-conflict"});
  CHECK(complete({"get", "--on-conflict", "re"}) == strings{"rename"});
  CHECK(complete({"get", "--on-conflict", "=", "ov"}) == strings{"overwrite"});
  CHECK(complete({"list", "--state", "f"}) == strings{"finishing", "failed"});
  CHECK(complete({"list", "-s", "n"}) == strings{"nightly"});
  CHECK(complete({"sessions", "pause", "n"}) == strings{"nightly"});
  CHECK(complete({"sessions", "p"}) == strings{"pause"});
  CHECK(complete({"daemon", ""}) == strings{"start", "stop", "status"});
  CHECK(complete({"completion", "z"}) == strings{"zsh"});
}
