#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/each_transfer.hpp"
#include "apps/bellhop/output.hpp"
#include "apps/bellhop/state_view.hpp"
#include "facade/bellhop.hpp"

#include <fmt/format.h>

#include <span>
#include <string>
#include <utility>

/// pause, resume, cancel, remove.
namespace bellhop::cli {

namespace {

/// Transfers that are told to the session at once.
constexpr std::uint32_t batch_size = 1000;

std::future<void> start(session& session, action what, std::vector<transfer_id> ids) {
  switch (what) {
  case action::pause:
    return session.suspend(std::move(ids));
  case action::resume:
    return session.resume(std::move(ids));
  case action::cancel:
    return session.cancel(std::move(ids));
  case action::remove:
    break;
  }
  return session.remove(std::move(ids));
}

constexpr const char* participle(action what) {
  switch (what) {
  case action::pause:
    return "paused";
  case action::resume:
    return "resumed";
  case action::cancel:
    return "cancelled";
  case action::remove:
    break;
  }
  return "removed";
}

/// What it can be done to.
std::vector<transfer_state> states_for(action what) {
  using s = transfer_state;
  switch (what) {
  case action::pause:
    return {s::queued, s::running, s::waiting};
  case action::resume:
    return {s::suspended, s::waiting};
  case action::cancel:
    return {s::suspended, s::queued, s::running, s::waiting, s::finishing};
  case action::remove:
    break;
  }
  return {s::completed, s::failed, s::cancelled};
}

/// One that has changed its state meanwhile is no failure: it was not meant any more.
bool is_overtaken(const error& why) {
  return why.code == errc::wrong_state || why.code == errc::unknown_transfer;
}

/// Calls `act(ids)` for all that it can be done to, some at a time.
template <class Act>
void for_all(session& session, action what, Act act) {
  list_filter filter;
  filter.states = states_for(what);
  filter.limit = batch_size;
  for (;;) {
    std::vector<transfer_id> ids;
    for (const auto& record : session.list(filter).get())
      ids.push_back(record.id);
    if (ids.empty())
      return;
    filter.after = ids.back();
    act(ids);
  }
}

void tell_count(std::uint64_t count, const act_options& options) {
  if (!options.json)
    print(fmt::format("{} {}\n", participle(options.what), counted(count, "transfer")));
}

exit_status act_on_all(session& session, const act_options& options) {
  std::uint64_t count = 0;
  for_all(session, options.what, [&](const std::vector<transfer_id>& ids) {
    try {
      start(session, options.what, ids).get();
    } catch (const failure& problem) {
      if (!is_overtaken(problem.why()))
        throw;
    }
    count += ids.size();
    if (options.json)
      for (const auto id : ids)
        tell(options.session, id, {}, true);
  });
  tell_count(count, options);
  return exit_status::all_completed;
}

exit_status act_on_some(session& session, const act_options& options) {
  std::uint64_t count = 0;
  const auto status = for_each_transfer(
      options.ids, [&](transfer_id id) { return start(session, options.what, std::vector<transfer_id>{id}); },
      [&](transfer_id id, const error& why) {
        count += why ? 0 : 1;
        tell(options.session, id, why, options.json);
      });
  if (count > 0)
    tell_count(count, options);
  return status;
}

/// Prints what the transfers can be gone on with.
exit_status cancel_and_keep(session& session, std::span<const transfer_id> ids, const act_options& options) {
  return for_each_transfer(
      ids, [&](transfer_id id) { return session.cancel_with_resume_data(id); },
      [&](transfer_id id, const error& why, const std::string& data) {
        if (!options.json)
          return why ? tell(options.session, id, why, false) : static_cast<void>(print(data + "\n"));
        auto object = outcome_of(options.session, id, why);
        if (!why)
          object["resume_data"] = data;
        print(json_line(object));
      });
}

exit_status cancel_and_keep(session& session, const act_options& options) {
  if (!options.all)
    return cancel_and_keep(session, options.ids, options);
  // One that ends by itself meanwhile is no failure of this.
  for_all(session, options.what, [&](const auto& ids) { cancel_and_keep(session, ids, options); });
  return exit_status::all_completed;
}

} // namespace

exit_status run(const act_options& options) {
  engine engine{daemon_options{}};
  auto session = find_session(engine, options.session);
  if (options.keep)
    return cancel_and_keep(session, options);
  return options.all ? act_on_all(session, options) : act_on_some(session, options);
}

} // namespace bellhop::cli
