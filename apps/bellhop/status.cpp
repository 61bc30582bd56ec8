#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/daemon_health.hpp"
#include "apps/bellhop/output.hpp"
#include "apps/bellhop/state_view.hpp"
#include "apps/bellhop/terminal.hpp"
#include "core/daemon.hpp"
#include "core/numbers.hpp"
#include "core/state_directory.hpp"
#include "core/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include <unistd.h>

namespace bellhop::cli {

namespace {

std::string line(std::string_view name, std::string_view value) {
  return value.empty() ? std::string{} : fmt::format("  {:<13}{}\n", name, shown(value));
}

std::string at(time_point when, time_point now) {
  return when == time_point{} ? std::string{} : fmt::format("{} ({})", to_rfc3339(when), relative(when, now));
}

// -- one transfer -----------------------------------------------------------------------------------------------------

std::string state_of(const transfer_record& record, time_point now) {
  std::string text{to_string(record.state)};
  if (record.state != transfer_state::waiting)
    return text;
  if (record.waiting_for == wait_reason::needs_credential)
    return text + ": needs a user name and password";
  return fmt::format("{}: {}, tried again {}", text, to_string(record.waiting_for), relative(record.retry_at, now));
}

std::string size_of(const transfer_record& record) {
  const auto here = format_size(record.received);
  if (record.total <= 0 || record.state == transfer_state::completed)
    return here;
  const auto percent = std::min<std::int64_t>(100, 100 * record.received / record.total);
  return fmt::format("{} of {} ({}%)", here, format_size(record.total), percent);
}

std::string details(const transfer_record& record, time_point now) {
  const auto& asked = record.request;
  auto text = fmt::format("transfer {} of the session \"{}\"\n", record.id.value, record.session);
  text += line("state", state_of(record, now));
  text += line("url", redact(asked.url));
  text += line("file", record.published.empty() ? asked.destination.native() : record.published.native());
  text += line("size", size_of(record));
  text += line("error", record.state == transfer_state::completed ? "" : record.last_error.message);
  text += line("attempts", std::to_string(record.attempts));
  if (!is_terminal(record.state)) {
    text += line("priority", fmt::format("{}", asked.priority));
    text += line("begins", asked.earliest_begin > now ? at(asked.earliest_begin, now) : "");
  }
  text += line("handed over", at(record.submitted_at, now));
  text += line("ended", at(record.finished_at, now));
  if (asked.expected)
    text += line("checksum", fmt::format("{}:{}", to_string(asked.expected.algorithm), asked.expected.hex));
  text += line("sha-256", record.sha256);
  text += line("metadata", asked.metadata);
  text += line("resume data", record.resume_data);
  return text;
}

exit_status show_transfers(state_view& view, const status_options& options) {
  auto status = exit_status::all_completed;
  view.status(options.session);
  std::string separator;
  for (const auto id : options.ids) {
    try {
      const auto record = view.find(options.session, id);
      print(options.json ? json_line(to_json(record)) : separator + details(record, now()));
      separator = "\n";
    } catch (const failure& problem) {
      if (problem.why().code != errc::unknown_transfer)
        throw;
      write_all(STDERR_FILENO, fmt::format("bellhop: {}\n", problem.what()));
      status = exit_status::some_failed;
    }
  }
  return status;
}

// -- all --------------------------------------------------------------------------------------------------------------

void append(std::string& text, std::uint64_t count, std::string_view what) {
  if (count > 0)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
}

std::string work_of(const session_status& s) {
  std::string text;
  append(text, s.active, "running");
  append(text, s.counts.queued - std::min(s.counts.queued, s.active), "queued");
  append(text, s.counts.waiting, "waiting");
  append(text, s.counts.suspended, "suspended");
  append(text, s.counts.completed, "completed");
  append(text, s.counts.failed, "failed");
  append(text, s.counts.cancelled, "cancelled");
  return text.empty() ? "nothing" : text;
}

std::string launch_of(const launch_status& launch, time_point now) {
  switch (launch.state) {
  case launch_state::none:
    return {};
  case launch_state::running:
    return fmt::format("its program runs, process {}", launch.pid);
  case launch_state::backing_off:
    return fmt::format("its program failed {}, started again {}{}{}",
                       launch.failures == 1 ? "once" : fmt::format("{} times", launch.failures),
                       relative(launch.next_at, now), launch.last_error ? ": " : "", launch.last_error.message);
  }
  return {};
}

std::string remarks(const session_status& s, time_point now) {
  std::string text;
  const auto add = [&text](std::string_view more) {
    if (!more.empty())
      text += fmt::format("; {}", more);
  };
  add(s.paused ? "paused" : "");
  add(s.phase == session_phase::open ? std::string_view{} : to_string(s.phase));
  add(s.attached ? "somebody is told" : "");
  if (s.counts.unacknowledged_events > 0)
    add(counted(s.counts.unacknowledged_events, "event") + " not acknowledged");
  add(launch_of(s.launch, now));
  return text;
}

json summary_json(const std::optional<daemon_health>& health, state_view& view) {
  auto sessions = json::array();
  for (const auto& each : view.sessions()) {
    json object{{"identifier", each.record.identifier}};
    object.update(to_json(view.status(each.record.identifier)));
    sessions.push_back(std::move(object));
  }
  json daemon;
  if (health)
    daemon = {{"pid", health->pid}, {"version", health->version}, {"uptime_s", health->uptime.count()}};
  return {
      {"daemon", std::move(daemon)}, {"state", default_state_directory().native()}, {"sessions", std::move(sessions)}};
}

exit_status show_all(state_view& view, const status_options& options) {
  const auto health = ask_daemon(default_socket());
  if (options.json) {
    print(json_line(summary_json(health, view)));
    return exit_status::all_completed;
  }
  auto text = health ? fmt::format("bellhopd {} is running: process {}, for {}\n", health->version, health->pid,
                                   format_duration(health->uptime))
                     : "bellhopd is not running; this is what is recorded\n";
  const auto sessions = view.sessions();
  std::size_t width = 0;
  for (const auto& each : sessions)
    width = std::max(width, each.record.identifier.size());
  for (const auto& each : sessions) {
    const auto s = view.status(each.record.identifier);
    text += fmt::format("  {:<{}}  {}{}\n", each.record.identifier, width, work_of(s), shown(remarks(s, now())));
  }
  print(text);
  return exit_status::all_completed;
}

} // namespace

exit_status run(const status_options& options) {
  const auto view = look_into_state();
  return options.ids.empty() ? show_all(*view, options) : show_transfers(*view, options);
}

} // namespace bellhop::cli
