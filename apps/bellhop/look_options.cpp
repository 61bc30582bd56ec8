#include "apps/bellhop/help_text.hpp"
#include "apps/bellhop/verbs.hpp"

#include <memory>
#include <utility>

/// The options of the verbs that only look: list, status, watch, events; and of sessions.
namespace bellhop::cli {

namespace {

constexpr const char* state_names = "suspended|queued|running|waiting|finishing|completed|failed|cancelled";

struct list_words {
  text_option session, state;
  bool json = false;
};

list_options convert(const list_words& w) {
  list_options o;
  o.session = session_name(w.session);
  if (w.state)
    o.state = one_of<transfer_state>("--state", *w.state,
                                     "suspended, queued, running, waiting, finishing, completed, failed, cancelled");
  o.json = w.json;
  return o;
}

verb add_list(CLI::App& app) {
  auto words = std::make_shared<list_words>();
  auto* list = app.add_subcommand("list");
  add_session(*list, words->session);
  list->add_option("--state", words->state)->type_name(state_names);
  add_json(*list, words->json);
  return {list, list_help, [words](const surroundings&) { return convert(*words); }};
}

/// Of `status` and `watch`.
struct some_words {
  std::vector<std::string> ids;
  text_option session;
  bool json = false;
};

template <class Options>
verb add_some(CLI::App& app, const char* name, const char* help) {
  auto words = std::make_shared<some_words>();
  auto* some = app.add_subcommand(name);
  add_session(*some, words->session);
  add_json(*some, words->json);
  add_ids(*some, words->ids);
  return {some, help, [words](const surroundings&) {
            Options o;
            o.ids = ids_of(words->ids);
            o.session = session_name(words->session);
            o.json = words->json;
            return o;
          }};
}

struct events_words {
  text_option session, after;
  bool follow = false, json = false;
};

events_options convert(const events_words& w) {
  events_options o;
  o.session = session_name(w.session);
  if (w.after)
    o.after = event_of("--after", *w.after);
  o.follow = w.follow;
  o.json = w.json;
  return o;
}

verb add_events(CLI::App& app) {
  auto words = std::make_shared<events_words>();
  auto* events = app.add_subcommand("events");
  add_session(*events, words->session);
  events->add_option("--after", words->after);
  events->add_flag("-f,--follow", words->follow);
  add_json(*events, words->json);
  return {events, events_help, [words](const surroundings&) { return convert(*words); }};
}

struct sessions_words {
  text_option what, session;
  bool json = false;
};

sessions_options convert(const sessions_words& w) {
  sessions_options o;
  o.json = w.json;
  if (!w.what)
    return o;
  if (!from_string(*w.what, o.what) || o.what == session_action::list)
    refuse(fmt::format("'{}': use one of pause, resume, finish, cancel, or nothing to list the sessions", *w.what));
  if (!w.session)
    refuse(fmt::format("{} needs the name of a session; 'bellhop sessions' shows them", *w.what));
  if (const auto problem = check_identifier(*w.session))
    refuse(problem.message);
  o.session = *w.session;
  return o;
}

verb add_sessions(CLI::App& app) {
  auto words = std::make_shared<sessions_words>();
  auto* sessions = app.add_subcommand("sessions");
  sessions->add_option("ACTION", words->what)->type_name("pause|resume|finish|cancel");
  sessions->add_option("SESSION", words->session)->type_name("SESSION");
  add_json(*sessions, words->json);
  return {sessions, sessions_help, [words](const surroundings&) { return convert(*words); }};
}

} // namespace

std::vector<verb> add_looking(CLI::App& app) {
  return {add_list(app), add_some<status_options>(app, "status", status_help),
          add_some<watch_options>(app, "watch", watch_help), add_events(app), add_sessions(app)};
}

} // namespace bellhop::cli
