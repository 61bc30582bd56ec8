#include "core/part_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bellhop {

namespace {

constexpr std::size_t read_buffer_size = 256 * 1024;
/// Larger writes make the kernel look for larger blocks of memory, which in a virtual machine are often not there yet;
/// and what was just written is still in the processor's cache when it is hashed.
constexpr std::size_t largest_write = 64 * 1024;

bool may_be(const struct stat& found, const checkpoint& claimed) {
  // A second name would mean that cutting this file cuts one that somebody else sees.
  return S_ISREG(found.st_mode) && found.st_uid == ::geteuid() && found.st_nlink == 1 &&
         found.st_ino == claimed.inode && found.st_size >= claimed.position;
}

} // namespace

int read_range(int fd, std::int64_t from, std::int64_t upto, const std::function<void(std::span<const char>)>& sink) {
  std::vector<char> buffer(
      static_cast<std::size_t>(std::clamp<std::int64_t>(upto - from, 0, static_cast<std::int64_t>(read_buffer_size))));
  while (from < upto) {
    const auto wanted = std::min<std::int64_t>(upto - from, static_cast<std::int64_t>(buffer.size()));
    const auto got = ::pread(fd, buffer.data(), static_cast<std::size_t>(wanted), from);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return got < 0 ? errno : ENODATA;
    sink({buffer.data(), static_cast<std::size_t>(got)});
    from += got;
  }
  return 0;
}

part_file::part_file(unique_fd fd, checkpoint state, body_digests digests)
    : fd_(std::move(fd)), state_(std::move(state)), digests_(std::move(digests)) {}

part_file part_file::create(const folder& in, const checkpoint& from, digest_algorithm expected, bool record_sha256) {
  const char* name = from.part_name.c_str();
  if (::unlinkat(in.fd.get(), name, 0) != 0 && errno != ENOENT) {
    if (errno == EISDIR)
      throw failure{errc::destination_unavailable,
                    fmt::format("{} is a folder, where a part file has to be: move it away",
                                (in.where / from.part_name).native())};
    throw failure{disk_error(errno, "remove the old part file", in)};
  }
  unique_fd fd{::openat(in.fd.get(), name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0)
    throw failure{disk_error(errno, "create a part file", in)};
  checkpoint state = from;
  state.inode = info.st_ino;
  state.position = 0;
  return {std::move(fd), std::move(state), body_digests{expected, record_sha256}};
}

std::optional<part_file> part_file::reopen(const folder& in, const checkpoint& from, digest_algorithm expected,
                                           bool record_sha256) {
  // O_NONBLOCK: a pipe under this name must not hold us up.
  unique_fd fd{::openat(in.fd.get(), from.part_name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !may_be(info, from))
    return std::nullopt;
  checkpoint state = from;
  state.position = 0;
  part_file part{std::move(fd), std::move(state), body_digests{expected, record_sha256}};
  part.claimed_ = from;
  return part;
}

part_file::verdict part_file::verify(std::int64_t bytes) {
  const std::int64_t upto = std::min(claimed_.position, state_.position + bytes);
  const int e = read_range(fd_.get(), state_.position, upto, [&](std::span<const char> slice) {
    hash_.update(slice);
    digests_.update(slice);
  });
  if (e != 0)
    return verdict::broken;
  state_.position = upto;
  if (upto < claimed_.position)
    return verdict::unfinished;
  if (hash_.value() != claimed_.prefix_hash || ::ftruncate(fd_.get(), upto) != 0)
    return verdict::broken;
  return verdict::holds;
}

int part_file::append(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(fd_.get(), bytes.data(), std::min(bytes.size(), largest_write), state_.position);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return written < 0 ? errno : EIO;
    const auto stored = bytes.first(static_cast<std::size_t>(written));
    hash_.update(stored);
    digests_.update(stored);
    state_.position += written;
    bytes = bytes.subspan(stored.size());
  }
  return 0;
}

part_file::comparison part_file::compare(std::int64_t offset, std::span<const char> bytes) const {
  comparison result{true, 0};
  result.error_number =
      read_range(fd_.get(), offset, offset + static_cast<std::int64_t>(bytes.size()), [&](std::span<const char> slice) {
        result.equal = result.equal && std::memcmp(slice.data(), bytes.data(), slice.size()) == 0;
        bytes = bytes.subspan(slice.size());
      });
  // Shorter than it was: somebody else cut it.
  if (result.error_number == ENODATA)
    return {false, 0};
  return result;
}

int part_file::sync() {
  return ::fdatasync(fd_.get()) == 0 ? 0 : errno;
}

checkpoint part_file::state() const {
  checkpoint now = state_;
  now.prefix_hash = hash_.value();
  return now;
}

bool part_file::still_named(const folder& in) const {
  struct stat named {};
  return ::fstatat(in.fd.get(), state_.part_name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         named.st_ino == state_.inode && S_ISREG(named.st_mode);
}

} // namespace bellhop
