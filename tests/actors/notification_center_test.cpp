#include "actors/notification_center.hpp"
#include "tests/support/actor_fixture.hpp"

namespace bellhop::test {

namespace {

observer_actor::behavior_type noting_observer(observer_actor::pointer,
                                              std::shared_ptr<std::vector<std::string>> heard) {
  return {[heard](const notification& news) { heard->push_back(news.name + " " + news.identifier); }};
}

struct center_fixture : actor_fixture {
  notification_center_actor center = ends(system.spawn(notification_center_behavior));

  observer_actor observe(const std::string& name, std::shared_ptr<std::vector<std::string>> heard) {
    auto observer = ends(system.spawn(noting_observer, std::move(heard)));
    caf::anon_send(center, observe_atom_v, name, observer);
    settle();
    return observer;
  }

  void post(const std::string& name, const std::string& identifier) {
    caf::anon_send(center, post_atom_v, notification{name, identifier, completion_handler_actor{}});
    settle();
  }
};

using notes = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(center_fixture, "Observers hear of what they observe, all of them", "[notification]") {
  auto a = std::make_shared<notes>();
  auto b = std::make_shared<notes>();
  auto c = std::make_shared<notes>();
  observe("updated", a);
  observe("updated", b);
  observe("other", c);
  post("updated", "1");
  post("other", "2");
  CHECK(*a == notes{"updated 1"});
  CHECK(*b == notes{"updated 1"});
  CHECK(*c == notes{"other 2"});
}

TEST_CASE_METHOD(center_fixture, "What nobody observes is kept for the first who does, in order", "[notification]") {
  post("updated", "1");
  post("other", "2");
  post("updated", "3");
  auto a = std::make_shared<notes>();
  observe("updated", a);
  CHECK(*a == notes{"updated 1", "updated 3"});
  auto b = std::make_shared<notes>();
  observe("updated", b);
  CHECK(b->empty());
}

TEST_CASE_METHOD(center_fixture, "What is kept is bounded, and what is dropped is counted", "[notification]") {
  for (std::size_t i = 0; i < notification_center_role::most_kept + 3; ++i)
    post("updated", std::to_string(i));
  CHECK(ask<std::uint64_t>(center, counts_atom_v) == 3);
  auto a = std::make_shared<notes>();
  observe("updated", a);
  REQUIRE(a->size() == notification_center_role::most_kept);
  CHECK(a->front() == "updated 3");
}

TEST_CASE_METHOD(center_fixture, "An observer that ends is forgotten, and news is kept again", "[notification]") {
  auto a = std::make_shared<notes>();
  const auto observer = observe("updated", a);
  caf::anon_send_exit(observer, caf::exit_reason::user_shutdown);
  settle();
  post("updated", "1");
  auto b = std::make_shared<notes>();
  observe("updated", b);
  CHECK(a->empty());
  CHECK(*b == notes{"updated 1"});
}

} // namespace bellhop::test
