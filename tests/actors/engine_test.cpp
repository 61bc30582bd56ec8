#include "tests/support/actor_fixture.hpp"

/// Opening sessions, and the ordered end.
namespace bellhop::test {

TEST_CASE_METHOD(actor_fixture, "Opening an identifier again gives the same session", "[engine]") {
  auto p = launch();
  const auto first = open(p);
  CHECK(open(p) == first);
  CHECK(ask<session_actor>(p->engine, open_atom_v, "pictures", session_configuration{}, false) == first);
  CHECK_FALSE(open(p, "music") == first);
}

TEST_CASE_METHOD(actor_fixture, "Many may open a session at once: they get the same one, and each configuration counts",
                 "[engine]") {
  auto p = launch();
  auto settings = small_session();
  std::vector<reply<session_actor>> answers;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    settings.max_active = i;
    answers.push_back(later<session_actor>(p->engine, open_atom_v, std::string{"pictures"}, settings, true));
  }
  settle();
  for (const auto& answer : answers)
    CHECK(answer.value() == answers[0].value());
  open(p, "pictures", settings);
  CHECK(p->disk->rows->find_session("pictures")->configuration.max_active == 5);
  submit(answers[0].value(), pictures(100));
  CHECK(p->network->started.size() == 5 + 32);
}

TEST_CASE_METHOD(actor_fixture, "A configuration that is not to be replaced stays", "[engine]") {
  auto disk = std::make_shared<fake_disk>();
  auto settings = small_session();
  settings.user_agent = "first";
  auto p = launch(disk);
  open(p, "pictures", settings);
  kill(p);
  p = launch(disk);
  settings.user_agent = "second";
  ask<session_actor>(p->engine, open_atom_v, "pictures", settings, false);
  CHECK(disk->rows->find_session("pictures")->configuration.user_agent == "first");
  submit(open(p, "pictures", settings), pictures(1));
  CHECK(p->network->started.at(0).user_agent == "second");
}

TEST_CASE_METHOD(actor_fixture, "A bad identifier or configuration is refused with what is wrong", "[engine]") {
  auto p = launch();
  const auto name = ask_error<session_actor>(p->engine, open_atom_v, "no spaces", small_session(), true);
  CHECK(name.code == errc::invalid_identifier);
  CHECK(name.message.find("no spaces") != std::string::npos);
  auto settings = small_session();
  settings.max_active = 0;
  CHECK(ask_error<session_actor>(p->engine, open_atom_v, "pictures", settings, true).code == errc::invalid_argument);
}

TEST_CASE_METHOD(actor_fixture, "Sessions are listed with what is in them", "[engine]") {
  auto p = launch();
  submit(open(p, "pictures"), pictures(2));
  open(p, "music");
  const auto all = ask<std::vector<session_summary>>(p->engine, sessions_atom_v);
  REQUIRE(all.size() == 2);
  CHECK(all[0].record.identifier == "music");
  CHECK(all[1].record.identifier == "pictures");
  CHECK(all[1].counts.queued == 2);
}

TEST_CASE_METHOD(actor_fixture, "An ephemeral session leaves nothing behind, and does not mix with others",
                 "[engine]") {
  auto p = launch();
  auto settings = small_session();
  settings.kind = session_kind::ephemeral;
  const auto session = open(p, "pictures", settings);
  const auto id = submit_one(session, picture(1));
  p->network->complete(id);
  settle();
  CHECK(find(session, id).state == transfer_state::completed);
  CHECK(p->disk->rows->sessions().empty());
  CHECK(ask_error<session_actor>(p->engine, open_atom_v, "pictures", small_session(), true).code ==
        errc::invalid_argument);
}

TEST_CASE_METHOD(actor_fixture, "Only a session that exists is found, as it is", "[engine]") {
  auto disk = std::make_shared<fake_disk>();
  auto settings = small_session();
  settings.user_agent = "first";
  auto p = launch(disk);
  const auto session = open(p, "pictures", settings);
  CHECK(find_session(p) == session);
  kill(p);
  p = launch(disk);
  submit(find_session(p), pictures(1));
  CHECK(p->network->started.at(0).user_agent == "first");
  const auto why = ask_error<session_actor>(p->engine, find_atom_v, std::string{"music"});
  CHECK(why.code == errc::unknown_session);
  CHECK(why.message.find("music") != std::string::npos);
  CHECK(disk->rows->sessions().size() == 1);
}

TEST_CASE_METHOD(actor_fixture, "All sessions go on when the daemon starts", "[engine]") {
  auto disk = std::make_shared<fake_disk>();
  auto p = launch(disk);
  submit(open(p, "pictures"), pictures(2));
  submit(open(p, "music"), pictures(3));
  kill(p);
  p = launch(disk, true);
  CHECK(ask<std::uint64_t>(p->engine, start_atom_v) == 2);
  find_session(p, "pictures");
  find_session(p, "music");
  CHECK(p->network->open.size() == 5);
}

TEST_CASE_METHOD(actor_fixture, "New limits go to the network, and completed programs to the launcher", "[engine]") {
  auto p = launch(std::make_shared<fake_disk>(), true);
  caf::anon_send(p->engine, limits_atom_v, engine_limits{7});
  caf::anon_send(p->engine, complete_atom_v, std::string{"pictures"});
  settle();
  CHECK(p->network->limits == std::vector{engine_limits{7}});
  CHECK(p->launcher->completed == std::vector<std::string>{"pictures"});
}

TEST_CASE_METHOD(actor_fixture, "A session with a bug is opened anew by whoever opens it next", "[engine]") {
  auto p = launch();
  const auto session = open(p);
  const auto id = submit_one(session, picture(1));
  caf::anon_send_exit(session, caf::exit_reason::kill);
  settle();
  const auto next = open(p);
  CHECK_FALSE(next == session);
  CHECK(find(next, id).state == transfer_state::running);
}

TEST_CASE_METHOD(actor_fixture, "An ordered stop keeps what is on disk and answers afterwards", "[engine]") {
  auto p = launch();
  const auto session = open(p);
  const auto ids = submit(session, pictures(100));
  p->network->respond(ids[0], 100'000);
  settle();
  p->network->of(ids[0]).pipe->push(body_buffer(70'000, 'x'));
  // The checkpoint is still on its way.
  const auto answer = later<void>(p->engine, shutdown_atom_v, caf::timespan{10s});
  settle();
  REQUIRE(answer.done());
  CHECK_FALSE(answer.why());
  CHECK(p->disk->rows->find(ids[0])->part.position == 70'000);
  CHECK(p->network->open.empty());
  const auto counts = p->disk->rows->counts("pictures");
  CHECK(counts.queued == 100);
  CHECK(system.registry().running() == 0);
}

TEST_CASE_METHOD(actor_fixture, "Nothing is opened or accepted during a shutdown", "[engine]") {
  auto p = launch();
  const auto session = open(p);
  const auto id = submit_one(session, picture(1));
  p->network->respond(id, 1000);
  settle();
  p->publisher->hangs = true;
  const auto opening = later<session_actor>(p->engine, open_atom_v, std::string{"late"}, small_session(), true);
  const auto answer = later<void>(p->engine, shutdown_atom_v, caf::timespan{10s});
  settle();
  CHECK_FALSE(answer.done());
  CHECK((opening.done() && (opening.why().code == errc::shutting_down || opening.state->value)));
  CHECK(ask_error<session_actor>(p->engine, open_atom_v, "pictures", small_session(), false).code ==
        errc::shutting_down);
  CHECK(ask_error<std::vector<submit_result>>(session, submit_atom_v, pictures(1)).code == errc::shutting_down);

  SECTION("and a second one is answered with the first") {
    const auto second = later<void>(p->engine, shutdown_atom_v, caf::timespan{1s});
    advance(11s);
    CHECK(answer.done());
    CHECK(second.done());
  }
  SECTION("which ends at its deadline, though a session is stuck") {
    // A quarter is left for the ledger.
    advance(7s);
    CHECK_FALSE(answer.done());
    advance(1s);
    REQUIRE(answer.done());
    CHECK_FALSE(answer.why());
    // As after a crash: the row is as it was.
    CHECK(p->disk->rows->find(id)->state == transfer_state::queued);
  }
}

} // namespace bellhop::test
