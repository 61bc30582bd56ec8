#include "apps/bellhop/each_transfer.hpp"

#include "apps/bellhop/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace bellhop::cli {

json outcome_of(const std::string& session, transfer_id id, const error& why) {
  json object{{"session", session}, {"transfer", id.value}};
  if (why)
    object["error"] = to_json(why);
  return object;
}

void tell(const std::string& session, transfer_id id, const error& why, bool as_json) {
  if (as_json)
    print(json_line(outcome_of(session, id, why)));
  else if (why)
    write_all(STDERR_FILENO, fmt::format("bellhop: {}\n", why.message));
}

} // namespace bellhop::cli
