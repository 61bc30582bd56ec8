#include "core/daemon.hpp"

#include "core/environment.hpp"
#include "core/listener.hpp"
#include "core/pidfd.hpp"
#include "core/state_directory.hpp"
#include "core/text.hpp"
#include "core/unique_fd.hpp"

#include <boost/filesystem/operations.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace bellhop {

namespace {

using steady = std::chrono::steady_clock;

/// A daemon on a slow disk has a ledger to recover before it listens.
constexpr std::chrono::seconds patience{10};
/// How long the winner of a race is waited for before another one is tried: it may have been one that was stopping.
constexpr std::chrono::milliseconds between_starts{500};
constexpr std::chrono::milliseconds between_looks{10};
/// What is kept of a daemon's last words.
constexpr std::size_t longest_words = 4096;

[[noreturn]] void unavailable(std::string message) {
  throw failure{errc::daemon_unavailable, std::move(message)};
}

// -- which program ----------------------------------------------------------------------------------------------------

bool is_program(const path& file) {
  boost::system::error_code ignored;
  return boost::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
}

std::vector<path> places() {
  if (auto given = path_from_environment("BELLHOPD"); !given.empty())
    return {made_absolute(given)};
  std::vector<path> found;
  boost::system::error_code ignored;
  if (const auto self = boost::filesystem::read_symlink("/proc/self/exe", ignored); !self.empty())
    found.push_back(self.parent_path() / "bellhopd");
  const char* folders = std::getenv("PATH");
  std::string_view rest = folders ? folders : "/usr/local/bin:/usr/bin";
  while (!rest.empty()) {
    const auto folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    // An empty one means the current directory, from which no daemon is started.
    if (folder.starts_with('/'))
      found.push_back(path{std::string{folder}} / "bellhopd");
  }
  return found;
}

path find_program() {
  const auto all = places();
  if (const auto found = std::find_if(all.begin(), all.end(), is_program); found != all.end())
    return *found;
  std::string looked_for;
  for (const auto& each : all)
    looked_for += (looked_for.empty() ? "" : ", ") + to_utf8(each.native());
  unavailable(
      fmt::format("the daemon bellhopd is not running, and its program was not found; looked for {}. Install it, "
                  "or set BELLHOPD to its file",
                  looked_for));
}

// -- starting it ------------------------------------------------------------------------------------------------------

/// This process's, without what a service manager has told this process and the launcher the program.
std::vector<char*> daemon_environment() {
  constexpr std::array<std::string_view, 8> ours{
      "NOTIFY_SOCKET=", "LISTEN_FDS=",   "LISTEN_PID=",    "LISTEN_FDNAMES=",
      "WATCHDOG_USEC=", "WATCHDOG_PID=", "INVOCATION_ID=", "BELLHOP_BACKGROUND_SESSION="};
  std::vector<char*> kept;
  for (char** each = environ; *each != nullptr; ++each)
    if (std::none_of(ours.begin(), ours.end(), [&](auto name) { return std::string_view{*each}.starts_with(name); }))
      kept.push_back(*each);
  kept.push_back(nullptr);
  return kept;
}

/// The C objects of posix_spawn.
struct spawn_options {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  explicit spawn_options(int output) {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    sigset_t all;
    sigset_t none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~spawn_options() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  spawn_options(const spawn_options&) = delete;
  spawn_options& operator=(const spawn_options&) = delete;
};

/// What has become of one try.
struct try_result {
  /// As of `bellhopd --background`; -1 when it is not known.
  int status = -1;
  std::string words;
};

/// `bellhopd --background`: a process that becomes the daemon's parent, waits until it listens, and exits.
class starter {
public:
  starter(const path& program, const path& socket);
  ~starter();
  starter(const starter&) = delete;
  starter& operator=(const starter&) = delete;

  /// False when it was not done at the deadline.
  bool wait(steady::time_point deadline);
  try_result result();

private:
  void read_words();

  /// The process; readable when it has ended.
  unique_fd end_;
  unique_fd output_;
  std::string words_;
};

starter::starter(const path& program, const path& socket) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    unavailable(fmt::format("cannot start the daemon: {}", std::strerror(errno)));
  output_.reset(ends[0]);
  const unique_fd input{ends[1]};
  // It prints as others do: what it writes may block.
  ::fcntl(input.get(), F_SETFL, 0);
  std::string words[] = {program.string(), "--background", "--socket", socket.string()};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  auto environment = daemon_environment();
  const spawn_options options{input.get()};
  pid_t pid = 0;
  const int why =
      ::posix_spawn(&pid, program.c_str(), &options.actions, &options.attributes, arguments, environment.data());
  if (why != 0)
    unavailable(fmt::format("cannot start the daemon {}: {}", to_utf8(program.native()), std::strerror(why)));
  end_ = open_pidfd(pid);
  if (!end_) {
    const int error_number = errno;
    ::waitpid(pid, nullptr, 0);
    unavailable(fmt::format("cannot watch the daemon start: {}", std::strerror(error_number)));
  }
}

/// Whoever gives up waiting leaves no child behind. The daemon is not its child, and goes on.
starter::~starter() {
  send_signal(end_, SIGKILL);
  siginfo_t ignored;
  ::waitid(P_PIDFD, static_cast<id_t>(end_.get()), &ignored, WEXITED);
}

void starter::read_words() {
  std::array<char, 1024> buffer;
  for (ssize_t length; (length = ::read(output_.get(), buffer.data(), buffer.size())) > 0;)
    if (words_.size() < longest_words)
      words_.append(buffer.data(), static_cast<std::size_t>(length));
}

bool starter::wait(steady::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady::now()).count();
    pollfd what[] = {{end_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}};
    const int ready = ::poll(what, 2, static_cast<int>(std::max<std::int64_t>(left, 0)));
    read_words();
    if (what[0].revents != 0 && ready > 0)
      return true;
    if (left <= 0)
      return false;
    // Output that was closed would be ready for ever.
    if (ready > 0 && (what[1].revents & POLLHUP) != 0)
      output_.reset();
  }
}

try_result starter::result() {
  read_words();
  siginfo_t info{};
  // A program that reaps all its children has taken it.
  const bool known =
      ::waitid(P_PIDFD, static_cast<id_t>(end_.get()), &info, WEXITED) == 0 && info.si_code == CLD_EXITED;
  words_.erase(words_.find_last_not_of(" \n") + 1);
  return {known ? info.si_status : -1, std::move(words_)};
}

bool listens_before(const path& socket, steady::time_point deadline) {
  while (!daemon_listens(socket)) {
    if (steady::now() >= deadline)
      return false;
    std::this_thread::sleep_for(between_looks);
  }
  return true;
}

[[noreturn]] void give_up(const path& program, const path& socket, const try_result& last) {
  auto message = fmt::format("the daemon {} was started for {}, but does not listen there", to_utf8(program.native()),
                             to_utf8(socket.native()));
  if (!last.words.empty())
    message += "; it says: " + to_utf8(last.words);
  else
    message += fmt::format("; its log is bellhopd.log in {}", to_utf8(default_state_directory().native()));
  unavailable(std::move(message));
}

} // namespace

path default_socket() {
  if (auto given = path_from_environment("BELLHOP_SOCKET"); !given.empty())
    return made_absolute(given);
  if (auto runtime = path_from_environment("XDG_RUNTIME_DIR"); runtime.is_absolute())
    return runtime / "bellhop/bellhopd.sock";
  return default_state_directory() / "bellhopd.sock";
}

bool daemon_listens(const path& socket) {
  try {
    const auto address = unix_address(socket);
    const unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    // EAGAIN: somebody listens and has more callers than it takes.
    return fd &&
           (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN);
  } catch (const failure&) {
    return false;
  }
}

void start_daemon(const path& socket) {
  const auto where = made_absolute(socket);
  if (daemon_listens(where))
    return;
  try {
    unix_address(where);
  } catch (const failure& why) {
    unavailable(why.why().message);
  }
  const auto program = find_program();
  const auto deadline = steady::now() + patience;
  try_result last;
  do {
    starter one{program, where};
    if (!one.wait(deadline))
      break;
    last = one.result();
    if (daemon_listens(where))
      return;
    if (last.status != exit_state_in_use)
      give_up(program, where, last);
    if (listens_before(where, std::min(deadline, steady::now() + between_starts)))
      return;
  } while (steady::now() < deadline);
  give_up(program, where, last);
}

} // namespace bellhop
