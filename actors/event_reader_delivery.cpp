#include "actors/errors.hpp"
#include "actors/event_reader.hpp"
#include "core/json.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <utility>

/// What has come, on its way to the delegate: as the embedded session does it (session_delivery.cpp).
namespace bellhop {

void event_reader_role::deliver() {
  if (delivering_)
    return;
  auto batch = inbox_.take_batch();
  if (batch.empty())
    return inbox_.missing() ? fetch_missing() : tell_the_end();
  delivering_ = true;
  self_->request(setting_.delegate, caf::infinite, events_atom_v, std::move(batch))
      .then(
          [this] {
            delivering_ = false;
            deliver();
          },
          // A delegate that refuses a batch is not asked again until it attaches anew; the events are kept.
          [this](const caf::error&) { end(); });
}

void event_reader_role::send_news() {
  if (telling_ || !inbox_.has_news())
    return;
  telling_ = true;
  auto [moved, notices] = inbox_.take_news();
  const auto on_answer = [this] {
    telling_ = false;
    send_news();
  };
  self_->request(setting_.delegate, caf::infinite, news_atom_v, std::move(moved), std::move(notices))
      .then(on_answer, [on_answer](const caf::error&) { on_answer(); });
}

void event_reader_role::stalled(const error& why) {
  stall_told_ = static_cast<bool>(why);
  self_->send(setting_.delegate, stalled_atom_v, why);
}

/// The delegate has dealt with all that is here; the daemon has kept what was too much.
void event_reader_role::fetch_missing() {
  if (std::exchange(fetching_, true))
    return;
  api_request log{.target = fmt::format("/v1/sessions/{}/events?after={}&limit={}", setting_.identifier,
                                        inbox_.position().value, event_inbox::batch_size)};
  self_->request(setting_.api, caf::infinite, std::move(log))
      .then(
          [this, newest = inbox_.newest()](const api_answer& answer) {
            fetching_ = false;
            try {
              if (answer.why)
                throw failure(answer.why);
              std::vector<event> events;
              const auto body = json::parse(answer.body);
              for (const auto& each : body.at("events"))
                events.push_back(event_from_json(each));
              inbox_.add_missing(std::move(events), newest);
              deliver();
            } catch (const std::exception&) {
              // A stream that is open is a sign that the daemon will be able to answer.
              if (!away_)
                try_later();
            }
          },
          [this](const caf::error&) { end(); });
}

/// The daemon says once that nothing is left, and may have died before it could.
void event_reader_role::look_whether_finished() {
  self_->request(setting_.api, caf::infinite, api_request{.target = "/v1/sessions/" + setting_.identifier})
      .then(
          [this](const api_answer& answer) {
            if (answer.why || told_finished_)
              return;
            try {
              const auto status = status_from_json(json::parse(answer.body).at("status"));
              finished_ = finished_ || (status.counts.unfinished() == 0 && status.active == 0 &&
                                        status.last_event == inbox_.position());
            } catch (const std::exception&) {
              return; // The stream says what there is.
            }
            deliver();
          },
          [](const caf::error&) {});
}

/// What is said when every event was delivered.
void event_reader_role::tell_the_end() {
  if (std::exchange(finished_, false)) {
    told_finished_ = true;
    self_->send(setting_.delegate, did_finish_atom_v, setting_.identifier);
  }
  if (!invalid_)
    return;
  self_->send(setting_.delegate, invalid_atom_v, setting_.identifier, *invalid_);
  self_->quit();
}

} // namespace bellhop
