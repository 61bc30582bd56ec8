#include "core/atomic_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace bellhop {

namespace {

constexpr const char* mark_attribute = "user.bellhop.transfer";
constexpr std::size_t longest_name = 255;

/// What file systems without extended attributes of the user namespace answer; FUSE and SMB have their own ways.
bool marks_refused(int error_number) {
  return error_number == ENOTSUP || error_number == ENOSYS || error_number == EPERM || error_number == EACCES;
}

std::string proc_path(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

int link_by_descriptor(int fd, int folder_fd, const char* name) {
  // Without CAP_DAC_READ_SEARCH (and before Linux 6.10) the shorter way says ENOENT, as it does for a folder that is
  // gone; only when the longer way works, the shorter one is not tried again.
  static std::atomic<bool> short_way_works{true};
  const bool tried = short_way_works.load(std::memory_order_relaxed);
  if (tried) {
    if (::linkat(fd, "", folder_fd, name, AT_EMPTY_PATH) == 0)
      return 0;
    if (errno != ENOENT)
      return errno;
  }
  if (::linkat(AT_FDCWD, proc_path(fd).c_str(), folder_fd, name, AT_SYMLINK_FOLLOW) != 0)
    return errno;
  if (tried)
    short_way_works.store(false, std::memory_order_relaxed);
  return 0;
}

int rename_exclusively(int folder_fd, const char* from, const char* to) {
  if (::renameat2(folder_fd, from, folder_fd, to, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
    return errno;
  // NFS and others: two names for a moment, which the mark and the inode number tell apart after a crash.
  if (::linkat(folder_fd, from, folder_fd, to, 0) != 0)
    return errno == EPERM || errno == ENOSYS || errno == EMLINK ? ENOTSUP : errno;
  ::unlinkat(folder_fd, from, 0);
  return 0;
}

/// Where the extension begins: at the last dot, or the one before if that says ".tar". A leading dot begins none.
std::size_t extension_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0)
    return name.size();
  constexpr std::string_view tar = ".tar";
  if (dot > tar.size() && name.substr(dot - tar.size(), tar.size()) == tar)
    return dot - tar.size();
  return dot;
}

} // namespace

int make_nameless(folder& in, const std::string& hidden_name, nameless_file& made) {
  made.hidden_name.clear();
  if (in.unnamed_files) {
    made.fd.reset(::openat(in.fd.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
    if (made.fd)
      return 0;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
      return errno;
    in.unnamed_files = false;
  }
  if (::unlinkat(in.fd.get(), hidden_name.c_str(), 0) != 0 && errno != ENOENT)
    return errno;
  made.fd.reset(::openat(in.fd.get(), hidden_name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!made.fd)
    return errno;
  made.hidden_name = hidden_name;
  return 0;
}

int mark(folder& in, int fd, const std::string& token) {
  if (!in.marks)
    return ENOTSUP;
  if (::fsetxattr(fd, mark_attribute, token.data(), token.size(), 0) == 0)
    return 0;
  if (!marks_refused(errno))
    return errno;
  in.marks = false;
  return ENOTSUP;
}

mark_state look_for_mark(const folder& in, const std::string& name, const std::string& token) {
  if (token.empty())
    return mark_state::none;
  std::array<char, 256> value;
  const std::string where = proc_path(in.fd.get()) + "/" + name;
  const auto size = ::lgetxattr(where.c_str(), mark_attribute, value.data(), value.size());
  if (size < 0)
    return errno == ERANGE ? mark_state::others : mark_state::none;
  return token == std::string_view{value.data(), static_cast<std::size_t>(size)} ? mark_state::ours
                                                                                 : mark_state::others;
}

int name_exclusively(const folder& in, const nameless_file& file, const std::string& name) {
  if (file.hidden_name.empty())
    return link_by_descriptor(file.fd.get(), in.fd.get(), name.c_str());
  return rename_exclusively(in.fd.get(), file.hidden_name.c_str(), name.c_str());
}

int name_replacing(const folder& in, const nameless_file& file, const std::string& name,
                   const std::string& temporary_name) {
  const int folder_fd = in.fd.get();
  if (!file.hidden_name.empty())
    return ::renameat(folder_fd, file.hidden_name.c_str(), folder_fd, name.c_str()) == 0 ? 0 : errno;

  if (const int e = link_by_descriptor(file.fd.get(), folder_fd, name.c_str()); e != EEXIST)
    return e;
  int e = link_by_descriptor(file.fd.get(), folder_fd, temporary_name.c_str());
  if (e == EEXIST && ::unlinkat(folder_fd, temporary_name.c_str(), 0) == 0)
    e = link_by_descriptor(file.fd.get(), folder_fd, temporary_name.c_str());
  if (e != 0)
    return e;
  if (::renameat(folder_fd, temporary_name.c_str(), folder_fd, name.c_str()) == 0)
    return 0;
  e = errno;
  ::unlinkat(folder_fd, temporary_name.c_str(), 0);
  return e;
}

std::string numbered_name(std::string_view name, unsigned n) {
  if (n == 0)
    return std::string{name};
  constexpr std::size_t longest_extension = 64;
  const std::string number = " (" + std::to_string(n) + ")";
  std::size_t stem = extension_of(name);
  if (name.size() - stem > longest_extension)
    stem = name.size();
  const std::string_view extension = name.substr(stem);
  if (const std::size_t room = longest_name - number.size() - extension.size(); stem > room) {
    stem = room;
    while (stem > 0 && (static_cast<unsigned char>(name[stem]) & 0xC0) == 0x80)
      --stem;
  }
  return std::string{name.substr(0, stem)}.append(number).append(extension);
}

naming give_name(const folder& in, const nameless_file& file, const std::string& name, conflict_policy policy,
                 const std::string& token, const std::string& temporary_name) {
  if (policy == conflict_policy::overwrite)
    return {name_replacing(in, file, name, temporary_name), name, false};
  const unsigned last = policy == conflict_policy::rename ? last_number : 0;
  for (unsigned n = 0;; ++n) {
    naming tried{0, numbered_name(name, n), false};
    tried.error_number = name_exclusively(in, file, tried.name);
    if (tried.error_number != EEXIST)
      return tried;
    if (look_for_mark(in, tried.name, token) == mark_state::ours)
      return {0, tried.name, true};
    if (n == last)
      return tried;
  }
}

error naming_error(int error_number, const path& wanted, const folder& in) {
  const std::string& destination = wanted.native();
  switch (error_number) {
  case EEXIST:
    return {errc::destination_exists,
            fmt::format("{} exists already: remove it, choose another destination, or the conflict policy overwrite or "
                        "rename",
                        destination),
            0};
  case EISDIR:
    return {errc::destination_unavailable,
            fmt::format("{} is a folder, which is not overwritten: choose another destination", destination), 0};
  case ENOTSUP:
    return {errc::destination_unavailable,
            fmt::format("the file system of {} cannot name a file without replacing another: use the conflict policy "
                        "overwrite",
                        destination),
            0};
  default:
    return disk_error(error_number, "publish " + wanted.filename().native(), in);
  }
}

} // namespace bellhop
