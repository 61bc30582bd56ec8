#include "actors/errors.hpp"
#include "actors/session.hpp"
#include "actors/transfer.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

/// The session's window of active transfers.
namespace bellhop {

namespace {

/// Rows fetched from the ledger at once.
constexpr std::uint32_t page = 256;

/// When a ledger that could not be read is asked again.
constexpr std::chrono::seconds pause_after_error{1};

/// Retries that fall due close together are looked for together.
constexpr std::chrono::milliseconds shortest_timer{20};

/// The wall clock may be set while a timer runs: look at it at least this often.
constexpr std::chrono::minutes longest_timer{1};

/// How many actors a session keeps. More than may be on the wire, so that the network has the next ones at hand while
/// the last ones are being published and recorded.
std::size_t window_of(const session_configuration& configuration) {
  const std::size_t wire = configuration.max_active;
  return wire + std::clamp<std::size_t>(wire * 3, 32, 256);
}

} // namespace

void session_role::refill() {
  start_ready();
  if (stopping_ || asking_ || exhausted_ || ready_.size() >= page / 2)
    return;
  asking_ = true;
  self_->request(with_->ledger, caf::infinite, ready_atom_v, identifier(), cursor_, page)
      .then(
          [this](ready_batch& batch) {
            asking_ = false;
            take(std::move(batch));
          },
          [this](const caf::error& why) {
            asking_ = false;
            ask_again_ = false;
            exhausted_ = true;
            tell_stalled(from_caf(why));
            look_later();
          });
}

void session_role::take(ready_batch batch) {
  if (!batch.records.empty())
    cursor_ = {batch.records.back().request.priority, batch.records.back().id};
  exhausted_ = batch.records.size() < page;
  // What came due while pages were read stands before the cursor, perhaps.
  const bool overdue = next_due_ != time_point{} && next_due_ <= with_->now();
  if (!overdue)
    schedule(batch.next_due);
  for (auto& record : batch.records)
    if (!active_.contains(record.id) && !held_.contains(record.id))
      ready_.push_back(std::move(record));
  // First use what is here: else requests that never pause would keep everything from starting.
  start_ready();
  if (std::exchange(ask_again_, false) || overdue)
    look_again();
  else
    refill();
  deliver();
  look_whether_done();
}

void session_role::start_ready() {
  const auto window = window_of(*configuration_);
  while (may_start() && !ready_.empty() && active_.size() < window) {
    auto record = std::move(ready_.front());
    ready_.pop_front();
    begin(std::move(record));
  }
}

bool session_role::may_start() const noexcept {
  return !stopping_ && !paused_ && phase_ != session_phase::cancelling;
}

void session_role::begin(transfer_record record) {
  const auto id = record.id;
  if (spare_.empty())
    spare_.push_back(
        self_->spawn<caf::monitored>(transfer_behavior, transfer_setting{with_, me(), configuration_, ledger_id_}));
  auto actor = std::move(spare_.back());
  spare_.pop_back();
  self_->send(actor, start_atom_v, std::move(record), id <= last_recovered_);
  active_.emplace(id, std::move(actor));
}

/// Its end is committed: the actor may take the next one.
void session_role::retire(transfer_id id) {
  auto node = active_.extract(id);
  if (node.empty() || !node.mapped())
    return;
  if (stopping_)
    self_->send_exit(node.mapped(), caf::exit_reason::user_shutdown);
  else
    spare_.push_back(std::move(node.mapped()));
}

/// With nothing to do, a session costs no actors.
void session_role::dismiss_spare() {
  for (const auto& actor : std::exchange(spare_, {}))
    self_->send_exit(actor, caf::exit_reason::user_shutdown);
}

/// New rows, or rows made ready again, may stand before the cursor: begin at the front; what is active is skipped.
void session_role::look_again() {
  if (asking_) {
    ask_again_ = true;
    return;
  }
  ready_.clear();
  cursor_ = {};
  exhausted_ = false;
  // All that is due by now will be found; the answer says what comes next.
  schedule({});
  refill();
}

/// The ledger could not be read.
void session_role::look_later() {
  const auto then = with_->now() + pause_after_error;
  if (next_due_ == time_point{} || then < next_due_ || next_due_ <= with_->now())
    schedule(then);
}

void session_role::schedule(time_point due) {
  next_due_ = due;
  ++due_generation_;
  if (due == time_point{})
    return;
  const auto pause = std::clamp<duration>(due - with_->now(), shortest_timer, longest_timer);
  self_->delayed_send(self_, pause, due_atom_v, due_generation_);
}

void session_role::due(std::uint64_t generation) {
  if (generation != due_generation_ || stopping_)
    return;
  if (with_->now() < next_due_)
    return schedule(next_due_);
  look_again();
  // Reading the log may have failed, too.
  deliver();
}

void session_role::ended(const std::vector<event>& events) {
  for (const auto& e : events) {
    retire(e.transfer);
    forget_ready(e.transfer);
    stop_waiting_for(e.transfer);
  }
  go_on();
}

/// A transfer is at rest again without having ended: waiting, or stopped as it was told.
void session_role::left(transfer_id id) {
  retire(id);
  if (!stopping_)
    stop_waiting_for(id);
  go_on();
}

/// Stopped as it was told, or it had ended before.
void session_role::released(transfer_id id) {
  const bool wished = wishes_.contains(id);
  left(id);
  // It is among the queued again, before the cursor, unless its wishes are granted first.
  if (!wished && may_start())
    look_again();
}

/// The window has room: let the next ones in, or see that nothing is left.
void session_role::go_on() {
  if (stopping_ && active_.empty() && stopped_.pending())
    stopped_.deliver(caf::unit);
  if (active_.empty() && !pausing_.empty())
    off_the_wire();
  refill();
  if (active_.empty() && (ready_.empty() || !may_start()) && !asking_)
    dismiss_spare();
}

void session_role::crashed(const caf::down_msg& down) {
  if (!down.reason || down.reason == caf::exit_reason::normal)
    return;
  const auto i = std::find_if(active_.begin(), active_.end(),
                              [&](const auto& entry) { return entry.second.address() == down.source; });
  if (i == active_.end()) {
    std::erase_if(spare_, [&](const auto& actor) { return actor.address() == down.source; });
    return;
  }
  i->second = nullptr;
  // A bug in one transfer must not stop the others, nor be repeated without end.
  self_->request(with_->ledger, caf::infinite, find_atom_v, i->first)
      .then([this, why = from_caf(down.reason)](transfer_record& record) {
        record.last_error = {errc::internal, why.message, 0};
        if (++record.failures < 3) {
          record.waiting_for = wait_reason::backoff;
          record.retry_at = with_->now() + configuration_->retry.base;
          self_->send(with_->ledger, waiting_atom_v, std::move(record), me());
          return;
        }
        discard_part_of(record);
        outcome how;
        how.type = event_type::failed;
        how.why = record.last_error;
        self_->send(with_->ledger, finish_atom_v, record.id, std::move(how), me());
      });
}

bool session_role::idle() const noexcept {
  return active_.empty() && ready_.empty() && held_.empty() && exhausted_ && !asking_ && submitting_ == 0 &&
         next_due_ == time_point{};
}

} // namespace bellhop
