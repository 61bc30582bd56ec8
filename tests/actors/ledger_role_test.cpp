#include "tests/support/actor_fixture.hpp"

/// The ledger's role: many writes in one commit, and what happens when the disk is full.
namespace bellhop::test {

namespace {

/// Groups end when the mailbox is empty, however long that takes.
group_commit::options patient() {
  group_commit::options options;
  options.linger = std::chrono::hours{1};
  options.quiet = 1us;
  return options;
}

struct heard {
  std::vector<std::vector<event>> batches;
  std::vector<error> stalls;
  std::vector<transfer_id> released;
  std::vector<transfer_id> waiting;
};

/// A session, as far as the ledger sees it.
caf::behavior session_twin(caf::event_based_actor*, std::shared_ptr<heard> log) {
  return {
      [log](events_atom, const std::vector<event>& events) { log->batches.push_back(events); },
      [log](stalled_atom, const error& why) { log->stalls.push_back(why); },
      [log](released_atom, transfer_id id) { log->released.push_back(id); },
      [log](waiting_atom, transfer_id id, time_point) { log->waiting.push_back(id); },
  };
}

struct ledger_fixture : actor_fixture {
  std::shared_ptr<fake_disk> disk = std::make_shared<fake_disk>();
  ledger_actor ledger = spawn_ledger(disk, patient());
  std::shared_ptr<heard> log = std::make_shared<heard>();
  session_control_actor session = caf::actor_cast<session_control_actor>(ends(system.spawn(session_twin, log)));

  std::vector<transfer_id> prepare(int count) {
    ask<opened_session>(ledger, open_atom_v, std::string{"pictures"}, small_session(), true);
    return ask<std::vector<transfer_id>>(ledger, submit_atom_v, std::string{"pictures"}, pictures(count));
  }

  void finish(transfer_id id) { caf::anon_send(ledger, finish_atom_v, id, outcome{}, session); }
};

} // namespace

TEST_CASE_METHOD(ledger_fixture, "Ends that come together are one commit and one message, in order", "[ledger]") {
  const auto ids = prepare(100);
  const auto before = disk->commits;
  for (const auto id : ids)
    finish(id);
  settle();
  CHECK(disk->commits == before + 1);
  REQUIRE(log->batches.size() == 1);
  REQUIRE(log->batches[0].size() == 100);
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(log->batches[0][i].seq == event_number{i + 1});
    CHECK(log->batches[0][i].transfer == ids[i]);
  }
}

TEST_CASE_METHOD(ledger_fixture, "An event that is not committed is not read", "[ledger]") {
  const auto ids = prepare(2);
  finish(ids[0]);
  SECTION("since reading ends the group") {
    const auto events =
        ask<std::vector<event>>(ledger, events_atom_v, std::string{"pictures"}, event_number{}, std::uint32_t{10});
    CHECK(events.size() == 1);
  }
  SECTION("even if it cannot be committed") {
    disk->commits_fail = {errc::no_space, "the disk is full", 0};
    const auto events =
        ask<std::vector<event>>(ledger, events_atom_v, std::string{"pictures"}, event_number{}, std::uint32_t{10});
    CHECK(events.empty());
    CHECK(log->batches.empty());
    disk->commits_fail = {};
    advance(2s);
    CHECK(log->batches.size() == 1);
  }
}

TEST_CASE_METHOD(ledger_fixture, "A full disk is told to the sessions, and nothing is lost when it is over",
                 "[ledger]") {
  const auto ids = prepare(3);
  caf::anon_send(ledger, stalled_atom_v, session);
  settle();
  CHECK(log->stalls.empty());

  disk->commits_fail = {errc::no_space, "the disk is full", 0};
  finish(ids[0]);
  settle();
  REQUIRE(log->stalls.size() == 1);
  CHECK(log->stalls[0].code == errc::no_space);
  CHECK(log->batches.empty());
  finish(ids[1]);
  transfer_record waiting = *disk->rows->find(ids[2]);
  waiting.waiting_for = wait_reason::backoff;
  waiting.retry_at = now() + 1h;
  caf::anon_send(ledger, waiting_atom_v, waiting, session);
  advance(5s);
  CHECK(log->batches.empty());
  CHECK(log->waiting.empty());

  // A session that comes now is told too.
  auto second = std::make_shared<heard>();
  caf::anon_send(ledger, stalled_atom_v,
                 caf::actor_cast<session_control_actor>(ends(system.spawn(session_twin, second))));
  settle();
  CHECK(second->stalls.size() == 1);

  disk->commits_fail = {};
  advance(2s);
  REQUIRE(log->stalls.size() == 2);
  CHECK_FALSE(log->stalls[1]);
  CHECK(second->stalls.size() == 2);
  REQUIRE(log->batches.size() == 1);
  CHECK(log->batches[0].size() == 2);
  CHECK(log->waiting == std::vector{ids[2]});
}

namespace {

/// So many pictures, of which one cannot be read.
class counting_source final : public request_source {
public:
  explicit counting_source(int count, int broken = 0) : left_(count), broken_(broken) {}

  std::vector<transfer_request> next(std::size_t most) override {
    std::vector<transfer_request> some;
    for (; left_ > 0 && some.size() < most; --left_) {
      if (left_ == broken_)
        throw failure{errc::file_io, "the spool file cannot be read"};
      some.push_back(actor_fixture::picture(left_));
    }
    largest_ = std::max(largest_, some.size());
    return some;
  }

  std::size_t largest() const noexcept { return largest_; }

private:
  int left_;
  int broken_;
  std::size_t largest_ = 0;
};

} // namespace

TEST_CASE_METHOD(ledger_fixture, "A source is added by one commit, a part of it in memory at a time", "[ledger]") {
  prepare(1);
  auto source = std::make_shared<counting_source>(2500);
  const auto before = disk->commits;
  const auto added = ask<transfer_range>(ledger, submit_atom_v, std::string{"pictures"}, source_ptr{source});
  CHECK(disk->commits == before + 1);
  CHECK(added == transfer_range{{2}, 2500});
  CHECK(source->largest() == 1000);
  CHECK(disk->rows->counts("pictures").queued == 2501);
  CHECK(disk->rows->find({2501})->request.url == picture(1).url);

  const auto none = ask<transfer_range>(ledger, submit_atom_v, std::string{"pictures"},
                                        source_ptr{std::make_shared<counting_source>(0)});
  CHECK(none.count == 0);
}

TEST_CASE_METHOD(ledger_fixture, "A source that fails in the middle adds nothing, and undoes nobody else's writes",
                 "[ledger]") {
  const auto ids = prepare(3);
  finish(ids[0]);
  const auto failing = later<transfer_range>(ledger, submit_atom_v, std::string{"pictures"},
                                             source_ptr{std::make_shared<counting_source>(2500, 300)});
  finish(ids[1]);
  const auto good = later<transfer_range>(ledger, submit_atom_v, std::string{"pictures"},
                                          source_ptr{std::make_shared<counting_source>(10)});
  finish(ids[2]);
  settle();
  REQUIRE(failing.done());
  CHECK(failing.why().code == errc::file_io);
  CHECK(good.value().count == 10);
  const auto counts = disk->rows->counts("pictures");
  CHECK(counts.completed == 3);
  CHECK(counts.queued == 10);
}

TEST_CASE_METHOD(ledger_fixture, "A transfer that is cancelled at rest keeps what it had received, for the event",
                 "[ledger]") {
  const auto ids = prepare(2);
  const checkpoint part{".part", 1, 70'000, 2, 100'000, "\"one\"", {}};
  for (const auto id : ids)
    ask<void>(ledger, record_atom_v, id, part);
  CHECK(ask<bool>(ledger, cancel_atom_v, ids[0], true, session));
  CHECK(ask<bool>(ledger, cancel_atom_v, ids[1], false, session));
  CHECK(disk->rows->find(ids[0])->part == part);
  CHECK_FALSE(disk->rows->find(ids[1])->part);
  CHECK(disk->rows->find(ids[1])->received == 70'000);
}

TEST_CASE_METHOD(ledger_fixture, "A session that has ended is not kept", "[ledger]") {
  const auto twin = caf::actor_cast<caf::actor>(session);
  caf::anon_send(ledger, stalled_atom_v, session);
  settle();
  caf::anon_send_exit(twin, caf::exit_reason::user_shutdown);
  settle();
  const auto ids = prepare(1);
  disk->commits_fail = {errc::no_space, "the disk is full", 0};
  caf::anon_send(ledger, finish_atom_v, ids[0], outcome{}, session);
  settle();
  CHECK(log->stalls.empty());
}

TEST_CASE_METHOD(ledger_fixture, "A transfer that ends twice has one event, and its session waits for no second",
                 "[ledger]") {
  const auto ids = prepare(1);
  finish(ids[0]);
  settle();
  finish(ids[0]);
  finish(transfer_id{99});
  settle();
  CHECK(log->batches.size() == 1);
  // The one that is unknown is refused before the group ends.
  CHECK(log->released == std::vector{transfer_id{99}, ids[0]});
}

TEST_CASE_METHOD(ledger_fixture, "What is asked last is committed before the end is answered", "[ledger]") {
  const auto ids = prepare(1);
  finish(ids[0]);
  const auto end = later<void>(ledger, shutdown_atom_v);
  step(2);
  settle();
  CHECK(end.done());
  CHECK(disk->rows->counts("pictures").completed == 1);
  CHECK(log->batches.size() == 1);
}

TEST_CASE_METHOD(ledger_fixture, "A ledger that ends in the middle of a group commits it", "[ledger]") {
  const auto ids = prepare(3);
  for (const auto id : ids)
    finish(id);
  step(3);
  caf::anon_send_exit(ledger, caf::exit_reason::kill);
  settle();
  CHECK(disk->rows->counts("pictures").completed == 3);
}

TEST_CASE_METHOD(actor_fixture, "A delegate hears of a full disk, and its transfers end when there is room",
                 "[ledger]") {
  auto p = launch();
  const auto session = open(p);
  auto log = std::make_shared<fake_delegate>();
  attach(session, log);
  const auto ids = submit(session, pictures(2));
  p->disk->commits_fail = {errc::no_space, "the disk is full", 0};
  p->network->complete_all();
  settle();
  REQUIRE(log->stalls.size() == 1);
  CHECK(log->events().empty());
  // Who attaches now is told as well.
  auto next = std::make_shared<fake_delegate>();
  attach(session, next, true);
  CHECK(next->stalls.size() == 1);
  p->disk->commits_fail = {};
  advance(3s);
  CHECK(next->events().size() == 2);
  REQUIRE(next->stalls.size() == 2);
  CHECK_FALSE(next->stalls[1]);
  CHECK(next->finished_after == std::vector<std::size_t>{2});
}

} // namespace bellhop::test
