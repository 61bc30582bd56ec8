#include "core/state_directory.hpp"

#include "core/environment.hpp"
#include "core/system_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bellhop {

namespace {

path home_directory() {
  if (auto home = path_from_environment("HOME"); home.is_absolute())
    return home;
  const passwd* entry = ::getpwuid(::getuid());
  return entry && entry->pw_dir ? path{entry->pw_dir} : path{"/"};
}

[[noreturn]] void throw_errno(std::string_view doing, const path& where, int error_number) {
  throw_system_error(errc::ledger_io, doing, where, error_number);
}

/// Makes what is missing of the path, each for this user alone. Folders that exist keep their mode: they may be shared
/// with others ("/tmp"), and the files in the state directory are private by themselves.
void make_directories(const path& where) {
  if (::mkdir(where.c_str(), 0700) == 0)
    return;
  if (errno == ENOENT && where.has_parent_path() && where.parent_path() != where) {
    make_directories(where.parent_path());
    if (::mkdir(where.c_str(), 0700) == 0)
      return;
  }
  const int why = errno;
  struct stat info {};
  if (why == EEXIST && ::stat(where.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode))
      return;
    throw_errno("use the state directory", where, ENOTDIR);
  }
  throw_errno("make the state directory", where, why);
}

/// The holder's process id as it wrote it, or 0 when it has not yet.
long read_holder(int lock) {
  char text[32];
  const auto length = ::pread(lock, text, sizeof text, 0);
  long holder = 0;
  if (length > 0)
    std::from_chars(text, text + length, holder);
  return holder;
}

void write_holder(int lock, const path& file) {
  const auto text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock, 0) != 0)
    throw_errno("write", file, errno);
  const auto written = ::pwrite(lock, text.data(), text.size(), 0);
  if (written != static_cast<ssize_t>(text.size()))
    throw_errno("write", file, written < 0 ? errno : ENOSPC);
}

/// Closes unless released.
struct descriptor {
  int value;
  ~descriptor() {
    if (value >= 0)
      ::close(value);
  }
  int release() { return std::exchange(value, -1); }
};

int take_lock(const path& where) {
  const auto file = where / "lock";
  descriptor lock{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (lock.value < 0)
    throw_errno("open", file, errno);
  if (::flock(lock.value, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      throw_errno("lock", file, errno);
    const long holder = read_holder(lock.value);
    const auto process = holder > 0 ? fmt::format("process {}", holder) : std::string{"process unknown"};
    throw failure{errc::state_in_use, fmt::format("another Bellhop engine ({}) uses {}: stop it, or set "
                                                  "BELLHOP_STATE_DIR to another directory",
                                                  process, where.native())};
  }
  write_holder(lock.value, file);
  return lock.release();
}

} // namespace

path default_state_directory() {
  if (auto given = path_from_environment("BELLHOP_STATE_DIR"); !given.empty())
    return made_absolute(given);
  // The XDG base directory specification: a relative path is invalid and ignored.
  if (auto state = path_from_environment("XDG_STATE_HOME"); state.is_absolute())
    return state / "bellhop";
  return home_directory() / ".local/state/bellhop";
}

path ledger_file_in(const path& state_directory) {
  return state_directory / "ledger.sqlite";
}

state_directory::state_directory(path where) : where_(std::move(where)) {
  make_directories(where_);
  lock_ = take_lock(where_);
}

state_directory::~state_directory() {
  // The file stays: removing it would let two engines lock two files of one name. Without the pid it accuses nobody; a
  // failure to empty it changes no promise.
  [[maybe_unused]] const int emptied = ::ftruncate(lock_, 0);
  ::close(lock_);
}

path state_directory::ledger_file() const {
  return ledger_file_in(where_);
}

} // namespace bellhop
