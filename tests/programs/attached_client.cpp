// What a program that uses the daemon looks like, with every step told on standard output: for tests that kill it.
//
//     attached_client SESSION FOLDER [--background-session ID] <URLS
//
//     event SEQ TYPE TRANSFER     an event was delivered
//     acknowledged SEQ            its acknowledgement is committed
//     handler                     the completion handler was called, as the last act
#include "core/this_program.hpp"
#include "core/url.hpp"
#include "facade/bellhop.hpp"

#include <condition_variable>
#include <iostream>
#include <mutex>

namespace {

using namespace bellhop;

/// Lines must not be cut or mixed by a kill: one write each.
void tell(const std::string& line) {
  std::cout << line + '\n' << std::flush;
}

class client : public session_delegate {
public:
  void use(session s) { session_.emplace(std::move(s)); }

  bool acknowledges_itself() const override { return true; }

  void did_receive(const std::vector<event>& events) override {
    for (const auto& e : events)
      tell("event " + std::to_string(e.seq.value) + ' ' + std::string{to_string(e.type)} + ' ' +
           std::to_string(e.transfer.value));
    session_->acknowledge(events.back().seq).get();
    tell("acknowledged " + std::to_string(events.back().seq.value));
  }

  void did_finish_events() override {
    const std::lock_guard lock{mutex_};
    finished_ = true;
    changed_.notify_all();
  }

  void keep(std::function<void()> handler) {
    const std::lock_guard lock{mutex_};
    handler_ = std::move(handler);
  }

  void wait_until_finished() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return finished_; });
    if (!handler_)
      return;
    handler_();
    tell("handler");
  }

private:
  std::optional<session> session_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> handler_;
  bool finished_ = false;
};

void run(const std::string& identifier, const path& folder) {
  // The test starts the daemon again when it has killed it; one that is started here would take its place.
  engine engine{daemon_options{.socket = {}, .start = false}};
  const auto me = std::make_shared<client>();
  engine.on_background_events([&](const std::string& which, std::function<void()> handler) {
    if (which == identifier)
      me->keep(std::move(handler));
  });
  session_configuration configuration;
  configuration.kind = session_kind::background;
  configuration.launch = this_program({identifier, folder.string()});
  auto session = engine.open_session(identifier, configuration);
  me->use(session);
  std::vector<transfer_request> requests;
  for (std::string url; std::getline(std::cin, url);) {
    transfer_request request;
    request.url = url;
    request.destination = folder / file_name_from_url(url);
    requests.push_back(std::move(request));
  }
  for (const auto& result : session.submit(std::move(requests)).get())
    tell(result.why ? "refused " + result.why.message : "accepted " + std::to_string(result.id.value));
  session.attach(me);
  me->wait_until_finished();
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: attached_client SESSION FOLDER [--background-session ID] <URLS\n";
    return 2;
  }
  try {
    run(argv[1], argv[2]);
    return 0;
  } catch (const failure& e) {
    std::cerr << "attached_client: " << e.what() << '\n';
    return 1;
  }
}
