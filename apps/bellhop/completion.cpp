#include "apps/bellhop/completion.hpp"

#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace bellhop::cli {

namespace {

/// The names are the first member of each line, and need no quoting (core/configuration.hpp).
constexpr const char* session_names =
    R"sh(bellhop sessions --json 2>/dev/null | sed -n 's/^{"identifier":"\([^"]*\)".*/\1/p')sh";

/// "crash|power" as "crash power"; empty if it is no list of choices.
std::string choices(std::string value) {
  if (value.find('|') == std::string::npos)
    return {};
  std::ranges::replace(value, '|', ' ');
  return value;
}

/// In single quotes, for a shell.
std::string in_single_quotes(std::string_view text) {
  std::string result = "'";
  for (const char c : text)
    result += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return result + "'";
}

std::vector<std::string> names_of(const option_description& option) {
  std::vector<std::string> names{option.long_name};
  if (!option.short_name.empty())
    names.insert(names.begin(), option.short_name);
  return names;
}

// -- bash -------------------------------------------------------------------------------------------------------------

constexpr const char* bash_begin = R"sh(# bash completion for bellhop, made by: bellhop completion bash

_bellhop_sessions() {
  %SESSIONS%
}

# What the value of an option, or another word, may be: _bellhop_reply KIND WORD
_bellhop_reply() {
  case $1 in
  FILE) compopt -o filenames 2>/dev/null && mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
  DIR) compopt -o filenames 2>/dev/null && mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
  SESSION) mapfile -t COMPREPLY < <(compgen -W "$(_bellhop_sessions)" -- "$2") ;;
  *'|'*) mapfile -t COMPREPLY < <(compgen -W "${1//|/ }" -- "$2") ;;
  esac
}

)sh";

constexpr const char* bash_end = R"sh(
_bellhop() {
  local words=() word verb= options= kinds= place=0 pending= i
  # "--option=value" comes in three words.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == = ]] && { ((i == COMP_CWORD)) && words+=(""); continue; }
    words+=("$word")
  done
  local current=${words[-1]}
  COMPREPLY=()
  for word in "${words[@]::${#words[@]}-1}"; do
    if [[ -n $pending ]]; then
      pending=
    elif [[ $word == -* ]]; then
      pending=$(_bellhop_value "$verb" "$word")
    elif [[ -z $verb ]]; then
      verb=$word
    else
      ((++place))
    fi
  done
  _bellhop_verb "$verb"
  if [[ -n $pending ]]; then
    _bellhop_reply "$pending" "$current"
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  else
    kinds=($kinds)
    ((place < ${#kinds[@]})) || place=$((${#kinds[@]} - 1))
    ((place < 0)) || _bellhop_reply "${kinds[place]}" "$current"
  fi
}

complete -F _bellhop bellhop
)sh";

std::string with_sessions(std::string_view text) {
  constexpr std::string_view mark = "%SESSIONS%";
  std::string result{text};
  return result.replace(result.find(mark), mark.size(), session_names);
}

/// Says what an option's value is: nothing for a flag.
std::string bash_values(std::span<const verb_description> verbs) {
  std::string text = "_bellhop_value() {\n  case \"$1 $2\" in\n";
  for (const auto& verb : verbs)
    for (const auto& option : verb.options) {
      if (option.value.empty())
        continue;
      std::string patterns;
      for (const auto& name : names_of(option))
        patterns += fmt::format("{}'{} {}'", patterns.empty() ? "" : " | ", verb.name, name);
      text += fmt::format("  {}) echo '{}' ;;\n", patterns, option.value);
    }
  return text + "  esac\n}\n\n";
}

/// Sets the options and the kinds of words that a verb has.
std::string bash_verbs(std::span<const verb_description> verbs) {
  std::string all;
  std::string text;
  for (const auto& verb : verbs) {
    all += (all.empty() ? "" : "|") + verb.name;
    std::string options;
    for (const auto& option : verb.options)
      for (const auto& name : names_of(option))
        options += (options.empty() ? "" : " ") + name;
    std::string kinds;
    for (const auto& word : verb.words)
      kinds += (kinds.empty() ? "" : " ") + word;
    text += fmt::format("  {}) options='{}' kinds='{}' ;;\n", verb.name, options, kinds);
  }
  return fmt::format(
      "_bellhop_verb() {{\n  case $1 in\n  '') options='-h --help --version' kinds='{}' ;;\n{}  esac\n}}\n", all, text);
}

std::string bash_script(std::span<const verb_description> verbs) {
  return with_sessions(bash_begin) + bash_values(verbs) + bash_verbs(verbs) + bash_end;
}

// -- zsh --------------------------------------------------------------------------------------------------------------

/// What has a meaning in the specifications of _arguments.
std::string zsh_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\')
      result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_value(const std::string& value) {
  if (value == "FILE")
    return ":file:_files";
  if (value == "DIR")
    return ":folder:_files -/";
  if (value == "SESSION")
    return ":session:_bellhop_sessions";
  if (const auto some = choices(value); !some.empty())
    return fmt::format(":value:({})", some);
  return ":value: ";
}

std::string zsh_option(const option_description& option) {
  std::string text;
  for (const auto& name : names_of(option)) {
    const auto value = option.value.empty() ? "" : zsh_value(option.value);
    // Any of them may be given again: the last one counts.
    text +=
        fmt::format(" \\\n      {}", in_single_quotes(fmt::format("*{}[{}]{}", name, zsh_text(option.about), value)));
  }
  return text;
}

std::string zsh_words(const verb_description& verb) {
  std::string text;
  for (std::size_t i = 0; i < verb.words.size(); ++i) {
    const bool last = i + 1 == verb.words.size() && verb.words[i] != "SESSION" && choices(verb.words[i]).empty();
    text += " \\\n      " + in_single_quotes((last ? "*" : std::to_string(i + 1)) + zsh_value(verb.words[i]));
  }
  return text;
}

std::string zsh_script(std::span<const verb_description> verbs) {
  auto text = fmt::format(R"sh(#compdef bellhop
# zsh completion for bellhop, made by: bellhop completion zsh

_bellhop_sessions() {{
  local -a names
  names=(${{(f)"$({})"}})
  compadd -a names
}}

_bellhop() {{
  local state line
  local -a verbs
  verbs=(
)sh",
                          session_names);
  for (const auto& verb : verbs)
    text += fmt::format("    {}\n", in_single_quotes(verb.name + ":" + zsh_text(verb.about)));
  text += R"sh(  )
  _arguments -C '(- *)'{-h,--help}'[show help]' '(- *)--version[show the version]' '1:command:->verb' '*::word:->words'
  case $state in
  verb) _describe command verbs ;;
  words)
    case $words[1] in
)sh";
  for (const auto& verb : verbs) {
    text += fmt::format("    {}) _arguments", verb.name);
    for (const auto& option : verb.options)
      text += zsh_option(option);
    text += zsh_words(verb) + " ;;\n";
  }
  return text + "    esac\n    ;;\n  esac\n}\n\ncompdef _bellhop bellhop\n";
}

// -- fish -------------------------------------------------------------------------------------------------------------

std::string fish_value(const std::string& value) {
  if (value == "FILE")
    return " -r -F";
  if (value == "DIR")
    return " -x -a '(__fish_complete_directories)'";
  if (value == "SESSION")
    return " -x -a '(__bellhop_sessions)'";
  if (const auto some = choices(value); !some.empty())
    return fmt::format(" -x -a '{}'", some);
  return value.empty() ? "" : " -x";
}

std::string fish_option(const verb_description& verb, const option_description& option) {
  const auto short_name = option.short_name.empty() ? "" : " -s " + option.short_name.substr(1);
  return fmt::format("complete -c bellhop -n '__fish_seen_subcommand_from {}'{} -l {}{} -d {}\n", verb.name, short_name,
                     option.long_name.substr(2), fish_value(option.value), in_single_quotes(option.about));
}

std::string fish_script(std::span<const verb_description> verbs) {
  auto text = fmt::format(R"sh(# fish completion for bellhop, made by: bellhop completion fish

function __bellhop_sessions
  {}
end

complete -c bellhop -f
complete -c bellhop -n __fish_use_subcommand -l version -d 'show the version'
complete -c bellhop -n __fish_use_subcommand -s h -l help -d 'show help'
)sh",
                          session_names);
  for (const auto& verb : verbs) {
    text += fmt::format("complete -c bellhop -n __fish_use_subcommand -a {} -d {}\n", verb.name,
                        in_single_quotes(verb.about));
    for (const auto& option : verb.options)
      text += fish_option(verb, option);
    for (const auto& word : verb.words)
      if (word == "SESSION" || !choices(word).empty())
        text += fmt::format("complete -c bellhop -n '__fish_seen_subcommand_from {}'{}\n", verb.name, fish_value(word));
  }
  return text;
}

} // namespace

std::string completion_script(shell of, std::span<const verb_description> verbs) {
  switch (of) {
  case shell::bash:
    return bash_script(verbs);
  case shell::zsh:
    return zsh_script(verbs);
  case shell::fish:
    return fish_script(verbs);
  }
  return {};
}

exit_status run(const completion_options& options) {
  print(completion_script(options.of, describe_verbs()));
  return exit_status::all_completed;
}

} // namespace bellhop::cli
