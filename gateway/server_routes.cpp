#include "gateway/routes.hpp"

#include <unistd.h>

/// How the daemon itself is.
namespace bellhop {

namespace {

/// A scrape does not wait longer for an engine that is busy; it tells the rest.
constexpr std::chrono::seconds scrape_patience{5};

std::chrono::duration<double> uptime(const gateway_context& with) {
  return std::chrono::steady_clock::now() - with.started_at;
}

void add(session_counts& sum, const session_counts& one) {
  sum.suspended += one.suspended;
  sum.queued += one.queued;
  sum.waiting += one.waiting;
  sum.completed += one.completed;
  sum.failed += one.failed;
  sum.cancelled += one.cancelled;
  sum.unacknowledged_events += one.unacknowledged_events;
}

asio::awaitable<void> look_at_sessions(call& c, metrics_snapshot& out) {
  const caf::duration patience{scrape_patience};
  const auto all =
      co_await c.with.ask.ask_within<std::vector<session_summary>>(patience, c.with.engine, sessions_atom_v);
  for (const auto& [record, counts] : all) {
    add(out.transfers, counts);
    const auto session =
        co_await c.with.ask.ask_within<session_actor>(patience, c.with.engine, find_atom_v, record.identifier);
    const auto now = co_await c.with.ask.ask_within<session_status>(patience, session, status_atom_v);
    out.active += now.active;
    out.sessions_attached += now.attached ? 1 : 0;
  }
  out.sessions = all.size();
  out.has_sessions = true;
}

} // namespace

asio::awaitable<void> get_health(call& c) {
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  const json body{{"status", c.with.stopping ? "stopping" : "ok"},
                  {"version", BELLHOP_VERSION},
                  {"pid", ::getpid()},
                  {"uptime_s", static_cast<std::int64_t>(uptime(c.with).count())}};
  co_await c.to.answer(json_response(200, body));
}

asio::awaitable<void> get_metrics(call& c) {
  c.parameters.expect_no_more();
  co_await read_nothing(c);
  metrics_snapshot snapshot;
  try {
    co_await look_at_sessions(c, snapshot);
  } catch (const failure&) {
    // A session that has just gone, or an engine that is too busy: the rest is told.
  }
  snapshot.gateway = &c.with.metrics;
  snapshot.engine = c.with.options.metrics.get();
  snapshot.connections = c.with.server->connections();
  snapshot.connections_accepted = c.with.server->counts().accepted.value();
  snapshot.connections_refused = c.with.server->counts().refused.value();
  snapshot.bulk_submits_waiting = c.with.bulk_submits.waiting();
  snapshot.uptime_s = uptime(c.with).count();
  response text;
  text.type = "text/plain; version=0.0.4; charset=utf-8";
  text.body = to_metrics_text(snapshot);
  co_await c.to.answer(std::move(text));
}

} // namespace bellhop
