#include "apps/bellhop/progress_model.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace bellhop::cli {

namespace {

std::optional<std::chrono::seconds> sane(double seconds) noexcept {
  constexpr double longest = std::chrono::seconds{std::chrono::hours{24 * 99}}.count();
  if (!(seconds >= 0 && seconds <= longest))
    return std::nullopt;
  return std::chrono::seconds{static_cast<std::int64_t>(std::ceil(seconds))};
}

/// Sizes come from servers, which may announce anything: kept so small that no sum over `most_active` overflows.
std::int64_t bounded(std::int64_t size) noexcept {
  constexpr std::int64_t largest = std::int64_t{1} << 50;
  return std::clamp(size, unknown_size, largest);
}

double fraction_of(const active_transfer& t) noexcept {
  if (t.total <= 0)
    return 0;
  return std::min(1.0, static_cast<double>(t.received) / static_cast<double>(t.total));
}

} // namespace

std::optional<std::chrono::seconds> time_left(std::int64_t received, std::int64_t total, std::optional<double> rate) {
  if (total < 0 || !rate || *rate <= 0)
    return std::nullopt;
  return sane(static_cast<double>(std::max<std::int64_t>(0, total - received)) / *rate);
}

progress_model::progress_model(instant begin) : begin_(begin), rate_(begin) {}

active_transfer* progress_model::follow(transfer_id id, std::string name, instant now) {
  if (const auto known = active_.find(id); known != active_.end())
    return &known->second;
  if (active_.size() >= most_active)
    return nullptr;
  return &active_.emplace(id, active_transfer{std::move(name), 0, unknown_size, now, rate_meter{now}, {}})
              .first->second;
}

void progress_model::grow(active_transfer& t, std::int64_t size, instant now) {
  const auto received = std::max<std::int64_t>(0, bounded(size));
  // A restart falls back to zero, which is no negative speed.
  if (const auto more = received - t.received; more > 0) {
    t.rate.add(static_cast<double>(more), now);
    rate_.add(static_cast<double>(more), now);
  }
  bytes_active_ += received - t.received;
  t.received = received;
}

void progress_model::started(transfer_id id, std::string name, std::int64_t received, std::int64_t total, instant now) {
  auto* t = follow(id, std::move(name), now);
  if (!t)
    return;
  const auto here = std::max<std::int64_t>(0, bounded(received));
  bytes_active_ += here - t->received;
  t->received = here;
  t->total = bounded(total);
  t->waiting.reset();
  t->rate = rate_meter{now};
}

void progress_model::progressed(transfer_id id, std::int64_t received, std::int64_t total, instant now) {
  // Progress is dropped and coalesced on its way: it may come late, and then there is nothing to be shown any more.
  const auto found = active_.find(id);
  if (found == active_.end())
    return;
  found->second.total = bounded(total);
  found->second.waiting.reset();
  grow(found->second, received, now);
}

void progress_model::waiting(transfer_id id, std::string name, wait_reason reason, std::string why,
                             std::optional<std::chrono::milliseconds> delay, instant now) {
  auto* t = follow(id, std::move(name), now);
  if (!t)
    return;
  std::optional<instant> until;
  if (delay)
    until = now + *delay;
  t->waiting = pause{reason, std::move(why), until};
}

void progress_model::end(transfer_id id, ended_transfer what, instant now) {
  std::int64_t counted = 0;
  if (const auto found = active_.find(id); found != active_.end()) {
    counted = found->second.received;
    what.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - found->second.since);
    bytes_active_ -= counted;
    active_.erase(found);
  }
  if (what.type == event_type::completed) {
    what.received = std::max<std::int64_t>(0, bounded(what.received));
    rate_.add(static_cast<double>(std::max<std::int64_t>(0, what.received - counted)), now);
    bytes_completed_ += std::min(what.received, std::numeric_limits<std::int64_t>::max() / 2 - bytes_completed_);
  }
  count(what.type);
  tell(std::move(what));
}

void progress_model::count(event_type type) {
  ++(type == event_type::completed   ? ended_.completed
     : type == event_type::cancelled ? ended_.cancelled
                                     : ended_.failed);
}

void progress_model::tell(ended_transfer what) {
  const bool good = what.type == event_type::completed;
  const auto same_kind = std::count_if(news_.shown.begin(), news_.shown.end(), [good](const ended_transfer& e) {
    return (e.type == event_type::completed) == good;
  });
  if (static_cast<std::size_t>(same_kind) < most_shown)
    news_.shown.push_back(std::move(what));
  else
    ++(good ? news_.more_completed : news_.more_failed);
}

void progress_model::completed(transfer_id id, std::string name, std::int64_t size, instant now) {
  end(id, {std::move(name), event_type::completed, size, {}, {}}, now);
}

void progress_model::failed(transfer_id id, std::string name, std::string message, instant now) {
  end(id, {std::move(name), event_type::failed, 0, {}, std::move(message)}, now);
}

void progress_model::cancelled(transfer_id id, std::string name, instant now) {
  end(id, {std::move(name), event_type::cancelled, 0, {}, "cancelled"}, now);
}

void progress_model::mention(ended_transfer what) {
  tell(std::move(what));
}

void progress_model::rejected(std::string name, std::string message) {
  count(event_type::failed);
  tell({std::move(name), event_type::failed, 0, {}, std::move(message)});
}

ended_batch progress_model::take_ended() {
  return std::exchange(news_, {});
}

std::uint64_t progress_model::transfers() const noexcept {
  return std::max(expected_, ended_.ended() + active_.size());
}

std::chrono::milliseconds progress_model::elapsed(instant now) const noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::max(now, begin_) - begin_);
}

std::optional<std::chrono::seconds> progress_model::time_left(instant now) const {
  const auto done = ended_.ended();
  const bool all_started = transfers() == done + active_.size();
  std::int64_t received = 0;
  std::int64_t total = 0;
  double fractions = 0;
  bool sizes_known = true;
  for (const auto& [id, t] : active_) {
    sizes_known = sizes_known && t.total >= 0;
    received += t.received;
    total += t.total;
    fractions += fraction_of(t);
  }
  if (all_started && sizes_known)
    return cli::time_left(received, total, rate(now));
  const auto finished = static_cast<double>(done) + fractions;
  if (finished <= 0 || !rate(now))
    return std::nullopt;
  const auto seconds = std::chrono::duration<double>(elapsed(now)).count();
  return sane(seconds * (static_cast<double>(transfers()) - finished) / finished);
}

} // namespace bellhop::cli
