#include "core/ledger.hpp"
#include "tests/core/ledger_fixture.hpp"
#include "tests/core/ledger_version_1.hpp"
#include "tests/support/error_of.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <csignal>
#include <cstring>
#include <iterator>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// What only the ledger on disk promises: that it survives, and what happens when its file does not.

using namespace bellhop;
using namespace bellhop::test;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<ledger> open(const path& file) {
  return open_sqlite_ledger(file, durability::crash);
}

transfer_id submit(ledger& db, const transfer_request& r) {
  transfer_id id;
  transact(db, [&] { id = db.submit("s", std::span{&r, 1}, noon).front(); });
  return id;
}

/// A ledger with a session "s", one queued and one completed transfer.
void fill(const path& file) {
  auto db = open(file);
  transact(*db, [&] { db->put_session("s", {}, noon); });
  const auto done = submit(*db, request("done"));
  submit(*db, request("queued"));
  transact(*db, [&] { db->finish(done, completed(), noon); });
}

std::string content(const path& file) {
  boost::filesystem::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write(const path& file, const std::string& bytes) {
  boost::filesystem::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << bytes;
}

/// The files in a folder whose names contain `part`.
std::vector<path> files_with(const path& folder, const std::string& part) {
  std::vector<path> found;
  for (const auto& entry : boost::filesystem::directory_iterator{folder})
    if (entry.path().filename().native().find(part) != std::string::npos)
      found.push_back(entry.path());
  return found;
}

mode_t mode_of(const path& file) {
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

} // namespace

TEST_CASE("what was committed is there after opening again", "[ledger][sqlite]") {
  temporary_folder folder;
  const auto durable = GENERATE(durability::crash, durability::power);
  std::string id;
  transfer_id first;
  session_configuration configuration;
  configuration.max_active = 3;
  {
    auto db = open_sqlite_ledger(folder.file(), durable);
    id = db->id();
    transact(*db, [&] { db->put_session("s", configuration, noon); });
    first = submit(*db, request("1"));
    submit(*db, request("2"));
    transact(*db, [&] { db->finish(first, completed(), noon); });
    // Lost: never committed.
    const auto r = request("3");
    db->begin();
    db->submit("s", std::span{&r, 1}, noon);
  }
  auto db = open_sqlite_ledger(folder.file(), durable);
  CHECK(db->id() == id);
  CHECK(db->find_session("s")->configuration == configuration);
  CHECK(db->find_session("s")->last_event.value == 1);
  CHECK(db->counts("s") == session_counts{0, 1, 0, 1, 0, 0, 1});
  CHECK(db->events("s", {}, 10).at(0).transfer == first);
  CHECK(db->next_ready("s", {}, 10, noon).size() == 1);
}

TEST_CASE("an id and an event number are not used again after opening", "[ledger][sqlite]") {
  temporary_folder folder;
  transfer_id last;
  {
    auto db = open(folder.file());
    transact(*db, [&] { db->put_session("s", {}, noon); });
    last = submit(*db, request("1"));
    transact(*db, [&] {
      db->finish(last, completed(), noon);
      db->remove(last);
    });
  }
  auto db = open(folder.file());
  const auto next = submit(*db, request("2"));
  CHECK(next > last);
  transact(*db, [&] { CHECK(db->finish(next, completed(), noon)->seq.value == 2); });
}

TEST_CASE("the ledger's files are private", "[ledger][sqlite]") {
  temporary_folder folder;
  write(folder.file(), "");
  REQUIRE(::chmod(folder.file().c_str(), 0644) == 0);
  auto db = open(folder.file());
  transact(*db, [&] { db->put_session("s", {}, noon); });
  for (const auto& file : files_with(folder.where(), "ledger"))
    CHECK(mode_of(file) == 0600);
  CHECK(files_with(folder.where(), "-wal").size() == 1);
}

TEST_CASE("a killed process leaves whole transactions only", "[ledger][sqlite]") {
  temporary_folder folder;
  constexpr int rows_each = 3;
  {
    auto db = open(folder.file());
    transact(*db, [&] { db->put_session("s", {}, noon); });
  }
  std::uint64_t expected_at_least = 0;
  for (int round = 0; round < 5; ++round) {
    int marks[2];
    REQUIRE(::pipe(marks) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // 'o': a transaction is open and written to; 'c': it is committed.
      auto db = open(folder.file());
      const std::vector<transfer_request> rows(rows_each, request("x"));
      for (;;) {
        db->begin();
        const auto ids = db->submit("s", rows, noon);
        db->finish(ids[0], completed(), noon);
        if (::write(marks[1], "o", 1) != 1)
          ::_exit(1);
        db->commit();
        if (::write(marks[1], "c", 1) != 1)
          ::_exit(1);
      }
    }
    ::close(marks[1]);
    int opened = 0, committed = 0;
    char mark = 0;
    while (opened < 20 + round && ::read(marks[0], &mark, 1) == 1)
      ++(mark == 'o' ? opened : committed);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    // What it did between the last look and the kill.
    while (::read(marks[0], &mark, 1) == 1)
      ++(mark == 'o' ? opened : committed);
    ::close(marks[0]);
    REQUIRE(committed > 0);
    expected_at_least += static_cast<std::uint64_t>(committed);

    auto db = open(folder.file());
    const auto counts = db->counts("s");
    CHECK(counts.completed >= expected_at_least);
    CHECK(counts.completed <= expected_at_least + 1);
    CHECK(counts.queued == counts.completed * (rows_each - 1));
    CHECK(db->list({"s", {}, {}, 100'000}).size() == counts.completed * rows_each);
    const auto log = db->events("s", {}, 100'000);
    REQUIRE(log.size() == counts.completed);
    CHECK(log.back().seq.value == counts.completed);
    expected_at_least = counts.completed;
  }
}

TEST_CASE("a file that is no ledger is set aside, and the next start begins anew", "[ledger][sqlite]") {
  temporary_folder folder;
  std::string bytes;
  SECTION("no database at all") {
    bytes = std::string(100'000, 'x');
  }
  SECTION("a few bytes") {
    bytes = "hello";
  }
  SECTION("cut in half") {
    fill(folder.file());
    bytes = content(folder.file());
    bytes.resize(bytes.size() / 2);
  }
  SECTION("overwritten after the first page") {
    fill(folder.file());
    bytes = content(folder.file());
    std::fill(bytes.begin() + 4096, bytes.end(), 'x');
  }
  SECTION("another program's database") {
    {
      SQLite::Database other{folder.file().native(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
      other.exec("CREATE TABLE notes(text)");
    }
    bytes = content(folder.file());
  }
  SECTION("a table is missing") {
    fill(folder.file());
    SQLite::Database{folder.file().native(), SQLite::OPEN_READWRITE}.exec(
        "PRAGMA journal_mode = DELETE; DROP TABLE events");
    bytes = content(folder.file());
  }
  write(folder.file(), bytes);

  CHECK(code_of([&] { open_sqlite_ledger_readonly(folder.file()); }) == errc::ledger_unreadable);
  CHECK(content(folder.file()) == bytes);

  const auto why = error_of([&] { open(folder.file()); });
  CHECK(why.code == errc::ledger_unreadable);
  const auto aside = files_with(folder.where(), ".unreadable-");
  REQUIRE_FALSE(aside.empty());
  const auto kept =
      folder.where() / aside[0].filename().native().substr(0, aside[0].filename().native().rfind('Z') + 1);
  INFO(why.message);
  CHECK(why.message.find(kept.native()) != std::string::npos);
  CHECK(why.message.find("run again") != std::string::npos);
  CHECK(content(kept) == bytes);

  auto db = open(folder.file());
  CHECK(db->sessions().empty());
}

TEST_CASE("two that are set aside in one second are both kept", "[ledger][sqlite]") {
  temporary_folder folder;
  for (int i = 0; i < 3; ++i) {
    write(folder.file(), "no ledger");
    CHECK(code_of([&] { open(folder.file()); }) == errc::ledger_unreadable);
  }
  CHECK(files_with(folder.where(), ".unreadable-").size() == 3);
}

TEST_CASE("a newer ledger is left alone", "[ledger][sqlite]") {
  temporary_folder folder;
  fill(folder.file());
  {
    SQLite::Database db{folder.file().native(), SQLite::OPEN_READWRITE};
    db.exec("PRAGMA user_version = 99; CREATE TABLE future(x)");
  }
  const auto before = content(folder.file());
  for (const bool readonly : {false, true}) {
    const auto why = error_of([&] { readonly ? open_sqlite_ledger_readonly(folder.file()) : open(folder.file()); });
    CHECK(why.code == errc::ledger_too_new);
    CHECK(why.message.find("99") != std::string::npos);
    CHECK(why.message.find("up to 2") != std::string::npos);
    CHECK(why.message.find(folder.file().native()) != std::string::npos);
  }
  CHECK(content(folder.file()) == before);
  CHECK(files_with(folder.where(), "unreadable").empty());
}

TEST_CASE("a ledger of version 1 is brought up to date, with all that it has", "[ledger][sqlite]") {
  temporary_folder folder;
  write_version_1(folder.file());
  // Looking on changes nothing.
  CHECK(code_of([&] { open_sqlite_ledger_readonly(folder.file()); }) == errc::ledger_io);

  for (int opening = 1; opening <= 2; ++opening) {
    CAPTURE(opening);
    auto db = open(folder.file());
    CHECK(db->id() == "0123456789abcdef0123456789abcdef");
    const auto session = db->find_session("s").value();
    CHECK(session.phase == session_phase::open);
    CHECK_FALSE(session.paused);
    CHECK(session.configuration.max_active == 7);
    CHECK_FALSE(session.configuration.launch);
    CHECK(session.acknowledged.value == 1);
    CHECK(session.last_event.value == 3);
    CHECK(db->counts("s") == session_counts{1, 2, 1, 1, 1, 1, 2});
    CHECK(db->last_transfer().value == 7);

    const auto unfinished = db->find({1}).value();
    CHECK(unfinished.request.headers == std::vector<header>{{"Accept", "*/*"}});
    CHECK(unfinished.part.part_name == ".bellhop-1.part");
    CHECK(unfinished.part.position == 4096);
    CHECK(unfinished.part.etag == "\"a\"");
    CHECK(db->find({2})->request.name_from_server);
    CHECK(db->find({7})->retry_at == noon + 10min);
    const auto failed = db->find({3}).value();
    CHECK(failed.last_error == error{errc::http_status, "gone", 410});
    CHECK(failed.received == 5);
    // Their files were removed when they ended.
    CHECK_FALSE(failed.part);
    CHECK_FALSE(db->find({5})->part);

    const auto log = db->events("s", {}, 10);
    REQUIRE(log.size() == 3);
    CHECK(log[1].type == event_type::completed);
    CHECK(log[1].metadata == R"({"album": 5})");
    CHECK(db->next_ready("s", {}, 10, noon).size() == 2);
  }
  CHECK(files_with(folder.where(), "unreadable").empty());
  auto db = open(folder.file());
  transact(*db, [&] {
    db->set_phase("s", session_phase::finishing);
    db->finish({1}, completed(), noon);
  });
  CHECK(submit(*db, request("8")).value == 8);
  CHECK(open_sqlite_ledger_readonly(folder.file())->find_session("s")->phase == session_phase::finishing);
}

TEST_CASE("a session's phase and pause are there after opening again", "[ledger][sqlite]") {
  temporary_folder folder;
  fill(folder.file());
  {
    auto db = open(folder.file());
    transact(*db, [&] {
      db->set_phase("s", session_phase::cancelling);
      db->set_paused("s", true);
    });
  }
  auto db = open(folder.file());
  CHECK(db->find_session("s")->phase == session_phase::cancelling);
  CHECK(db->find_session("s")->paused);
  transact(*db, [&] { db->set_paused("s", false); });
  CHECK_FALSE(open_sqlite_ledger_readonly(folder.file())->find_session("s")->paused);
}

TEST_CASE("a reader looks on beside the writer", "[ledger][sqlite]") {
  temporary_folder folder;
  CHECK(code_of([&] { open_sqlite_ledger_readonly(folder.file()); }) == errc::ledger_io);
  CHECK(files_with(folder.where(), "ledger").empty());

  auto writer = open(folder.file());
  transact(*writer, [&] { writer->put_session("s", {}, noon); });
  const auto first = submit(*writer, request("1"));

  auto reader = open_sqlite_ledger_readonly(folder.file());
  CHECK(reader->id() == writer->id());
  CHECK(reader->counts("s").queued == 1);
  CHECK(code_of([&] { reader->begin(); }) == errc::wrong_state);
  CHECK(code_of([&] { reader->next_ready("s", {}, 1, noon); }) == errc::wrong_state);

  // It sees what is committed, and only that.
  const auto r = request("2");
  writer->begin();
  const auto second = writer->submit("s", std::span{&r, 1}, noon).front();
  CHECK_FALSE(reader->find(second));
  CHECK(reader->counts("s").queued == 1);
  writer->finish(first, completed(), noon);
  writer->commit();
  CHECK(reader->find(second));
  CHECK(reader->counts("s") == writer->counts("s"));
  CHECK(reader->events("s", {}, 10) == writer->events("s", {}, 10));

  writer.reset();
  CHECK(reader->list({"s", {}, {}, 10}).size() == 2);
}

TEST_CASE("a ledger that cannot be made says which and why", "[ledger][sqlite]") {
  temporary_folder folder;
  const auto why = error_of([&] { open(folder.where() / "missing" / "ledger.sqlite"); });
  CHECK(why.code == errc::ledger_io);
  CHECK(why.message.find("missing/ledger.sqlite") != std::string::npos);
}

namespace {

/// A small file system of its own, which only root may have.
class small_disk {
public:
  explicit small_disk(const path& where) : where_(where) {
    mounted_ = ::mount("bellhop-test", where_.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~small_disk() {
    if (mounted_)
      ::umount2(where_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  bool mounted() const { return mounted_; }

  void fill_up() const {
    boost::filesystem::ofstream out{where_ / "ballast", std::ios::binary};
    const std::string block(4096, 'x');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void free() const { boost::filesystem::remove(where_ / "ballast"); }

private:
  path where_;
  bool mounted_ = false;
};

} // namespace

TEST_CASE("a full disk fails the transaction, nothing else", "[ledger][sqlite]") {
  temporary_folder folder;
  small_disk disk{folder.where()};
  if (!disk.mounted()) {
    WARN("skipped: mounting a small file system needs root");
    return;
  }
  auto db = open(folder.file());
  transact(*db, [&] { db->put_session("s", {}, noon); });
  const auto kept = submit(*db, request("kept"));
  disk.fill_up();

  const std::vector<transfer_request> many(2000, request("lost"));
  const auto why = error_of([&] {
    db->begin();
    db->submit("s", many, noon);
    db->finish(kept, completed(), noon);
    db->commit();
  });
  CHECK(why.code == errc::no_space);
  CHECK(why.message.find(folder.file().native()) != std::string::npos);
  db->rollback();
  CHECK(db->counts("s").queued == 1);
  CHECK(db->find(kept)->state == transfer_state::queued);

  disk.free();
  transact(*db, [&] { CHECK(db->finish(kept, completed(), noon)); });
  CHECK(db->counts("s").completed == 1);
}

TEST_CASE("after an error of the file the transaction is refused until it is rolled back", "[ledger][sqlite]") {
  temporary_folder folder;
  small_disk disk{folder.where()};
  if (!disk.mounted()) {
    WARN("skipped: mounting a small file system needs root");
    return;
  }
  auto db = open(folder.file());
  transact(*db, [&] { db->put_session("s", {}, noon); });
  disk.fill_up();
  // More than the cache holds, so that it spills before the commit.
  auto large = request("large");
  large.metadata = '"' + std::string(60'000, 'x') + '"';
  const std::vector<transfer_request> many(100, large);
  db->begin();
  CHECK(code_of([&] { db->submit("s", many, noon); }) == errc::no_space);
  const auto r = request("1");
  CHECK(code_of([&] { db->submit("s", std::span{&r, 1}, noon); }) == errc::no_space);
  CHECK(code_of([&] { db->commit(); }) == errc::no_space);
  disk.free();
  submit(*db, r);
  CHECK(db->counts("s").queued == 1);
}

TEST_CASE("a ledger is not made on a full disk", "[ledger][sqlite]") {
  temporary_folder folder;
  small_disk disk{folder.where()};
  if (!disk.mounted()) {
    WARN("skipped: mounting a small file system needs root");
    return;
  }
  disk.fill_up();
  CHECK(code_of([&] { open(folder.file()); }) == errc::no_space);
  disk.free();
  CHECK_NOTHROW(open(folder.file()));
}
