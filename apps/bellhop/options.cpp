#include "apps/bellhop/options.hpp"

#include "apps/bellhop/arguments.hpp"
#include "apps/bellhop/help_text.hpp"
#include "core/url.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <string_view>
#include <utility>

namespace bellhop::cli {

namespace {

using text_option = std::optional<std::string>;

/// The words of `get` as they were written; CLI11 finds them, the conversions below judge them, so that every error has
/// the same form and tells a remedy.
struct get_words {
  std::vector<std::string> urls;
  std::vector<std::string> headers;
  text_option output, directory, input_file, session, parallel, checksum, priority, on_conflict, start_at, durability;
  text_option retry, retry_delay, timeout, connect_timeout, ca_file;
  bool embedded = false, json = false, quiet = false;
};

struct list_words {
  text_option session, state;
  bool json = false;
};

struct events_words {
  text_option session, after;
  bool json = false;
};

/// Everything CLI11 fills.
struct words {
  get_words get;
  list_words list;
  events_words events;
};

CLI::App* add_get(CLI::App& app, get_words& w) {
  auto* get = app.add_subcommand("get");
  get->add_option("-o,--output", w.output);
  get->add_option("-d,--directory", w.directory);
  get->add_option("-i,--input-file", w.input_file);
  get->add_option("-s,--session", w.session);
  get->add_option("-j,--parallel", w.parallel);
  // One value for each -H: by default a vector takes all words that follow, URLs too.
  get->add_option("-H,--header", w.headers)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  get->add_option("--checksum", w.checksum);
  get->add_option("--priority", w.priority);
  get->add_option("--on-conflict", w.on_conflict);
  get->add_option("--start-at", w.start_at);
  get->add_option("--durability", w.durability);
  get->add_option("--retry", w.retry);
  get->add_option("--retry-delay", w.retry_delay);
  get->add_option("--timeout", w.timeout);
  get->add_option("--connect-timeout", w.connect_timeout);
  get->add_option("--ca-file", w.ca_file);
  get->add_flag("--embedded", w.embedded);
  get->add_flag("--json", w.json);
  get->add_flag("-q,--quiet", w.quiet);
  get->add_option("URL", w.urls)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return get;
}

CLI::App* add_list(CLI::App& app, list_words& w) {
  auto* list = app.add_subcommand("list");
  list->add_option("-s,--session", w.session);
  list->add_option("--state", w.state);
  list->add_flag("--json", w.json);
  return list;
}

CLI::App* add_events(CLI::App& app, events_words& w) {
  auto* events = app.add_subcommand("events");
  events->add_option("-s,--session", w.session);
  events->add_option("--after", w.after);
  events->add_flag("--json", w.json);
  return events;
}

[[noreturn]] void refuse(std::string message) {
  throw failure(errc::invalid_argument, std::move(message));
}

/// Runs a conversion and puts the argument's name before its error.
template <class Convert>
auto named(std::string_view argument, Convert convert) {
  try {
    return convert();
  } catch (const failure& problem) {
    refuse(fmt::format("{} {}", argument, problem.why().message));
  }
}

template <class Number>
Number number(std::string_view argument, std::string_view text, Number least, Number most) {
  Number value{};
  const auto* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  // Written so that a NaN is out of range.
  if (problem != std::errc{} || stopped != end || !(value >= least && value <= most))
    refuse(fmt::format("{} '{}': give a number from {} to {}", argument, text, least, most));
  return value;
}

/// Seconds, which may have a fraction.
std::chrono::milliseconds seconds(std::string_view argument, std::string_view text, double most) {
  const std::chrono::duration<double> value{number<double>(argument, text, 0.001, most)};
  return std::chrono::round<std::chrono::milliseconds>(value);
}

template <class Enum>
Enum one_of(std::string_view argument, std::string_view text, std::string_view choices) {
  Enum value{};
  if (!from_string(text, value))
    refuse(fmt::format("{} '{}': use one of {}", argument, text, choices));
  return value;
}

std::string session_name(const text_option& text) {
  if (!text)
    return default_session;
  if (const auto problem = check_identifier(*text))
    refuse("-s: " + problem.message);
  return *text;
}

path path_of(std::string_view argument, const std::string& text, const surroundings& around) {
  if (text.empty())
    refuse(fmt::format("{} '': give a path", argument));
  return absolute_path(text, around.current_directory);
}

void check_combinations(const get_words& w) {
  const bool one_url = w.urls.size() == 1 && !w.input_file;
  if (w.output && w.directory)
    refuse("-o and -d exclude each other: -o names the file with its folder");
  if (w.output && !one_url)
    refuse("-o needs exactly one URL and no -i; use -d for a folder, or destinations in the list");
  if (w.checksum && !one_url)
    refuse("--checksum needs exactly one URL and no -i; write checksums in the list's third column");
  if (!w.urls.empty() || w.input_file)
    return;
  const std::pair<std::string_view, bool> for_new_ones[] = {{"-d", w.directory.has_value()},
                                                            {"-H", !w.headers.empty()},
                                                            {"--priority", w.priority.has_value()},
                                                            {"--on-conflict", w.on_conflict.has_value()},
                                                            {"--start-at", w.start_at.has_value()}};
  for (const auto& [argument, given] : for_new_ones)
    if (given)
      refuse(fmt::format("{} is for new transfers; give a URL or -i FILE", argument));
}

void convert_paths(const get_words& w, const surroundings& around, get_options& o) {
  o.folder = w.directory ? path_of("-d", *w.directory, around) : around.current_directory;
  if (w.output) {
    if (*w.output == "-")
      refuse("-o '-': bellhop writes whole files only, not to standard output; use './-' for a file of this name");
    if (w.output->ends_with('/'))
      refuse(fmt::format("-o '{}': is a folder; use -d for it, or add the file's name", *w.output));
    o.output = path_of("-o", *w.output, around);
  }
  if (w.input_file)
    o.list = *w.input_file == "-" ? path{"-"} : path_of("-i", *w.input_file, around);
  if (w.ca_file)
    o.ca_file = path_of("--ca-file", *w.ca_file, around);
}

void convert_values(const get_words& w, const surroundings& around, get_options& o) {
  o.session = session_name(w.session);
  for (const auto& text : w.headers)
    o.headers.push_back(named("-H", [&] { return parse_header(text); }));
  if (w.parallel)
    o.parallel = number<std::uint32_t>("-j", *w.parallel, 1, 256);
  if (w.checksum)
    o.expected = named("--checksum", [&] { return parse_checksum(*w.checksum); });
  if (w.priority)
    o.priority = number<double>("--priority", *w.priority, 0, 1);
  if (w.on_conflict)
    o.on_conflict = one_of<conflict_policy>("--on-conflict", *w.on_conflict, "rename, overwrite, fail");
  if (w.start_at)
    o.start_at = named("--start-at", [&] { return parse_start(*w.start_at, around.now); });
  if (w.durability)
    o.durable = one_of<durability>("--durability", *w.durability, "crash, power");
  if (w.retry)
    o.attempts = number<std::uint32_t>("--retry", *w.retry, 0, 1'000'000);
  // The longest wait is 10 minutes.
  if (w.retry_delay)
    o.retry_delay = seconds("--retry-delay", *w.retry_delay, 600);
  if (w.timeout)
    o.timeout = seconds("--timeout", *w.timeout, 86'400);
  if (w.connect_timeout)
    o.connect_timeout = seconds("--connect-timeout", *w.connect_timeout, 86'400);
}

/// The session's settings among the words.
void note_given(const get_words& w, get_options& o) {
  o.given = {.parallel = w.parallel.has_value(),
             .durable = w.durability.has_value(),
             .attempts = w.retry.has_value(),
             .retry_delay = w.retry_delay.has_value(),
             .timeout = w.timeout.has_value(),
             .connect_timeout = w.connect_timeout.has_value(),
             .ca_file = w.ca_file.has_value()};
}

get_options convert(const get_words& w, const surroundings& around) {
  check_combinations(w);
  get_options o;
  convert_paths(w, around, o);
  convert_values(w, around, o);
  note_given(w, o);
  for (const auto& url : w.urls) {
    if (const auto problem = check_url(url))
      refuse(problem.message);
    o.urls.push_back(url);
  }
  o.embedded = w.embedded;
  o.json = w.json;
  o.quiet = w.quiet;
  return o;
}

list_options convert(const list_words& w) {
  list_options o;
  o.session = session_name(w.session);
  if (w.state)
    o.state = one_of<transfer_state>("--state", *w.state,
                                     "suspended, queued, running, waiting, finishing, completed, failed, cancelled");
  o.json = w.json;
  return o;
}

events_options convert(const events_words& w) {
  events_options o;
  o.session = session_name(w.session);
  if (w.after)
    o.after.value = number<std::uint64_t>("--after", *w.after, 0, std::numeric_limits<std::int64_t>::max());
  o.json = w.json;
  return o;
}

early_exit usage_error(const std::string& command, std::string_view message) {
  return {2, fmt::format("{0}: {1}\nTry '{0} --help'.\n", command, message)};
}

/// CLI11's "--output: 1 required TEXT missing" in our words; other errors, as "--json=perhaps", are told as they are.
std::string in_words(const CLI::ParseError& problem) {
  const std::string text = problem.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&problem) && text.ends_with("missing"))
    return fmt::format("{}: a value must follow it", text.substr(0, text.find(':')));
  return text;
}

void refuse_leftovers(const CLI::App& app) {
  const auto left = app.remaining();
  if (left.empty())
    return;
  const auto& first = left.front();
  if (first.size() > 1 && first.front() == '-')
    refuse(fmt::format("unknown option '{}'; see the list of options, or write './{}' for a file of this name",
                       first.substr(0, first.find('=')), first.substr(0, first.find('='))));
  if (app.get_parent() == nullptr)
    refuse(fmt::format("unknown command '{}'; use get, list or events", first));
  refuse(fmt::format("unexpected argument '{}'; only options can follow", first));
}

} // namespace

invocation parse_options(std::vector<std::string> arguments, const surroundings& around) {
  words w;
  CLI::App app;
  app.set_version_flag("--version", fmt::format("bellhop {}", BELLHOP_VERSION));
  // Leftovers are reported by us: CLI11 names all of them and no remedy.
  app.require_subcommand(0, 1)->allow_extras();
  // The last one counts, so that a user's alias may hold options of its own.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  auto* get = add_get(app, w.get)->allow_extras();
  auto* list = add_list(app, w.list)->allow_extras();
  auto* events = add_events(app, w.events)->allow_extras();
  const auto command = [&] {
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? std::string{"bellhop"} : "bellhop " + chosen.front()->get_name();
  };

  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
    refuse_leftovers(app);
    for (const auto* chosen : app.get_subcommands())
      refuse_leftovers(*chosen);
    if (get->parsed())
      return convert(w.get, around);
    if (list->parsed())
      return convert(w.list);
    if (events->parsed())
      return convert(w.events);
    refuse("what to do? Use get, list or events");
  } catch (const CLI::CallForVersion& version) {
    return early_exit{0, std::string{version.what()} + '\n'};
  } catch (const CLI::CallForHelp&) {
    const auto* text = get->parsed()      ? get_help
                       : list->parsed()   ? list_help
                       : events->parsed() ? events_help
                                          : general_help;
    return early_exit{0, text};
  } catch (const CLI::ParseError& problem) {
    return usage_error(command(), in_words(problem));
  } catch (const failure& problem) {
    return usage_error(command(), problem.why().message);
  }
}

transfer_request common_request(const get_options& o) {
  transfer_request request;
  request.on_conflict = o.on_conflict;
  request.headers = o.headers;
  request.expected = o.expected;
  request.priority = o.priority;
  request.earliest_begin = o.start_at;
  return request;
}

transfer_request request_for(const get_options& o, std::string url) {
  auto request = common_request(o);
  request.destination = o.output ? *o.output : o.folder / file_name_from_url(url);
  request.url = std::move(url);
  return request;
}

session_configuration configuration_for(const get_options& o) {
  auto all = o;
  all.given = {true, true, true, true, true, true, true};
  return configuration_for(all, {});
}

session_configuration configuration_for(const get_options& o, session_configuration stored) {
  if (o.given.durable)
    stored.durable = o.durable;
  if (o.given.parallel)
    stored.max_active = stored.max_per_host = o.parallel;
  if (o.given.attempts)
    stored.retry.max_attempts = o.attempts;
  if (o.given.retry_delay)
    stored.retry.base = o.retry_delay;
  if (o.given.timeout)
    stored.request_timeout = o.timeout;
  if (o.given.connect_timeout)
    stored.connect_timeout = o.connect_timeout;
  if (o.given.ca_file)
    stored.ca_file = o.ca_file;
  return stored;
}

} // namespace bellhop::cli
