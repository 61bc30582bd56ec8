#include "actors/engine.hpp"
#include "actors/interfaces.hpp"
#include "tests/support/actor_fixture.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include <type_traits>

/// A type that CAF does not know, or whose inspect forgets a field, serialises without a word. So: every type of the
/// block has a sample here whose fields all differ from their defaults, or the test does not compile; and every type in
/// every interface is of the block.
namespace bellhop::test {

namespace {

// -- samples ----------------------------------------------------------------------------------------------------------

template <class T>
struct sample;

template <class T>
auto sample_of(actor_fixture& f) {
  return sample<T>::make(f);
}

template <class Tag>
struct sample<strong_id<Tag>> {
  static strong_id<Tag> make(actor_fixture&) { return {0x1234567890abcdef}; }
};

template <class T>
struct sample<std::vector<T>> {
  static std::vector<T> make(actor_fixture& f) { return {sample_of<T>(f), T{}, sample_of<T>(f)}; }
};

#define SAMPLE(type, ...)                                                                                              \
  template <>                                                                                                          \
  struct sample<type> {                                                                                                \
    static type make([[maybe_unused]] actor_fixture& f) { __VA_ARGS__ }                                                \
  }

SAMPLE(launch_command, return {{"/bin/program", "-v"}, "/home", {{"NAME", "value"}}};);

constexpr time_point some_time{duration{1'234'567'890'123}};

SAMPLE(time_point, return some_time;);
SAMPLE(error, return {errc::http_status, "no\n\"such\" file", 404};);
SAMPLE(transfer_request, transfer_request x; x.url = "http://a/b"; x.destination = "/a/b c";
       x.on_conflict = conflict_policy::rename; x.headers = {{"A", "b"}, {"C", ""}};
       x.expected = {digest_algorithm::sha256, "00ff"}; x.priority = 0.75; x.earliest_begin = some_time;
       x.suspended = true; x.name_from_server = true; x.accept_error_responses = true; x.max_size = 1LL << 40;
       x.record_sha256 = true; x.metadata = "{\"a\":1}"; x.resume_data = "data"; return x;);
SAMPLE(checkpoint, return {".bellhop-1.part", 77, 1LL << 33, 0xfeedfacecafebeef, 1LL << 34, "\"tag\"", "yesterday"};);
SAMPLE(transfer_record, transfer_record x; x.id = {7}; x.session = "s"; x.request = sample_of<transfer_request>(f);
       x.state = transfer_state::waiting; x.waiting_for = wait_reason::no_space; x.retry_at = some_time; x.attempts = 3;
       x.failures = 2; x.mismatches = 1; x.part = sample_of<checkpoint>(f); x.last_error = sample_of<error>(f);
       x.submitted_at = some_time + 1s; x.finished_at = some_time + 2s; x.received = 5; x.total = 6;
       x.published = "/p/q"; x.sha256 = "abc"; x.resume_data = "data"; return x;);
SAMPLE(event, event x; x.seq = {9}; x.time = some_time; x.session = "s"; x.transfer = {8};
       x.type = event_type::cancelled; x.url = "http://u"; x.destination = "/d"; x.received = 10;
       x.why = sample_of<error>(f); x.sha256 = "ff"; x.metadata = "[]"; return x;);
SAMPLE(outcome, outcome x; x.type = event_type::failed; x.published = "/p"; x.received = 1; x.total = 2;
       x.why = sample_of<error>(f); x.sha256 = "aa"; x.attempts = 4; x.part = sample_of<checkpoint>(f); return x;);
SAMPLE(progress, return {{3}, 100, 200};);
SAMPLE(notice, notice x; x.transfer = {4}; x.type = notice_type::waiting; x.name = "n"; x.received = 1; x.total = 2;
       x.waiting_for = wait_reason::retry_after; x.retry_at = some_time; x.why = sample_of<error>(f); return x;);
SAMPLE(session_configuration, session_configuration x; x.kind = session_kind::background; x.durable = durability::power;
       x.max_active = 1; x.max_per_host = 2; x.request_timeout = 3ms; x.connect_timeout = 4ms; x.resource_timeout = 5s;
       x.max_redirects = 6; x.allow_downgrade = true; x.retry = {7ms, 8ms, 9s, 10}; x.headers = {{"H", "v"}};
       x.user_agent = "ua"; x.ca_file = "/ca"; x.keep_finished = 11s; x.launches_on_events = false;
       x.launch = sample_of<launch_command>(f); return x;);
SAMPLE(engine_limits, return {17};);
SAMPLE(session_counts, return {1, 2, 3, 4, 5, 6, 7};);
SAMPLE(session_phase, return session_phase::cancelling;);
SAMPLE(launch_status, return {launch_state::backing_off, 18, 19, some_time, sample_of<error>(f)};);
SAMPLE(launch_order, return {"id", sample_of<launch_command>(f)};);
SAMPLE(session_status, return {sample_of<session_counts>(f),
                               20,
                               {21},
                               {22},
                               session_phase::finishing,
                               true,
                               true,
                               sample_of<launch_status>(f)};);
SAMPLE(transfer_change, return {0.125, some_time, std::vector<header>{{"A", "b"}}, 23};);
SAMPLE(transfer_range, return {{24}, 25};);
SAMPLE(session_record,
       return {"id", sample_of<session_configuration>(f), some_time, {1}, {2}, session_phase::finishing, true};);
SAMPLE(list_filter, return {"s", {transfer_state::failed, transfer_state::queued}, {12}, 13};);
SAMPLE(queue_position, return {0.25, {14}};);
SAMPLE(submit_result, return {{15}, sample_of<error>(f)};);
SAMPLE(opened_session,
       return {
           sample_of<session_record>(f), sample_of<session_counts>(f), "ledger", {16}, {{{26}, "/folder", "part"}}};);
SAMPLE(ready_batch, return {{sample_of<transfer_record>(f)}, some_time};);
SAMPLE(session_summary, return {sample_of<session_record>(f), sample_of<session_counts>(f)};);
SAMPLE(machine::stop_reason, return machine::stop_reason::cancel_keep;);

// Handles are those of live actors.
template <class Handle>
Handle some_actor(actor_fixture& f) {
  return caf::actor_cast<Handle>(f.spawn_delegate(std::make_shared<fake_delegate>()));
}
SAMPLE(session_actor, return some_actor<session_actor>(f););
SAMPLE(session_control_actor, return some_actor<session_control_actor>(f););
SAMPLE(transfer_actor, return some_actor<transfer_actor>(f););
SAMPLE(delegate_actor, return some_actor<delegate_actor>(f););
SAMPLE(app_delegate_actor, return some_actor<app_delegate_actor>(f););
SAMPLE(observer_actor, return some_actor<observer_actor>(f););
SAMPLE(stream_reader_actor, return some_actor<stream_reader_actor>(f););
SAMPLE(completion_handler_actor, return some_actor<completion_handler_actor>(f););
SAMPLE(notification, return {"name", "identifier", some_actor<completion_handler_actor>(f)};);

#undef SAMPLE

// -- equality after a round trip --------------------------------------------------------------------------------------

template <class T>
T through_the_wire(caf::actor_system& system, T value) {
  std::vector<char> buffer;
  caf::binary_serializer sink{system, buffer};
  REQUIRE(!sink(value));
  T copy{};
  caf::binary_deserializer source{system, buffer};
  REQUIRE(!source(copy));
  return copy;
}

template <class T>
void check_type(actor_fixture& f) {
  // Shared memory between threads of a process never crosses a wire.
  if constexpr (!caf::is_allowed_unsafe_message_type<T>::value) {
    INFO("type " << caf::type_name<T>::value);
    const T value = sample_of<T>(f);
    CHECK_FALSE(value == T{});
    CHECK(through_the_wire(f.system, value) == value);
    // As a message, which is how an unregistered type shows.
    auto message = through_the_wire(f.system, caf::make_message(value));
    REQUIRE(message.template match_elements<T>());
    CHECK(message.template get_as<T>(0) == value);
  }
}

template <std::size_t... Is>
void check_block(actor_fixture& f, std::index_sequence<Is...>) {
  using block = caf::id_block::bellhop;
  (check_type<typename caf::type_by_id<block::begin + Is>::type>(f), ...);
}

// -- the interfaces are closed ----------------------------------------------------------------------------------------

template <class... Ts>
constexpr bool all_known(caf::detail::type_list<Ts...>) {
  return (caf::has_type_id<Ts>::value && ...);
}

template <class... Outputs>
constexpr bool outputs_known(caf::output_tuple<Outputs...>) {
  return ((std::is_void_v<Outputs> || caf::has_type_id<Outputs>::value) && ...);
}

template <class Inputs, class Outputs>
constexpr bool is_known(caf::typed_mpi<Inputs, Outputs>) {
  return all_known(Inputs{}) && outputs_known(Outputs{});
}

template <class... Messages>
constexpr bool is_closed(caf::detail::type_list<Messages...>) {
  return (is_known(Messages{}) && ...);
}

static_assert(is_closed(completion_handler_actor::signatures{}));
static_assert(is_closed(observer_actor::signatures{}));
static_assert(is_closed(notification_center_actor::signatures{}));
static_assert(is_closed(app_delegate_actor::signatures{}));
static_assert(is_closed(view_controller_actor::signatures{}));
static_assert(is_closed(session_control_actor::signatures{}));
static_assert(is_closed(transfer_actor::signatures{}));
static_assert(is_closed(network_actor::signatures{}));
static_assert(is_closed(publisher_actor::signatures{}));
static_assert(is_closed(ledger_actor::signatures{}));
static_assert(is_closed(launcher_actor::signatures{}));
static_assert(is_closed(engine_control_actor::signatures{}));
static_assert(is_closed(stream_reader_actor::signatures{}));
static_assert(is_closed(api_actor::signatures{}));

} // namespace

TEST_CASE_METHOD(actor_fixture, "Every message comes back equal from the wire", "[messages]") {
  using block = caf::id_block::bellhop;
  check_block(*this, std::make_index_sequence<block::end - block::begin>{});
}

TEST_CASE_METHOD(actor_fixture, "What is not to be changed is absent at the other end too", "[messages]") {
  transfer_change change;
  CHECK(through_the_wire(system, change) == change);
  change.headers.emplace();
  CHECK(through_the_wire(system, change) == change);
  change = {};
  change.max_size = 0;
  CHECK(through_the_wire(system, change) == change);
}

TEST_CASE_METHOD(actor_fixture, "Errors go to CAF and back, and are printed for a person", "[messages]") {
  const error why{errc::http_status, "the server said 503", 503};
  CHECK(from_caf(to_caf(why)) == why);
  CHECK(from_caf(through_the_wire(system, to_caf(why))) == why);
  CHECK(system.render(to_caf(why)) == "http_status: the server said 503");

  const auto foreign = from_caf(caf::make_error(caf::sec::request_receiver_down));
  CHECK(foreign.code == errc::internal);
  CHECK(foreign.message.find("request_receiver_down") != std::string::npos);
}

} // namespace bellhop::test
