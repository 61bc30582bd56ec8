#include "core/ledger.hpp"
#include "core/resume_data.hpp"
#include "tests/core/ledger_fixture.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>

// What every ledger promises: one suite over both.

using namespace bellhop;
using namespace bellhop::test;
using namespace std::chrono_literals;

namespace {

struct on_disk {
  temporary_folder folder;
  std::unique_ptr<ledger> db = open_sqlite_ledger(folder.file(), durability::crash);
};

struct in_memory {
  std::unique_ptr<ledger> db = make_memory_ledger();
};

template <class Kind>
struct fixture : Kind {
  ledger& db = *Kind::db;

  fixture() { put_session("s"); }

  void put_session(const std::string& name, const session_configuration& configuration = {}) {
    transact(db, [&] { db.put_session(name, configuration, noon); });
  }

  transfer_id submit(const transfer_request& r, const std::string& session = "s", time_point now = noon) {
    std::vector<transfer_id> ids;
    transact(db, [&] { ids = db.submit(session, std::span{&r, 1}, now); });
    REQUIRE(ids.size() == 1);
    return ids.front();
  }

  std::optional<event> finish(transfer_id id, const outcome& o, time_point now = noon) {
    std::optional<event> e;
    transact(db, [&] { e = db.finish(id, o, now); });
    return e;
  }

  bool set_suspended(transfer_id id, bool suspended) {
    bool changed = false;
    transact(db, [&] { changed = db.set_suspended(id, suspended); });
    return changed;
  }

  bool change(transfer_id id, const transfer_change& news) {
    bool changed = false;
    transact(db, [&] { changed = db.change(id, news); });
    return changed;
  }

  void wait(transfer_id id, time_point until, wait_reason reason = wait_reason::backoff) {
    auto record = db.find(id).value();
    record.waiting_for = reason;
    record.retry_at = until;
    transact(db, [&] { db.save_waiting(record); });
  }

  std::vector<transfer_id> ready(time_point now = noon, queue_position after = {}, std::uint32_t limit = 100) {
    std::vector<transfer_id> ids;
    for (const auto& record : db.next_ready("s", after, limit, now)) {
      CHECK(record.state == transfer_state::queued);
      ids.push_back(record.id);
    }
    return ids;
  }

  std::vector<transfer_id> listed(std::vector<transfer_state> states, transfer_id after = {},
                                  std::uint32_t limit = 1000) {
    std::vector<transfer_id> ids;
    for (const auto& record : db.list({"s", std::move(states), after, limit}))
      ids.push_back(record.id);
    return ids;
  }
};

using ids = std::vector<transfer_id>;

checkpoint some_part() {
  checkpoint part;
  part.part_name = ".cat.jpg.\xff.part";
  part.inode = std::numeric_limits<std::uint64_t>::max();
  part.position = 4096;
  part.prefix_hash = 0xfedcba9876543210;
  part.total = 10000;
  part.etag = "\"a\xe4\"";
  part.last_modified = "Sun, 22 Nov 2026 09:15:02 GMT";
  return part;
}

transfer_request full_request() {
  auto r = request("cat.jpg");
  r.destination = "/downloads/caf\xe9 \xff.jpg";
  r.on_conflict = conflict_policy::rename;
  r.headers = {{"Authorization", "Bearer x: y"}, {"X-Latin", "caf\xe9"}, {"X-Empty", ""}};
  r.expected = {digest_algorithm::sha256, std::string(64, 'a')};
  r.priority = 0.125;
  r.earliest_begin = noon - 1h;
  r.name_from_server = true;
  r.accept_error_responses = true;
  r.max_size = 1'000'000'000'000;
  r.record_sha256 = true;
  r.metadata = R"({"album": "cats"})";
  return r;
}

} // namespace

TEMPLATE_TEST_CASE_METHOD(fixture, "a ledger has an id of 32 hex digits", "[ledger]", on_disk, in_memory) {
  const auto& id = fixture<TestType>::db.id();
  CHECK(id.size() == 32);
  CHECK(id.find_first_not_of("0123456789abcdef") == id.npos);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "sessions are created, replaced, listed and removed", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  session_configuration wide;
  wide.max_active = 99;
  f.put_session("a", wide);
  CHECK(f.db.find_session("a")->configuration == wide);
  CHECK(f.db.find_session("a")->created_at == noon);
  CHECK_FALSE(f.db.find_session("nobody"));

  f.submit(request("1"), "a");
  session_configuration narrow;
  narrow.max_active = 1;
  f.put_session("a", narrow);
  CHECK(f.db.find_session("a")->configuration == narrow);
  CHECK(f.db.counts("a").queued == 1);

  const auto all = f.db.sessions();
  REQUIRE(all.size() == 2);
  CHECK(all[0].identifier == "a");
  CHECK(all[1].identifier == "s");

  const auto kept = f.submit(request("2"));
  const auto gone = f.submit(request("3"), "a");
  f.finish(gone, completed());
  transact(f.db, [&] { f.db.remove_session("a"); });
  CHECK_FALSE(f.db.find_session("a"));
  CHECK_FALSE(f.db.find(gone));
  CHECK(f.db.find(kept));

  f.put_session("a");
  CHECK(f.db.counts("a") == session_counts{});
  CHECK(f.db.events("a", {}, 10).empty());
}

TEMPLATE_TEST_CASE_METHOD(fixture, "an unknown session is an error, an unknown transfer too", "[ledger]", on_disk,
                          in_memory) {
  auto& db = fixture<TestType>::db;
  const auto r = request("1");
  CHECK(code_of([&] { db.counts("x"); }) == errc::unknown_session);
  CHECK(code_of([&] { db.list({"x", {}, {}, 1}); }) == errc::unknown_session);
  CHECK(code_of([&] { db.events("x", {}, 1); }) == errc::unknown_session);
  CHECK(code_of([&] { db.next_ready("x", {}, 1, noon); }) == errc::unknown_session);
  CHECK(code_of([&] { db.next_due("x", noon); }) == errc::unknown_session);
  CHECK_FALSE(db.find({77}));

  db.begin();
  CHECK(code_of([&] { db.submit("x", std::span{&r, 1}, noon); }) == errc::unknown_session);
  CHECK(code_of([&] { db.remove_session("x"); }) == errc::unknown_session);
  CHECK(code_of([&] { db.acknowledge("x", {1}); }) == errc::unknown_session);
  CHECK(code_of([&] { db.prune("x", noon); }) == errc::unknown_session);
  CHECK(code_of([&] { db.set_phase("x", session_phase::finishing); }) == errc::unknown_session);
  CHECK(code_of([&] { db.set_paused("x", true); }) == errc::unknown_session);
  CHECK(code_of([&] { db.change({77}, transfer_change{1.0, {}, {}, {}}); }) == errc::unknown_transfer);
  CHECK(code_of([&] { db.finish({77}, completed(), noon); }) == errc::unknown_transfer);
  CHECK(code_of([&] { db.set_suspended({77}, true); }) == errc::unknown_transfer);
  CHECK(code_of([&] { db.remove({77}); }) == errc::unknown_transfer);
  transfer_record nobody;
  nobody.id = {77};
  CHECK_NOTHROW(db.save_waiting(nobody));
  CHECK_NOTHROW(db.save_checkpoint({77}, some_part()));
  // The transaction is still good for others.
  CHECK(db.submit("s", std::span{&r, 1}, noon).size() == 1);
  db.commit();
  CHECK(db.counts("s").queued == 1);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "writing calls need a transaction", "[ledger]", on_disk, in_memory) {
  auto& db = fixture<TestType>::db;
  const auto r = request("1");
  CHECK(code_of([&] { db.submit("s", std::span{&r, 1}, noon); }) == errc::internal);
  CHECK(code_of([&] { db.put_session("t", {}, noon); }) == errc::internal);
  CHECK(code_of([&] { db.set_phase("s", session_phase::finishing); }) == errc::internal);
  CHECK(code_of([&] { db.set_paused("s", true); }) == errc::internal);
  CHECK(code_of([&] { db.change({1}, {}); }) == errc::internal);
  CHECK(code_of([&] { db.commit(); }) == errc::internal);
  db.begin();
  CHECK(code_of([&] { db.begin(); }) == errc::internal);
  db.rollback();
  CHECK_NOTHROW(db.rollback());
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a request comes back as it was submitted", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  const auto full = full_request();
  const auto id = f.submit(full);
  const auto record = f.db.find(id);
  REQUIRE(record);
  CHECK(record->request == full);
  CHECK(record->id == id);
  CHECK(record->session == "s");
  CHECK(record->state == transfer_state::queued);
  CHECK(record->submitted_at == noon);
  CHECK(record->total == unknown_size);
  CHECK_FALSE(record->part);

  transfer_record plain;
  plain.id = f.submit(request("plain"));
  plain.session = "s";
  plain.request = request("plain");
  plain.submitted_at = noon;
  CHECK(f.db.find(plain.id) == plain);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "many requests get their ids in order in one call", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  std::vector<transfer_request> many;
  for (int i = 0; i < 1000; ++i)
    many.push_back(request(std::to_string(i)));
  std::vector<transfer_id> got;
  transact(f.db, [&] { got = f.db.submit("s", many, noon); });
  REQUIRE(got.size() == many.size());
  CHECK(std::is_sorted(got.begin(), got.end()));
  CHECK(std::set<transfer_id>(got.begin(), got.end()).size() == many.size());
  CHECK(f.db.find(got[500])->request.url == "https://example.org/500");
  CHECK(f.db.counts("s").queued == 1000);
  transact(f.db, [&] { CHECK(f.db.submit("s", {}, noon).empty()); });
}

TEMPLATE_TEST_CASE_METHOD(fixture, "rows start by priority, then in the order of submission", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  ids by_name;
  for (const double priority : {0.5, 0.1, 0.9, 0.5, 1.0, 0.9}) {
    auto r = request("x");
    r.priority = priority;
    by_name.push_back(f.submit(r));
  }
  const ids order{by_name[4], by_name[2], by_name[5], by_name[0], by_name[3], by_name[1]};
  CHECK(f.ready() == order);

  SECTION("from a position on, whether its row is still there or not") {
    CHECK(f.ready(noon, {0.9, by_name[2]}) == ids(order.begin() + 2, order.end()));
    CHECK(f.ready(noon, {0.9, by_name[5]}) == ids(order.begin() + 3, order.end()));
    f.finish(by_name[5], completed());
    CHECK(f.ready(noon, {0.9, by_name[5]}) == ids(order.begin() + 3, order.end()));
    CHECK(f.ready(noon, {0.1, by_name[1]}).empty());
  }
  SECTION("in pages") {
    ids seen;
    queue_position at;
    for (;;) {
      const auto page = f.db.next_ready("s", at, 2, noon);
      if (page.empty())
        break;
      REQUIRE(page.size() <= 2);
      for (const auto& record : page)
        seen.push_back(record.id);
      at = {page.back().request.priority, page.back().id};
    }
    CHECK(seen == order);
  }
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a begin date holds a transfer back until it has come", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  auto later = request("later");
  later.earliest_begin = noon + 1h;
  const auto id = f.submit(later);
  CHECK(f.ready().empty());
  CHECK(f.db.next_due("s", noon) == noon + 1h);
  CHECK(f.db.counts("s").queued == 1);

  SECTION("it starts then, and stays ready when the clock is set back") {
    CHECK(f.ready(noon + 1h) == ids{id});
    CHECK_FALSE(f.db.next_due("s", noon + 1h));
    CHECK(f.ready(noon - 24h) == ids{id});
    CHECK(f.db.find(id)->request.earliest_begin == noon + 1h);
  }
  SECTION("suspending and resuming does not shorten it") {
    CHECK(f.set_suspended(id, true));
    CHECK_FALSE(f.db.next_due("s", noon));
    CHECK(f.set_suspended(id, false));
    CHECK(f.ready().empty());
    CHECK(f.db.next_due("s", noon) == noon + 1h);
  }
  SECTION("a far one is not mistaken for a clock that was set back") {
    auto far = request("far");
    far.earliest_begin = noon + 24h * 365;
    f.submit(far);
    CHECK(f.ready(noon) == ids{});
  }
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a waiting transfer keeps its cause and becomes queued when its time comes",
                          "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  const auto id = f.submit(request("1"));
  auto record = f.db.find(id).value();
  record.waiting_for = wait_reason::retry_after;
  record.retry_at = noon + 10min;
  record.attempts = 7;
  record.failures = 3;
  record.mismatches = 1;
  record.part = some_part();
  record.received = 4096;
  record.total = 10000;
  record.last_error = {errc::http_status, "503 Service Unavailable", 503};
  transact(f.db, [&] { f.db.save_waiting(record); });

  record.state = transfer_state::waiting;
  CHECK(f.db.find(id) == record);
  CHECK(f.db.counts("s").waiting == 1);
  CHECK(f.db.counts("s").queued == 0);
  CHECK(f.db.next_due("s", noon) == noon + 10min);
  CHECK(f.ready(noon + 10min - 1us).empty());

  CHECK(f.ready(noon + 10min) == ids{id});
  record.state = transfer_state::queued;
  record.waiting_for = wait_reason::none;
  record.retry_at = {};
  CHECK(f.db.find(id) == record);
  CHECK(f.db.counts("s").queued == 1);
  CHECK_FALSE(f.db.next_due("s", noon));
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a clock that is set back delays a retry, but never loses one", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  const auto id = f.submit(request("1"));
  f.wait(id, noon + 10min);
  CHECK(f.ready(noon - 1h).empty());
  CHECK(f.db.next_due("s", noon - 1h) == noon + 10min);
  CHECK(f.ready(noon - 24h * 365) == ids{id});
}

TEMPLATE_TEST_CASE_METHOD(fixture, "who waits for a credential waits until it is resumed", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  const auto id = f.submit(request("1"));
  f.wait(id, noon, wait_reason::needs_credential);
  CHECK(f.ready(noon + 24h * 365).empty());
  CHECK_FALSE(f.db.next_due("s", noon));
  CHECK(f.db.find(id)->waiting_for == wait_reason::needs_credential);
  CHECK(f.set_suspended(id, false));
  CHECK(f.ready() == ids{id});
}

TEMPLATE_TEST_CASE_METHOD(fixture, "suspending and resuming", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  auto parked = request("parked");
  parked.suspended = true;
  const auto id = f.submit(parked);
  CHECK(f.db.find(id)->state == transfer_state::suspended);
  CHECK(f.db.find(id)->request == parked);
  CHECK(f.ready().empty());
  CHECK_FALSE(f.set_suspended(id, true));
  CHECK(f.set_suspended(id, false));
  CHECK(f.ready() == ids{id});
  CHECK_FALSE(f.set_suspended(id, false));

  f.wait(id, noon + 1h);
  CHECK(f.set_suspended(id, true));
  CHECK(f.db.find(id)->waiting_for == wait_reason::none);
  CHECK_FALSE(f.db.next_due("s", noon));
  CHECK(f.set_suspended(id, false));
  CHECK(f.ready() == ids{id});

  f.wait(id, noon + 1h);
  CHECK(f.set_suspended(id, false));
  CHECK(f.ready() == ids{id});

  f.finish(id, completed());
  CHECK_FALSE(f.set_suspended(id, true));
  CHECK_FALSE(f.set_suspended(id, false));
  CHECK(f.db.find(id)->state == transfer_state::completed);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a checkpoint is kept with the transfer and dropped when it completes", "[ledger]",
                          on_disk, in_memory) {
  auto& f = *this;
  const auto id = f.submit(request("1"));
  transact(f.db, [&] { f.db.save_checkpoint(id, some_part()); });
  CHECK(f.db.find(id)->part == some_part());
  CHECK(f.db.find(id)->received == 4096);
  CHECK(f.db.find(id)->total == 10000);
  CHECK(f.db.find(id)->state == transfer_state::queued);

  SECTION("an empty one clears it") {
    transact(f.db, [&] { f.db.save_checkpoint(id, {}); });
    CHECK(f.db.find(id)->part == checkpoint{});
    CHECK(f.db.find(id)->received == 0);
  }
  SECTION("completed: none") {
    f.finish(id, completed());
    CHECK(f.db.find(id)->part == checkpoint{});
  }
  SECTION("failed or cancelled: that of the outcome, which stays") {
    auto o = failed();
    o.type = GENERATE(event_type::failed, event_type::cancelled);
    o.part = some_part();
    o.part.position = 5000;
    o.received = 5000;
    f.finish(id, o);
    CHECK(f.db.find(id)->part == o.part);
    CHECK(f.db.find(id)->received == 5000);
    transact(f.db, [&] { f.db.save_checkpoint(id, {}); });
    CHECK(f.db.find(id)->part == o.part);
  }
  SECTION("failed or cancelled without one: none") {
    auto o = failed();
    o.type = GENERATE(event_type::failed, event_type::cancelled);
    f.finish(id, o);
    CHECK(f.db.find(id)->part == checkpoint{});
  }
  SECTION("completed with one nevertheless: none") {
    auto o = completed();
    o.part = some_part();
    f.finish(id, o);
    CHECK(f.db.find(id)->part == checkpoint{});
  }
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a transfer ends once, with one event", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  const auto id = f.submit(full_request());
  outcome o = completed(1234);
  o.published = "/downloads/cat (1).jpg";
  o.sha256 = std::string(64, 'b');
  o.attempts = 2;
  const auto ended = f.finish(id, o, noon + 5s);
  REQUIRE(ended);
  event expected;
  expected.seq = {1};
  expected.time = noon + 5s;
  expected.session = "s";
  expected.transfer = id;
  expected.type = event_type::completed;
  expected.url = full_request().url;
  expected.destination = o.published;
  expected.received = 1234;
  expected.sha256 = o.sha256;
  expected.metadata = full_request().metadata;
  CHECK(ended == expected);
  CHECK(f.db.events("s", {}, 10) == std::vector{expected});

  const auto record = f.db.find(id).value();
  CHECK(record.state == transfer_state::completed);
  CHECK(record.published == o.published);
  CHECK(record.finished_at == noon + 5s);
  CHECK(record.received == 1234);
  CHECK(record.total == 1234);
  CHECK(record.attempts == 2);
  CHECK(record.sha256 == o.sha256);

  CHECK_FALSE(f.finish(id, failed()));
  auto late = record;
  late.retry_at = noon + 1h;
  transact(f.db, [&] {
    f.db.save_waiting(late);
    f.db.save_checkpoint(id, some_part());
  });
  CHECK(f.db.find(id) == record);
  CHECK(f.db.events("s", {}, 10).size() == 1);
  CHECK(f.db.find_session("s")->last_event.value == 1);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a transfer without a published path is at its destination", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  const auto id = f.submit(request("1"));
  CHECK(f.finish(id, completed())->destination == request("1").destination);
  CHECK(f.db.find(id)->published == request("1").destination);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a failure keeps its cause", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  const auto id = f.submit(request("1"));
  f.wait(id, noon + 1h);
  const auto ended = f.finish(id, failed());
  REQUIRE(ended);
  CHECK(ended->why == failed().why);
  CHECK(ended->destination == request("1").destination);
  CHECK(f.db.events("s", {}, 10).at(0) == *ended);
  const auto record = f.db.find(id).value();
  CHECK(record.last_error == failed().why);
  CHECK(record.state == transfer_state::failed);
  CHECK(record.waiting_for == wait_reason::none);
  CHECK(record.published.empty());
  CHECK(f.ready(noon + 24h).empty());
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a transfer does not end with an event that is not terminal", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  const auto id = f.submit(request("1"));
  outcome o;
  o.type = event_type::needs_credential;
  f.db.begin();
  CHECK(code_of([&] { f.db.finish(id, o, noon); }) == errc::invalid_argument);
  f.db.commit();
  CHECK(f.db.find(id)->state == transfer_state::queued);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "events are numbered for each session, in pages, never twice", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  f.put_session("t");
  ids mine;
  for (int i = 0; i < 5; ++i)
    mine.push_back(f.submit(request(std::to_string(i))));
  const auto other = f.submit(request("other"), "t");
  CHECK(f.finish(mine[4], completed())->seq.value == 1);
  CHECK(f.finish(other, completed())->seq.value == 1);
  CHECK(f.finish(mine[0], failed())->seq.value == 2);
  CHECK(f.finish(mine[2], completed())->seq.value == 3);

  const auto page = f.db.events("s", {1}, 1);
  REQUIRE(page.size() == 1);
  CHECK(page[0].transfer == mine[0]);
  CHECK(f.db.events("s", {1}, 10).size() == 2);
  CHECK(f.db.events("s", {3}, 10).empty());

  transact(f.db, [&] {
    f.db.acknowledge("s", {3});
    CHECK(f.db.prune("s", noon + 1s).transfers == 3);
  });
  CHECK(f.db.events("s", {}, 10).empty());
  CHECK(f.finish(mine[1], completed())->seq.value == 4);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "acknowledging", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  for (int i = 0; i < 3; ++i)
    f.finish(f.submit(request(std::to_string(i))), completed());
  CHECK(f.db.counts("s").unacknowledged_events == 3);
  transact(f.db, [&] { f.db.acknowledge("s", {2}); });
  CHECK(f.db.counts("s").unacknowledged_events == 1);
  CHECK(f.db.find_session("s")->acknowledged.value == 2);
  transact(f.db, [&] { f.db.acknowledge("s", {1}); });
  CHECK(f.db.find_session("s")->acknowledged.value == 2);
  f.db.begin();
  CHECK(code_of([&] { f.db.acknowledge("s", {4}); }) == errc::invalid_argument);
  f.db.commit();
  CHECK(f.db.counts("s").unacknowledged_events == 1);
  CHECK(f.db.events("s", {}, 10).size() == 3);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "removing forgets an ended transfer with its event", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  const auto first = f.submit(request("1"));
  const auto second = f.submit(request("2"));
  f.db.begin();
  CHECK(code_of([&] { f.db.remove(first); }) == errc::wrong_state);
  f.db.commit();

  f.finish(first, completed());
  f.finish(second, completed());
  transact(f.db, [&] { f.db.acknowledge("s", {1}); });
  transact(f.db, [&] { f.db.remove(second); });
  CHECK_FALSE(f.db.find(second));
  CHECK(f.db.counts("s").unacknowledged_events == 0);
  CHECK(f.db.counts("s").completed == 1);
  REQUIRE(f.db.events("s", {}, 10).size() == 1);
  CHECK(f.db.find_session("s")->last_event.value == 2);
  // Not even the id of the last row is used again.
  CHECK(f.submit(request("3")) > second);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "pruning forgets what is old and acknowledged, nothing else", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  const auto old = f.submit(request("old"));
  const auto recent = f.submit(request("recent"));
  const auto unread = f.submit(request("unread"));
  const auto queued = f.submit(request("queued"));
  f.finish(old, completed(), noon - 48h);
  f.finish(recent, completed(), noon);
  f.finish(unread, failed(), noon - 48h);
  transact(f.db, [&] {
    f.db.acknowledge("s", {2});
    CHECK(f.db.prune("s", noon - 24h) == pruned{1, {}});
  });
  CHECK_FALSE(f.db.find(old));
  CHECK(f.db.find(recent));
  CHECK(f.db.find(unread));
  CHECK(f.db.find(queued));
  CHECK(f.db.counts("s").unacknowledged_events == 1);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "listings page by id and filter by state", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  ids all;
  for (int i = 0; i < 6; ++i)
    all.push_back(f.submit(request(std::to_string(i))));
  f.put_session("t");
  f.submit(request("other"), "t");
  f.finish(all[1], completed());
  f.finish(all[3], failed());
  f.set_suspended(all[5], true);

  CHECK(f.listed({}) == all);
  CHECK(f.listed({}, all[3]) == ids{all[4], all[5]});
  CHECK(f.listed({}, {}, 2) == ids{all[0], all[1]});
  CHECK(f.listed({transfer_state::failed, transfer_state::completed}) == ids{all[1], all[3]});
  CHECK(f.listed({transfer_state::failed, transfer_state::failed}) == ids{all[3]});
  CHECK(f.listed({transfer_state::queued}, all[0], 1) == ids{all[2]});
  CHECK(f.listed({transfer_state::running}).empty());
  CHECK(f.listed({}, {}, 0).empty());
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a session's phase and pause are stored, and a new configuration leaves them",
                          "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  CHECK(f.db.find_session("s")->phase == session_phase::open);
  CHECK_FALSE(f.db.find_session("s")->paused);
  const auto id = f.submit(request("1"));
  transact(f.db, [&] {
    f.db.set_phase("s", session_phase::finishing);
    f.db.set_paused("s", true);
  });
  f.put_session("s");
  CHECK(f.db.find_session("s")->phase == session_phase::finishing);
  CHECK(f.db.sessions().at(0).paused);
  CHECK(f.db.counts("s").queued == 1);
  // The session decides what it starts.
  CHECK(f.ready() == ids{id});

  transact(f.db, [&] {
    f.db.set_phase("s", session_phase::cancelling);
    f.db.set_paused("s", false);
  });
  CHECK(f.db.find_session("s")->phase == session_phase::cancelling);
  CHECK_FALSE(f.db.find_session("s")->paused);
  transact(f.db, [&] { f.db.remove_session("s"); });
  f.put_session("s");
  CHECK(f.db.find_session("s")->phase == session_phase::open);
}

namespace {

transfer_change begin_at(time_point when) {
  transfer_change c;
  c.earliest_begin = when;
  return c;
}

} // namespace

TEMPLATE_TEST_CASE_METHOD(fixture, "what is changed is changed, and the rest stays", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  const auto id = f.submit(full_request());
  transact(f.db, [&] { f.db.save_checkpoint(id, some_part()); });
  auto expected = f.db.find(id).value();

  CHECK(f.change(id, {}));
  CHECK(f.db.find(id) == expected);
  CHECK(f.change(id, {0.75, {}, {}, {}}));
  expected.request.priority = 0.75;
  CHECK(f.db.find(id) == expected);
  CHECK(f.change(id, {{}, {}, std::vector<header>{{"Authorization", "Bearer new: \xff"}}, {}}));
  expected.request.headers = {{"Authorization", "Bearer new: \xff"}};
  CHECK(f.db.find(id) == expected);
  CHECK(f.change(id, {{}, {}, {}, 5}));
  expected.request.max_size = 5;
  CHECK(f.db.find(id) == expected);
  CHECK(f.change(id, {0.0, time_point{}, std::vector<header>{}, 0}));
  expected.request.priority = 0;
  expected.request.earliest_begin = {};
  expected.request.headers.clear();
  expected.request.max_size = 0;
  CHECK(f.db.find(id) == expected);
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a changed priority changes the order of start", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  const auto first = f.submit(request("1"));
  const auto second = f.submit(request("2"));
  CHECK(f.ready() == ids{first, second});
  CHECK(f.change(second, {0.9, {}, {}, {}}));
  CHECK(f.ready() == ids{second, first});
  CHECK(f.change(second, {0.1, {}, {}, {}}));
  CHECK(f.ready() == ids{first, second});
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a changed begin date of a queued transfer holds", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  const auto id = f.submit(request("1"));
  CHECK(f.change(id, begin_at(noon + 1h)));
  CHECK(f.db.find(id)->request.earliest_begin == noon + 1h);
  CHECK(f.ready().empty());
  CHECK(f.db.next_due("s", noon) == noon + 1h);
  CHECK(f.db.counts("s").queued == 1);

  SECTION("later") {
    CHECK(f.change(id, begin_at(noon + 2h)));
    CHECK(f.ready(noon + 1h).empty());
    CHECK(f.db.next_due("s", noon) == noon + 2h);
  }
  SECTION("to what has passed already") {
    CHECK(f.change(id, begin_at(noon - 1h)));
    CHECK_FALSE(f.db.next_due("s", noon));
    CHECK(f.ready() == ids{id});
  }
  SECTION("to at once") {
    CHECK(f.change(id, begin_at(time_point{})));
    CHECK_FALSE(f.db.next_due("s", noon));
    CHECK(f.ready() == ids{id});
  }
  SECTION("to before the epoch") {
    CHECK(f.change(id, begin_at(from_micros(-1))));
    CHECK(f.ready() == ids{id});
  }
  SECTION("while something else is changed") {
    CHECK(f.change(id, {0.9, {}, {}, {}}));
    CHECK(f.db.next_due("s", noon) == noon + 1h);
  }
  SECTION("while it is suspended") {
    CHECK(f.set_suspended(id, true));
    CHECK(f.change(id, begin_at(noon + 3h)));
    CHECK(f.db.find(id)->state == transfer_state::suspended);
    CHECK(f.ready(noon + 4h).empty());
    CHECK_FALSE(f.db.next_due("s", noon));
    CHECK(f.set_suspended(id, false));
    CHECK(f.db.next_due("s", noon) == noon + 3h);
  }
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a waiting transfer is not tried before its new begin date", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  const auto id = f.submit(request("1"));
  f.wait(id, noon + 10min);

  SECTION("which may be later than the longest wait") {
    CHECK(f.change(id, begin_at(noon + 24h * 30)));
    CHECK(f.db.find(id)->state == transfer_state::queued);
    CHECK(f.db.find(id)->waiting_for == wait_reason::none);
    CHECK(f.db.counts("s") == session_counts{0, 1, 0, 0, 0, 0, 0});
    CHECK(f.ready(noon + 24h).empty());
    CHECK(f.db.next_due("s", noon) == noon + 24h * 30);
    CHECK(f.ready(noon + 24h * 30) == ids{id});
  }
  SECTION("and still not before its retry") {
    CHECK(f.change(id, begin_at(GENERATE(time_point{}, noon, noon + 5min))));
    CHECK(f.db.find(id)->state == transfer_state::waiting);
    CHECK(f.db.find(id)->retry_at == noon + 10min);
    CHECK(f.ready(noon + 5min).empty());
    CHECK(f.ready(noon + 10min) == ids{id});
  }
  SECTION("whatever else is changed") {
    CHECK(f.change(id, {0.9, {}, {}, {}}));
    CHECK(f.db.find(id)->state == transfer_state::waiting);
    CHECK(f.db.next_due("s", noon) == noon + 10min);
  }
  SECTION("nor by itself when it waits for a credential") {
    f.wait(id, noon, wait_reason::needs_credential);
    CHECK(f.change(id, begin_at(noon + 1h)));
    CHECK(f.db.find(id)->waiting_for == wait_reason::needs_credential);
    CHECK(f.ready(noon + 2h).empty());
  }
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a transfer that has ended is not changed", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  const auto id = f.submit(request("1"));
  f.finish(id, failed());
  const auto before = f.db.find(id);
  CHECK_FALSE(f.change(id, {0.9, noon + 1h, std::vector<header>{{"A", "b"}}, 5}));
  CHECK(f.db.find(id) == before);
}

namespace {

outcome cancelled_with_part() {
  outcome o;
  o.type = event_type::cancelled;
  o.part = some_part();
  o.received = o.part.position;
  o.total = o.part.total;
  return o;
}

} // namespace

TEMPLATE_TEST_CASE_METHOD(fixture, "a request with resume data takes over the part of the ended transfer", "[ledger]",
                          on_disk, in_memory) {
  auto& f = *this;
  const auto ended = f.submit(request("cat.jpg"));
  f.finish(ended, cancelled_with_part());
  const auto before = f.db.find(ended).value();
  auto again = request("cat.jpg");
  again.resume_data = make_resume_data(f.db.id(), before);
  REQUIRE_FALSE(again.resume_data.empty());

  SECTION("once") {
    const auto id = f.submit(again);
    const auto record = f.db.find(id).value();
    CHECK(record.part == some_part());
    CHECK(record.received == some_part().position);
    CHECK(record.total == some_part().total);
    CHECK(record.state == transfer_state::queued);
    CHECK(record.attempts == 0);
    CHECK(record.request.resume_data.empty());
    CHECK(f.db.next_ready("s", {}, 10, noon).at(0).part == some_part());

    auto left = before;
    left.part = {};
    CHECK(f.db.find(ended) == left);
    CHECK(f.db.events("s", {}, 10).at(0).received == before.received);
    CHECK_FALSE(f.db.find(f.submit(again))->part);
  }
  SECTION("by the first of two in one call") {
    std::vector<transfer_id> two;
    transact(f.db, [&] { two = f.db.submit("s", std::vector{again, again}, noon); });
    CHECK(f.db.find(two.at(0))->part);
    CHECK_FALSE(f.db.find(two.at(1))->part);
  }
  SECTION("into another session, suspended, under another name") {
    f.put_session("t");
    again.suspended = true;
    again.destination = "/downloads/dog.jpg";
    const auto record = f.db.find(f.submit(again, "t")).value();
    CHECK(record.part == some_part());
    CHECK(record.state == transfer_state::suspended);
  }
  SECTION("which is undone with the submit") {
    f.db.begin();
    CHECK(f.db.find(f.db.submit("s", std::span{&again, 1}, noon).at(0))->part);
    f.db.rollback();
    CHECK(f.db.find(ended) == before);
  }
  SECTION("not for another URL") {
    again.url += "?size=2";
    CHECK_FALSE(f.db.find(f.submit(again))->part);
    CHECK(f.db.find(ended) == before);
  }
  SECTION("not into another folder") {
    again.destination = "/elsewhere/cat.jpg";
    CHECK_FALSE(f.db.find(f.submit(again))->part);
    CHECK(f.db.find(ended) == before);
  }
  SECTION("not of another ledger") {
    again.resume_data = make_resume_data(std::string(32, 'f'), before);
    CHECK_FALSE(f.db.find(f.submit(again))->part);
    CHECK(f.db.find(ended) == before);
  }
  SECTION("not when it is forgotten") {
    transact(f.db, [&] { f.db.remove(ended); });
    CHECK_FALSE(f.db.find(f.submit(again))->part);
  }
  SECTION("not with nonsense") {
    again.resume_data = "1.nonsense";
    CHECK_FALSE(f.db.find(f.submit(again))->part);
    CHECK(f.db.find(ended) == before);
  }
}

TEMPLATE_TEST_CASE_METHOD(fixture, "pruning tells which parts nobody will ask for any more", "[ledger]", on_disk,
                          in_memory) {
  auto& f = *this;
  auto named = request("1");
  auto by_server = request("folder");
  by_server.name_from_server = true;
  const auto first = f.submit(named);
  const auto second = f.submit(by_server);
  const auto taken = f.submit(request("3"));
  f.finish(first, cancelled_with_part());
  f.finish(second, cancelled_with_part());
  f.finish(taken, cancelled_with_part());
  f.finish(f.submit(request("4")), failed());
  f.finish(f.submit(request("5")), completed());
  auto again = request("3");
  again.resume_data = make_resume_data(f.db.id(), f.db.find(taken).value());
  f.submit(again);
  pruned forgotten;
  transact(f.db, [&] {
    f.db.acknowledge("s", {5});
    forgotten = f.db.prune("s", noon + 1s);
  });
  const auto& name = some_part().part_name;
  CHECK(forgotten == pruned{5, {{first, "/downloads", name}, {second, "/downloads/folder", name}}});
}

TEMPLATE_TEST_CASE_METHOD(fixture, "a rollback undoes everything but the ids", "[ledger]", on_disk, in_memory) {
  auto& f = *this;
  const auto queued = f.submit(request("1"));
  const auto ended = f.submit(request("2"));
  const auto waiting = f.submit(request("3"));
  f.finish(ended, completed());
  f.wait(waiting, noon + 1min);
  const auto snapshot = [&] {
    return std::tuple{f.db.list({"s", {}, {}, 100}), f.db.events("s", {}, 100), f.db.counts("s"), f.db.sessions()};
  };
  const auto before = snapshot();

  f.db.begin();
  const auto r = request("4");
  const auto lost = f.db.submit("s", std::span{&r, 1}, noon).front();
  f.db.finish(queued, completed(), noon);
  f.db.acknowledge("s", {2});
  f.db.remove(ended);
  f.db.save_checkpoint(waiting, some_part());
  f.db.change(waiting, {0.9, noon + 2h, std::vector<header>{{"A", "b"}}, 5});
  f.db.set_phase("s", session_phase::cancelling);
  f.db.set_paused("s", true);
  CHECK(f.db.next_ready("s", {}, 100, noon + 2h).size() == 2);
  f.db.put_session("t", {}, noon);
  f.db.submit("t", std::span{&r, 1}, noon);
  session_configuration other;
  other.max_active = 5;
  f.db.put_session("s", other, noon);
  f.db.remove_session("s");
  f.db.rollback();

  CHECK(snapshot() == before);
  CHECK(f.ready() == ids{queued});
  CHECK(f.db.next_due("s", noon) == noon + 1min);
  CHECK(f.submit(request("5")) > lost);
  CHECK(f.finish(queued, completed())->seq.value == 2);
}

namespace {

/// The simplest thing that keeps the counts: a map of states.
struct model {
  std::map<transfer_id, transfer_state> states;
  std::map<std::uint64_t, transfer_id> log;
  std::uint64_t last_event = 0;
  std::uint64_t acknowledged = 0;

  session_counts counts() const {
    session_counts c;
    for (const auto& [id, state] : states) {
      c.suspended += state == transfer_state::suspended;
      c.queued += state == transfer_state::queued;
      c.waiting += state == transfer_state::waiting;
      c.completed += state == transfer_state::completed;
      c.failed += state == transfer_state::failed;
      c.cancelled += state == transfer_state::cancelled;
    }
    for (const auto& [seq, id] : log)
      c.unacknowledged_events += seq > acknowledged;
    return c;
  }
};

/// One random step of the ledger and its model.
void random_step(ledger& db, model& m) {
  const auto pick = [&]() -> std::optional<transfer_id> {
    if (m.states.empty())
      return {};
    auto it = m.states.begin();
    std::advance(it, *rc::gen::inRange<std::size_t>(0, m.states.size()));
    return it->first;
  };
  const auto id = pick();
  const int step = *rc::gen::inRange(0, 7);
  if (step == 0 || !id) {
    auto r = request("x");
    r.suspended = *rc::gen::arbitrary<bool>();
    r.priority = *rc::gen::inRange(0, 3) / 2.0;
    const auto got = db.submit("s", std::span{&r, 1}, noon).front();
    RC_ASSERT(m.states.emplace(got, r.suspended ? transfer_state::suspended : transfer_state::queued).second);
  } else if (step == 1) {
    const auto type = *rc::gen::element(event_type::completed, event_type::failed, event_type::cancelled);
    outcome o;
    o.type = type;
    const auto e = db.finish(*id, o, noon);
    RC_ASSERT(e.has_value() == !is_terminal(m.states[*id]));
    if (e) {
      RC_ASSERT(e->seq.value == ++m.last_event);
      m.log[m.last_event] = *id;
      m.states[*id] = type == event_type::completed ? transfer_state::completed
                      : type == event_type::failed  ? transfer_state::failed
                                                    : transfer_state::cancelled;
    }
  } else if (step == 2) {
    transfer_record record;
    record.id = *id;
    record.waiting_for = wait_reason::backoff;
    record.retry_at = noon + 1h;
    db.save_waiting(record);
    if (!is_terminal(m.states[*id]))
      m.states[*id] = transfer_state::waiting;
  } else if (step == 3) {
    const auto next = *rc::gen::element(transfer_state::suspended, transfer_state::queued);
    const bool changes = !is_terminal(m.states[*id]) && m.states[*id] != next;
    RC_ASSERT(db.set_suspended(*id, next == transfer_state::suspended) == changes);
    if (changes)
      m.states[*id] = next;
  } else if (step == 4) {
    const auto upto = *rc::gen::inRange<std::uint64_t>(0, m.last_event + 1);
    db.acknowledge("s", {upto});
    m.acknowledged = std::max(m.acknowledged, upto);
  } else if (step == 5) {
    db.next_ready("s", {}, 3, noon + 2h);
    for (auto& [key, state] : m.states)
      if (state == transfer_state::waiting)
        state = transfer_state::queued;
  } else if (is_terminal(m.states[*id])) {
    db.remove(*id);
    m.states.erase(*id);
    std::erase_if(m.log, [&](const auto& entry) { return entry.second == *id; });
  }
}

} // namespace

TEMPLATE_TEST_CASE_METHOD(fixture, "counts, states and events agree with a model over commits and rollbacks",
                          "[ledger][property]", on_disk, in_memory) {
  auto& db = fixture<TestType>::db;
  REQUIRE(rc::check([&] {
    transact(db, [&] {
      db.remove_session("s");
      db.put_session("s", {}, noon);
    });
    model committed;
    for (int transaction = *rc::gen::inRange(1, 6); transaction > 0; --transaction) {
      auto m = committed;
      db.begin();
      try {
        for (int step = *rc::gen::inRange(0, 12); step > 0; --step)
          random_step(db, m);
      } catch (...) {
        db.rollback();
        throw;
      }
      if (*rc::gen::arbitrary<bool>()) {
        db.commit();
        committed = m;
      } else {
        db.rollback();
      }
      RC_ASSERT(db.counts("s") == committed.counts());
      for (const auto& record : db.list({"s", {}, {}, 1000}))
        RC_ASSERT(committed.states.at(record.id) == record.state);
      RC_ASSERT(db.list({"s", {}, {}, 1000}).size() == committed.states.size());
      const auto log = db.events("s", {}, 1000);
      RC_ASSERT(log.size() == committed.log.size());
      for (const auto& e : log)
        RC_ASSERT(committed.log.at(e.seq.value) == e.transfer);
      RC_ASSERT(db.next_ready("s", {}, 1000, noon).size() == committed.counts().queued);
    }
  }));
}

namespace {

/// The two ledgers, and what one can ask them.
struct twins {
  std::array<std::unique_ptr<ledger>, 2> both;

  template <class Call>
  void each(Call&& call) {
    for (auto& db : both)
      call(*db);
  }

  /// What both answer, which must be the same.
  template <class Call>
  auto same(Call&& call) {
    auto on_disk = call(*both[0]);
    RC_ASSERT(on_disk == call(*both[1]));
    return on_disk;
  }
};

time_point some_time() {
  return *rc::gen::element(time_point{}, noon - 1h, noon + 1min, noon + 2h, noon + 24h * 30);
}

transfer_request some_request() {
  auto r = request(std::to_string(*rc::gen::inRange(0, 3)));
  r.suspended = *rc::gen::arbitrary<bool>();
  r.priority = *rc::gen::inRange(0, 3) / 2.0;
  r.earliest_begin = some_time();
  return r;
}

transfer_change some_change() {
  transfer_change c;
  if (*rc::gen::arbitrary<bool>())
    c.priority = *rc::gen::inRange(0, 3) / 2.0;
  if (*rc::gen::arbitrary<bool>())
    c.earliest_begin = some_time();
  if (*rc::gen::arbitrary<bool>())
    c.headers = std::vector<header>{{"A", "b"}};
  if (*rc::gen::arbitrary<bool>())
    c.max_size = *rc::gen::inRange<std::int64_t>(0, 3);
  return c;
}

outcome some_outcome() {
  outcome o;
  o.type = *rc::gen::element(event_type::completed, event_type::failed, event_type::cancelled);
  o.received = 5;
  if (*rc::gen::arbitrary<bool>())
    o.part = some_part();
  return o;
}

/// One random step of both; `now` is what their clock shows.
void random_step(twins& t, time_point now) {
  const auto all = t.same([](ledger& db) { return db.list({"s", {}, {}, 1000}); });
  const int step = *rc::gen::inRange(0, 9);
  if (step == 0 || all.empty()) {
    const auto r = some_request();
    t.same([&](ledger& db) { return db.submit("s", std::span{&r, 1}, now); });
    return;
  }
  const auto picked = all[*rc::gen::inRange<std::size_t>(0, all.size())];
  if (step == 1) {
    auto r = picked.request;
    t.same([&](ledger& db) {
      r.resume_data = make_resume_data(db.id(), db.find(picked.id).value());
      return db.submit("s", std::span{&r, 1}, now);
    });
  } else if (step == 2) {
    const auto o = some_outcome();
    t.same([&](ledger& db) { return db.finish(picked.id, o, now); });
  } else if (step == 3) {
    auto news = picked;
    news.waiting_for = *rc::gen::element(wait_reason::backoff, wait_reason::needs_credential);
    news.retry_at = now + 10min;
    t.each([&](ledger& db) { db.save_waiting(news); });
  } else if (step == 4) {
    const bool suspended = *rc::gen::arbitrary<bool>();
    t.same([&](ledger& db) { return db.set_suspended(picked.id, suspended); });
  } else if (step == 5) {
    const auto news = some_change();
    t.same([&](ledger& db) { return db.change(picked.id, news); });
  } else if (step == 6) {
    t.same([&](ledger& db) { return db.next_ready("s", {}, 1000, now); });
  } else if (step == 7) {
    t.each([&](ledger& db) { db.save_checkpoint(picked.id, some_part()); });
  } else {
    const auto last = t.same([](ledger& db) { return db.find_session("s").value(); }).last_event;
    const event_number upto{*rc::gen::inRange<std::uint64_t>(0, last.value + 1)};
    t.each([&](ledger& db) { db.acknowledge("s", upto); });
    t.same([&](ledger& db) { return db.prune("s", now); });
  }
}

} // namespace

TEST_CASE("the ledger on disk and its twin in memory never differ", "[ledger][property]") {
  REQUIRE(rc::check([] {
    temporary_folder folder;
    twins t{{open_sqlite_ledger(folder.file(), durability::crash), make_memory_ledger()}};
    t.each([](ledger& db) { transact(db, [&] { db.put_session("s", {}, noon); }); });
    auto now = noon;
    for (int transaction = *rc::gen::inRange(1, 6); transaction > 0; --transaction) {
      t.each([](ledger& db) { db.begin(); });
      for (int step = *rc::gen::inRange(0, 12); step > 0; --step)
        random_step(t, now);
      const bool kept = *rc::gen::inRange(0, 4) > 0;
      t.each([kept](ledger& db) { kept ? db.commit() : db.rollback(); });
      now += *rc::gen::element<duration>(0min, 1min, 10min, 2h, -24h * 365);
      t.same([](ledger& db) { return db.list({"s", {}, {}, 1000}); });
      t.same([](ledger& db) { return db.counts("s"); });
      t.same([](ledger& db) { return db.events("s", {}, 1000); });
      t.same([&](ledger& db) { return db.next_due("s", now); });
      t.same([&](ledger& db) { return db.next_ready("s", {}, 1000, now); });
    }
  }));
}
