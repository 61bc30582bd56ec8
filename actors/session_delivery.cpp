#include "actors/errors.hpp"
#include "actors/session.hpp"
#include "actors/settle.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <utility>

/// The session's event log on its way to the delegate, and to those who watch.
namespace bellhop {

// -- who is told ------------------------------------------------------------------------------------------------------

caf::result<void> session_role::attach(const delegate_actor& delegate, bool take_over) {
  const auto before = owner_ ? owner_->delegate() : delegate_actor{};
  if (before && before != delegate) {
    if (!take_over)
      return to_caf({errc::session_in_use,
                     "the session " + identifier() + " has a delegate already: detach it, or take over", 0});
    self_->send(before, detached_atom_v,
                error{errc::session_in_use, "another delegate has taken over the session " + identifier(), 0});
  }
  // What the last delegate did not acknowledge is delivered again.
  owner_ = feed(delegate, acknowledged_);
  if (before)
    let_go(before);
  feeds_changed();
  finish_owed_ = finish_owed_ || acknowledged_ < log_.last;
  owner_->deliver();
  look_whether_done();
  return caf::unit;
}

void session_role::detach() {
  if (!owner_)
    return;
  const auto before = std::exchange(owner_, nullptr);
  let_go(before->delegate());
  feeds_changed();
  look_whether_done();
}

caf::result<void> session_role::watch(const delegate_actor& who, event_number after) {
  watchers_.push_back(feed(who, std::min(after, log_.last)));
  feeds_changed();
  watchers_.back()->deliver();
  return caf::unit;
}

std::shared_ptr<event_feed> session_role::feed(const delegate_actor& to, event_number delivered) {
  self_->monitor(to);
  if (stalled_)
    self_->send(to, stalled_atom_v, stalled_);
  event_feed::host& session = *this;
  return std::make_shared<event_feed>(self_, with_->ledger, log_, session, to, delivered);
}

/// The end of whoever has no feed any more is of no interest.
void session_role::let_go(const delegate_actor& who) {
  const auto is_told = [&](const auto& feed) { return feed && feed->delegate() == who; };
  if (!is_told(owner_) && std::none_of(watchers_.begin(), watchers_.end(), is_told))
    self_->demonitor(who.address());
}

void session_role::feeds_changed() {
  const auto count = watchers_.size() + (owner_ ? 1 : 0);
  log_.shared = count > 1;
  if (count == 0)
    log_.tail.clear();
}

/// True if it was somebody who was told of this session.
bool session_role::is_down(const caf::actor_addr& who) {
  const auto gone = std::erase_if(watchers_, [&](const auto& feed) { return feed->delegate().address() == who; });
  const bool owned = owner_ && owner_->delegate().address() == who;
  if (owned)
    detach();
  else if (gone > 0)
    feeds_changed();
  return owned || gone > 0;
}

// -- what is told -----------------------------------------------------------------------------------------------------

void session_role::deliver() {
  for (const auto& feed : watchers_)
    feed->deliver();
  if (owner_)
    owner_->deliver();
}

void session_role::keep_for_delivery(std::vector<event> events) {
  if (events.empty())
    return;
  log_.last = events.back().seq;
  finish_owed_ = true;
  for (const auto& feed : watchers_)
    feed->forget_progress(events);
  if (owner_)
    owner_->forget_progress(events);
  if (owner_ || !watchers_.empty())
    log_.append(std::move(events));
  deliver();
  look_whether_done();
}

void session_role::add_progress(std::vector<progress>& moved) {
  if (!owner_ && watchers_.empty())
    return;
  std::erase_if(moved, [this](const auto& how_far) { return !active_.contains(how_far.transfer); });
  for (const auto& feed : watchers_)
    feed->add(moved);
  if (owner_)
    owner_->add(moved);
}

void session_role::add_notice(notice& news) {
  for (const auto& feed : watchers_)
    feed->add(news);
  if (owner_)
    owner_->add(std::move(news));
}

void session_role::tell_stalled(const error& why) {
  for (const auto& feed : watchers_)
    self_->send(feed->delegate(), stalled_atom_v, why);
  if (owner_)
    self_->send(owner_->delegate(), stalled_atom_v, why);
}

void session_role::stalled(const error& why) {
  const bool over = stalled_ && !why;
  stalled_ = why;
  tell_stalled(why);
  if (over)
    look_again();
}

caf::result<void> session_role::acknowledge(event_number upto) {
  if (upto > log_.last)
    return to_caf({errc::invalid_argument,
                   "event " + std::to_string(upto.value) + " cannot be acknowledged: the last event of the session " +
                       identifier() + " is " + std::to_string(log_.last.value),
                   0});
  auto promise = self_->make_response_promise();
  self_->request(with_->ledger, caf::infinite, acknowledge_atom_v, identifier(), upto)
      .then(
          [this, promise, upto]() mutable {
            acknowledged_ = std::max(acknowledged_, upto);
            settle(promise, {});
            look_whether_done();
          },
          [promise](const caf::error& why) mutable { promise.deliver(why); });
  return caf::delegated<void>{};
}

// -- what the feeds tell ----------------------------------------------------------------------------------------------

void session_role::caught_up() {
  look_whether_done();
}

void session_role::refused(const event_feed& feed) {
  if (&feed == owner_.get())
    return detach();
  const auto who = feed.delegate();
  std::erase_if(watchers_, [&](const auto& each) { return each.get() == &feed; });
  let_go(who);
  feeds_changed();
}

void session_role::could_not_read() {
  look_later();
}

} // namespace bellhop
