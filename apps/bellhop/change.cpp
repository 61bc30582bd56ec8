#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/each_transfer.hpp"
#include "apps/bellhop/output.hpp"
#include "apps/bellhop/state_view.hpp"
#include "facade/bellhop.hpp"

#include <fmt/format.h>

#include <string>

namespace bellhop::cli {

exit_status run(const change_options& options) {
  engine engine{daemon_options{}};
  auto session = find_session(engine, options.session);
  std::uint64_t count = 0;
  const auto status = for_each_transfer(
      options.ids, [&](transfer_id id) { return session.change({id}, options.change); },
      [&](transfer_id id, const error& why) {
        count += why ? 0 : 1;
        tell(options.session, id, why, options.json);
      });
  if (count > 0 && !options.json)
    print(fmt::format("changed {}\n", counted(count, "transfer")));
  return status;
}

} // namespace bellhop::cli
