#include "core/event_inbox.hpp"

#include <algorithm>
#include <iterator>

namespace bellhop {

namespace {

template <class T>
std::vector<T> taken(std::deque<T>& from, std::size_t most) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(from.size(), most));
  std::vector<T> out(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
  return out;
}

} // namespace

void event_inbox::add(event e) {
  if (e.seq <= newest_)
    return;
  // Once one was left out, so are those after it until it is here.
  const bool in_order = newest_ == position_;
  newest_ = e.seq;
  moved_.erase(e.transfer);
  if (in_order && pending_.size() < most_events)
    append(std::move(e));
}

void event_inbox::add_missing(std::vector<event> log, event_number newest) {
  // The log has them no more: they were removed.
  if (log.empty())
    position_ = std::max(position_, newest);
  for (auto& e : log)
    if (e.seq > position_)
      append(std::move(e));
  newest_ = std::max(newest_, position_);
}

void event_inbox::append(event e) {
  position_ = e.seq;
  pending_.push_back(std::move(e));
}

void event_inbox::add(const std::vector<progress>& moved) {
  for (const auto& how_far : moved)
    moved_.insert_or_assign(how_far.transfer, how_far);
}

void event_inbox::add(notice news) {
  notices_.push_back(std::move(news));
  if (notices_.size() > most_notices)
    notices_.pop_front();
}

std::vector<event> event_inbox::take_batch() {
  return taken(pending_, batch_size);
}

std::pair<std::vector<progress>, std::vector<notice>> event_inbox::take_news() {
  std::vector<progress> moved;
  moved.reserve(moved_.size());
  for (const auto& entry : moved_)
    moved.push_back(entry.second);
  moved_.clear();
  return {std::move(moved), taken(notices_, notices_.size())};
}

} // namespace bellhop
