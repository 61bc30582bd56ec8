#include "core/prepared_file.hpp"

#include "core/atomic_name.hpp"
#include "core/digest.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <span>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace bellhop {

namespace {

error mismatch(const publish_target& target, const std::string& actual) {
  return {errc::checksum_mismatch,
          fmt::format("the {} of {} is {}, expected {}", to_string(target.expected.algorithm),
                      target.destination.native(), actual, target.expected.hex),
          0};
}

/// umask(2) cannot be read without being changed for all threads.
mode_t current_umask() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("Umask:"))
      return static_cast<mode_t>(std::stoul(line.substr(6), nullptr, 8));
  return 0077;
}

int write_all(int fd, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return written < 0 ? errno : EIO;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

publish_result refused(error why) {
  return {std::move(why), {}, false};
}

/// Throws `failure` for a destination that cannot be one.
publish_batch::entry entry_for(folder_cache& folders, const publish_target& target) {
  auto [folder_name, name] = split_destination(target.destination);
  publish_batch::entry e;
  e.in = folders.open(folder_name);
  e.name = std::move(name);
  return e;
}

} // namespace

prepared_file prepare_small(folder_cache& folders, publish_target target, const body_buffer& body) {
  const auto size = static_cast<std::int64_t>(body.size());
  publish_batch::entry e;
  try {
    body_digests digests{target.expected.algorithm, target.record_sha256};
    digests.update(body);
    auto values = digests.finish();
    if (values.expected != target.expected.hex)
      return refused(mismatch(target, values.expected));
    e = entry_for(folders, target);
    e.sha256 = std::move(values.sha256);
  } catch (const failure& f) {
    return refused(f.why());
  }

  if (!e.in->marks)
    return publish_result{{}, {}, true};
  int failed = make_nameless(*e.in, temporary_name_for_token(target.token), e.file);
  const bool unmarked = failed == 0 && mark(*e.in, e.file.fd.get(), target.token) != 0;
  if (failed == 0 && !unmarked)
    failed = write_all(e.file.fd.get(), body);
  if (failed != 0 || unmarked) {
    if (!e.file.hidden_name.empty())
      ::unlinkat(e.in->fd.get(), e.file.hidden_name.c_str(), 0);
    return publish_result{unmarked ? error{} : disk_error(failed, "write " + e.name, *e.in, size), {}, unmarked};
  }
  e.target = std::move(target);
  e.size = size;
  return e;
}

prepared_file prepare_part(folder_cache& folders, publish_target target, const folder& part_in, part_file& part) {
  auto values = part.finish_digests();
  if (values.expected != target.expected.hex) {
    ::unlinkat(part_in.fd.get(), part.name().c_str(), 0);
    return refused(mismatch(target, values.expected));
  }
  publish_batch::entry e;
  try {
    e = entry_for(folders, target);
  } catch (const failure& f) {
    return refused(f.why());
  }
  if (!part.still_named(*e.in))
    return refused(
        {errc::content_changed, fmt::format("the part file {} was moved, removed or replaced by somebody else",
                                            (e.in->where / part.name()).native())});
  if (::fchmod(part.fd(), 0666 & ~current_umask()) != 0)
    return refused(disk_error(errno, "publish " + e.name, *e.in));

  e.size = part.position();
  e.sha256 = std::move(values.sha256);
  e.file.hidden_name = part.name();
  e.file.fd = part.release();
  e.is_part = true;
  e.target = std::move(target);
  return e;
}

} // namespace bellhop
