// The image downloader: downloads pictures, and goes on with them at its next launch if it was quit, crashed or killed.
//
// It is written as the classic demo of background sessions is: an app delegate that is told of events and posts them, a
// view controller that opens its session when it is needed, and a background session. The session lives in this
// program, or with --daemon in bellhopd, which goes on without it and starts it again when everything is there: nothing
// else changes. Read it as a tutorial, from `main` on.

#include "actors/app_delegate.hpp"
#include "actors/engine.hpp"
#include "actors/errors.hpp"
#include "actors/notification_center.hpp"
#include "actors/remote_engine.hpp"
#include "actors/view_controller.hpp"
#include "apps/image_downloader/picture_view.hpp"
#include "core/this_program.hpp"
#include "core/url.hpp"

#include <CLI/CLI.hpp>
#include <boost/filesystem/operations.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <iostream>

#include <unistd.h>

using namespace bellhop;

namespace {

/// The session is known by this name from one launch to the next.
constexpr const char* session_identifier = "image-downloader";

struct arguments {
  /// The transfers go on in the daemon when this program is gone.
  bool daemon = false;
  /// The daemon has started this program, for the session of this identifier.
  std::string background_session;
  path state;
  path folder = boost::filesystem::current_path();
  std::vector<std::string> urls;
};

engine_actor open_engine(caf::actor_system& system, const arguments& given) {
  if (given.daemon)
    return open_remote_engine(system, {});
  engine_options options;
  options.state = given.state;
  return bellhop::open_engine(system, options);
}

/// What is given anew at each launch.
session_configuration configuration_for(const arguments& given, const path& folder) {
  session_configuration result;
  result.kind = session_kind::background;
  // How the daemon starts this program when all is done and nobody is there to be told.
  if (given.daemon)
    result.launch = this_program({"--daemon", "--pictures", folder.string()});
  return result;
}

/// The app: its app delegate, its view controller, and what they need.
class app {
public:
  explicit app(const arguments& given)
      : folder_(boost::filesystem::absolute(given.folder)),
        interactive_(::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO)),
        view_(std::make_shared<picture_view>(folder_, interactive_)), system_(config_), self_(system_),
        engine_(open_engine(system_, given)), center_(system_.spawn(notification_center_behavior)) {
    if (!given.background_session.empty())
      view_->say("started in the background for the session " + given.background_session);
    controller_ = system_.spawn(view_controller_behavior, view_setting{engine_, center_, session_identifier,
                                                                       configuration_for(given, folder_), view_});
  }

  ~app() {
    self_->request(engine_, caf::infinite, shutdown_atom_v, caf::timespan{std::chrono::seconds{10}})
        .receive([] {}, [](const caf::error&) {});
    for (const auto& actor : {caf::actor_cast<caf::actor>(controller_), caf::actor_cast<caf::actor>(center_)})
      self_->send_exit(actor, caf::exit_reason::user_shutdown);
  }

  int run(const std::vector<std::string>& urls) {
    view_->list_pictures();
    // If an earlier launch has left something, the app delegate is told, posts a notification, and the view controller,
    // which has no session yet, opens it: so everything goes on without being asked to.
    const auto delegate = system_.spawn(app_delegate_behavior, center_);
    std::uint64_t sessions_with_news = 0;
    self_->request(engine_, caf::infinite, delegate_atom_v, delegate)
        .receive([&](std::uint64_t told) { sessions_with_news = told; }, [](const caf::error&) {});
    if (sessions_with_news > 0)
      view_->say("going on with what the last launch left");
    const auto accepted = download(urls);
    if (interactive_)
      talk();
    else if (!accepted.empty() || sessions_with_news > 0)
      view_->wait_until_finished(accepted);
    return view_->anything_failed() || (accepted.empty() && !urls.empty()) ? 1 : 0;
  }

private:
  /// A tap on the download button. Returns what was accepted.
  std::vector<transfer_id> download(const std::vector<std::string>& urls) {
    std::vector<transfer_id> accepted;
    if (urls.empty())
      return accepted;
    std::vector<transfer_request> requests;
    for (const auto& url : urls) {
      transfer_request request;
      request.url = url;
      request.destination = folder_ / file_name_from_url(url);
      request.on_conflict = conflict_policy::rename;
      requests.push_back(std::move(request));
    }
    self_->request(controller_, caf::infinite, submit_atom_v, std::move(requests))
        .receive(
            [&](const std::vector<submit_result>& results) {
              for (const auto& result : results) {
                if (result.why)
                  view_->say("refused: " + result.why.message);
                else
                  accepted.push_back(result.id);
              }
            },
            [&](const caf::error& why) { view_->say("refused: " + from_caf(why).message); });
    return accepted;
  }

  /// Asks before it deletes.
  void remove(std::size_t number) {
    const auto pictures = view_->pictures();
    if (number < 1 || number > pictures.size())
      return view_->say(fmt::format("there is no picture {}; \"list\" shows the numbers", number));
    const auto& picture = pictures[number - 1];
    view_->say(fmt::format("Delete {}? [y/N]", picture.filename().string()));
    std::string answer;
    if (std::getline(std::cin, answer) && (answer == "y" || answer == "Y"))
      boost::filesystem::remove(picture);
    view_->list_pictures();
  }

  void talk() {
    view_->say("A URL downloads it; \"list\", \"delete NUMBER\", \"quit\".");
    for (std::string line; std::getline(std::cin, line) && line != "quit";) {
      if (line == "list")
        view_->list_pictures();
      else if (line.starts_with("delete "))
        remove(std::strtoul(line.c_str() + 7, nullptr, 10));
      else if (!line.empty())
        download({line});
    }
  }

  struct config : caf::actor_system_config {
    config() { configure(*this); }
  };

  const path folder_;
  const bool interactive_;
  std::shared_ptr<picture_view> view_;
  config config_;
  caf::actor_system system_;
  caf::scoped_actor self_;
  engine_actor engine_;
  notification_center_actor center_;
  view_control_actor controller_;
};

} // namespace

int main(int argc, char** argv) {
  CLI::App options{"Downloads pictures, and goes on with them after a crash or a kill."};
  arguments given;
  std::string state;
  std::string folder;
  auto* const daemon =
      options.add_flag("--daemon", given.daemon, "let bellhopd do it, which goes on without this program");
  options.add_option("--background-session", given.background_session, "said by bellhopd when it starts this program");
  options.add_option("--state", state, "where downloads are recorded (default: Bellhop's state directory)")
      ->excludes(daemon);
  options.add_option("--pictures", folder, "where pictures are kept (default: the current folder)")
      ->check(CLI::ExistingDirectory);
  options.add_option("URL", given.urls, "pictures to download");
  CLI11_PARSE(options, argc, argv);
  given.state = state;
  if (!folder.empty())
    given.folder = folder;
  try {
    return app{given}.run(given.urls);
  } catch (const std::exception& e) {
    std::cerr << "image-downloader: " << e.what() << '\n';
    return 1;
  }
}
