#include "tests/support/program.hpp"

#include "tests/support/temp_dir.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace bellhop::test {

namespace {

namespace fs = boost::filesystem;
using std::chrono::steady_clock;

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> result;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string text = *each;
    if (!added.contains(text.substr(0, text.find('='))))
      result.push_back(text);
  }
  for (const auto& [name, value] : added)
    result.push_back(name + '=' + value);
  return result;
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

/// Output goes to files and not to pipes: a program whose output nobody reads must not stand still.
class program::files {
public:
  temp_dir folder;
};

program::program(std::vector<std::string> arguments, options wanted) : files_(std::make_unique<files>()) {
  out_file_ = files_->folder / "out";
  err_file_ = files_->folder / "err";
  // Everything that allocates comes before the fork.
  auto environment = environment_with(wanted.environment);
  auto argv = pointers_to(arguments);
  auto envp = pointers_to(environment);
  int input[2];
  if (::pipe2(input, O_CLOEXEC) != 0)
    fail("pipe2");
  ::signal(SIGPIPE, SIG_IGN); // of a program that ends before it has read its input
  const auto parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0)
    fail("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGPIPE, SIG_DFL);
    // What belongs to a test's servers must not stay open in here: their closing a connection would not be seen.
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    constexpr int create = O_WRONLY | O_CREAT | O_TRUNC;
    const bool ready = ::getppid() == parent && ::dup2(input[0], STDIN_FILENO) >= 0 &&
                       ::dup2(::open(out_file_.c_str(), create, 0600), STDOUT_FILENO) >= 0 &&
                       ::dup2(::open(err_file_.c_str(), create, 0600), STDERR_FILENO) >= 0 &&
                       (wanted.working_directory.empty() || ::chdir(wanted.working_directory.c_str()) == 0) &&
                       (!wanted.before_exec || wanted.before_exec());
    if (ready)
      ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(input[0]);
  input_ = input[1];
  write(wanted.input);
  if (!wanted.interactive_input)
    close_input();
}

program::~program() {
  kill();
}

void program::reap(int how) {
  if (pid_ <= 0)
    return;
  int status = 0;
  if (::waitpid(pid_, &status, how) != pid_)
    return;
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  pid_ = -1;
}

bool program::running() {
  reap(WNOHANG);
  return pid_ > 0;
}

void program::signal(int number) const {
  if (pid_ > 0)
    ::kill(pid_, number);
}

void program::kill() {
  signal(SIGKILL);
  reap(0);
  close_input();
}

void program::write(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto written = ::write(input_, text.data() + done, text.size() - done);
    if (written < 0 && errno == EPIPE)
      return;
    if (written < 0 && errno != EINTR)
      fail("a program's input");
    done += written > 0 ? static_cast<std::size_t>(written) : 0;
  }
}

void program::close_input() {
  if (input_ >= 0)
    ::close(input_);
  input_ = -1;
}

std::string program::out() const {
  return read_file(out_file_);
}

std::string program::err() const {
  return read_file(err_file_);
}

bool program::wait_until(const std::function<bool()>& condition) {
  const auto deadline = steady_clock::now() + program_patience;
  while (!condition()) {
    if (!running())
      return condition();
    if (steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

program_result program::wait() {
  close_input();
  wait_until([] { return false; });
  kill();
  return {status_, out(), err()};
}

program_result run_program(std::vector<std::string> arguments, program::options wanted) {
  return program{std::move(arguments), std::move(wanted)}.wait();
}

std::string read_file(const fs::path& file) {
  std::ifstream in{file.string(), std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write_file(const fs::path& file, const std::string& content) {
  std::ofstream{file.string(), std::ios::binary | std::ios::trunc}.write(content.data(),
                                                                         static_cast<std::streamsize>(content.size()));
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator{folder})
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

std::string random_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 generator{seed};
  std::string bytes(size, '\0');
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(generator() >> 24); });
  return bytes;
}

} // namespace bellhop::test
