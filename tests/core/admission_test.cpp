#include "core/admission.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

using namespace bellhop;

namespace {

admission_candidate candidate(std::uint64_t id, std::string session, std::string host, double priority = 0.5) {
  admission_candidate c;
  c.id = attempt_id{id};
  c.session = std::move(session);
  c.host = std::move(host);
  c.priority = priority;
  c.order = id;
  return c;
}

std::vector<std::uint64_t> drain(admission& a) {
  std::vector<std::uint64_t> ids;
  while (const auto id = a.next())
    ids.push_back(id->value);
  return ids;
}

/// The same rules without a data structure: everything is looked for, every time.
class naive_admission {
public:
  explicit naive_admission(std::uint32_t max_total) : max_total_(max_total) {}

  void add(admission_candidate c) {
    if (std::ranges::none_of(all_, [&](const entry& e) { return e.what.session == c.session; }))
      turns_[c.session] = ++turn_;
    for (auto& e : all_)
      if (e.what.session == c.session) {
        e.what.max_active = c.max_active;
        e.what.max_per_host = c.max_per_host;
      }
    all_.push_back({std::move(c), false});
  }

  std::optional<attempt_id> next() {
    if (active() >= max_total_)
      return {};
    entry* best = nullptr;
    for (auto& e : all_)
      if (!e.active && may_run(e.what) && (best == nullptr || before(e.what, best->what)))
        best = &e;
    if (best == nullptr)
      return {};
    best->active = true;
    turns_[best->what.session] = ++turn_;
    return best->what.id;
  }

  void remove(attempt_id id) {
    std::erase_if(all_, [&](const entry& e) { return e.what.id == id; });
  }

  std::size_t active() const {
    return static_cast<std::size_t>(std::ranges::count_if(all_, [](const entry& e) { return e.active; }));
  }
  std::size_t waiting() const { return all_.size() - active(); }

private:
  struct entry {
    admission_candidate what;
    bool active;
  };

  bool may_run(const admission_candidate& c) const {
    std::uint32_t in_session = 0;
    std::uint32_t on_host = 0;
    for (const auto& e : all_)
      if (e.active && e.what.session == c.session) {
        ++in_session;
        on_host += e.what.host == c.host ? 1 : 0;
      }
    return in_session < c.max_active && on_host < c.max_per_host;
  }

  bool before(const admission_candidate& a, const admission_candidate& b) const {
    return std::tuple{turns_.at(a.session), -a.priority, a.order, a.id} <
           std::tuple{turns_.at(b.session), -b.priority, b.order, b.id};
  }

  std::uint32_t max_total_;
  std::uint64_t turn_ = 0;
  std::map<std::string, std::uint64_t> turns_;
  std::vector<entry> all_;
};

} // namespace

TEST_CASE("Within a session the greater priority goes first, then the earlier submission", "[admission]") {
  admission a{100};
  a.add(candidate(1, "s", "h", 0.1));
  a.add(candidate(2, "s", "h", 0.9));
  a.add(candidate(3, "s", "g", 0.9));
  a.add(candidate(4, "s", "g", 0.5));
  CHECK(drain(a) == std::vector<std::uint64_t>{2, 3, 4, 1});
}

TEST_CASE("Sessions take turns, however much one has queued", "[admission]") {
  admission a{100};
  for (std::uint64_t id = 1; id <= 4; ++id)
    a.add(candidate(id, "greedy", "h", 1.0));
  a.add(candidate(10, "modest", "h", 0.0));
  CHECK(drain(a) == std::vector<std::uint64_t>{1, 10, 2, 3, 4});
}

TEST_CASE("A host at its bound does not hold up the session's other hosts", "[admission]") {
  admission a{100};
  for (std::uint64_t id = 1; id <= 20; ++id)
    a.add(candidate(id, "s", "busy", 0.9));
  a.add(candidate(21, "s", "free", 0.1));
  CHECK(drain(a) == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 21});
  a.remove(attempt_id{3});
  CHECK(drain(a) == std::vector<std::uint64_t>{7});
}

TEST_CASE("What waits can be withdrawn, and unknown ids are ignored", "[admission]") {
  admission a{1};
  a.add(candidate(1, "s", "h"));
  a.add(candidate(2, "s", "h"));
  a.add(candidate(3, "s", "h"));
  REQUIRE(a.next() == attempt_id{1});
  a.remove(attempt_id{2});
  a.remove(attempt_id{99});
  CHECK(a.waiting() == 1);
  CHECK(a.active() == 1);
  a.remove(attempt_id{1});
  CHECK(a.next() == attempt_id{3});
}

TEST_CASE("The bound over all sessions holds", "[admission]") {
  admission a{3};
  for (std::uint64_t id = 1; id <= 9; ++id)
    a.add(candidate(id, "s" + std::to_string(id % 3), "h"));
  CHECK(drain(a).size() == 3);
}

TEST_CASE("A new bound over all sessions holds from then on", "[admission]") {
  admission a{3};
  for (std::uint64_t id = 1; id <= 9; ++id)
    a.add(candidate(id, "s" + std::to_string(id % 3), "h"));
  CHECK(drain(a).size() == 3);
  a.limit(5);
  CHECK(drain(a).size() == 2);
  // What runs beyond a lower one goes on, and nothing comes after it.
  a.limit(1);
  a.remove(attempt_id{1});
  CHECK(drain(a).empty());
}

TEST_CASE("A priority that is no number does no harm", "[admission]") {
  admission a{10};
  a.add(candidate(1, "s", "h", std::nan("")));
  a.add(candidate(2, "s", "h", 0.5));
  CHECK(drain(a) == std::vector<std::uint64_t>{2, 1});
}

TEST_CASE("Any sequence of calls agrees with the naive rules", "[admission]") {
  REQUIRE(rc::check([] {
    const auto max_total = *rc::gen::inRange<std::uint32_t>(1, 12);
    admission real{max_total};
    naive_admission model{max_total};
    std::uint64_t last = 0;
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 10));
    for (const auto step : steps) {
      if (step < 5) {
        auto c =
            candidate(++last, std::string(1, static_cast<char>('a' + *rc::gen::inRange(0, 3))),
                      std::string(1, static_cast<char>('x' + *rc::gen::inRange(0, 3))), *rc::gen::inRange(0, 3) / 2.0);
        c.max_active = *rc::gen::inRange<std::uint32_t>(1, 5);
        c.max_per_host = *rc::gen::inRange<std::uint32_t>(1, 3);
        real.add(c);
        model.add(c);
      } else if (step < 8) {
        RC_ASSERT(real.next() == model.next());
      } else if (last > 0) {
        const attempt_id id{*rc::gen::inRange<std::uint64_t>(1, last + 1)};
        real.remove(id);
        model.remove(id);
      }
      RC_ASSERT(real.active() == model.active());
      RC_ASSERT(real.waiting() == model.waiting());
    }
  }));
}

TEST_CASE("Nobody starves: every session is served once in as many turns as there are sessions", "[admission]") {
  REQUIRE(rc::check([] {
    const auto sessions = *rc::gen::inRange<std::uint64_t>(1, 6);
    admission a{1};
    std::uint64_t id = 0;
    std::map<std::uint64_t, std::uint64_t> session_of;
    for (std::uint64_t s = 0; s < sessions; ++s)
      for (auto n = *rc::gen::inRange<std::uint64_t>(5, 20); n > 0; --n) {
        session_of[++id] = s;
        a.add(candidate(id, "s" + std::to_string(s), "h", s == 0 ? 1.0 : 0.0));
      }
    for (int round = 0; round < 5; ++round) {
      std::map<std::uint64_t, int> served;
      for (std::uint64_t turn = 0; turn < sessions; ++turn) {
        const auto next = a.next();
        RC_ASSERT(next.has_value());
        ++served[session_of.at(next->value)];
        a.remove(*next);
      }
      RC_ASSERT(served.size() == sessions);
    }
  }));
}
