#include "core/json.hpp"

#include "core/base64.hpp"
#include "core/hidden.hpp"
#include "core/text.hpp"
#include "core/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bellhop {

namespace {

/// JSON text is UTF-8; paths and what servers send need not be.
json text(std::string_view s) {
  return to_utf8(s);
}

/// What need not be UTF-8 and must come back byte for byte: where it is none, "<name>_bytes" has it in base64.
void put_bytes(json& out, const std::string& name, const std::string& value) {
  out[name] = text(value);
  if (!is_utf8(value))
    out[name + "_bytes"] = to_base64(value);
}

/// The same for a member that is absent when it is empty.
void add_bytes(json& out, const std::string& name, const std::string& value) {
  if (!value.empty())
    put_bytes(out, name, value);
}

json headers_to_json(const std::vector<header>& headers, secrets mode) {
  json all = json::array();
  for (const auto& [name, value] : headers) {
    json& entry = all.emplace_back(json{{"name", text(name)}});
    if (mode == secrets::hidden && is_secret(name))
      entry["value"] = hidden_value;
    else
      put_bytes(entry, "value", value);
  }
  return all;
}

void add_total(json& out, std::int64_t total) {
  if (total != unknown_size)
    out["total"] = total;
}

void add_waiting(json& out, wait_reason reason, time_point until) {
  if (reason == wait_reason::none)
    return;
  auto& waiting = out["waiting"] = {{"reason", to_string(reason)}};
  if (until != time_point{})
    waiting["until"] = to_rfc3339_exact(until);
}

void add_error(json& out, const error& why) {
  if (why)
    out["error"] = to_json(why);
}

void add_text(json& out, const char* name, std::string_view value) {
  if (!value.empty())
    out[name] = text(value);
}

void add_time(json& out, const char* name, time_point t) {
  if (t != time_point{})
    out[name] = to_rfc3339_exact(t);
}

template <class Value>
void add_unless(json& out, const char* name, Value value, Value absent) {
  if (value != absent)
    out[name] = value;
}

/// As the value that it is, and the text beside it where it is not the value's compact form; text that is no JSON after
/// all (it was checked when submitted) is shown as text.
void add_metadata(json& out, const std::string& metadata) {
  if (metadata.empty())
    return;
  auto value = json::parse(metadata, nullptr, false);
  const bool is_json = !value.is_discarded();
  const bool is_compact = is_json && value.dump() == metadata;
  out["metadata"] = is_json ? std::move(value) : text(metadata);
  if (is_json && !is_compact)
    out["metadata_text"] = metadata;
}

/// What was asked for and is not the default.
void add_request_options(json& out, const transfer_request& r, secrets mode) {
  if (!r.headers.empty())
    out["headers"] = headers_to_json(r.headers, mode);
  if (r.expected)
    out["checksum"] = text(fmt::format("{}:{}", to_string(r.expected.algorithm), r.expected.hex));
  add_time(out, "earliest_begin", r.earliest_begin);
  add_unless(out, "name_from_server", r.name_from_server, false);
  add_unless(out, "accept_error_responses", r.accept_error_responses, false);
  add_unless(out, "max_size", r.max_size, std::int64_t{0});
  add_unless(out, "record_sha256", r.record_sha256, false);
  add_metadata(out, r.metadata);
}

/// A program's arguments; all of them once more in base64 if one is no UTF-8.
void add_arguments(json& out, const std::vector<std::string>& arguments) {
  auto& texts = out["arguments"] = json::array();
  for (const auto& argument : arguments)
    texts.push_back(text(argument));
  if (std::all_of(arguments.begin(), arguments.end(), is_utf8))
    return;
  auto& bytes = out["arguments_bytes"] = json::array();
  for (const auto& argument : arguments)
    bytes.push_back(to_base64(argument));
}

json launch_to_json(const launch_command& launch, secrets mode) {
  json out = json::object();
  add_arguments(out, launch.arguments);
  put_bytes(out, "working_directory", launch.working_directory.native());
  auto& environment = out["environment"] = json::array();
  for (const auto& [name, value] : launch.environment) {
    json& entry = environment.emplace_back(json{{"name", text(name)}});
    if (mode == secrets::hidden)
      entry["value"] = hidden_value;
    else
      put_bytes(entry, "value", value);
  }
  return out;
}

} // namespace

json to_json(const error& why) {
  json out{{"domain", domain_of(why.code)}, {"code", to_string(why.code)}, {"message", text(why.message)}};
  if (why.status != 0)
    out["status"] = why.status;
  return out;
}

json to_json(const event& e) {
  json out{{"seq", e.seq.value},           {"time", to_rfc3339_exact(e.time)}, {"session", text(e.session)},
           {"transfer", e.transfer.value}, {"type", to_string(e.type)},        {"url", text(redact(e.url))}};
  put_bytes(out, "destination", e.destination.native());
  out["bytes"] = e.received;
  add_text(out, "sha256", e.sha256);
  add_error(out, e.why);
  add_metadata(out, e.metadata);
  return out;
}

json to_json(const transfer_record& r) {
  json out{{"id", r.id.value},
           {"session", text(r.session)},
           {"state", to_string(r.state)},
           {"url", text(redact(r.request.url))}};
  put_bytes(out, "destination", r.request.destination.native());
  out["bytes"] = r.received;
  add_total(out, r.total);
  out["attempts"] = r.attempts;
  add_waiting(out, r.waiting_for, r.retry_at);
  add_error(out, r.last_error);
  add_time(out, "submitted_at", r.submitted_at);
  add_time(out, "finished_at", r.finished_at);
  add_bytes(out, "published", r.published.native());
  add_text(out, "sha256", r.sha256);
  out["conflict"] = to_string(r.request.on_conflict);
  out["priority"] = r.request.priority;
  add_request_options(out, r.request, secrets::hidden);
  add_text(out, "resume_data", r.resume_data);
  return out;
}

json to_json(const transfer_request& r, secrets mode) {
  const transfer_request plain;
  json out{{"url", text(mode == secrets::hidden ? redact(r.url) : r.url)}};
  put_bytes(out, "destination", r.destination.native());
  add_unless(out, "conflict", to_string(r.on_conflict), to_string(plain.on_conflict));
  add_unless(out, "priority", r.priority, plain.priority);
  add_unless(out, "suspended", r.suspended, false);
  add_request_options(out, r, mode);
  add_text(out, "resume_data", r.resume_data);
  return out;
}

json to_json(const transfer_change& c) {
  json out = json::object();
  if (c.priority)
    out["priority"] = *c.priority;
  if (c.earliest_begin)
    out["earliest_begin"] = to_rfc3339_exact(*c.earliest_begin);
  if (c.headers)
    out["headers"] = headers_to_json(*c.headers, secrets::shown);
  if (c.max_size)
    out["max_size"] = *c.max_size;
  return out;
}

json to_json(const notice& n, const std::string& session) {
  json out{{"type", to_string(n.type)}, {"session", text(session)}, {"transfer", n.transfer.value}};
  add_bytes(out, "name", n.name);
  out["bytes"] = n.received;
  add_total(out, n.total);
  add_waiting(out, n.waiting_for, n.retry_at);
  add_error(out, n.why);
  return out;
}

json to_json(const progress& p, const std::string& session) {
  json out{{"type", "progress"}, {"session", text(session)}, {"transfer", p.transfer.value}, {"bytes", p.received}};
  add_total(out, p.total);
  return out;
}

json to_json(const session_configuration& c) {
  return to_json(c, secrets::shown);
}

json to_json(const session_configuration& c, secrets mode) {
  json out{{"kind", to_string(c.kind)},
           {"durability", to_string(c.durable)},
           {"max_active", c.max_active},
           {"max_per_host", c.max_per_host},
           {"request_timeout_ms", c.request_timeout.count()},
           {"connect_timeout_ms", c.connect_timeout.count()},
           {"resource_timeout_s", c.resource_timeout.count()},
           {"max_redirects", c.max_redirects},
           {"allow_downgrade", c.allow_downgrade},
           {"retry",
            {{"base_ms", c.retry.base.count()},
             {"cap_ms", c.retry.cap.count()},
             {"longest_retry_after_s", c.retry.longest_retry_after.count()},
             {"max_attempts", c.retry.max_attempts}}},
           {"headers", headers_to_json(c.headers, mode)},
           {"user_agent", text(c.user_agent)},
           {"ca_file", text(c.ca_file.native())},
           {"keep_finished_s", c.keep_finished.count()},
           {"launches_on_events", c.launches_on_events}};
  if (c.launch)
    out["launch"] = launch_to_json(c.launch, mode);
  return out;
}

json to_json(const session_counts& c) {
  return {{"suspended", c.suspended},
          {"queued", c.queued},
          {"waiting", c.waiting},
          {"completed", c.completed},
          {"failed", c.failed},
          {"cancelled", c.cancelled},
          {"unacknowledged_events", c.unacknowledged_events}};
}

json to_json(const launch_status& s) {
  json out{{"state", to_string(s.state)}};
  add_unless(out, "pid", s.pid, std::int32_t{0});
  add_unless(out, "failures", s.failures, std::uint32_t{0});
  add_time(out, "next_at", s.next_at);
  add_error(out, s.last_error);
  return out;
}

json to_json(const session_status& s) {
  return {{"counts", to_json(s.counts)},      {"active", s.active},          {"acknowledged", s.acknowledged.value},
          {"last_event", s.last_event.value}, {"phase", to_string(s.phase)}, {"paused", s.paused},
          {"attached", s.attached},           {"launch", to_json(s.launch)}};
}

json to_json(const session_record& r, const session_counts& counts) {
  return {{"identifier", text(r.identifier)},
          {"created_at", to_rfc3339_exact(r.created_at)},
          {"acknowledged", r.acknowledged.value},
          {"last_event", r.last_event.value},
          {"phase", to_string(r.phase)},
          {"paused", r.paused},
          {"configuration", to_json(r.configuration, secrets::hidden)},
          {"counts", to_json(counts)}};
}

} // namespace bellhop
