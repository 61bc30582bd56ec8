#include "apps/bellhop/arguments.hpp"
#include "apps/bellhop/help_text.hpp"
#include "apps/bellhop/verbs.hpp"
#include "core/url.hpp"

#include <memory>
#include <string_view>
#include <utility>

/// The options of `get`.
namespace bellhop::cli {

namespace {

struct get_words {
  std::vector<std::string> urls;
  std::vector<std::string> headers;
  text_option output, directory, input_file, session, parallel, checksum, priority, on_conflict, start_at, durability;
  text_option retry, retry_delay, timeout, connect_timeout, ca_file, max_size, metadata, resume_data;
  bool daemon = true, detach = false, suspended = false, json = false, quiet = false;
};

void declare(CLI::App& get, get_words& w) {
  get.add_option("-o,--output", w.output)->type_name("FILE");
  get.add_option("-d,--directory", w.directory)->type_name("DIR");
  get.add_option("-i,--input-file", w.input_file)->type_name("FILE");
  add_session(get, w.session);
  get.add_option("-j,--parallel", w.parallel);
  add_headers(get, w.headers);
  get.add_option("--checksum", w.checksum);
  get.add_option("--priority", w.priority);
  get.add_option("--on-conflict", w.on_conflict)->type_name("rename|overwrite|fail");
  get.add_option("--start-at", w.start_at);
  get.add_option("--durability", w.durability)->type_name("crash|power");
  get.add_option("--retry", w.retry);
  get.add_option("--retry-delay", w.retry_delay);
  get.add_option("--timeout", w.timeout);
  get.add_option("--connect-timeout", w.connect_timeout);
  get.add_option("--ca-file", w.ca_file)->type_name("FILE");
  get.add_option("--max-size", w.max_size);
  get.add_option("--metadata", w.metadata);
  get.add_option("--resume-data", w.resume_data);
  get.add_flag("--daemon,!--embedded", w.daemon);
  get.add_flag("--detach", w.detach);
  get.add_flag("--suspended", w.suspended);
  add_json(get, w.json);
  get.add_flag("-q,--quiet", w.quiet);
  get.add_option("URL", w.urls)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->type_name("URL");
}

void check_for_new_ones(const get_words& w) {
  const std::pair<std::string_view, bool> for_new_ones[] = {{"-d", w.directory.has_value()},
                                                            {"-H", !w.headers.empty()},
                                                            {"--priority", w.priority.has_value()},
                                                            {"--on-conflict", w.on_conflict.has_value()},
                                                            {"--start-at", w.start_at.has_value()},
                                                            {"--max-size", w.max_size.has_value()},
                                                            {"--metadata", w.metadata.has_value()},
                                                            {"--detach", w.detach},
                                                            {"--suspended", w.suspended}};
  for (const auto& [argument, given] : for_new_ones)
    if (given)
      refuse(fmt::format("{} is for new transfers; give a URL or -i FILE", argument));
}

void check_combinations(const get_words& w) {
  const bool one_url = w.urls.size() == 1 && !w.input_file;
  if (w.output && w.directory)
    refuse("-o and -d exclude each other: -o names the file with its folder");
  if (w.output && !one_url)
    refuse("-o needs exactly one URL and no -i; use -d for a folder, or destinations in the list");
  if (w.checksum && !one_url)
    refuse("--checksum needs exactly one URL and no -i; write checksums in the list's third column");
  if (w.resume_data && !one_url)
    refuse("--resume-data needs exactly one URL and no -i: it belongs to one transfer");
  if (w.detach && !w.daemon)
    refuse("--detach and --embedded exclude each other: without the daemon nothing goes on when bellhop has left");
  if (w.urls.empty() && !w.input_file)
    check_for_new_ones(w);
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

/// What is told of the transfers.
void convert_requests(const get_words& w, const surroundings& around, get_options& o) {
  o.headers = headers_of(w.headers);
  if (w.checksum)
    o.expected = named("--checksum", [&] { return parse_checksum(*w.checksum); });
  if (w.priority)
    o.priority = number<double>("--priority", *w.priority, 0, 1);
  if (w.on_conflict)
    o.on_conflict = one_of<conflict_policy>("--on-conflict", *w.on_conflict, "rename, overwrite, fail");
  if (w.start_at)
    o.start_at = named("--start-at", [&] { return parse_start(*w.start_at, around.now); });
  if (w.max_size)
    o.max_size = size("--max-size", *w.max_size);
  if (w.metadata)
    o.metadata = named("--metadata", [&] { return parse_metadata(*w.metadata); });
  if (w.resume_data && w.resume_data->empty())
    refuse("--resume-data '': give what 'bellhop cancel --keep' has printed");
  o.resume_data = w.resume_data.value_or("");
  for (const auto& url : w.urls) {
    if (const auto problem = check_url(url))
      refuse(problem.message);
    o.urls.push_back(url);
  }
}

/// What is told of the session.
void convert_settings(const get_words& w, get_options& o) {
  o.session = session_name(w.session);
  if (w.parallel)
    o.parallel = number<std::uint32_t>("-j", *w.parallel, 1, 256);
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
  convert_settings(w, o);
  convert_requests(w, around, o);
  note_given(w, o);
  o.embedded = !w.daemon;
  o.detach = w.detach;
  o.suspended = w.suspended;
  o.json = w.json;
  o.quiet = w.quiet;
  return o;
}

} // namespace

verb add_get(CLI::App& app) {
  auto words = std::make_shared<get_words>();
  auto* get = app.add_subcommand("get");
  declare(*get, *words);
  return {get, get_help, [words](const surroundings& around) { return convert(*words, around); }};
}

transfer_request common_request(const get_options& o) {
  transfer_request request;
  request.on_conflict = o.on_conflict;
  request.headers = o.headers;
  request.expected = o.expected;
  request.priority = o.priority;
  request.earliest_begin = o.start_at;
  request.max_size = o.max_size;
  request.metadata = o.metadata;
  request.resume_data = o.resume_data;
  request.suspended = o.suspended;
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
