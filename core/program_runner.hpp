#pragma once

#include "core/configuration.hpp"
#include "core/transfer.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace bellhop {

/// The program of a session as it is to be started: the command with everything that is added to it.
struct program_start {
  std::string session;
  launch_command command;
};

/// Told of one start: `started` at most once, then `ended`; or `ended` alone, with why it could not be started. On the
/// runner's thread; must not throw.
struct program_observer {
  std::function<void(std::int32_t pid)> started;
  std::function<void(const error& how)> ended;
};

/// Starts the programs of sessions and notices their end. They go on when this object or this process ends; the file
/// `launch-<session>.pid` names the one that runs, so that a later runner takes it over instead of starting a second
/// one. What a program prints is in `launch-<session>.log`, of which the last 64 to 128 KiB are kept while a runner is
/// there; a program that outlives it may write more, until the next one cuts that.
///
/// Threads: `start` any; construction and destruction the owner's. It has a thread of its own, which sleeps until a
/// program is to be started, ends or prints.
class program_runner {
public:
  /// `folder`: where the files are. Throws `failure`.
  explicit program_runner(path folder);
  /// Programs go on; nothing is told of them any more.
  ~program_runner();
  program_runner(const program_runner&) = delete;
  program_runner& operator=(const program_runner&) = delete;

  /// Starts a session's program, or takes over the one that is still there. A session that has one of this runner's
  /// must not be started again before its end.
  void start(program_start, program_observer);

private:
  class loop;
  std::unique_ptr<loop> loop_;
  std::thread thread_;
};

} // namespace bellhop
