#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/output.hpp"
#include "apps/bellhop/state_view.hpp"
#include "core/numbers.hpp"

#include <fmt/format.h>

#include <string>

namespace bellhop::cli {

namespace {

/// Rows asked for at once.
constexpr std::uint32_t page = 1000;

std::string amount(const transfer_record& record) {
  if (is_terminal(record.state) || record.total < 0)
    return record.received == 0 && record.state != transfer_state::completed ? "" : format_size(record.received);
  return format_size(record.received) + " of " + format_size(record.total);
}

/// What the reader may want to know besides: why, until when.
std::string remark(const transfer_record& record, time_point at) {
  if (record.state == transfer_state::completed)
    return {};
  std::string text;
  if (record.state == transfer_state::waiting)
    text = record.waiting_for == wait_reason::needs_credential ? std::string{"needs a user name and password"}
                                                               : "tried again " + relative(record.retry_at, at);
  else if (record.state == transfer_state::queued && record.request.earliest_begin > at)
    text = "begins " + relative(record.request.earliest_begin, at);
  if (record.last_error)
    text += (text.empty() ? "" : ": ") + record.last_error.message;
  return text;
}

std::string line_for(const transfer_record& record, time_point at) {
  const auto& file = record.published.empty() ? record.request.destination : record.published;
  auto line = fmt::format("{:>6}  {:<9}  {:>20}  {}\n", record.id.value, to_string(record.state), amount(record),
                          shown(file.native()));
  if (const auto more = remark(record, at); !more.empty())
    line += "        " + shown(more) + "\n";
  return line;
}

/// Those to ask for: which of the queued ones are running is known to the engine only, not to the record.
std::vector<transfer_state> asked_for(transfer_state wanted) {
  using s = transfer_state;
  const bool unfinished = wanted == s::queued || wanted == s::running || wanted == s::finishing;
  return unfinished ? std::vector{s::queued, s::running, s::finishing} : std::vector{wanted};
}

} // namespace

exit_status run(const list_options& options) {
  const auto view = look_into_state();
  const auto at = now();
  list_filter filter;
  filter.session = options.session;
  filter.limit = page;
  if (options.state)
    filter.states = asked_for(*options.state);
  for (;;) {
    const auto records = view->list(filter);
    std::string text;
    for (const auto& record : records) {
      if (options.state && record.state != *options.state)
        continue;
      text += options.json ? json_line(to_json(record)) : line_for(record, at);
    }
    if (!print(text) || records.size() < page)
      return exit_status::all_completed;
    filter.after = records.back().id;
  }
}

} // namespace bellhop::cli
