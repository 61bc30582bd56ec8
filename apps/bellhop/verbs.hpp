#pragma once

#include "apps/bellhop/options.hpp"
#include "apps/bellhop/words.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <vector>

/// What options.cpp puts the command line together from. An option's type name says what its value is
/// (`option_description::value`).
namespace bellhop::cli {

struct verb {
  CLI::App* app;
  const char* help;
  /// What CLI11 has found as options. Throws `failure` that names the argument and the remedy.
  std::function<invocation(const surroundings&)> convert;
};

verb add_get(CLI::App&);
/// list, status, watch, events, sessions.
std::vector<verb> add_looking(CLI::App&);
/// pause, resume, cancel, remove, change, ack.
std::vector<verb> add_acting(CLI::App&);
/// daemon, completion.
std::vector<verb> add_service(CLI::App&);

// Options that several verbs have.
CLI::Option* add_session(CLI::App&, text_option&);
CLI::Option* add_json(CLI::App&, bool&);
/// One value for each -H: by default a vector takes all words that follow, URLs too.
CLI::Option* add_headers(CLI::App&, std::vector<std::string>&);
CLI::Option* add_ids(CLI::App&, std::vector<std::string>&);

} // namespace bellhop::cli
