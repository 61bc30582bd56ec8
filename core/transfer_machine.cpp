#include "core/transfer_machine.hpp"

#include "core/http_headers.hpp"
#include "core/retry.hpp"
#include "core/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bellhop::machine {

namespace {

constexpr bool ends_it(stop_reason reason) noexcept {
  return reason == stop_reason::cancel || reason == stop_reason::cancel_keep;
}

/// What is on disk is of no use to a new transfer either.
constexpr bool is_fault_of_content(errc code) noexcept {
  switch (code) {
  case errc::checksum_mismatch:
  case errc::content_changed:
  case errc::too_large:
  case errc::long_body:
    return true;
  default:
    return false;
  }
}

} // namespace

transfer_machine::transfer_machine(transfer_record record, context ctx)
    : record_(std::move(record)), context_(std::move(ctx)), best_(record_.part.position) {}

outputs transfer_machine::step(input in, const environment& env) {
  env_ = &env;
  if (phase_ != phase::ended)
    std::visit([this](auto& i) { on(i); }, in);
  env_ = nullptr;
  return std::exchange(out_, {});
}

path transfer_machine::destination() const {
  if (!record_.request.name_from_server)
    return record_.request.destination;
  return record_.request.destination / (server_name_.empty() ? file_name_from_url(record_.request.url) : server_name_);
}

transfer_state transfer_machine::state() const noexcept {
  return phase_ == phase::publishing || phase_ == phase::marking ? transfer_state::finishing : transfer_state::running;
}

// -- beginning ------------------------------------------------------------------------------------------------------

void transfer_machine::on(in::begin&) {
  // With `rename` and `overwrite` a taken name is no obstacle, so a fresh transfer to a known folder need not look.
  const bool look = context_.recovered || record_.part || record_.request.on_conflict == conflict_policy::fail ||
                    !context_.folder_seen;
  if (!look)
    return begin_work();
  phase_ = phase::preflighting;
  out_.push_back(out::preflight{});
}

void transfer_machine::on(in::preflighted& in) {
  if (!in.result.file.where.empty())
    return completed(in.result.file);
  if (stopping_)
    return end_stopped();
  if (in.result.why)
    return attempt_failed(std::move(in.result.why));
  begin_work();
}

void transfer_machine::begin_work() {
  if (env_->now >= deadline())
    return attempt_failed(record_.last_error);
  if (record_.part.position == 0)
    return request();
  phase_ = phase::opening;
  out_.push_back(out::open_part{});
}

void transfer_machine::request() {
  phase_ = phase::requesting;
  ++record_.attempts;
  attempt_ = env_->attempt;
  plan_ = plan_range(part_open_ ? record_.part : checkpoint{}, plain_);
  out_.push_back(out::start_attempt{attempt_, plan_, plan_.from > 0});
}

// -- the part -------------------------------------------------------------------------------------------------------

void transfer_machine::on(in::part_opened& in) {
  if (phase_ == phase::opening)
    existing_part_opened(in.result);
  else
    new_part_opened(in.result);
}

void transfer_machine::existing_part_opened(bellhop::part_opened& opened) {
  if (opened.why)
    return stopping_ ? end_stopped() : attempt_failed(std::move(opened.why));
  part_open_ = true;
  marked_ = opened.marked;
  record_.part = std::move(opened.part);
  record_.received = record_.part.position;
  if (stopping_)
    return end_stopped();
  if (record_.part.position > 0 && record_.part.position == record_.part.total)
    return publish();
  if (plan_range(record_.part, false).from == 0)
    return leave_part(false, next_step::request);
  request();
}

void transfer_machine::begin_part(const response_head& head) {
  record_.part = checkpoint{};
  record_.part.part_name = context_.part_name;
  record_.part.total = head.content_length;
  adopt_validators(record_.part, head);
  record_.received = 0;
  record_.total = head.content_length;
  commit_part();
}

void transfer_machine::commit_part() {
  phase_ = phase::recording;
  out_.push_back(out::record_part{});
}

void transfer_machine::on(in::recorded&) {
  if (phase_ == phase::marking) {
    phase_ = phase::publishing;
    out_.push_back(out::publish_part{});
    return;
  }
  if (stopping_)
    return end_stopped();
  phase_ = phase::creating;
  out_.push_back(out::open_part{});
}

void transfer_machine::new_part_opened(bellhop::part_opened& opened) {
  if (opened.why) {
    cancel_attempt();
    return stopping_ ? end_stopped() : attempt_failed(std::move(opened.why));
  }
  part_open_ = true;
  marked_ = opened.marked;
  record_.part = std::move(opened.part);
  if (stopping_)
    return end_stopped();
  phase_ = phase::streaming;
  if (body_) {
    out_.push_back(out::store{std::exchange(body_, nullptr)});
    return;
  }
  tell(notice_type::started);
  out_.push_back(out::stream{attempt_, 0});
}

void transfer_machine::on(in::part_written& in) {
  record_.part = std::move(in.result.part);
  record_.received = record_.part.position;
  if (!in.result.why)
    return publish();
  cancel_attempt();
  if (stopping_)
    return end_stopped();
  if (in.result.why.code == errc::content_changed)
    return start_over(std::move(in.result.why));
  attempt_failed(std::move(in.result.why));
}

// -- the wire -------------------------------------------------------------------------------------------------------

bool transfer_machine::is_current(attempt_id id) const noexcept {
  return attempt_ && attempt_ == id;
}

void transfer_machine::cancel_attempt() {
  if (attempt_)
    out_.push_back(out::cancel_attempt{std::exchange(attempt_, attempt_id{})});
}

void transfer_machine::on(in::response& in) {
  if (!is_current(in.attempt) || phase_ != phase::requesting)
    return;
  remember_name(in.head);
  take_response(
      decide(plan_, part_open_ ? record_.part : checkpoint{}, plain_, in.head, record_.request.accept_error_responses),
      in.head);
}

void transfer_machine::take_response(const resume_decision& decision, const response_head& head) {
  switch (decision.action) {
  case resume_action::go_on:
    record_.part.total = decision.total;
    record_.total = decision.total;
    phase_ = phase::streaming;
    tell(notice_type::resumed);
    out_.push_back(out::stream{attempt_, decision.offset});
    return;
  case resume_action::take_from_start:
    if (!part_open_)
      return begin_part(head);
    tell(notice_type::restarted, decision.why);
    // The old part is removed while the new body waits in the client's bounded buffer; its head has to be kept.
    begin_part(head);
    out_.pop_back();
    return leave_part(false, next_step::create);
  case resume_action::ask_plainly:
    cancel_attempt();
    plain_ = true;
    return request();
  case resume_action::start_over:
    cancel_attempt();
    return start_over(decision.why);
  case resume_action::already_whole:
    cancel_attempt();
    return publish();
  case resume_action::fail:
    cancel_attempt();
    return attempt_failed(decision.why, head);
  }
}

void transfer_machine::on(in::attempt_done& in) {
  // While a body streams, its end comes from the publisher, who has the last word on what is on disk.
  if (!is_current(in.attempt) || phase_ != phase::requesting)
    return;
  attempt_ = {};
  if (in.result.why)
    return attempt_failed(std::move(in.result.why), in.result.head);
  take_whole_body(in.result);
}

void transfer_machine::take_whole_body(attempt_result& result) {
  const auto decision = decide(plan_, part_open_ ? record_.part : checkpoint{}, plain_, result.head,
                               record_.request.accept_error_responses);
  if (decision.action != resume_action::take_from_start || !result.body)
    return take_response(decision, result.head);
  remember_name(result.head);
  record_.received = static_cast<std::int64_t>(result.body->size());
  record_.total = record_.received;
  body_ = std::move(result.body);
  phase_ = phase::publishing;
  out_.push_back(out::publish_small{body_});
}

void transfer_machine::remember_name(const response_head& head) {
  if (!record_.request.name_from_server)
    return;
  server_name_ = file_name_from_disposition(head.content_disposition);
  if (server_name_.empty())
    server_name_ = file_name_from_url(head.effective_url.empty() ? record_.request.url : head.effective_url);
}

// -- publishing -----------------------------------------------------------------------------------------------------

void transfer_machine::publish() {
  attempt_ = {};
  if (!marked_) {
    phase_ = phase::marking;
    out_.push_back(out::record_part{});
    return;
  }
  phase_ = phase::publishing;
  out_.push_back(out::publish_part{});
}

void transfer_machine::on(in::published& in) {
  if (in.result.needs_part) {
    response_head unknown;
    unknown.content_length = static_cast<std::int64_t>(body_->size());
    return begin_part(unknown);
  }
  body_ = nullptr;
  if (!in.result.why)
    return completed(in.result.file);
  // The publisher has closed the part, and after a mismatch removed it.
  part_open_ = false;
  if (in.result.why.code == errc::checksum_mismatch)
    return mismatched(in.result.why);
  if (stopping_)
    return end_stopped();
  if (in.result.why.code == errc::content_changed)
    return start_over(std::move(in.result.why));
  attempt_failed(std::move(in.result.why));
}

void transfer_machine::completed(const published_file& file) {
  part_open_ = false;
  outcome_ = outcome{};
  outcome_.type = event_type::completed;
  outcome_.published = file.where;
  outcome_.received = file.size;
  outcome_.total = file.size;
  outcome_.sha256 = file.sha256;
  outcome_.attempts = record_.attempts;
  proceed(next_step::finish);
}

void transfer_machine::mismatched(const error& why) {
  // One more try: the bytes may have been spoilt on their way.
  record_.part = {};
  record_.last_error = why;
  if (stopping_)
    return end_stopped();
  if (++record_.mismatches >= 2)
    return fail(why);
  tell(notice_type::restarted, why);
  plain_ = false;
  request();
}

// -- when it does not go well ----------------------------------------------------------------------------------------

void transfer_machine::start_over(error why) {
  record_.last_error = why;
  plain_ = false;
  tell(notice_type::restarted, why);
  leave_part(false, next_step::request);
}

time_point transfer_machine::deadline() const {
  return std::max(record_.submitted_at, record_.request.earliest_begin) + context_.configuration->resource_timeout;
}

void transfer_machine::attempt_failed(error why, const response_head& head) {
  attempt_ = {};
  if (why)
    record_.last_error = why;
  if (record_.part.position > best_) {
    best_ = record_.part.position;
    record_.failures = 0;
  }
  // A full disk is not the server's fault, and waits as long as it takes.
  if (why.code != errc::no_space)
    ++record_.failures;
  const auto decision = decide_retry(context_.configuration->retry, why, std::max(record_.failures, 1u),
                                     parse_retry_after(head.retry_after, head.date, env_->now), env_->jitter);
  const auto retry_at = env_->now + decision.delay;
  if (retry_at >= deadline())
    return fail(
        {errc::resource_timeout,
         fmt::format("not finished within {} hours; the last attempt: {}",
                     std::chrono::duration_cast<std::chrono::hours>(context_.configuration->resource_timeout).count(),
                     record_.last_error ? record_.last_error.message : "none was made"),
         0});
  if (!decision.again)
    return fail(std::move(why));
  record_.waiting_for = decision.reason;
  record_.retry_at = retry_at;
  plain_ = false;
  tell(notice_type::waiting, record_.last_error);
  leave_part(true, next_step::wait);
}

void transfer_machine::fail(error why) {
  // The ledger of an ephemeral session does not live to have it removed.
  const bool keep = !is_fault_of_content(why.code) && settings().kind != session_kind::ephemeral;
  outcome how;
  how.type = event_type::failed;
  how.why = std::move(why);
  end(std::move(how), keep);
}

/// Ends without a file; the part is kept only for what can go on with it.
void transfer_machine::end(outcome how, bool keep) {
  outcome_ = std::move(how);
  outcome_.received = record_.received;
  outcome_.total = record_.total;
  outcome_.attempts = record_.attempts;
  leave_part(keep && plan_range(record_.part, false).from > 0, next_step::finish);
}

void transfer_machine::on(in::stop& in) {
  // A cancel overrules a pause or an ordered stop that has not come to its end yet; of two cancels the first counts.
  if (!stopping_ || (ends_it(in.reason) && !ends_it(stop_reason_)))
    stop_reason_ = in.reason;
  stopping_ = true;
  switch (phase_) {
  case phase::idle:
    return end_stopped();
  case phase::requesting:
    cancel_attempt();
    return end_stopped();
  case phase::streaming:
    // The publisher answers with what is on disk when the pipe is closed.
    return cancel_attempt();
  default:
    // An answer is on its way, and its handler looks at `stopping_`.
    return;
  }
}

void transfer_machine::end_stopped() {
  cancel_attempt();
  body_ = nullptr;
  if (!ends_it(stop_reason_))
    return leave_part(true, next_step::release);
  outcome how;
  how.type = event_type::cancelled;
  end(std::move(how), stop_reason_ == stop_reason::cancel_keep);
}

void transfer_machine::leave_part(bool keep, next_step next) {
  after_ = next;
  if (keep && part_open_) {
    phase_ = phase::closing;
    out_.push_back(out::close_part{});
  } else if (!keep && record_.part) {
    phase_ = phase::discarding;
    out_.push_back(out::discard_part{});
  } else {
    proceed(next);
  }
}

void transfer_machine::on(in::part_closed& in) {
  part_open_ = false;
  record_.part = std::move(in.part);
  if (stopping_ && after_ != next_step::release && after_ != next_step::finish)
    return end_stopped();
  proceed(after_);
}

void transfer_machine::on(in::part_discarded&) {
  part_open_ = false;
  if (after_ != next_step::create)
    record_.part = {};
  if (stopping_ && after_ != next_step::finish)
    return end_stopped();
  proceed(after_);
}

void transfer_machine::proceed(next_step next) {
  switch (next) {
  case next_step::request:
    return request();
  case next_step::create:
    return commit_part();
  case next_step::wait:
    phase_ = phase::ended;
    record_.state = transfer_state::waiting;
    out_.push_back(out::wait{});
    return;
  case next_step::finish:
    phase_ = phase::ended;
    if (outcome_.type != event_type::completed)
      outcome_.part = record_.part;
    out_.push_back(out::finish{outcome_});
    return;
  case next_step::release:
    phase_ = phase::ended;
    out_.push_back(out::release{stop_reason_});
    return;
  }
}

void transfer_machine::tell(notice_type type, const error& why) {
  notice news;
  news.transfer = record_.id;
  news.type = type;
  news.name = destination().filename().string();
  news.received = type == notice_type::restarted ? 0 : record_.received;
  news.total = record_.total;
  news.why = why;
  if (type == notice_type::waiting) {
    news.waiting_for = record_.waiting_for;
    news.retry_at = record_.retry_at;
  }
  out_.push_back(out::tell{std::move(news)});
}

} // namespace bellhop::machine
