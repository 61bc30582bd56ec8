#include "core/group_commit.hpp"
#include "tests/core/ledger_fixture.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <vector>

using namespace bellhop;
using namespace bellhop::test;
using namespace std::chrono_literals;
using loss = group_commit::loss;

namespace {

/// A ledger whose disk can be full: at the commit, or already at a write.
class failing_ledger : public ledger {
public:
  struct control {
    error at_commit;
    error at_write;
    int commits = 0;
  };
  failing_ledger(std::unique_ptr<ledger> inner, control& c) : inner_(std::move(inner)), control_(c) {}

  const std::string& id() const override { return inner_->id(); }
  transfer_id last_transfer() override { return inner_->last_transfer(); }
  void require(durability least) override { inner_->require(least); }
  void begin() override { inner_->begin(); }
  void commit() override {
    if (control_.at_commit) {
      inner_->rollback();
      throw failure{control_.at_commit};
    }
    inner_->commit();
    ++control_.commits;
  }
  void rollback() noexcept override { inner_->rollback(); }
  session_record put_session(const std::string& s, const session_configuration& c, time_point now) override {
    return inner_->put_session(s, c, now);
  }
  std::optional<session_record> find_session(const std::string& s) override { return inner_->find_session(s); }
  std::vector<session_record> sessions() override { return inner_->sessions(); }
  void set_phase(const std::string& s, session_phase phase) override { inner_->set_phase(s, phase); }
  void set_paused(const std::string& s, bool paused) override { inner_->set_paused(s, paused); }
  void remove_session(const std::string& s) override { inner_->remove_session(s); }
  session_counts counts(const std::string& s) override { return inner_->counts(s); }
  std::vector<transfer_id> submit(const std::string& s, std::span<const transfer_request> r, time_point now) override {
    fail_write();
    return inner_->submit(s, r, now);
  }
  std::optional<transfer_record> find(transfer_id id) override { return inner_->find(id); }
  std::vector<transfer_record> list(const list_filter& f) override { return inner_->list(f); }
  std::vector<transfer_record> next_ready(const std::string& s, queue_position after, std::uint32_t limit,
                                          time_point now) override {
    return inner_->next_ready(s, after, limit, now);
  }
  std::optional<time_point> next_due(const std::string& s, time_point now) override { return inner_->next_due(s, now); }
  void save_checkpoint(transfer_id id, const checkpoint& part) override { inner_->save_checkpoint(id, part); }
  void save_waiting(const transfer_record& r) override { inner_->save_waiting(r); }
  bool set_suspended(transfer_id id, bool suspended) override { return inner_->set_suspended(id, suspended); }
  bool change(transfer_id id, const transfer_change& news) override { return inner_->change(id, news); }
  std::optional<event> finish(transfer_id id, const outcome& o, time_point now) override {
    fail_write();
    return inner_->finish(id, o, now);
  }
  std::vector<event> events(const std::string& s, event_number after, std::uint32_t limit) override {
    return inner_->events(s, after, limit);
  }
  void acknowledge(const std::string& s, event_number upto) override { inner_->acknowledge(s, upto); }
  void remove(transfer_id id) override { inner_->remove(id); }
  pruned prune(const std::string& s, time_point cutoff) override { return inner_->prune(s, cutoff); }

private:
  void fail_write() const {
    if (control_.at_write)
      throw failure{control_.at_write};
  }

  std::unique_ptr<ledger> inner_;
  control& control_;
};

const error no_space{errc::no_space, "the disk is full", 0};

struct fixture {
  failing_ledger::control disk;
  std::chrono::steady_clock::time_point now{};
  std::vector<error> stalls;
  std::unique_ptr<group_commit> group;

  fixture() {
    auto db = make_memory_ledger();
    transact(*db, [&] { db->put_session("s", {}, noon); });
    group = std::make_unique<group_commit>(
        std::make_unique<failing_ledger>(std::move(db), disk), group_commit::options{}, [this] { return now; },
        [this](const error& why) { stalls.push_back(why); });
  }

  /// What a write was answered; empty while it has not been.
  using answer = std::shared_ptr<std::optional<error>>;

  answer write(loss kind, std::function<void(ledger&)> apply) {
    auto got = std::make_shared<std::optional<error>>();
    group->write(kind, std::move(apply), [got](const error& why) {
      CHECK_FALSE(got->has_value());
      *got = why;
    });
    return got;
  }
  answer submit(transfer_id* id = nullptr) {
    return write(loss::droppable, [id](ledger& db) {
      const auto r = request("x");
      const auto ids = db.submit("s", std::span{&r, 1}, noon);
      if (id)
        *id = ids.front();
    });
  }
  answer finish(transfer_id id) {
    return write(loss::kept, [id](ledger& db) { db.finish(id, completed(), noon); });
  }
  transfer_id submitted() {
    transfer_id id;
    submit(&id);
    group->flush();
    return id;
  }
  /// The queue has been empty for a moment.
  void idle() {
    group->end_of_turn(false);
    group->end_of_turn(false);
  }
  session_counts counts() { return group->db().counts("s"); }
};

} // namespace

TEST_CASE("writes of a turn share a commit and are answered after it", "[group_commit]") {
  fixture f;
  const auto first = f.submit();
  const auto second = f.submit();
  CHECK_FALSE(first->has_value());
  CHECK(f.counts().queued == 2);
  f.idle();
  CHECK(*first == error{});
  CHECK(*second == error{});
  CHECK(f.disk.commits == 1);
  CHECK(f.group->end_of_turn(false) <= 0us);
}

TEST_CASE("an empty queue commits only when it stays empty for a moment", "[group_commit]") {
  fixture f;
  f.submit();
  const auto pause = f.group->end_of_turn(false);
  CHECK(pause == group_commit::options{}.quiet);
  CHECK(f.disk.commits == 0);
  f.submit();
  CHECK(f.group->end_of_turn(false) > 0us);
  CHECK(f.disk.commits == 0);
  CHECK(f.group->end_of_turn(false) <= 0us);
  CHECK(f.disk.commits == 1);
}

TEST_CASE("a queue that never empties commits after the linger time", "[group_commit]") {
  fixture f;
  const auto first = f.submit();
  f.now += 1999us;
  CHECK(f.group->end_of_turn(true) == 1us);
  CHECK_FALSE(first->has_value());
  f.now += 1us;
  SECTION("at the end of the turn") {
    f.group->end_of_turn(true);
  }
  SECTION("or in a long turn with the next write") {
    f.submit();
  }
  CHECK(first->has_value());
  CHECK(f.disk.commits == 1);
}

TEST_CASE("a refused write is answered at once and harms no other", "[group_commit]") {
  fixture f;
  const auto good = f.submit();
  const auto bad = f.write(loss::droppable, [](ledger& db) { db.remove({99}); });
  const auto strange = f.write(loss::kept, [](ledger&) { throw std::runtime_error{"odd"}; });
  REQUIRE(bad->has_value());
  CHECK((*bad)->code == errc::unknown_transfer);
  CHECK((*strange)->code == errc::internal);
  CHECK_FALSE(good->has_value());
  f.idle();
  CHECK(*good == error{});
  CHECK(f.stalls.empty());
}

TEST_CASE("a failed commit drops what may be dropped and keeps the rest", "[group_commit]") {
  fixture f;
  const auto id = f.submitted();
  f.disk.at_commit = no_space;
  const auto dropped = f.submit();
  const auto kept = f.finish(id);
  f.idle();
  CHECK(*dropped == no_space);
  CHECK_FALSE(kept->has_value());
  CHECK(f.stalls == std::vector{no_space});
  CHECK(f.counts().queued == 1);

  SECTION("it is tried again after a pause, until it succeeds") {
    const auto pause = f.group->end_of_turn(false);
    CHECK(pause == group_commit::options{}.retry);
    f.now += pause;
    CHECK(f.group->end_of_turn(false) == group_commit::options{}.retry);
    CHECK_FALSE(kept->has_value());
    CHECK(f.stalls.size() == 1);

    f.disk.at_commit = {};
    f.now += 999ms;
    f.group->end_of_turn(true);
    CHECK_FALSE(kept->has_value());
    f.now += 1ms;
    CHECK(f.group->end_of_turn(true) <= 0us);
    CHECK(*kept == error{});
    CHECK(f.stalls == std::vector{no_space, error{}});
    CHECK(f.counts().completed == 1);
    CHECK(f.counts().queued == 0);
  }
  SECTION("meanwhile droppable writes fail at once, kept ones queue in their order") {
    CHECK(*f.submit() == no_space);
    auto late = f.write(loss::kept, [](ledger& db) { db.acknowledge("s", {1}); });
    CHECK_FALSE(late->has_value());
    f.disk.at_commit = {};
    f.group->flush();
    CHECK(*kept == error{});
    CHECK(*late == error{});
    CHECK(f.counts().unacknowledged_events == 0);
  }
  SECTION("what is refused when it is applied again is answered so, the others go through") {
    auto never = f.write(loss::kept, [](ledger& db) { db.remove({99}); });
    f.disk.at_commit = {};
    f.group->flush();
    CHECK(*kept == error{});
    CHECK((*never)->code == errc::unknown_transfer);
    CHECK(f.counts().completed == 1);
  }
  SECTION("a second outage is told again") {
    f.disk.at_commit = {};
    f.group->flush();
    f.disk.at_commit = no_space;
    f.write(loss::kept, [](ledger& db) { db.acknowledge("s", {1}); });
    f.group->flush();
    CHECK(f.stalls == std::vector{no_space, error{}, no_space});
  }
  SECTION("the end answers with the error") {
    f.group.reset();
    CHECK(*kept == no_space);
  }
}

TEST_CASE("droppable writes alone make no stall", "[group_commit]") {
  fixture f;
  f.disk.at_commit = no_space;
  const auto dropped = f.submit();
  f.idle();
  CHECK(*dropped == no_space);
  CHECK(f.stalls.empty());
  CHECK(f.group->end_of_turn(false) <= 0us);
  f.disk.at_commit = {};
  const auto next = f.submit();
  f.idle();
  CHECK(*next == error{});
}

TEST_CASE("an outage in the middle of a transaction counts as a failed commit", "[group_commit]") {
  fixture f;
  const auto id = f.submitted();
  const auto dropped = f.submit();
  f.disk.at_write = no_space;
  const auto kept = f.finish(id);
  CHECK(*dropped == no_space);
  CHECK_FALSE(kept->has_value());
  CHECK(f.stalls == std::vector{no_space});
  f.now += 1s;
  CHECK(f.group->end_of_turn(false) > 0us);
  CHECK_FALSE(kept->has_value());
  f.disk.at_write = {};
  f.now += 1s;
  f.group->end_of_turn(false);
  CHECK(*kept == error{});
  CHECK(f.counts().completed == 1);
}

TEST_CASE("an answer may write again", "[group_commit]") {
  fixture f;
  fixture::answer second;
  f.group->write(
      loss::droppable, [](ledger&) {}, [&](const error&) { second = f.submit(); });
  f.now += 1s;
  f.group->flush();
  REQUIRE(second);
  CHECK_FALSE(second->has_value());
  f.idle();
  CHECK(*second == error{});
}

TEST_CASE("the end commits what is open, and what its answers write, once", "[group_commit]") {
  fixture f;
  auto& group = *f.group;
  const auto last = f.submit();
  std::vector<error> answers;
  const auto nothing = [](ledger&) {};
  group.write(loss::kept, nothing, [&](const error& first) {
    answers.push_back(first);
    group.write(loss::kept, nothing, [&](const error& second) {
      answers.push_back(second);
      group.write(loss::kept, nothing, [&](const error& third) { answers.push_back(third); });
    });
  });
  f.group.reset();
  CHECK(*last == error{});
  CHECK(f.disk.commits == 2);
  REQUIRE(answers.size() == 3);
  CHECK_FALSE(answers[0]);
  CHECK_FALSE(answers[1]);
  CHECK(answers[2].code == errc::shutting_down);
}

TEST_CASE("on a loop many threads' writes share few commits and all are answered", "[group_commit]") {
  temporary_folder folder;
  auto db = open_sqlite_ledger(folder.file(), durability::crash);
  transact(*db, [&] { db->put_session("s", {}, noon); });
  group_commit group{std::move(db), {}, std::chrono::steady_clock::now, [](const error&) {}};
  int answered = 0;
  {
    task_loop loop{"ledger", &group};
    for (int i = 0; i < 1000; ++i)
      loop.post([&] {
        group.write(
            loss::droppable,
            [](ledger& l) {
              const auto r = request("x");
              l.submit("s", std::span{&r, 1}, noon);
            },
            [&](const error& why) { answered += !why; });
      });
  }
  CHECK(answered == 1000);
  CHECK(open_sqlite_ledger_readonly(folder.file())->counts("s").queued == 1000);
}
