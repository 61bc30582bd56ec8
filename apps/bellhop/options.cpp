#include "apps/bellhop/options.hpp"

#include "apps/bellhop/help_text.hpp"
#include "apps/bellhop/verbs.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace bellhop::cli {

namespace {

constexpr std::array<std::string_view, 4> action_names{"pause", "resume", "cancel", "remove"};
constexpr std::array<std::string_view, 5> session_action_names{"list", "pause", "resume", "finish", "cancel"};
constexpr std::array<std::string_view, 3> daemon_action_names{"start", "stop", "status"};
constexpr std::array<std::string_view, 3> shell_names{"bash", "zsh", "fish"};

template <class Names, class Enum>
bool find_name(const Names& names, std::string_view text, Enum& value) noexcept {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end())
    return false;
  value = static_cast<Enum>(found - names.begin());
  return true;
}

/// All that can be written, for CLI11.
struct command_line {
  command_line() {
    app.set_version_flag("--version", fmt::format("bellhop {}", BELLHOP_VERSION));
    // Leftovers are reported by us: CLI11 names all of them and no remedy.
    app.require_subcommand(0, 1)->allow_extras();
    // The last one counts, so that a user's alias may hold options of its own.
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    verbs.push_back(add_get(app));
    for (const auto add : {add_looking, add_acting, add_service})
      std::ranges::move(add(app), std::back_inserter(verbs));
    for (const auto& each : verbs)
      each.app->allow_extras();
  }

  /// The verb that was written, or null.
  const verb* chosen() const {
    const auto found = std::ranges::find_if(verbs, [](const verb& each) { return each.app->parsed(); });
    return found == verbs.end() ? nullptr : &*found;
  }

  std::string name() const {
    const auto* each = chosen();
    return each ? "bellhop " + each->app->get_name() : "bellhop";
  }

  std::string known_verbs() const {
    std::string text;
    for (const auto& each : verbs)
      text += (text.empty() ? "" : ", ") + each.app->get_name();
    return text;
  }

  CLI::App app;
  std::vector<verb> verbs;
};

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

void refuse_leftovers(const CLI::App& app, const command_line& line) {
  const auto left = app.remaining();
  if (left.empty())
    return;
  const auto& first = left.front();
  if (first.size() > 1 && first.front() == '-')
    refuse(fmt::format("unknown option '{}'; see the list of options, or write './{}' for a file of this name",
                       first.substr(0, first.find('=')), first.substr(0, first.find('='))));
  if (app.get_parent() == nullptr)
    refuse(fmt::format("unknown command '{}'; use one of {}", first, line.known_verbs()));
  refuse(fmt::format("unexpected argument '{}'; only options can follow", first));
}

invocation parse(command_line& line, std::vector<std::string> arguments, const surroundings& around) {
  std::reverse(arguments.begin(), arguments.end());
  line.app.parse(std::move(arguments));
  refuse_leftovers(line.app, line);
  const auto* chosen = line.chosen();
  if (!chosen)
    refuse("what to do? Use one of " + line.known_verbs());
  refuse_leftovers(*chosen->app, line);
  return chosen->convert(around);
}

/// What the help says of an option, or of a verb in the general help: the first phrase after the name.
std::string about(std::string_view help, std::string_view name) {
  for (std::size_t begin = 0; begin < help.size();) {
    const auto end = std::min(help.find('\n', begin), help.size());
    const auto line = help.substr(begin, end - begin);
    const auto at = line.find(name);
    const auto after = at + name.size();
    if (line.starts_with("  ") && at != line.npos && at <= 6 && (after == line.size() || line[after] == ' ')) {
      // Two spaces, or a line's end where the name is long, stand before the text.
      const auto gap = line.find("  ", after);
      auto text = gap == line.npos ? help.substr(end + 1, help.find('\n', end + 1) - end - 1) : line.substr(gap);
      text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
      return std::string{text.substr(0, text.find_first_of(";(:"))};
    }
    begin = end + 1;
  }
  return {};
}

std::string without_trailing_blank(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

/// The names of a flag may stand for yes and no ("--daemon,!--embedded"): each is an option of its own here.
void describe(const CLI::Option& option, const char* help, verb_description& into) {
  if (option.get_positional()) {
    into.words.push_back(option.get_type_name());
    return;
  }
  const bool flag = option.get_items_expected_max() == 0;
  const auto& shorts = option.get_snames();
  for (const auto& name : option.get_lnames()) {
    option_description each;
    each.long_name = "--" + name;
    if (!shorts.empty())
      each.short_name = "-" + shorts.front();
    if (!flag)
      each.value = option.get_type_name();
    each.about = without_trailing_blank(about(help, each.long_name));
    into.options.push_back(std::move(each));
  }
}

} // namespace

std::string_view to_string(action a) noexcept {
  return action_names[static_cast<std::size_t>(a)];
}

std::string_view to_string(session_action a) noexcept {
  return session_action_names[static_cast<std::size_t>(a)];
}

std::string_view to_string(daemon_action a) noexcept {
  return daemon_action_names[static_cast<std::size_t>(a)];
}

std::string_view to_string(shell s) noexcept {
  return shell_names[static_cast<std::size_t>(s)];
}

bool from_string(std::string_view text, session_action& value) noexcept {
  return find_name(session_action_names, text, value);
}

bool from_string(std::string_view text, daemon_action& value) noexcept {
  return find_name(daemon_action_names, text, value);
}

bool from_string(std::string_view text, shell& value) noexcept {
  return find_name(shell_names, text, value);
}

CLI::Option* add_session(CLI::App& app, text_option& session) {
  return app.add_option("-s,--session", session)->type_name("SESSION");
}

CLI::Option* add_json(CLI::App& app, bool& json) {
  return app.add_flag("--json", json);
}

CLI::Option* add_headers(CLI::App& app, std::vector<std::string>& headers) {
  return app.add_option("-H,--header", headers)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

CLI::Option* add_ids(CLI::App& app, std::vector<std::string>& ids) {
  return app.add_option("ID", ids)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->type_name("ID");
}

invocation parse_options(std::vector<std::string> arguments, const surroundings& around) {
  command_line line;
  try {
    return parse(line, std::move(arguments), around);
  } catch (const CLI::CallForVersion& version) {
    return early_exit{0, std::string{version.what()} + '\n'};
  } catch (const CLI::CallForHelp&) {
    return early_exit{0, line.chosen() ? line.chosen()->help : general_help};
  } catch (const CLI::ParseError& problem) {
    return usage_error(line.name(), in_words(problem));
  } catch (const failure& problem) {
    return usage_error(line.name(), problem.why().message);
  }
}

std::vector<verb_description> describe_verbs() {
  const command_line line;
  std::vector<verb_description> result;
  for (const auto& each : line.verbs) {
    verb_description described;
    described.name = each.app->get_name();
    described.about = without_trailing_blank(about(general_help, described.name));
    for (const auto* option : each.app->get_options())
      describe(*option, each.help, described);
    result.push_back(std::move(described));
  }
  return result;
}

} // namespace bellhop::cli
