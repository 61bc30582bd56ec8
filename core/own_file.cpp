#include "core/own_file.hpp"

#include "core/atomic_name.hpp"
#include "core/part_file.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bellhop {

namespace {

bool has_size_of(std::int64_t size, const checkpoint& part) {
  return part.total == unknown_size ? size >= part.position : size == part.total;
}

} // namespace

std::optional<own_file> own_file::find(const folder& in, const std::string& name, const std::string& token,
                                       const checkpoint& part, bool record_sha256) {
  struct stat info {};
  if (::fstatat(in.fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
    return std::nullopt;
  const mark_state mark = look_for_mark(in, name, token);
  const bool marked = mark == mark_state::ours;
  const bool same_inode = mark == mark_state::none && part.inode != 0 && info.st_ino == part.inode;
  if (!marked && !(same_inode && has_size_of(info.st_size, part)))
    return std::nullopt;

  own_file found;
  found.name_ = name;
  found.fd_.reset(::openat(in.fd.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!found.fd_ || ::fstat(found.fd_.get(), &info) != 0)
    return std::nullopt;
  found.size_ = info.st_size;
  found.inode_ = info.st_ino;
  if (!marked) {
    found.hashed_ = part.position;
    found.claimed_hash_ = part.prefix_hash;
  }
  found.to_read_ = record_sha256 ? found.size_ : found.hashed_;
  found.digests_ = body_digests{digest_algorithm::none, record_sha256};
  return found;
}

own_file::verdict own_file::verify(std::int64_t bytes) {
  const std::int64_t upto = std::min(to_read_, read_ + bytes);
  const int e = read_range(fd_.get(), read_, upto, [&](std::span<const char> slice) {
    const auto covered = std::clamp<std::int64_t>(hashed_ - read_, 0, static_cast<std::int64_t>(slice.size()));
    hash_.update(slice.first(static_cast<std::size_t>(covered)));
    digests_.update(slice);
    read_ += static_cast<std::int64_t>(slice.size());
  });
  if (e != 0)
    return verdict::foreign;
  if (read_ < to_read_)
    return verdict::unfinished;
  if (hashed_ > 0 && hash_.value() != claimed_hash_)
    return verdict::foreign;
  sha256_ = digests_.finish().sha256;
  return verdict::ours;
}

int own_file::sync() {
  return ::fsync(fd_.get()) == 0 ? 0 : errno;
}

} // namespace bellhop
