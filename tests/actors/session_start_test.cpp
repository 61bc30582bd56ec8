#include "tests/support/actor_fixture.hpp"

#include <algorithm>
#include <functional>
#include <set>

/// Which transfers a session runs, and when.
namespace bellhop::test {

TEST_CASE_METHOD(actor_fixture, "A submit is answered when it is committed", "[session]") {
  auto p = launch();
  const auto session = open(p);
  p->disk->commits_fail = {errc::no_space, "the disk is full", 0};
  const auto refused = later<std::vector<submit_result>>(session, submit_atom_v, pictures(2));
  settle();
  REQUIRE(refused.done());
  CHECK(refused.why().code == errc::no_space);
  CHECK(p->network->started.empty());

  p->disk->commits_fail = {};
  const auto before = p->disk->commits;
  const auto ids = submit(session, pictures(3));
  CHECK(ids.size() == 3);
  CHECK(p->disk->commits > before);
  CHECK(p->disk->rows->find(ids[2])->request.url == "http://example.org/3.jpg");
}

TEST_CASE_METHOD(actor_fixture, "A request that is refused does not hold up the others", "[session]") {
  auto p = launch();
  const auto session = open(p);
  auto requests = pictures(3);
  requests[0].url = "ftp://example.org/1.jpg";
  requests[2].destination = "relative.jpg";
  const auto results = ask<std::vector<submit_result>>(session, submit_atom_v, requests);
  REQUIRE(results.size() == 3);
  CHECK(results[0].why.code == errc::unsupported_scheme);
  CHECK_FALSE(results[0].id);
  CHECK_FALSE(results[1].why);
  CHECK(results[2].why.code == errc::invalid_destination);
  CHECK(p->network->order() == std::vector{results[1].id});

  SECTION("and if all are refused, nothing is written") {
    const auto commits = p->disk->commits;
    CHECK(ask<std::vector<submit_result>>(session, submit_atom_v, std::vector{requests[0]})[0].why);
    CHECK(p->disk->commits == commits);
  }
}

TEST_CASE_METHOD(actor_fixture, "A queued transfer is a row, not an actor", "[session]") {
  auto p = launch();
  const auto session = open(p);
  const auto idle = system.registry().running();
  constexpr std::size_t many = 5000;
  submit(session, pictures(many));
  settle();
  // The window: what may be on the wire (4), and some at hand (32).
  CHECK(p->network->started.size() == 36);
  CHECK(system.registry().running() == idle + 36);

  std::size_t most = 0;
  while (!p->network->open.empty()) {
    most = std::max(most, p->network->open.size());
    p->network->complete_all();
    settle();
  }
  CHECK(most == 36);
  CHECK(p->network->started.size() == many);
  const auto order = p->network->order();
  CHECK(std::set<transfer_id>(order.begin(), order.end()).size() == many);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(ask<session_counts>(session, counts_atom_v).completed == many);
  CHECK(system.registry().running() == idle);
}

TEST_CASE_METHOD(actor_fixture, "Transfers start by priority, then as they were submitted", "[session]") {
  auto p = launch();
  const auto session = open(p);
  // The window is full, so that all others have to wait.
  submit(session, pictures(36));
  auto requests = pictures(6);
  requests[1].priority = 1;
  requests[3].priority = 0.75;
  requests[4].priority = 1;
  requests[5].priority = 0;
  const auto ids = submit(session, requests);
  p->network->started.clear();
  p->network->complete_all();
  settle();
  CHECK(p->network->order() == std::vector{ids[1], ids[4], ids[3], ids[0], ids[2], ids[5]});
}

TEST_CASE_METHOD(actor_fixture, "What is submitted later but is more urgent starts before what waits", "[session]") {
  auto p = launch();
  const auto session = open(p);
  submit(session, pictures(36 + 600));
  auto urgent = picture(1000);
  urgent.priority = 1;
  const auto id = submit_one(session, urgent);
  const auto on_the_wire = p->network->open.begin()->second.request.transfer;
  p->network->started.clear();
  p->network->complete(on_the_wire);
  settle();
  CHECK(p->network->order() == std::vector{id});
}

namespace {

/// Submits one picture after another, each when the last one was accepted.
void keep_submitting(caf::event_based_actor* self, session_actor session, int left, std::function<void()> at_end) {
  if (left == 0)
    return at_end();
  self->request(session, caf::infinite, submit_atom_v, std::vector{actor_fixture::picture(left)})
      .then([=](const std::vector<submit_result>&) { keep_submitting(self, session, left - 1, at_end); });
}

} // namespace

TEST_CASE_METHOD(actor_fixture, "Submitting without a pause does not keep transfers from starting", "[session]") {
  auto p = launch();
  const auto session = open(p);
  // Several do it, so that an answer to one of them comes while the ledger looks for what is ready.
  std::size_t started = 0;
  for (int program = 0; program < 6; ++program)
    ends(system.spawn([&, session](caf::event_based_actor* self) {
      keep_submitting(self, session, 100, [&] { started = std::max(started, p->network->started.size()); });
    }));
  while (started == 0 && step(1)) {
  }
  CHECK(started == 36);
  settle();
}

TEST_CASE_METHOD(actor_fixture, "A transfer begins no earlier than its date", "[session]") {
  auto p = launch();
  const auto session = open(p);
  auto request = picture(1);
  request.earliest_begin = now() + 90s;
  const auto id = submit_one(session, request);
  auto log = std::make_shared<fake_delegate>();
  attach(session, log);
  advance(89s);
  CHECK(p->network->started.empty());
  CHECK(log->finished_after.empty());
  advance(2s);
  CHECK(p->network->order() == std::vector{id});
}

TEST_CASE_METHOD(actor_fixture, "A begin date that passes while the queue is long is not overlooked", "[session]") {
  auto p = launch();
  const auto session = open(p);
  auto early = picture(0);
  early.priority = 1;
  early.earliest_begin = now() + 10s;
  const auto id = submit_one(session, early);
  submit(session, pictures(1000));
  advance(11s);
  p->network->started.clear();
  p->network->complete(p->network->open.begin()->second.request.transfer);
  settle();
  CHECK(p->network->order() == std::vector{id});
}

TEST_CASE_METHOD(actor_fixture, "What comes due before its timer, while pages are read, is not overlooked",
                 "[session]") {
  auto p = launch();
  const auto session = open(p);
  auto early = picture(0);
  early.priority = 1;
  early.earliest_begin = now() + 5ms;
  const auto id = submit_one(session, early);
  submit(session, pictures(1000));
  // Timers are no finer than 20 ms; the next page is read before.
  advance(10ms, 10ms);
  for (int round = 0; round < 5; ++round) {
    p->network->complete_all();
    settle();
  }
  const auto order = p->network->order();
  CHECK(std::count(order.begin(), order.end(), id) == 1);
}

TEST_CASE_METHOD(actor_fixture, "A failed attempt waits as a row and comes back when it is due", "[session]") {
  auto p = launch();
  const auto session = open(p);
  const auto idle = system.registry().running();
  const auto id = submit_one(session, picture(1));
  p->network->lose(id);
  settle();
  const auto waiting = find(session, id);
  CHECK(waiting.state == transfer_state::waiting);
  CHECK(waiting.waiting_for == wait_reason::backoff);
  CHECK(waiting.retry_at == now() + 500ms);
  CHECK(waiting.last_error.code == errc::connection_lost);
  CHECK(system.registry().running() == idle);
  CHECK_FALSE(p->network->has(id));

  advance(1s);
  REQUIRE(p->network->has(id));
  p->network->complete(id);
  settle();
  const auto done = find(session, id);
  CHECK(done.state == transfer_state::completed);
  CHECK(done.attempts == 2);
}

TEST_CASE_METHOD(actor_fixture, "Retry-After is waited for", "[session]") {
  auto p = launch();
  const auto session = open(p);
  const auto id = submit_one(session, picture(1));
  p->network->status(id, 503, "120");
  settle();
  CHECK(find(session, id).waiting_for == wait_reason::retry_after);
  advance(119s);
  CHECK(p->network->started.size() == 1);
  advance(2s);
  CHECK(p->network->started.size() == 2);
}

TEST_CASE_METHOD(actor_fixture, "A status that will not change ends the transfer at once", "[session]") {
  auto p = launch();
  const auto session = open(p);
  auto log = std::make_shared<fake_delegate>();
  attach(session, log);
  const auto id = submit_one(session, picture(1));
  p->network->status(id, 404);
  settle();
  REQUIRE(log->events().size() == 1);
  CHECK(log->events()[0].type == event_type::failed);
  CHECK(log->events()[0].why.status == 404);
  CHECK(find(session, id).state == transfer_state::failed);
}

TEST_CASE_METHOD(actor_fixture, "A large body goes through a part that the ledger knows before it exists",
                 "[session]") {
  auto p = launch();
  const auto session = open(p);
  const auto id = submit_one(session, picture(1));
  p->network->respond(id, 1000);
  settle();
  CHECK(p->disk->rows->find(id)->part.part_name != "");
  auto& attempt = p->network->of(id);
  REQUIRE(attempt.pipe);
  attempt.pipe->push(body_buffer(600, 'x'));
  settle();
  CHECK(p->disk->rows->find(id)->part.position == 600);
  attempt.pipe->push(body_buffer(400, 'x'));
  attempt_result whole;
  whole.head.status = 200;
  p->network->done(id, whole);
  settle();
  CHECK(find(session, id).state == transfer_state::completed);
  CHECK(find(session, id).received == 1000);
}

TEST_CASE_METHOD(actor_fixture, "A transfer that crashes is tried again, then failed, and the others go on",
                 "[session]") {
  auto p = launch();
  const auto session = open(p);
  auto log = std::make_shared<fake_delegate>();
  attach(session, log);
  const auto ids = submit(session, pictures(2));
  for (int crash = 1; crash <= 3; ++crash) {
    REQUIRE(p->network->has(ids[0]));
    caf::anon_send_exit(p->network->of(ids[0]).transfer, caf::exit_reason::unhandled_exception);
    settle();
    p->network->open.erase(p->network->of(ids[0]).request.id);
    advance(2s);
  }
  CHECK_FALSE(p->network->has(ids[0]));
  REQUIRE(log->events().size() == 1);
  CHECK(log->events()[0].transfer == ids[0]);
  CHECK(log->events()[0].type == event_type::failed);
  CHECK(log->events()[0].why.code == errc::internal);
  p->network->complete(ids[1]);
  settle();
  CHECK(log->events().size() == 2);
  CHECK(log->finished_after == std::vector<std::size_t>{2});
}

TEST_CASE_METHOD(actor_fixture, "A ledger that cannot be read for a while stops nothing for good", "[session]") {
  auto p = launch();
  const auto session = open(p);
  auto log = std::make_shared<fake_delegate>();
  attach(session, log);
  p->disk->reads_fail = {errc::ledger_io, "the disk does not answer", 0};
  const auto id = submit_one(session, picture(1));
  REQUIRE(log->stalls.size() == 1);
  CHECK(log->stalls[0].code == errc::ledger_io);
  advance(5s);
  CHECK(p->network->started.empty());
  p->disk->reads_fail = {};
  advance(2s);
  REQUIRE(p->network->has(id));
  p->network->complete(id);
  settle();
  CHECK(log->finished_after == std::vector<std::size_t>{1});
}

} // namespace bellhop::test
