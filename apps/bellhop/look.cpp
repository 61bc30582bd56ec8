#include "apps/bellhop/look.hpp"

#include "apps/bellhop/display_text.hpp"
#include "apps/bellhop/terminal.hpp"
#include "core/json.hpp"
#include "core/ledger.hpp"
#include "core/numbers.hpp"
#include "core/state_directory.hpp"
#include "core/url.hpp"

#include <boost/filesystem/operations.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>

#include <unistd.h>

namespace bellhop::cli {

namespace {

/// Rows read from the ledger at once.
constexpr std::uint32_t page = 1000;

/// The ledger of the state directory, if there is one that knows the session; otherwise says so.
std::unique_ptr<ledger> look_into(const std::string& session) {
  const auto file = ledger_file_in(default_state_directory());
  std::unique_ptr<ledger> found;
  if (boost::filesystem::exists(file))
    found = open_sqlite_ledger_readonly(file);
  if (!found || !found->find_session(session))
    throw failure(errc::unknown_session,
                  fmt::format("there is no session \"{}\" in {}", session, file.parent_path().string()));
  return found;
}

/// Paths need not be UTF-8; JSON has to be.
std::string line_of(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string shown(const path& destination) {
  return printable(destination.string(), traits_of(STDOUT_FILENO).set);
}

std::string line_for(const transfer_record& record) {
  std::string size = record.total >= 0 && !is_terminal(record.state)
                         ? format_size(record.received) + " of " + format_size(record.total)
                         : format_size(record.received);
  auto line = fmt::format("{:>6}  {:<9}  {:>20}  {}", record.id.value, to_string(record.state), size,
                          shown(record.published.empty() ? record.request.destination : record.published));
  if (record.last_error && record.state != transfer_state::completed)
    line += "\n        " + printable(record.last_error.message, traits_of(STDOUT_FILENO).set);
  return line + "\n";
}

std::string line_for(const event& e) {
  auto line = fmt::format("{:>6}  {}  {:<9}  {:>10}  {}", e.seq.value, to_rfc3339(e.time), to_string(e.type),
                          format_size(e.received), shown(e.destination));
  if (e.why)
    line += "\n        " + printable(e.why.message, traits_of(STDOUT_FILENO).set);
  return line + "\n";
}

} // namespace

exit_status list(const list_options& options) {
  const auto ledger = look_into(options.session);
  list_filter filter;
  filter.session = options.session;
  filter.limit = page;
  if (options.state)
    filter.states = {*options.state};
  for (;;) {
    const auto records = ledger->list(filter);
    std::string text;
    for (const auto& record : records)
      text += options.json ? line_of(to_json(record)) : line_for(record);
    if (!write_all(STDOUT_FILENO, text) || records.size() < page)
      return exit_status::all_completed;
    filter.after = records.back().id;
  }
}

exit_status events(const events_options& options) {
  const auto ledger = look_into(options.session);
  for (auto after = options.after;;) {
    const auto found = ledger->events(options.session, after, page);
    std::string text;
    for (const auto& e : found)
      text += options.json ? line_of(to_json(e)) : line_for(e);
    if (!write_all(STDOUT_FILENO, text) || found.size() < page)
      return exit_status::all_completed;
    after = found.back().seq;
  }
}

} // namespace bellhop::cli
