#include "core/transfer_machine.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <deque>
#include <optional>

using namespace bellhop;
using namespace bellhop::machine;
using namespace std::chrono_literals;

namespace {

const time_point start_of_time = from_micros(1'700'000'000'000'000);

transfer_record fresh_record() {
  transfer_record record;
  record.id = {7};
  record.session = "s";
  record.request.url = "http://host/file.bin";
  record.request.destination = "/d/file.bin";
  record.request.on_conflict = conflict_policy::rename;
  record.submitted_at = start_of_time;
  return record;
}

transfer_record record_with_part(std::int64_t position, std::int64_t total) {
  auto record = fresh_record();
  record.part = {".bellhop-x-7.part", 11, position, 5, total, "\"v1\"", ""};
  return record;
}

response_head head_of(std::int32_t status, std::int64_t length, std::string etag = "\"v1\"") {
  response_head head;
  head.status = status;
  head.content_length = length;
  head.etag = std::move(etag);
  head.effective_url = "http://host/file.bin";
  return head;
}

response_head partial(std::int64_t first, std::int64_t total, std::string etag = "\"v1\"") {
  auto head = head_of(206, total - first, std::move(etag));
  head.content_range = "bytes " + std::to_string(first) + "-" + std::to_string(total - 1) + "/" + std::to_string(total);
  return head;
}

attempt_result whole(std::string_view body) {
  attempt_result result;
  result.head = head_of(200, static_cast<std::int64_t>(body.size()));
  result.body = std::make_shared<body_buffer>(body.begin(), body.end());
  result.received = static_cast<std::int64_t>(body.size());
  return result;
}

attempt_result failed(errc code) {
  attempt_result result;
  result.why = {code, "it failed", 0};
  return result;
}

attempt_result status(std::int32_t code, std::string retry_after = {}) {
  attempt_result result;
  result.head = head_of(code, 0);
  result.head.retry_after = std::move(retry_after);
  return result;
}

/// Feeds a machine and remembers what it wants.
struct driver {
  explicit driver(transfer_record record, session_configuration configuration = {}, bool recovered = false)
      : machine(std::move(record), {std::make_shared<const session_configuration>(std::move(configuration)),
                                    ".bellhop-x-7.part", recovered}) {}

  driver& operator()(input in) {
    last = machine.step(std::move(in), {now, {++attempts}, jitter});
    for (const auto& each : last)
      if (const auto* started = std::get_if<out::start_attempt>(&each))
        attempt = started->attempt;
    return *this;
  }

  template <class T>
  const T* wants() const {
    for (const auto& each : last)
      if (const auto* found = std::get_if<T>(&each))
        return found;
    return nullptr;
  }

  /// A fresh download up to the point where its body flows into the part.
  driver& stream(std::int64_t length) {
    (*this)(in::begin{});
    (*this)(in::response{attempt, head_of(200, length)});
    (*this)(in::recorded{});
    auto part = machine.record().part;
    part.inode = 11;
    return (*this)(in::part_opened{{{}, true, part}});
  }

  checkpoint part_at(std::int64_t position) const {
    auto part = machine.record().part;
    part.position = position;
    return part;
  }

  transfer_machine machine;
  outputs last;
  attempt_id attempt;
  std::uint64_t attempts = 0;
  time_point now = start_of_time + 1s;
  double jitter = 0.5;
};

} // namespace

TEST_CASE("a small body is published from memory", "[machine]") {
  driver d{fresh_record()};
  d(in::begin{});
  REQUIRE(d.wants<out::start_attempt>());
  CHECK(d.wants<out::start_attempt>()->range == range_plan{});
  d(in::attempt_done{d.attempt, whole("hello")});
  REQUIRE(d.wants<out::publish_small>());
  CHECK(d.machine.state() == transfer_state::finishing);
  publish_result published;
  published.file = {"/d/file (1).bin", 5, ""};
  d(in::published{published});
  REQUIRE(d.wants<out::finish>());
  CHECK(d.wants<out::finish>()->result.type == event_type::completed);
  CHECK(d.wants<out::finish>()->result.published == "/d/file (1).bin");
  CHECK(d.machine.ended());
}

TEST_CASE("a part is recorded before it is created", "[machine]") {
  driver d{fresh_record()};
  d(in::begin{});
  d(in::response{d.attempt, head_of(200, 1'000'000)});
  REQUIRE(d.wants<out::record_part>());
  CHECK_FALSE(d.wants<out::open_part>());
  CHECK(d.machine.record().part.etag == "\"v1\"");
  CHECK(d.machine.record().part.total == 1'000'000);
  d(in::recorded{});
  CHECK(d.wants<out::open_part>());
}

TEST_CASE("a large body streams into its part and is published", "[machine]") {
  driver d{fresh_record()};
  d.stream(1'000'000);
  REQUIRE(d.wants<out::stream>());
  CHECK(d.wants<out::stream>()->offset == 0);
  d(in::part_written{{{}, d.part_at(1'000'000)}});
  CHECK(d.wants<out::publish_part>());
}

TEST_CASE("an attempt that breaks keeps its part and waits in the ledger", "[machine]") {
  driver d{fresh_record()};
  d.stream(1'000'000);
  d(in::part_written{{{errc::short_body, "cut", 0}, d.part_at(400'000)}});
  REQUIRE(d.wants<out::close_part>());
  d(in::part_closed{d.part_at(400'000)});
  REQUIRE(d.wants<out::wait>());
  CHECK(d.machine.record().part.position == 400'000);
  CHECK(d.machine.record().failures == 1);
  CHECK(d.machine.record().retry_at == d.now + 500ms);
}

TEST_CASE("progress forgives earlier failures; going over the same bytes again does not", "[machine]") {
  auto record = record_with_part(400'000, 1'000'000);
  record.failures = 4;
  session_configuration configuration;
  configuration.retry.max_attempts = 5;
  driver d{record, configuration, true};
  d(in::begin{});
  d(in::preflighted{});
  d(in::part_opened{{{}, true, record.part}});
  d(in::response{d.attempt, partial(400'000 - resume_overlap, 1'000'000)});
  SECTION("progress") {
    d(in::part_written{{{errc::short_body, "cut", 0}, d.part_at(500'000)}});
    d(in::part_closed{d.part_at(500'000)});
    CHECK(d.wants<out::wait>());
    CHECK(d.machine.record().failures == 1);
  }
  SECTION("none") {
    d(in::part_written{{{errc::short_body, "cut", 0}, d.part_at(400'000)}});
    // What it has is kept for a new transfer.
    REQUIRE(d.wants<out::close_part>());
    d(in::part_closed{d.part_at(400'000)});
    REQUIRE(d.wants<out::finish>());
    CHECK(d.wants<out::finish>()->result.why.code == errc::short_body);
    CHECK(d.wants<out::finish>()->result.part == d.part_at(400'000));
  }
}

TEST_CASE("a folder that was not looked at yet is looked at before the network is asked", "[machine]") {
  transfer_machine machine{fresh_record(),
                           {std::make_shared<const session_configuration>(), ".bellhop-x-7.part", false, false}};
  const environment env{start_of_time + 1s, {1}, 0.5};
  auto outputs = machine.step(in::begin{}, env);
  REQUIRE(outputs.size() == 1);
  REQUIRE(std::holds_alternative<out::preflight>(outputs[0]));
  publish_result looked;
  SECTION("it is there") {
    outputs = machine.step(in::preflighted{looked}, env);
    REQUIRE(outputs.size() == 1);
    CHECK(std::holds_alternative<out::start_attempt>(outputs[0]));
  }
  SECTION("it is not") {
    looked.why = {errc::destination_unavailable, "no such folder", 0};
    outputs = machine.step(in::preflighted{looked}, env);
    REQUIRE(outputs.size() == 1);
    CHECK(std::get<out::finish>(outputs[0]).result.why == looked.why);
    CHECK(machine.record().attempts == 0);
  }
}

TEST_CASE("a recovered part is verified, then resumed with an overlap", "[machine]") {
  driver d{record_with_part(400'000, 1'000'000), {}, true};
  d(in::begin{});
  REQUIRE(d.wants<out::preflight>());
  d(in::preflighted{});
  REQUIRE(d.wants<out::open_part>());
  d(in::part_opened{{{}, true, record_with_part(400'000, 1'000'000).part}});
  REQUIRE(d.wants<out::start_attempt>());
  CHECK(d.wants<out::start_attempt>()->announce);
  CHECK(d.wants<out::start_attempt>()->range == range_plan{400'000 - resume_overlap, "\"v1\""});
  d(in::response{d.attempt, partial(400'000 - resume_overlap, 1'000'000)});
  REQUIRE(d.wants<out::stream>());
  CHECK(d.wants<out::stream>()->offset == 400'000 - resume_overlap);
  REQUIRE(d.wants<out::tell>());
  CHECK(d.wants<out::tell>()->news.type == notice_type::resumed);
  CHECK(d.wants<out::tell>()->news.received == 400'000);

  SECTION("bytes that differ start it over") {
    d(in::part_written{{{errc::content_changed, "differs", 0}, d.part_at(400'000)}});
    CHECK(d.wants<out::cancel_attempt>());
    CHECK(d.wants<out::discard_part>());
    d(in::part_discarded{});
    REQUIRE(d.wants<out::start_attempt>());
    CHECK(d.wants<out::start_attempt>()->range.from == 0);
  }
}

TEST_CASE("a part that is whole needs no server", "[machine]") {
  driver d{record_with_part(1'000'000, 1'000'000), {}, true};
  d(in::begin{});
  d(in::preflighted{});
  d(in::part_opened{{{}, true, record_with_part(1'000'000, 1'000'000).part}});
  CHECK(d.wants<out::publish_part>());
  CHECK_FALSE(d.wants<out::start_attempt>());
}

TEST_CASE("a file that was published before a crash is adopted", "[machine]") {
  driver d{fresh_record(), {}, true};
  d(in::begin{});
  publish_result found;
  found.file = {"/d/file.bin", 77, ""};
  d(in::preflighted{found});
  REQUIRE(d.wants<out::finish>());
  CHECK(d.wants<out::finish>()->result.received == 77);
}

TEST_CASE("a 200 to a range request", "[machine]") {
  driver d{record_with_part(400'000, 1'000'000), {}, true};
  d(in::begin{});
  d(in::preflighted{});
  d(in::part_opened{{{}, true, record_with_part(400'000, 1'000'000).part}});
  SECTION("of another version: the part is dropped, the body taken") {
    d(in::response{d.attempt, head_of(200, 900'000, "\"v2\"")});
    REQUIRE(d.wants<out::discard_part>());
    CHECK_FALSE(d.wants<out::record_part>());
    d(in::part_discarded{});
    REQUIRE(d.wants<out::record_part>());
    CHECK(d.machine.record().part.etag == "\"v2\"");
    d(in::recorded{});
    d(in::part_opened{{{}, true, d.part_at(0)}});
    REQUIRE(d.wants<out::stream>());
    CHECK(d.wants<out::stream>()->offset == 0);
  }
  SECTION("of the same version: asked once more, plainly") {
    const auto first = d.attempt;
    d(in::response{d.attempt, head_of(200, 1'000'000)});
    REQUIRE(d.wants<out::cancel_attempt>());
    CHECK(d.wants<out::cancel_attempt>()->attempt == first);
    REQUIRE(d.wants<out::start_attempt>());
    CHECK(d.wants<out::start_attempt>()->range == range_plan{400'000 - resume_overlap, ""});
    d(in::response{d.attempt, head_of(200, 1'000'000)});
    CHECK(d.wants<out::discard_part>());
  }
}

TEST_CASE("statuses", "[machine]") {
  driver d{fresh_record()};
  d(in::begin{});
  SECTION("404 is final") {
    d(in::attempt_done{d.attempt, status(404)});
    REQUIRE(d.wants<out::finish>());
    CHECK(d.wants<out::finish>()->result.why.code == errc::http_status);
    CHECK(d.wants<out::finish>()->result.why.status == 404);
  }
  SECTION("503 waits as long as the server asks") {
    d(in::attempt_done{d.attempt, status(503, "17")});
    REQUIRE(d.wants<out::wait>());
    CHECK(d.machine.record().waiting_for == wait_reason::retry_after);
    CHECK(d.machine.record().retry_at == d.now + 17s);
  }
}

TEST_CASE("how each stop leaves a transfer whose body streams", "[machine]") {
  struct row {
    stop_reason reason;
    std::int64_t on_disk;
    bool keeps;
    bool ends;
  };
  const auto [reason, on_disk, keeps, ends] = GENERATE(
      row{stop_reason::suspend, 400'000, true, false}, row{stop_reason::shutdown, 400'000, true, false},
      row{stop_reason::requeue, 400'000, true, false}, row{stop_reason::requeue, 100, true, false},
      row{stop_reason::cancel, 400'000, false, true}, row{stop_reason::cancel_keep, 400'000, true, true},
      row{stop_reason::cancel_keep, resume_overlap + 1, true, true},
      row{stop_reason::cancel_keep, resume_overlap, false, true}, row{stop_reason::cancel_keep, 0, false, true});
  driver d{fresh_record()};
  d.stream(1'000'000);
  d(in::stop{reason});
  CHECK(d.wants<out::cancel_attempt>());
  d(in::part_written{{{errc::shutting_down, "stopped", 0}, d.part_at(on_disk)}});
  CHECK((d.wants<out::close_part>() != nullptr) == keeps);
  CHECK((d.wants<out::discard_part>() != nullptr) == !keeps);
  if (keeps)
    d(in::part_closed{d.part_at(on_disk)});
  else
    d(in::part_discarded{});
  REQUIRE(d.machine.ended());
  if (ends) {
    REQUIRE(d.wants<out::finish>());
    CHECK(d.wants<out::finish>()->result.type == event_type::cancelled);
    CHECK(d.wants<out::finish>()->result.received == on_disk);
    CHECK(d.wants<out::finish>()->result.part == (keeps ? d.part_at(on_disk) : checkpoint{}));
  } else {
    REQUIRE(d.wants<out::release>());
    CHECK(d.wants<out::release>()->reason == reason);
    CHECK(d.machine.record().part.position == on_disk);
  }
}

TEST_CASE("of two stops, a cancel overrules what keeps a transfer, and the first cancel counts", "[machine]") {
  struct row {
    stop_reason first;
    stop_reason second;
    bool ends;
    bool keeps;
  };
  const auto [first, second, ends, keeps] = GENERATE(row{stop_reason::suspend, stop_reason::cancel, true, false},
                                                     row{stop_reason::requeue, stop_reason::cancel_keep, true, true},
                                                     row{stop_reason::requeue, stop_reason::suspend, false, true},
                                                     row{stop_reason::cancel, stop_reason::suspend, true, false},
                                                     row{stop_reason::cancel, stop_reason::cancel_keep, true, false},
                                                     row{stop_reason::cancel_keep, stop_reason::cancel, true, true},
                                                     row{stop_reason::cancel_keep, stop_reason::shutdown, true, true});
  driver d{fresh_record()};
  d.stream(1'000'000);
  d(in::stop{first});
  d(in::stop{second});
  d(in::part_written{{{errc::shutting_down, "stopped", 0}, d.part_at(400'000)}});
  CHECK((d.wants<out::close_part>() != nullptr) == keeps);
  if (keeps)
    d(in::part_closed{d.part_at(400'000)});
  else
    d(in::part_discarded{});
  CHECK((d.wants<out::finish>() != nullptr) == ends);
}

TEST_CASE("a failure keeps the part unless the content is at fault", "[machine]") {
  struct row {
    errc code;
    bool keeps;
  };
  const auto [code, keeps] =
      GENERATE(row{errc::tls_failed, true}, row{errc::destination_unavailable, true}, row{errc::file_io, true},
               row{errc::too_large, false}, row{errc::long_body, false});
  session_configuration configuration;
  configuration.retry.max_attempts = 1;
  driver d{fresh_record(), configuration};
  d.stream(1'000'000);
  d(in::part_written{{{code, "it failed", 0}, d.part_at(400'000)}});
  CHECK((d.wants<out::close_part>() != nullptr) == keeps);
  CHECK((d.wants<out::discard_part>() != nullptr) == !keeps);
}

TEST_CASE("a failure of an ephemeral session keeps nothing", "[machine]") {
  session_configuration configuration;
  configuration.kind = session_kind::ephemeral;
  driver d{fresh_record(), configuration};
  d.stream(1'000'000);
  d(in::part_written{{{errc::tls_failed, "it failed", 0}, d.part_at(400'000)}});
  CHECK(d.wants<out::discard_part>());
}

TEST_CASE("a part at rest stays where it is when its transfer fails or is cancelled with resume data", "[machine]") {
  driver d{record_with_part(400'000, 1'000'000), {}, true};
  d(in::begin{});
  publish_result gone;
  gone.why = {errc::destination_unavailable, "gone", 0};
  SECTION("it fails") {
    d(in::preflighted{gone});
  }
  SECTION("it is cancelled") {
    d(in::stop{stop_reason::cancel_keep});
    d(in::preflighted{});
  }
  REQUIRE(d.wants<out::finish>());
  CHECK(d.wants<out::finish>()->result.part == record_with_part(400'000, 1'000'000).part);
}

TEST_CASE("a part without a validator is of no use to another transfer", "[machine]") {
  driver d{fresh_record()};
  d(in::begin{});
  d(in::response{d.attempt, head_of(200, 1'000'000, "")});
  d(in::recorded{});
  auto part = d.machine.record().part;
  part.inode = 11;
  d(in::part_opened{{{}, true, part}});
  d(in::stop{stop_reason::cancel_keep});
  d(in::part_written{{{errc::shutting_down, "stopped", 0}, d.part_at(400'000)}});
  CHECK(d.wants<out::discard_part>());
}

TEST_CASE("a digest may be wrong once", "[machine]") {
  driver d{fresh_record()};
  d(in::begin{});
  publish_result wrong;
  wrong.why = {errc::checksum_mismatch, "differs", 0};
  d(in::attempt_done{d.attempt, whole("hello")});
  d(in::published{wrong});
  REQUIRE(d.wants<out::start_attempt>());
  d(in::attempt_done{d.attempt, whole("hello")});
  d(in::published{wrong});
  REQUIRE(d.wants<out::finish>());
  CHECK(d.wants<out::finish>()->result.why.code == errc::checksum_mismatch);
}

TEST_CASE("the resource timeout names the last cause", "[machine]") {
  session_configuration configuration;
  configuration.resource_timeout = 1h;
  driver d{fresh_record(), configuration};
  d(in::begin{});
  d.now = start_of_time + 1h;
  d(in::attempt_done{d.attempt, failed(errc::connect_failed)});
  REQUIRE(d.wants<out::finish>());
  CHECK(d.wants<out::finish>()->result.why.code == errc::resource_timeout);
  CHECK(d.wants<out::finish>()->result.why.message.find("it failed") != std::string::npos);
}

TEST_CASE("a full disk waits and is not held against the attempts", "[machine]") {
  session_configuration configuration;
  configuration.retry.max_attempts = 1;
  driver d{fresh_record(), configuration};
  d.stream(1'000'000);
  d(in::part_written{{{errc::no_space, "full", 0}, d.part_at(4096)}});
  d(in::part_closed{d.part_at(4096)});
  REQUIRE(d.wants<out::wait>());
  CHECK(d.machine.record().waiting_for == wait_reason::no_space);
  CHECK(d.machine.record().failures == 0);
}

TEST_CASE("a folder whose files cannot be marked has the inode recorded before the name is given", "[machine]") {
  driver d{fresh_record()};
  d(in::begin{});
  d(in::attempt_done{d.attempt, whole("hello")});
  publish_result unmarked;
  unmarked.needs_part = true;
  d(in::published{unmarked});
  REQUIRE(d.wants<out::record_part>());
  d(in::recorded{});
  auto part = d.machine.record().part;
  part.inode = 99;
  d(in::part_opened{{{}, false, part}});
  REQUIRE(d.wants<out::store>());
  part.position = 5;
  d(in::part_written{{{}, part}});
  REQUIRE(d.wants<out::record_part>());
  CHECK(d.machine.record().part.inode == 99);
  d(in::recorded{});
  CHECK(d.wants<out::publish_part>());
}

namespace {

/// A world that answers whatever a machine asks, well or badly, in any order, and stops it at any moment.
struct random_world {
  driver d;
  std::vector<input> pending;
  std::optional<attempt_id> live;
  int ends = 0;
  bool whole_on_disk = false;

  void take(const outputs& wanted) {
    for (const auto& each : wanted)
      std::visit([this](const auto& o) { want(o); }, each);
  }

  void want(const out::preflight&) { pending.push_back(in::preflighted{}); }
  void want(const out::open_part&) {
    bellhop::part_opened opened;
    opened.part = d.machine.record().part;
    opened.marked = *rc::gen::arbitrary<bool>();
    if (*rc::gen::inRange(0, 6) == 0)
      opened.why = {errc::destination_unavailable, "gone", 0};
    pending.push_back(in::part_opened{opened});
  }
  void want(const out::start_attempt& o) {
    live = o.attempt;
    switch (*rc::gen::inRange(0, 6)) {
    case 0:
      pending.push_back(in::attempt_done{o.attempt, failed(errc::connection_lost)});
      return;
    case 1:
      pending.push_back(in::attempt_done{o.attempt, status(*rc::gen::element(404, 416, 503, 304))});
      return;
    case 2:
      if (!o.announce) {
        pending.push_back(in::attempt_done{o.attempt, whole("hello")});
        return;
      }
      [[fallthrough]];
    case 3:
      pending.push_back(
          in::response{o.attempt, head_of(200, 1'000'000, *rc::gen::element<std::string>("\"v1\"", "\"v2\"", ""))});
      return;
    default:
      pending.push_back(
          in::response{o.attempt, o.range.from > 0 ? partial(o.range.from, 1'000'000) : head_of(200, 1'000'000)});
    }
  }
  void want(const out::cancel_attempt& o) {
    RC_ASSERT(live == o.attempt);
    live.reset();
    // Its stream, if there is one, ends with what is on disk.
    for (auto& each : pending)
      if (auto* written = std::get_if<in::part_written>(&each)) {
        written->result.why = {errc::shutting_down, "cancelled", 0};
      }
  }
  void want(const out::record_part&) { pending.push_back(in::recorded{}); }
  void want(const out::stream& o) {
    RC_ASSERT(live == o.attempt);
    bellhop::part_written written;
    written.part = d.machine.record().part;
    written.part.position = 1'000'000;
    switch (*rc::gen::inRange(0, 5)) {
    case 0:
      written.part.position = *rc::gen::inRange(1, 999'999);
      written.why = {errc::short_body, "cut", 0};
      break;
    case 1:
      written.part.position = 400'000;
      written.why = {errc::content_changed, "differs", 0};
      break;
    case 2:
      written.why = {errc::no_space, "full", 0};
      break;
    default:
      break;
    }
    pending.push_back(in::part_written{written});
  }
  void want(const out::store&) {
    bellhop::part_written written;
    written.part = d.machine.record().part;
    written.part.position = 5;
    pending.push_back(in::part_written{written});
  }
  void publish(bool small) {
    publish_result result;
    switch (*rc::gen::inRange(0, 5)) {
    case 0:
      result.why = {errc::checksum_mismatch, "differs", 0};
      break;
    case 1:
      result.why = {errc::destination_exists, "there", 0};
      break;
    case 2:
      result.needs_part = small;
      break;
    default:
      break;
    }
    if (!result.why && !result.needs_part)
      result.file = {"/d/file.bin", 1, ""};
    pending.push_back(in::published{result});
  }
  void want(const out::publish_small&) { publish(true); }
  void want(const out::publish_part&) {
    RC_ASSERT(whole_on_disk);
    publish(false);
  }
  void want(const out::close_part&) { pending.push_back(in::part_closed{d.machine.record().part}); }
  void want(const out::discard_part&) { pending.push_back(in::part_discarded{}); }
  void want(const out::tell&) {}
  void want(const out::finish& o) {
    ++ends;
    // What is kept can be gone on with, and a file that has its name is no part.
    if (o.result.part) {
      RC_ASSERT(o.result.type != event_type::completed);
      RC_ASSERT(plan_range(o.result.part, false).from > 0);
    }
  }
  void want(const out::wait&) { ++ends; }
  void want(const out::release&) { ++ends; }

  void feed(input in) {
    if (const auto* written = std::get_if<in::part_written>(&in))
      whole_on_disk = !written->result.why;
    if (const auto* opened = std::get_if<in::part_opened>(&in))
      whole_on_disk = opened->result.part.position == opened->result.part.total;
    d(std::move(in));
    take(d.last);
  }
};

} // namespace

TEST_CASE("whatever the world answers, a transfer ends exactly once and publishes only whole bodies", "[machine]") {
  REQUIRE(rc::check([] {
    const bool with_part = *rc::gen::arbitrary<bool>();
    session_configuration configuration;
    configuration.retry.max_attempts = *rc::gen::inRange(0u, 3u);
    random_world world{driver{with_part ? record_with_part(400'000, 1'000'000) : fresh_record(), configuration,
                              *rc::gen::arbitrary<bool>()},
                       {},
                       {},
                       0,
                       false};
    const int stop_after = *rc::gen::inRange(0, 30);
    world.feed(in::begin{});
    for (int steps = 0; !world.d.machine.ended(); ++steps) {
      RC_ASSERT(steps < 200);
      if (steps == stop_after) {
        world.feed(in::stop{*rc::gen::element(stop_reason::cancel, stop_reason::suspend, stop_reason::shutdown,
                                              stop_reason::requeue, stop_reason::cancel_keep)});
        continue;
      }
      // Something is always under way until the end.
      RC_ASSERT(!world.pending.empty());
      const auto i = static_cast<std::ptrdiff_t>(*rc::gen::inRange<std::size_t>(0, world.pending.size()));
      auto next = std::move(world.pending[static_cast<std::size_t>(i)]);
      world.pending.erase(world.pending.begin() + i);
      world.feed(std::move(next));
    }
    RC_ASSERT(world.ends == 1);
    // Nothing that was asked for goes on after the end but a cancelled attempt's last words.
    for (const auto& left : world.pending)
      RC_ASSERT(std::holds_alternative<in::response>(left) || std::holds_alternative<in::attempt_done>(left));
  }));
}
