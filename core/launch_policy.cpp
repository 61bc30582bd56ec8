#include "core/launch_policy.hpp"

#include <algorithm>

namespace bellhop::launch {

using namespace std::chrono;

namespace {

constexpr milliseconds base = seconds{1};
constexpr milliseconds cap = minutes{10};

} // namespace

milliseconds delay(std::uint32_t failures, double jitter) noexcept {
  auto bound = base;
  for (std::uint32_t i = 1; i < failures && bound < cap; ++i)
    bound = std::min(bound * 2, cap);
  const double share = 0.5 + std::clamp(jitter, 0.0, 1.0) / 2;
  return milliseconds{static_cast<std::int64_t>(static_cast<double>(bound.count()) * share)};
}

outputs machine::step(const input& what, const environment& world) {
  const auto before = status();
  std::visit([&](const auto& each) { take(each, world); }, what);
  outputs out;
  next(world, out);
  out.tell = status() != before;
  return out;
}

void machine::take(const in::wanted&, const environment&) {
  wanted_ = true;
}

void machine::take(const in::closed&, const environment&) {
  wanted_ = false;
  closed_ = true;
  forgive_if_done();
}

void machine::take(const in::completed&, const environment&) {
  completed_ = true;
  forgive_if_done();
}

/// A handler that is called by another program than ours ends the back-off too.
void machine::forgive_if_done() {
  if (alive_ && !(completed_ && closed_))
    return;
  if (completed_)
    forgive();
}

void machine::forgive() {
  failures_ = 0;
  last_error_ = {};
  not_before_ = {};
}

void machine::take(const in::started& news, const environment&) {
  pid_ = news.pid;
}

void machine::take(const in::ended& news, const environment& world) {
  if (!alive_)
    return;
  alive_ = false;
  pid_ = 0;
  if (completed_ && closed_) {
    not_before_ = started_at_ + shortest_interval;
    return;
  }
  ++failures_;
  last_error_ = news.how;
  not_before_ = world.now + delay(failures_, world.jitter);
}

void machine::next(const environment& world, outputs& out) {
  if (alive_)
    return;
  // A clock that was set back only delays.
  not_before_ = std::min<time_point>(not_before_, world.now + cap);
  if (world.now < not_before_) {
    out.wake_after = not_before_ - world.now;
    return;
  }
  not_before_ = {};
  if (!wanted_) {
    forgive();
    return;
  }
  alive_ = true;
  started_at_ = world.now;
  closed_ = completed_ = false;
  out.start = true;
}

launch_status machine::status() const {
  launch_status told;
  told.pid = pid_;
  if (alive_ && !completed_)
    told.state = launch_state::running;
  else if (wanted_ && !alive_)
    told.state = launch_state::backing_off;
  if (told.state == launch_state::backing_off)
    told.next_at = not_before_;
  // Whether the last end was a failure is open until the program is wanted again.
  if (told.state != launch_state::none) {
    told.failures = failures_;
    told.last_error = last_error_;
  }
  return told;
}

} // namespace bellhop::launch
