#include "core/folder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace bellhop {

namespace {

/// `blocks`: which of statvfs's counts. File systems without a bound of their own say that they have none at all.
std::int64_t bytes_at(int fd, fsblkcnt_t(statvfs::*blocks)) {
  struct statvfs info {};
  if (::fstatvfs(fd, &info) != 0 || info.f_blocks == 0)
    return unknown_size;
  return static_cast<std::int64_t>(info.*blocks) * static_cast<std::int64_t>(info.f_frsize);
}

error no_space_error(int error_number, const path& where, std::int64_t free, std::int64_t needed) {
  std::string message = error_number == EDQUOT
                            ? fmt::format("the disk quota is used up in the folder {}", where.native())
                            : fmt::format("no space left in the folder {}", where.native());
  if (free != unknown_size && error_number != EDQUOT)
    message += fmt::format(": {} bytes free", free);
  if (needed != unknown_size)
    message += fmt::format(", {} bytes needed", needed);
  return {errc::no_space, message + "; free some space", 0};
}

error explain(int error_number, std::string_view doing, const path& where, std::int64_t free, std::int64_t needed) {
  const auto unavailable = [&](std::string_view text) {
    return error{errc::destination_unavailable, fmt::format(fmt::runtime(text), where.native()), 0};
  };
  switch (error_number) {
  case ENOSPC:
  case EDQUOT:
    return no_space_error(error_number, where, free, needed);
  case ENOENT:
    return unavailable("the folder {} does not exist: create it");
  case ENOTDIR:
    return unavailable("{} is not a folder, or its path leads through a file: choose another");
  case ELOOP:
    return unavailable("the path {} has too many symbolic links: choose another");
  case EACCES:
  case EPERM:
    return unavailable("no permission to write in the folder {}: change its permissions or choose another");
  case EROFS:
    return unavailable("the folder {} is on a read-only file system: remount it writable or choose another");
  case ENAMETOOLONG:
    return unavailable("a name is too long for the file system of {}: choose a shorter one");
  case EMFILE:
  case ENFILE:
    return {errc::file_io,
            fmt::format("cannot {} in {}: too many open files; raise the limit (ulimit -n)", doing, where.native()), 0};
  default:
    return {errc::file_io,
            fmt::format("cannot {} in {}: {}", doing, where.native(), std::generic_category().message(error_number)),
            0};
  }
}

} // namespace

int folder::sync() const {
  if (::fsync(fd.get()) == 0)
    return 0;
  // A folder that may be written but not read is open with O_PATH, which cannot be synced.
  if (errno == EBADF) {
    ::sync();
    return 0;
  }
  // Some network file systems have nothing to sync in a folder and say so.
  return errno == EINVAL ? 0 : errno;
}

std::int64_t folder::free_bytes() const {
  return bytes_at(fd.get(), &statvfs::f_bavail);
}

std::int64_t folder::total_bytes() const {
  return bytes_at(fd.get(), &statvfs::f_blocks);
}

error disk_error(int error_number, std::string_view doing, const folder& in, std::int64_t needed) {
  return explain(error_number, doing, in.where, error_number == ENOSPC ? in.free_bytes() : unknown_size, needed);
}

error disk_error(int error_number, std::string_view doing, const path& where) {
  return explain(error_number, doing, where, unknown_size, unknown_size);
}

split_path split_destination(const path& destination) {
  const std::string& text = destination.native();
  const std::size_t slash = text.rfind('/');
  split_path parts;
  if (!text.empty() && text.front() == '/') {
    parts.folder = slash == 0 ? "/" : text.substr(0, slash);
    parts.name = text.substr(slash + 1);
  }
  if (parts.name.empty() || parts.name == "." || parts.name == "..")
    throw failure{errc::destination_unavailable,
                  fmt::format("\"{}\" is not the absolute path of a file: name the file to write", text)};
  return parts;
}

std::shared_ptr<folder> folder_cache::open(const std::string& where) {
  struct stat now {};
  if (::stat(where.c_str(), &now) != 0)
    throw failure{disk_error(errno, "look up the folder", path{where})};
  if (const auto known = by_path_.find(where); known != by_path_.end()) {
    const auto& cached = **known->second;
    if (cached.device == now.st_dev && cached.inode == now.st_ino) {
      recent_.splice(recent_.begin(), recent_, known->second);
      return recent_.front();
    }
    recent_.erase(known->second);
    by_path_.erase(known);
  }

  auto opened = std::make_shared<folder>();
  opened->where = where;
  opened->fd.reset(::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened->fd && errno == EACCES)
    opened->fd.reset(::open(where.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!opened->fd || ::fstat(opened->fd.get(), &now) != 0)
    throw failure{disk_error(errno, "open the folder", path{where})};
  opened->device = now.st_dev;
  opened->inode = now.st_ino;
  opened->unnamed_files = unnamed_files_;

  recent_.push_front(opened);
  by_path_[where] = recent_.begin();
  if (recent_.size() > capacity_) {
    by_path_.erase(recent_.back()->where.native());
    recent_.pop_back();
  }
  return opened;
}

} // namespace bellhop
