#include "gateway/asker.hpp"

#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

namespace bellhop {

namespace {

caf::behavior hidden_behavior(caf::event_based_actor* self) {
  return {
      [self](const ask_task& task) { (*task)(self); },
  };
}

} // namespace

asker::asker(caf::actor_system& system, std::shared_ptr<asio::io_context> io)
    : io_(std::move(io)), hidden_(system.spawn<caf::hidden>(hidden_behavior)) {}

void asker::stop() {
  caf::anon_send_exit(hidden_, caf::exit_reason::user_shutdown);
}

void asker::post(unique_function<void(caf::event_based_actor*)> task) {
  caf::anon_send(hidden_, std::make_shared<unique_function<void(caf::event_based_actor*)>>(std::move(task)));
}

error asker::error_of(const caf::error& why) {
  if (why == caf::sec::request_timeout)
    return {errc::timed_out, "the engine has not answered in time; ask again", 0};
  if (why == caf::sec::request_receiver_down || why == caf::exit_reason::user_shutdown)
    return {errc::shutting_down, "the session or the engine has just ended; ask again", 0};
  return from_caf(why);
}

} // namespace bellhop
