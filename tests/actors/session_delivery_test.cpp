#include "tests/support/actor_fixture.hpp"

#include <numeric>

/// Events and news on their way to the delegate.
namespace bellhop::test {

namespace {

std::vector<std::uint64_t> up_to(std::uint64_t last) {
  std::vector<std::uint64_t> numbers(last);
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

/// A session without a delegate.
struct delivery_fixture : actor_fixture {
  std::shared_ptr<process> p = launch();
  session_actor session = open(p);
  std::shared_ptr<fake_delegate> log = std::make_shared<fake_delegate>();

  std::vector<transfer_id> complete(int count) {
    auto ids = submit(session, pictures(count));
    while (!p->network->open.empty()) {
      p->network->complete_all();
      settle();
    }
    return ids;
  }
};

} // namespace

TEST_CASE_METHOD(delivery_fixture, "Events arrive in order, and are told finished once after the last", "[session]") {
  attach(session, log);
  complete(100);
  CHECK(log->numbers() == up_to(100));
  CHECK(log->finished_after == std::vector<std::size_t>{100});
  complete(3);
  CHECK(log->numbers() == up_to(103));
  CHECK(log->finished_after == std::vector<std::size_t>{100, 103});
}

TEST_CASE_METHOD(delivery_fixture, "An idle session with nothing to tell tells nothing", "[session]") {
  attach(session, log);
  advance(2s);
  CHECK(log->finished_after.empty());
  CHECK(log->batches.empty());
}

TEST_CASE_METHOD(delivery_fixture, "More events than are kept in memory arrive in order too", "[session]") {
  log->withholds = true;
  const auto delegate = attach(session, log);
  complete(6000);
  CHECK(log->batches.size() == 1);
  caf::anon_send(delegate, resume_atom_v);
  settle();
  CHECK(log->numbers() == up_to(6000));
  CHECK(log->finished_after == std::vector<std::size_t>{6000});
}

TEST_CASE_METHOD(delivery_fixture, "A delegate that does not answer gets no second batch, and the transfers go on",
                 "[session]") {
  log->withholds = true;
  const auto delegate = attach(session, log);
  const auto ids = complete(50);
  CHECK(log->batches.size() == 1);
  CHECK(log->finished_after.empty());
  CHECK(ask<session_counts>(session, counts_atom_v).completed == 50);
  caf::anon_send(delegate, resume_atom_v);
  settle();
  CHECK(log->numbers() == up_to(50));
  CHECK(log->finished_after.size() == 1);
}

TEST_CASE_METHOD(delivery_fixture, "Who attaches gets everything from the first event that was not acknowledged",
                 "[session]") {
  const auto first = attach(session, log);
  complete(10);
  ask<void>(session, acknowledge_atom_v, event_number{4});
  caf::anon_send(session, detach_atom_v);
  settle();
  complete(2);
  CHECK(log->numbers() == up_to(10));

  auto next = std::make_shared<fake_delegate>();
  attach(session, next);
  CHECK(next->numbers() == std::vector<std::uint64_t>{5, 6, 7, 8, 9, 10, 11, 12});
  CHECK(next->finished_after == std::vector<std::size_t>{8});
}

TEST_CASE_METHOD(delivery_fixture, "Attaching again in the middle of a batch keeps one batch under way", "[session]") {
  log->withholds = true;
  const auto delegate = attach(session, log);
  complete(600);
  REQUIRE(log->batches.size() == 1);
  ask<void>(session, attach_atom_v, delegate_actor{delegate}, false);
  REQUIRE(log->batches.size() == 2);
  CHECK(log->batches[1].front().seq == event_number{1});
  // The old batch's answer does not ask for more; the new one's does.
  auto old_one = log->withheld.front();
  log->withheld.erase(log->withheld.begin());
  auto kept = std::exchange(log->withheld, {old_one});
  caf::anon_send(delegate, resume_atom_v);
  settle();
  CHECK(log->batches.size() == 2);
  log->withheld = kept;
  caf::anon_send(delegate, resume_atom_v);
  settle();
  CHECK(log->batches.back().back().seq == event_number{600});
}

TEST_CASE_METHOD(delivery_fixture, "A session has one delegate, unless another takes over", "[session]") {
  attach(session, log);
  auto other = std::make_shared<fake_delegate>();
  const auto second = spawn_delegate(other);
  const auto why = ask_error<void>(session, attach_atom_v, delegate_actor{second}, false);
  CHECK(why.code == errc::session_in_use);
  CHECK(log->detached.empty());
  ask<void>(session, attach_atom_v, delegate_actor{second}, true);
  REQUIRE(log->detached.size() == 1);
  CHECK(log->detached[0].code == errc::session_in_use);
  complete(3);
  CHECK(log->batches.empty());
  CHECK(other->numbers() == up_to(3));
  CHECK(other->detached.empty());
}

TEST_CASE_METHOD(delivery_fixture, "A delegate that attaches again has not been replaced", "[session]") {
  const auto delegate = attach(session, log);
  ask<void>(session, attach_atom_v, delegate_actor{delegate}, true);
  CHECK(log->detached.empty());
  caf::anon_send_exit(delegate, caf::exit_reason::kill);
  settle();
  CHECK_FALSE(status(session).attached);
}

// -- watching ---------------------------------------------------------------------------------------------------------

namespace {

struct watch_fixture : delivery_fixture {
  delegate_twin_actor watch(std::shared_ptr<fake_delegate> who, std::uint64_t after = 0) {
    auto handle = spawn_delegate(std::move(who));
    ask<void>(session, watch_atom_v, delegate_actor{handle}, event_number{after});
    return handle;
  }

  std::shared_ptr<fake_delegate> watcher = std::make_shared<fake_delegate>();
};

} // namespace

TEST_CASE_METHOD(watch_fixture, "Who watches is told every event after the one it names, and does not attach",
                 "[session]") {
  complete(5);
  watch(watcher, 2);
  CHECK(watcher->numbers() == std::vector<std::uint64_t>{3, 4, 5});
  CHECK_FALSE(status(session).attached);
  complete(600);
  REQUIRE(watcher->numbers().size() == 603);
  CHECK(watcher->numbers().back() == 605);
  CHECK(watcher->finished_after.empty());
  // What nobody owns is not acknowledged by being watched.
  attach(session, log);
  CHECK(log->numbers() == up_to(605));
  CHECK(status(session).attached);
}

TEST_CASE_METHOD(watch_fixture, "A number beyond the last event means from now on", "[session]") {
  complete(3);
  watch(watcher, ~std::uint64_t{0});
  CHECK(watcher->batches.empty());
  complete(2);
  CHECK(watcher->numbers() == std::vector<std::uint64_t>{4, 5});
}

TEST_CASE_METHOD(watch_fixture, "Nobody waits for one who does not answer, and it gets everything later", "[session]") {
  attach(session, log);
  watcher->withholds = true;
  const auto slow = watch(watcher);
  auto quick = std::make_shared<fake_delegate>();
  watch(quick);
  complete(6000);
  CHECK(log->numbers() == up_to(6000));
  CHECK(log->finished_after == std::vector<std::size_t>{6000});
  CHECK(quick->numbers() == up_to(6000));
  CHECK(watcher->batches.size() == 1);
  caf::anon_send(slow, resume_atom_v);
  settle();
  CHECK(watcher->numbers() == up_to(6000));
}

TEST_CASE_METHOD(watch_fixture, "A delegate that does not answer holds up none of those who watch", "[session]") {
  log->withholds = true;
  const auto delegate = attach(session, log);
  watch(watcher);
  complete(6000);
  CHECK(watcher->numbers() == up_to(6000));
  CHECK(log->batches.size() == 1);
  caf::anon_send(delegate, resume_atom_v);
  settle();
  CHECK(log->numbers() == up_to(6000));
}

TEST_CASE_METHOD(watch_fixture, "Who watches gets the news, each at its own pace", "[session]") {
  attach(session, log);
  watcher->withholds = true;
  const auto slow = watch(watcher);
  const auto ids = submit(session, pictures(2));
  for (std::int64_t received = 1; received <= 100; ++received) {
    p->network->report(ids[0], received);
    settle();
  }
  CHECK(log->moved.size() == 100);
  REQUIRE(watcher->moved.size() == 1);
  caf::anon_send(slow, resume_atom_v);
  settle();
  REQUIRE(watcher->moved.size() == 2);
  CHECK(watcher->moved[1] == std::vector<progress>{{ids[0], 100, unknown_size}});
  p->network->lose(ids[0]);
  settle();
  REQUIRE_FALSE(watcher->notices.empty());
  CHECK(watcher->notices.back() == log->notices.back());
}

TEST_CASE_METHOD(watch_fixture, "One who watches and dies, or throws, is forgotten, and the others go on",
                 "[session]") {
  attach(session, log);
  auto other = std::make_shared<fake_delegate>();
  watch(other);
  SECTION("it dies in the middle of a batch") {
    watcher->withholds = true;
    const auto handle = watch(watcher);
    complete(2);
    caf::anon_send_exit(handle, caf::exit_reason::kill);
    settle();
  }
  SECTION("it throws") {
    watcher->throws = true;
    watch(watcher);
    complete(2);
  }
  complete(3);
  CHECK(watcher->batches.size() == 1);
  CHECK(log->numbers() == up_to(5));
  CHECK(other->numbers() == up_to(5));
  CHECK(log->finished_after.back() == 5);
}

TEST_CASE_METHOD(watch_fixture, "A full disk is told to those who watch", "[session]") {
  watch(watcher);
  const auto id = submit_one(session, picture(1));
  p->disk->commits_fail = {errc::no_space, "the disk is full", 0};
  p->network->complete(id);
  settle();
  REQUIRE(watcher->stalls.size() == 1);
  auto late = std::make_shared<fake_delegate>();
  watch(late);
  CHECK(late->stalls.size() == 1);
  p->disk->commits_fail = {};
  advance(3s);
  CHECK(watcher->stalls.size() == 2);
  CHECK(watcher->numbers() == up_to(1));
}

TEST_CASE_METHOD(watch_fixture, "Who watches is told last that the session is gone", "[session]") {
  watch(watcher);
  complete(3);
  ask<void>(session, acknowledge_atom_v, event_number{3});
  ask<void>(session, invalidate_atom_v, false);
  CHECK(watcher->numbers() == up_to(3));
  CHECK(watcher->invalid_after == std::vector{watcher->messages});
}

TEST_CASE_METHOD(delivery_fixture, "The log can be read without attaching", "[session]") {
  complete(10);
  const auto some = ask<std::vector<event>>(session, events_atom_v, event_number{4}, std::uint32_t{3});
  REQUIRE(some.size() == 3);
  CHECK(some[0].seq == event_number{5});
}

TEST_CASE_METHOD(delivery_fixture, "A session's status is what is so now", "[session]") {
  const auto ids = submit(session, pictures(40));
  p->network->complete(ids[0]);
  settle();
  attach(session, log);
  auto now = status(session);
  CHECK(now.active == 36);
  CHECK(now.counts.queued == 39);
  CHECK(now.counts.completed == 1);
  CHECK(now.last_event == event_number{1});
  CHECK(now.acknowledged == event_number{});
  CHECK(now.attached);
  CHECK_FALSE(now.paused);
  CHECK(now.phase == session_phase::open);
  ask<void>(session, acknowledge_atom_v, event_number{1});
  CHECK(status(session).acknowledged == event_number{1});

  const auto listed = ask<std::vector<transfer_record>>(session, list_atom_v, list_filter{});
  REQUIRE(listed.size() == 40);
  CHECK(listed[0].state == transfer_state::completed);
  CHECK(listed[1].state == transfer_state::running);
  CHECK(listed[39].state == transfer_state::queued);
}

TEST_CASE_METHOD(delivery_fixture, "A delegate that dies is detached, and the transfers go on", "[session]") {
  const auto delegate = attach(session, log);
  submit(session, pictures(3));
  caf::anon_send_exit(delegate, caf::exit_reason::kill);
  settle();
  p->network->complete_all();
  settle();
  CHECK(ask<session_counts>(session, counts_atom_v).completed == 3);
  auto next = std::make_shared<fake_delegate>();
  attach(session, next);
  CHECK(next->numbers() == up_to(3));
}

TEST_CASE_METHOD(delivery_fixture, "A delegate whose handler throws loses no event", "[session]") {
  log->throws = true;
  attach(session, log);
  complete(3);
  CHECK(log->batches.size() == 1);
  auto next = std::make_shared<fake_delegate>();
  attach(session, next);
  CHECK(next->numbers() == up_to(3));
  CHECK(next->finished_after.size() == 1);
}

TEST_CASE_METHOD(delivery_fixture, "Acknowledging is answered when committed, and only for what was delivered",
                 "[session]") {
  attach(session, log);
  complete(2);
  CHECK(ask_error<void>(session, acknowledge_atom_v, event_number{3}).code == errc::invalid_argument);
  p->disk->commits_fail = {errc::no_space, "the disk is full", 0};
  CHECK(ask_error<void>(session, acknowledge_atom_v, event_number{2}).code == errc::no_space);
  p->disk->commits_fail = {};
  auto next = std::make_shared<fake_delegate>();
  attach(session, next, true);
  CHECK(next->numbers() == up_to(2));
  ask<void>(session, acknowledge_atom_v, event_number{2});
  CHECK(ask<session_counts>(session, counts_atom_v).unacknowledged_events == 0);
}

TEST_CASE_METHOD(delivery_fixture, "Removed transfers leave a gap that delivery steps over", "[session]") {
  const auto ids = complete(4);
  ask<void>(session, remove_atom_v, std::vector{ids[1], ids[3]});
  attach(session, log);
  CHECK(log->numbers() == std::vector<std::uint64_t>{1, 3});
  CHECK(log->finished_after.size() == 1);
  complete(1);
  CHECK(log->numbers() == std::vector<std::uint64_t>{1, 3, 5});
}

TEST_CASE_METHOD(delivery_fixture, "A log that cannot be read for a while is delivered later", "[session]") {
  complete(3);
  p->disk->reads_fail = {errc::ledger_io, "the disk does not answer", 0};
  attach(session, log);
  CHECK(log->batches.empty());
  p->disk->reads_fail = {};
  advance(3s);
  CHECK(log->numbers() == up_to(3));
}

TEST_CASE_METHOD(delivery_fixture, "Progress is coalesced while the delegate is busy", "[session]") {
  log->withholds = true;
  const auto delegate = attach(session, log);
  const auto ids = submit(session, pictures(2));
  for (std::int64_t received = 1; received <= 100; ++received) {
    p->network->report(ids[0], received);
    settle();
  }
  REQUIRE(log->moved.size() == 1);
  CHECK(log->moved[0] == std::vector<progress>{{ids[0], 1, unknown_size}});
  caf::anon_send(delegate, resume_atom_v);
  settle();
  REQUIRE(log->moved.size() == 2);
  CHECK(log->moved[1] == std::vector<progress>{{ids[0], 100, unknown_size}});
}

TEST_CASE_METHOD(delivery_fixture, "Notices tell what befalls a transfer", "[session]") {
  attach(session, log);
  const auto id = submit_one(session, picture(1));
  p->network->lose(id);
  settle();
  REQUIRE(log->notices.size() == 1);
  const auto& news = log->notices[0].at(0);
  CHECK(news.transfer == id);
  CHECK(news.type == notice_type::waiting);
  CHECK(news.why.code == errc::connection_lost);
  CHECK(news.name == "1.jpg");
}

} // namespace bellhop::test
