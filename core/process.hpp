#pragma once

#include "core/transfer.hpp"
#include "core/unique_fd.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bellhop {

/// Which process: a pid alone is given to another one after its end.
struct process_id {
  std::int32_t pid = 0;
  /// When it was started, in clock ticks since the machine was; /proc/<pid>/stat.
  std::uint64_t started = 0;
  /// Which run of the machine.
  std::string boot;

  friend bool operator==(const process_id&, const process_id&) = default;
};

/// The process that has this pid now; none if there is none, or it has ended and only waits for its parent.
std::optional<process_id> identify_process(std::int32_t pid);

/// How a process ended.
struct process_end {
  /// False: it is nobody's child here, so that the kernel does not tell.
  bool known = false;
  int status = 0;
  /// The signal that ended it, or 0.
  int signal = 0;

  friend bool operator==(const process_end&, const process_end&) = default;
};

/// For the end of a sentence: "exited with status 3", "was ended by signal 9 (Killed)", "has ended".
std::string to_string(const process_end&);

/// What is to run, and how.
struct process_start {
  /// The program's file and its arguments.
  std::vector<std::string> arguments;
  path working_directory;
  /// All of it.
  std::vector<header> environment;
  /// Takes its standard output and error; stays the caller's. Standard input is empty.
  int output = -1;
};

/// A process that runs, or has ended and was not asked for yet. Letting go of it does not end it. It leads a process
/// group of its own, has default signals and no file descriptor of this process but its output.
///
/// Threads: one at a time.
class child_process {
public:
  /// Starts one. `record` is called when the process exists and before the program runs in it, so that whoever comes
  /// after this process can know of it; should this process die in between, the program never runs. What `record`
  /// throws ends it likewise. Throws `failure` (launch_failed) with the program or folder and why.
  static child_process start(const process_start&, const std::function<void(const process_id&)>& record);

  /// One that another process had started; none when it is not there any more.
  static std::optional<child_process> adopt(const process_id&);

  const process_id& id() const noexcept { return id_; }

  /// Becomes readable when the process has ended.
  int end_fd() const noexcept { return pidfd_.get(); }

  /// To be called when `end_fd` is readable.
  process_end reap() noexcept;

private:
  child_process(process_id id, unique_fd pidfd) : id_(std::move(id)), pidfd_(std::move(pidfd)) {}

  process_id id_;
  unique_fd pidfd_;
};

} // namespace bellhop
