#include "core/ledger.hpp"
#include "tests/core/ledger_fixture.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <chrono>
#include <iostream>

#include <time.h>

// Hidden: test_core "[.bench]" in a release build. Prints what core/ledger_format.md quotes.

using namespace bellhop;
using namespace bellhop::test;
using namespace std::chrono_literals;

namespace {

double cpu_us() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

/// Prints how long a call took, and for each of `rows` the time and the processor's share of it, which other load on
/// the machine does not change.
void measure(const std::string& what, std::size_t rows, const std::function<void()>& call) {
  const auto cpu_start = cpu_us();
  const auto start = std::chrono::steady_clock::now();
  call();
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  const auto cpu = cpu_us() - cpu_start;
  const auto count = static_cast<double>(rows);
  std::cout << fmt::format("{:<42} {:>9.1f} ms, each {:>9.2f} us, cpu {:>9.2f} us\n", what, took.count() / 1000,
                           took.count() / count, cpu / count);
}

std::vector<transfer_request> requests(std::size_t count) {
  std::vector<transfer_request> many;
  for (std::size_t i = 0; i < count; ++i)
    many.push_back(request(fmt::format("some/folder/of/images/{:08}.jpg", i)));
  return many;
}

void submit_all(ledger& db, std::span<const transfer_request> rows, std::size_t each) {
  for (std::size_t i = 0; i < rows.size(); i += each)
    transact(db, [&] { db.submit("s", rows.subspan(i, std::min(each, rows.size() - i)), noon); });
}

std::vector<transfer_id> walk_ready(ledger& db) {
  std::vector<transfer_id> ids;
  queue_position at;
  for (;;) {
    const auto page = db.next_ready("s", at, 256, noon);
    if (page.empty())
      return ids;
    for (const auto& record : page)
      ids.push_back(record.id);
    at = {page.back().request.priority, page.back().id};
  }
}

std::unique_ptr<ledger> fresh(const path& file, durability durable) {
  auto db = open_sqlite_ledger(file, durable);
  transact(*db, [&] { db->put_session("s", {}, noon); });
  return db;
}

} // namespace

TEST_CASE("the ways of 10,000 transfers through the ledger", "[.bench]") {
  const auto durable = GENERATE(durability::crash, durability::power);
  temporary_folder folder;
  auto db = fresh(folder.file(), durable);
  std::cout << (durable == durability::crash ? "crash:\n" : "power:\n");
  const auto many = requests(10'000);
  std::vector<transfer_id> ids;
  measure("submit, one transaction", many.size(), [&] { submit_all(*db, many, many.size()); });
  measure("next_ready in batches of 256", many.size(), [&] { ids = walk_ready(*db); });
  REQUIRE(ids.size() == many.size());
  measure("finish, one transaction", ids.size(), [&] {
    transact(*db, [&] {
      for (const auto id : ids)
        db->finish(id, completed(), noon);
    });
  });
  measure("submit, 32 a transaction", many.size(), [&] { submit_all(*db, many, 32); });
  ids = walk_ready(*db);
  measure("finish, 32 a transaction", ids.size(), [&] {
    for (std::size_t i = 0; i < ids.size(); i += 32)
      transact(*db, [&] {
        for (std::size_t k = i; k < std::min(i + 32, ids.size()); ++k)
          db->finish(ids[k], completed(), noon);
      });
  });
  measure("events in pages of 256", 20'000, [&] {
    std::size_t seen = 0;
    for (event_number at;;) {
      const auto page = db->events("s", at, 256);
      if (page.empty())
        break;
      seen += page.size();
      at = page.back().seq;
    }
    REQUIRE(seen == 20'000);
  });
  measure("acknowledge and prune", 20'000, [&] {
    transact(*db, [&] { db->acknowledge("s", {20'000}); });
    std::uint64_t pruned = 0;
    transact(*db, [&] { pruned += db->prune("s", noon + 1s).transfers; });
    transact(*db, [&] { pruned += db->prune("s", noon + 1s).transfers; });
    REQUIRE(pruned == 20'000);
  });
  std::cout << fmt::format("file {} KiB, log {} KiB\n", boost::filesystem::file_size(folder.file()) / 1024,
                           boost::filesystem::file_size(folder.file().native() + "-wal") / 1024);
}

TEST_CASE("a million queued rows", "[.bench]") {
  temporary_folder folder;
  auto db = fresh(folder.file(), durability::crash);
  const auto many = requests(1'000'000);
  measure("submit 1,000,000, 10,000 a transaction", many.size(), [&] { submit_all(*db, many, 10'000); });
  auto parked = requests(100'000);
  for (auto& r : parked)
    r.suspended = true;
  submit_all(*db, parked, 10'000);
  measure("open", 1, [&] {
    db.reset();
    db = open_sqlite_ledger(folder.file(), durability::crash);
  });
  measure("counts", 1, [&] { CHECK(db->counts("s").queued == 1'000'000); });
  measure("first 256 of 1,000,000", 256, [&] { CHECK(db->next_ready("s", {}, 256, noon).size() == 256); });
  measure("256 from the middle", 256, [&] { CHECK(db->next_ready("s", {0.5, {500'000}}, 256, noon).size() == 256); });
  measure("next_due", 1, [&] { CHECK_FALSE(db->next_due("s", noon)); });
  measure("list 1000 suspended among them", 1000, [&] {
    CHECK(db->list({"s", {transfer_state::suspended}, {}, 1000}).size() == 1000);
  });
  const auto first = db->next_ready("s", {}, 10'000, noon);
  measure("finish 10,000, one transaction", 10'000, [&] {
    transact(*db, [&] {
      for (const auto& record : first)
        db->finish(record.id, completed(), noon);
    });
  });
  measure("save_waiting 100,000, one transaction", 100'000, [&] {
    transact(*db, [&] {
      for (auto& record : db->list({"s", {transfer_state::queued}, {}, 100'000})) {
        record.waiting_for = wait_reason::no_network;
        record.retry_at = noon + 1s;
        db->save_waiting(record);
      }
    });
  });
  measure("next_ready when 100,000 become due", 100'000,
          [&] { CHECK(db->next_ready("s", {}, 256, noon + 1s).size() == 256); });
  measure("remove the session", 1'100'000, [&] { transact(*db, [&] { db->remove_session("s"); }); });
  std::cout << fmt::format("file {} MiB\n", boost::filesystem::file_size(folder.file()) >> 20);
}
