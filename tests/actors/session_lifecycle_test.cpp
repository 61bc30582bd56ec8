#include "tests/support/actor_fixture.hpp"

/// Pausing, changing, cancelling with resume data, the end of a session, and starting its program.
namespace bellhop::test {

namespace {

using ids_of = std::vector<transfer_id>;

/// A session with a delegate, in a process that can be started again.
struct lifecycle_fixture : actor_fixture {
  std::shared_ptr<fake_disk> disk = std::make_shared<fake_disk>();
  std::shared_ptr<process> p = launch(disk);
  session_actor session = open(p);
  std::shared_ptr<fake_delegate> log = std::make_shared<fake_delegate>();
  delegate_twin_actor delegate = attach(session, log);

  /// The process dies; another one goes on.
  void restart() {
    kill(p);
    p = launch(disk);
    session = open(p);
  }

  transfer_state state(transfer_id id) { return find(session, id).state; }

  void finish_all() {
    while (!p->network->open.empty()) {
      p->network->complete_all();
      settle();
    }
  }

  void acknowledge_all() { ask<void>(session, acknowledge_atom_v, status(session).last_event); }

  bool is_known(const std::string& identifier = "pictures") { return disk->rows->find_session(identifier).has_value(); }

  /// The session is gone: it was told so last, and the engine has none of its name.
  void check_gone() {
    CHECK_FALSE(is_known());
    CHECK(log->invalid_after == std::vector{log->messages});
    CHECK(ask_error<session_actor>(p->engine, find_atom_v, std::string{"pictures"}).code == errc::unknown_session);
  }
};

} // namespace

// -- pausing ----------------------------------------------------------------------------------------------------------

TEST_CASE_METHOD(lifecycle_fixture, "A paused session has nothing on the wire and starts nothing", "[session]") {
  const auto ids = submit(session, pictures(40));
  receive_some(p, ids[0], 60'000, 100'000);
  ask<void>(session, pause_atom_v, true);
  CHECK(p->network->open.empty());
  CHECK(status(session).paused);
  CHECK(status(session).active == 0);
  const auto more = submit_one(session, picture(101));
  advance(5s);
  CHECK(p->network->open.empty());
  CHECK(log->finished_after.empty());
  CHECK(state(more) == transfer_state::queued);

  ask<void>(session, pause_atom_v, false);
  CHECK(p->network->open.size() == 36);
  CHECK(p->network->of(ids[0]).request.range_from > 0);
}

TEST_CASE_METHOD(lifecycle_fixture, "A pause outlives the process", "[session]") {
  const auto ids = submit(session, pictures(3));
  receive_some(p, ids[0], 60'000, 100'000);
  ask<void>(session, pause_atom_v, true);
  restart();
  CHECK(status(session).paused);
  CHECK(p->network->started.empty());
  ask<void>(session, pause_atom_v, false);
  CHECK(p->network->open.size() == 3);
  CHECK(p->network->of(ids[0]).request.range_from > 0);
}

TEST_CASE_METHOD(lifecycle_fixture, "A paused session tells that nothing is left, if nothing is", "[session]") {
  const auto id = submit_one(session, picture(1));
  log->withholds = true;
  p->network->complete(id);
  settle();
  ask<void>(session, pause_atom_v, true);
  caf::anon_send(delegate, resume_atom_v);
  settle();
  CHECK(log->finished_after == std::vector<std::size_t>{1});
}

TEST_CASE_METHOD(lifecycle_fixture, "Pausing and going on at once loses no transfer, whatever comes between",
                 "[session]") {
  for (int steps = 0; steps < 80; ++steps) {
    INFO("after " << steps << " steps");
    submit(session, pictures(3));
    const auto paused = later<void>(session, pause_atom_v, true);
    step(steps);
    const auto resumed = later<void>(session, pause_atom_v, false);
    settle();
    CHECK((paused.done() && resumed.done()));
    CHECK(p->network->open.size() == 3);
    finish_all();
  }
}

TEST_CASE_METHOD(lifecycle_fixture, "A pause that cannot be recorded is none", "[session]") {
  submit(session, pictures(3));
  disk->commits_fail = {errc::no_space, "the disk is full", 0};
  CHECK(ask_error<void>(session, pause_atom_v, true).code == errc::no_space);
  CHECK(p->network->open.size() == 3);
}

TEST_CASE_METHOD(lifecycle_fixture, "What is cancelled or suspended while a session is paused is so", "[session]") {
  const auto ids = submit(session, pictures(3));
  ask<void>(session, pause_atom_v, true);
  ask<void>(session, cancel_atom_v, ids_of{ids[0]});
  ask<void>(session, suspend_atom_v, ids_of{ids[1]});
  CHECK(state(ids[0]) == transfer_state::cancelled);
  ask<void>(session, pause_atom_v, false);
  CHECK(p->network->open.size() == 1);
  CHECK(p->network->has(ids[2]));
}

// -- changing ---------------------------------------------------------------------------------------------------------

TEST_CASE_METHOD(lifecycle_fixture, "An active transfer that is changed goes on from what it has", "[session]") {
  const auto id = submit_one(session, picture(1));
  receive_some(p, id, 60'000, 100'000);
  transfer_change change;
  change.headers = std::vector<header>{{"Authorization", "Bearer new"}};
  ask<void>(session, change_atom_v, ids_of{id}, change);
  REQUIRE(p->network->started.size() == 2);
  CHECK(p->network->cancelled.size() == 1);
  CHECK(p->network->started[1].headers == *change.headers);
  CHECK(p->network->started[1].range_from > 0);
  CHECK(find(session, id).request.headers == *change.headers);
}

TEST_CASE_METHOD(lifecycle_fixture, "A queued transfer that is changed starts in its new place", "[session]") {
  submit(session, pictures(36));
  const auto ids = submit(session, {picture(101), picture(102)});
  transfer_change change;
  change.priority = 0.9;
  ask<void>(session, change_atom_v, ids_of{ids[1]}, change);
  p->network->complete(transfer_id{1});
  settle();
  CHECK(p->network->has(ids[1]));
  CHECK_FALSE(p->network->has(ids[0]));
}

TEST_CASE_METHOD(lifecycle_fixture, "An active transfer that is to begin later waits for that", "[session]") {
  const auto id = submit_one(session, picture(1));
  transfer_change change;
  change.earliest_begin = now() + 10s;
  ask<void>(session, change_atom_v, ids_of{id}, change);
  CHECK(p->network->open.empty());
  CHECK(log->finished_after.empty());
  advance(11s);
  CHECK(p->network->has(id));
}

TEST_CASE_METHOD(lifecycle_fixture, "What has ended is not changed, nor is anything to what makes no sense",
                 "[session]") {
  const auto ids = submit(session, pictures(2));
  p->network->complete(ids[0]);
  settle();
  transfer_change change;
  CHECK(ask_error<void>(session, change_atom_v, ids, change).code == errc::invalid_argument);
  change.priority = 7;
  CHECK(ask_error<void>(session, change_atom_v, ids, change).code == errc::invalid_argument);
  CHECK(p->network->cancelled.empty());
  change.priority = 1;
  const auto why = ask_error<void>(session, change_atom_v, ids, change);
  CHECK(why.code == errc::wrong_state);
  CHECK(why.message.find("cannot be changed") != std::string::npos);
  // The other one is.
  CHECK(find(session, ids[1]).request.priority == 1);
  CHECK(p->network->has(ids[1]));
}

// -- resume data ------------------------------------------------------------------------------------------------------

TEST_CASE_METHOD(lifecycle_fixture, "A transfer that is cancelled with resume data is gone on with by a new one",
                 "[session]") {
  const auto id = submit_one(session, picture(1));
  receive_some(p, id, 60'000, 100'000);
  const bool at_rest = GENERATE(false, true);
  if (at_rest)
    ask<void>(session, suspend_atom_v, ids_of{id});
  const auto data = ask<std::string>(session, cancel_atom_v, id);
  REQUIRE_FALSE(data.empty());
  REQUIRE(log->events().size() == 1);
  CHECK(log->events()[0].type == event_type::cancelled);
  CHECK(p->publisher->discarded.empty());
  const auto old = find(session, id);
  CHECK(old.part.position == 60'000);
  CHECK(old.resume_data == data);
  CHECK(ask<std::vector<transfer_record>>(session, list_atom_v, list_filter{}).at(0).resume_data == data);

  // Another process goes on.
  acknowledge_all();
  restart();
  attach(session, log);
  auto request = picture(1);
  request.resume_data = data;
  const auto next = submit_one(session, request);
  REQUIRE(p->network->has(next));
  CHECK(p->network->of(next).request.range_from == 60'000 - resume_overlap);
  CHECK(p->network->of(next).request.if_range == "\"one\"");
  CHECK(find(session, next).part.part_name == old.part.part_name);
  CHECK(find(session, id).resume_data.empty());
  p->network->respond_partial(next, 100'000);
  settle();
  p->network->of(next).pipe->push(body_buffer(40'000 + resume_overlap, 'x'));
  p->network->done(next, {});
  settle();
  CHECK(state(next) == transfer_state::completed);
  CHECK(find(session, next).received == 100'000);
  // The old one has nothing any more that its removal would take from the disk.
  ask<void>(session, remove_atom_v, ids_of{id});
  CHECK(p->publisher->discarded.empty());
}

TEST_CASE_METHOD(lifecycle_fixture, "Resume data is used once", "[session]") {
  const auto id = submit_one(session, picture(1));
  receive_some(p, id, 60'000, 100'000);
  auto request = picture(1);
  request.resume_data = ask<std::string>(session, cancel_atom_v, id);
  const auto ids = submit(session, {request, request});
  CHECK(p->network->of(ids[0]).request.range_from > 0);
  CHECK(p->network->of(ids[1]).request.range_from == 0);
}

TEST_CASE_METHOD(lifecycle_fixture, "There is no resume data where there is nothing to go on with", "[session]") {
  const auto ids = submit(session, pictures(3));
  SECTION("too little is here") {
    receive_some(p, ids[0], 100, 100'000);
    CHECK(ask<std::string>(session, cancel_atom_v, ids[0]).empty());
    CHECK(p->publisher->discarded.size() == 1);
    CHECK_FALSE(find(session, ids[0]).part);
  }
  SECTION("too little is here, at rest") {
    receive_some(p, ids[0], 100, 100'000);
    ask<void>(session, suspend_atom_v, ids_of{ids[0]});
    CHECK(ask<std::string>(session, cancel_atom_v, ids[0]).empty());
    CHECK(p->publisher->discarded.size() == 1);
    CHECK_FALSE(find(session, ids[0]).part);
  }
  SECTION("nothing is here") {
    CHECK(ask<std::string>(session, cancel_atom_v, ids[0]).empty());
  }
  SECTION("it completes in the same moment") {
    p->network->complete(ids[0]);
    const auto answer = later<std::string>(session, cancel_atom_v, ids[0]);
    settle();
    CHECK(answer.value().empty());
    CHECK(log->events().size() == 1);
  }
  SECTION("it has completed") {
    p->network->complete(ids[0]);
    settle();
    CHECK(ask_error<std::string>(session, cancel_atom_v, ids[0]).code == errc::wrong_state);
  }
  SECTION("there is no such transfer") {
    CHECK(ask_error<std::string>(session, cancel_atom_v, transfer_id{99}).code == errc::unknown_transfer);
  }
}

TEST_CASE_METHOD(lifecycle_fixture, "A transfer that fails keeps what a new one can go on with, until it is removed",
                 "[session]") {
  const auto id = submit_one(session, picture(1));
  receive_some(p, id, 60'000, 100'000);
  p->network->lose(id);
  settle();
  ask<void>(session, resume_atom_v, ids_of{id});
  p->network->status(id, 404);
  settle();
  REQUIRE(state(id) == transfer_state::failed);
  CHECK_FALSE(find(session, id).resume_data.empty());
  CHECK(p->publisher->discarded.empty());
  const auto part = find(session, id).part.part_name;
  ask<void>(session, remove_atom_v, ids_of{id});
  CHECK(p->publisher->discarded == std::vector{std::pair<std::string, std::string>{"/pictures", part}});
}

TEST_CASE_METHOD(lifecycle_fixture, "What is forgotten for its age leaves no part on the disk", "[session]") {
  const auto id = submit_one(session, picture(1));
  receive_some(p, id, 60'000, 100'000);
  REQUIRE_FALSE(ask<std::string>(session, cancel_atom_v, id).empty());
  const auto part = find(session, id).part.part_name;
  acknowledge_all();
  advance(std::chrono::hours{24 * 8}, std::chrono::hours{1});
  restart();
  CHECK(ask_error<transfer_record>(session, find_atom_v, id).code == errc::unknown_transfer);
  CHECK(p->publisher->discarded == std::vector{std::pair<std::string, std::string>{"/pictures", part}});
}

// -- the end ----------------------------------------------------------------------------------------------------------

TEST_CASE_METHOD(lifecycle_fixture, "A session that is to finish takes no more, and is gone when all is acknowledged",
                 "[session]") {
  const auto ids = submit(session, pictures(40));
  ask<void>(session, invalidate_atom_v, false);
  CHECK(status(session).phase == session_phase::finishing);
  const auto why = ask_error<std::vector<submit_result>>(session, submit_atom_v, pictures(1));
  CHECK(why.code == errc::wrong_state);
  CHECK(why.message.find("pictures is finishing") != std::string::npos);
  finish_all();
  CHECK(log->events().size() == 40);
  CHECK(log->finished_after == std::vector<std::size_t>{40});
  ask<void>(session, acknowledge_atom_v, event_number{39});
  CHECK(is_known());
  ask<void>(session, acknowledge_atom_v, event_number{40});
  check_gone();

  // Its identifier is free.
  const auto next = open(p);
  CHECK_FALSE(next == session);
  CHECK(status(next).last_event == event_number{});
  const auto id = submit_one(next, picture(1));
  CHECK(p->network->has(id));
}

TEST_CASE_METHOD(lifecycle_fixture, "A session with nothing at all is gone at once", "[session]") {
  ask<void>(session, invalidate_atom_v, GENERATE(false, true));
  check_gone();
}

TEST_CASE_METHOD(lifecycle_fixture, "A session that is cancelled ends all of its transfers", "[session]") {
  const bool paused = GENERATE(false, true);
  auto suspended = picture(100);
  suspended.suspended = true;
  const auto first = submit_one(session, suspended);
  auto ids = submit(session, pictures(60));
  receive_some(p, ids[0], 60'000, 100'000);
  p->network->status(ids[1], 503, "86400");
  settle();
  if (paused)
    ask<void>(session, pause_atom_v, true);
  ask<void>(session, invalidate_atom_v, true);
  CHECK(p->network->open.empty());
  CHECK(log->events().size() == 61);
  for (const auto& e : log->events())
    CHECK(e.type == event_type::cancelled);
  CHECK(state(first) == transfer_state::cancelled);
  CHECK(p->publisher->discarded.size() == 1);
  CHECK(is_known());
  acknowledge_all();
  check_gone();
}

TEST_CASE_METHOD(lifecycle_fixture, "More transfers than fit on a page are cancelled with their session", "[session]") {
  submit(session, pictures(2500));
  ask<void>(session, invalidate_atom_v, true);
  CHECK(log->events().size() == 2500);
  CHECK(status(session).counts.cancelled == 2500);
}

TEST_CASE_METHOD(lifecycle_fixture, "A session that is to finish waits for its suspended transfers", "[session]") {
  auto request = picture(1);
  request.suspended = true;
  const auto id = submit_one(session, request);
  ask<void>(session, invalidate_atom_v, false);
  advance(3s);
  CHECK(is_known());
  SECTION("until they are resumed and done") {
    ask<void>(session, resume_atom_v, ids_of{id});
    p->network->complete(id);
    settle();
  }
  SECTION("until they are cancelled") {
    ask<void>(session, cancel_atom_v, ids_of{id});
  }
  SECTION("until all is cancelled after all") {
    ask<void>(session, invalidate_atom_v, true);
  }
  CHECK(is_known());
  acknowledge_all();
  check_gone();
}

TEST_CASE_METHOD(lifecycle_fixture, "Parts that were kept go with the session", "[session]") {
  const auto id = submit_one(session, picture(1));
  receive_some(p, id, 60'000, 100'000);
  REQUIRE_FALSE(ask<std::string>(session, cancel_atom_v, id).empty());
  CHECK(p->publisher->discarded.empty());
  acknowledge_all();
  ask<void>(session, invalidate_atom_v, false);
  check_gone();
  CHECK(p->publisher->discarded.size() == 1);
}

TEST_CASE_METHOD(lifecycle_fixture, "The end of a session survives a crash at any moment", "[session]") {
  const bool cancel = GENERATE(false, true);
  kill(p);
  for (int steps = 0; steps < 90; ++steps) {
    INFO((cancel ? "cancelling, after " : "finishing, after ") << steps << " steps");
    p = launch(disk);
    session = open(p);
    log = std::make_shared<fake_delegate>();
    attach(session, log);
    submit(session, pictures(3));
    const auto answer = later<void>(session, invalidate_atom_v, cancel);
    step(steps);
    const bool promised = answer.done();
    kill(p);

    p = launch(disk);
    log = std::make_shared<fake_delegate>();
    CHECK(ask<std::uint64_t>(p->engine, start_atom_v) == 1);
    session = find_session(p);
    attach(session, log);
    if (promised)
      CHECK(status(session).phase != session_phase::open);
    else if (status(session).phase == session_phase::open)
      ask<void>(session, invalidate_atom_v, cancel);
    if (!cancel)
      finish_all();
    CHECK(log->numbers() == std::vector<std::uint64_t>{1, 2, 3});
    acknowledge_all();
    check_gone();
    kill(p);
  }
}

TEST_CASE_METHOD(lifecycle_fixture, "Whoever opens a session that was told to be gone gets a new one", "[session]") {
  for (int more = 0; more < 10; ++more) {
    INFO(more << " steps after it was told");
    log->invalid_after.clear();
    const auto end = later<void>(session, invalidate_atom_v, false);
    while (log->invalid_after.empty())
      REQUIRE(step(1));
    step(more);
    const auto found = later<session_actor>(p->engine, find_atom_v, std::string{"pictures"});
    const auto opened = later<session_actor>(p->engine, open_atom_v, std::string{"pictures"}, small_session(), true);
    settle();
    CHECK(end.done());
    CHECK(found.why().code == errc::unknown_session);
    REQUIRE(opened.done());
    CHECK_FALSE(opened.value() == session);
    session = remember(opened.value());
    CHECK(status(session).phase == session_phase::open);
    attach(session, log);
  }
}

TEST_CASE_METHOD(lifecycle_fixture, "A session that ends while the engine stops does not hold it up", "[session]") {
  ask<void>(session, invalidate_atom_v, false);
  const auto answer = later<void>(p->engine, shutdown_atom_v, caf::timespan{10s});
  settle();
  CHECK(answer.done());
}

TEST_CASE_METHOD(lifecycle_fixture, "A full disk delays the end of a session", "[session]") {
  const auto ids = submit(session, pictures(2));
  finish_all();
  disk->commits_fail = {errc::no_space, "the disk is full", 0};
  CHECK(ask_error<void>(session, invalidate_atom_v, false).code == errc::no_space);
  CHECK(status(session).phase == session_phase::open);
  disk->commits_fail = {};
  acknowledge_all();
  disk->reads_fail = {errc::ledger_io, "the disk does not answer", 0};
  ask<void>(session, invalidate_atom_v, false);
  advance(2s);
  CHECK(is_known());
  disk->reads_fail = {};
  advance(3s);
  check_gone();
}

TEST_CASE_METHOD(lifecycle_fixture, "A session that cannot be forgotten is there for whoever asks, until it can",
                 "[session]") {
  auto request = picture(1);
  request.suspended = true;
  const auto id = submit_one(session, request);
  ask<void>(session, invalidate_atom_v, false);
  ask<void>(session, cancel_atom_v, ids_of{id});
  const auto acknowledged = later<void>(session, acknowledge_atom_v, event_number{1});
  while (!acknowledged.done())
    REQUIRE(step(1));
  disk->commits_fail = {errc::no_space, "the disk is full", 0};
  settle();
  CHECK(is_known());
  CHECK(find_session(p) == session);
  CHECK(state(id) == transfer_state::cancelled);
  disk->commits_fail = {};
  advance(3s);
  check_gone();
}

// -- the program ------------------------------------------------------------------------------------------------------

namespace {

/// The daemon, with a background session whose program is not there.
struct launch_fixture : actor_fixture {
  std::shared_ptr<process> p = launch(std::make_shared<fake_disk>(), true);
  session_configuration settings = background();
  std::shared_ptr<fake_delegate> log = std::make_shared<fake_delegate>();

  static session_configuration background() {
    auto configuration = small_session();
    configuration.kind = session_kind::background;
    configuration.launch = {{"/usr/bin/viewer"}, "/home", {{"DISPLAY", ":0"}}};
    return configuration;
  }

  void finish_all() {
    while (!p->network->open.empty()) {
      p->network->complete_all();
      settle();
    }
  }
};

} // namespace

TEST_CASE_METHOD(launch_fixture, "A program is started once, when all is done and nobody is attached", "[launch]") {
  const auto session = open(p, "pictures", settings);
  const auto ids = submit(session, pictures(3));
  p->network->complete(ids[0]);
  settle();
  CHECK(p->launcher->orders.empty());
  finish_all();
  REQUIRE(p->launcher->orders.size() == 1);
  CHECK(p->launcher->orders[0] == launch_order{"pictures", settings.launch});

  SECTION("it attaches, deals with the events, and leaves") {
    const auto program = attach(session, log);
    CHECK(p->launcher->closed == std::vector<std::string>{"pictures"});
    CHECK(log->finished_after == std::vector<std::size_t>{3});
    ask<void>(session, acknowledge_atom_v, event_number{3});
    caf::anon_send(p->engine, complete_atom_v, std::string{"pictures"});
    caf::anon_send_exit(program, caf::exit_reason::kill);
    settle();
    CHECK(p->launcher->completed == std::vector<std::string>{"pictures"});
    CHECK(p->launcher->orders.size() == 1);
  }
  SECTION("it attaches and dies: it is started again") {
    const auto program = attach(session, log);
    caf::anon_send_exit(program, caf::exit_reason::kill);
    settle();
    CHECK(p->launcher->orders.size() == 2);
  }
  SECTION("somebody else acknowledges: nothing is left to tell") {
    ask<void>(session, acknowledge_atom_v, event_number{3});
    CHECK(p->launcher->closed == std::vector<std::string>{"pictures"});
  }
  SECTION("more events do not start it again") {
    submit(session, {picture(4)});
    finish_all();
    CHECK(p->launcher->orders.size() == 1);
    CHECK(p->launcher->closed.empty());
  }
  SECTION("another command is told") {
    settings.launch.arguments = {"/usr/bin/other"};
    open(p, "pictures", settings);
    settle();
    REQUIRE(p->launcher->orders.size() == 2);
    CHECK(p->launcher->orders[1].command == settings.launch);
  }
  SECTION("what becomes of it is in the session's status") {
    const launch_status running{launch_state::running, 4711, 1, {}, {errc::internal, "it left with status 1", 0}};
    caf::anon_send(caf::actor_cast<session_control_actor>(session), launched_atom_v, running);
    settle();
    CHECK(status(session).launch == running);
  }
}

TEST_CASE_METHOD(launch_fixture, "A daemon that is started again starts the programs of sessions with news",
                 "[launch]") {
  submit(open(p, "pictures", settings), pictures(2));
  finish_all();
  const auto disk = p->disk;
  kill(p);
  p = launch(disk, true);
  CHECK(ask<std::uint64_t>(p->engine, start_atom_v) == 1);
  find_session(p);
  CHECK(p->launcher->orders.size() == 1);
}

TEST_CASE_METHOD(launch_fixture, "No program is started for a session that does not want it", "[launch]") {
  SECTION("turned off") {
    settings.launches_on_events = false;
  }
  SECTION("no command") {
    settings.launch = {};
  }
  SECTION("not in the background") {
    settings.kind = session_kind::standard;
  }
  const auto session = open(p, "pictures", settings);
  submit(session, pictures(2));
  finish_all();
  ask<void>(session, acknowledge_atom_v, event_number{2});
  CHECK(p->launcher->orders.empty());
  CHECK(p->launcher->closed.empty());
}

TEST_CASE_METHOD(launch_fixture, "Who only watches does not keep the program from being started", "[launch]") {
  const auto session = open(p, "pictures", settings);
  ask<void>(session, watch_atom_v, delegate_actor{spawn_delegate(log)}, event_number{});
  submit(session, pictures(2));
  finish_all();
  CHECK(p->launcher->orders.size() == 1);
}

} // namespace bellhop::test
