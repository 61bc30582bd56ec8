#include "apps/bellhop/reporter.hpp"

#include "core/json.hpp"
#include "core/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace bellhop::cli {

namespace {

verbosity verbosity_of(const report_style& style) {
  if (style.json)
    return verbosity::json;
  return style.quiet ? verbosity::errors : verbosity::lines;
}

std::string name_of(const path& file, const std::string& url) {
  const auto name = file.filename().string();
  return name.empty() ? redact(url) : name;
}

std::string why_of(const event& e) {
  return e.type == event_type::cancelled ? "cancelled" : e.why.message;
}

std::chrono::milliseconds until(time_point when) {
  const auto delay = std::chrono::duration_cast<std::chrono::milliseconds>(when - now());
  return std::max(delay, std::chrono::milliseconds{0});
}

/// As the event that told it.
event end_of(const transfer_record& record) {
  event e;
  e.transfer = record.id;
  e.type = record.state == transfer_state::completed   ? event_type::completed
           : record.state == transfer_state::cancelled ? event_type::cancelled
                                                       : event_type::failed;
  e.time = record.finished_at;
  e.session = record.session;
  e.url = redact(record.request.url);
  e.destination = record.published.empty() ? record.request.destination : record.published;
  e.received = record.received;
  e.why = record.last_error;
  return e;
}

} // namespace

reporter::reporter(report_style style, std::string session)
    : style_(style), session_(std::move(session)), traits_(traits_of(STDERR_FILENO)),
      bars_(traits_.redraws && !style.quiet && !style.json), model_(std::chrono::steady_clock::now()),
      plain_(STDOUT_FILENO, STDERR_FILENO, verbosity_of(style)), terminal_(STDERR_FILENO) {}

void reporter::rejected(const std::string& what, const error& why) {
  model_.expect(1);
  model_.rejected(what, why.message);
  if (!bars_)
    plain_.failed(what, why.message);
}

std::string reporter::named(transfer_id id, std::string name) const {
  return style_.watches ? fmt::format("{:>3} {}", id.value, name) : name;
}

void reporter::introduce(const transfer_record& record) {
  const auto at = std::chrono::steady_clock::now();
  auto name = named(record.id, name_of(record.request.destination, record.request.url));
  if (record.state == transfer_state::waiting) {
    const bool timed = record.waiting_for != wait_reason::needs_credential;
    model_.waiting(record.id, name, record.waiting_for, record.last_error.message,
                   timed ? std::optional{until(record.retry_at)} : std::nullopt, at);
  } else if (record.state == transfer_state::running) {
    // It may have stalled: its progress does not tell of it, then.
    model_.started(record.id, std::move(name), record.received, record.total, at);
  } else if (introduced_.size() < progress_model::most_active) {
    introduced_.emplace(record.id, std::move(name));
  }
}

void reporter::catch_up(const transfer_record& record) {
  const auto known = model_.active().find(record.id);
  if (known != model_.active().end() && !known->second.waiting && record.received > known->second.received)
    model_.progressed(record.id, record.received, record.total, std::chrono::steady_clock::now());
}

void reporter::show_ended(const transfer_record& record) {
  if (style_.json) {
    plain_.object(to_json(record));
    count(end_of(record), {}, std::chrono::steady_clock::now());
  } else {
    show(end_of(record), relation::own);
  }
}

void reporter::count(const event& e, const std::string& name, instant at) {
  switch (e.type) {
  case event_type::completed:
    return model_.completed(e.transfer, name, e.received, at);
  case event_type::failed:
    return model_.failed(e.transfer, name, e.why.message, at);
  case event_type::cancelled:
    return model_.cancelled(e.transfer, name, at);
  case event_type::needs_credential:
    return;
  }
}

void reporter::show(const event& e, relation to_us) {
  const auto at = std::chrono::steady_clock::now();
  const bool own = to_us == relation::own;
  auto name = named(e.transfer, name_of(e.destination, e.url));
  auto file = e.destination.string();
  std::optional<std::chrono::milliseconds> elapsed;
  if (const auto i = model_.active().find(e.transfer); i != model_.active().end())
    elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(at - i->second.since);
  told_full_.erase(e.transfer);
  introduced_.erase(e.transfer);
  if (own) {
    count(e, name, at);
  } else {
    const auto number = fmt::format(" (transfer {})", e.transfer.value);
    name += number;
    file += number;
    if (is_terminal(e.type))
      model_.mention({name, e.type, e.received, {}, why_of(e)});
  }
  if (style_.json)
    plain_.object(to_json(e));
  else if (bars_ && ::isatty(STDOUT_FILENO))
    return;
  else if (e.type == event_type::completed)
    plain_.completed(file, e.received, elapsed);
  else
    plain_.failed(name, why_of(e));
}

void reporter::show(const notice& news) {
  const auto at = std::chrono::steady_clock::now();
  introduced_.erase(news.transfer);
  if (style_.watches && style_.json)
    plain_.object(to_json(news, session_));
  switch (news.type) {
  case notice_type::started:
  case notice_type::resumed:
  case notice_type::restarted:
    told_full_.erase(news.transfer);
    return model_.started(news.transfer, named(news.transfer, news.name), news.received, news.total, at);
  case notice_type::waiting:
    model_.waiting(news.transfer, named(news.transfer, news.name), news.waiting_for, news.why.message,
                   until(news.retry_at), at);
    if (!bars_)
      show_waiting(news, std::max(std::chrono::duration_cast<std::chrono::milliseconds>(news.retry_at - now()),
                                  std::chrono::milliseconds{0}));
    return;
  }
}

/// A full disk is told of once, since it is looked at again and again.
void reporter::show_waiting(const notice& news, std::chrono::milliseconds delay) {
  const bool full = news.waiting_for == wait_reason::no_space;
  if (!full || told_full_.insert(news.transfer).second)
    plain_.waiting(news.name, news.why.message, delay, full);
}

void reporter::show(const progress& moved) {
  const auto at = std::chrono::steady_clock::now();
  // It started before anybody looked.
  if (auto known = introduced_.extract(moved.transfer); !known.empty())
    model_.started(moved.transfer, std::move(known.mapped()), moved.received, moved.total, at);
  model_.progressed(moved.transfer, moved.received, moved.total, at);
  if (style_.watches && style_.json)
    plain_.object(to_json(moved, session_));
}

bool reporter::show(const inbox::contents& news, const relation_of& relation_to) {
  for (const auto& each : news.notices)
    if (relation_to(each.transfer) == relation::own)
      show(each);
  for (const auto& each : news.moved)
    if (relation_to(each.transfer) == relation::own)
      show(each);
  for (const auto& each : news.events)
    if (const auto to_us = relation_to(each.transfer); to_us != relation::ignored)
      show(each, to_us);
  for (const auto& stall : news.stalls)
    show_stall(stall);
  return bars_ || plain_.flush();
}

void reporter::show_stall(const error& why) {
  say(why ? "bellhop: " + why.message + "; nothing is lost, waiting" : "bellhop: going on");
}

void reporter::draw(const std::vector<std::string>& footer) {
  const auto at = std::chrono::steady_clock::now();
  if (!bars_ || !terminal_.due(at))
    return;
  const auto size = terminal_.size();
  const view_style style{traits_.set, traits_.colour};
  const auto height = size.height > footer.size() ? size.height - footer.size() : 0;
  auto live = render(model_, style, size.width, height, at);
  // The footer says then that there is nothing to do.
  if (!footer.empty() && model_.transfers() == model_.ended().ended())
    live.pop_back();
  for (const auto& line : footer)
    live.push_back(shorten_end(line, size.width, traits_.set));
  terminal_.draw(render(model_.take_ended(), style, size.width), live, at);
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
  if (!style_.quiet && !style_.json && model_.transfers() > 0)
    plain_.summary(model_.ended(), model_.bytes(), model_.elapsed(at));
}

} // namespace bellhop::cli
