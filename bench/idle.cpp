// What an engine costs that has nothing to do: 100,000 suspended transfers in its ledger, opened, and watched for a
// while.
//
//   bench_idle [TRANSFERS [SECONDS]]
//
// prints the resident memory, and the processor time that was used while watching, as two lines of name and number.

#include "facade/bellhop.hpp"

#include <boost/filesystem/operations.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace bellhop;

constexpr const char* session_name = "idle";

engine_options in(const path& state) {
  engine_options options;
  options.state = state;
  return options;
}

void fill(const path& state, std::size_t transfers) {
  constexpr std::size_t batch = 10'000;
  engine engine{in(state)};
  auto session = engine.open_session(session_name);
  for (std::size_t done = 0; done < transfers;) {
    std::vector<transfer_request> requests(std::min(batch, transfers - done));
    for (auto& request : requests) {
      request.url = fmt::format("https://example.org/archive/{}.jpg", done);
      request.destination = fmt::format("/srv/archive/{}.jpg", done++);
      request.suspended = true;
    }
    for (const auto& result : session.submit(std::move(requests)).get())
      if (result.why)
        throw failure(result.why);
  }
}

long resident_kib() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:"))
      return std::strtol(line.c_str() + 6, nullptr, 10);
  throw std::runtime_error("no VmRSS in /proc/self/status");
}

std::chrono::microseconds processor_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return std::chrono::seconds{t.tv_sec} + std::chrono::microseconds{t.tv_usec};
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

void watch(const path& state, std::size_t transfers, std::chrono::seconds pause) {
  engine engine{in(state)};
  auto session = engine.open_session(session_name);
  if (session.counts().get().suspended != transfers)
    throw std::runtime_error("transfers are missing");
  // Opening is not idling.
  std::this_thread::sleep_for(std::chrono::milliseconds{500});
  const auto before = processor_time();
  std::this_thread::sleep_for(pause);
  const auto used = processor_time() - before;
  fmt::print("resident_kib {}\nprocessor_us {}\n", resident_kib(), used.count());
}

/// What filling leaves in memory must not be counted: each step is a process of its own.
template <class Step>
void in_a_process(Step step) {
  const auto child = ::fork();
  if (child < 0)
    throw std::runtime_error("fork failed");
  if (child == 0) {
    int status = EXIT_SUCCESS;
    try {
      step();
    } catch (const std::exception& e) {
      fmt::print(stderr, "bench_idle: {}\n", e.what());
      status = EXIT_FAILURE;
    }
    std::fflush(stdout);
    ::_exit(status);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0)
    throw std::runtime_error("the bench did not finish");
}

/// A state directory that goes with its owner.
class scratch {
public:
  scratch() : where_((boost::filesystem::temp_directory_path() / "bellhop-idle-XXXXXX").string()) {
    if (::mkdtemp(where_.data()) == nullptr)
      throw std::runtime_error("no folder can be made in the folder for temporary files");
  }
  ~scratch() {
    boost::system::error_code ignored;
    boost::filesystem::remove_all(where_, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  path where() const { return where_; }

private:
  std::string where_;
};

std::size_t number(int argc, char** argv, int index, std::size_t otherwise) {
  return argc > index ? std::strtoul(argv[index], nullptr, 10) : otherwise;
}

} // namespace

int main(int argc, char** argv) {
  try {
    const auto transfers = number(argc, argv, 1, 100'000);
    const std::chrono::seconds pause{number(argc, argv, 2, 10)};
    const scratch state;
    in_a_process([&] { fill(state.where(), transfers); });
    in_a_process([&] { watch(state.where(), transfers, pause); });
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_idle: {}\n", e.what());
    return EXIT_FAILURE;
  }
}
