#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/output.hpp"
#include "apps/bellhop/state_view.hpp"
#include "facade/bellhop.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bellhop::cli {

exit_status run(const ack_options& options) {
  engine engine{daemon_options{}};
  auto session = find_session(engine, options.session);
  const auto before = session.status().get();
  const auto upto = options.upto.value_or(before.last_event);
  if (upto > before.acknowledged)
    session.acknowledge(upto).get();
  const auto acknowledged = std::max(upto, before.acknowledged);
  if (options.json)
    print(json_line({{"session", options.session}, {"acknowledged", acknowledged.value}}));
  else if (upto > before.acknowledged)
    print(fmt::format("acknowledged {}, up to event {}\n", counted(upto.value - before.acknowledged.value, "event"),
                      upto.value));
  else
    print(fmt::format("nothing to acknowledge: it was done up to event {}\n", acknowledged.value));
  return exit_status::all_completed;
}

} // namespace bellhop::cli
