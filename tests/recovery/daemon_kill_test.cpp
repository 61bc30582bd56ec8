#include "tests/support/desk.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/origin.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <thread>

using namespace bellhop::test;

/// The daemon and the program attached to it are killed at any moment, with SIGKILL, and started again.
namespace {

namespace fs = boost::filesystem;
using strings = std::vector<std::string>;

std::uint32_t seed() {
  static const std::uint32_t chosen = [] {
    const char* given = std::getenv("BELLHOP_TEST_SEED");
    return given ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  }();
  return chosen;
}

/// Sanitizers make every start slow; the rounds are fewer there, what each must hold is the same.
int kills_of_each() {
  const char* given = std::getenv("BELLHOP_TEST_KILLS");
  return given ? std::atoi(given) : 20;
}

/// An honest file, of which each response gives some bytes more and then holds until `released`.
origin::handler held(std::string content, std::shared_ptr<std::atomic<bool>> released) {
  return [content = std::move(content), released](const origin::request& r, origin::connection& c) {
    constexpr std::size_t piece = 20'000;
    std::size_t first = 0;
    if (const auto range = r.header("Range"))
      first = std::strtoul(range->c_str() + std::string_view{"bytes="}.size(), nullptr, 10);
    const auto rest = content.substr(first);
    strings lines{"ETag: \"held\"", "Accept-Ranges: bytes", fmt::format("Content-Length: {}", rest.size())};
    if (first > 0)
      lines.push_back(fmt::format("Content-Range: bytes {}-{}/{}", first, content.size() - 1, content.size()));
    c.send(serve::head(first > 0 ? "206 Partial Content" : "200 OK", lines) + rest.substr(0, piece));
    c.wait_until([released] { return released->load(); });
    c.send(rest.substr(std::min(piece, rest.size())));
  };
}

/// Everything that programs attached to one session have told, over all their lives.
class account {
public:
  /// One life, whole or cut by a kill.
  void add(const std::string& out) {
    std::uint64_t last = acknowledged_;
    for (const auto& line : lines_of(out)) {
      std::istringstream words{line};
      std::string what;
      std::uint64_t seq = 0;
      words >> what >> seq;
      if (what == "event") {
        INFO(line << " after " << last);
        // In order, none missing; from the first that was not acknowledged on. What was acknowledged just when the
        // program died may be so without its having said so.
        CHECK((seq == last + 1 || (first_of_life(last) && seq > last && seq <= delivered_ + 1)));
        last = seq;
        delivered_ = std::max(delivered_, seq);
        std::string type;
        std::uint64_t transfer = 0;
        words >> type >> transfer;
        CHECK(type == "completed");
        const auto known = ends_.emplace(transfer, seq).first->second;
        CHECK(known == seq);
      } else if (what == "acknowledged") {
        acknowledged_ = std::max(acknowledged_, seq);
      } else if (what == "handler") {
        ++handlers_;
      }
    }
  }

  std::size_t ends() const { return ends_.size(); }
  std::uint64_t delivered() const { return delivered_; }
  int handlers() const { return handlers_; }

private:
  bool first_of_life(std::uint64_t last) const { return last == acknowledged_; }

  std::uint64_t acknowledged_ = 0;
  std::uint64_t delivered_ = 0;
  std::map<std::uint64_t, std::uint64_t> ends_;
  int handlers_ = 0;
};

class scene {
public:
  static constexpr std::size_t small_files = 196;
  static constexpr std::size_t held_files = 4;

  scene() : server_({.limit_rate = "300k", .server_directives = {}}), random_(seed()) {
    std::mt19937 sizes{11};
    for (std::size_t i = 0; i < small_files; ++i) {
      const auto size = static_cast<std::size_t>(std::exp(std::uniform_real_distribution<>{0, std::log(2e6)}(sizes)));
      const auto name = fmt::format("{:03}.bin", i);
      files_[name] = random_bytes(size, static_cast<std::uint32_t>(i));
      server_.put(name, files_[name]);
      urls_ += server_.url("/" + name) + "\n";
    }
    // They keep the session from finishing before all kills were made.
    for (std::size_t i = 0; i < held_files; ++i) {
      const auto name = fmt::format("held-{}.bin", i);
      files_[name] = random_bytes(3'000'000, static_cast<std::uint32_t>(1000 + i));
      origin_.on("/" + name, held(files_[name], released_));
      urls_ += origin_.url("/" + name) + "\n";
    }
  }

  program::options options() const {
    auto result = here_.options();
    result.environment["BELLHOP_SOCKET"] = socket().string();
    return result;
  }
  fs::path socket() const { return here_ / "socket"; }
  fs::path launch_log() const { return here_.state() / "launch-kills.log"; }

  void start_daemon() {
    daemon_ = std::make_unique<program>(desk::command("bellhopd", {}), options());
    REQUIRE(daemon_->wait_until([&] { return here_.run({"daemon", "status"}, options()).status == 0; }));
  }

  void start_client(bool with_urls) {
    auto with = options();
    if (with_urls)
      with.input = urls_;
    client_ = std::make_unique<program>(desk::command("attached_client", {"kills", here_.folder().string()}), with);
  }

  void let_time_pass() {
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::milliseconds{std::uniform_int_distribution<>{0, 400}(random_)};
    while (std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }

  void kill_daemon() {
    daemon_->kill();
    start_daemon();
  }

  void kill_client() {
    client_->kill();
    account_.add(client_->out());
  }

  void release() { released_->store(true); }

  desk here_;
  nginx server_;
  origin origin_;
  std::shared_ptr<std::atomic<bool>> released_ = std::make_shared<std::atomic<bool>>(false);
  std::mt19937 random_;
  std::map<std::string, std::string> files_;
  std::string urls_;
  std::unique_ptr<program> daemon_;
  std::unique_ptr<program> client_;
  account account_;
};

} // namespace

TEST_CASE("the daemon and its program are killed at twenty moments each", "[recovery][daemon]") {
  INFO("BELLHOP_TEST_SEED=" << seed());
  scene s;
  s.start_daemon();
  s.start_client(true);
  REQUIRE(s.client_->wait_until([&] { return s.client_->out().find("accepted 200\n") != std::string::npos; }));
  int daemons = kills_of_each();
  int clients = kills_of_each();
  while (daemons + clients > 0) {
    s.let_time_pass();
    const bool daemon = std::uniform_int_distribution<>{1, daemons + clients}(s.random_) <= daemons;
    if (daemon) {
      --daemons;
      s.kill_daemon();
    } else {
      --clients;
      s.kill_client();
      s.start_client(false);
    }
  }
  // Nobody is attached when the last transfers end: the daemon starts the program.
  s.kill_client();
  CHECK(s.account_.handlers() == 0);
  s.release();
  REQUIRE(s.daemon_->wait_until([&] { return read_file(s.launch_log()).find("handler") != std::string::npos; }));
  s.account_.add(read_file(s.launch_log()));

  CHECK(s.account_.handlers() == 1);
  CHECK(s.account_.ends() == s.files_.size());
  CHECK(s.account_.delivered() == s.files_.size());
  strings names;
  for (const auto& [name, content] : s.files_) {
    names.push_back(name);
    INFO(name);
    const bool equal = read_file(s.here_.folder() / name) == content;
    CHECK(equal);
  }
  CHECK(names_in(s.here_.folder()) == names);
  const auto events = objects_in(s.here_.run({"events", "-s", "kills", "--json"}, s.options()).out);
  CHECK(events.size() == s.files_.size());
  s.daemon_->signal(SIGTERM);
  CHECK(s.daemon_->wait().status == 0);
}
