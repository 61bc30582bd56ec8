#include "tests/support/actor_fixture.hpp"

/// Suspending, resuming, cancelling and removing: of queued, active, waiting and ended transfers, and in the moments
/// between.
namespace bellhop::test {

namespace {

using ids_of = std::vector<transfer_id>;

/// A session with a delegate, in a process.
struct request_fixture : actor_fixture {
  std::shared_ptr<process> p = launch();
  session_actor session = open(p);
  std::shared_ptr<fake_delegate> log = std::make_shared<fake_delegate>();
  delegate_twin_actor delegate = attach(session, log);

  template <class Verb>
  void change(Verb verb, ids_of ids) {
    ask<void>(session, verb, std::move(ids));
  }

  template <class Verb>
  error refused(Verb verb, ids_of ids) {
    return ask_error<void>(session, verb, std::move(ids));
  }

  transfer_state state(transfer_id id) { return find(session, id).state; }

  /// Fills the window, so that what comes next is queued.
  ids_of fill() { return submit(session, pictures(36)); }
};

} // namespace

TEST_CASE_METHOD(request_fixture, "A queued transfer that is suspended does not start", "[session]") {
  fill();
  const auto ids = submit(session, {picture(101), picture(102)});
  change(suspend_atom_v, {ids[0]});
  CHECK(state(ids[0]) == transfer_state::suspended);
  p->network->complete_all();
  settle();
  CHECK_FALSE(p->network->has(ids[0]));
  CHECK(p->network->has(ids[1]));
  p->network->complete_all();
  settle();
  // Nothing runs by itself any more.
  CHECK(log->finished_after == std::vector<std::size_t>{37});

  change(resume_atom_v, {ids[0]});
  REQUIRE(p->network->has(ids[0]));
  p->network->complete_all();
  settle();
  CHECK(log->finished_after == std::vector<std::size_t>{37, 38});
}

TEST_CASE_METHOD(request_fixture, "An active transfer that is suspended keeps its part and goes on from it",
                 "[session]") {
  const auto id = submit_one(session, picture(1));
  p->network->respond(id, 100'000);
  settle();
  p->network->of(id).pipe->push(body_buffer(60'000, 'x'));
  settle();
  change(suspend_atom_v, {id});
  CHECK(state(id) == transfer_state::suspended);
  CHECK(p->network->cancelled.size() == 1);
  CHECK(find(session, id).part.position == 60'000);

  change(resume_atom_v, {id});
  REQUIRE(p->network->started.size() == 2);
  CHECK(p->network->started[1].range_from > 0);
  CHECK(p->network->started[1].if_range == "\"one\"");
}

TEST_CASE_METHOD(request_fixture, "A waiting transfer that is suspended does not come back by itself", "[session]") {
  const auto id = submit_one(session, picture(1));
  p->network->lose(id);
  settle();
  change(suspend_atom_v, {id});
  advance(5s);
  CHECK(p->network->started.size() == 1);
  CHECK(log->finished_after == std::vector<std::size_t>{0});
  change(resume_atom_v, {id});
  CHECK(p->network->started.size() == 2);
}

TEST_CASE_METHOD(request_fixture, "Resuming a waiting transfer tries it at once", "[session]") {
  const auto id = submit_one(session, picture(1));
  p->network->status(id, 503, "86400");
  settle();
  change(resume_atom_v, {id});
  CHECK(p->network->has(id));
}

TEST_CASE_METHOD(request_fixture, "Resuming what runs or is queued changes nothing", "[session]") {
  const auto active = fill();
  const auto queued = submit_one(session, picture(101));
  change(resume_atom_v, {active[0], queued});
  CHECK(p->network->started.size() == 36);
  p->network->complete_all();
  settle();
  CHECK(p->network->has(queued));
}

TEST_CASE_METHOD(request_fixture, "Cancelling gives each its one event, wherever it is", "[session]") {
  const auto active = fill();
  const auto queued = submit_one(session, picture(101));
  auto later_one = picture(102);
  later_one.suspended = true;
  const auto suspended = submit_one(session, later_one);
  p->network->lose(active[0]);
  settle();
  const auto before = log->events().size();
  change(cancel_atom_v, {active[0], active[1], queued, suspended});
  REQUIRE(log->events().size() == before + 4);
  for (const auto& e : log->events())
    CHECK(e.type == event_type::cancelled);
  for (const auto id : {active[0], active[1], queued, suspended})
    CHECK(state(id) == transfer_state::cancelled);
  // Again: it is so already.
  change(cancel_atom_v, {queued});
  CHECK(log->events().size() == before + 4);
}

TEST_CASE_METHOD(request_fixture, "A waiting transfer that is cancelled does not keep the session waiting",
                 "[session]") {
  const auto id = submit_one(session, picture(1));
  p->network->status(id, 503, "86400");
  settle();
  CHECK(log->finished_after.empty());
  change(cancel_atom_v, {id});
  CHECK(log->finished_after == std::vector<std::size_t>{1});
}

TEST_CASE_METHOD(request_fixture, "The part of a cancelled transfer is removed from where it is", "[session]") {
  // The part is beside the destination; with a name from the server, in the folder that was asked for.
  const bool name_from_server = GENERATE(false, true);
  const bool at_rest = GENERATE(false, true);
  auto request = picture(1);
  if (name_from_server) {
    request.destination = "/pictures";
    request.name_from_server = true;
  }
  const auto id = submit_one(session, request);
  p->network->respond(id, 100'000);
  settle();
  p->network->of(id).pipe->push(body_buffer(50'000, 'x'));
  settle();
  const auto part = find(session, id).part.part_name;
  if (at_rest)
    change(suspend_atom_v, {id});
  change(cancel_atom_v, {id});
  REQUIRE(p->publisher->discarded.size() == 1);
  CHECK(p->publisher->discarded[0] == std::pair<std::string, std::string>{"/pictures", part});
}

TEST_CASE_METHOD(request_fixture, "Only what has ended can be removed", "[session]") {
  const auto active = fill();
  const auto queued = submit_one(session, picture(101));
  CHECK(refused(remove_atom_v, {active[0]}).code == errc::wrong_state);
  CHECK(refused(remove_atom_v, {queued}).code == errc::wrong_state);
  p->network->complete(active[0]);
  settle();
  // The one that could not be removed starts all the same.
  CHECK(p->network->has(queued));
  change(remove_atom_v, {active[0]});
  CHECK(refused(remove_atom_v, {active[0]}).code == errc::unknown_transfer);
  CHECK(ask_error<transfer_record>(session, find_atom_v, active[0]).code == errc::unknown_transfer);
}

TEST_CASE_METHOD(request_fixture, "What has ended can be neither suspended nor resumed, and the others are",
                 "[session]") {
  const auto ids = submit(session, pictures(2));
  p->network->complete(ids[0]);
  settle();
  const auto why = refused(suspend_atom_v, ids);
  CHECK(why.code == errc::wrong_state);
  CHECK(why.message.find("completed") != std::string::npos);
  CHECK(state(ids[1]) == transfer_state::suspended);
  CHECK(refused(resume_atom_v, {ids[0]}).code == errc::wrong_state);
  CHECK(refused(cancel_atom_v, {ids[0]}).code == errc::wrong_state);
}

TEST_CASE_METHOD(request_fixture, "Another session's transfers are out of reach", "[session]") {
  const auto other = open(p, "music");
  const auto id = submit_one(other, picture(1));
  CHECK(refused(cancel_atom_v, {id}).code == errc::unknown_transfer);
  CHECK(ask_error<transfer_record>(session, find_atom_v, id).code == errc::unknown_transfer);
  CHECK(p->network->has(id));
}

TEST_CASE_METHOD(request_fixture, "Cancelling in the moment of completion is no error, and there is one event",
                 "[session]") {
  const auto id = submit_one(session, picture(1));
  p->network->complete(id);
  const auto answer = later<void>(session, cancel_atom_v, ids_of{id});
  settle();
  REQUIRE(answer.done());
  CHECK_FALSE(answer.why());
  CHECK(log->events().size() == 1);
  CHECK(is_terminal(state(id)));
}

TEST_CASE_METHOD(request_fixture, "Suspending in the moment of going to wait suspends", "[session]") {
  const auto id = submit_one(session, picture(1));
  p->network->lose(id);
  const auto answer = later<void>(session, suspend_atom_v, ids_of{id});
  settle();
  REQUIRE(answer.done());
  CHECK_FALSE(answer.why());
  CHECK(state(id) == transfer_state::suspended);
  advance(5s);
  CHECK(p->network->started.size() == 1);
}

TEST_CASE_METHOD(request_fixture, "Cancelling in the moment of going to wait cancels", "[session]") {
  const auto id = submit_one(session, picture(1));
  p->network->lose(id);
  const auto answer = later<void>(session, cancel_atom_v, ids_of{id});
  settle();
  REQUIRE(answer.done());
  CHECK_FALSE(answer.why());
  CHECK(state(id) == transfer_state::cancelled);
  CHECK(log->events().size() == 1);
}

TEST_CASE_METHOD(request_fixture, "The last of several wishes holds", "[session]") {
  const auto id = submit_one(session, picture(1));
  SECTION("suspend and resume at once: it runs") {
    const auto first = later<void>(session, suspend_atom_v, ids_of{id});
    const auto second = later<void>(session, resume_atom_v, ids_of{id});
    settle();
    CHECK((first.done() && second.done()));
    CHECK_FALSE(second.why());
    CHECK(p->network->has(id));
    CHECK(p->network->started.size() == 2);
  }
  SECTION("suspend and cancel at once: it is cancelled") {
    const auto first = later<void>(session, suspend_atom_v, ids_of{id});
    const auto second = later<void>(session, cancel_atom_v, ids_of{id});
    settle();
    CHECK((first.done() && second.done()));
    CHECK_FALSE(second.why());
    CHECK(state(id) == transfer_state::cancelled);
  }
  SECTION("cancel and remove at once: it is forgotten") {
    const auto first = later<void>(session, cancel_atom_v, ids_of{id});
    const auto second = later<void>(session, remove_atom_v, ids_of{id});
    settle();
    CHECK_FALSE(first.why());
    CHECK_FALSE(second.why());
    CHECK(ask_error<transfer_record>(session, find_atom_v, id).code == errc::unknown_transfer);
  }
}

/// An answer of the ledger that was computed before a change must not start what was changed. Every interleaving of a
/// refill with the change is tried, by letting the request overtake after each number of steps.
TEST_CASE_METHOD(request_fixture, "An old answer of the ledger starts nothing that was suspended or cancelled since",
                 "[session]") {
  for (int steps = 0; steps < 60; ++steps) {
    INFO("after " << steps << " steps");
    p->network->complete_all();
    settle();
    fill();
    const auto ids = submit(session, {picture(101), picture(102), picture(103)});
    // Completions make room, and a submit makes the session look again.
    p->network->complete_all();
    const auto more = later<std::vector<submit_result>>(session, submit_atom_v, std::vector{picture(104)});
    step(steps);
    const auto suspended = later<void>(session, suspend_atom_v, ids_of{ids[0]});
    const auto cancelled = later<void>(session, cancel_atom_v, ids_of{ids[1]});
    settle();
    CHECK((suspended.done() && cancelled.done() && more.done()));
    CHECK(state(ids[0]) == transfer_state::suspended);
    CHECK(state(ids[1]) == transfer_state::cancelled);
    CHECK_FALSE(p->network->has(ids[0]));
    CHECK_FALSE(p->network->has(ids[1]));
    CHECK(p->network->has(ids[2]));
  }
}

} // namespace bellhop::test
