#pragma once

#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace bellhop::test {

using json = nlohmann::json;

/// A user's machine in small: programs that share a state directory and a folder to download to.
class desk {
public:
  desk() {
    boost::filesystem::create_directory(folder());
    boost::filesystem::create_directory(tmp_ / "home");
  }

  boost::filesystem::path folder() const { return tmp_ / "downloads"; }
  boost::filesystem::path state() const { return tmp_ / "state"; }
  boost::filesystem::path operator/(const std::string& name) const { return tmp_ / name; }

  program::options options() const {
    program::options result;
    result.environment = {
        {"BELLHOP_STATE_DIR", state().string()}, {"HOME", (tmp_ / "home").string()}, {"LC_ALL", "C.UTF-8"}};
    result.working_directory = folder();
    return result;
  }

  static std::vector<std::string> command(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string{BELLHOP_BIN_DIR "/"} + name);
    return arguments;
  }

  program start(std::vector<std::string> arguments) const {
    return {command("bellhop", std::move(arguments)), options()};
  }
  program start(std::vector<std::string> arguments, program::options with) const {
    return {command("bellhop", std::move(arguments)), std::move(with)};
  }
  program_result run(std::vector<std::string> arguments) const { return start(std::move(arguments)).wait(); }
  program_result run(std::vector<std::string> arguments, program::options with) const {
    return start(std::move(arguments), std::move(with)).wait();
  }

private:
  temp_dir tmp_;
};

/// Each line of --json output; throws on one that is no JSON.
inline std::vector<json> objects_in(const std::string& text) {
  std::vector<json> result;
  for (const auto& line : lines_of(text))
    result.push_back(json::parse(line));
  return result;
}

} // namespace bellhop::test
