#include "core/bounded_log.hpp"

#include "core/system_error.hpp"

#include <cerrno>
#include <new>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bellhop {

namespace {

/// The last bytes, from the beginning of a line on if there is one.
std::string last_lines(int fd, std::int64_t size, std::int64_t kept) {
  std::string text(static_cast<std::size_t>(kept), '\0');
  const auto length = ::pread(fd, text.data(), text.size(), size - kept);
  text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  const auto line_end = text.find('\n');
  if (line_end != std::string::npos)
    text.erase(0, line_end + 1);
  return text;
}

} // namespace

bounded_log::bounded_log(const path& file, bounds limits)
    : bounds_(limits), fd_(::open(file.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)) {
  if (!fd_)
    throw_system_error(errc::file_io, "open the log", file, errno);
  trim();
}

void bounded_log::trim() noexcept {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0 || info.st_size <= bounds_.most)
    return;
  try {
    const auto kept = last_lines(fd_.get(), info.st_size, bounds_.kept);
    if (::ftruncate(fd_.get(), 0) == 0) [[maybe_unused]]
      const auto written = ::write(fd_.get(), kept.data(), kept.size());
  } catch (const std::bad_alloc&) {
    // The next time.
  }
}

} // namespace bellhop
