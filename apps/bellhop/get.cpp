#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/get_run.hpp"
#include "apps/bellhop/hand_over.hpp"
#include "apps/bellhop/output.hpp"
#include "apps/bellhop/state_view.hpp"
#include "apps/bellhop/terminal.hpp"
#include "apps/bellhop/wake_up.hpp"
#include "core/daemon.hpp"
#include "facade/bellhop.hpp"

#include <boost/filesystem/operations.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

/// `bellhop get`: where its transfers run, and what is waited for.
namespace bellhop::cli {

namespace {

std::unique_ptr<engine> open_engine(const get_options& options) {
  if (!options.embedded)
    return std::make_unique<engine>(daemon_options{});
  engine_options wanted;
  wanted.durable = options.durable;
  try {
    return std::make_unique<engine>(wanted);
  } catch (const failure& problem) {
    if (problem.why().code != errc::state_in_use || !daemon_listens(default_socket()))
      throw;
    throw failure(errc::state_in_use, fmt::format("{}; it is the daemon: leave out --embedded", problem.what()));
  }
}

/// What is stored; none for a session that is new.
std::optional<session_configuration> configuration_of(engine& engine, const std::string& identifier) {
  const auto known = engine.sessions();
  const auto found =
      std::ranges::find_if(known, [&](const auto& each) { return each.record.identifier == identifier; });
  return found == known.end() ? std::nullopt : std::optional{found->record.configuration};
}

/// The command that the daemon starts when the session has news, or none: then its events are for that program.
launch_command program_of(engine& engine, const std::string& identifier) {
  const auto settings = configuration_of(engine, identifier).value_or(session_configuration{});
  const bool launches = settings.kind == session_kind::background && settings.launches_on_events;
  return launches ? settings.launch : launch_command{};
}

session open_session(engine& engine, const get_options& options, bool of_program) {
  if (!options.attaches() && !of_program)
    return engine.open_session(options.session, configuration_for(options));
  // A program has configured its session for itself; and what the daemon does not show cannot be given back to it.
  const auto stored = configuration_of(engine, options.session);
  if (of_program || !stored || !stored->headers.empty() || configuration_for(options, *stored) == *stored)
    return find_session(engine, options.session);
  return engine.open_session(options.session, configuration_for(options, *stored));
}

/// Tells the numbers, or why not. False when nobody reads.
bool tell(const handed& each, const get_options& options) {
  if (each.why) {
    const auto subject = each.url.empty() ? std::string{} : " " + shown(each.url);
    write_all(STDERR_FILENO, fmt::format("failed{}: {}\n", subject, shown(each.why.message)));
    return true;
  }
  if (options.json)
    return print(json_line({{"transfer", each.id.value},
                            {"session", options.session},
                            {"url", each.url},
                            {"destination", each.destination.native()}}));
  return options.quiet || print(fmt::format("{}\n", each.id.value));
}

/// Returns when all is committed.
exit_status hand_over_and_leave(session& session, hand_over& input, const get_options& options) {
  auto status = exit_status::all_completed;
  while (!input.at_end()) {
    auto batch = input.next();
    if (!batch.requests.empty())
      batch.settle(session.submit(std::exchange(batch.requests, {})).get());
    for (const auto& each : batch.all) {
      if (each.why)
        status = exit_status::some_failed;
      tell(each, options);
    }
  }
  return status;
}

} // namespace

exit_status run(const get_options& options) {
  boost::system::error_code unknown;
  if (options.output && boost::filesystem::is_directory(*options.output, unknown))
    throw failure(errc::invalid_argument,
                  fmt::format("-o '{}': is a folder; use -d for it, or add the file's name", options.output->string()));
  hand_over input{options};
  if (!options.leaves_at_once())
    wake_up::block_signals();
  const auto engine = open_engine(options);
  const auto program = options.embedded ? launch_command{} : program_of(*engine, options.session);
  if (program && options.attaches())
    throw failure(errc::session_in_use,
                  fmt::format("the session \"{}\" is that of a program, {}, which is told; to look: {}",
                              options.session, program.arguments.front(), command("watch", options.session)));
  auto session = open_session(*engine, options, static_cast<bool>(program));
  if (options.leaves_at_once())
    return hand_over_and_leave(session, input, options);
  return get_run{options, input, *engine, session, static_cast<bool>(program)}.run();
}

} // namespace bellhop::cli
