#include "tests/support/desk.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/origin.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <regex>
#include <set>
#include <thread>

#include <sys/stat.h>

using namespace bellhop::test;
using Catch::Contains;

namespace {

using strings = std::vector<std::string>;
namespace fs = boost::filesystem;

const std::string content = random_bytes(30'000, 31);

std::uintmax_t bytes_in_parts(const fs::path& folder) {
  std::uintmax_t sum = 0;
  for (const auto& name : names_in(folder))
    if (boost::system::error_code gone; name.starts_with('.')) {
      const auto size = fs::file_size(folder / name, gone);
      sum += gone ? 0 : size;
    }
  return sum;
}

strings terminal_types(const std::vector<json>& events) {
  strings types;
  for (const auto& e : events)
    types.push_back(e.at("type"));
  return types;
}

} // namespace

TEST_CASE("a file goes where it was told", "[system][get]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  SECTION("into the current folder, by the URL's name") {
    CHECK(here.run({"get", server.url("/a.bin")}).status == 0);
    CHECK(names_in(here.folder()) == strings{"a.bin"});
    CHECK(read_file(here.folder() / "a.bin") == content);
  }
  SECTION("-o, relative and absolute") {
    CHECK(here.run({"get", "-o", "x.bin", server.url("/a.bin")}).status == 0);
    CHECK(here.run({"get", "-o", (here.folder() / "y.bin").string(), server.url("/a.bin")}).status == 0);
    CHECK(names_in(here.folder()) == strings{"x.bin", "y.bin"});
  }
  SECTION("-d") {
    fs::create_directory(here.folder() / "sub");
    CHECK(here.run({"get", "-d", "sub", server.url("/a.bin"), server.url("/a.bin?again")}).status == 0);
    CHECK(names_in(here.folder()) == strings{"sub"});
    CHECK(read_file(here.folder() / "sub" / "a.bin") == content);
    CHECK(names_in(here.folder() / "sub").size() == 2);
  }
  SECTION("with the permissions that the umask leaves, and state for its owner only") {
    auto with = here.options();
    with.before_exec = [] {
      ::umask(027);
      return true;
    };
    CHECK(here.run({"get", "--durability", "power", server.url("/a.bin")}, with).status == 0);
    CHECK(fs::status(here.folder() / "a.bin").permissions() == 0640);
    CHECK(fs::status(here.state()).permissions() == 0700);
    for (const auto& name : names_in(here.state())) {
      INFO(name);
      CHECK((fs::status(here.state() / name).permissions() & 077) == 0);
    }
  }
}

TEST_CASE("lists name what is downloaded", "[system][get]") {
  nginx server;
  server.put("a.bin", content);
  server.put("b.bin", content + "b");
  const desk here;
  const auto list = fmt::format("# two files\n{}\n\n{}\tsub-b.bin\r\n", server.url("/a.bin"), server.url("/b.bin"));
  SECTION("in a file") {
    write_file(here / "list", list);
    CHECK(here.run({"get", "-i", (here / "list").string()}).status == 0);
    CHECK(names_in(here.folder()) == strings{"a.bin", "sub-b.bin"});
    CHECK(read_file(here.folder() / "sub-b.bin") == content + "b");
  }
  SECTION("on standard input") {
    auto with = here.options();
    with.input = list;
    CHECK(here.run({"get", "-i", "-"}, with).status == 0);
    CHECK(names_in(here.folder()) == strings{"a.bin", "sub-b.bin"});
  }
  SECTION("from a slow pipe, whose first line is not kept waiting") {
    auto with = here.options();
    with.interactive_input = true;
    auto running = here.start({"get", "-i", "-"}, with);
    running.write(server.url("/a.bin") + "\n" + server.url("/b.b"));
    CHECK(running.wait_until([&] { return fs::exists(here.folder() / "a.bin"); }));
    CHECK(running.running());
    running.write("in\n");
    CHECK(running.wait_until([&] { return fs::exists(here.folder() / "b.bin"); }));
    CHECK(running.wait().status == 0);
  }
}

TEST_CASE("the option -j bounds what is on the wire at once", "[system][get]") {
  origin server;
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  std::atomic<int> served{0};
  server.on("/file", [&](const origin::request& r, origin::connection& c) {
    const int mine = ++now;
    for (int seen = most; seen < mine && !most.compare_exchange_weak(seen, mine);) {
    }
    // The first ones are held until all that may come have come, so that the bound is reached.
    if (served < 3)
      c.wait_until([&] { return now >= 3; });
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    --now;
    ++served;
    serve::response("200 OK", content)(r, c);
  });
  const desk here;
  strings arguments{"get", "-j", "3"};
  for (int i = 0; i < 20; ++i)
    arguments.push_back(server.url(fmt::format("/file?{}", i)));
  CHECK(here.run(arguments).status == 0);
  CHECK(most == 3);
  CHECK(server.connections() <= 3);
  CHECK(names_in(here.folder()).size() == 20);
}

TEST_CASE("headers are sent, and are no one else's business", "[system][get]") {
  origin server;
  server.on("/file", serve::response("404 Not Found", ""));
  const desk here;
  const auto ended =
      here.run({"get", "-H", "Authorization: Bearer s3cret", "-H", "X-Other: 1", server.url("/file?token=pa55")});
  CHECK(ended.status == 1);
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].header("Authorization") == "Bearer s3cret");
  CHECK(server.requests()[0].header("X-Other") == "1");
  const auto listed = here.run({"list", "--json"});
  for (const auto& text : {ended.out, ended.err, listed.out, here.run({"events", "--json"}).out})
    CHECK_THAT(text, !Contains("s3cret"));
}

TEST_CASE("a checksum is held against what came", "[system][get]") {
  nginx server;
  server.put("a.bin", "hello\n");
  const desk here;
  const std::string good = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"; // echo hello | sha256sum
  CHECK(here.run({"get", "--checksum", "SHA256:" + good, server.url("/a.bin")}).status == 0);
  CHECK(read_file(here.folder() / "a.bin") == "hello\n");
  const auto bad =
      here.run({"get", "-o", "b.bin", "--checksum", "sha-256:" + std::string(64, '0'), server.url("/a.bin")});
  CHECK(bad.status == 1);
  CHECK_THAT(bad.err, Contains(good) && Contains(std::string(64, '0')));
  CHECK_FALSE(fs::exists(here.folder() / "b.bin"));
}

TEST_CASE("a name that is taken is dealt with as told", "[system][get]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  write_file(here.folder() / "a.bin", "mine");
  SECTION("rename, which is the default") {
    CHECK(here.run({"get", server.url("/a.bin")}).status == 0);
    CHECK(read_file(here.folder() / "a.bin") == "mine");
    CHECK(read_file(here.folder() / "a (1).bin") == content);
    CHECK(here.run({"get", server.url("/a.bin")}).status == 0);
    CHECK(names_in(here.folder()) == strings{"a (1).bin", "a (2).bin", "a.bin"});
  }
  SECTION("overwrite") {
    CHECK(here.run({"get", "--on-conflict", "overwrite", server.url("/a.bin")}).status == 0);
    CHECK(names_in(here.folder()) == strings{"a.bin"});
    CHECK(read_file(here.folder() / "a.bin") == content);
  }
  SECTION("fail") {
    const auto ended = here.run({"get", "--on-conflict", "fail", server.url("/a.bin")});
    CHECK(ended.status == 1);
    CHECK_THAT(ended.err, Contains((here.folder() / "a.bin").string()));
    CHECK(names_in(here.folder()) == strings{"a.bin"});
    CHECK(read_file(here.folder() / "a.bin") == "mine");
    CHECK(server.access_log().empty());
  }
}

TEST_CASE("the option --json tells each end once, in the words of the manual", "[system][get]") {
  nginx server;
  strings arguments{"get", "--json", "-s", "photos"};
  for (int i = 0; i < 30; ++i) {
    server.put(fmt::format("{}.bin", i), random_bytes(1000, i));
    arguments.push_back(server.url(fmt::format("/{}.bin", i)));
  }
  arguments.push_back(server.url("/missing"));
  const desk here;
  const auto ended = here.run(arguments);
  CHECK(ended.status == 1);
  const auto events = objects_in(ended.out);
  REQUIRE(events.size() == 31);
  const std::regex rfc3339{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)"};
  std::set<std::uint64_t> transfers;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& e = events[i];
    INFO(e.dump());
    CHECK(e.at("seq") == i + 1);
    CHECK(std::regex_match(e.at("time").get<std::string>(), rfc3339));
    CHECK(e.at("session") == "photos");
    transfers.insert(e.at("transfer").get<std::uint64_t>());
    const bool missing = e.at("url") == server.url("/missing");
    CHECK(e.at("type") == (missing ? "failed" : "completed"));
    CHECK(e.contains("error") == missing);
    if (missing) {
      CHECK(e["error"].at("domain") == "http");
      CHECK(e["error"].at("code") == "http_status");
      CHECK(e["error"].at("status") == 404);
      CHECK_THAT(e["error"].at("message").get<std::string>(), Contains("404"));
    } else {
      CHECK(e.at("bytes") == 1000);
      CHECK(fs::exists(e.at("destination").get<std::string>()));
    }
  }
  CHECK(transfers.size() == 31);
  // The log is the same, later.
  CHECK(objects_in(here.run({"events", "-s", "photos", "--json"}).out) == events);
  CHECK(objects_in(here.run({"events", "-s", "photos", "--json", "--after", "29"}).out).size() == 2);
}

TEST_CASE("the option -q is silent about what went well", "[system][get]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  const auto good = here.run({"get", "-q", server.url("/a.bin")});
  CHECK(good.status == 0);
  CHECK(good.out + good.err == "");
  const auto bad = here.run({"get", "-q", server.url("/a.bin"), server.url("/missing")});
  CHECK(bad.status == 1);
  CHECK(bad.out == "");
  CHECK_THAT(bad.err, Contains("missing") && Contains("404") && !Contains("a.bin"));
}

TEST_CASE("an interrupt keeps what is there, and says how to go on", "[system][get]") {
  const auto large = random_bytes(4'000'000, 32);
  const auto allowed = std::make_shared<allowance>(1'000'000);
  origin server;
  server.on("/large.bin", serve::file(large, "\"v1\"", allowed));
  const desk here;
  auto running = here.start({"get", "-s", "s", server.url("/large.bin")});
  REQUIRE(running.wait_until([&] { return bytes_in_parts(here.folder()) > 200'000; }));
  running.signal(SIGINT);
  const auto ended = running.wait();
  CHECK(ended.status == 130);
  CHECK_THAT(ended.err, Contains("1 of 1 left") && Contains("bellhop get --embedded -s s"));
  CHECK_FALSE(fs::exists(here.folder() / "large.bin"));
  CHECK(bytes_in_parts(here.folder()) > 200'000);
  allowed->lift();
  const auto rest = here.run({"get", "-s", "s", "--json"});
  CHECK(rest.status == 0);
  CHECK(terminal_types(objects_in(rest.out)) == strings{"completed"});
  CHECK(read_file(here.folder() / "large.bin") == large);
  CHECK(names_in(here.folder()) == strings{"large.bin"});
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[1].header("Range").has_value());
}

TEST_CASE("get without URLs finishes what is there", "[system][get]") {
  const desk here;
  nginx server;
  server.put("a.bin", content);
  SECTION("nothing") {
    REQUIRE(here.run({"get", server.url("/a.bin")}).status == 0);
    const auto ended = here.run({"get"});
    CHECK(ended.status == 0);
    CHECK_THAT(ended.err, Contains("nothing to finish"));
  }
  SECTION("an unknown session") {
    REQUIRE(here.run({"get", server.url("/a.bin")}).status == 0);
    for (const auto& arguments :
         {strings{"get", "-s", "nobody"}, strings{"list", "-s", "nobody"}, strings{"events", "-s", "nobody"}}) {
      const auto ended = here.run(arguments);
      CHECK(ended.status == 1);
      CHECK_THAT(ended.err, Contains("nobody"));
      CHECK(ended.out == "");
    }
  }
  SECTION("with the session's settings, but for those that are given") {
    origin gate;
    std::atomic<int> wanted{2};
    std::atomic<int> now{0};
    std::atomic<int> most{0};
    gate.on("/file", [&](const origin::request& r, origin::connection& c) {
      struct guest {
        explicit guest(std::atomic<int>& c) : count(c), mine(++c) {}
        ~guest() { --count; }
        std::atomic<int>& count;
        const int mine;
      } here_now{now};
      for (int seen = most; seen < here_now.mine && !most.compare_exchange_weak(seen, here_now.mine);) {
      }
      // Nobody leaves before as many as are wanted have been here together.
      c.wait_until([&] { return most >= wanted; });
      serve::response("200 OK", content)(r, c);
    });
    strings arguments{"get", "-j", "1", "--timeout", "86400"};
    for (int i = 0; i < 8; ++i)
      arguments.push_back(gate.url(fmt::format("/file?{}", i)));
    auto first = here.start(arguments);
    REQUIRE(first.wait_until([&] { return now == 1; }));
    first.kill();
    wanted = 3;
    CHECK(here.run({"get", "-j", "3"}).status == 0);
    CHECK(most == 3);
    CHECK(names_in(here.folder()).size() == 8);
  }
  SECTION("no session at all") {
    CHECK(here.run({"get"}).status == 1);
    CHECK(here.run({"list"}).status == 1);
  }
}

TEST_CASE("the same file again is a new transfer", "[system][get]") {
  nginx server;
  server.put("a.bin", content);
  const desk here;
  for (int i = 0; i < 3; ++i)
    CHECK(here.run({"get", "--on-conflict", "overwrite", server.url("/a.bin")}).status == 0);
  CHECK(objects_in(here.run({"list", "--json"}).out).size() == 3);
}

TEST_CASE("list and events look at rest and beside a running engine", "[system][get]") {
  origin server;
  std::atomic<bool> go{false};
  const auto large = random_bytes(300'000, 33);
  server.on("/slow", [&](const origin::request&, origin::connection& c) {
    c.send(serve::head("200 OK", {"Content-Length: 300000", "ETag: \"v1\""}) + large.substr(0, 200'000));
    c.wait_until([&] { return go.load(); });
    c.send(large.substr(200'000));
  });
  server.on("/fast", serve::response("200 OK", content));
  const desk here;
  auto running = here.start({"get", "-j", "2", server.url("/slow"), server.url("/fast")});
  REQUIRE(running.wait_until([&] { return bytes_in_parts(here.folder()) > 0 && fs::exists(here.folder() / "fast"); }));
  // The event is committed soon after the file has its name.
  REQUIRE(running.wait_until([&] { return here.run({"events", "--json"}).out != ""; }));
  const auto beside = objects_in(here.run({"list", "--json"}).out);
  REQUIRE(beside.size() == 2);
  CHECK(beside[0].at("url") == server.url("/slow"));
  CHECK((beside[0].at("state") == "queued" || beside[0].at("state") == "running"));
  CHECK(beside[1].at("state") == "completed");
  CHECK_THAT(here.run({"list"}).out, Contains("slow") && Contains("fast") && Contains("completed"));
  CHECK(objects_in(here.run({"list", "--state", "completed", "--json"}).out).size() == 1);
  CHECK(running.running());
  go = true;
  CHECK(running.wait().status == 0);
  CHECK(objects_in(here.run({"list", "--state", "completed", "--json"}).out).size() == 2);
  CHECK(objects_in(here.run({"events", "--json"}).out).size() == 2);
  CHECK_THAT(here.run({"events"}).out, Contains("slow") && Contains("fast") && Contains("293 KiB"));
}

TEST_CASE("certificates decide whom to trust", "[system][get]") {
  const desk here;
  const auto get = [&](origin& server, const std::string& ca) {
    server.on("/file", serve::response("200 OK", content));
    strings arguments{"get", "-o", "file", "--retry-delay", "0.02"};
    if (!ca.empty()) {
      write_file(here / "ca.pem", ca);
      arguments.insert(arguments.end(), {"--ca-file", (here / "ca.pem").string()});
    }
    arguments.push_back(server.url("/file"));
    return here.run(arguments);
  };
  origin good{{.tls = true}};
  origin other{{.tls = true}};
  origin expired{{.tls = true, .certificate_expired = true}};
  origin elsewhere{{.tls = true, .certificate_name = "example.org"}};
  CHECK(get(good, good.certificate()).status == 0);
  CHECK(read_file(here.folder() / "file") == content);
  fs::remove(here.folder() / "file");
  struct row {
    origin& server;
    std::string ca;
    std::string told;
  };
  for (const auto& [server, ca, told] :
       {row{other, good.certificate(), "certificate"}, row{other, "", "--ca-file"},
        row{expired, expired.certificate(), "expired"}, row{elsewhere, elsewhere.certificate(), "127.0.0.1"}}) {
    const auto before = server.connections();
    const auto ended = get(server, ca);
    INFO(ended.err);
    CHECK(ended.status == 1);
    CHECK_THAT(ended.err, Contains("certificate") && Contains(told));
    CHECK(names_in(here.folder()).empty());
    CHECK(server.requests().empty());
    CHECK(server.connections() == before + 1);
  }
  for (const auto& e : objects_in(here.run({"events", "--json", "--after", "1"}).out))
    CHECK(e.at("error").at("code") == "tls_failed");
}

TEST_CASE("a terminal of 80 columns shows a bar that fits", "[system][get]") {
  origin server;
  const auto allowed = std::make_shared<allowance>(500'000);
  server.on("/picture-of-a-cat.jpg", serve::file(random_bytes(1'000'000, 34), "\"v1\"", allowed));
  const desk here;
  auto with = here.options();
  with.environment["TERM"] = "xterm-256color";
  with.interactive_input = true;
  program running{
      {"/usr/bin/script", "-qfec",
       "stty cols 80 rows 24; exec " BELLHOP_BIN_DIR "/bellhop get --embedded " + server.url("/picture-of-a-cat.jpg"),
       "/dev/null"},
      with};
  // There is no rate before it can be told.
  CHECK(running.wait_until([&] {
    const auto seen = running.out();
    return seen.find(" 50%") != std::string::npos && seen.find("B/s") != std::string::npos;
  }));
  allowed->lift();
  const auto ended = running.wait();
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, Contains("picture-of-a-cat.jpg") && Contains(" 50%") && Contains("B/s"));
  // Between the sequences that move the cursor, nothing is wider than the terminal.
  const auto rows = std::regex_replace(ended.out, std::regex{"\x1b\\[[0-9;?]*[a-zA-Z]|\r"}, "\n");
  for (const auto& row : lines_of(rows)) {
    const auto columns =
        std::count_if(row.begin(), row.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    INFO(row);
    CHECK(columns <= 80);
  }
}
