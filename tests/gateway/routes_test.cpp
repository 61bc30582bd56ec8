#include "tests/gateway/http_client.hpp"
#include "tests/gateway/running_gateway.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/program.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <set>
#include <thread>

#include <unistd.h>

using namespace bellhop::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

json request_for(const std::string& url, const std::string& destination) {
  return {{"url", url}, {"destination", destination}};
}

/// One that never goes on the wire.
json suspended(const std::string& destination) {
  auto r = request_for("http://127.0.0.1:9/x", destination);
  r["suspended"] = true;
  return r;
}

} // namespace

TEST_CASE("sessions are opened, listed, configured, paused and ended", "[gateway]") {
  running_gateway api;
  raw_client client{api.socket()};
  auto made = client.ask("PUT", "/v1/sessions/s",
                         R"({"max_active": 7, "headers": [{"name": "Authorization", "value": "Bearer x"}]})");
  REQUIRE(made.status == 201);
  CHECK(made.json().at("configuration").at("max_active") == 7);
  CHECK(made.json().at("configuration").at("kind") == "background");
  CHECK(made.json().at("configuration").at("headers").at(0).at("value") == "***");
  CHECK(made.json().at("status").at("attached") == false);
  // What was shown can be given back.
  auto shown = made.json().at("configuration");
  shown["max_active"] = 8;
  CHECK(client.ask("PUT", "/v1/sessions/s", shown.dump()).status == 200);
  CHECK(client.ask("GET", "/v1/sessions/s").json().at("configuration").at("max_active") == 8);
  CHECK(client.ask("PUT", "/v1/sessions/new", shown.dump()).status == 400);
  CHECK(client.ask("PUT", "/v1/sessions/s", R"({"max_active": 7})").status == 200);
  // Without a body the configuration stays, with one it is replaced.
  CHECK(client.ask("PUT", "/v1/sessions/s").json().at("configuration").at("max_active") == 7);
  auto again = client.ask("PUT", "/v1/sessions/s", R"({"max_active": 3})");
  CHECK(again.status == 200);
  CHECK(again.json().at("configuration").at("max_active") == 3);
  CHECK(again.json().at("configuration").at("headers").empty());
  CHECK(client.ask("PUT", "/v1/sessions/another").status == 201);
  CHECK(client.ask("GET", "/v1/sessions").json().at("sessions").size() == 2);
  CHECK(client.ask("POST", "/v1/sessions/s/pause").json().at("status").at("paused") == true);
  CHECK(client.ask("GET", "/v1/sessions/s").json().at("paused") == true);
  CHECK(client.ask("POST", "/v1/sessions/s/resume").json().at("status").at("paused") == false);
  CHECK(client.ask("POST", "/v1/sessions/s/complete").status == 204);
  auto ended = client.ask("DELETE", "/v1/sessions/another?mode=cancel");
  CHECK(ended.status == 202);
  CHECK(ended.json().at("status").at("phase") == "cancelling");
  // It has nothing left, so it is gone as soon as it can be.
  while (client.ask("GET", "/v1/sessions/another").status != 404)
    std::this_thread::sleep_for(5ms);
  CHECK(client.ask("GET", "/v1/sessions").json().at("sessions").size() == 1);
}

TEST_CASE("what was accepted is there after a restart", "[gateway]") {
  running_gateway api;
  raw_client{api.socket()}.ask("PUT", "/v1/sessions/s", R"({"max_active": 7})");
  const auto id =
      raw_client{api.socket()}.ask("POST", "/v1/sessions/s/transfers", suspended("/tmp/x").dump()).json().at("id");
  api.restart();
  raw_client client{api.socket()};
  CHECK(client.ask("GET", "/v1/sessions/s").json().at("configuration").at("max_active") == 7);
  const auto found = client.ask("GET", "/v1/sessions/s/transfers/" + id.dump());
  CHECK(found.json().at("state") == "suspended");
}

TEST_CASE("a file is downloaded by the API", "[gateway]") {
  nginx origin;
  origin.put("a.bin", random_bytes(300'000, 1));
  running_gateway api;
  raw_client client{api.socket()};
  client.ask("PUT", "/v1/sessions/s");
  auto request = request_for(origin.url("/a.bin"), (api / "a.bin").string());
  request["metadata"] = {{"which", "a"}};
  const auto made = client.ask("POST", "/v1/sessions/s/transfers", request.dump());
  REQUIRE(made.status == 201);
  sse_client stream{api.socket(), "/v1/sessions/s/events?after=0"};
  const auto end = stream.next_of("completed").json();
  CHECK(end.at("transfer") == made.json().at("id"));
  CHECK(end.at("metadata") == request.at("metadata"));
  CHECK(read_file(api / "a.bin") == random_bytes(300'000, 1));
  const auto metrics = client.ask("GET", "/metrics").body;
  CHECK(metrics.find("bellhop_attempts_total 1\n") != std::string::npos);
  CHECK(metrics.find("bellhop_received_bytes_total 300000\n") != std::string::npos);
  CHECK(metrics.find("bellhop_transfers{state=\"completed\"} 1\n") != std::string::npos);
  CHECK(metrics.find("bellhop_event_readers 1\n") != std::string::npos);
  CHECK(metrics.find("route=\"/v1/sessions/{id}/transfers\",status=\"201\"} 1") != std::string::npos);
}

TEST_CASE("transfers are paged, filtered and changed", "[gateway]") {
  running_gateway api;
  raw_client client{api.socket()};
  client.ask("PUT", "/v1/sessions/s");
  auto many = json::array();
  for (int i = 0; i < 25; ++i)
    many.push_back(suspended("/tmp/x" + std::to_string(i)));
  CHECK(client.ask("POST", "/v1/sessions/s/transfers", many.dump()).json().at("accepted") == 25);
  std::set<std::uint64_t> ids;
  std::string cursor = "0";
  for (;;) {
    const auto page = client.ask("GET", "/v1/sessions/s/transfers?limit=10&after=" + cursor).json();
    for (const auto& each : page.at("transfers"))
      CHECK(ids.insert(each.at("id").get<std::uint64_t>()).second);
    if (!page.contains("next"))
      break;
    cursor = page.at("next").dump();
  }
  CHECK(ids.size() == 25);
  const auto first = std::to_string(*ids.begin());
  const auto one = "/v1/sessions/s/transfers/" + first;
  const auto changed =
      client.ask("PATCH", one, R"({"priority": 0.9, "headers": [{"name": "Cookie", "value": "secret"}]})");
  CHECK(changed.json().at("priority") == 0.9);
  CHECK(changed.json().at("headers").at(0).at("value") == "***");
  CHECK(
      client.ask("PATCH", "/v1/sessions/s/transfers", "{\"ids\":[" + first + "],\"change\":{\"max_size\":5}}").status ==
      204);
  CHECK(client.ask("GET", one).json().at("max_size") == 5);
  CHECK(client.ask("POST", "/v1/sessions/s/transfers/cancel", "{\"ids\":[" + first + "]}").status == 204);
  CHECK(client.ask("GET", "/v1/sessions/s/transfers?state=cancelled,failed").json().at("transfers").size() == 1);
  CHECK(client.ask("GET", "/v1/sessions/s/transfers?state=suspended&limit=1000").json().at("transfers").size() == 24);
  CHECK(client.ask("POST", "/v1/sessions/s/transfers/remove", "{\"ids\":[" + first + "]}").status == 204);
  CHECK(client.ask("GET", one).status == 404);
}

TEST_CASE("cancelling with resume data lets a new transfer go on where the old one was", "[gateway]") {
  nginx origin{nginx::options{.limit_rate = "400k"}};
  const auto content = random_bytes(3'000'000, 7);
  origin.put("big.bin", content);
  running_gateway api;
  raw_client client{api.socket()};
  client.ask("PUT", "/v1/sessions/s");
  auto request = request_for(origin.url("/big.bin"), (api / "big.bin").string());
  const auto id = client.ask("POST", "/v1/sessions/s/transfers", request.dump()).json().at("id").dump();
  sse_client stream{api.socket(), "/v1/sessions/s/events"};
  std::uint64_t bytes = 0;
  while (bytes < 500'000)
    for (const auto& each : stream.next_of("progress").json())
      bytes = each.at("bytes").get<std::uint64_t>();
  const auto cancelled = client.ask("POST", "/v1/sessions/s/transfers/" + id + "/cancel?resume_data=true");
  REQUIRE(cancelled.status == 200);
  CHECK(cancelled.json().at("state") == "cancelled");
  request["resume_data"] = cancelled.json().at("resume_data");
  CHECK(client.ask("POST", "/v1/sessions/s/transfers", request.dump()).status == 201);
  stream.next_of("completed");
  CHECK(read_file(api / "big.bin") == content);
  const auto log = origin.access_log();
  CHECK(std::any_of(log.begin(), log.end(), [](const std::string& line) { return line.starts_with("206"); }));
}

// -- bulk -------------------------------------------------------------------------------------------------------------

TEST_CASE("a bulk submit has one id for each request and one reason for each that is refused", "[gateway]") {
  running_gateway api;
  raw_client client{api.socket()};
  client.ask("PUT", "/v1/sessions/s");
  const auto good = suspended("/tmp/x").dump();
  const std::string lines =
      good + "\n\n{oops\n" + good + "\n{\"url\":\"http://h/\"}\n{\"url\":\"ftp://h/\",\"destination\":\"/x\"}\n" + good;
  const auto answer =
      client.ask("POST", "/v1/sessions/s/transfers", lines, {"Content-Type: application/x-ndjson"}).json();
  CHECK(answer.at("accepted") == 3);
  CHECK(answer.at("refused") == 3);
  const auto ids = answer.at("ids");
  REQUIRE(ids.size() == 6);
  CHECK(ids[0].is_number());
  CHECK(ids[1].is_null());
  CHECK(ids[2] == ids[0].get<int>() + 1);
  CHECK(ids[5] == ids[0].get<int>() + 2);
  const auto errors = answer.at("errors");
  REQUIRE(errors.size() == 3);
  CHECK(errors[0].at("index") == 1);
  CHECK(errors[0].at("line") == 3);
  CHECK(errors[0].at("error").at("code") == "invalid_argument");
  CHECK(errors[1].at("line") == 5);
  CHECK(errors[1].at("error").at("message").get<std::string>().find("destination") != std::string::npos);
  CHECK(errors[2].at("error").at("code") == "unsupported_scheme");
  const auto array = client.ask("POST", "/v1/sessions/s/transfers", "[" + good + ",{}," + good + "]").json();
  CHECK(array.at("accepted") == 2);
  CHECK(array.at("errors").at(0).at("index") == 1);
  CHECK_FALSE(array.at("errors").at(0).contains("line"));
  CHECK(client.ask("POST", "/v1/sessions/s/transfers", "[]").json().at("ids").empty());
  CHECK(client.ask("POST", "/v1/sessions/s/transfers", "[{},{}]").json().at("accepted") == 0);
}

TEST_CASE("100,000 transfers are handed over in one request", "[gateway]") {
  bellhop::gateway_limits limits;
  limits.spool_memory = 1 << 20; // Most of it goes through a file.
  running_gateway api{limits};
  raw_client client{api.socket()};
  client.ask("PUT", "/v1/sessions/s");
  client.send("POST /v1/sessions/s/transfers HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
  constexpr int count = 100'000;
  std::string chunk;
  for (int i = 0; i < count; ++i) {
    chunk += i % 1000 == 999 ? "{\"url\": 5}\n" : suspended("/tmp/x" + std::to_string(i)).dump() + "\n";
    if (chunk.size() > 60'000 || i + 1 == count) {
      std::ostringstream size;
      size << std::hex << chunk.size();
      client.send(size.str() + "\r\n" + chunk + "\r\n");
      chunk.clear();
    }
  }
  client.send("0\r\n\r\n");
  const auto answer = client.read_answer().json();
  CHECK(answer.at("accepted") == count - 100);
  CHECK(answer.at("refused") == 100);
  REQUIRE(answer.at("ids").size() == count);
  CHECK(answer.at("ids").at(999).is_null());
  CHECK(answer.at("errors").at(99).at("line") == count);
  CHECK(client.ask("GET", "/v1/sessions/s").json().at("counts").at("suspended") == count - 100);
  const auto last = answer.at("ids").at(count - 2).dump();
  CHECK(client.ask("GET", "/v1/sessions/s/transfers/" + last).json().at("destination") ==
        "/tmp/x" + std::to_string(count - 2));
}

TEST_CASE("bulk submits beyond those at once wait for their turn", "[gateway]") {
  bellhop::gateway_limits limits;
  limits.bulk_at_once = 1;
  running_gateway api{limits};
  raw_client{api.socket()}.ask("PUT", "/v1/sessions/s");
  raw_client first{api.socket()};
  const auto good = suspended("/tmp/x").dump();
  const auto body = "[" + good + "]";
  // The expected 100 says that it has its place.
  first.send("POST /v1/sessions/s/transfers HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nExpect: "
             "100-continue\r\n"
             "Content-Length: " +
             std::to_string(good.size()) + "\r\n\r\n");
  CHECK(first.read_answer().status == 100);
  raw_client second{api.socket()};
  second.send(http_request_text("POST", "/v1/sessions/s/transfers", body));
  raw_client looker{api.socket()};
  while (looker.ask("GET", "/metrics").body.find("bellhop_bulk_submits_waiting 1\n") == std::string::npos)
    std::this_thread::sleep_for(5ms);
  first.send(good);
  CHECK(first.read_answer().json().at("accepted") == 1);
  CHECK(second.read_answer().json().at("accepted") == 1);
}

// -- the whole --------------------------------------------------------------------------------------------------------

TEST_CASE("curl and its library's defaults are served", "[gateway]") {
  running_gateway api;
  const auto curl = [&](std::vector<std::string> arguments) {
    std::vector<std::string> all{"/usr/bin/curl", "-sS", "--fail-with-body", "--unix-socket", api.socket().string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_program(all);
  };
  CHECK(json::parse(curl({"http://bellhop/v1/health"}).out).at("pid") == ::getpid());
  CHECK(curl({"-X", "PUT", "http://bellhop/v1/sessions/s"}).status == 0);
  std::string lines;
  for (int i = 0; i < 20'000; ++i)
    lines += suspended("/tmp/x" + std::to_string(i)).dump() + "\n";
  write_file(api / "lines", lines);
  const auto sent = curl({"-H", "Content-Type: application/x-ndjson", "--data-binary", "@" + (api / "lines").string(),
                          "http://bellhop/v1/sessions/s/transfers"});
  INFO(sent.err);
  CHECK(json::parse(sent.out).at("accepted") == 20'000);
  CHECK(curl({"http://bellhop/v1/sessions/none"}).status == 22);
}

TEST_CASE("stopping ends streams and idle connections, and answers what is under way", "[gateway]") {
  running_gateway api;
  raw_client idle{api.socket()};
  idle.ask("PUT", "/v1/sessions/s");
  sse_client stream{api.socket(), "/v1/sessions/s/events?attach=true"};
  REQUIRE(stream.status() == 200);
  raw_client half{api.socket()};
  half.send("PUT /v1/sessions/s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(half.read_answer().status == 100);
  std::thread stopping{[&] { api.stop(60s); }};
  CHECK(idle.read_to_end().empty());
  while (stream.next()) {
  }
  half.send("{}");
  const auto last = half.read_answer();
  CHECK(last.status == 200);
  CHECK(last.header("Connection") == "close");
  stopping.join();
  CHECK_THROWS(raw_client{api.socket()}.ask("GET", "/v1/health"));
}

TEST_CASE("a deadline cuts off who does not come to an end", "[gateway]") {
  running_gateway api;
  raw_client client{api.socket()};
  client.ask("PUT", "/v1/sessions/s");
  client.send("PUT /v1/sessions/s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n");
  // It is known that the head has arrived when another request that came later was answered.
  raw_client{api.socket()}.ask("GET", "/v1/health");
  api.stop(20ms);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("many clients at once are all served", "[gateway]") {
  running_gateway api;
  raw_client{api.socket()}.ask("PUT", "/v1/sessions/s");
  std::vector<raw_client> clients;
  for (int i = 0; i < 300; ++i)
    clients.emplace_back(api.socket());
  for (int round = 0; round < 3; ++round) {
    for (auto& each : clients)
      each.send(http_request_text("GET", "/v1/sessions/s"));
    for (auto& each : clients)
      CHECK(each.read_answer().status == 200);
  }
}

TEST_CASE("docs/openapi.yaml describes what the server does", "[gateway]") {
  if (run_program({"/usr/bin/python3", "-c", "import yaml, jsonschema"}).status != 0) {
    WARN("python3-yaml and python3-jsonschema are not installed: not tested");
    return;
  }
  nginx origin{nginx::options{.limit_rate = "50k"}};
  origin.put("slow.bin", random_bytes(1'000'000, 3));
  running_gateway api;
  write_file(api / "routes", all_routes_as_text());
  const auto result =
      run_program({"/usr/bin/python3", "-B", BELLHOP_SOURCE_DIR "/tests/gateway/openapi_check.py", "--document",
                   BELLHOP_SOURCE_DIR "/docs/openapi.yaml", "--socket", api.socket().string(), "--port",
                   std::to_string(api.port()), "--token", api.token(), "--routes", (api / "routes").string(), "--url",
                   origin.url("/slow.bin"), "--folder", (api / "").string()});
  INFO(result.out << result.err);
  CHECK(result.status == 0);
}
