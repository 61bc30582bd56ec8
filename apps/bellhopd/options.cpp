#include "apps/bellhopd/options.hpp"

#include "core/daemon.hpp"
#include "core/environment.hpp"
#include "core/listener.hpp"
#include "core/numbers.hpp"
#include "core/state_directory.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace bellhop::daemon {

namespace {

const char* const help = R"(Usage: bellhopd [OPTION...]

Runs transfers in the background for programs of this user (bellhop, and those that use the library): what they hand over
goes on when they exit, crash or are killed, and when the daemon itself is started again. Runs in the foreground until
SIGTERM or SIGINT; a second one ends it at once, and nothing is lost. SIGHUP reads the configuration file again.
Programs start it when they need it; as a service: systemctl --user enable --now bellhopd.socket

Options:
      --state DIR          what is recorded, one daemon at a time (default: see BELLHOP_STATE_DIR)
      --socket PATH        where to listen, unless a service manager hands a socket over (default: see BELLHOP_SOCKET)
      --listen ADDRESS     listen on TCP too: 127.0.0.1:PORT, [::1]:PORT or localhost:PORT; port 0 is any free one
      --token-file FILE    holds the token that clients by TCP must show; made if it is not there (default: the file
                           token in the state directory)
      --durability LEVEL   what the record survives: crash (of the daemon; the default), or power (its loss)
      --config FILE        settings, read again by SIGHUP (default: $XDG_CONFIG_HOME/bellhop/bellhopd.json, else
                           ~/.config/bellhop/bellhopd.json, if it is there)
      --log-level LEVEL    debug, info, warning or error (default: as in the configuration file, else info)
      --shutdown-deadline TIME
                           how long transfers have to come to rest, as 500ms, 10 (seconds) or 1m (default: 10)
      --exit-when-idle TIME
                           stop when there was nothing to do, and nobody connected, for this long
      --background         go to the background as soon as it listens; the log is bellhopd.log in the state directory
      --version            show the version
  -h, --help               show this

Configuration file: {"max_active": 256, "log_level": "info"}; each may be left out. max_active: transfers on the wire at
once, over all sessions.

Environment:
  BELLHOP_STATE_DIR  the state directory; else $XDG_STATE_HOME/bellhop, else ~/.local/state/bellhop
  BELLHOP_SOCKET     the socket; else $XDG_RUNTIME_DIR/bellhop/bellhopd.sock, else bellhopd.sock in the state directory

Exit status:
  0   stopped in order, or in the background
  1   failed; the last line of the log says why
  2   wrong usage: an option, the configuration file, the token file or a socket that was passed cannot be used
  75  another engine holds the state directory, or another daemon the socket
)";

using text_option = std::optional<std::string>;

/// The words as they were written; CLI11 finds them, the conversions below judge them.
struct words {
  text_option state, socket, listen, token_file, durability, config, log_level, shutdown_deadline, exit_when_idle;
  bool background = false;
};

[[noreturn]] void refuse(std::string message) {
  throw failure{errc::invalid_argument, std::move(message)};
}

path path_of(std::string_view argument, const std::string& text) {
  if (text.empty())
    refuse(fmt::format("{} '': give a path", argument));
  return made_absolute(text);
}

template <class Enum>
Enum one_of(std::string_view argument, const std::string& text, std::string_view choices) {
  Enum value{};
  if (!from_string(text, value))
    refuse(fmt::format("{} '{}': use one of {}", argument, text, choices));
  return value;
}

std::chrono::milliseconds time_of(std::string_view argument, const std::string& text) {
  constexpr std::chrono::hours longest{24};
  const auto value = parse_duration(text);
  if (!value || *value > longest)
    refuse(fmt::format("{} '{}': give a time up to 24h, as 500ms, 10 (seconds) or 1m30s", argument, text));
  return *value;
}

path default_config() {
  if (auto given = path_from_environment("XDG_CONFIG_HOME"); given.is_absolute())
    return given / "bellhop/bellhopd.json";
  return path_from_environment("HOME") / ".config/bellhop/bellhopd.json";
}

/// A state directory that was named brings its socket along, unless the environment says otherwise.
path socket_for(const options& o) {
  const bool elsewhere =
      !path_from_environment("BELLHOP_SOCKET").empty() || path_from_environment("XDG_RUNTIME_DIR").is_absolute();
  return elsewhere ? default_socket() : o.state / "bellhopd.sock";
}

options convert(const words& w) {
  options o;
  o.state = w.state ? path_of("--state", *w.state) : default_state_directory();
  o.socket = w.socket ? path_of("--socket", *w.socket) : socket_for(o);
  unix_address(o.socket);
  o.listen = w.listen.value_or("");
  o.token_file = w.token_file ? path_of("--token-file", *w.token_file) : o.state / "token";
  if (w.durability)
    o.durable = one_of<durability>("--durability", *w.durability, "crash, power");
  o.config = w.config ? path_of("--config", *w.config) : default_config();
  o.config_named = w.config.has_value();
  if (w.log_level)
    o.level = one_of<log_level>("--log-level", *w.log_level, log_levels);
  if (w.shutdown_deadline)
    o.shutdown_deadline = time_of("--shutdown-deadline", *w.shutdown_deadline);
  if (w.exit_when_idle)
    o.exit_when_idle = time_of("--exit-when-idle", *w.exit_when_idle);
  o.background = w.background;
  return o;
}

void declare(CLI::App& app, words& w) {
  app.set_version_flag("--version", fmt::format("bellhopd {}", BELLHOP_VERSION));
  app.allow_extras();
  // The last one counts, so that a wrapper's options can be overruled.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--state", w.state);
  app.add_option("--socket", w.socket);
  app.add_option("--listen", w.listen);
  app.add_option("--token-file", w.token_file);
  app.add_option("--durability", w.durability);
  app.add_option("--config", w.config);
  app.add_option("--log-level", w.log_level);
  app.add_option("--shutdown-deadline", w.shutdown_deadline);
  app.add_option("--exit-when-idle", w.exit_when_idle);
  app.add_flag("--background", w.background);
}

early_exit usage_error(std::string_view message) {
  return {2, fmt::format("bellhopd: {}\nTry 'bellhopd --help'.\n", message)};
}

/// CLI11's "--state: 1 required TEXT missing" in our words.
std::string in_words(const CLI::ParseError& problem) {
  const std::string text = problem.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&problem) && text.ends_with("missing"))
    return fmt::format("{}: a value must follow it", text.substr(0, text.find(':')));
  return text;
}

} // namespace

invocation parse_options(std::vector<std::string> arguments) {
  words w;
  CLI::App app;
  declare(app, w);
  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
    if (const auto left = app.remaining(); !left.empty())
      refuse(fmt::format("unknown argument '{}'; bellhopd takes options only", left.front()));
    return convert(w);
  } catch (const CLI::CallForVersion& version) {
    return early_exit{0, std::string{version.what()} + '\n'};
  } catch (const CLI::CallForHelp&) {
    return early_exit{0, help};
  } catch (const CLI::ParseError& problem) {
    return usage_error(in_words(problem));
  } catch (const failure& problem) {
    return usage_error(problem.why().message);
  }
}

} // namespace bellhop::daemon
