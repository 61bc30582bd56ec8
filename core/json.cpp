#include "core/json.hpp"

#include "core/text.hpp"
#include "core/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace bellhop {

namespace {

/// JSON text is UTF-8; paths and what servers send need not be.
json text(std::string_view s) {
  return to_utf8(s);
}

bool is_secret(std::string_view header_name) noexcept {
  constexpr std::array<std::string_view, 3> secret{"Authorization", "Cookie", "Proxy-Authorization"};
  return std::any_of(secret.begin(), secret.end(), [&](auto s) { return equals_ignoring_case(s, header_name); });
}

enum class secrets : bool { shown, hidden };

json headers_to_json(const std::vector<header>& headers, secrets mode) {
  json all = json::array();
  for (const auto& [name, value] : headers) {
    const bool hide = mode == secrets::hidden && is_secret(name);
    all.push_back({{"name", text(name)}, {"value", hide ? json("***") : text(value)}});
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
    waiting["until"] = to_rfc3339(until);
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
    out[name] = to_rfc3339(t);
}

/// As the value that it is; text that is no JSON after all (it was checked when submitted) is shown as text.
void add_metadata(json& out, const std::string& metadata) {
  if (metadata.empty())
    return;
  auto value = json::parse(metadata, nullptr, false);
  out["metadata"] = value.is_discarded() ? text(metadata) : std::move(value);
}

/// What was asked for and is not the default.
void add_request_options(json& out, const transfer_request& r) {
  out["conflict"] = to_string(r.on_conflict);
  out["priority"] = r.priority;
  if (!r.headers.empty())
    out["headers"] = headers_to_json(r.headers, secrets::hidden);
  if (r.expected)
    out["checksum"] = text(fmt::format("{}:{}", to_string(r.expected.algorithm), r.expected.hex));
  add_time(out, "earliest_begin", r.earliest_begin);
  if (r.name_from_server)
    out["name_from_server"] = true;
  if (r.accept_error_responses)
    out["accept_error_responses"] = true;
  if (r.max_size != 0)
    out["max_size"] = r.max_size;
  if (r.record_sha256)
    out["record_sha256"] = true;
}

/// Reads the members of an object into values that keep their default when the member is absent.
class object_reader {
public:
  /// `prefix` is put before members' names in messages.
  explicit object_reader(const json& object, std::string prefix = {}) : object_(object), prefix_(std::move(prefix)) {
    if (!object.is_object())
      throw failure(errc::invalid_argument, fmt::format("{} must be a JSON object, got {}",
                                                        prefix_.empty() ? "the value" : prefix_, object.type_name()));
    if (!prefix_.empty())
      prefix_ += '.';
  }

  const json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

  [[noreturn]] void refuse(const char* name, std::string_view wanted, const json& got) const {
    constexpr std::size_t longest = 40;
    auto shown = got.dump(-1, ' ', true, json::error_handler_t::replace);
    if (shown.size() > longest)
      shown.replace(longest, std::string::npos, "...");
    throw failure(errc::invalid_argument, fmt::format("{}{} must be {}, got {}", prefix_, name, wanted, shown));
  }

  template <class Integer>
  void integer(const char* name, Integer& out) const {
    const auto* member = find(name);
    if (!member)
      return;
    constexpr auto least = std::numeric_limits<Integer>::min();
    constexpr auto greatest = std::numeric_limits<Integer>::max();
    bool fits = false;
    if (member->is_number_unsigned())
      fits = std::in_range<Integer>(member->template get<std::uint64_t>());
    else if (member->is_number_integer())
      fits = std::in_range<Integer>(member->template get<std::int64_t>());
    if (!fits)
      refuse(name, fmt::format("a whole number from {} to {}", least, greatest), *member);
    out = member->template get<Integer>();
  }

  template <class Rep, class Period>
  void duration(const char* name, std::chrono::duration<Rep, Period>& out) const {
    auto count = out.count();
    integer(name, count);
    out = std::chrono::duration<Rep, Period>{count};
  }

  void boolean(const char* name, bool& out) const {
    if (const auto* member = find(name)) {
      if (!member->is_boolean())
        refuse(name, "true or false", *member);
      out = member->get<bool>();
    }
  }

  void string(const char* name, std::string& out) const {
    if (const auto* member = find(name)) {
      if (!member->is_string())
        refuse(name, "a string", *member);
      out = member->get_ref<const std::string&>();
    }
  }

  template <class Enum>
  void one_of(const char* name, std::string_view allowed, Enum& out) const {
    if (const auto* member = find(name))
      if (!member->is_string() || !from_string(member->template get_ref<const std::string&>(), out))
        refuse(name, allowed, *member);
  }

private:
  const json& object_;
  std::string prefix_;
};

/// The values may be credentials: messages name the member only.
void read_headers(const object_reader& in, std::vector<header>& out) {
  const auto* member = in.find("headers");
  if (!member)
    return;
  const auto bad = [] {
    return failure(errc::invalid_argument, "headers must be an array of {\"name\": string, \"value\": string}");
  };
  if (!member->is_array())
    throw bad();
  std::vector<header> headers;
  for (const auto& entry : *member) {
    if (!entry.is_object() || !entry.contains("name") || !entry.contains("value") || !entry["name"].is_string() ||
        !entry["value"].is_string())
      throw bad();
    headers.push_back({entry["name"].get<std::string>(), entry["value"].get<std::string>()});
  }
  out = std::move(headers);
}

void read_retry(const object_reader& in, retry_policy& out) {
  const auto* member = in.find("retry");
  if (!member)
    return;
  const object_reader retry{*member, "retry"};
  retry.duration("base_ms", out.base);
  retry.duration("cap_ms", out.cap);
  retry.duration("longest_retry_after_s", out.longest_retry_after);
  retry.integer("max_attempts", out.max_attempts);
}

} // namespace

json to_json(const error& why) {
  json out{{"domain", domain_of(why.code)}, {"code", to_string(why.code)}, {"message", text(why.message)}};
  if (why.status != 0)
    out["status"] = why.status;
  return out;
}

json to_json(const event& e) {
  json out{{"seq", e.seq.value},
           {"time", to_rfc3339(e.time)},
           {"session", text(e.session)},
           {"transfer", e.transfer.value},
           {"type", to_string(e.type)},
           {"url", text(redact(e.url))},
           {"destination", text(e.destination.native())},
           {"bytes", e.received}};
  add_text(out, "sha256", e.sha256);
  add_error(out, e.why);
  add_metadata(out, e.metadata);
  return out;
}

json to_json(const transfer_record& r) {
  json out{{"id", r.id.value},
           {"session", text(r.session)},
           {"state", to_string(r.state)},
           {"url", text(redact(r.request.url))},
           {"destination", text(r.request.destination.native())},
           {"bytes", r.received}};
  add_total(out, r.total);
  out["attempts"] = r.attempts;
  add_waiting(out, r.waiting_for, r.retry_at);
  add_error(out, r.last_error);
  add_time(out, "submitted_at", r.submitted_at);
  add_time(out, "finished_at", r.finished_at);
  add_text(out, "published", r.published.native());
  add_text(out, "sha256", r.sha256);
  add_request_options(out, r.request);
  add_metadata(out, r.request.metadata);
  return out;
}

json to_json(const notice& n, const std::string& session) {
  json out{
      {"type", to_string(n.type)}, {"session", text(session)}, {"transfer", n.transfer.value}, {"bytes", n.received}};
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
  return {{"kind", to_string(c.kind)},
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
          {"headers", headers_to_json(c.headers, secrets::shown)},
          {"user_agent", text(c.user_agent)},
          {"ca_file", text(c.ca_file.native())},
          {"keep_finished_s", c.keep_finished.count()}};
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

error error_from_json(const json& value) {
  const object_reader in{value, "error"};
  error out;
  std::string code{to_string(errc::none)};
  in.string("code", code);
  out.code = errc_from_string(code);
  in.string("message", out.message);
  in.integer("status", out.status);
  return out;
}

session_configuration configuration_from_json(const json& value) {
  const object_reader in{value};
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
  read_headers(in, out.headers);
  in.string("user_agent", out.user_agent);
  std::string ca_file = out.ca_file.native();
  in.string("ca_file", ca_file);
  out.ca_file = ca_file;
  in.duration("keep_finished_s", out.keep_finished);
  return out;
}

} // namespace bellhop
