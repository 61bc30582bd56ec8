#include "actors/errors.hpp"
#include "actors/session.hpp"
#include "actors/settle.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <utility>

/// What a session does when it has nothing to do; pausing; and its end.
namespace bellhop {

namespace {

/// Rows of the ledger at once, when all are gone through.
constexpr std::uint32_t page = 1000;

} // namespace

void session_role::look_whether_done() {
  tell_finished();
  look_after_program();
  if (phase_ == session_phase::cancelling && rest_ == rest::untouched && recording_ == 0 && !stopping_)
    cancel_rest({});
  look_whether_over();
}

void session_role::tell_finished() {
  if (!owner_ || !owner_->is_caught_up() || !finish_owed_ || !idle() || stopping_)
    return;
  finish_owed_ = false;
  self_->send(owner_->delegate(), did_finish_atom_v, identifier());
}

/// The launcher is asked once, when all is done, and told once when that is over: somebody has attached, or nothing is
/// left to tell. How often the program is started in between is its business.
void session_role::look_after_program() {
  if (!with_->launcher)
    return;
  const auto& settings = *configuration_;
  const bool has_news = settings.kind == session_kind::background && settings.launches_on_events && settings.launch &&
                        !owner_ && acknowledged_ < log_.last && !stopping_;
  if (has_news && !launch_asked_ && idle()) {
    launch_asked_ = true;
    self_->send(with_->launcher, launch_atom_v, launch_order{identifier(), settings.launch}, me());
  } else if (!has_news && launch_asked_) {
    launch_asked_ = false;
    self_->send(with_->launcher, close_atom_v, identifier());
  }
}

void session_role::configure(const session_configuration& configuration) {
  if (configuration.launch != configuration_->launch)
    launch_asked_ = false;
  configuration_ = std::make_shared<const session_configuration>(configuration);
  for (const auto& actor : spare_)
    self_->send(actor, open_atom_v, configuration);
  for (const auto& [id, actor] : active_)
    if (actor)
      self_->send(actor, open_atom_v, configuration);
  refill();
  look_whether_done();
}

// -- pausing ----------------------------------------------------------------------------------------------------------

caf::result<void> session_role::pause(bool paused) {
  auto promise = self_->make_response_promise();
  self_->request(with_->ledger, caf::infinite, pause_atom_v, identifier(), paused)
      .then(
          [this, promise, paused]() mutable {
            paused_ = paused;
            pausing_.push_back(std::move(promise));
            if (paused)
              for (const auto& [id, actor] : active_)
                tell_to_stop(id, machine::stop_reason::requeue);
            if (!paused || active_.empty())
              off_the_wire();
          },
          [promise](const caf::error& why) mutable { promise.deliver(why); });
  return caf::delegated<void>{};
}

/// What was on the wire is among the queued again, before the cursor.
void session_role::off_the_wire() {
  for (auto& promise : std::exchange(pausing_, {}))
    settle(promise, {});
  look_again();
}

// -- the end ----------------------------------------------------------------------------------------------------------

caf::result<void> session_role::invalidate(bool cancel) {
  const auto before = phase_;
  const auto next =
      cancel || before == session_phase::cancelling ? session_phase::cancelling : session_phase::finishing;
  // At once: what is submitted after this message is refused.
  phase_ = next;
  ++recording_;
  if (rest_ == rest::cancelled)
    rest_ = rest::untouched;
  auto promise = self_->make_response_promise();
  self_->request(with_->ledger, caf::infinite, phase_atom_v, identifier(), next)
      .then(
          [this, promise]() mutable {
            --recording_;
            settle(promise, {});
            look_again();
            look_whether_done();
          },
          [this, promise, before, next](const caf::error& why) mutable {
            --recording_;
            if (phase_ == next)
              phase_ = before;
            promise.deliver(why);
            look_again();
          });
  return caf::delegated<void>{};
}

/// Cancels what has not ended, a page at a time, until nothing is found. Nothing is started meanwhile.
void session_role::cancel_rest(transfer_id after) {
  rest_ = rest::being_cancelled;
  const auto later = [this] {
    rest_ = rest::untouched;
    look_later();
  };
  list_filter unfinished{
      identifier(), {transfer_state::suspended, transfer_state::queued, transfer_state::waiting}, after, page};
  self_->request(with_->ledger, caf::infinite, list_atom_v, std::move(unfinished))
      .then(
          [this, later, after](const std::vector<transfer_record>& rows) {
            if (rows.empty() && after)
              return cancel_rest({});
            if (rows.empty()) {
              rest_ = rest::cancelled;
              return look_again();
            }
            const auto next = [this, later, last = rows.back().id](const error& why) {
              // One that has ended by itself meanwhile is in the wrong state, which is the right one.
              if (why && why.code != errc::wrong_state)
                later();
              else
                cancel_rest(last);
            };
            auto all = std::make_shared<bulk>(bulk{next, rows.size(), {}, {}});
            for (const auto& row : rows)
              one(row.id, wish::cancel, all);
          },
          [later](const caf::error&) { later(); });
}

/// With nothing left to do and every event acknowledged, a session that was invalidated is forgotten.
void session_role::look_whether_over() {
  if (phase_ == session_phase::open || recording_ > 0 || ending_ || stopping_ || !idle() || acknowledged_ < log_.last)
    return;
  if (phase_ == session_phase::cancelling && rest_ != rest::cancelled)
    return;
  // Its last batch is answered first, so that it is told that all is finished before it is told that it is over.
  if (owner_ && !owner_->is_caught_up())
    return;
  ending_ = true;
  self_->request(with_->ledger, caf::infinite, counts_atom_v, identifier())
      .then(
          [this](const session_counts& counts) {
            if (counts.suspended + counts.unfinished() + counts.unacknowledged_events > 0)
              ending_ = false;
            else
              discard_kept({});
          },
          [this](const caf::error&) { not_over_yet(); });
}

/// The parts that failed and cancelled transfers have kept go before the rows that know of them.
void session_role::discard_kept(transfer_id after) {
  list_filter ended{identifier(), {transfer_state::failed, transfer_state::cancelled}, after, page};
  self_->request(with_->ledger, caf::infinite, list_atom_v, std::move(ended))
      .then(
          [this](const std::vector<transfer_record>& rows) {
            if (rows.empty())
              return forget_session();
            for (const auto& row : rows)
              discard_part_of(row);
            discard_kept(rows.back().id);
          },
          [this](const caf::error&) { not_over_yet(); });
}

void session_role::forget_session() {
  const auto remove = [this] {
    self_->request(with_->ledger, caf::infinite, remove_atom_v, identifier())
        .then([this] { become_invalid(); },
              [this](const caf::error&) {
                // Who waits for the end need not wait for the disk.
                self_->request(engine_, caf::infinite, invalid_atom_v, identifier(), false)
                    .then([this] { not_over_yet(); }, [this](const caf::error&) { not_over_yet(); });
              });
  };
  self_->request(engine_, caf::infinite, invalid_atom_v, identifier(), true).then(remove, [this](const caf::error&) {
    not_over_yet();
  });
}

/// The ledger cannot be read or written.
void session_role::not_over_yet() {
  ending_ = false;
  look_later();
}

void session_role::become_invalid() {
  const auto tell = [this](const delegate_actor& who) { self_->send(who, invalid_atom_v, identifier(), error{}); };
  for (const auto& feed : std::exchange(watchers_, {}))
    tell(feed->delegate());
  if (const auto feed = std::exchange(owner_, nullptr))
    tell(feed->delegate());
  if (launch_asked_)
    self_->send(with_->launcher, close_atom_v, identifier());
  self_->quit();
}

caf::result<void> session_role::stop() {
  stopping_ = true;
  ready_.clear();
  dismiss_spare();
  if (active_.empty())
    return caf::unit;
  for (const auto& [id, actor] : active_)
    if (actor)
      self_->send(actor, stop_atom_v, machine::stop_reason::shutdown);
  stopped_ = self_->make_response_promise();
  return caf::delegated<void>{};
}

} // namespace bellhop
