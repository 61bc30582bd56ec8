#include "apps/bellhop/get.hpp"

#include "apps/bellhop/inbox.hpp"
#include "apps/bellhop/list_file.hpp"
#include "apps/bellhop/reporter.hpp"
#include "apps/bellhop/wake_up.hpp"
#include "core/url.hpp"
#include "facade/bellhop.hpp"

#include <boost/filesystem/operations.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace bellhop::cli {

namespace {

/// Lines handed over at once: one commit each, and the first ones are under way while the next are read.
constexpr std::size_t batch_size = 1000;

engine_options options_for(const get_options& options) {
  engine_options result;
  result.durable = options.durable;
  return result;
}

/// One run of `bellhop get`.
class get_run {
public:
  explicit get_run(const get_options& options)
      : options_(options), list_(open_list()), engine_(options_for(options)), session_(open()), report_(options),
        inbox_(std::make_shared<inbox>()), wake_(inbox_->fd()) {}

  exit_status run() {
    const auto before = session_.counts().get();
    expected_ = before.unfinished() + before.unacknowledged_events;
    report_.expect(expected_);
    if (options_.attaches() && expected_ == 0)
      report_.say(fmt::format("nothing to finish in the session \"{}\"", options_.session));
    session_.attach(inbox_);
    submit_urls();
    while (!interrupted_ && !all_done())
      turn();
    return leave();
  }

private:
  std::unique_ptr<list_reader> open_list() const {
    if (options_.list.empty())
      return nullptr;
    return std::make_unique<list_reader>(options_.list, options_.folder, common_request(options_));
  }

  session open() {
    if (!options_.attaches())
      return engine_.open_session(options_.session, configuration_for(options_));
    const auto known = engine_.sessions();
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const auto& each) { return each.record.identifier == options_.session; });
    if (found == known.end())
      throw failure(
          errc::unknown_session,
          fmt::format("there is no session \"{}\" to finish: give it URLs, or see 'bellhop list'", options_.session));
    return engine_.open_session(options_.session, configuration_for(options_, found->record.configuration));
  }

  void submit_urls() {
    std::vector<transfer_request> requests;
    for (const auto& url : options_.urls)
      requests.push_back(request_for(options_, url));
    submit(std::move(requests));
  }

  void submit(std::vector<transfer_request> requests) {
    if (requests.empty())
      return;
    std::vector<std::string> names;
    names.reserve(requests.size());
    for (const auto& request : requests)
      names.push_back(redact(request.url));
    const auto results = session_.submit(std::move(requests)).get();
    std::uint64_t accepted = 0;
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i].why)
        report_.rejected(names[i], results[i].why);
      else
        ++accepted;
    }
    expected_ += accepted;
    report_.expect(accepted);
  }

  void read_list() {
    std::vector<transfer_request> requests;
    for (auto& item : list_->next(batch_size, wake_.fd())) {
      if (auto* bad = std::get_if<error>(&item))
        report_.rejected({}, *bad);
      else
        requests.push_back(std::move(std::get<transfer_request>(item)));
    }
    submit(std::move(requests));
    if (list_->at_end())
      list_.reset();
  }

  bool all_done() const { return !list_ && ended_ >= expected_ && (finished_ || expected_ == 0); }

  void turn() {
    if (list_)
      read_list();
    else
      wake_.wait();
    interrupted_ = wake_.signalled();
    const auto news = inbox_->take();
    ended_ += static_cast<std::uint64_t>(
        std::count_if(news.events.begin(), news.events.end(), [](const event& e) { return is_terminal(e.type); }));
    finished_ = finished_ || news.finished;
    if (report_.show(news) && !news.events.empty())
      acknowledged_ = session_.acknowledge(news.events.back().seq);
    report_.draw();
  }

  exit_status leave() {
    if (interrupted_)
      report_.say("stopping ... (once more to leave at once; nothing is lost either way)");
    wake_.die_at_next_signal();
    inbox_->close();
    if (acknowledged_.valid())
      acknowledged_.wait();
    engine_.shutdown();
    report_.end();
    if (interrupted_)
      report_.say(fmt::format("interrupted: {} of {} left; go on with: bellhop get{}",
                              expected_ - std::min(ended_, expected_), expected_,
                              options_.session == default_session ? "" : " -s " + options_.session));
    return status_of(report_.ended(), interrupted_);
  }

  const get_options& options_;
  /// Opened before anything is started or recorded: a wrong name must leave nothing behind.
  std::unique_ptr<list_reader> list_;
  engine engine_;
  session session_;
  reporter report_;
  std::shared_ptr<inbox> inbox_;
  wake_up wake_;
  std::uint64_t expected_ = 0;
  std::uint64_t ended_ = 0;
  bool finished_ = false;
  bool interrupted_ = false;
  std::future<void> acknowledged_;
};

} // namespace

exit_status get(const get_options& options) {
  boost::system::error_code unknown;
  if (options.output && boost::filesystem::is_directory(*options.output, unknown))
    throw failure(errc::invalid_argument,
                  fmt::format("-o '{}': is a folder; use -d for it, or add the file's name", options.output->string()));
  wake_up::block_signals();
  return get_run{options}.run();
}

} // namespace bellhop::cli
