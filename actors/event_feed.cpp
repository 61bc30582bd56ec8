#include "actors/event_feed.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace bellhop {

namespace {

/// Events in one message.
constexpr std::uint32_t batch_size = 256;

/// Committed events kept at hand so that they need not be read again; more wait in the ledger.
constexpr std::size_t longest_tail = 4096;

/// Notices that wait for a delegate that is busy; the oldest are dropped.
constexpr std::size_t most_notices = 1024;

} // namespace

// -- the log ----------------------------------------------------------------------------------------------------------

void event_log::append(std::vector<event> events) {
  if (!tail.empty() && tail.back().seq.value + 1 != events.front().seq.value)
    tail.clear();
  std::move(events.begin(), events.end(), std::back_inserter(tail));
  while (tail.size() > longest_tail)
    tail.pop_front();
}

std::vector<event> event_log::take(event_number after) {
  if (!shared)
    while (!tail.empty() && tail.front().seq <= after)
      tail.pop_front();
  if (tail.empty() || after.value + 1 < tail.front().seq.value || after >= tail.back().seq)
    return {};
  const auto first = tail.begin() + static_cast<std::ptrdiff_t>(after.value + 1 - tail.front().seq.value);
  const auto end = first + std::min<std::ptrdiff_t>(batch_size, tail.end() - first);
  if (shared)
    return {first, end};
  std::vector<event> batch(std::make_move_iterator(first), std::make_move_iterator(end));
  tail.erase(first, end);
  return batch;
}

// -- events -----------------------------------------------------------------------------------------------------------

event_feed::event_feed(session_control_actor::pointer self, const ledger_actor& ledger, event_log& log, host& session,
                       delegate_actor to, event_number delivered)
    : self_(self), ledger_(ledger), log_(log), host_(session), to_(std::move(to)), delivered_(delivered) {}

void event_feed::deliver() {
  if (delivering_)
    return;
  if (delivered_ >= log_.last)
    return host_.caught_up();
  auto batch = log_.take(delivered_);
  if (batch.empty())
    read_from_ledger();
  else
    send_batch(std::move(batch));
}

void event_feed::read_from_ledger() {
  delivering_ = true;
  self_->request(ledger_, caf::infinite, events_atom_v, log_.identifier, delivered_, batch_size)
      .then(
          [weak = weak_from_this()](std::vector<event>& batch) {
            const auto feed = weak.lock();
            if (!feed)
              return;
            feed->delivering_ = false;
            if (!batch.empty())
              return feed->send_batch(std::move(batch));
            feed->delivered_ = feed->log_.last; // They were removed.
            feed->deliver();
          },
          [weak = weak_from_this()](const caf::error&) {
            const auto feed = weak.lock();
            if (!feed)
              return;
            feed->delivering_ = false;
            feed->host_.could_not_read();
          });
}

void event_feed::send_batch(std::vector<event> batch) {
  delivering_ = true;
  const auto last = batch.back().seq;
  self_->request(to_, caf::infinite, events_atom_v, std::move(batch))
      .then(
          [weak = weak_from_this(), last] {
            const auto feed = weak.lock();
            if (!feed)
              return;
            feed->delivered_ = last;
            feed->delivering_ = false;
            feed->deliver();
          },
          [weak = weak_from_this()](const caf::error&) {
            if (const auto feed = weak.lock())
              feed->host_.refused(*feed);
          });
}

// -- news -------------------------------------------------------------------------------------------------------------

void event_feed::add(const std::vector<progress>& moved) {
  for (const auto& how_far : moved)
    moved_.insert_or_assign(how_far.transfer, how_far);
  send_news();
}

void event_feed::add(notice news) {
  notices_.push_back(std::move(news));
  if (notices_.size() > most_notices)
    notices_.pop_front();
  send_news();
}

void event_feed::forget_progress(const std::vector<event>& ended) {
  if (moved_.empty())
    return;
  for (const auto& e : ended)
    moved_.erase(e.transfer);
}

void event_feed::send_news() {
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
  const auto on_answer = [weak = weak_from_this()] {
    const auto feed = weak.lock();
    if (!feed)
      return;
    feed->telling_ = false;
    feed->send_news();
  };
  self_->request(to_, caf::infinite, news_atom_v, std::move(moved), std::move(notices))
      .then(on_answer, [on_answer](const caf::error&) { on_answer(); });
}

} // namespace bellhop
