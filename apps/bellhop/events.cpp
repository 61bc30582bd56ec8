#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/inbox.hpp"
#include "apps/bellhop/output.hpp"
#include "apps/bellhop/state_view.hpp"
#include "core/daemon.hpp"
#include "core/numbers.hpp"
#include "facade/bellhop.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

namespace bellhop::cli {

namespace {

/// Events asked for at once.
constexpr std::uint32_t page = 1000;

/// How often the ledger is looked into while no daemon tells.
constexpr std::chrono::seconds look_interval{1};

std::string line_for(const event& e) {
  auto line = fmt::format("{:>6}  {}  {:<9}  {:>10}  {}\n", e.seq.value, to_rfc3339(e.time), to_string(e.type),
                          format_size(e.received), shown(e.destination.native()));
  if (e.why)
    line += "        " + shown(e.why.message) + "\n";
  return line;
}

/// False when nobody reads any more.
bool print_all(const std::vector<event>& events, bool as_json) {
  std::string text;
  for (const auto& e : events)
    text += as_json ? json_line(to_json(e)) : line_for(e);
  return print(text);
}

/// Prints what there is after `after`, and moves it. False when nobody reads any more.
bool print_log(state_view& view, const events_options& options, event_number& after) {
  for (;;) {
    const auto found = view.events(options.session, after, page);
    if (!found.empty())
      after = found.back().seq;
    if (!print_all(found, options.json))
      return false;
    if (found.size() < page)
      return true;
  }
}

/// Until Ctrl-C, which ends the process: nothing is held that could be lost.
exit_status follow_daemon(const events_options& options) {
  engine engine{daemon_options{.socket = {}, .start = false}};
  auto session = engine.find_session(options.session);
  const auto news = std::make_shared<inbox>();
  const auto watching = session.watch(news, options.after);
  for (;;) {
    news->wait();
    const auto now = news->take();
    if (!print_all(now.events, options.json))
      return exit_status::all_completed;
    if (now.ended && *now.ended)
      throw failure(*now.ended);
    if (now.ended)
      return exit_status::all_completed;
  }
}

exit_status follow_ledger(state_view& view, const events_options& options) {
  for (auto after = options.after; print_log(view, options, after);)
    std::this_thread::sleep_for(look_interval);
  return exit_status::all_completed;
}

} // namespace

exit_status run(const events_options& options) {
  const auto view = look_into_state();
  // Told as unknown before anything is followed.
  view->status(options.session);
  if (options.follow)
    return view->of_daemon() ? follow_daemon(options) : follow_ledger(*view, options);
  auto after = options.after;
  print_log(*view, options, after);
  return exit_status::all_completed;
}

} // namespace bellhop::cli
