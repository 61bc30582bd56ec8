#include "apps/bellhop/get.hpp"
#include "apps/bellhop/look.hpp"
#include "apps/bellhop/options.hpp"
#include "apps/bellhop/terminal.hpp"
#include "core/error.hpp"

#include <boost/filesystem/operations.hpp>

#include <exception>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

using namespace bellhop;

cli::exit_status run(const cli::get_options& options) {
  return cli::get(options);
}

cli::exit_status run(const cli::list_options& options) {
  return cli::list(options);
}

cli::exit_status run(const cli::events_options& options) {
  return cli::events(options);
}

cli::exit_status run(const cli::early_exit& early) {
  cli::write_all(early.status == 0 ? STDOUT_FILENO : STDERR_FILENO, early.text);
  return static_cast<cli::exit_status>(early.status);
}

} // namespace

int main(int argc, char** argv) {
  try {
    const auto invocation = cli::parse_options({argv + 1, argv + argc}, {boost::filesystem::current_path(), bellhop::now()});
    return static_cast<int>(std::visit([](const auto& options) { return run(options); }, invocation));
  } catch (const std::exception& e) {
    cli::write_all(STDERR_FILENO, std::string{"bellhop: "} + e.what() + "\n");
    return static_cast<int>(cli::exit_status::some_failed);
  }
}
