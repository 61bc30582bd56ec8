#include "tests/support/desk.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/origin.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <thread>

using namespace bellhop::test;
using Catch::Contains;

/// Programs are killed at any moment, with SIGKILL, and started again: nothing may be lost, doubled or mixed.
namespace {

using strings = std::vector<std::string>;
namespace fs = boost::filesystem;

/// New ones for each run; BELLHOP_TEST_SEED repeats one that failed.
std::uint32_t seed() {
  static const std::uint32_t chosen = [] {
    const char* given = std::getenv("BELLHOP_TEST_SEED");
    return given ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  }();
  return chosen;
}

/// How often a test kills; BELLHOP_TEST_KILLS bounds it where each start is dear.
int at_most(int kills) {
  const char* bound = std::getenv("BELLHOP_TEST_KILLS");
  return bound ? std::min(kills, std::max(1, std::atoi(bound))) : kills;
}

/// Files of many sizes, of which the server gives so much in each life of a program that none sees the last of them.
class library {
public:
  library(std::size_t count, std::size_t smallest, std::size_t largest, int lives) : lives_(lives) {
    std::mt19937 sizes{7};
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < count; ++i) {
      // Small ones are many, large ones are few: uniform in the logarithm.
      const auto low = std::log(static_cast<double>(smallest));
      const auto high = std::log(static_cast<double>(largest));
      wanted.push_back(static_cast<std::size_t>(std::exp(std::uniform_real_distribution<>{low, high}(sizes))));
    }
    // The first is under way all the time, by an allowance of its own.
    put("000.bin", random_bytes(largest, 12345), for_first_);
    for (std::size_t i = 0; i < count; ++i)
      put(fmt::format("{:03}.bin", i + 1), random_bytes(wanted[i], static_cast<std::uint32_t>(i)), for_others_);
  }

  /// The next life may see as much as each of the lives before the last.
  void begin_life() {
    const auto parts = static_cast<std::size_t>(lives_) + 1;
    const auto first = files.at("000.bin").size();
    for_first_->refill(first / parts);
    for_others_->refill((size() - first) / parts);
  }
  void begin_last_life() {
    for_first_->lift();
    for_others_->lift();
  }

  /// What was sent in all lives.
  std::size_t sent() const { return for_first_->taken() + for_others_->taken(); }
  /// How much of that comes in one life.
  std::size_t sent_in_a_life() const { return size() / (static_cast<std::size_t>(lives_) + 1); }
  bool stalls() const { return for_first_->used_up() && for_others_->used_up(); }

  std::string list() const {
    std::string text;
    for (const auto& entry : files)
      text += server.url("/" + entry.first) + "\n";
    return text;
  }

  bool resumed() const {
    const auto requests = server.requests();
    return std::any_of(requests.begin(), requests.end(), [](const auto& r) { return r.header("Range").has_value(); });
  }

  /// All is there, whole, and nothing else. Their contents are not printed.
  void check(const fs::path& folder) const {
    strings names;
    for (const auto& [name, content] : files) {
      names.push_back(name);
      const bool equal = read_file(folder / name) == content;
      INFO(name);
      CHECK(equal);
    }
    CHECK(names_in(folder) == names);
  }

  origin server;
  std::map<std::string, std::string> files;

private:
  void put(const std::string& name, std::string content, const std::shared_ptr<allowance>& allowed) {
    server.on("/" + name, serve::file(content, fmt::format("\"{}\"", name), allowed));
    files.emplace(name, std::move(content));
  }

  std::size_t size() const {
    return std::accumulate(files.begin(), files.end(), std::size_t{0},
                           [](auto sum, const auto& file) { return sum + file.second.size(); });
  }

  const int lives_;
  std::shared_ptr<allowance> for_first_ = std::make_shared<allowance>(0);
  std::shared_ptr<allowance> for_others_ = std::make_shared<allowance>(0);
};

/// Kills programs at moments that chance chooses.
class executioner {
public:
  executioner() : random_(seed()) {}

  /// Chooses a moment within what the library sends in one life, and kills then.
  void kill_while_it_works(program& victim, const library& books) {
    const auto until = books.sent() + one_up_to(books.sent_in_a_life());
    // The server stalls before the program could end, and what was sent last may be of an earlier life.
    REQUIRE(victim.wait_until([&] { return books.sent() >= until || books.stalls(); }));
    victim.kill();
  }

  /// ... or while it starts.
  void kill_early(program& victim, int latest_ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds{one_up_to(latest_ms)});
    victim.kill();
  }

private:
  template <class Number>
  Number one_up_to(Number most) {
    return std::uniform_int_distribution<Number>{0, most}(random_);
  }

  std::mt19937 random_;
};

void check_events(const desk& here, const std::string& session, std::size_t count) {
  const auto events = objects_in(here.run({"events", "-s", session, "--json"}).out);
  CHECK(events.size() == count);
  std::map<std::uint64_t, int> ends;
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i].at("seq") == i + 1);
    CHECK(events[i].at("type") == "completed");
    ++ends[events[i].at("transfer").get<std::uint64_t>()];
  }
  CHECK(ends.size() == count);
}

/// What the ledger has of one transfer, the session's first.
std::int64_t recorded_bytes(const desk& here, const std::string& session) {
  const auto listed = objects_in(here.run({"list", "-s", session, "--json"}).out);
  return listed.empty() ? 0 : listed[0].at("bytes").get<std::int64_t>();
}

/// The story of `bellhop get` killed `times` times.
void kill_get(library& books, int times, const strings& options) {
  INFO("BELLHOP_TEST_SEED=" << seed());
  const desk here;
  executioner axe;
  write_file(here / "list", books.list());
  strings first{"get", "-s", "s", "-i", (here / "list").string(), "-d", here.folder().string()};
  first.insert(first.end(), options.begin(), options.end());
  for (int life = 0; life < times; ++life) {
    books.begin_life();
    auto running = here.start(life == 0 ? first : strings{"get", "-s", "s", "--json"});
    if (life == 0) {
      // What is on the list is accepted once, before the first death.
      REQUIRE(running.wait_until([&] {
        return objects_in(here.run({"list", "-s", "s", "--json"}).out).size() == books.files.size();
      }));
      axe.kill_while_it_works(running, books);
    } else if (life == 1) {
      // Once at least something is worth going on with.
      REQUIRE(running.wait_until([&] { return recorded_bytes(here, "s") > 0; }));
      running.kill();
    } else if (life % 4 == 0) {
      axe.kill_early(running, 250);
    } else {
      axe.kill_while_it_works(running, books);
    }
  }
  books.begin_last_life();
  const auto last = here.run({"get", "-s", "s", "--json"});
  INFO(last.err);
  CHECK(last.status == 0);
  books.check(here.folder());
  check_events(here, "s", books.files.size());
}

std::string part_in(const fs::path& folder) {
  for (const auto& name : names_in(folder))
    if (name.ends_with(".part"))
      return name;
  return {};
}

} // namespace

TEST_CASE("bellhop get is killed at twenty moments", "[recovery]") {
  const int times = at_most(20);
  library books{300, 1, 5'000'000, times};
  kill_get(books, times, {});
  if (times > 1)
    CHECK(books.resumed());
}

TEST_CASE("bellhop get is killed, with files that shall survive a loss of power", "[recovery]") {
  const int times = at_most(6);
  library books{60, 1, 2'000'000, times};
  kill_get(books, times, {"--durability", "power"});
}

TEST_CASE("bellhop get is killed, and its own files are no conflicts", "[recovery]") {
  const std::string policy = GENERATE("fail", "rename", "overwrite");
  const int times = at_most(8);
  // Small ones, so that many get their names just before a death.
  library books{120, 700, 150'000, times};
  kill_get(books, times, {"--on-conflict", policy});
}

TEST_CASE("the image downloader goes on without being told, and is told of the end once", "[recovery]") {
  INFO("BELLHOP_TEST_SEED=" << seed());
  const int times = at_most(5);
  library books{40, 1, 2'000'000, times};
  const desk here;
  executioner axe;
  const auto launch = [&](const strings& urls) {
    strings arguments{"--state", here.state().string(), "--pictures", here.folder().string()};
    arguments.insert(arguments.end(), urls.begin(), urls.end());
    return program{desk::command("image-downloader", arguments), here.options()};
  };
  int handlers = 0;
  const auto count_handlers = [&](const std::string& out) {
    for (const auto& line : lines_of(out))
      handlers += line.find("completion handler") != std::string::npos;
  };
  for (int life = 0; life < times; ++life) {
    books.begin_life();
    auto running = launch(life == 0 ? lines_of(books.list()) : strings{});
    axe.kill_while_it_works(running, books);
    count_handlers(running.out());
  }
  CHECK(handlers == 0);
  books.begin_last_life();
  auto last = launch({});
  const auto ended = last.wait();
  INFO(ended.out << ended.err);
  CHECK(ended.status == 0);
  count_handlers(ended.out);
  CHECK(handlers == 1);
  books.check(here.folder());
  check_events(here, "image-downloader", books.files.size());
  // Nothing is left to be told.
  auto after = launch({});
  CHECK_THAT(after.wait().out, !Contains("completed") && !Contains("completion handler"));
}

TEST_CASE("the image downloader stays until both what was left and what is new are there", "[recovery]") {
  const auto left = std::make_shared<allowance>(0);
  origin server;
  server.on("/left.jpg", serve::file(random_bytes(200'000, 1), "\"l\"", left));
  server.on("/new.jpg", serve::response("200 OK", "new"));
  for (int round = 0; round < at_most(10); ++round) {
    const desk here;
    const strings always{"--state", here.state().string(), "--pictures", here.folder().string()};
    auto arguments = always;
    arguments.push_back(server.url("/left.jpg"));
    left->refill(199'999);
    program first{desk::command("image-downloader", arguments), here.options()};
    REQUIRE(first.wait_until([&] { return recorded_bytes(here, "image-downloader") > 0; }));
    first.kill();
    left->lift();
    arguments.back() = server.url("/new.jpg");
    const auto ended = program{desk::command("image-downloader", arguments), here.options()}.wait();
    INFO(ended.out << ended.err);
    CHECK(ended.status == 0);
    CHECK(names_in(here.folder()) == strings{"left.jpg", "new.jpg"});
    // All was delivered and acknowledged.
    const auto after = program{desk::command("image-downloader", always), here.options()}.wait();
    CHECK_THAT(after.out, !Contains("completed"));
  }
}

namespace {

/// A download that was killed when a third of its 3 MB was there and recorded.
struct killed_download {
  killed_download() {
    server.on("/large.bin", serve::file(content, "\"v1\"", allowed));
    auto running = here.start({"get", server.url("/large.bin")});
    REQUIRE(running.wait_until([&] { return recorded_bytes(here, "default") == 1'000'000; }));
    running.kill();
    allowed->lift();
    part = here.folder() / part_in(here.folder());
  }

  const std::string content = random_bytes(3'000'000, 77);
  std::shared_ptr<allowance> allowed = std::make_shared<allowance>(1'000'000);
  origin server;
  desk here;
  fs::path part;
};

} // namespace

TEST_CASE("a part that somebody else touched between two runs", "[recovery]") {
  const killed_download before;
  const auto& [content, allowed, server, here, part] = before;
  auto bytes = read_file(part);
  bool resumes = false;
  SECTION("left alone") {
    resumes = true;
  }
  SECTION("changed at its beginning") {
    bytes[10] ^= 1;
    write_file(part, bytes);
  }
  SECTION("changed at its end") {
    bytes[bytes.size() - 10] ^= 1;
    write_file(part, bytes);
  }
  SECTION("truncated") {
    fs::resize_file(part, 1000);
  }
  SECTION("emptied") {
    fs::resize_file(part, 0);
  }
  SECTION("grown") {
    // What lies beyond the recorded position is cut off.
    resumes = true;
    write_file(part, bytes + "more");
  }
  SECTION("removed") {
    fs::remove(part);
  }
  SECTION("replaced by another file") {
    fs::remove(part);
    write_file(part, random_bytes(bytes.size(), 78));
  }
  SECTION("replaced by a link to a precious file") {
    write_file(here / "precious", "precious");
    fs::remove(part);
    fs::create_symlink(here / "precious", part);
  }
  const auto ended = here.run({"get"});
  INFO(ended.err);
  CHECK(ended.status == 0);
  const bool equal = read_file(here.folder() / "large.bin") == content;
  CHECK(equal);
  if (fs::exists(here / "precious"))
    CHECK(read_file(here / "precious") == "precious");
  CHECK(names_in(here.folder()) == strings{"large.bin"});
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[1].header("Range").has_value() == resumes);
}

TEST_CASE("a folder in a part's place is named, and left alone", "[recovery]") {
  const killed_download before;
  const auto& [content, allowed, server, here, part] = before;
  fs::remove(part);
  fs::create_directory(part);
  write_file(part / "precious", "precious");
  const auto ended = here.run({"get", "-o", "other.bin", server.url("/large.bin")});
  INFO(ended.err);
  CHECK(ended.status == 1);
  CHECK_THAT(ended.err, Contains(part.string() + " is a folder"));
  CHECK(read_file(part / "precious") == "precious");
  const bool equal = read_file(here.folder() / "other.bin") == content;
  CHECK(equal);
  CHECK(names_in(here.folder()) == strings{part.filename().string(), "other.bin"});
}

TEST_CASE("the published file is removed between naming and the next run", "[recovery]") {
  // Whoever removes a finished file does not get it again.
  nginx server;
  server.put("a.bin", "a");
  const desk here;
  REQUIRE(here.run({"get", server.url("/a.bin")}).status == 0);
  fs::remove(here.folder() / "a.bin");
  CHECK(here.run({"get"}).status == 0);
  CHECK(names_in(here.folder()).empty());
  CHECK(server.access_log().size() == 1);
}

TEST_CASE("a list that is given again after a kill is not lost in the middle", "[recovery]") {
  INFO("BELLHOP_TEST_SEED=" << seed());
  // Killed while the list is being accepted: the user gives it again, and overwriting makes that harmless.
  std::string list;
  nginx server;
  std::map<std::string, std::string> files;
  for (int i = 0; i < 3000; ++i) {
    const auto name = fmt::format("{:04}", i);
    server.put(name, name);
    list += server.url("/" + name) + "\n";
  }
  const desk here;
  executioner axe;
  write_file(here / "list", list);
  const strings arguments{"get", "-q", "--on-conflict", "overwrite", "-i", (here / "list").string()};
  for (int i = 0; i < 3; ++i) {
    auto running = here.start(arguments);
    running.wait_until([&] { return fs::exists(here.state() / "ledger.sqlite"); });
    axe.kill_early(running, 150);
  }
  const auto ended = here.run(arguments);
  INFO(ended.err);
  CHECK(ended.status == 0);
  const auto names = names_in(here.folder());
  CHECK(names.size() == 3000);
  for (const auto& name : names)
    if (read_file(here.folder() / name) != name)
      FAIL_CHECK(name);
}
