#include "core/process.hpp"

#include "core/pidfd.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bellhop {

namespace {

/// A small file of /proc, or nothing.
std::string read_small(const std::string& file) {
  const unique_fd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  char text[1024];
  const auto length = fd ? ::read(fd.get(), text, sizeof text) : -1;
  return {text, length > 0 ? static_cast<std::size_t>(length) : 0};
}

std::string boot_id() {
  auto text = read_small("/proc/sys/kernel/random/boot_id");
  text.resize(std::min(text.size(), text.find('\n')));
  return text;
}

/// The word of this number, counted from 0, after the program's name in /proc/<pid>/stat.
std::string_view stat_word(std::string_view stat, int number) {
  // The name may hold spaces and brackets; the last bracket is the one that closes it.
  const auto name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos)
    return {};
  stat.remove_prefix(name_end + 2);
  for (; number > 0; --number)
    stat.remove_prefix(std::min(stat.size(), stat.find(' ') + 1));
  return stat.substr(0, stat.find(' '));
}

[[noreturn]] void fail(const std::string& message, int error_number) {
  throw failure(errc::launch_failed, fmt::format("{}: {}", message, std::strerror(error_number)));
}

unique_fd checked(int fd, const char* what) {
  if (fd < 0)
    fail(what, errno);
  return unique_fd{fd};
}

// -- the child, between fork and exec ---------------------------------------------------------------------------------

/// What the child cannot do any more: everything that allocates is done before the fork.
struct exec_plan {
  std::vector<std::string> texts;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const char* working_directory = nullptr;
  /// Above the standard ones, which they become.
  unique_fd input;
  unique_fd output;
  /// The child's end of a socket: one byte lets it go on; what it cannot do it tells.
  unique_fd channel;
  /// The other end, which the child has inherited too: while that is open it would not see its parent's end.
  int parents_channel = -1;
};

enum class exec_step : int { prepare, enter_folder, execute };

struct exec_failure {
  exec_step step = exec_step::prepare;
  int error_number = 0;
};

/// Handlers are gone with exec, but what is ignored here would be ignored there: a shell's pipes need SIGPIPE.
void reset_signals() noexcept {
  for (int number = 1; number < NSIG; ++number)
    ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

exec_failure become_program(const exec_plan& plan) noexcept {
  const bool ready = ::dup2(plan.input.get(), STDIN_FILENO) >= 0 && ::dup2(plan.output.get(), STDOUT_FILENO) >= 0 &&
                     ::dup2(plan.output.get(), STDERR_FILENO) >= 0 &&
                     // Not closed: the channel tells what follows.
                     ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
  if (!ready)
    return {exec_step::prepare, errno};
  if (::chdir(plan.working_directory) != 0)
    return {exec_step::enter_folder, errno};
  ::execve(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  return {exec_step::execute, errno};
}

/// Only what is safe after the fork of a process with threads.
[[noreturn]] void run_child(const exec_plan& plan) noexcept {
  reset_signals();
  ::close(plan.parents_channel);
  char go;
  // The end of the channel means that the parent is gone, or has thought better of it.
  if (::setpgid(0, 0) == 0 && ::read(plan.channel.get(), &go, 1) == 1) {
    const auto why = become_program(plan);
    [[maybe_unused]] const auto told = ::write(plan.channel.get(), &why, sizeof why);
  }
  ::_exit(127);
}

// -- the parent -------------------------------------------------------------------------------------------------------

/// A duplicate that none of the standard descriptors can be.
unique_fd above_standard(int fd) {
  return checked(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), "cannot hand over a file descriptor");
}

exec_plan planned(const process_start& what, unique_fd channel) {
  exec_plan plan;
  plan.texts = what.arguments;
  for (const auto& [name, value] : what.environment)
    plan.texts.push_back(name + '=' + value);
  for (std::size_t i = 0; i < plan.texts.size(); ++i)
    (i < what.arguments.size() ? plan.arguments : plan.environment).push_back(plan.texts[i].data());
  plan.arguments.push_back(nullptr);
  plan.environment.push_back(nullptr);
  plan.working_directory = what.working_directory.c_str();
  const auto null = checked(::open("/dev/null", O_RDONLY | O_CLOEXEC), "cannot open /dev/null");
  plan.input = above_standard(null.get());
  plan.output = above_standard(what.output);
  plan.channel = above_standard(channel.get());
  return plan;
}

/// A child that has not become its program.
struct unborn {
  pid_t pid;
  ~unborn() {
    if (pid > 0)
      ::waitpid(pid, nullptr, 0);
  }
};

[[noreturn]] void refuse(const process_start& what, const exec_failure& why) {
  constexpr std::size_t longest = 400;
  auto message = "cannot start " + in_quotes(what.arguments[0], longest);
  if (why.step == exec_step::enter_folder)
    message += " in " + in_quotes(what.working_directory.native(), longest);
  fail(message, why.error_number);
}

} // namespace

std::optional<process_id> identify_process(std::int32_t pid) {
  const auto stat = read_small(fmt::format("/proc/{}/stat", pid));
  const auto state = stat_word(stat, 0);
  if (state.empty() || state == "Z" || state == "X")
    return std::nullopt;
  process_id found{pid, 0, boot_id()};
  // The 22nd of all fields.
  const auto started = stat_word(stat, 19);
  std::from_chars(started.data(), started.data() + started.size(), found.started);
  return found;
}

std::string to_string(const process_end& end) {
  if (!end.known)
    return "has ended";
  if (end.signal != 0)
    return fmt::format("was ended by signal {} ({})", end.signal, ::strsignal(end.signal));
  return fmt::format("exited with status {}", end.status);
}

child_process child_process::start(const process_start& what, const std::function<void(const process_id&)>& record) {
  if (what.arguments.empty())
    throw failure(errc::launch_failed, "there is no program to start");
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    fail("cannot start a program", errno);
  unique_fd channel{ends[0]};
  auto plan = planned(what, unique_fd{ends[1]});
  plan.parents_channel = channel.get();
  unborn child{::fork()};
  if (child.pid == 0)
    run_child(plan);
  if (child.pid < 0)
    fail("cannot start a process", errno);
  // Ends it, before it is waited for, whatever is thrown below.
  unique_fd ours{std::move(channel)};
  plan.channel.reset();
  auto pidfd = open_pidfd(child.pid);
  if (!pidfd)
    fail("cannot watch a process", errno);
  const auto id = identify_process(child.pid);
  if (!id)
    throw failure(errc::launch_failed, "a process that was started is not in /proc: is it mounted?");
  record(*id);
  exec_failure why;
  ssize_t told = -1;
  if (::send(ours.get(), "g", 1, MSG_NOSIGNAL) == 1)
    told = ::recv(ours.get(), &why, sizeof why, MSG_WAITALL);
  if (told != 0)
    refuse(what, told == sizeof why ? why : exec_failure{exec_step::prepare, told < 0 ? errno : EIO});
  child.pid = 0;
  return {*id, std::move(pidfd)};
}

std::optional<child_process> child_process::adopt(const process_id& id) {
  auto pidfd = open_pidfd(id.pid);
  // Looked at after it was opened: now it cannot become another one.
  if (!pidfd || identify_process(id.pid) != id)
    return std::nullopt;
  return child_process{id, std::move(pidfd)};
}

process_end child_process::reap() noexcept {
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return {};
  if (info.si_code == CLD_EXITED)
    return {true, info.si_status, 0};
  return {true, 0, info.si_status};
}

} // namespace bellhop
