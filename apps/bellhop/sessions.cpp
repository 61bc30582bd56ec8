#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/output.hpp"
#include "apps/bellhop/state_view.hpp"
#include "core/daemon.hpp"
#include "facade/bellhop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace bellhop::cli {

namespace {

constexpr const char* row = "{:<{}}  {:>8}  {:>8}  {:>9}  {:>8}  {:>8}  {:>9}  {:>9}  {}";

std::string without_end_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string header_line(std::size_t name_width) {
  return without_end_blanks(fmt::format(fmt::runtime(row), "SESSION", name_width, "QUEUED", "WAITING", "SUSPENDED",
                                        "DONE", "FAILED", "CANCELLED", "NOT TOLD", ""));
}

std::string remark(const session_record& record) {
  if (record.phase == session_phase::finishing)
    return record.paused ? "finishing, paused" : "finishing";
  if (record.phase == session_phase::cancelling)
    return "cancelling";
  return record.paused ? "paused" : "";
}

std::string line_for(const session_summary& each, std::size_t name_width) {
  const auto& c = each.counts;
  return without_end_blanks(fmt::format(fmt::runtime(row), each.record.identifier, name_width, c.queued, c.waiting,
                                        c.suspended, c.completed, c.failed, c.cancelled, c.unacknowledged_events,
                                        remark(each.record)));
}

exit_status show(const sessions_options& options) {
  const auto sessions = look_into_state()->sessions();
  std::string text;
  std::size_t name_width = 7;
  for (const auto& each : sessions)
    name_width = std::max(name_width, each.record.identifier.size());
  if (!options.json)
    text += sessions.empty() ? "there are no sessions yet\n" : header_line(name_width);
  for (const auto& each : sessions)
    text += options.json ? json_line(to_json(each.record, each.counts)) : line_for(each, name_width);
  print(text);
  return exit_status::all_completed;
}

void change(session& s, session_action what) {
  switch (what) {
  case session_action::pause:
    return s.pause().get();
  case session_action::resume:
    return s.go_on().get();
  case session_action::finish:
    return s.finish_and_invalidate().get();
  case session_action::cancel:
    return s.invalidate_and_cancel().get();
  case session_action::list:
    return;
  }
}

std::string done(session_action what, const std::string& session) {
  switch (what) {
  case session_action::pause:
    return fmt::format("the session \"{}\" is paused", session);
  case session_action::resume:
    return fmt::format("the session \"{}\" goes on", session);
  case session_action::finish:
    return fmt::format("the session \"{}\" ends when its transfers have ended and their events were acknowledged (see: "
                       "bellhop ack)",
                       session);
  default:
    return fmt::format("the session \"{}\" is cancelled; it ends when its events were acknowledged (see: bellhop ack)",
                       session);
  }
}

} // namespace

exit_status run(const sessions_options& options) {
  if (options.what == session_action::list)
    return show(options);
  engine engine{daemon_options{}};
  auto session = find_session(engine, options.session);
  change(session, options.what);
  if (options.json)
    print(json_line({{"session", options.session}, {"action", to_string(options.what)}}));
  else
    print(done(options.what, options.session) + "\n");
  return exit_status::all_completed;
}

} // namespace bellhop::cli
