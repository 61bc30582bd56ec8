#include "actors/app_delegate.hpp"
#include "actors/notification_center.hpp"
#include "actors/view_controller.hpp"
#include "tests/support/actor_fixture.hpp"

/// A program is started again after its engine died: it is told what happened, in order, and its completion handler is
/// called once.
namespace bellhop::test {

namespace {

/// What a view controller showed.
struct fake_view final : session_view {
  void show(const std::vector<event>& news) override { events.insert(events.end(), news.begin(), news.end()); }
  void show(const std::vector<progress>&, const std::vector<notice>&) override {}
  void finished(bool handler_called) override { finishes.push_back(handler_called); }
  void trouble(const error& why) override { troubles.push_back(why); }

  std::vector<std::uint64_t> numbers() const {
    std::vector<std::uint64_t> all;
    for (const auto& e : events)
      all.push_back(e.seq.value);
    return all;
  }

  std::vector<event> events;
  std::vector<bool> finishes;
  std::vector<error> troubles;
};

/// Counts how often it is called.
completion_handler_actor::behavior_type counting_handler(completion_handler_actor::pointer,
                                                         std::shared_ptr<int> calls) {
  return {[calls](complete_atom) { ++*calls; }};
}

/// An app delegate that only notes what it is told.
app_delegate_actor::behavior_type noting_delegate(app_delegate_actor::pointer,
                                                  std::shared_ptr<std::vector<std::string>> told) {
  return {[told](handle_atom, const std::string& identifier, const completion_handler_actor&) {
    told->push_back(identifier);
  }};
}

/// Starts programs over one state directory.
struct relaunch_fixture : actor_fixture {
  std::shared_ptr<fake_disk> disk = std::make_shared<fake_disk>();
  std::shared_ptr<process> p;
  notification_center_actor center;
  app_delegate_actor app;

  /// A program run that was killed: of its transfers so many completed, unseen, and so many did not.
  void previous_run(int completed, int unfinished, const std::string& identifier = "pictures") {
    auto old = launch(disk);
    const auto session = open(old, identifier);
    const auto ids = submit(session, pictures(completed + unfinished));
    for (int i = 0; i < completed; ++i)
      old->network->complete(ids[static_cast<std::size_t>(i)]);
    settle();
    kill(old);
  }

  void start_program() {
    p = launch(disk);
    center = ends(system.spawn(notification_center_behavior));
    app = ends(system.spawn(app_delegate_behavior, center));
  }

  view_control_actor show(std::shared_ptr<fake_view> view, const std::string& identifier = "pictures") {
    auto controller = ends(system.spawn(view_controller_behavior,
                                        view_setting{p->engine, center, identifier, small_session(), std::move(view)}));
    settle();
    return controller;
  }

  /// The system tells the program, as it does after a relaunch.
  std::uint64_t tell_app_delegate() { return ask<std::uint64_t>(p->engine, delegate_atom_v, app); }

  /// A notification whose handler is counted.
  std::shared_ptr<int> notify(const std::string& identifier = "pictures") {
    auto calls = std::make_shared<int>(0);
    const auto handler = ends(system.spawn(counting_handler, calls));
    caf::anon_send(center, post_atom_v, notification{background_session_updated, identifier, handler});
    settle();
    return calls;
  }

  void finish_all() {
    while (!p->network->open.empty()) {
      p->network->complete_all();
      settle();
    }
  }
};

} // namespace

TEST_CASE_METHOD(relaunch_fixture,
                 "The lazy-session bug: a relaunched program in which nobody presses the button gets its events",
                 "[relaunch]") {
  previous_run(3, 0);
  start_program();
  auto view = std::make_shared<fake_view>();
  show(view);
  CHECK(view->events.empty());
  CHECK(tell_app_delegate() == 1);
  CHECK(view->numbers() == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(view->finishes == std::vector{true});
  CHECK(view->troubles.empty());
  CHECK(disk->rows->counts("pictures").unacknowledged_events == 0);
}

TEST_CASE_METHOD(relaunch_fixture,
                 "Transfers that the dead engine left unfinished go on first, then the handler is called once",
                 "[relaunch]") {
  previous_run(2, 3);
  start_program();
  auto view = std::make_shared<fake_view>();
  show(view);
  const auto calls = notify();
  CHECK(view->numbers() == std::vector<std::uint64_t>{1, 2});
  CHECK(*calls == 0);
  CHECK(p->network->open.size() == 3);
  // What was published before the crash is looked for.
  CHECK(p->publisher->preflights.size() == 3);
  finish_all();
  CHECK(view->numbers() == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
  CHECK(*calls == 1);
  CHECK(view->finishes == std::vector{true});
}

TEST_CASE_METHOD(relaunch_fixture, "A program is not told of a session that it looks after already", "[relaunch]") {
  previous_run(2, 1, "pictures");
  previous_run(2, 1, "music");
  start_program();
  const auto pictures_session = open(p, "pictures");
  open(p, "music");
  attach(pictures_session, std::make_shared<fake_delegate>());
  auto told = std::make_shared<std::vector<std::string>>();
  const auto delegate = ends(system.spawn(noting_delegate, told));
  CHECK(ask<std::uint64_t>(p->engine, delegate_atom_v, app_delegate_actor{delegate}) == 1);
  CHECK(*told == std::vector<std::string>{"music"});
}

TEST_CASE_METHOD(relaunch_fixture, "A view shows that another has taken its session over, and opens it when needed",
                 "[relaunch]") {
  start_program();
  auto view = std::make_shared<fake_view>();
  const auto controller = show(view);
  caf::anon_send(controller, open_atom_v);
  settle();
  auto other = std::make_shared<fake_delegate>();
  const auto taken_by = attach(find_session(p), other, true);
  REQUIRE(view->troubles.size() == 1);
  CHECK(view->troubles[0].code == errc::session_in_use);
  caf::anon_send_exit(taken_by, caf::exit_reason::kill);
  settle();
  caf::anon_send(controller, open_atom_v);
  settle();
  CHECK(status(find_session(p)).attached);
}

TEST_CASE_METHOD(relaunch_fixture, "A file that got its name just before the crash is not downloaded again",
                 "[relaunch]") {
  previous_run(0, 1);
  start_program();
  p->publisher->found[transfer_id{1}] = {"/pictures/1.jpg", 6, {}};
  auto view = std::make_shared<fake_view>();
  show(view);
  tell_app_delegate();
  CHECK(p->network->started.empty());
  REQUIRE(view->events.size() == 1);
  CHECK(view->events[0].type == event_type::completed);
  CHECK(view->finishes == std::vector{true});
}

TEST_CASE_METHOD(relaunch_fixture, "A transfer whose time ran out while nothing ran fails, and its actor ends",
                 "[relaunch]") {
  previous_run(0, 1);
  advance(std::chrono::hours{24 * 8}, std::chrono::hours{1});
  start_program();
  auto view = std::make_shared<fake_view>();
  show(view);
  tell_app_delegate();
  REQUIRE(view->events.size() == 1);
  CHECK(view->events[0].why.code == errc::resource_timeout);
  CHECK(view->finishes == std::vector{true});
}

TEST_CASE_METHOD(relaunch_fixture, "A notification that comes before the view controller is kept for it",
                 "[relaunch]") {
  previous_run(2, 0);
  start_program();
  const auto calls = notify();
  auto view = std::make_shared<fake_view>();
  show(view);
  CHECK(view->numbers() == std::vector<std::uint64_t>{1, 2});
  CHECK(*calls == 1);
}

TEST_CASE_METHOD(relaunch_fixture, "Only the view controller of the session reacts", "[relaunch]") {
  previous_run(2, 0, "pictures");
  previous_run(1, 0, "music");
  start_program();
  auto pictures_view = std::make_shared<fake_view>();
  auto music_view = std::make_shared<fake_view>();
  show(pictures_view, "pictures");
  show(music_view, "music");
  const auto calls = notify("music");
  CHECK(*calls == 1);
  CHECK(music_view->events.size() == 1);
  CHECK(pictures_view->events.empty());
  CHECK(pictures_view->finishes.empty());
  CHECK(tell_app_delegate() == 1);
  CHECK(pictures_view->events.size() == 2);
}

TEST_CASE_METHOD(relaunch_fixture, "Sessions without news are not spoken of", "[relaunch]") {
  previous_run(1, 0, "pictures");
  previous_run(0, 0 + 1, "music");
  {
    auto old = launch(disk);
    open(old, "empty");
    kill(old);
  }
  start_program();
  auto told = std::make_shared<std::vector<std::string>>();
  const auto noting = ends(system.spawn(noting_delegate, told));
  CHECK(ask<std::uint64_t>(p->engine, delegate_atom_v, noting) == 2);
  CHECK(*told == std::vector<std::string>{"music", "pictures"});
}

TEST_CASE_METHOD(relaunch_fixture, "The handler is called also when the session finished before the notification came",
                 "[relaunch]") {
  previous_run(2, 0);
  start_program();
  auto view = std::make_shared<fake_view>();
  const auto controller = show(view);
  caf::anon_send(controller, open_atom_v);
  settle();
  CHECK(view->finishes == std::vector{false});
  const auto calls = notify();
  CHECK(*calls == 1);
  advance(2s);
  CHECK(*calls == 1);
}

TEST_CASE_METHOD(relaunch_fixture, "Every handler is called, each once", "[relaunch]") {
  previous_run(1, 1);
  start_program();
  auto view = std::make_shared<fake_view>();
  show(view);
  const auto first = notify();
  const auto second = notify();
  CHECK(*first + *second == 0);
  finish_all();
  CHECK(*first == 1);
  CHECK(*second == 1);
  finish_all();
  CHECK(*first + *second == 2);
}

TEST_CASE_METHOD(relaunch_fixture, "Events that were shown but not acknowledged are shown again", "[relaunch]") {
  previous_run(2, 0);
  {
    auto old = launch(disk);
    auto log = std::make_shared<fake_delegate>();
    attach(open(old), log);
    CHECK(log->events().size() == 2);
    kill(old);
  }
  start_program();
  auto view = std::make_shared<fake_view>();
  show(view);
  tell_app_delegate();
  CHECK(view->events.size() == 2);
}

TEST_CASE_METHOD(relaunch_fixture, "The button works without any notification", "[relaunch]") {
  start_program();
  auto view = std::make_shared<fake_view>();
  const auto controller = show(view);
  const auto results = ask<std::vector<submit_result>>(controller, submit_atom_v, pictures(2));
  REQUIRE(results.size() == 2);
  finish_all();
  CHECK(view->events.size() == 2);
  CHECK(view->finishes == std::vector{false});
}

TEST_CASE_METHOD(relaunch_fixture, "A view controller whose session is taken says so, and tries again when asked",
                 "[relaunch]") {
  start_program();
  auto log = std::make_shared<fake_delegate>();
  const auto session = open(p);
  attach(session, log);
  auto view = std::make_shared<fake_view>();
  const auto controller = show(view);
  CHECK(ask_error<std::vector<submit_result>>(controller, submit_atom_v, pictures(1)).code == errc::session_in_use);
  caf::anon_send(controller, open_atom_v);
  settle();
  REQUIRE(view->troubles.size() == 1);
  CHECK(view->troubles[0].code == errc::session_in_use);

  caf::anon_send(session, detach_atom_v);
  settle();
  REQUIRE(ask<std::vector<submit_result>>(controller, submit_atom_v, pictures(1)).size() == 1);
  finish_all();
  CHECK(view->events.size() == 1);
}

TEST_CASE_METHOD(relaunch_fixture,
                 "A view controller whose session cannot be opened says so, and tries again when asked", "[relaunch]") {
  start_program();
  disk->commits_fail = {errc::no_space, "the disk is full", 0};
  auto view = std::make_shared<fake_view>();
  const auto controller = show(view);
  CHECK(ask_error<std::vector<submit_result>>(controller, submit_atom_v, pictures(1)).code == errc::no_space);
  disk->commits_fail = {};
  REQUIRE(ask<std::vector<submit_result>>(controller, submit_atom_v, pictures(1)).size() == 1);
  finish_all();
  CHECK(view->events.size() == 1);
}

} // namespace bellhop::test
