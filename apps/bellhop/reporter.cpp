#include "apps/bellhop/reporter.hpp"

#include "core/json.hpp"
#include "core/url.hpp"

#include <unistd.h>

namespace bellhop::cli {

namespace {

verbosity verbosity_of(const get_options& options) {
  if (options.json)
    return verbosity::json;
  return options.quiet ? verbosity::errors : verbosity::lines;
}

std::string name_of(const event& e) {
  const auto name = e.destination.filename().string();
  return name.empty() ? redact(e.url) : name;
}

} // namespace

reporter::reporter(const get_options& options)
    : json_(options.json), quiet_(options.quiet), traits_(traits_of(STDERR_FILENO)),
      bars_(traits_.redraws && !options.quiet && !options.json), model_(std::chrono::steady_clock::now()),
      plain_(STDOUT_FILENO, STDERR_FILENO, verbosity_of(options)), terminal_(STDERR_FILENO) {}

void reporter::rejected(const std::string& what, const error& why) {
  model_.expect(1);
  model_.rejected(what, why.message);
  if (!bars_)
    plain_.failed(what, why.message);
}

void reporter::show(const event& e) {
  const auto at = std::chrono::steady_clock::now();
  const auto name = name_of(e);
  std::optional<std::chrono::milliseconds> elapsed;
  if (const auto i = model_.active().find(e.transfer); i != model_.active().end())
    elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(at - i->second.since);
  told_full_.erase(e.transfer);
  switch (e.type) {
  case event_type::completed:
    model_.completed(e.transfer, name, e.received, at);
    break;
  case event_type::failed:
    model_.failed(e.transfer, name, e.why.message, at);
    break;
  case event_type::cancelled:
    model_.cancelled(e.transfer, name, at);
    break;
  case event_type::needs_credential:
    break;
  }
  if (json_)
    plain_.object(to_json(e));
  else if (bars_ && ::isatty(STDOUT_FILENO))
    return;
  else if (e.type == event_type::completed)
    plain_.completed(e.destination.string(), e.received, elapsed);
  else
    plain_.failed(name, e.type == event_type::cancelled ? "cancelled" : e.why.message);
}

void reporter::show(const notice& news) {
  const auto at = std::chrono::steady_clock::now();
  switch (news.type) {
  case notice_type::started:
  case notice_type::resumed:
  case notice_type::restarted:
    told_full_.erase(news.transfer);
    return model_.started(news.transfer, news.name, news.received, news.total, at);
  case notice_type::waiting: {
    const auto delay = std::max(std::chrono::duration_cast<std::chrono::milliseconds>(news.retry_at - now()),
                                std::chrono::milliseconds{0});
    model_.waiting(news.transfer, news.name, news.waiting_for, news.why.message, delay, at);
    if (!bars_)
      show_waiting(news, delay);
  }
  }
}

/// A full disk is told of once, since it is looked at again and again.
void reporter::show_waiting(const notice& news, std::chrono::milliseconds delay) {
  const bool full = news.waiting_for == wait_reason::no_space;
  if (!full || told_full_.insert(news.transfer).second)
    plain_.waiting(news.name, news.why.message, delay, full);
}

bool reporter::show(const inbox::contents& news) {
  for (const auto& each : news.notices)
    show(each);
  const auto at = std::chrono::steady_clock::now();
  for (const auto& how_far : news.moved)
    model_.progressed(how_far.transfer, how_far.received, how_far.total, at);
  for (const auto& each : news.events)
    show(each);
  for (const auto& stall : news.stalls)
    say(stall ? "bellhop: " + stall.message + "; nothing is lost, waiting" : "bellhop: going on");
  return bars_ || plain_.flush();
}

void reporter::draw() {
  const auto at = std::chrono::steady_clock::now();
  if (bars_ && terminal_.due(at))
    draw_now(at);
}

void reporter::draw_now(instant at) {
  const auto size = terminal_.size();
  const view_style style{traits_.set, traits_.colour};
  terminal_.draw(render(model_.take_ended(), style, size.width), render(model_, style, size.width, size.height, at),
                 at);
}

void reporter::say(const std::string& line) {
  plain_.flush();
  if (bars_)
    terminal_.clear();
  write_all(STDERR_FILENO, line + "\n");
}

void reporter::end() {
  const auto at = std::chrono::steady_clock::now();
  if (bars_) {
    const view_style style{traits_.set, traits_.colour};
    terminal_.draw(render(model_.take_ended(), style, terminal_.size().width), {}, at);
    terminal_.clear();
    if (model_.ended().ended() > 1)
      write_all(STDERR_FILENO, summary(model_.ended(), model_.bytes(), model_.elapsed(at)) + "\n");
    return;
  }
  plain_.flush();
  if (!quiet_ && !json_)
    plain_.summary(model_.ended(), model_.bytes(), model_.elapsed(at));
}

} // namespace bellhop::cli
