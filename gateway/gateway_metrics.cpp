#include "gateway/gateway_metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <sstream>
#include <utility>

namespace bellhop {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

double seconds(std::chrono::microseconds t) {
  return std::chrono::duration<double>(t).count();
}

/// Gathers families; values are added to the last one.
class page {
public:
  void family(std::string name, std::string help, MetricType type) {
    families_.push_back({"bellhop_" + std::move(name), std::move(help), type, {}});
  }

  void value(double v, labels with = {}) {
    ClientMetric metric;
    metric.label = std::move(with);
    if (families_.back().type == MetricType::Counter)
      metric.counter.value = v;
    else
      metric.gauge.value = v;
    families_.back().metric.push_back(std::move(metric));
  }

  void histogram(const duration_histogram& from) {
    ClientMetric metric;
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < from.bounds.size(); ++i) {
      so_far += from.in_step(i);
      metric.histogram.bucket.push_back({so_far, seconds(from.bounds[i])});
    }
    metric.histogram.sample_count = so_far + from.in_step(from.bounds.size());
    metric.histogram.sample_sum = seconds(from.sum());
    families_.back().metric.push_back(std::move(metric));
  }

  void counter_of(std::string name, std::string help, std::uint64_t v) {
    family(std::move(name), std::move(help), MetricType::Counter);
    value(static_cast<double>(v));
  }

  void gauge_of(std::string name, std::string help, double v) {
    family(std::move(name), std::move(help), MetricType::Gauge);
    value(v);
  }

  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, families_);
    return std::move(out).str();
  }

private:
  std::vector<MetricFamily> families_;
};

void add_sessions(page& to, const metrics_snapshot& from) {
  to.gauge_of("sessions", "Sessions of the state directory.", static_cast<double>(from.sessions));
  to.gauge_of("sessions_attached", "Sessions with a delegate.", static_cast<double>(from.sessions_attached));
  to.gauge_of("transfers_active", "Queued transfers that an actor works on.", static_cast<double>(from.active));
  to.gauge_of("events_unacknowledged", "Events that no program has acknowledged.",
              static_cast<double>(from.transfers.unacknowledged_events));
  to.family("transfers", "Transfers by state; active ones are among the queued.", MetricType::Gauge);
  const auto& n = from.transfers;
  for (const auto& [state, count] :
       {std::pair{"suspended", n.suspended}, std::pair{"queued", n.queued}, std::pair{"waiting", n.waiting},
        std::pair{"completed", n.completed}, std::pair{"failed", n.failed}, std::pair{"cancelled", n.cancelled}})
    to.value(static_cast<double>(count), {{"state", state}});
}

void add_engine(page& to, const engine_metrics& from) {
  to.counter_of("attempts_total", "Attempts that went on the wire.", from.attempts.value());
  to.counter_of("received_bytes_total", "Bytes of bodies from the network.", from.received_bytes.value());
  to.family("waits_total", "Attempts that ended in a wait, by its cause.", MetricType::Counter);
  for (auto reason = wait_reason::backoff; reason <= wait_reason::needs_credential;
       reason = static_cast<wait_reason>(static_cast<int>(reason) + 1))
    to.value(static_cast<double>(from.waits[static_cast<std::size_t>(reason)].value()),
             {{"cause", std::string{to_string(reason)}}});
  to.gauge_of("attempts_on_the_wire", "Attempts that have a slot.", static_cast<double>(from.on_the_wire.value()));
  to.gauge_of("attempts_waiting", "Attempts that wait for a slot.", static_cast<double>(from.waiting_for_slot.value()));
  to.counter_of("ledger_writes_total", "Writes that the ledger has committed.", from.committed_writes.value());
  to.family("ledger_commit_seconds", "How long commits took.", MetricType::Histogram);
  to.histogram(from.commits);
}

void add_gateway(page& to, const metrics_snapshot& from) {
  to.gauge_of("uptime_seconds", "Since the gateway was made.", from.uptime_s);
  to.gauge_of("connections", "Connections that are open.", static_cast<double>(from.connections));
  to.counter_of("connections_accepted_total", "Connections that were served.", from.connections_accepted);
  to.counter_of("connections_refused_total", "Connections over the bound, or of other users.",
                from.connections_refused);
  to.gauge_of("bulk_submits_waiting", "Bulk submits that wait for their turn.",
              static_cast<double>(from.bulk_submits_waiting));
  to.gauge_of("event_readers", "Streams of events that are open.", static_cast<double>(from.gateway->readers));
  to.gauge_of("event_readers_attached", "Those of them that are a session's delegate.",
              static_cast<double>(from.gateway->attached_readers));
  to.counter_of("event_readers_dropped_total", "Streams that were ended since they were not read.",
                from.gateway->dropped_readers);
  to.counter_of("events_sent_total", "Events that readers have taken.", from.gateway->events_sent);
  to.family("http_requests_total", "Requests by route and status.", MetricType::Counter);
  for (const auto& [what, times] : from.gateway->requests)
    to.value(static_cast<double>(times),
             {{"method", what.method}, {"route", what.path}, {"status", std::to_string(what.status)}});
}

} // namespace

std::string to_metrics_text(const metrics_snapshot& from) {
  page all;
  if (from.has_sessions)
    add_sessions(all, from);
  if (from.engine)
    add_engine(all, *from.engine);
  add_gateway(all, from);
  return all.text();
}

} // namespace bellhop
