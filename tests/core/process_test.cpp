#include "core/bounded_log.hpp"
#include "core/process.hpp"
#include "core/program_runner.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace bellhop;
using namespace bellhop::test;
using namespace std::chrono_literals;

namespace {

/// Until a condition holds that nothing tells of.
bool eventually(const std::function<bool()>& condition) {
  for (const auto deadline = std::chrono::steady_clock::now() + program_patience; !condition();) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

const auto record_nothing = [](const process_id&) {};

/// A child whose output is in a file, and that is killed with this.
struct shell {
  temp_dir folder;
  unique_fd output{::open((folder / "out").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  std::optional<child_process> child;

  explicit shell(const std::string& script, const std::function<void(const process_id&)>& record = record_nothing) {
    child = child_process::start(
        {{"/bin/sh", "-c", script, "name", "one", "two words"}, folder.path(), {{"GREETING", "hello"}}, output.get()},
        record);
  }
  ~shell() {
    if (child && identify_process(child->id().pid) == child->id())
      ::kill(-child->id().pid, SIGKILL);
  }

  process_end wait() {
    pollfd what{child->end_fd(), POLLIN, 0};
    REQUIRE(::poll(&what, 1, std::chrono::milliseconds{program_patience}.count()) == 1);
    return child->reap();
  }
  std::string out() const { return read_file(folder / "out"); }
};

} // namespace

TEST_CASE("a program gets its arguments, environment and folder, and nothing else", "[process]") {
  const unique_fd stays_here{::open("/dev/null", O_RDONLY)};
  shell s{R"sh(echo "$1,$2,$GREETING,$HOME,$(pwd)"
               ls /proc/self/fd | tr '\n' ' '
               cat
               echo to-stderr >&2)sh"};
  CHECK(s.wait() == process_end{true, 0, 0});
  const auto lines = lines_of(s.out());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "one,two words,hello,," + s.folder.path().native());
  // ls has one of its own, for the folder that it lists.
  CHECK(lines[1] == "0 1 2 3 to-stderr");
}

TEST_CASE("a program leads a group of its own and has default signals", "[process]") {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t old;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &old);
  shell s{"grep -E '^Sig(Blk|Ign)' /proc/self/status; read -r line </proc/$$/stat; echo $line"};
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  s.wait();
  const auto lines = lines_of(s.out());
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "SigBlk:\t0000000000000000");
  CHECK(lines[1] == "SigIgn:\t0000000000000000");
  const auto pid = std::to_string(s.child->id().pid);
  // pid (comm) state parent group
  CHECK(lines[2].starts_with(pid + " (sh) "));
  CHECK(lines[2].find(" " + std::to_string(::getpid()) + " " + pid + " ") != std::string::npos);
}

TEST_CASE("how a program ended is known", "[process]") {
  struct row {
    const char* script;
    process_end end;
    const char* text;
  };
  for (const auto& [script, end, text] :
       {row{"exit 0", {true, 0, 0}, "exited with status 0"}, row{"exit 3", {true, 3, 0}, "exited with status 3"},
        row{"kill -9 $$", {true, 0, 9}, "was ended by signal 9 (Killed)"}}) {
    shell s{script};
    CHECK(s.wait() == end);
    CHECK(to_string(end) == text);
  }
}

TEST_CASE("what cannot be started says what and why", "[process]") {
  temp_dir folder;
  write_file(folder / "text", "no program");
  const auto why_not = [&](const path& program, const path& where) {
    return error_of([&] { child_process::start({{program.string()}, where, {}, STDERR_FILENO}, record_nothing); });
  };
  const auto absent = why_not("/nowhere/program", "/");
  CHECK(absent.code == errc::launch_failed);
  CHECK(absent.message == "cannot start \"/nowhere/program\": No such file or directory");
  CHECK(why_not(folder / "text", "/").message.find("Permission denied") != std::string::npos);
  CHECK(why_not("/bin/sh", "/nowhere").message ==
        "cannot start \"/bin/sh\" in \"/nowhere\": No such file or directory");
  CHECK(error_of([] { child_process::start({}, record_nothing); }).code == errc::launch_failed);
  // Nothing is left of any of them.
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a program does not run before it was recorded", "[process]") {
  temp_dir folder;
  const auto mark = folder / "mark";
  SECTION("and then it does") {
    std::optional<process_id> recorded;
    shell s{"touch " + mark.string(), [&](const process_id& id) {
              recorded = id;
              CHECK(identify_process(id.pid) == id);
              CHECK_FALSE(boost::filesystem::exists(mark));
            }};
    s.wait();
    CHECK(recorded == s.child->id());
    CHECK(boost::filesystem::exists(mark));
  }
  SECTION("never, if it could not be") {
    const auto start = [&] {
      child_process::start({{"/bin/sh", "-c", "touch " + mark.string()}, "/", {}, STDERR_FILENO},
                           [](const process_id&) {
                             throw failure{errc::no_space, "the disk is full"};
                           });
    };
    CHECK(error_of(start).message == "the disk is full");
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK_FALSE(boost::filesystem::exists(mark));
  }
  SECTION("never, if its parent is killed before") {
    const pid_t parent = ::fork();
    REQUIRE(parent >= 0);
    if (parent == 0)
      child_process::start({{"/bin/sh", "-c", "touch " + mark.string()}, "/", {}, STDERR_FILENO},
                           [&](const process_id& id) {
                             write_file(folder / "pid", std::to_string(id.pid));
                             ::kill(::getpid(), SIGKILL);
                           });
    ::waitpid(parent, nullptr, 0);
    const auto child = std::stoi(read_file(folder / "pid"));
    CHECK(eventually([&] { return !identify_process(child); }));
    CHECK_FALSE(boost::filesystem::exists(mark));
  }
}

TEST_CASE("only the very process is adopted", "[process]") {
  shell s{"sleep 1000"};
  const auto id = s.child->id();
  CHECK(child_process::adopt(id));
  auto earlier = id;
  --earlier.started;
  CHECK_FALSE(child_process::adopt(earlier));
  auto other_boot = id;
  other_boot.boot = "another";
  CHECK_FALSE(child_process::adopt(other_boot));
  CHECK_FALSE(child_process::adopt({}));
  CHECK_FALSE(child_process::adopt({-1, 0, ""}));

  const auto adopted = child_process::adopt(id);
  ::kill(-id.pid, SIGKILL);
  pollfd what{adopted->end_fd(), POLLIN, 0};
  CHECK(::poll(&what, 1, std::chrono::milliseconds{program_patience}.count()) == 1);
  // It waits for its parent, and is no process any more.
  CHECK_FALSE(child_process::adopt(id));
  s.wait();
  CHECK(to_string(process_end{}) == "has ended");
}

TEST_CASE("a log keeps its last lines", "[bounded_log]") {
  temp_dir folder;
  const auto file = folder / "log";
  std::string text;
  for (int line = 1; line <= 30; ++line)
    text += "line " + std::to_string(line) + "\n";
  write_file(file, text);
  bounded_log log{file, {100, 50}};
  CHECK(lines_of(read_file(file)) ==
        std::vector<std::string>{"line 25", "line 26", "line 27", "line 28", "line 29", "line 30"});
  REQUIRE(::write(log.fd(), "more\n", 5) == 5);
  log.trim();
  CHECK(read_file(file).ends_with("line 30\nmore\n"));
  REQUIRE(::write(log.fd(), std::string(120, 'x').c_str(), 120) == 120);
  log.trim();
  CHECK(read_file(file) == std::string(50, 'x'));
}

TEST_CASE("a log is for this user alone, and no link", "[bounded_log]") {
  temp_dir folder;
  const bounded_log log{folder / "log", {}};
  struct stat info {};
  REQUIRE(::fstat(log.fd(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  boost::filesystem::create_symlink(folder / "log", folder / "link");
  const auto why = error_of([&] { bounded_log{folder / "link", {}}; });
  CHECK(why.code == errc::file_io);
  CHECK(why.message.find((folder / "link").native()) != std::string::npos);
}

// -- program_runner
// ---------------------------------------------------------------------------------------------------

namespace {

/// What a runner told of one start.
class outcome_box {
public:
  program_observer observer() {
    return {[s = state_](std::int32_t pid) {
              const std::lock_guard guard{s->mutex};
              s->pid = pid;
              s->changed.notify_all();
            },
            [s = state_](const error& how) {
              const std::lock_guard guard{s->mutex};
              s->end = how;
              s->changed.notify_all();
            }};
  }

  std::int32_t pid() {
    std::unique_lock lock{state_->mutex};
    REQUIRE(state_->changed.wait_for(lock, program_patience, [&] { return state_->pid || state_->end; }));
    return state_->pid.value_or(0);
  }
  error end() {
    std::unique_lock lock{state_->mutex};
    REQUIRE(state_->changed.wait_for(lock, program_patience, [&] { return state_->end.has_value(); }));
    return *state_->end;
  }

private:
  struct state {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<std::int32_t> pid;
    std::optional<error> end;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

struct runner_fixture {
  temp_dir folder;
  std::unique_ptr<program_runner> runner = std::make_unique<program_runner>(folder.path());
  std::vector<std::int32_t> started;

  ~runner_fixture() {
    runner.reset();
    for (const auto pid : started)
      ::kill(-pid, SIGKILL);
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
  }

  outcome_box start(const std::string& script, const std::string& session = "pictures") {
    outcome_box box;
    runner->start({session, {{"/bin/sh", "-c", script}, folder.path(), {{"PATH", "/usr/bin:/bin"}}}}, box.observer());
    if (const auto pid = box.pid())
      started.push_back(pid);
    return box;
  }

  /// Another process takes over.
  void restart() {
    runner.reset();
    runner = std::make_unique<program_runner>(folder.path());
  }
};

/// Runs until the file "stop" is there.
constexpr const char* until_stopped = "while ! test -e stop; do sleep 0.01; done; echo stopped";

} // namespace

TEST_CASE("a runner tells how its program ends, and where its words are", "[program_runner]") {
  runner_fixture f;
  auto box = f.start("echo to whom it may concern; exit 4");
  const auto pid = box.pid();
  CHECK(pid > 0);
  const auto end = box.end();
  CHECK(end.code == errc::launch_failed);
  CHECK(end.message == "the program \"/bin/sh\" (process " + std::to_string(pid) +
                           ") exited with status 4; what it printed is in \"" +
                           (f.folder / "launch-pictures.log").native() + "\"");
  CHECK(read_file(f.folder / "launch-pictures.log") == "to whom it may concern\n");
  CHECK(names_in(f.folder.path()) == std::vector<std::string>{"launch-pictures.log"});
}

TEST_CASE("a runner tells what cannot be started", "[program_runner]") {
  runner_fixture f;
  outcome_box box;
  f.runner->start({"pictures", {{"/nowhere/program"}, "/", {}}}, box.observer());
  CHECK(box.end().message.find("/nowhere/program") != std::string::npos);
  CHECK(box.pid() == 0);
}

TEST_CASE("several programs run at once", "[program_runner]") {
  runner_fixture f;
  std::vector<outcome_box> boxes;
  for (int i = 0; i < 8; ++i)
    boxes.push_back(f.start(until_stopped, "s" + std::to_string(i)));
  write_file(f.folder / "stop", "");
  for (auto& each : boxes)
    CHECK(each.end().message.find("status 0") != std::string::npos);
}

TEST_CASE("a program outlives its runner, and the next one takes it over", "[program_runner]") {
  runner_fixture f;
  const auto pid = f.start(until_stopped).pid();
  struct stat info {};
  REQUIRE(::stat((f.folder / "launch-pictures.pid").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  f.restart();
  CHECK(identify_process(pid));

  auto box = f.start("echo a second one, which must not be");
  CHECK(box.pid() == pid);
  write_file(f.folder / "stop", "");
  box.end();
  CHECK(read_file(f.folder / "launch-pictures.log") == "stopped\n");
  CHECK_FALSE(boost::filesystem::exists(f.folder / "launch-pictures.pid"));
}

TEST_CASE("a record of a process that is gone, or of another one, or nonsense, is no obstacle", "[program_runner]") {
  runner_fixture f;
  const auto mine = *identify_process(::getpid());
  for (const auto& record : {std::string{}, std::string{"nonsense"}, std::string{"99999999 1 x\n"},
                             std::to_string(mine.pid) + " " + std::to_string(mine.started + 1) + " " + mine.boot}) {
    INFO(record);
    write_file(f.folder / "launch-pictures.pid", record);
    auto box = f.start("exit 0");
    CHECK(box.pid() != mine.pid);
    CHECK(box.end().message.find("status 0") != std::string::npos);
  }
}

TEST_CASE("a program that prints without end does not fill the disk", "[program_runner]") {
  runner_fixture f;
  const auto log = f.folder / "launch-pictures.log";
  auto box = f.start("for i in 1 2 3 4 5; do head -c 300000 /dev/zero | tr '\\0' 'x'; echo; echo \"line $i\"; "
                     "while test $(stat -c %s launch-pictures.log) -gt 131072; do sleep 0.01; done; done; "
                     "echo the last line");
  box.end();
  CHECK(boost::filesystem::file_size(log) <= 128 * 1024);
  CHECK(read_file(log).ends_with("the last line\n"));
}
