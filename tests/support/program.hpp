#pragma once

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace bellhop::test {

/// Long enough that only what hangs is cut off, also under sanitizers on a busy machine.
inline constexpr std::chrono::seconds program_patience{240};

/// What a program left behind.
struct program_result {
  /// As a shell tells it: the exit status, or 128 and the signal's number.
  int status = -1;
  std::string out;
  std::string err;
};

/// A running program with captured output. It is killed with its owner, and with this process however that ends. The
/// members may be called from one thread at a time.
class program {
public:
  struct options {
    /// Added to this process's environment.
    std::map<std::string, std::string> environment{};
    /// Empty means this process's.
    boost::filesystem::path working_directory{};
    /// What standard input gives before it ends.
    std::string input{};
    /// Standard input stays open, for `write` and `close_input`; else it ends after `input`.
    bool interactive_input = false;
    /// Runs in the child between fork and exec: only what is safe there.
    std::function<bool()> before_exec{};
  };

  /// `arguments[0]` is the file to execute. Throws std::runtime_error when it cannot be started.
  program(std::vector<std::string> arguments, options);
  ~program();
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  pid_t pid() const noexcept { return pid_; }
  bool running();
  void signal(int number) const;
  /// SIGKILL, and waits for the end.
  void kill();

  void write(const std::string& text);
  void close_input();

  /// What it has written so far.
  std::string out() const;
  std::string err() const;
  /// Until a condition holds; false when the program ends before, or after `program_patience`.
  bool wait_until(const std::function<bool()>& condition);

  /// Waits for the end. After `program_patience` it is killed, and the status is that of the signal.
  program_result wait();

private:
  void reap(int options);

  boost::filesystem::path out_file_;
  boost::filesystem::path err_file_;
  class files;
  std::unique_ptr<files> files_;
  pid_t pid_ = -1;
  int input_ = -1;
  int status_ = -1;
};

program_result run_program(std::vector<std::string> arguments, program::options = {});

/// The file's bytes; empty if there is none.
std::string read_file(const boost::filesystem::path&);
void write_file(const boost::filesystem::path&, const std::string& content);
/// The names in a folder, sorted, hidden ones too.
std::vector<std::string> names_in(const boost::filesystem::path& folder);
std::vector<std::string> lines_of(const std::string& text);

/// Bytes that look random, always the same for a seed.
std::string random_bytes(std::size_t size, std::uint32_t seed);

} // namespace bellhop::test
