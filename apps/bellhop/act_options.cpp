#include "apps/bellhop/arguments.hpp"
#include "apps/bellhop/help_text.hpp"
#include "apps/bellhop/verbs.hpp"

#include <memory>
#include <utility>

/// The options of the verbs that change something: pause, resume, cancel, remove, change, ack; and of daemon and
/// completion.
namespace bellhop::cli {

namespace {

struct act_words {
  std::vector<std::string> ids;
  text_option session;
  bool all = false, keep = false, json = false;
};

act_options convert(const act_words& w, action what) {
  act_options o;
  o.what = what;
  o.ids = ids_of(w.ids);
  o.all = w.all;
  o.keep = w.keep;
  o.session = session_name(w.session);
  o.json = w.json;
  if (o.all && !o.ids.empty())
    refuse("--all and numbers of transfers exclude each other");
  if (!o.all && o.ids.empty())
    refuse(fmt::format("which transfers? Give their numbers as 'bellhop list' shows them, or --all"));
  return o;
}

verb add_act(CLI::App& app, action what, const char* help) {
  auto words = std::make_shared<act_words>();
  auto* act = app.add_subcommand(std::string{to_string(what)});
  add_session(*act, words->session);
  act->add_flag("--all", words->all);
  if (what == action::cancel)
    act->add_flag("--keep", words->keep);
  add_json(*act, words->json);
  add_ids(*act, words->ids);
  return {act, help, [words, what](const surroundings&) { return convert(*words, what); }};
}

struct change_words {
  std::vector<std::string> ids, headers;
  text_option session, priority, start_at, max_size;
  bool no_headers = false, json = false;
};

transfer_change change_of(const change_words& w, const surroundings& around) {
  transfer_change change;
  if (w.priority)
    change.priority = number<double>("--priority", *w.priority, 0, 1);
  if (w.start_at)
    change.earliest_begin = named("--start-at", [&] { return parse_start(*w.start_at, around.now); });
  if (!w.headers.empty() || w.no_headers)
    change.headers = headers_of(w.headers);
  if (w.max_size)
    change.max_size = size("--max-size", *w.max_size);
  return change;
}

change_options convert(const change_words& w, const surroundings& around) {
  if (w.ids.empty())
    refuse("which transfers? Give their numbers as 'bellhop list' shows them");
  if (w.no_headers && !w.headers.empty())
    refuse("-H and --no-headers exclude each other: -H replaces all headers");
  change_options o;
  o.ids = ids_of(w.ids);
  o.change = change_of(w, around);
  o.session = session_name(w.session);
  o.json = w.json;
  if (!o.change)
    refuse("what to change? Give --priority, --start-at, -H, --no-headers or --max-size");
  return o;
}

verb add_change(CLI::App& app) {
  auto words = std::make_shared<change_words>();
  auto* change = app.add_subcommand("change");
  change->add_option("--priority", words->priority);
  change->add_option("--start-at", words->start_at);
  add_headers(*change, words->headers);
  change->add_flag("--no-headers", words->no_headers);
  change->add_option("--max-size", words->max_size);
  add_session(*change, words->session);
  add_json(*change, words->json);
  add_ids(*change, words->ids);
  return {change, change_help, [words](const surroundings& around) { return convert(*words, around); }};
}

struct ack_words {
  text_option session, upto;
  bool json = false;
};

verb add_ack(CLI::App& app) {
  auto words = std::make_shared<ack_words>();
  auto* ack = app.add_subcommand("ack");
  add_session(*ack, words->session);
  add_json(*ack, words->json);
  ack->add_option("N", words->upto)->type_name("N");
  return {ack, ack_help, [words](const surroundings&) {
            ack_options o;
            o.session = session_name(words->session);
            if (words->upto)
              o.upto = event_of("N", *words->upto);
            o.json = words->json;
            return o;
          }};
}

verb add_daemon(CLI::App& app) {
  struct daemon_words {
    text_option what;
    bool json = false;
  };
  auto words = std::make_shared<daemon_words>();
  auto* daemon = app.add_subcommand("daemon");
  daemon->add_option("ACTION", words->what)->type_name("start|stop|status");
  add_json(*daemon, words->json);
  return {daemon, daemon_help, [words](const surroundings&) {
            daemon_command o;
            o.what = one_of<daemon_action>("ACTION", words->what.value_or(""), "start, stop, status");
            o.json = words->json;
            return o;
          }};
}

verb add_completion(CLI::App& app) {
  auto words = std::make_shared<text_option>();
  auto* completion = app.add_subcommand("completion");
  completion->add_option("SHELL", *words)->type_name("bash|zsh|fish");
  return {completion, completion_help, [words](const surroundings&) {
            return completion_options{one_of<shell>("SHELL", words->value_or(""), "bash, zsh, fish")};
          }};
}

} // namespace

std::vector<verb> add_acting(CLI::App& app) {
  return {add_act(app, action::pause, pause_help),
          add_act(app, action::resume, resume_help),
          add_act(app, action::cancel, cancel_help),
          add_act(app, action::remove, remove_help),
          add_change(app),
          add_ack(app)};
}

std::vector<verb> add_service(CLI::App& app) {
  return {add_daemon(app), add_completion(app)};
}

} // namespace bellhop::cli
