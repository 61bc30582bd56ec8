#include "core/hidden.hpp"
#include "core/json.hpp"
#include "tests/support/error_of.hpp"

#include <catch2/catch.hpp>

using namespace bellhop;
using namespace bellhop::test;
using Catch::Matchers::Contains;

namespace {

session_configuration with_secrets() {
  session_configuration c;
  c.headers = {{"Authorization", "Bearer one"}, {"Cookie", "a=1"}, {"Cookie", "b=2"}, {"Accept", "***"}};
  c.launch.arguments = {"/usr/bin/app"};
  c.launch.working_directory = "/";
  c.launch.environment = {{"TOKEN", "s3cret"}, {"LANG", "C"}};
  return c;
}

} // namespace

TEST_CASE("what was hidden and comes back is what is stored", "[hidden]") {
  const auto stored = with_secrets();
  auto given = configuration_from_json(to_json(stored, secrets::hidden), unknown_members::refused);
  CHECK(given.headers[0].value == "***");
  given.max_active = 7;
  keep_hidden(given, stored);
  CHECK(given.headers == stored.headers);
  CHECK(given.launch == stored.launch);
  CHECK(given.max_active == 7);
}

TEST_CASE("a value that was given is not touched", "[hidden]") {
  auto given = with_secrets();
  given.headers = {{"authorization", "***"}, {"Cookie", "c=3"}};
  given.launch.environment = {{"TOKEN", "new"}};
  keep_hidden(given, with_secrets());
  CHECK(given.headers == std::vector<header>{{"authorization", "Bearer one"}, {"Cookie", "c=3"}});
  CHECK(given.launch.environment == std::vector<header>{{"TOKEN", "new"}});
}

TEST_CASE("a hidden value of which nothing is stored is refused by name", "[hidden]") {
  session_configuration given;
  given.headers = {{"Cookie", "***"}};
  auto why = error_of([&] { keep_hidden(given, {}); });
  CHECK(why.code == errc::invalid_argument);
  CHECK_THAT(why.message, Contains("\"Cookie\"") && Contains("give the value itself"));
  given.headers.clear();
  given.launch.environment = {{"token", "***"}};
  why = error_of([&] { keep_hidden(given, with_secrets()); });
  CHECK_THAT(why.message, Contains("\"token\""));
}

TEST_CASE("a transfer takes no hidden value for a credential", "[hidden]") {
  const auto request = [](const std::string& name) {
    return json{{"url", "http://example.org/"},
                {"destination", "/tmp/x"},
                {"headers", json::array({{{"name", name}, {"value", "***"}}})}};
  };
  CHECK_THAT(error_of([&] { request_from_json(request("authorization")); }).message, Contains("\"authorization\""));
  CHECK(request_from_json(request("X-Rating")).headers[0].value == "***");
  auto change = request("Cookie");
  change.erase("url");
  change.erase("destination");
  CHECK_THAT(error_of([&] { change_from_json(change); }).message, Contains("\"Cookie\""));
}
