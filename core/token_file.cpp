#include "core/token_file.hpp"

#include "core/system_error.hpp"
#include "core/text.hpp"
#include "core/unique_fd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bellhop {

namespace {

constexpr std::size_t shortest = 16;
constexpr std::size_t longest = 1024;

[[noreturn]] void refuse(const path& file, std::string_view what) {
  throw failure{errc::invalid_argument, fmt::format("the token file {} {}", in_quotes(file.native(), 400), what)};
}

std::string random_token() {
  std::array<unsigned char, 32> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw failure{errc::internal, "the system gives no random bytes"};
  std::string hex;
  for (const auto each : bytes)
    hex += fmt::format("{:02x}", each);
  return hex;
}

/// Whole under another name first: whoever reads it meanwhile finds no half of it. One that is there already stays.
void make(const path& file) {
  auto pattern = file.native() + ".XXXXXX";
  const unique_fd fd{::mkostemp(pattern.data(), O_CLOEXEC)};
  if (!fd)
    throw_system_error(errc::file_io, "make the token file", file, errno);
  const auto text = random_token() + '\n';
  const auto written = ::write(fd.get(), text.data(), text.size());
  const int why = written == static_cast<ssize_t>(text.size()) ? 0 : written < 0 ? errno : ENOSPC;
  const int linked = why == 0 && ::link(pattern.c_str(), file.c_str()) != 0 ? errno : 0;
  ::unlink(pattern.c_str());
  if (why != 0 || (linked != 0 && linked != EEXIST))
    throw_system_error(errc::file_io, "make the token file", file, why != 0 ? why : linked);
}

unique_fd opened(const path& file) {
  return unique_fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
}

void check_owner(const path& file, int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0)
    throw_system_error(errc::file_io, "look up the token file", file, errno);
  if (!S_ISREG(info.st_mode))
    refuse(file, "is no regular file: choose another");
  if (info.st_uid != ::geteuid())
    refuse(file, "belongs to another user: choose another, or make it your own");
  if ((info.st_mode & 077) != 0)
    refuse(file,
           fmt::format("may be used by others (mode {:04o}): its token is no secret any more. Remove it, so that a "
                       "new one is made",
                       info.st_mode & 07777));
}

} // namespace

std::string read_or_make_token(const path& file) {
  auto fd = opened(file);
  if (!fd && errno == ENOENT) {
    make(file);
    fd = opened(file);
  }
  if (!fd)
    throw_system_error(errc::file_io, "open the token file", file, errno);
  check_owner(file, fd.get());
  std::string text(longest + 1, '\0');
  const auto length = ::read(fd.get(), text.data(), text.size());
  if (length < 0)
    throw_system_error(errc::file_io, "read the token file", file, errno);
  text.resize(static_cast<std::size_t>(length));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable || text.size() < shortest || text.size() > longest)
    refuse(file, fmt::format("must hold {} to {} printable characters: remove it, so that a new one is made", shortest,
                             longest));
  return text;
}

} // namespace bellhop
