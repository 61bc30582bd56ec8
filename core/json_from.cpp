#include "core/hidden.hpp"
#include "core/json.hpp"
#include "core/json_reader.hpp"
#include "core/text.hpp"

#include <algorithm>

// What was written by core/json.cpp, read again.

namespace bellhop {

namespace {

using mode = unknown_members;

void read_error(object_reader& in, error& out) {
  if (const auto* value = in.find("error"))
    out = error_from_json(*value);
}

void read_waiting(object_reader& in, wait_reason& reason, time_point& until) {
  auto waiting = in.object("waiting");
  if (!waiting)
    return;
  waiting->one_of("reason", "backoff, retry_after, no_network, no_space or needs_credential", reason);
  waiting->time("until", until);
  waiting->end();
}

void read_phase(object_reader& in, session_phase& out) {
  in.one_of("phase", "open, finishing or cancelling", out);
}

/// "sha-256:<hex>". Digits are taken in either case.
void read_checksum(object_reader& in, checksum& out) {
  const auto* member = in.find("checksum");
  if (!member)
    return;
  const std::string value = member->is_string() ? member->get<std::string>() : std::string{};
  const auto colon = std::min(value.find(':'), value.size());
  if (colon == 0 || colon == value.size() || !from_string(value.substr(0, colon), out.algorithm))
    in.refuse("checksum", R"("ALGORITHM:HEX" with sha-256, sha-512, sha-1 or md5)", *member);
  out.hex = value.substr(colon + 1);
  std::transform(out.hex.begin(), out.hex.end(), out.hex.begin(), ascii_lower);
}

/// What a request and a record have alike.
void read_request(object_reader& in, transfer_request& out) {
  in.string("url", out.url);
  in.file("destination", out.destination);
  in.one_of("conflict", "fail, overwrite or rename", out.on_conflict);
  in.number("priority", out.priority);
  in.pairs("headers", out.headers);
  read_checksum(in, out.expected);
  in.time("earliest_begin", out.earliest_begin);
  in.boolean("name_from_server", out.name_from_server);
  in.boolean("accept_error_responses", out.accept_error_responses);
  in.integer("max_size", out.max_size);
  in.boolean("record_sha256", out.record_sha256);
  in.metadata("metadata", out.metadata);
}

void read_retry(object_reader& in, retry_policy& out) {
  auto retry = in.object("retry");
  if (!retry)
    return;
  retry->duration("base_ms", out.base);
  retry->duration("cap_ms", out.cap);
  retry->duration("longest_retry_after_s", out.longest_retry_after);
  retry->integer("max_attempts", out.max_attempts);
  retry->end();
}

void read_launch(object_reader& in, launch_command& out) {
  auto launch = in.object("launch");
  if (!launch)
    return;
  launch->texts("arguments", out.arguments);
  launch->file("working_directory", out.working_directory);
  launch->pairs("environment", out.environment);
  launch->end();
}

} // namespace

error error_from_json(const json& value) {
  object_reader in{value, mode::ignored, "error"};
  error out;
  std::string code{to_string(errc::none)};
  in.string("code", code);
  out.code = errc_from_string(code);
  in.string("message", out.message);
  in.integer("status", out.status);
  return out;
}

session_configuration configuration_from_json(const json& value, unknown_members unknown) {
  object_reader in{value, unknown};
  session_configuration out;
  in.one_of("kind", "default, ephemeral or background", out.kind);
  in.one_of("durability", "crash or power", out.durable);
  in.integer("max_active", out.max_active);
  in.integer("max_per_host", out.max_per_host);
  in.duration("request_timeout_ms", out.request_timeout);
  in.duration("connect_timeout_ms", out.connect_timeout);
  in.duration("resource_timeout_s", out.resource_timeout);
  in.integer("max_redirects", out.max_redirects);
  in.boolean("allow_downgrade", out.allow_downgrade);
  read_retry(in, out.retry);
  in.pairs("headers", out.headers);
  in.string("user_agent", out.user_agent);
  in.file("ca_file", out.ca_file);
  in.duration("keep_finished_s", out.keep_finished);
  in.boolean("launches_on_events", out.launches_on_events);
  read_launch(in, out.launch);
  in.end();
  return out;
}

transfer_request request_from_json(const json& value) {
  object_reader in{value, mode::refused};
  transfer_request out;
  in.need("url", "an http or https URL");
  in.need("destination", "an absolute path");
  read_request(in, out);
  in.boolean("suspended", out.suspended);
  in.string("resume_data", out.resume_data);
  in.end();
  refuse_hidden(out.headers);
  return out;
}

transfer_change change_from_json(const json& value) {
  object_reader in{value, mode::refused};
  transfer_change out;
  if (in.find("priority"))
    in.number("priority", out.priority.emplace());
  if (in.find("earliest_begin"))
    in.time("earliest_begin", out.earliest_begin.emplace());
  if (in.find("headers"))
    in.pairs("headers", out.headers.emplace());
  if (in.find("max_size"))
    in.integer("max_size", out.max_size.emplace());
  in.end();
  if (!out)
    throw failure(errc::invalid_argument, "the change is empty: give priority, earliest_begin, headers or max_size");
  if (out.headers)
    refuse_hidden(*out.headers);
  return out;
}

transfer_record record_from_json(const json& value) {
  object_reader in{value, mode::ignored};
  transfer_record out;
  in.need("id", "the transfer's number");
  in.integer("id", out.id.value);
  in.string("session", out.session);
  in.one_of("state", "a transfer's state", out.state);
  read_request(in, out.request);
  out.request.suspended = out.state == transfer_state::suspended;
  in.integer("bytes", out.received);
  in.integer("total", out.total);
  in.integer("attempts", out.attempts);
  read_waiting(in, out.waiting_for, out.retry_at);
  read_error(in, out.last_error);
  in.time("submitted_at", out.submitted_at);
  in.time("finished_at", out.finished_at);
  in.file("published", out.published);
  in.string("sha256", out.sha256);
  in.string("resume_data", out.resume_data);
  return out;
}

event event_from_json(const json& value) {
  object_reader in{value, mode::ignored};
  event out;
  in.need("seq", "the event's number");
  in.integer("seq", out.seq.value);
  in.time("time", out.time);
  in.string("session", out.session);
  in.need("transfer", "the transfer's number");
  in.integer("transfer", out.transfer.value);
  in.need("type", "the event's type");
  in.one_of("type", "completed, failed, cancelled or needs_credential", out.type);
  in.string("url", out.url);
  in.file("destination", out.destination);
  in.integer("bytes", out.received);
  in.string("sha256", out.sha256);
  read_error(in, out.why);
  in.metadata("metadata", out.metadata);
  return out;
}

progress progress_from_json(const json& value) {
  object_reader in{value, mode::ignored};
  progress out;
  in.need("transfer", "the transfer's number");
  in.integer("transfer", out.transfer.value);
  in.integer("bytes", out.received);
  in.integer("total", out.total);
  return out;
}

notice notice_from_json(const json& value) {
  object_reader in{value, mode::ignored};
  notice out;
  in.need("transfer", "the transfer's number");
  in.integer("transfer", out.transfer.value);
  in.need("type", "the notice's type");
  in.one_of("type", "started, resumed, restarted or waiting", out.type);
  in.bytes("name", out.name);
  in.integer("bytes", out.received);
  in.integer("total", out.total);
  read_waiting(in, out.waiting_for, out.retry_at);
  read_error(in, out.why);
  return out;
}

session_counts counts_from_json(const json& value) {
  object_reader in{value, mode::ignored, "counts"};
  session_counts out;
  in.integer("suspended", out.suspended);
  in.integer("queued", out.queued);
  in.integer("waiting", out.waiting);
  in.integer("completed", out.completed);
  in.integer("failed", out.failed);
  in.integer("cancelled", out.cancelled);
  in.integer("unacknowledged_events", out.unacknowledged_events);
  return out;
}

launch_status launch_status_from_json(const json& value) {
  object_reader in{value, mode::ignored, "launch"};
  launch_status out;
  in.one_of("state", "none, running or backing_off", out.state);
  in.integer("pid", out.pid);
  in.integer("failures", out.failures);
  in.time("next_at", out.next_at);
  read_error(in, out.last_error);
  return out;
}

session_status status_from_json(const json& value) {
  object_reader in{value, mode::ignored, "status"};
  session_status out;
  if (const auto* counts = in.find("counts"))
    out.counts = counts_from_json(*counts);
  in.integer("active", out.active);
  in.integer("acknowledged", out.acknowledged.value);
  in.integer("last_event", out.last_event.value);
  read_phase(in, out.phase);
  in.boolean("paused", out.paused);
  in.boolean("attached", out.attached);
  if (const auto* launch = in.find("launch"))
    out.launch = launch_status_from_json(*launch);
  return out;
}

std::pair<session_record, session_counts> session_from_json(const json& value) {
  object_reader in{value, mode::ignored};
  session_record out;
  in.need("identifier", "the session's identifier");
  in.string("identifier", out.identifier);
  in.time("created_at", out.created_at);
  in.integer("acknowledged", out.acknowledged.value);
  in.integer("last_event", out.last_event.value);
  read_phase(in, out.phase);
  in.boolean("paused", out.paused);
  if (const auto* configuration = in.find("configuration"))
    out.configuration = configuration_from_json(*configuration);
  const auto* counts = in.find("counts");
  return {std::move(out), counts ? counts_from_json(*counts) : session_counts{}};
}

} // namespace bellhop
