#include "actors/errors.hpp"
#include "actors/session_proxy.hpp"
#include "actors/settle.hpp"
#include "core/json.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

/// What programs ask of a session, in the daemon's words (docs/api.md).
namespace bellhop {

namespace {

/// Ids in one request: less than 1 MiB of JSON.
constexpr std::size_t most_ids = 10'000;

constexpr std::uint32_t largest_page = 1000;

/// The answer's value, read by `read`; or why there is none.
template <class T, class Read>
caf::expected<T> value_of(const api_answer& answer, const Read& read) {
  if (answer.why)
    return to_caf(answer.why);
  try {
    return read(json::parse(answer.body));
  } catch (const std::exception& e) {
    return to_caf({errc::bad_response, fmt::format("the daemon's answer cannot be read: {}", e.what()), 0});
  }
}

template <class T, class Read>
void deliver(caf::typed_response_promise<T>& promise, const api_answer& answer, const Read& read) {
  if (auto value = value_of<T>(answer, read))
    promise.deliver(std::move(*value));
  else
    promise.deliver(std::move(value.error()));
}

/// One request of a submit in one line, refused ones left out.
std::string to_lines(const std::vector<transfer_request>& requests, std::vector<submit_result>& results) {
  std::string lines;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    results[i].why = check(requests[i]);
    if (!results[i].why)
      lines.append(to_json(requests[i], secrets::shown).dump()).append("\n");
  }
  return lines;
}

/// What the daemon has made of the lines: into the results that have no error yet, in their order.
std::vector<submit_result> with_ids(std::vector<submit_result> results, const json& answer) {
  std::vector<submit_result*> sent;
  for (auto& each : results)
    if (!each.why)
      sent.push_back(&each);
  const auto& ids = answer.at("ids");
  if (ids.size() != sent.size())
    throw failure(errc::bad_response, fmt::format("{} ids for {} transfers", ids.size(), sent.size()));
  for (std::size_t i = 0; i < sent.size(); ++i)
    if (!ids[i].is_null())
      sent[i]->id = transfer_id{ids[i].get<std::uint64_t>()};
  if (const auto refused = answer.find("errors"); refused != answer.end())
    for (const auto& each : *refused)
      sent.at(each.at("index").get<std::size_t>())->why = error_from_json(each.at("error"));
  return results;
}

/// Several requests that are one to whoever asked: the first error counts.
struct bulk {
  caf::response_promise promise;
  std::size_t left = 0;
  error first;
};

void one_done(bulk& all, const error& why) {
  if (!all.first)
    all.first = why;
  if (--all.left == 0)
    settle(all.promise, all.first);
}

json ids_to_json(std::span<const transfer_id> ids) {
  auto out = json::array();
  for (const auto id : ids)
    out.push_back(id.value);
  return out;
}

/// An earlier try of ours, whose answer was lost, has removed it.
bool removed_before(const api_answer& answer) {
  return answer.repeated && (answer.why.code == errc::unknown_transfer || answer.why.code == errc::unknown_session);
}

} // namespace

template <class T, class Read>
caf::result<T> session_proxy_role::ask(api_request request, Read read) {
  auto promise = self_->make_response_promise<T>();
  send(std::move(request), [promise, read](const api_answer& answer) mutable { deliver(promise, answer, read); });
  return promise;
}

caf::result<void> session_proxy_role::tell(api_request request) {
  auto promise = self_->make_response_promise();
  send(std::move(request), [promise](const api_answer& answer) mutable { settle(promise, answer.why); });
  return caf::delegated<void>{};
}

// -- transfers --------------------------------------------------------------------------------------------------------

caf::result<std::vector<submit_result>> session_proxy_role::submit(std::vector<transfer_request>& requests) {
  std::vector<submit_result> results(requests.size());
  auto lines = to_lines(requests, results);
  if (lines.empty())
    return results;
  return ask<std::vector<submit_result>>(
      {.method = "POST",
       .target = path("/transfers"),
       .body = std::move(lines),
       .content_type = "application/x-ndjson",
       .repeatable = false},
      [results = std::move(results)](const json& answer) { return with_ids(results, answer); });
}

caf::result<void> session_proxy_role::each(const std::string& method, const std::string& rest,
                                           const std::vector<transfer_id>& ids, const json& more) {
  if (ids.empty())
    return caf::unit;
  const auto requests = (ids.size() + most_ids - 1) / most_ids;
  auto all = std::make_shared<bulk>(bulk{self_->make_response_promise(), requests, {}});
  for (std::span<const transfer_id> left{ids}; !left.empty(); left = left.subspan(std::min(left.size(), most_ids))) {
    auto body = more;
    body["ids"] = ids_to_json(left.first(std::min(left.size(), most_ids)));
    send({.method = method, .target = path("/transfers" + rest), .body = body.dump()},
         [all](const api_answer& answer) { one_done(*all, removed_before(answer) ? error{} : answer.why); });
  }
  return caf::delegated<void>{};
}

caf::result<void> session_proxy_role::change(const std::vector<transfer_id>& ids, const transfer_change& what) {
  if (const auto why = check(what))
    return to_caf(why);
  return each("PATCH", "", ids, {{"change", to_json(what)}});
}

caf::result<std::string> session_proxy_role::cancel_with_resume_data(transfer_id id) {
  const auto resume_data = [](const json& transfer) { return transfer.value("resume_data", std::string{}); };
  const auto target = path(fmt::format("/transfers/{}", id.value));
  auto promise = self_->make_response_promise<std::string>();
  send({.method = "POST", .target = target + "/cancel?resume_data=true"},
       [this, promise, target, resume_data](const api_answer& answer) mutable {
         if (!answer.repeated || answer.why.code != errc::wrong_state) {
           deliver(promise, answer, resume_data);
           return;
         }
         // The first try has cancelled it, and its answer was lost.
         send({.target = target},
              [promise, resume_data](const api_answer& found) mutable { deliver(promise, found, resume_data); });
       });
  return promise;
}

caf::result<transfer_record> session_proxy_role::find(transfer_id id) {
  return ask<transfer_record>({.target = path(fmt::format("/transfers/{}", id.value))}, record_from_json);
}

// -- pages ------------------------------------------------------------------------------------------------------------

template <class T>
struct session_proxy_role::paging {
  caf::typed_response_promise<std::vector<T>> promise;
  /// Up to the number after which the page begins.
  std::string target;
  const char* member;
  T (*read)(const json&);
  std::uint64_t (*number)(const T&);
  std::uint64_t after;
  std::uint32_t left;
  std::vector<T> got{};
};

template <class T>
void session_proxy_role::next_page(std::shared_ptr<paging<T>> all) {
  const auto limit = std::min(all->left, largest_page);
  const auto read = [all](const json& answer) {
    std::vector<T> page;
    for (const auto& each : answer.at(all->member))
      page.push_back(all->read(each));
    return page;
  };
  send({.target = fmt::format("{}after={}&limit={}", all->target, all->after, limit)},
       [this, all, limit, read](const api_answer& answer) {
         auto page = value_of<std::vector<T>>(answer, read);
         if (!page) {
           all->promise.deliver(std::move(page.error()));
           return;
         }
         all->left -= std::min<std::uint32_t>(all->left, static_cast<std::uint32_t>(page->size()));
         const bool last = page->size() < limit || all->left == 0;
         std::move(page->begin(), page->end(), std::back_inserter(all->got));
         if (last) {
           all->promise.deliver(std::move(all->got));
           return;
         }
         all->after = all->number(all->got.back());
         next_page(all);
       });
}

caf::result<std::vector<transfer_record>> session_proxy_role::list(const list_filter& filter) {
  if (filter.limit == 0)
    return std::vector<transfer_record>{};
  std::string states;
  for (const auto state : filter.states)
    states += (states.empty() ? "state=" : ",") + std::string{to_string(state)};
  auto promise = self_->make_response_promise<std::vector<transfer_record>>();
  next_page(std::make_shared<paging<transfer_record>>(paging<transfer_record>{
      .promise = promise,
      .target = path("/transfers?") + (states.empty() ? "" : states + "&"),
      .member = "transfers",
      .read = record_from_json,
      .number = [](const transfer_record& each) { return each.id.value; },
      .after = filter.after.value,
      .left = filter.limit,
  }));
  return promise;
}

caf::result<std::vector<event>> session_proxy_role::events(event_number after, std::uint32_t limit) {
  if (limit == 0)
    return std::vector<event>{};
  auto promise = self_->make_response_promise<std::vector<event>>();
  next_page(std::make_shared<paging<event>>(paging<event>{
      .promise = promise,
      .target = path("/events?"),
      .member = "events",
      .read = event_from_json,
      .number = [](const event& each) { return each.seq.value; },
      .after = after.value,
      .left = limit,
  }));
  return promise;
}

// -- the session ------------------------------------------------------------------------------------------------------

caf::result<void> session_proxy_role::acknowledge(event_number upto) {
  return tell({.method = "POST", .target = path("/events/ack"), .body = json{{"upto", upto.value}}.dump()});
}

caf::result<session_status> session_proxy_role::status() {
  return ask<session_status>({.target = path()},
                             [](const json& session) { return status_from_json(session.at("status")); });
}

caf::result<session_counts> session_proxy_role::counts() {
  return ask<session_counts>({.target = path()},
                             [](const json& session) { return status_from_json(session.at("status")).counts; });
}

caf::result<void> session_proxy_role::pause_all(bool pause) {
  return tell({.method = "POST", .target = path(pause ? "/pause" : "/resume")});
}

caf::result<void> session_proxy_role::invalidate(bool cancel) {
  auto promise = self_->make_response_promise();
  send({.method = "DELETE", .target = path(cancel ? "?mode=cancel" : "?mode=finish")},
       [this, promise](const api_answer& answer) mutable {
         const auto why = removed_before(answer) ? error{} : answer.why;
         if (!why && attached_)
           self_->send(attached_, invalidate_atom_v);
         if (!why)
           for (const auto& [address, reader] : watchers_)
             self_->send(reader, invalidate_atom_v);
         settle(promise, why);
       });
  return caf::delegated<void>{};
}

} // namespace bellhop
