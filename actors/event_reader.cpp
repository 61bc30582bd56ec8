#include "actors/event_reader.hpp"

#include "actors/errors.hpp"
#include "actors/settle.hpp"
#include "core/json.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

/// The stream, and what becomes of it while the daemon is away.
namespace bellhop {

namespace {

constexpr std::chrono::milliseconds shortest_pause{50};
constexpr std::chrono::milliseconds longest_pause{2000};

/// A restart of the daemon that is over sooner is nothing that a delegate need know.
constexpr std::chrono::seconds moment{1};

/// How long a delegate that was never attached waits for the daemon.
constexpr std::chrono::seconds patience{60};

stream_id fresh_stream() {
  static std::atomic<std::uint64_t> last{0};
  return {++last};
}

error error_in(const json& data) {
  const auto found = data.find("error");
  return found == data.end() ? error{} : error_from_json(*found);
}

} // namespace

event_reader_actor::behavior_type event_reader_role::make_behavior(event_reader_setting setting) {
  setting_ = std::move(setting);
  inbox_ = event_inbox{setting_.after};
  // Without either there is nothing to do.
  self_->monitor(setting_.delegate);
  self_->monitor(setting_.api);
  self_->set_down_handler([this](const caf::down_msg&) { end(); });
  return {
      [this](attach_atom, bool take_over) { return start(take_over); },
      [this](ready_atom, stream_id stream) { opened(stream); },
      [this](events_atom, stream_id stream, const stream_events_ptr& events) { received(stream, *events); },
      [this](closed_atom, stream_id stream, const error& why) { ended(stream, why); },
      [this](detach_atom, const error& why) {
        if (why)
          leave(why);
        else
          end();
      },
      [this](invalidate_atom) { going_ = true; },
      [this](due_atom, std::uint64_t generation) { due(generation); },
      [this](stalled_atom, std::uint64_t outage) { away_for_long(outage); },
  };
}

caf::result<void> event_reader_role::start(bool take_over) {
  attached_ = self_->make_response_promise();
  take_over_ = take_over;
  open_stream();
  return caf::delegated<void>{};
}

void event_reader_role::open_stream() {
  stream_ = fresh_stream();
  self_->send(setting_.api, open_atom_v, api_stream{stream_, target(), inbox_.position()},
              stream_reader_actor{event_reader_actor{self_}});
}

std::string event_reader_role::target() const {
  const auto path = fmt::format("/v1/sessions/{}/events?", setting_.identifier);
  if (!attaches())
    return path + fmt::format("after={}", setting_.after.value);
  return path + "attach=true&client=" + setting_.client + (take_over_ ? "&take_over=true" : "");
}

void event_reader_role::opened(stream_id stream) {
  if (stream != stream_)
    return;
  pause_ = {};
  ++outage_;
  away_ = {};
  // From now on, whoever has the session's events instead of us has taken over.
  take_over_ = false;
  if (!std::exchange(began_, true))
    return settle(attached_, {});
  // What the daemon itself waits for, it says anew.
  if (stall_told_)
    stalled({});
  if (attaches() && !told_finished_)
    look_whether_finished();
  deliver();
}

void event_reader_role::received(stream_id stream, const std::vector<stream_event>& events) {
  self_->send(setting_.api, accept_atom_v, stream, std::uint64_t{events.size()});
  if (stream != stream_)
    return;
  try {
    for (const auto& each : events) {
      take(each);
      if (left_)
        return;
    }
  } catch (const failure& e) {
    return leave(e.why());
  } catch (const json::exception& e) {
    return leave({errc::bad_response, fmt::format("the daemon's stream of events cannot be read: {}", e.what()), 0});
  }
  deliver();
  send_news();
}

void event_reader_role::take(const stream_event& from) {
  const auto data = json::parse(from.data);
  event_type type{};
  if (from_string(from.type, type)) {
    inbox_.add(event_from_json(data));
    finished_ = told_finished_ = false;
  } else if (from.type == "progress") {
    std::vector<progress> moved;
    for (const auto& each : data)
      moved.push_back(progress_from_json(each));
    inbox_.add(moved);
    told_finished_ = false;
  } else if (from.type == "notice") {
    inbox_.add(notice_from_json(data));
    told_finished_ = false;
  } else if (from.type == "finished") {
    finished_ = !told_finished_;
  } else if (from.type == "stalled") {
    stalled(error_in(data));
  } else if (from.type == "detached") {
    // Otherwise the daemon has let go of a slow reader: the stream ends, and is opened again.
    if (const auto why = error_in(data); why.code == errc::session_in_use)
      leave(why);
  } else if (from.type == "invalid") {
    invalid_ = error_in(data);
  }
  // A newer daemon may say more.
}

void event_reader_role::ended(stream_id stream, const error& why) {
  if (stream != stream_)
    return;
  stream_ = {};
  if (invalid_)
    return; // Nothing more can come; what is here is still being delivered.
  if (why.code == errc::daemon_unavailable)
    return lost(why);
  if (began_ && going_ && why.code == errc::unknown_session) {
    // It went while the daemon could not say so.
    invalid_ = error{};
    return deliver();
  }
  if (why.code == errc::shutting_down)
    return end();
  leave(why);
}

void event_reader_role::lost(const error& why) {
  if (!std::exchange(away_, why))
    self_->delayed_send(self_, began_ ? moment : patience, stalled_atom_v, outage_);
  try_later();
}

void event_reader_role::try_later() {
  pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
  self_->delayed_send(self_, pause_, due_atom_v, ++generation_);
}

void event_reader_role::due(std::uint64_t generation) {
  if (generation != generation_)
    return;
  if (away_)
    open_stream();
  else
    deliver();
}

void event_reader_role::away_for_long(std::uint64_t outage) {
  if (outage != outage_ || !away_)
    return;
  if (began_)
    stalled(away_);
  else
    leave(away_);
}

/// No more comes: whoever wanted to be attached is answered, a delegate that was is told.
void event_reader_role::leave(const error& why) {
  left_ = true;
  if (began_)
    self_->send(setting_.delegate, detached_atom_v, why);
  else if (attached_.pending())
    attached_.deliver(to_caf(why));
  self_->quit();
}

void event_reader_role::end() {
  if (attached_.pending())
    attached_.deliver(to_caf({errc::shutting_down, "the session " + setting_.identifier + " was detached", 0}));
  self_->quit();
}

event_reader_actor::behavior_type event_reader_behavior(event_reader_actor::stateful_pointer<event_reader_role> self,
                                                        event_reader_setting setting) {
  return self->state.make_behavior(std::move(setting));
}

} // namespace bellhop
