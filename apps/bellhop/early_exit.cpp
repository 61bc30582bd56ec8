#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/terminal.hpp"

#include <unistd.h>

namespace bellhop::cli {

exit_status run(const early_exit& early) {
  write_all(early.status == 0 ? STDOUT_FILENO : STDERR_FILENO, early.text);
  return static_cast<exit_status>(early.status);
}

} // namespace bellhop::cli
