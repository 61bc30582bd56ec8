#include "core/admission.hpp"

#include <cmath>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace bellhop {

namespace {

/// The order within a session: greater priority, then earlier submission.
struct rank {
  double priority;
  std::uint64_t order;
  attempt_id id;

  friend bool operator<(const rank& a, const rank& b) noexcept {
    return std::tie(b.priority, a.order, a.id) < std::tie(a.priority, b.order, b.id);
  }
};

struct host_queue {
  std::set<rank> waiting;
  std::uint32_t active = 0;
  /// The rank under which the host stands in its session's `ready`.
  std::optional<rank> listed;
};

struct session_queue {
  std::unordered_map<std::string, host_queue> hosts;
  /// The best of each host that is below its bound.
  std::set<std::pair<rank, host_queue*>> ready;
  std::uint32_t active = 0;
  std::uint32_t max_active = 0;
  std::uint32_t max_per_host = 0;
  /// When it was served last, or came: the least goes next.
  std::uint64_t turn = 0;
  bool runnable = false;
};

} // namespace

struct admission::impl {
  struct entry {
    session_queue* session;
    host_queue* host;
    rank at;
    bool active;
    const std::string* session_name;
    const std::string* host_name;
  };

  std::uint32_t max_total;
  std::uint32_t total_active = 0;
  std::uint64_t turns = 0;
  std::unordered_map<std::string, session_queue> sessions;
  std::set<std::pair<std::uint64_t, session_queue*>> runnable;
  std::unordered_map<attempt_id, entry> entries;

  /// Brings a host's place in its session's order up to date after anything about it changed.
  void refresh(session_queue& session, host_queue& host) {
    if (host.listed)
      session.ready.erase({*host.listed, &host});
    host.listed.reset();
    if (host.waiting.empty() || host.active >= session.max_per_host)
      return;
    host.listed = *host.waiting.begin();
    session.ready.emplace(*host.listed, &host);
  }

  void refresh(session_queue& session) {
    const bool can_run = session.active < session.max_active && !session.ready.empty();
    if (can_run == session.runnable)
      return;
    session.runnable = can_run;
    if (can_run)
      runnable.emplace(session.turn, &session);
    else
      runnable.erase({session.turn, &session});
  }

  void take_bounds(session_queue& session, const admission_candidate& candidate) {
    session.max_active = candidate.max_active;
    if (std::exchange(session.max_per_host, candidate.max_per_host) != candidate.max_per_host)
      for (auto& [name, host] : session.hosts)
        refresh(session, host);
  }

  void forget_if_empty(const entry& gone) {
    if (gone.host->waiting.empty() && gone.host->active == 0)
      gone.session->hosts.erase(*gone.host_name);
    if (gone.session->hosts.empty())
      sessions.erase(*gone.session_name);
  }
};

admission::admission(std::uint32_t max_total) : impl_(std::make_unique<impl>()) {
  impl_->max_total = max_total;
}

admission::~admission() = default;
admission::admission(admission&&) noexcept = default;
admission& admission::operator=(admission&&) noexcept = default;

void admission::limit(std::uint32_t max_total) noexcept {
  impl_->max_total = max_total;
}

void admission::add(admission_candidate candidate) {
  if (impl_->entries.contains(candidate.id))
    return;
  const auto [session_at, is_new] = impl_->sessions.try_emplace(candidate.session);
  auto& session = session_at->second;
  // A session that comes anew waits for its turn like those that are here, or it would gain by coming and going.
  if (is_new)
    session.turn = ++impl_->turns;
  impl_->take_bounds(session, candidate);

  const auto host_at = session.hosts.try_emplace(candidate.host).first;
  auto& host = host_at->second;
  // A NaN has no place in an order.
  const rank at{std::isnan(candidate.priority) ? 0.0 : candidate.priority, candidate.order, candidate.id};
  host.waiting.insert(at);
  impl_->entries.emplace(candidate.id, impl::entry{&session, &host, at, false, &session_at->first, &host_at->first});
  impl_->refresh(session, host);
  impl_->refresh(session);
}

std::optional<attempt_id> admission::next() {
  auto& self = *impl_;
  if (self.total_active >= self.max_total || self.runnable.empty())
    return {};
  auto& session = *self.runnable.begin()->second;
  auto& host = *session.ready.begin()->second;
  const auto id = session.ready.begin()->first.id;

  self.runnable.erase(self.runnable.begin());
  session.runnable = false;
  session.turn = ++self.turns;
  host.waiting.erase(host.waiting.begin());
  ++host.active;
  ++session.active;
  ++self.total_active;
  self.entries.at(id).active = true;
  self.refresh(session, host);
  self.refresh(session);
  return id;
}

void admission::remove(attempt_id id) {
  auto& self = *impl_;
  const auto found = self.entries.find(id);
  if (found == self.entries.end())
    return;
  const auto gone = found->second;
  self.entries.erase(found);
  if (gone.active) {
    --gone.host->active;
    --gone.session->active;
    --self.total_active;
  } else {
    gone.host->waiting.erase(gone.at);
  }
  self.refresh(*gone.session, *gone.host);
  self.refresh(*gone.session);
  self.forget_if_empty(gone);
}

std::size_t admission::waiting() const noexcept {
  return impl_->entries.size() - impl_->total_active;
}

std::size_t admission::active() const noexcept {
  return impl_->total_active;
}

} // namespace bellhop
