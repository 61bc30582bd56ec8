#include "core/program_runner.hpp"

#include "core/bounded_log.hpp"
#include "core/event_poll.hpp"
#include "core/mailbox.hpp"
#include "core/process.hpp"
#include "core/system_error.hpp"
#include "core/text.hpp"

#include <boost/filesystem/operations.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace bellhop {

namespace {

using clock = event_poll::clock;

/// How often a log that is written to is looked at.
constexpr std::chrono::milliseconds between_looks{250};

/// Of a file, in a message.
constexpr std::size_t longest_name = 400;

std::string read_text(const path& file) {
  const unique_fd fd{::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  char text[256];
  const auto length = fd ? ::read(fd.get(), text, sizeof text) : -1;
  return {text, length > 0 ? static_cast<std::size_t>(length) : 0};
}

/// By way of another name, so that no half of it is ever read.
void write_text(const path& file, const std::string& text) {
  auto whole = file;
  whole += ".new";
  const unique_fd fd{::open(whole.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd)
    throw_system_error(errc::file_io, "open", whole, errno);
  const auto written = ::write(fd.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size()))
    throw_system_error(errc::file_io, "write", whole, written < 0 ? errno : ENOSPC);
  if (::rename(whole.c_str(), file.c_str()) != 0)
    throw_system_error(errc::file_io, "write", file, errno);
}

process_id read_process(const path& file) {
  process_id found;
  std::istringstream in{read_text(file)};
  in >> found.pid >> found.started >> found.boot;
  return found;
}

void write_process(const path& file, const process_id& id) {
  write_text(file, fmt::format("{} {} {}\n", id.pid, id.started, id.boot));
}

} // namespace

/// Lives on its thread, apart from `post`, which any may call.
class program_runner::loop {
public:
  explicit loop(path folder) : folder_(std::move(folder)), changes_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    poll_.watch(tasks_.event());
    if (changes_)
      poll_.add(changes_.get(), EPOLLIN);
  }

  void post(executor::task t) { tasks_.post(std::move(t)); }
  void stop() { stopping_ = true; }
  void run();
  void start(const program_start&, program_observer);

private:
  struct program {
    std::string session;
    std::string name;
    child_process process;
    bounded_log log;
    program_observer observer;
    /// When its log is to be looked at; none when its first change is waited for, by this number.
    std::optional<clock::time_point> look_at;
    int change = -1;
  };

  path file_of(const std::string& session, const char* suffix) const {
    return folder_ / ("launch-" + session + suffix);
  }
  child_process started(const program_start&, int output) const;
  void work_off();
  void look_at_changes();
  void look_at_logs();
  void wait_for_change(program&);
  void ended(int fd);
  std::optional<clock::time_point> next_look() const;

  path folder_;
  /// None when the system has no more of them: then logs are looked at every second.
  unique_fd changes_;
  mailbox tasks_;
  event_poll poll_;
  bool stopping_ = false;
  /// By the descriptor that tells their end.
  std::map<int, program> programs_;
};

void program_runner::loop::run() {
  ::pthread_setname_np(::pthread_self(), "bellhop-launch");
  while (!stopping_) {
    work_off();
    if (stopping_ || !tasks_.prepare_to_sleep())
      continue;
    // What is ready is copied: an end that is told may take its time, and changes what is waited for.
    const auto ready = poll_.wait(next_look());
    const std::vector<event_poll::ready_socket> news(ready.begin(), ready.end());
    for (const auto& each : news)
      each.fd == changes_.get() ? look_at_changes() : ended(each.fd);
    look_at_logs();
  }
}

void program_runner::loop::work_off() {
  std::vector<executor::task> batch;
  tasks_.take(batch);
  for (auto& each : batch)
    each();
}

void program_runner::loop::start(const program_start& what, program_observer observer) {
  try {
    bounded_log log{file_of(what.session, ".log"), {}};
    auto process = child_process::adopt(read_process(file_of(what.session, ".pid")));
    if (!process)
      process = started(what, log.fd());
    const auto fd = process->end_fd();
    poll_.add(fd, EPOLLIN);
    const auto pid = process->id().pid;
    program added{what.session,
                  what.command.arguments.front(),
                  std::move(*process),
                  std::move(log),
                  std::move(observer),
                  std::nullopt,
                  -1};
    auto& running = programs_.insert_or_assign(fd, std::move(added)).first->second;
    wait_for_change(running);
    running.observer.started(pid);
  } catch (const failure& why) {
    observer.ended(why.why());
  }
}

/// Known before it runs: a runner that dies in between leaves either nothing, or what the next one finds.
child_process program_runner::loop::started(const program_start& what, int output) const {
  const auto record = [&](const process_id& id) { write_process(file_of(what.session, ".pid"), id); };
  return child_process::start(
      {what.command.arguments, what.command.working_directory, what.command.environment, output}, record);
}

void program_runner::loop::ended(int fd) {
  auto node = programs_.extract(fd);
  if (node.empty())
    return;
  poll_.forget(fd);
  auto& program = node.mapped();
  if (program.change >= 0)
    ::inotify_rm_watch(changes_.get(), program.change);
  program.log.trim();
  const auto end = program.process.reap();
  boost::system::error_code ignored;
  boost::filesystem::remove(file_of(program.session, ".pid"), ignored);
  program.observer.ended(
      error{errc::launch_failed,
            fmt::format("the program {} (process {}) {}; what it printed is in {}",
                        in_quotes(program.name, longest_name), program.process.id().pid, to_string(end),
                        in_quotes(file_of(program.session, ".log").native(), longest_name)),
            0});
}

// -- the logs ---------------------------------------------------------------------------------------------------------

/// A log is looked at soon after it was written to, not at each write of a program that writes all the time.
void program_runner::loop::wait_for_change(program& p) {
  p.look_at.reset();
  p.change = changes_ ? ::inotify_add_watch(changes_.get(), fmt::format("/proc/self/fd/{}", p.log.fd()).c_str(),
                                            IN_MODIFY | IN_ONESHOT)
                      : -1;
  if (p.change < 0)
    p.look_at = clock::now() + std::chrono::seconds{1};
}

void program_runner::loop::look_at_changes() {
  alignas(inotify_event) char buffer[4096];
  for (;;) {
    const auto length = ::read(changes_.get(), buffer, sizeof buffer);
    if (length <= 0)
      return;
    for (const char* at = buffer; at < buffer + length;) {
      const auto& news = *reinterpret_cast<const inotify_event*>(at);
      at += sizeof news + news.len;
      // The notice that the watch is gone, which it is after one change, comes with its number too.
      for (auto& [fd, program] : programs_)
        if ((news.mask & IN_MODIFY) != 0 && program.change == news.wd)
          program.look_at = clock::now() + between_looks;
    }
  }
}

void program_runner::loop::look_at_logs() {
  const auto now = clock::now();
  for (auto& [fd, program] : programs_)
    if (program.look_at && *program.look_at <= now) {
      program.log.trim();
      wait_for_change(program);
    }
}

std::optional<clock::time_point> program_runner::loop::next_look() const {
  std::optional<clock::time_point> first;
  for (const auto& [fd, program] : programs_)
    if (program.look_at && (!first || *program.look_at < *first))
      first = program.look_at;
  return first;
}

// -- the owner --------------------------------------------------------------------------------------------------------

program_runner::program_runner(path folder)
    : loop_(std::make_unique<loop>(std::move(folder))), thread_([l = loop_.get()] { l->run(); }) {}

program_runner::~program_runner() {
  loop_->post([l = loop_.get()] { l->stop(); });
  thread_.join();
}

void program_runner::start(program_start what, program_observer observer) {
  loop_->post([l = loop_.get(), what = std::move(what), observer = std::move(observer)]() mutable {
    l->start(what, std::move(observer));
  });
}

} // namespace bellhop
