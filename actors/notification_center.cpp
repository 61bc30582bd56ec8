#include "actors/notification_center.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <utility>

namespace bellhop {

notification_center_actor::behavior_type notification_center_role::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) {
    std::erase_if(observers_, [&](const auto& entry) { return entry.second.address() == down.source; });
  });
  return {
      [this](observe_atom, const std::string& what, const observer_actor& observer) { observe(what, observer); },
      [this](post_atom, const notification& news) { post(news); },
      [this](counts_atom) { return dropped_; },
  };
}

void notification_center_role::observe(const std::string& what, const observer_actor& observer) {
  self_->monitor(observer);
  observers_.emplace(what, observer);
  const auto for_it =
      std::stable_partition(kept_.begin(), kept_.end(), [&](const auto& news) { return news.name != what; });
  for (auto i = for_it; i != kept_.end(); ++i)
    self_->send(observer, std::move(*i));
  kept_.erase(for_it, kept_.end());
}

void notification_center_role::post(const notification& news) {
  const auto [first, last] = observers_.equal_range(news.name);
  if (first == last) {
    kept_.push_back(news);
    if (kept_.size() > most_kept) {
      kept_.pop_front();
      ++dropped_;
    }
    return;
  }
  for (auto i = first; i != last; ++i)
    self_->send(i->second, news);
}

notification_center_actor::behavior_type
notification_center_behavior(notification_center_actor::stateful_pointer<notification_center_role> self) {
  return self->state.make_behavior();
}

} // namespace bellhop
