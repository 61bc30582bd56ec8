#include "core/event_inbox.hpp"

#include <catch2/catch.hpp>

using namespace bellhop;

namespace {

event numbered(std::uint64_t number) {
  event e;
  e.seq.value = number;
  e.transfer.value = number;
  return e;
}

std::vector<event> numbered(std::uint64_t first, std::uint64_t last) {
  std::vector<event> all;
  for (auto i = first; i <= last; ++i)
    all.push_back(numbered(i));
  return all;
}

/// All that is there, batch by batch.
std::vector<std::uint64_t> drain(event_inbox& inbox) {
  std::vector<std::uint64_t> numbers;
  for (auto batch = inbox.take_batch(); !batch.empty(); batch = inbox.take_batch()) {
    CHECK(batch.size() <= event_inbox::batch_size);
    for (const auto& e : batch)
      numbers.push_back(e.seq.value);
  }
  return numbers;
}

bool is_row(const std::vector<std::uint64_t>& numbers, std::uint64_t first, std::uint64_t last) {
  bool right = numbers.size() == last - first + 1;
  for (std::size_t i = 0; right && i < numbers.size(); ++i)
    right = numbers[i] == first + i;
  return right;
}

} // namespace

TEST_CASE("what a stream repeats is delivered once", "[event_inbox]") {
  event_inbox inbox;
  for (const auto number : {4, 5, 5, 4, 6})
    inbox.add(numbered(static_cast<std::uint64_t>(number)));
  CHECK(drain(inbox) == std::vector<std::uint64_t>{4, 5, 6});
  CHECK(inbox.position() == event_number{6});
  inbox.add(numbered(6));
  inbox.add(numbered(9));
  // Numbers may be left out: a transfer was removed with its event.
  CHECK(drain(inbox) == std::vector<std::uint64_t>{9});
  CHECK(inbox.empty());
  event_inbox later{event_number{5}};
  later.add(numbered(5));
  CHECK(drain(later).empty());
}

TEST_CASE("what a slow delegate has no room for is asked for again", "[event_inbox]") {
  constexpr auto sent = 2 * event_inbox::most_events;
  event_inbox inbox;
  for (auto& e : numbered(1, sent))
    inbox.add(std::move(e));
  CHECK_FALSE(inbox.missing());
  CHECK(is_row(drain(inbox), 1, event_inbox::most_events));
  REQUIRE(inbox.missing());
  CHECK_FALSE(inbox.empty());
  CHECK(inbox.position().value == event_inbox::most_events);

  SECTION("and comes from the log") {
    const auto asked = inbox.newest();
    // One that comes meanwhile is in order only behind what is missing.
    inbox.add(numbered(sent + 1));
    inbox.add_missing(numbered(event_inbox::most_events + 1, sent), asked);
    CHECK(is_row(drain(inbox), event_inbox::most_events + 1, sent));
    REQUIRE(inbox.missing());
    inbox.add_missing(numbered(sent + 1, sent + 1), inbox.newest());
    inbox.add(numbered(sent + 2));
    CHECK(is_row(drain(inbox), sent + 1, sent + 2));
    CHECK(inbox.empty());
  }
  SECTION("or was removed from it") {
    const auto asked = inbox.newest();
    inbox.add(numbered(sent + 1));
    inbox.add_missing({}, asked);
    // The one that came after the log was asked may be there yet.
    REQUIRE(inbox.missing());
    inbox.add_missing(numbered(sent + 1, sent + 1), inbox.newest());
    CHECK(is_row(drain(inbox), sent + 1, sent + 1));
    CHECK(inbox.empty());
  }
}

TEST_CASE("news are coalesced and never without bound", "[event_inbox]") {
  event_inbox inbox;
  CHECK_FALSE(inbox.has_news());
  inbox.add(std::vector<progress>{{{1}, 10, 100}, {{2}, 1, unknown_size}});
  inbox.add(std::vector<progress>{{{1}, 20, 100}});
  inbox.add(numbered(2));
  for (std::uint64_t i = 1; i <= event_inbox::most_notices + 5; ++i) {
    notice news;
    news.transfer.value = i;
    inbox.add(std::move(news));
  }
  const auto [moved, notices] = inbox.take_news();
  // The second transfer has ended.
  REQUIRE(moved.size() == 1);
  CHECK(moved[0].received == 20);
  REQUIRE(notices.size() == event_inbox::most_notices);
  CHECK(notices.front().transfer == transfer_id{6});
  CHECK_FALSE(inbox.has_news());
}
