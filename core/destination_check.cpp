#include "core/destination_check.hpp"

#include "core/atomic_name.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bellhop {

destination_check::destination_check(publish_target target, checkpoint part, std::shared_ptr<folder> in)
    : target_(std::move(target)), part_(std::move(part)), in_(std::move(in)),
      name_(split_destination(target_.destination).name), own_(look_for_own()) {}

std::optional<own_file> destination_check::look_for_own() const {
  const unsigned last = target_.on_conflict == conflict_policy::rename ? last_number : 0;
  for (unsigned n = 0; n <= last; ++n) {
    const std::string numbered = numbered_name(name_, n);
    if (auto own = own_file::find(*in_, numbered, target_.token, part_, target_.record_sha256))
      return own;
    if (::faccessat(in_->fd.get(), numbered.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0)
      break;
  }
  return std::nullopt;
}

std::optional<publish_result> destination_check::go_on(std::int64_t bytes) {
  if (!own_)
    return publish_result{check_free(name_), {}, false};
  switch (own_->verify(bytes)) {
  case own_file::verdict::unfinished:
    return std::nullopt;
  case own_file::verdict::foreign:
    return publish_result{check_free(own_->name()), {}, false};
  case own_file::verdict::ours:
    return accept_own();
  }
  return std::nullopt;
}

error destination_check::check_free(const std::string& name) const {
  if (::faccessat(in_->fd.get(), ".", W_OK | X_OK, AT_EACCESS) != 0)
    return disk_error(errno, "write", *in_);
  struct stat existing {};
  if (::fstatat(in_->fd.get(), name.c_str(), &existing, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? error{} : disk_error(errno, "look up " + name, *in_);
  if (target_.on_conflict == conflict_policy::fail)
    return naming_error(EEXIST, target_.destination, *in_);
  if (target_.on_conflict == conflict_policy::overwrite && S_ISDIR(existing.st_mode))
    return naming_error(EISDIR, target_.destination, *in_);
  return {};
}

publish_result destination_check::accept_own() {
  if (target_.durable == durability::power) {
    int failed = own_->sync();
    if (failed == 0)
      failed = in_->sync();
    if (failed != 0)
      return {disk_error(failed, "sync " + own_->name(), *in_), {}, false};
  }
  for (const std::string* obsolete : {&part_.part_name, &target_.stale_part})
    if (!obsolete->empty())
      ::unlinkat(in_->fd.get(), obsolete->c_str(), 0);
  return {{}, {in_->where / own_->name(), own_->size(), own_->sha256()}, false};
}

} // namespace bellhop
