#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/options.hpp"
#include "apps/bellhop/terminal.hpp"
#include "core/error.hpp"

#include <boost/filesystem/operations.hpp>

#include <exception>
#include <string>
#include <vector>

#include <malloc.h>
#include <unistd.h>

namespace {

using namespace bellhop;

/// Bodies are allocated on one thread and freed on another, so that glibc would give each one's memory back to the
/// system and ask for it again: a third of the system time of 10,000 small downloads (ARCHITECTURE.md, "Speed").
void keep_freed_memory() {
  ::mallopt(M_TRIM_THRESHOLD, 32 * 1024 * 1024);
  ::mallopt(M_TOP_PAD, 1024 * 1024);
  // Setting one of these ends the adaption of this one.
  ::mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
}

} // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  try {
    const auto invocation =
        cli::parse_options({argv + 1, argv + argc}, {boost::filesystem::current_path(), bellhop::now()});
    return static_cast<int>(std::visit([](const auto& options) { return cli::run(options); }, invocation));
  } catch (const failure& e) {
    cli::write_all(STDERR_FILENO, std::string{"bellhop: "} + e.what() + "\n");
    const bool usage = domain_of(e.why().code) == "input";
    return static_cast<int>(usage ? cli::exit_status::usage : cli::exit_status::some_failed);
  } catch (const std::exception& e) {
    cli::write_all(STDERR_FILENO, std::string{"bellhop: "} + e.what() + "\n");
    return static_cast<int>(cli::exit_status::some_failed);
  }
}
