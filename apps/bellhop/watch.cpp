#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/inbox.hpp"
#include "apps/bellhop/key_input.hpp"
#include "apps/bellhop/output.hpp"
#include "apps/bellhop/reporter.hpp"
#include "apps/bellhop/state_view.hpp"
#include "apps/bellhop/wake_up.hpp"
#include "apps/bellhop/watch_footer.hpp"
#include "core/daemon.hpp"
#include "facade/bellhop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace bellhop::cli {

namespace {

/// Transfers that are known by name when the view begins.
constexpr std::uint32_t most_introduced = 1000;

/// How often the footer's numbers are asked for.
constexpr std::chrono::seconds status_interval{1};

void need_daemon() {
  if (!daemon_listens(default_socket()))
    throw failure(
        errc::daemon_unavailable,
        "bellhopd is not running, so there is nothing to watch; what is recorded goes on with: bellhop daemon "
        "start (see also: bellhop list)");
}

template <class T>
bool is_ready(const std::future<T>& answer) {
  return answer.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
}

class watch_run {
public:
  explicit watch_run(const watch_options& options)
      : options_(options), engine_(daemon_options{.socket = {}, .start = false}),
        session_(find_session(engine_, options.session)), left_(options.ids.begin(), options.ids.end()),
        report_({.json = options.json, .watches = true}, options.session), inbox_(std::make_shared<inbox>()),
        wake_(inbox_->fd(), report_.draws() ? keys_.emplace().fd() : -1) {}

  ~watch_run() { inbox_->close(); }
  watch_run(const watch_run&) = delete;
  watch_run& operator=(const watch_run&) = delete;

  exit_status run() {
    const auto now = session_.status().get();
    take(now);
    // Begun before the transfers are asked for, so that none ends in between unseen.
    watching_ = session_.watch(inbox_, now.last_event);
    introduce();
    while (!left_by_key_ && !interrupted_ && !gone_ && !all_ended())
      turn();
    inbox_->close();
    report_.end();
    return status_of(options_.ids.empty() ? tally{} : report_.ended(), interrupted_);
  }

private:
  void introduce() {
    if (options_.ids.empty())
      return introduce_all();
    report_.expect(options_.ids.size());
    for (const auto id : options_.ids) {
      const auto record = session_.find(id).get();
      if (!is_terminal(record.state))
        report_.introduce(record);
      else if (left_.erase(id) > 0)
        report_.show_ended(record);
    }
  }

  void introduce_all() {
    for (const auto& record : list_unfinished().get())
      report_.introduce(record);
  }

  std::future<std::vector<transfer_record>> list_unfinished() {
    list_filter unfinished;
    unfinished.states = {transfer_state::queued, transfer_state::running, transfer_state::waiting,
                         transfer_state::finishing};
    unfinished.limit = most_introduced;
    return session_.list(std::move(unfinished));
  }

  void take(const session_status& now) {
    footer_.take(now);
    if (options_.ids.empty())
      report_.expect_left(now.counts.unfinished());
  }

  bool all_ended() const { return !options_.ids.empty() && left_.empty(); }

  relation relation_to(transfer_id id) const {
    return options_.ids.empty() || left_.contains(id) ? relation::own : relation::ignored;
  }

  void turn() {
    wake_.wait();
    interrupted_ = wake_.signalled();
    left_by_key_ = keys_ && keys_->pressed('q');
    const auto news = inbox_->take();
    const bool read = report_.show(news, [this](transfer_id id) { return relation_to(id); });
    for (const auto& e : news.events)
      if (is_terminal(e.type))
        left_.erase(e.transfer);
    if (news.ended)
      ended(*news.ended);
    gone_ = gone_ || !read;
    if (report_.draws())
      refresh();
    report_.draw(footer_.lines());
  }

  void ended(const error& why) {
    if (why)
      throw failure(why);
    report_.say(fmt::format("the session \"{}\" has ended", options_.session));
    gone_ = true;
  }

  /// Never waits: while the daemon is away the numbers stay.
  void refresh() {
    const auto at = std::chrono::steady_clock::now();
    try {
      ask_for_status(at);
      catch_up(at);
    } catch (const failure&) {
      // The session has ended, which the inbox tells.
    }
  }

  void ask_for_status(instant at) {
    if (asked_.valid()) {
      if (is_ready(asked_))
        take(asked_.get());
    } else if (at - asked_at_ >= status_interval) {
      asked_at_ = at;
      asked_ = session_.status();
    }
  }

  /// One that began just before somebody watched, and has stalled since, tells of no progress; what it has is recorded
  /// by now.
  void catch_up(instant at) {
    if (listed_.valid() && is_ready(listed_)) {
      for (const auto& record : listed_.get())
        report_.catch_up(record);
    } else if (!caught_up_ && at - begun_at_ >= status_interval) {
      caught_up_ = true;
      listed_ = list_unfinished();
    }
  }

  const watch_options& options_;
  engine engine_;
  session session_;
  std::set<transfer_id> left_;
  reporter report_;
  std::shared_ptr<inbox> inbox_;
  std::optional<key_input> keys_;
  wake_up wake_;
  std::shared_ptr<void> watching_;
  watch_footer footer_{options_.session};
  const instant begun_at_ = std::chrono::steady_clock::now();
  std::future<session_status> asked_;
  instant asked_at_{};
  std::future<std::vector<transfer_record>> listed_;
  bool caught_up_ = false;
  bool left_by_key_ = false;
  bool interrupted_ = false;
  /// The session, or the reader of the output.
  bool gone_ = false;
};

} // namespace

exit_status run(const watch_options& options) {
  need_daemon();
  wake_up::block_signals();
  return watch_run{options}.run();
}

} // namespace bellhop::cli
