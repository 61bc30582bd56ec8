#include "actors/errors.hpp"
#include "actors/session.hpp"
#include "actors/settle.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

/// The session's event log on its way to the delegate.
namespace bellhop {

namespace {

/// Events in one message.
constexpr std::uint32_t batch_size = 256;

/// Committed events kept here so that they need not be read again; more wait in the ledger.
constexpr std::size_t most_fresh = 4096;

/// Notices that wait for a delegate that is busy; the oldest are dropped.
constexpr std::size_t most_notices = 1024;

} // namespace

caf::result<void> session_role::attach(delegate_actor delegate, bool take_over) {
  if (delegate_ && delegate_ != delegate && !take_over)
    return to_caf(
        {errc::session_in_use, "the session " + identifier_ + " has a delegate already: detach it, or take over", 0});
  end_delivery();
  delegate_ = std::move(delegate);
  self_->monitor(delegate_);
  // What the last delegate did not acknowledge is delivered again.
  delivered_ = acknowledged_;
  finish_owed_ = finish_owed_ || delivered_ < last_event_;
  if (stalled_)
    self_->send(delegate_, stalled_atom_v, stalled_);
  deliver();
  return caf::unit;
}

caf::result<void> session_role::acknowledge(event_number upto) {
  if (upto > last_event_)
    return to_caf({errc::invalid_argument,
                   "event " + std::to_string(upto.value) + " cannot be acknowledged: the last event of the session " +
                       identifier_ + " is " + std::to_string(last_event_.value),
                   0});
  auto promise = self_->make_response_promise();
  self_->request(with_->ledger, caf::infinite, acknowledge_atom_v, identifier_, upto)
      .then(
          [this, promise, upto]() mutable {
            acknowledged_ = std::max(acknowledged_, upto);
            settle(promise, {});
          },
          [promise](const caf::error& why) mutable { promise.deliver(why); });
  return caf::delegated<void>{};
}

void session_role::detach() {
  end_delivery();
  moved_.clear();
  notices_.clear();
}

void session_role::end_delivery() {
  if (delegate_)
    self_->demonitor(delegate_.address());
  delegate_ = nullptr;
  ++attachment_;
  delivering_ = false;
  telling_ = false;
  fresh_.clear();
}

void session_role::stalled(const error& why) {
  const bool over = stalled_ && !why;
  stalled_ = why;
  if (delegate_)
    self_->send(delegate_, stalled_atom_v, why);
  if (over)
    look_again();
}

void session_role::keep_for_delivery(std::vector<event> events) {
  if (events.empty())
    return;
  last_event_ = events.back().seq;
  finish_owed_ = true;
  for (const auto& e : events)
    moved_.erase(e.transfer);
  if (delegate_ && fresh_.size() < most_fresh) {
    if (fresh_.empty() || fresh_.back().seq.value + 1 == events.front().seq.value)
      std::move(events.begin(), events.end(), std::back_inserter(fresh_));
  }
  deliver();
}

void session_role::deliver() {
  if (!delegate_ || delivering_)
    return;
  if (delivered_ >= last_event_)
    return tell_finished();
  while (!fresh_.empty() && fresh_.front().seq <= delivered_)
    fresh_.pop_front();
  if (!fresh_.empty() && fresh_.front().seq.value == delivered_.value + 1) {
    const auto count = std::min<std::size_t>(fresh_.size(), batch_size);
    std::vector<event> batch(std::make_move_iterator(fresh_.begin()),
                             std::make_move_iterator(fresh_.begin() + static_cast<std::ptrdiff_t>(count)));
    fresh_.erase(fresh_.begin(), fresh_.begin() + static_cast<std::ptrdiff_t>(count));
    return send_batch(std::move(batch));
  }
  delivering_ = true;
  self_->request(with_->ledger, caf::infinite, events_atom_v, identifier_, delivered_, batch_size)
      .then(
          [this, attachment = attachment_](std::vector<event>& batch) {
            if (attachment != attachment_)
              return;
            delivering_ = false;
            if (batch.empty())
              delivered_ = last_event_; // They were removed.
            send_batch(std::move(batch));
          },
          [this, attachment = attachment_](const caf::error&) {
            if (attachment != attachment_)
              return;
            delivering_ = false;
            look_later();
          });
}

void session_role::send_batch(std::vector<event> batch) {
  if (batch.empty())
    return deliver();
  delivering_ = true;
  const auto last = batch.back().seq;
  self_->request(delegate_, caf::infinite, events_atom_v, std::move(batch))
      .then(
          [this, last, attachment = attachment_] {
            if (attachment != attachment_)
              return;
            delivered_ = last;
            delivering_ = false;
            deliver();
          },
          // A delegate that refuses a batch is not asked again until it attaches anew; the events are kept.
          [this, attachment = attachment_](const caf::error&) {
            if (attachment == attachment_)
              detach();
          });
}

void session_role::tell_finished() {
  if (!finish_owed_ || !idle() || stopping_)
    return;
  finish_owed_ = false;
  self_->send(delegate_, did_finish_atom_v, identifier_);
}

void session_role::add_news(std::vector<progress> moved, std::optional<notice> news) {
  if (!delegate_)
    return;
  for (auto& how_far : moved)
    if (active_.contains(how_far.transfer))
      moved_.insert_or_assign(how_far.transfer, how_far);
  if (news)
    notices_.push_back(std::move(*news));
  if (notices_.size() > most_notices)
    notices_.pop_front();
  send_news();
}

void session_role::send_news() {
  if (telling_ || (moved_.empty() && notices_.empty()))
    return;
  telling_ = true;
  std::vector<progress> moved;
  moved.reserve(moved_.size());
  for (auto& entry : moved_)
    moved.push_back(entry.second);
  moved_.clear();
  std::vector<notice> notices(std::make_move_iterator(notices_.begin()), std::make_move_iterator(notices_.end()));
  notices_.clear();
  const auto on_answer = [this, attachment = attachment_] {
    if (attachment != attachment_)
      return;
    telling_ = false;
    send_news();
  };
  self_->request(delegate_, caf::infinite, news_atom_v, std::move(moved), std::move(notices))
      .then(on_answer, [on_answer](const caf::error&) { on_answer(); });
}

} // namespace bellhop
