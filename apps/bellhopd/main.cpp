#include "apps/bellhopd/serve.hpp"
#include "core/daemon.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace bellhop;
using namespace bellhop::daemon;

int exit_status_for(const error& why) {
  constexpr int usage = 2;
  if (why.code == errc::state_in_use)
    return exit_state_in_use;
  return domain_of(why.code) == "input" ? usage : EXIT_FAILURE;
}

/// Whoever closed the standard descriptors would have the ledger be one of them.
void open_standard_descriptors() {
  for (int fd; (fd = ::open("/dev/null", O_RDWR)) >= 0;)
    if (fd > STDERR_FILENO) {
      ::close(fd);
      return;
    }
}

/// As in the command line (apps/bellhop/main.cpp): bodies are allocated on one thread and freed on another.
void keep_freed_memory() {
  ::mallopt(M_TRIM_THRESHOLD, 32 * 1024 * 1024);
  ::mallopt(M_TOP_PAD, 1024 * 1024);
  ::mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
}

/// The usual soft limit, 1024, is less than the clients that may be connected (gateway/limits.hpp).
void allow_many_descriptors() {
  constexpr rlim_t wanted = 16384; // As the unit in packaging/systemd.
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
    return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int leave(const early_exit& early) {
  [[maybe_unused]] const auto written =
      ::write(early.status == 0 ? STDOUT_FILENO : STDERR_FILENO, early.text.data(), early.text.size());
  return early.status;
}

int run(const options& o) {
  // Both come before there are threads.
  auto background = o.background ? go_to_background() : readiness{};
  signals from_outside;
  const auto said = read_configuration(o.config, o.config_named);
  set_log_level(o.level.value_or(said.level.value_or(log_level::info)));
  serve(o, said, from_outside, std::move(background));
  return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
  open_standard_descriptors();
  keep_freed_memory();
  allow_many_descriptors();
  begin_log(log_level::info);
  try {
    const auto invocation = parse_options({argv + 1, argv + argc});
    if (const auto* early = std::get_if<early_exit>(&invocation))
      return leave(*early);
    return run(std::get<options>(invocation));
  } catch (const failure& why) {
    log_error(why.what());
    return exit_status_for(why.why());
  } catch (const std::exception& e) {
    log_error(e.what());
    return EXIT_FAILURE;
  }
}
