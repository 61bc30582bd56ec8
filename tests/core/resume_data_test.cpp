#include "core/base64.hpp"
#include "core/configuration.hpp"
#include "core/resume_data.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <limits>

using namespace bellhop;

namespace {

const std::string ledger_id(32, 'a');

transfer_record ended_with_part() {
  transfer_record r;
  r.id = {7};
  r.state = transfer_state::cancelled;
  r.request.url = "https://me:s3cret@example.org/cat.jpg?token=s3cret";
  r.request.destination = "/downloads/cat.jpg";
  r.part.part_name = ".bellhop.part";
  r.part.position = 5;
  return r;
}

} // namespace

TEST_CASE("resume data names its ledger and its transfer", "[resume_data]") {
  auto r = ended_with_part();
  r.id.value = GENERATE(std::uint64_t{1}, std::uint64_t{7}, std::numeric_limits<std::uint64_t>::max());
  r.state = GENERATE(transfer_state::failed, transfer_state::cancelled);
  const auto text = make_resume_data(ledger_id, r);
  CHECK(parse_resume_data(text) == resume_point{ledger_id, r.id});
  CHECK(text.size() < 200);
  transfer_request again = r.request;
  again.resume_data = text;
  CHECK(check(again) == error{});
}

TEST_CASE("resume data holds no secret", "[resume_data]") {
  const auto text = make_resume_data(ledger_id, ended_with_part());
  const auto content = from_base64url(text.substr(text.find('.') + 1)).value();
  CHECK_THAT(content, !Catch::Matchers::Contains("s3cret") && !Catch::Matchers::Contains("example"));
}

TEST_CASE("only a transfer that ended without its file and kept a part has resume data", "[resume_data]") {
  auto r = ended_with_part();
  r.state = GENERATE(transfer_state::suspended, transfer_state::queued, transfer_state::running,
                     transfer_state::waiting, transfer_state::finishing, transfer_state::completed);
  CHECK(make_resume_data(ledger_id, r).empty());
  r.state = transfer_state::failed;
  r.part = {};
  CHECK(make_resume_data(ledger_id, r).empty());
}

TEST_CASE("what is no resume data is told", "[resume_data]") {
  const auto good = make_resume_data(ledger_id, ended_with_part());
  CHECK_FALSE(parse_resume_data(""));
  CHECK_FALSE(parse_resume_data("1."));
  CHECK_FALSE(parse_resume_data("2." + good.substr(2)));
  CHECK_FALSE(parse_resume_data(good.substr(0, good.size() - 1)));
  CHECK_FALSE(parse_resume_data(good + "A"));
  CHECK_FALSE(parse_resume_data("1." + std::string(100'000, 'A')));
  for (const std::string content :
       {"5", "[]", "{}", "{", R"({"ledger":5,"transfer":7,"check":"x"})", R"({"ledger":"a","transfer":-7,"check":"x"})",
        R"({"ledger":"a","transfer":1e300,"check":"x"})", R"({"ledger":"a","transfer":7})",
        R"({"ledger":"a","transfer":7,"check":"0000000000000000"})"}) {
    CAPTURE(content);
    CHECK_FALSE(parse_resume_data("1." + to_base64url(content)));
  }
}

TEST_CASE("a letter that was changed is noticed", "[resume_data]") {
  const auto good = make_resume_data(ledger_id, ended_with_part());
  REQUIRE(rc::check([&](char c) {
    auto bad = good;
    auto& letter = bad[*rc::gen::inRange<std::size_t>(0, good.size())];
    RC_PRE(letter != c);
    letter = c;
    RC_ASSERT_FALSE(parse_resume_data(bad).has_value());
  }));
}

TEST_CASE("a request goes on with what has the same URL and folder", "[resume_data]") {
  const auto ended = ended_with_part();
  auto again = ended.request;
  CHECK(goes_on_with(again, ended));
  SECTION("the name may be another") {
    again.destination = "/downloads/dog.jpg";
    again.headers = {{"Authorization", "Bearer new"}};
    CHECK(goes_on_with(again, ended));
  }
  SECTION("also the server's") {
    again.destination = "/downloads";
    again.name_from_server = true;
    CHECK(goes_on_with(again, ended));
  }
  SECTION("another URL") {
    again.url += "2";
    CHECK_FALSE(goes_on_with(again, ended));
  }
  SECTION("another folder") {
    again.destination = "/elsewhere/cat.jpg";
    CHECK_FALSE(goes_on_with(again, ended));
  }
  SECTION("one that has not ended") {
    auto queued = ended;
    queued.state = transfer_state::queued;
    CHECK_FALSE(goes_on_with(again, queued));
  }
  SECTION("one that has kept nothing") {
    auto empty = ended;
    empty.part = {};
    CHECK_FALSE(goes_on_with(again, empty));
  }
}
