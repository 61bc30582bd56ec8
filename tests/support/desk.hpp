#pragma once

#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace bellhop::test {

using json = nlohmann::json;

/// Where `bellhop get` runs its transfers.
enum class home { embedded, daemon };

/// A user's machine in small: programs that share a state directory and a folder to download to, and a daemon, which is
/// stopped at the end.
class desk {
public:
  explicit desk(home where = home::embedded) : home_(where) {
    boost::filesystem::create_directory(folder());
    boost::filesystem::create_directory(tmp_ / "home");
  }
  ~desk() {
    if (home_ == home::daemon)
      stop_daemon();
  }
  desk(const desk&) = delete;
  desk& operator=(const desk&) = delete;

  boost::filesystem::path folder() const { return tmp_ / "downloads"; }
  boost::filesystem::path state() const { return tmp_ / "state"; }
  boost::filesystem::path operator/(const std::string& name) const { return tmp_ / name; }

  program::options options() const {
    program::options result;
    result.environment = {{"BELLHOP_STATE_DIR", state().string()},
                          {"BELLHOP_SOCKET", (tmp_ / "bellhopd.sock").string()},
                          {"HOME", (tmp_ / "home").string()},
                          {"LC_ALL", "C.UTF-8"}};
    result.working_directory = folder();
    return result;
  }

  static std::vector<std::string> command(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string{BELLHOP_BIN_DIR "/"} + name);
    return arguments;
  }

  /// `bellhop`; its `get` is told where to run.
  program start(std::vector<std::string> arguments) const { return start(std::move(arguments), options()); }
  program start(std::vector<std::string> arguments, program::options with) const {
    if (home_ == home::embedded && !arguments.empty() && arguments.front() == "get")
      arguments.insert(arguments.begin() + 1, "--embedded");
    return {command("bellhop", std::move(arguments)), std::move(with)};
  }
  program_result run(std::vector<std::string> arguments) const { return start(std::move(arguments)).wait(); }
  program_result run(std::vector<std::string> arguments, program::options with) const {
    return start(std::move(arguments), std::move(with)).wait();
  }

  /// The process that holds the state directory, or 0.
  pid_t holder() const { return static_cast<pid_t>(std::strtol(read_file(state() / "lock").c_str(), nullptr, 10)); }

  /// In order, or else by force: nothing may outlive a test.
  void stop_daemon() const {
    try {
      run({"daemon", "stop"});
    } catch (const std::exception&) {
    }
    if (const auto pid = holder(); pid > 1)
      ::kill(pid, SIGKILL);
  }

private:
  temp_dir tmp_;
  home home_;
};

/// Each line of --json output; throws on one that is no JSON.
inline std::vector<json> objects_in(const std::string& text) {
  std::vector<json> result;
  for (const auto& line : lines_of(text))
    result.push_back(json::parse(line));
  return result;
}

} // namespace bellhop::test
