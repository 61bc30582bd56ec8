#include "actors/launcher.hpp"
#include "tests/support/actor_fixture.hpp"

#include <algorithm>
#include <functional>
#include <random>

/// A session's program is started when there is news and nobody is there to hear it; one at a time, with patience.
namespace bellhop::test {

namespace {

/// Programs, as the test plays them.
struct fake_programs {
  struct run {
    program_start what;
    program_observer observer;
    bool alive = true;
  };
  std::vector<run> runs;
  /// Starts of a program that was still there.
  int doubles = 0;

  void start(program_start what, program_observer observer) {
    doubles += static_cast<int>(std::any_of(
        runs.begin(), runs.end(), [&](const run& each) { return each.alive && each.what.session == what.session; }));
    runs.push_back({std::move(what), std::move(observer), true});
  }
  void ended(run& which) {
    which.alive = false;
    which.observer.ended({errc::launch_failed, "the program exited with status 1", 0});
  }
};

struct launcher_fixture : actor_fixture {
  std::shared_ptr<fake_programs> programs = std::make_shared<fake_programs>();
  std::vector<launch_status> changes;
  std::shared_ptr<process> p = launch();
  launcher_actor launcher;

  launcher_fixture() {
    launcher_setting setting;
    setting.start = [all = programs](program_start what, program_observer observer) {
      all->start(std::move(what), std::move(observer));
    };
    setting.now = [this] { return now(); };
    // Half of the longest wait.
    setting.jitter = [] { return 0.0; };
    setting.socket = "/run/bellhopd.sock";
    setting.changed = [this](const std::string&, const launch_status& status) { changes.push_back(status); };
    launcher = ends(system.spawn(launcher_behavior, std::move(setting)));
    p->durable->launcher = launcher;
  }

  static session_configuration background() {
    auto settings = small_session();
    settings.kind = session_kind::background;
    settings.launch = {
        {"/usr/bin/viewer", "--quiet"}, "/home/someone", {{"HOME", "/home/someone"}, {"BELLHOP_SOCKET", "/stale"}}};
    return settings;
  }

  /// A session that has news.
  session_actor with_news(const std::string& identifier = "pictures",
                          const session_configuration& settings = background()) {
    auto session = open(p, identifier, settings);
    submit_one(session, picture(++last_picture));
    p->network->complete_all();
    settle();
    return session;
  }

  launch_status status(const session_actor& session) { return ask<session_status>(session, status_atom_v).launch; }

  void started(std::size_t which, std::int32_t pid) {
    programs->runs.at(which).observer.started(pid);
    settle();
  }
  void ended(std::size_t which) {
    programs->ended(programs->runs.at(which));
    settle();
  }

  /// The program attaches, deals with all there is, and goes again.
  void deal_with_all(const session_actor& session) {
    attach(session, std::make_shared<fake_delegate>());
    ask<void>(session, acknowledge_atom_v, ask<session_status>(session, status_atom_v).last_event);
    caf::anon_send(session, detach_atom_v);
    settle();
  }
  void complete(const std::string& identifier = "pictures") {
    caf::anon_send(p->engine, complete_atom_v, identifier);
    settle();
  }

  int last_picture = 0;
};

} // namespace

TEST_CASE_METHOD(launcher_fixture, "news that nobody hears start the session's program", "[launcher]") {
  const auto session = with_news();
  REQUIRE(programs->runs.size() == 1);
  const auto& what = programs->runs[0].what;
  CHECK(what.session == "pictures");
  CHECK(what.command.arguments ==
        std::vector<std::string>{"/usr/bin/viewer", "--quiet", "--background-session", "pictures"});
  CHECK(what.command.working_directory == "/home/someone");
  CHECK(what.command.environment == std::vector<header>{{"HOME", "/home/someone"},
                                                        {"BELLHOP_BACKGROUND_SESSION", "pictures"},
                                                        {"BELLHOP_SOCKET", "/run/bellhopd.sock"}});
  CHECK(status(session).state == launch_state::running);
  started(0, 4711);
  CHECK(status(session).pid == 4711);

  deal_with_all(session);
  complete();
  ended(0);
  advance(1h, 60s);
  CHECK(programs->runs.size() == 1);
  CHECK(status(session) == launch_status{});
  CHECK(changes.back() == launch_status{});
}

TEST_CASE_METHOD(launcher_fixture, "no program is started that nobody asked to be started", "[launcher]") {
  auto settings = background();
  SECTION("launches_on_events is off") {
    settings.launches_on_events = false;
  }
  SECTION("no command is registered") {
    settings.launch = {};
  }
  SECTION("the session is no background session") {
    settings.kind = session_kind::standard;
  }
  const auto session = with_news("pictures", settings);
  advance(20min, 60s);
  CHECK(programs->runs.empty());
  CHECK(status(session) == launch_status{});
}

TEST_CASE_METHOD(launcher_fixture, "a program that is attached is not started", "[launcher]") {
  const auto session = open(p, "pictures", background());
  attach(session, std::make_shared<fake_delegate>());
  submit_one(session, picture(1));
  p->network->complete_all();
  settle();
  CHECK(programs->runs.empty());
  // It leaves without having acknowledged anything.
  caf::anon_send(session, detach_atom_v);
  settle();
  CHECK(programs->runs.size() == 1);
}

TEST_CASE_METHOD(launcher_fixture, "a program that keeps dying is started ever more rarely", "[launcher]") {
  const auto session = with_news();
  auto wait = 500ms;
  for (std::size_t i = 0; i < 12; ++i) {
    REQUIRE(programs->runs.size() == i + 1);
    started(i, 100);
    ended(i);
    const auto told = status(session);
    CHECK(told.state == launch_state::backing_off);
    CHECK(told.failures == i + 1);
    CHECK(told.next_at == now() + wait);
    CHECK(told.last_error.message == "the program exited with status 1");
    advance(wait - 1ms, wait);
    CHECK(programs->runs.size() == i + 1);
    advance(1ms);
    wait = std::min<std::chrono::milliseconds>(wait * 2, 5min);
  }
  // The handler ends it, whoever calls it.
  ended(12);
  CHECK(programs->runs.size() == 13);
  complete();
  CHECK(programs->runs.size() == 14);
  CHECK(status(session).failures == 0);
}

TEST_CASE_METHOD(launcher_fixture, "a program that could not be started is tried again", "[launcher]") {
  const auto session = with_news();
  ended(0);
  CHECK(status(session).state == launch_state::backing_off);
  advance(1s);
  CHECK(programs->runs.size() == 2);
}

TEST_CASE_METHOD(launcher_fixture, "who attaches meanwhile ends the back-off", "[launcher]") {
  const auto session = with_news();
  ended(0);
  deal_with_all(session);
  CHECK(status(session) == launch_status{});
  advance(20min, 60s);
  CHECK(programs->runs.size() == 1);
}

TEST_CASE_METHOD(launcher_fixture, "news while the program runs start it again after its end", "[launcher]") {
  const auto session = with_news();
  started(0, 100);
  deal_with_all(session);
  complete();
  advance(10s);
  submit_one(session, picture(1000));
  p->network->complete_all();
  settle();
  CHECK(programs->runs.size() == 1);
  ended(0);
  CHECK(programs->runs.size() == 2);
  CHECK(programs->doubles == 0);
}

TEST_CASE_METHOD(launcher_fixture, "what is told of an earlier start does not count for a later one", "[launcher]") {
  const auto session = with_news();
  ended(0);
  advance(1s);
  REQUIRE(programs->runs.size() == 2);
  programs->runs[0].observer.ended({errc::launch_failed, "late", 0});
  programs->runs[0].observer.started(1);
  settle();
  CHECK(status(session).state == launch_state::running);
  CHECK(status(session).pid == 0);
}

TEST_CASE_METHOD(launcher_fixture, "each session has its own program and its own patience", "[launcher]") {
  const auto first = with_news("first");
  const auto second = with_news("second");
  REQUIRE(programs->runs.size() == 2);
  ended(0);
  CHECK(status(first).state == launch_state::backing_off);
  CHECK(status(second).state == launch_state::running);
}

TEST_CASE_METHOD(launcher_fixture, "programs that end after the launcher are nobody's concern", "[launcher]") {
  with_news();
  caf::anon_send_exit(launcher, caf::exit_reason::user_shutdown);
  settle();
  started(0, 100);
  ended(0);
  CHECK(programs->runs.size() == 1);
}

TEST_CASE_METHOD(launcher_fixture, "whatever happens, no session has two programs, and none is forgotten",
                 "[launcher]") {
  std::mt19937 random{Catch::rngSeed()};
  const auto one_of = [&](int n) { return std::uniform_int_distribution<>{0, n - 1}(random); };
  const std::vector<session_actor> sessions{with_news("a"), with_news("b"), with_news("c")};
  const std::vector<std::string> names{"a", "b", "c"};
  const auto some_run = [&](const std::function<void(fake_programs::run&)>& act) {
    auto& which = programs->runs.at(static_cast<std::size_t>(one_of(static_cast<int>(programs->runs.size()))));
    if (which.alive)
      act(which);
  };
  for (int round = 0; round < 3000; ++round) {
    const auto which = static_cast<std::size_t>(one_of(3));
    switch (one_of(6)) {
    case 0:
      some_run([&](auto& run) { run.observer.started(round); });
      break;
    case 1:
      some_run([&](auto& run) { programs->ended(run); });
      break;
    case 2:
      complete(names[which]);
      break;
    case 3:
      deal_with_all(sessions[which]);
      break;
    case 4:
      submit_one(sessions[which], picture(10 + round));
      p->network->complete_all();
      break;
    case 5:
      advance(std::chrono::seconds{one_of(5)});
      break;
    }
    settle();
    REQUIRE(programs->doubles == 0);
  }
  // Whoever has news in the end, and no program, gets one.
  for (auto& run : programs->runs)
    if (run.alive)
      programs->ended(run);
  settle();
  for (const auto& session : sessions)
    submit_one(session, picture(++last_picture));
  p->network->complete_all();
  advance(20min, 10s);
  for (const auto& name : names)
    CHECK(std::count_if(programs->runs.begin(), programs->runs.end(),
                        [&](const auto& run) { return run.alive && run.what.session == name; }) == 1);
}

} // namespace bellhop::test
