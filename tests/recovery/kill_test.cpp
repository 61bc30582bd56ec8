#include "tests/support/desk.hpp"
#include "tests/support/nginx.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
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

/// Files of many sizes on a server that takes its time.
class library {
public:
  library(std::size_t count, std::size_t smallest, std::size_t largest, const std::string& limit_rate)
      : server({.limit_rate = limit_rate, .server_directives = {}}) {
    std::mt19937 sizes{7};
    for (std::size_t i = 0; i < count; ++i) {
      // Small ones are many, large ones are few: uniform in the logarithm.
      const auto low = std::log(static_cast<double>(smallest));
      const auto high = std::log(static_cast<double>(largest));
      const auto size = static_cast<std::size_t>(std::exp(std::uniform_real_distribution<>{low, high}(sizes)));
      files.emplace(fmt::format("{:03}.bin", i), random_bytes(size, static_cast<std::uint32_t>(i)));
    }
    // At least this one takes longer than one life of a program.
    files["large.bin"] = random_bytes(largest, 12345);
    for (const auto& [name, content] : files)
      server.put(name, content);
  }

  std::string list() const {
    std::string text;
    for (const auto& entry : files)
      text += server.url("/" + entry.first) + "\n";
    return text;
  }

  bool resumed() const {
    const auto log = server.access_log();
    return std::any_of(log.begin(), log.end(), [](const auto& line) { return line.starts_with("206 "); });
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

  nginx server;
  std::map<std::string, std::string> files;
};

/// Lets a program live for a random while, not before it did anything.
class executioner {
public:
  executioner() : random_(seed()) {}

  /// True if it was killed, false if it had ended by itself.
  bool let_live_then_kill(program& victim, const std::function<bool()>& has_begun, int longest_ms) {
    if (!victim.wait_until(has_begun))
      return false;
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::milliseconds{std::uniform_int_distribution<>{0, longest_ms}(random_)};
    victim.wait_until([until] { return std::chrono::steady_clock::now() >= until; });
    const bool alive = victim.running();
    victim.kill();
    return alive;
  }

private:
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

/// The story of `bellhop get` killed `times` times.
void kill_get(const library& books, int times, const strings& options) {
  INFO("BELLHOP_TEST_SEED=" << seed());
  const desk here;
  executioner axe;
  write_file(here / "list", books.list());
  strings first{"get", "-s", "s", "-i", (here / "list").string(), "-d", here.folder().string()};
  first.insert(first.end(), options.begin(), options.end());
  {
    // What is on the list is accepted once, before the first death.
    auto running = here.start(first);
    REQUIRE(axe.let_live_then_kill(
        running,
        [&] {
          return objects_in(here.run({"list", "-s", "s", "--json"}).out).size() == books.files.size();
        },
        300));
  }
  int killed = 1;
  for (; killed < times; ++killed) {
    const auto before = books.server.access_log().size();
    auto running = here.start({"get", "-s", "s", "--json"});
    // Some die while they start, the others while they work.
    const bool early = killed % 4 == 0;
    if (!axe.let_live_then_kill(
            running, [&] { return early || books.server.access_log().size() > before; }, 250))
      break;
  }
  // The server's pace leaves time for all of them, unless the machine stands still in between.
  CHECK(killed >= times / 2);
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

/// Of the only transfer, as the ledger has them.
std::int64_t recorded_bytes(const desk& here) {
  const auto listed = objects_in(here.run({"list", "--json"}).out);
  return listed.empty() ? 0 : listed[0].at("bytes").get<std::int64_t>();
}

} // namespace

TEST_CASE("bellhop get is killed at twenty moments", "[recovery]") {
  const library books{300, 1, 5'000'000, "400k"};
  kill_get(books, 20, {});
  CHECK(books.resumed());
}

TEST_CASE("bellhop get is killed, with files that shall survive a loss of power", "[recovery]") {
  kill_get(library{60, 1, 2'000'000, "300k"}, 6, {"--durability", "power"});
}

TEST_CASE("bellhop get is killed, and its own files are no conflicts", "[recovery]") {
  const std::string policy = GENERATE("fail", "rename", "overwrite");
  // Small ones, so that many get their names just before a death.
  kill_get(library{120, 700, 1'500, "1k"}, 8, {"--on-conflict", policy});
}

TEST_CASE("the image downloader goes on without being told, and is told of the end once", "[recovery]") {
  INFO("BELLHOP_TEST_SEED=" << seed());
  const library books{40, 1, 2'000'000, "300k"};
  const desk here;
  executioner axe;
  const strings always{"--state", here.state().string(), "--pictures", here.folder().string()};
  const auto launch = [&](bool with_urls) {
    auto arguments = always;
    if (with_urls)
      for (const auto& url : lines_of(books.list()))
        arguments.push_back(url);
    return program{desk::command("image-downloader", arguments), here.options()};
  };
  int handlers = 0;
  const auto count_handlers = [&](const std::string& out) {
    for (const auto& line : lines_of(out))
      handlers += line.find("completion handler") != std::string::npos;
  };
  int killed = 0;
  for (; killed < 5; ++killed) {
    const auto before = books.server.access_log().size();
    auto running = launch(killed == 0);
    const bool was_killed = axe.let_live_then_kill(
        running, [&] { return books.server.access_log().size() > before; }, 300);
    count_handlers(running.out());
    if (!was_killed)
      break;
  }
  CHECK(killed >= 1);
  auto last = launch(false);
  const auto ended = last.wait();
  INFO(ended.out << ended.err);
  CHECK(ended.status == 0);
  count_handlers(ended.out);
  CHECK(handlers == 1);
  books.check(here.folder());
  check_events(here, "image-downloader", books.files.size());
  // Nothing is left to be told.
  auto after = launch(false);
  CHECK_THAT(after.wait().out, !Contains("completed") && !Contains("completion handler"));
}

TEST_CASE("a part that somebody else touched between two runs", "[recovery]") {
  const auto content = random_bytes(3'000'000, 77);
  nginx server{{.limit_rate = "1m", .server_directives = {}}};
  server.put("large.bin", content);
  const desk here;
  {
    auto running = here.start({"get", server.url("/large.bin")});
    REQUIRE(running.wait_until([&] { return recorded_bytes(here) > 300'000; }));
    running.kill();
  }
  const auto part = here.folder() / part_in(here.folder());
  auto bytes = read_file(part);
  bool left_alone = false;
  SECTION("left alone") {
    left_alone = true;
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
  if (!fs::is_directory(part))
    CHECK(names_in(here.folder()) == strings{"large.bin"});
  const auto log = server.access_log();
  REQUIRE_FALSE(log.empty());
  if (left_alone)
    CHECK(log.back().starts_with("206 "));
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
    axe.let_live_then_kill(
        running, [&] { return fs::exists(here.state() / "ledger.sqlite"); }, 150);
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
