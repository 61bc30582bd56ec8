#include "gateway/spool.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace bellhop {

namespace {

/// Written and read at once when there is a file.
constexpr std::size_t block = 256 * 1024;

[[noreturn]] void fail(const char* what, const path& folder) {
  const int why = errno;
  const bool full = why == ENOSPC || why == EDQUOT;
  throw failure{full ? errc::no_space : errc::file_io,
                std::string{what} + " in " + folder.string() + ": " + std::generic_category().message(why)};
}

/// Where O_TMPFILE is unknown, a named file whose name is removed at once.
int open_unnamed(const path& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
    return fd;
  auto name = (folder / "bellhop-XXXXXX").string();
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0)
    ::unlink(name.c_str());
  return named;
}

} // namespace

path default_spool_directory() {
  const char* set = std::getenv("TMPDIR");
  return set && *set ? path{set} : path{"/tmp"};
}

void spool::append(std::string_view bytes) {
  buffer_ += bytes;
  size_ += bytes.size();
  if (buffer_.size() > most_in_memory_ || (file_ && buffer_.size() >= block))
    write_out();
}

void spool::write_out() {
  if (!file_)
    file_.reset(open_unnamed(folder_));
  if (!file_)
    fail("cannot make a temporary file", folder_);
  std::string_view left = buffer_;
  while (!left.empty()) {
    const auto written = ::write(file_.get(), left.data(), left.size());
    if (written < 0 && errno != EINTR)
      fail("cannot write a temporary file", folder_);
    left.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  buffer_.clear();
}

void spool::rewind() {
  if (!file_)
    return;
  write_out();
  if (::lseek(file_.get(), 0, SEEK_SET) != 0)
    fail("cannot read a temporary file", folder_);
}

std::string spool::read(std::size_t most) {
  while (file_ && buffer_.size() - taken_ < most) {
    buffer_.erase(0, std::exchange(taken_, 0));
    const auto old = buffer_.size();
    buffer_.resize(old + std::max(block, most));
    const auto got = ::read(file_.get(), buffer_.data() + old, buffer_.size() - old);
    const int why = errno;
    buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    errno = why;
    if (got < 0 && why != EINTR)
      fail("cannot read a temporary file", folder_);
    if (got == 0)
      break;
  }
  auto result = buffer_.substr(taken_, most);
  taken_ += result.size();
  return result;
}

} // namespace bellhop
