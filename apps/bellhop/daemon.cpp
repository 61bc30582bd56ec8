#include "core/daemon.hpp"

#include "apps/bellhop/commands.hpp"
#include "apps/bellhop/daemon_health.hpp"
#include "apps/bellhop/output.hpp"
#include "apps/bellhop/state_view.hpp"
#include "core/numbers.hpp"
#include "core/state_directory.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bellhop::cli {

namespace {

/// Its own deadline for an ordered stop is 10 seconds by default, and may be set higher.
constexpr std::chrono::seconds stop_patience{60};

json to_json(const std::optional<daemon_health>& health, const path& socket) {
  json object{{"running", health.has_value()}, {"socket", socket.native()}};
  if (health) {
    object["pid"] = health->pid;
    object["version"] = health->version;
    object["uptime_s"] = health->uptime.count();
    object["status"] = health->stopping ? "stopping" : "ok";
  }
  return object;
}

/// What the sessions have to do, in a line.
std::string work() {
  const auto sessions = look_into_state()->sessions();
  session_counts all;
  for (const auto& each : sessions) {
    all.queued += each.counts.queued;
    all.waiting += each.counts.waiting;
    all.suspended += each.counts.suspended;
  }
  auto text = fmt::format("{} to do in {}", counted(all.unfinished(), "transfer"), counted(sessions.size(), "session"));
  if (all.suspended > 0)
    text += fmt::format(", {} suspended", all.suspended);
  return text;
}

exit_status show_status(const daemon_command& options) {
  const auto socket = default_socket();
  const auto health = ask_daemon(socket);
  if (options.json)
    print(json_line(to_json(health, socket)));
  else if (health)
    print(fmt::format("bellhopd {} {}: process {}, for {}\nsocket  {}\nstate   {}\nwork    {}\n", health->version,
                      health->stopping ? "is stopping" : "is running", health->pid, format_duration(health->uptime),
                      socket.native(), default_state_directory().native(), work()));
  else
    print(fmt::format("bellhopd is not running; {}\n", work()));
  return health ? exit_status::all_completed : exit_status::not_running;
}

exit_status start(const daemon_command& options) {
  const auto socket = default_socket();
  const bool before = daemon_listens(socket);
  start_daemon(socket);
  const auto health = ask_daemon(socket);
  if (!health)
    throw failure(errc::daemon_unavailable, "bellhopd was started and has ended again; see its log");
  if (options.json)
    print(json_line(to_json(health, socket)));
  else
    print(fmt::format("bellhopd {}: process {}\n", before ? "was running already" : "is running", health->pid));
  return exit_status::all_completed;
}

/// A process, for as long as its number may not be another's.
class process {
public:
  explicit process(pid_t pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~process() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  /// It is there, and ours to signal; else errno says why not.
  bool signal(int number) const { return fd_ >= 0 && ::syscall(SYS_pidfd_send_signal, fd_, number, nullptr, 0) == 0; }

  bool ends_within(std::chrono::milliseconds patience) const {
    pollfd ended{fd_, POLLIN, 0};
    return ::poll(&ended, 1, static_cast<int>(patience.count())) > 0;
  }

private:
  int fd_;
};

exit_status stop(const daemon_command& options) {
  const auto socket = default_socket();
  const auto health = ask_daemon(socket);
  if (health) {
    const process daemon{health->pid};
    if (!daemon.signal(SIGTERM) && errno != ESRCH)
      throw failure(errc::daemon_unavailable,
                    fmt::format("cannot stop bellhopd, process {}: {}", health->pid, std::strerror(errno)));
    if (!daemon.ends_within(stop_patience))
      throw failure(errc::daemon_unavailable,
                    fmt::format("bellhopd, process {}, is still stopping after {}; nothing is lost either way",
                                health->pid, format_duration(stop_patience)));
  }
  if (options.json)
    print(json_line({{"running", false}, {"was_running", health.has_value()}}));
  else
    print(health ? fmt::format("bellhopd has stopped; {}\n", work()) : "bellhopd was not running\n");
  return exit_status::all_completed;
}

} // namespace

exit_status run(const daemon_command& options) {
  switch (options.what) {
  case daemon_action::start:
    return start(options);
  case daemon_action::stop:
    return stop(options);
  case daemon_action::status:
    return show_status(options);
  }
  return exit_status::usage;
}

} // namespace bellhop::cli
