#include "apps/bellhop/get_run.hpp"

#include "apps/bellhop/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bellhop::cli {

namespace {

/// Thrown while an answer is waited for.
struct interrupted {};

/// What is not acknowledged when the daemon is away is told again: no reason to wait for long.
constexpr std::chrono::seconds last_answer_patience{10};

/// Transfers that are known by name when the view begins.
constexpr std::uint32_t most_introduced = 1000;

} // namespace

get_run::get_run(const get_options& options, hand_over& input, engine& engine, session& session, bool of_program)
    : options_(options), input_(input), engine_(engine), session_(session), of_program_(of_program),
      waits_for_all_(options.embedded || options.attaches()),
      report_({.json = options.json, .quiet = options.quiet}, options.session), inbox_(std::make_shared<inbox>()),
      wake_(inbox_->fd()) {}

get_run::~get_run() {
  // The session's thread must not wait for room in it.
  inbox_->close();
}

exit_status get_run::run() {
  try {
    if (waits_for_all_)
      expect_all();
    join();
    while (!interrupted_ && !all_done())
      turn();
  } catch (const interrupted&) {
    interrupted_ = true;
  }
  return leave();
}

/// The answer, unless a signal comes first: while the daemon is away it may take as long as that.
template <class T>
T get_run::await(std::future<T> answer) {
  while (answer.wait_for(terminal::frame_interval) != std::future_status::ready) {
    if (wake_.signalled())
      throw interrupted{};
    for (const auto& stall : inbox_->take_stalls())
      report_.show_stall(stall);
  }
  return answer.get();
}

void get_run::expect_all() {
  const auto before = await(session_.counts());
  expected_ = before.unfinished() + before.unacknowledged_events;
  report_.expect(expected_);
  if (!options_.attaches())
    return;
  if (expected_ == 0)
    report_.say(nothing_to_finish(before.suspended));
  // In the daemon they may have started before.
  list_filter unfinished;
  unfinished.states = {transfer_state::queued, transfer_state::running, transfer_state::waiting,
                       transfer_state::finishing};
  unfinished.limit = most_introduced;
  for (const auto& record : await(session_.list(unfinished)))
    report_.introduce(record);
}

std::string get_run::nothing_to_finish(std::uint64_t suspended) const {
  auto text = fmt::format("nothing to finish in the session \"{}\"", options_.session);
  if (suspended > 0)
    text += fmt::format("; {} suspended, to let them run: {}", suspended, command("resume --all", options_.session));
  return text;
}

void get_run::join() {
  if (of_program_)
    return watch(await(session_.status()).last_event);
  try {
    session_.attach(inbox_);
  } catch (const failure& problem) {
    if (problem.why().code != errc::session_in_use)
      throw;
    if (options_.attaches())
      throw failure(errc::session_in_use,
                    fmt::format("{}; to look: {}", problem.what(), command("watch", options_.session)));
    watch(await(session_.status()).last_event);
  }
}

void get_run::watch(event_number after) {
  seen_ = after;
  watching_ = session_.watch(inbox_, after);
}

void get_run::hand_over_next() {
  auto batch = input_.next(wake_.fd());
  if (!batch.requests.empty())
    batch.settle(await(session_.submit(std::exchange(batch.requests, {}))));
  std::uint64_t accepted = 0;
  for (const auto& each : batch.all) {
    if (each.why) {
      report_.rejected(each.url, each.why);
      continue;
    }
    own_.add(each.id);
    ++accepted;
  }
  expected_ += accepted;
  report_.expect(accepted);
}

bool get_run::all_done() const {
  if (!input_.at_end())
    return false;
  if (!waits_for_all_)
    return own_.left() == 0;
  // Somebody else may have suspended some of them: all that is left to do is done all the same.
  if (options_.attaches() && finished_)
    return true;
  return ended_ >= expected_ && (finished_ || expected_ == 0);
}

relation get_run::relation_to(transfer_id id) const {
  if (waits_for_all_ || own_.contains(id))
    return relation::own;
  return watching_ ? relation::ignored : relation::other;
}

void get_run::turn() {
  if (input_.at_end())
    wake_.wait();
  else
    hand_over_next();
  interrupted_ = wake_.signalled();
  take(inbox_->take());
  report_.draw();
}

void get_run::take(const inbox::contents& news) {
  for (const auto& e : news.events) {
    seen_ = std::max(seen_, e.seq);
    if (!is_terminal(e.type) || relation_to(e.transfer) != relation::own)
      continue;
    ++ended_;
    own_.end(e.transfer);
  }
  finished_ = finished_ || news.finished;
  shown_ = report_.show(news, [this](transfer_id id) { return relation_to(id); }) && shown_;
  if (shown_ && !watching_ && !news.events.empty())
    acknowledged_ = session_.acknowledge(news.events.back().seq);
  if (news.ended)
    ended(news);
}

/// Nothing more would come.
void get_run::ended(const inbox::contents& news) {
  if (news.invalid || waits_for_all_ || watching_) {
    if (*news.ended || !all_done())
      throw failure(*news.ended ? *news.ended
                                : error{errc::unknown_session,
                                        fmt::format("the session \"{}\" was ended by somebody", options_.session), 0});
    return;
  }
  report_.say(fmt::format("bellhop: {}; going on with what was handed over here", news.ended->message));
  watch(seen_);
}

/// What a watcher has shown would be told again by the next delegate, if the owner has left meanwhile. Only what comes
/// before the first that was not shown here.
void get_run::acknowledge_shown() {
  const auto now = await(session_.status());
  if (now.attached)
    return;
  constexpr std::uint32_t page = 1000;
  auto upto = now.acknowledged;
  for (bool more = true; more;) {
    const auto events = await(session_.events(upto, page));
    more = events.size() == page;
    for (const auto& e : events) {
      if (!own_.contains(e.transfer)) {
        more = false;
        break;
      }
      upto = e.seq;
    }
  }
  if (upto > now.acknowledged)
    acknowledged_ = session_.acknowledge(upto);
}

std::uint64_t get_run::left() const noexcept {
  return waits_for_all_ ? expected_ - std::min(ended_, expected_) : own_.left();
}

std::string get_run::farewell() const {
  if (options_.embedded)
    return fmt::format("interrupted: {} of {} left; go on with: {}", left(), expected_,
                       command("get --embedded", options_.session));
  if (left() == 0)
    return "interrupted; nothing is left to do";
  std::string which = "--all";
  if (const auto few = waits_for_all_ ? std::nullopt : own_.few_left()) {
    which.clear();
    for (const auto id : *few)
      which += (which.empty() ? "" : " ") + std::to_string(id.value);
  }
  return fmt::format("{} of {} {} on in the background; see: {}\nstop {} with: {}", left(), expected_,
                     left() == 1 ? "goes" : "go", command("watch", options_.session), left() == 1 ? "it" : "them",
                     command("cancel " + which, options_.session));
}

exit_status get_run::leave() {
  if (interrupted_ && options_.embedded)
    report_.say("stopping ... (once more to leave at once; nothing is lost either way)");
  try {
    if (watching_ && !of_program_ && shown_ && !interrupted_)
      acknowledge_shown();
  } catch (const interrupted&) {
    // It is told again, then.
  }
  wake_.die_at_next_signal();
  inbox_->close();
  if (acknowledged_.valid())
    acknowledged_.wait_for(last_answer_patience);
  engine_.shutdown();
  report_.end();
  if (interrupted_)
    report_.say(farewell());
  return status_of(report_.ended(), interrupted_);
}

} // namespace bellhop::cli
