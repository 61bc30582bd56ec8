#include "core/easy_pool.hpp"
#include "core/http_client.hpp"
#include "tests/core/http_client_fixture.hpp"
#include "tests/support/nginx.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <atomic>

using namespace bellhop;
using namespace bellhop::test;
using Catch::Matchers::Contains;

// ---- Responses ---------------------------------------------------------------------------------------------------

TEST_CASE("A small body arrives with the result alone", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/x", serve::response("200 OK", "hello",
                                  {"ETag: \"v1\"", "last-modified:  Mon, 01 Jan 2024 00:00:00 GMT ",
                                   "Content-Type: text/plain", "Content-Disposition: attachment; filename=a"}));
  auto r = client.request(server.url("/x"));
  r.user_agent = "bellhop/test";
  r.headers = {{"X-One", "1"}, {"X-Empty", ""}};
  const auto o = client.fetch(r);
  CHECK_FALSE(o.result.why);
  CHECK_FALSE(o.announced);
  REQUIRE(o.result.body);
  CHECK(o.body == "hello");
  CHECK(o.result.received == 5);
  CHECK(o.result.head.status == 200);
  CHECK(o.result.head.http_version == 11);
  CHECK(o.result.head.content_length == 5);
  CHECK(o.result.head.etag == "\"v1\"");
  CHECK(o.result.head.last_modified == "Mon, 01 Jan 2024 00:00:00 GMT");
  CHECK(o.result.head.content_type == "text/plain");
  CHECK(o.result.head.content_disposition == "attachment; filename=a");
  CHECK(o.result.head.effective_url == server.url("/x"));
  CHECK(o.result.metrics.total_us > 0);
  CHECK_FALSE(o.result.metrics.connection_reused);
  const auto seen = server.requests().front();
  CHECK(seen.method == "GET");
  CHECK(seen.header("User-Agent") == "bellhop/test");
  CHECK(seen.header("X-One") == "1");
  CHECK(seen.header("X-Empty") == "");
  CHECK_FALSE(seen.header("Accept-Encoding"));
  CHECK_FALSE(seen.header("Range"));
}

TEST_CASE("Nothing of one request is left for the next", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/x", serve::file("hello world", "\"v1\""));
  auto r = client.request(server.url("/x"));
  r.headers = {{"X-One", "1"}};
  r.user_agent = "first";
  r.range_from = 6;
  r.if_range = "\"v1\"";
  const auto resumed = client.fetch(r);
  CHECK(resumed.result.head.status == 206);
  CHECK(resumed.result.head.content_range == "bytes 6-10/11");
  CHECK(resumed.body == "world");
  CHECK(server.requests().back().header("If-Range") == "\"v1\"");

  const auto fresh = client.fetch(server.url("/x"));
  CHECK(fresh.body == "hello world");
  CHECK(fresh.result.metrics.connection_reused);
  const auto seen = server.requests().back();
  for (const auto* name : {"X-One", "User-Agent", "Range", "If-Range"})
    CHECK_FALSE(seen.header(name));
  CHECK(server.connections() == 1);
}

TEST_CASE("Bodies of every framing are whole", "[http_client]") {
  const auto content = pattern(GENERATE(0U, 1U, 5000U, 128U * 1024, 128U * 1024 + 1, 3U * 1024 * 1024));
  origin server;
  client_fixture client;
  server.on("/length", serve::response("200 OK", content));
  server.on("/chunked", serve::raw(serve::head("200 OK", {"Transfer-Encoding: chunked", "Trailer: X"}) +
                                   serve::chunked(content, 7000)));
  server.on("/close", serve::raw(serve::head("200 OK", {"Connection: close"}) + content));
  server.on("/old", serve::raw("HTTP/1.0 200 OK\r\n\r\n" + content));
  for (const auto* path : {"/length", "/chunked", "/close", "/old"}) {
    INFO(path);
    const auto o = client.fetch(server.url(path));
    CHECK(o.result.why.message.empty());
    CHECK((o.body == content));
    CHECK(o.result.received == static_cast<std::int64_t>(content.size()));
    CHECK(o.announced.has_value() == (content.size() > 128 * 1024));
    CHECK(o.pipe_end.has_value() == o.announced.has_value());
  }
}

TEST_CASE("Trailers, interim responses and a length beside chunks mislead nobody", "[http_client]") {
  origin server;
  client_fixture client;
  auto coded = serve::chunked("hello", 2);
  coded.insert(coded.size() - 2, "ETag: \"trailer\"\r\nHTTP/1.1 500 no: status\r\n");
  server.on("/x", serve::raw("HTTP/1.1 103 Early Hints\r\nETag: \"early\"\r\n\r\n" +
                             serve::head("200 OK", {"ETag: \"real\"", "Transfer-Encoding: chunked"}) + coded));
  const auto o = client.fetch(server.url("/x"));
  CHECK_FALSE(o.result.why);
  CHECK(o.body == "hello");
  CHECK(o.result.head.status == 200);
  CHECK(o.result.head.etag == "\"real\"");

  server.on("/both", serve::raw(serve::head("200 OK", {"Content-Length: 3", "Transfer-Encoding: chunked"}) +
                                serve::chunked("hello", 5)));
  const auto both = client.fetch(server.url("/both"));
  CHECK(both.body == "hello");
  CHECK(both.result.head.content_length == unknown_size);
}

TEST_CASE("An error's body is told, but only its beginning", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/404", serve::response("404 Not Found", "none here"));
  server.on("/503", serve::response("503 Busy", pattern(20000), {"Retry-After: 7"}));
  server.on("/cut", serve::truncated("x", 0));
  server.on("/304", serve::raw("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\nbody where none may be"));
  server.on("/endless", [](const origin::request&, origin::connection& c) {
    c.send(serve::head("500 Broken", {"Content-Length: 100000000"}));
    const std::string piece(65536, 'x');
    while (true)
      c.send(piece);
  });
  const auto missing = client.fetch(server.url("/404"));
  CHECK_FALSE(missing.result.why);
  CHECK(missing.result.head.status == 404);
  CHECK(missing.body == "none here");
  const auto busy = client.fetch(server.url("/503"));
  CHECK(busy.result.head.retry_after == "7");
  CHECK((busy.body == pattern(20000).substr(0, 4096)));
  CHECK(busy.result.received == 20000);
  const auto unchanged = client.fetch(server.url("/304"));
  CHECK_FALSE(unchanged.result.why);
  CHECK(unchanged.result.head.status == 304);
  const auto endless = client.fetch(server.url("/endless"));
  CHECK_FALSE(endless.result.why);
  CHECK(endless.result.head.status == 500);
  CHECK(endless.result.received < 3 * 1024 * 1024);
}

TEST_CASE("An error's body that breaks off leaves the status, not the break, as the answer", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/x", serve::raw("HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\nhalf"));
  const auto o = client.fetch(server.url("/x"));
  CHECK_FALSE(o.result.why);
  CHECK(o.result.head.status == 404);
  CHECK(o.body == "half");
}

TEST_CASE("With stream_errors an error's body is a body", "[http_client]") {
  origin server;
  client_fixture client;
  const auto content = pattern(300000);
  server.on("/x", serve::response("404 Not Found", content));
  auto r = client.request(server.url("/x"));
  r.stream_errors = true;
  const auto o = client.fetch(r);
  CHECK((o.body == content));
  CHECK(o.announced->status == 404);
}

TEST_CASE("Bodies larger than allowed are refused, announced or not", "[http_client]") {
  origin server;
  client_fixture client;
  const auto content = pattern(300000);
  server.on("/length", serve::response("200 OK", content));
  server.on("/chunked",
            serve::raw(serve::head("200 OK", {"Transfer-Encoding: chunked"}) + serve::chunked(content, 1000)));
  for (const auto* path : {"/length", "/chunked"})
    for (const std::int64_t limit : {1000, 200000}) {
      auto r = client.request(server.url(path));
      r.max_size = limit;
      const auto o = client.fetch(r);
      CHECK(o.result.why.code == errc::too_large);
      CHECK(o.result.received <= limit + 16384);
    }
  auto r = client.request(server.url("/length"));
  r.max_size = 300000;
  CHECK_FALSE(client.fetch(r).result.why);
}

// ---- Announcing, pausing -----------------------------------------------------------------------------------------

TEST_CASE("A resume is announced before its body, even an empty one", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/some", serve::file("hello world", "\"v1\""));
  server.on("/none", serve::response("200 OK", ""));
  for (const auto* path : {"/some", "/none"}) {
    auto r = client.request(server.url(path));
    r.announce = true;
    const auto o = client.fetch(r);
    REQUIRE(o.announced);
    CHECK(o.pipe_end == error{});
    CHECK(o.body == (path == std::string{"/some"} ? "hello world" : ""));
    CHECK(o.result.body == nullptr);
  }
}

TEST_CASE("Nothing is told of an announced response until it is accepted", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/whole", serve::response("200 OK", "hello"));
  server.on("/cut", serve::truncated(pattern(1000), 10));
  client.on_announced = [](const http_request&) {};
  for (const auto* path : {"/whole", "/cut"}) {
    auto r = client.request(server.url(path));
    r.announce = true;
    const auto before = client.finished_count();
    const auto id = client.start(r);
    client.wait_until([&] { return client.announced_.contains(id); });
    // Another attempt goes all the way meanwhile, on the same thread.
    server.on("/other", serve::response("200 OK", "x"));
    client.fetch(server.url("/other"));
    CHECK(client.finished_count() == before + 1);
    client.on_client([&] { client.accept(id, 1024); });
    const auto o = client.wait(id);
    CHECK(o.result.why.code == (path == std::string{"/whole"} ? errc::none : errc::short_body));
    CHECK(o.body.size() == (path == std::string{"/whole"} ? 5 : 10));
  }
}

TEST_CASE("A body that drips in is announced after a while", "[http_client]") {
  origin server;
  client_fixture client;
  std::atomic<bool> announced{false};
  server.on("/x", [&](const origin::request&, origin::connection& c) {
    c.send(serve::head("200 OK", {"Content-Length: 10"}) + "01234");
    c.wait_until([&] { return announced.load(); });
    c.send("56789");
  });
  const auto id = client.start(client.request(server.url("/x")));
  client.wait_until([&] { return client.announced_.contains(id); });
  announced = true;
  const auto o = client.wait(id);
  CHECK(o.body == "0123456789");
  CHECK(o.pipe_end == error{});
}

TEST_CASE("A pipe that is too small only slows the transfer down", "[http_client]") {
  const auto content = pattern(5 * 1024 * 1024);
  origin server;
  client_fixture client;
  server.on("/x", serve::response("200 OK", content));
  client.on_announced = [&](const http_request& r) { client.accept(r.id, 1); };
  const auto o = client.fetch(server.url("/x"));
  CHECK_FALSE(o.result.why);
  CHECK((o.body == content));
}

TEST_CASE("A consumer that stops holds the sender up, and no timeout counts then", "[http_client]") {
  // More than the sockets' buffers take.
  const auto content = pattern(32 * 1024 * 1024);
  origin server;
  client_fixture client;
  std::atomic<bool> sent{false};
  const auto whole = serve::response("200 OK", content);
  server.on("/x", [&](const origin::request& r, origin::connection& c) {
    whole(r, c);
    sent = true;
  });
  const auto to = std::make_shared<sink>(512 * 1024);
  client.on_announced = [&](const http_request& r) { client.client.accept(r.id, to->pipe); };
  auto r = client.request(server.url("/x"));
  r.request_timeout = std::chrono::milliseconds{1000};
  const auto id = client.start(r);
  // More than two timeouts long, nobody takes anything.
  std::this_thread::sleep_for(std::chrono::milliseconds{2200});
  CHECK_FALSE(sent);
  CHECK(client.finished_count() == 0);
  while (client.finished_count() == 0) {
    to->drain();
    std::this_thread::yield();
  }
  to->drain();
  CHECK(client.wait(id).result.why.message == "");
  CHECK((to->bytes == content));
  CHECK(to->end == error{});
}

TEST_CASE("All pipes together hold no more than allowed, and all of them finish", "[http_client]") {
  constexpr std::size_t transfers = 8;
  const auto content = pattern(4 * 1024 * 1024);
  origin server;
  http_client_options options;
  options.total_capacity = 1024 * 1024;
  client_fixture client{options};
  server.on("/x", serve::response("200 OK", content));
  std::map<attempt_id, std::shared_ptr<sink>> sinks;
  client.on_announced = [&](const http_request& r) {
    const auto to = std::make_shared<sink>(4 * 1024 * 1024);
    client.client.accept(r.id, to->pipe);
    sinks[r.id] = to;
  };
  std::vector<attempt_id> ids;
  for (std::size_t i = 0; i < transfers; ++i) {
    auto r = client.request(server.url("/x"));
    r.max_per_host = transfers;
    ids.push_back(client.start(r));
  }
  client.wait_until([&] { return client.announced_.size() == transfers; });
  std::this_thread::sleep_for(std::chrono::milliseconds{300});
  std::size_t largest_sum = 0;
  while (client.finished_count() < transfers)
    // On the client's thread, so that nothing comes while the sum is taken.
    client.on_client([&] {
      std::size_t before = 0;
      std::size_t after = 0;
      for (const auto& [id, to] : sinks) {
        before += to->bytes.size();
        to->drain();
        after += to->bytes.size();
      }
      largest_sum = std::max(largest_sum, after - before);
    });
  // What each holds until it is accepted comes on top.
  CHECK(largest_sum <= options.total_capacity + transfers * 256 * 1024);
  for (const auto id : ids) {
    CHECK_FALSE(client.wait(id).result.why);
    sinks[id]->drain();
    CHECK((sinks[id]->bytes == content));
  }
}

TEST_CASE("Progress counts from what was there and never overtakes the truth", "[http_client]") {
  const auto content = pattern(1000000);
  origin server;
  client_fixture client;
  std::atomic<bool> seen{false};
  server.on("/x", [&](const origin::request&, origin::connection& c) {
    c.send(
        serve::head("206 Partial Content", {"Content-Range: bytes 400000-999999/1000000", "Content-Length: 600000"}) +
        content.substr(400000, 300000));
    c.wait_until([&] { return seen.load(); });
    c.send(content.substr(700000));
  });
  auto r = client.request(server.url("/x"));
  r.range_from = 400000;
  r.base = 416384;
  r.announce = true;
  const auto id = client.start(r);
  client.wait_until([&] { return !client.progresses.empty() && client.progresses.back().received == 700000; });
  seen = true;
  CHECK_FALSE(client.wait(id).result.why);
  std::int64_t last = r.base;
  for (const auto& p : client.progresses) {
    CHECK(p.transfer == r.transfer);
    CHECK(p.total == 1000000);
    CHECK(p.received >= last);
    last = p.received;
  }
}

// ---- Cancelling, stopping ----------------------------------------------------------------------------------------

TEST_CASE("A cancelled attempt says nothing more, in whichever phase it was", "[http_client]") {
  origin server;
  client_fixture client;
  const auto sent =
      GENERATE(as<std::string>{}, "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
               "HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nx");
  std::atomic<int> reached{0};
  std::atomic<bool> left{false};
  server.on("/x", [&](const origin::request&, origin::connection& c) {
    c.send(sent);
    ++reached;
    try {
      c.stall();
    } catch (...) {
      left = true;
      throw;
    }
  });
  server.on("/ok", serve::response("200 OK", "ok"));
  const auto to = std::make_shared<sink>(1024);
  client.on_announced = [&](const http_request& r) { client.client.accept(r.id, to->pipe); };
  const auto r = client.request(server.url("/x"));
  client.start(r);
  while (reached == 0)
    std::this_thread::yield();
  if (sent.find("999999") != sent.npos)
    client.wait_until([&] { return client.announced_.contains(r.id); });
  client.on_client([&] { client.client.cancel(r.id); });
  while (!left)
    std::this_thread::yield();
  CHECK(client.fetch(server.url("/ok")).body == "ok");
  CHECK(client.finished_count() == 1);
  if (client.announced_.contains(r.id)) {
    to->drain();
    REQUIRE(to->end);
    CHECK(to->end->code == errc::shutting_down);
    CHECK(to->bytes == "x");
  }
}

TEST_CASE("Two thousand attempts that are started and cancelled at once", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/x", serve::response("200 OK", "ok"));
  for (int round = 0; round < 2000; ++round) {
    const auto r = client.request(server.url("/x"));
    client.start(r);
    if (round % 3 == 0)
      std::this_thread::yield();
    client.client.post([&client, id = r.id] { client.client.cancel(id); });
  }
  CHECK(client.fetch(server.url("/x")).body == "ok");
}

TEST_CASE("Stopping and destroying end what runs, without a word", "[http_client]") {
  origin server;
  server.on("/stall", [](const origin::request&, origin::connection& c) {
    c.send(serve::head("200 OK", {"Content-Length: 1000000"}) + "x");
    c.stall();
  });
  auto to = std::make_shared<sink>(1024);
  {
    client_fixture client;
    client.on_announced = [&](const http_request& r) { client.client.accept(r.id, to->pipe); };
    for (int i = 0; i < 20; ++i)
      client.start(client.request(server.url("/stall")));
    client.wait_until([&] { return !client.announced_.empty(); });
    client.client.stop();
    client.client.stop();
    CHECK(client.finished_count() == 0);
    bool ran = false;
    client.client.post([&ran] { ran = true; });
    CHECK_FALSE(ran);
  }
  to->drain();
  REQUIRE(to->end);
  CHECK(to->end->code == errc::shutting_down);
}

TEST_CASE("A pipe may outlive its client", "[http_client]") {
  origin server;
  server.on("/x", serve::response("200 OK", pattern(1000000)));
  const auto to = std::make_shared<sink>(1);
  {
    client_fixture client;
    client.on_announced = [&](const http_request& r) { client.client.accept(r.id, to->pipe); };
    client.start(client.request(server.url("/x")));
    client.wait_until([&] { return !client.announced_.empty(); });
  }
  to->drain();
  CHECK_FALSE(to->bytes.empty());
}

TEST_CASE("Posted tasks run before a stop, and afterwards none does", "[http_client]") {
  for (int round = 0; round < 200; ++round) {
    client_fixture client;
    std::atomic<int> ran{0};
    for (int i = 0; i < 10; ++i)
      client.client.post([&ran] { ++ran; });
    client.client.stop();
    CHECK(ran == 10);
  }
}

// ---- Bounds, the loop --------------------------------------------------------------------------------------------

TEST_CASE("No more than the bounds allow is on the wire", "[http_client]") {
  origin server;
  http_client_options options;
  options.limits.max_active = 5;
  client_fixture client{options};
  std::atomic<int> active{0};
  std::atomic<int> most{0};
  std::atomic<bool> open{false};
  server.on("/x", [&](const origin::request& r, origin::connection& c) {
    most = std::max(most.load(), ++active);
    c.wait_until([&] { return open.load(); });
    --active;
    serve::response("200 OK", "ok")(r, c);
  });
  std::vector<attempt_id> ids;
  for (int i = 0; i < 40; ++i) {
    auto r = client.request(server.url("/x"));
    r.session = i % 2 == 0 ? "a" : "b";
    r.max_per_host = 2;
    ids.push_back(client.start(r));
  }
  while (active < 4)
    std::this_thread::yield();
  open = true;
  for (const auto id : ids)
    CHECK_FALSE(client.wait(id).result.why);
  CHECK(most <= 4);
  CHECK(server.connections() <= 5);
}

TEST_CASE("More may be on the wire as soon as a higher bound is set", "[http_client]") {
  origin server;
  http_client_options options;
  options.limits.max_active = 1;
  client_fixture client{options};
  std::atomic<int> active{0};
  server.on("/x", [&](const origin::request& r, origin::connection& c) {
    ++active;
    // All of them are there at once, or none is answered.
    c.wait_until([&] { return active.load() == 3; });
    serve::response("200 OK", "ok")(r, c);
  });
  std::vector<attempt_id> ids;
  for (int i = 0; i < 3; ++i)
    ids.push_back(client.start(client.request(server.url("/x"))));
  while (active < 1)
    std::this_thread::yield();
  client.client.post([&] { client.client.set_limits({3}); });
  for (const auto id : ids)
    CHECK_FALSE(client.wait(id).result.why);
}

TEST_CASE("A client that has nothing to do does not turn", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/x", serve::response("200 OK", pattern(1000000)));
  server.on("/stall", [](const origin::request&, origin::connection& c) { c.stall(); });
  client.fetch(server.url("/x"));
  const auto waiting = client.start(client.request(server.url("/stall")));
  while (server.requests().size() < 2)
    std::this_thread::yield();
  // Whatever is still to settle takes a few turns; after that none may come.
  std::uint64_t before = 0;
  for (int look = 0; look < 100 && before != client.client.turns(); ++look) {
    before = client.client.turns();
    std::this_thread::sleep_for(std::chrono::milliseconds{300});
  }
  CHECK(client.client.turns() == before);
  client.on_client([&] { client.client.cancel(waiting); });
}

TEST_CASE("A thousand small files from a real server", "[http_client]") {
  nginx server;
  std::vector<std::string> contents;
  for (std::size_t i = 0; i < 50; ++i) {
    contents.push_back(pattern(i * 997));
    server.put(fmt::format("{}", i), contents.back());
  }
  client_fixture client;
  std::vector<attempt_id> ids;
  for (std::size_t i = 0; i < 1000; ++i)
    ids.push_back(client.start(client.request(server.url(fmt::format("/{}", i % 50)))));
  for (std::size_t i = 0; i < 1000; ++i) {
    const auto o = client.wait(ids[i]);
    CHECK_FALSE(o.result.why);
    CHECK((o.body == contents[i % 50]));
  }
  CHECK(server.access_log().size() == 1000);
}

TEST_CASE("HTTP/2 carries many transfers over one connection, large ones beside small ones", "[http_client]") {
  nginx server({.http2 = true});
  const auto small = pattern(5000);
  const auto large = pattern(3 * 1024 * 1024);
  server.put("small", small);
  server.put("large", large);
  client_fixture client;
  // Small enough to be paused again and again.
  client.on_announced = [&](const http_request& r) { client.accept(r.id, 64 * 1024); };
  std::vector<attempt_id> ids;
  for (std::size_t i = 0; i < 60; ++i) {
    auto r = client.request(server.url(i % 10 == 0 ? "/large" : "/small"));
    r.ca_file = server.ca_file();
    r.max_per_host = 30;
    ids.push_back(client.start(r));
  }
  int connections = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto o = client.wait(ids[i]);
    CHECK(o.result.why.message == "");
    CHECK(o.result.head.http_version == 20);
    CHECK((o.body == (i % 10 == 0 ? large : small)));
    connections += o.result.metrics.connection_reused ? 0 : 1;
  }
  CHECK(connections == 1);
}

TEST_CASE("An observer may cancel what it is being told of", "[http_client]") {
  origin server;
  client_fixture client;
  server.on("/x", serve::response("200 OK", pattern(1000000)));
  server.on("/ok", serve::response("200 OK", "ok"));
  std::string seen;
  client.on_announced = [&](const http_request& r) {
    client.client.cancel(r.id);
    seen = r.url;
  };
  client.start(client.request(server.url("/x")));
  client.wait_until([&] { return !client.announced_.empty(); });
  CHECK(client.fetch(server.url("/ok")).body == "ok");
  CHECK(seen == server.url("/x"));
  CHECK(client.finished_count() == 1);
}

TEST_CASE("Few transfers read much at once, and many share the memory", "[http_client]") {
  CHECK(read_buffer_for(0) == 512 * 1024);
  CHECK(read_buffer_for(1) == 512 * 1024);
  CHECK(read_buffer_for(16) == 512 * 1024);
  CHECK(read_buffer_for(17) == 256 * 1024);
  CHECK(read_buffer_for(100) == 64 * 1024);
  CHECK(read_buffer_for(10'000) == 64 * 1024);
}

TEST_CASE("Buffers that come back are used again, within a bound", "[http_client]") {
  buffer_pool pool{300 * 1024};
  auto first = pool.take(200 * 1024);
  first.resize(100);
  const auto* const data = first.data();
  pool.give_back(std::move(first));
  pool.give_back(body_buffer(200 * 1024));
  const auto again = pool.take(1000);
  CHECK(again.data() == data);
  CHECK(again.empty());
  CHECK(pool.take(1000).capacity() < 200 * 1024);
}
