#include "core/publisher.hpp"

#include "core/active_part.hpp"
#include "core/atomic_name.hpp"
#include "core/digest.hpp"
#include "core/folder.hpp"
#include "core/own_file.hpp"
#include "core/part_file.hpp"
#include "core/publish_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bellhop {

namespace {

/// Bytes that one task may read or write before the others get their turn.
constexpr std::int64_t slice_bytes = 4 * 1024 * 1024;

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

error closed_part_error() {
  return {errc::shutting_down, "the part file was closed", 0};
}

error not_open_error() {
  return {errc::wrong_state, "the transfer has no open part file, or one that is busy", 0};
}

} // namespace

class publisher::impl {
public:
  using steady_time = active_part::steady_time;

  impl(publisher_options options, publisher& owner) : options_(std::move(options)), owner_(owner) {
    if (!options_.unnamed_files)
      folders_.without_unnamed_files();
  }

  void start() { loop_.emplace("bellhop-disk", &owner_); }
  void stop();
  task_loop& loop() noexcept { return *loop_; }

  void publish_small(publish_target&&, const body_buffer&, answer<publish_result>&&);
  void open(part_request&&, answer<part_opened>&&);
  void receive(transfer_id, std::int64_t offset, std::shared_ptr<body_pipe>&&, unique_function<void(checkpoint)>&&,
               answer<part_written>&&);
  void publish_part(publish_target&&, answer<publish_result>&&);
  void close(transfer_id, answer<checkpoint>&&);
  void discard(transfer_id, const path& in, const std::string& part_name);
  void preflight(publish_target&&, checkpoint&&, answer<publish_result>&&);
  std::chrono::microseconds end_of_turn(bool more);

private:
  /// A file found by preflight, while it is being read.
  struct own_file_check {
    publish_target target;
    checkpoint part;
    std::shared_ptr<folder> in;
    own_file file;
    answer<publish_result> done;
  };

  active_part* find(transfer_id);
  void add_to_batch(publish_batch::entry&&);
  void verify_slice(transfer_id, std::uint64_t serial);
  void answer_opened(active_part&);
  enum class drain_cause { readable, budget_used };
  void drain(transfer_id, std::uint64_t serial, drain_cause);
  void interrupt(active_part&);
  static error check_free(const publish_target&, const folder&, const std::string& name);
  static publish_result accept_own(own_file_check&);
  static std::optional<own_file> look_for_own(const publish_target&, const checkpoint&, const folder&,
                                              const std::string& name);
  void check_slice(std::shared_ptr<own_file_check>);
  void note_progress(const active_part&);
  void save_due_checkpoints(steady_time now);
  steady_time due(const active_part&) const;

  publisher_options options_;
  publisher& owner_;
  folder_cache folders_;
  publish_batch crash_batch_{durability::crash};
  publish_batch power_batch_{durability::power};
  steady_time power_batch_since_{};
  std::unordered_map<transfer_id, std::unique_ptr<active_part>> parts_;
  std::uint64_t last_serial_ = 0;
  steady_time next_checkpoint_ = steady_time::max();
  std::optional<task_loop> loop_;
};

void publisher::impl::stop() {
  loop_->stop();
  for (auto& [id, part] : parts_)
    if (part->streaming())
      part->abandon();
  parts_.clear();
}

active_part* publisher::impl::find(transfer_id id) {
  const auto found = parts_.find(id);
  return found == parts_.end() ? nullptr : found->second.get();
}

// --- Naming ---------------------------------------------------------------------------------------------------------

void publisher::impl::add_to_batch(publish_batch::entry&& e) {
  const bool power = e.target.durable == durability::power;
  publish_batch& batch = power ? power_batch_ : crash_batch_;
  if (power && batch.empty())
    power_batch_since_ = options_.clock();
  batch.add(std::move(e));
  if (batch.full())
    batch.flush();
}

void publisher::impl::publish_small(publish_target&& target, const body_buffer& body, answer<publish_result>&& done) {
  publish_batch::entry e;
  const auto size = static_cast<std::int64_t>(body.size());
  try {
    body_digests digests{target.expected.algorithm, target.record_sha256};
    digests.update(body);
    auto values = digests.finish();
    if (values.expected != target.expected.hex)
      return done({mismatch(target, values.expected), {}, false});
    e.sha256 = std::move(values.sha256);

    auto [folder_name, name] = split_destination(target.destination);
    e.in = folders_.open(folder_name);
    e.name = std::move(name);
  } catch (const failure& f) {
    return done({f.why(), {}, false});
  }

  if (!e.in->marks)
    return done({{}, {}, true});
  int failed = make_nameless(*e.in, temporary_name_for_token(target.token), e.file);
  if (failed == 0)
    failed = mark(*e.in, e.file.fd.get(), target.token);
  const bool unmarked = failed == ENOTSUP;
  if (failed == 0)
    failed = write_all(e.file.fd.get(), body);
  if (failed != 0) {
    if (!e.file.hidden_name.empty())
      ::unlinkat(e.in->fd.get(), e.file.hidden_name.c_str(), 0);
    return done({unmarked ? error{} : disk_error(failed, "write " + e.name, *e.in, size), {}, unmarked});
  }

  e.target = std::move(target);
  e.size = size;
  e.done = std::move(done);
  add_to_batch(std::move(e));
}

void publisher::impl::publish_part(publish_target&& target, answer<publish_result>&& done) {
  const auto found = parts_.find(target.transfer);
  if (found == parts_.end() || found->second->streaming() || found->second->opened)
    return done({not_open_error(), {}, false});
  const auto part = std::move(found->second);
  parts_.erase(found);

  publish_batch::entry e;
  auto values = part->file.finish_digests();
  if (values.expected != target.expected.hex) {
    ::unlinkat(part->in->fd.get(), part->file.name().c_str(), 0);
    return done({mismatch(target, values.expected), {}, false});
  }
  try {
    auto [folder_name, name] = split_destination(target.destination);
    e.in = folders_.open(folder_name);
    e.name = std::move(name);
  } catch (const failure& f) {
    return done({f.why(), {}, false});
  }
  if (!part->file.still_named(*e.in))
    return done({{errc::content_changed,
                  fmt::format("the part file {} was moved, removed or replaced by somebody else",
                              (e.in->where / part->file.name()).native()),
                  0},
                 {},
                 false});
  if (::fchmod(part->file.fd(), 0666 & ~current_umask()) != 0)
    return done({disk_error(errno, "publish " + e.name, *e.in), {}, false});

  e.size = part->file.position();
  e.sha256 = std::move(values.sha256);
  e.file.hidden_name = part->file.name();
  e.file.fd = part->file.release();
  e.is_part = true;
  e.target = std::move(target);
  e.done = std::move(done);
  add_to_batch(std::move(e));
}

// --- Parts ----------------------------------------------------------------------------------------------------------

void publisher::impl::open(part_request&& request, answer<part_opened>&& done) {
  const transfer_id id = request.transfer;
  if (parts_.count(id) != 0)
    return done({not_open_error(), true, request.from});
  std::shared_ptr<folder> in;
  std::optional<part_file> file;
  bool verify = false;
  try {
    in = folders_.open(request.folder.native());
    const auto algorithm = request.expected.algorithm;
    if (request.from.position > 0)
      file = part_file::reopen(*in, request.from, algorithm, request.record_sha256);
    verify = file.has_value();
    if (!verify)
      file = part_file::create(*in, request.from, algorithm, request.record_sha256);
  } catch (const failure& f) {
    return done({f.why(), true, request.from});
  }
  const std::uint64_t serial = ++last_serial_;
  auto part = std::make_unique<active_part>(serial, std::move(request), std::move(in), std::move(*file));
  part->opened = std::move(done);
  active_part& opened = *(parts_[id] = std::move(part));
  if (verify)
    verify_slice(id, serial);
  else
    answer_opened(opened);
}

void publisher::impl::verify_slice(transfer_id id, std::uint64_t serial) {
  active_part* part = find(id);
  if (part == nullptr || part->serial() != serial)
    return;
  switch (part->file.verify(slice_bytes)) {
  case part_file::verdict::unfinished:
    loop_->post([this, id, serial] { verify_slice(id, serial); });
    return;
  case part_file::verdict::broken:
    try {
      const auto& request = part->request;
      part->file = part_file::create(*part->in, request.from, request.expected.algorithm, request.record_sha256);
    } catch (const failure& f) {
      auto done = std::move(part->opened);
      const checkpoint from = part->request.from;
      parts_.erase(id);
      return done({f.why(), true, from});
    }
    break;
  case part_file::verdict::holds:
    break;
  }
  answer_opened(*part);
}

void publisher::impl::answer_opened(active_part& part) {
  auto done = std::exchange(part.opened, {});
  part_opened result;
  // Where the file cannot carry a mark, the caller records its inode number before it is published.
  result.marked = mark(*part.in, part.file.fd(), part.request.token) == 0;
  result.part = part.file.state();
  const std::int64_t total = part.request.total;
  const std::int64_t free = total == unknown_size ? unknown_size : part.in->free_bytes();
  if (free != unknown_size && total - part.file.position() > free) {
    result.why = disk_error(ENOSPC, "make room", *part.in, total - part.file.position());
    parts_.erase(part.request.transfer);
  }
  done(std::move(result));
}

void publisher::impl::receive(transfer_id id, std::int64_t offset, std::shared_ptr<body_pipe>&& pipe,
                              unique_function<void(checkpoint)>&& on_checkpoint, answer<part_written>&& done) {
  active_part* part = find(id);
  if (part == nullptr || part->opened || part->streaming() || offset > part->file.position()) {
    pipe->abandon();
    return done({not_open_error(), part != nullptr ? part->file.state() : checkpoint{}});
  }
  const std::uint64_t serial = ++last_serial_;
  part->begin(serial, offset, pipe, std::move(on_checkpoint), std::move(done), options_.clock());
  pipe->on_readable(
      [this, id, serial] { loop_->post([this, id, serial] { drain(id, serial, drain_cause::readable); }); });
}

void publisher::impl::drain(transfer_id id, std::uint64_t serial, drain_cause cause) {
  active_part* part = find(id);
  if (part == nullptr || !part->streaming() || part->serial() != serial)
    return;
  // The task that goes on with the backlog is queued already.
  if (cause == drain_cause::readable && part->has_backlog())
    return;
  error why;
  const auto drained = part->drain(slice_bytes, why);
  if (drained == active_part::drained::ended)
    return part->end(std::move(why));
  note_progress(*part);
  if (drained == active_part::drained::more)
    loop_->post([this, id, serial] { drain(id, serial, drain_cause::budget_used); });
}

void publisher::impl::interrupt(active_part& part) {
  if (part.opened)
    std::exchange(part.opened, {})({closed_part_error(), true, part.request.from});
  if (part.streaming())
    part.end(closed_part_error());
}

void publisher::impl::close(transfer_id id, answer<checkpoint>&& done) {
  const auto found = parts_.find(id);
  if (found == parts_.end())
    return done({});
  const auto part = std::move(found->second);
  parts_.erase(found);
  if (part->opened) {
    // Not verified, so nothing new is known about it.
    interrupt(*part);
    return done(part->request.from);
  }
  if (part->streaming()) {
    error ignored;
    part->drain(slice_bytes, ignored);
  }
  interrupt(*part);
  // If this fails, the hash will tell what is missing.
  part->file.sync();
  done(part->file.state());
}

void publisher::impl::discard(transfer_id id, const path& in, const std::string& part_name) {
  if (const auto found = parts_.find(id); found != parts_.end()) {
    const auto part = std::move(found->second);
    parts_.erase(found);
    interrupt(*part);
  }
  if (part_name.empty() || part_name.find('/') != std::string::npos)
    return;
  try {
    const auto where = folders_.open(in.native());
    ::unlinkat(where->fd.get(), part_name.c_str(), 0);
    ::unlinkat(where->fd.get(), temporary_name_for_part(part_name).c_str(), 0);
  } catch (const failure&) {
    // The folder is gone, and the part with it.
  }
}

// --- Preflight ------------------------------------------------------------------------------------------------------

std::optional<own_file> publisher::impl::look_for_own(const publish_target& target, const checkpoint& part,
                                                      const folder& in, const std::string& name) {
  const unsigned last = target.on_conflict == conflict_policy::rename ? last_number : 0;
  for (unsigned n = 0; n <= last; ++n) {
    const std::string numbered = numbered_name(name, n);
    if (auto own = own_file::find(in, numbered, target.token, part, target.record_sha256))
      return own;
    if (::faccessat(in.fd.get(), numbered.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0)
      break;
  }
  return std::nullopt;
}

error publisher::impl::check_free(const publish_target& target, const folder& in, const std::string& name) {
  if (::faccessat(in.fd.get(), ".", W_OK | X_OK, AT_EACCESS) != 0)
    return disk_error(errno, "write", in);
  struct stat existing {};
  if (::fstatat(in.fd.get(), name.c_str(), &existing, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? error{} : disk_error(errno, "look up " + name, in);
  if (target.on_conflict == conflict_policy::fail)
    return naming_error(EEXIST, target.destination, in);
  if (target.on_conflict == conflict_policy::overwrite && S_ISDIR(existing.st_mode))
    return naming_error(EISDIR, target.destination, in);
  return {};
}

publish_result publisher::impl::accept_own(own_file_check& check) {
  const folder& in = *check.in;
  if (check.target.durable == durability::power) {
    int failed = check.file.sync();
    if (failed == 0)
      failed = in.sync();
    if (failed != 0)
      return {disk_error(failed, "sync " + check.file.name(), in), {}, false};
  }
  for (const std::string* obsolete : {&check.part.part_name, &check.target.stale_part})
    if (!obsolete->empty())
      ::unlinkat(in.fd.get(), obsolete->c_str(), 0);
  return {{}, {in.where / check.file.name(), check.file.size(), check.file.sha256()}, false};
}

void publisher::impl::preflight(publish_target&& target, checkpoint&& part, answer<publish_result>&& done) {
  publish_result result;
  try {
    const auto [folder_name, name] = split_destination(target.destination);
    const auto in = folders_.open(folder_name);
    if (auto own = look_for_own(target, part, *in, name)) {
      auto check = std::make_shared<own_file_check>(
          own_file_check{std::move(target), std::move(part), in, std::move(*own), std::move(done)});
      return check_slice(std::move(check));
    }
    result.why = check_free(target, *in, name);
  } catch (const failure& f) {
    result.why = f.why();
  }
  done(std::move(result));
}

void publisher::impl::check_slice(std::shared_ptr<own_file_check> check) {
  publish_result result;
  switch (check->file.verify(slice_bytes)) {
  case own_file::verdict::unfinished:
    loop_->post([this, check] { check_slice(check); });
    return;
  case own_file::verdict::foreign:
    result.why = check_free(check->target, *check->in, check->file.name());
    break;
  case own_file::verdict::ours:
    result = accept_own(*check);
    break;
  }
  check->done(std::move(result));
}

// --- Turns ----------------------------------------------------------------------------------------------------------

publisher::impl::steady_time publisher::impl::due(const active_part& part) const {
  if (part.request.durable == durability::crash)
    return part.last_checkpoint() + options_.crash_checkpoint_interval;
  if (part.unsaved() >= options_.power_checkpoint_bytes)
    return part.last_checkpoint();
  return part.last_checkpoint() + options_.power_checkpoint_interval;
}

void publisher::impl::note_progress(const active_part& part) {
  if (part.unsaved() > 0)
    next_checkpoint_ = std::min(next_checkpoint_, due(part));
}

void publisher::impl::save_due_checkpoints(steady_time now) {
  if (now < next_checkpoint_)
    return;
  next_checkpoint_ = steady_time::max();
  for (auto& [id, part] : parts_) {
    if (!part->streaming())
      continue;
    if (part->unsaved() > 0 && due(*part) <= now)
      part->save_checkpoint(now);
    note_progress(*part);
  }
}

std::chrono::microseconds publisher::impl::end_of_turn(bool more) {
  const auto now = options_.clock();
  if (!crash_batch_.empty())
    crash_batch_.flush();
  // While a batch is being synced the next one gathers by itself, so that there is no need to wait for more.
  if (!power_batch_.empty() && (!more || power_batch_since_ + options_.linger <= now))
    power_batch_.flush();
  save_due_checkpoints(now);
  if (next_checkpoint_ == steady_time::max())
    return std::chrono::microseconds{0};
  return std::max(std::chrono::ceil<std::chrono::microseconds>(next_checkpoint_ - now), std::chrono::microseconds{1});
}

// --- The interface --------------------------------------------------------------------------------------------------

publisher::publisher(publisher_options options) : impl_(std::make_unique<impl>(std::move(options), *this)) {
  impl_->start();
}

publisher::~publisher() {
  stop();
}

task_loop& publisher::loop() noexcept {
  return impl_->loop();
}

void publisher::stop() {
  impl_->stop();
}

void publisher::publish_small(publish_target target, std::shared_ptr<const body_buffer> body,
                              answer<publish_result> done) {
  impl_->publish_small(std::move(target), *body, std::move(done));
}

void publisher::open_part(part_request request, answer<part_opened> done) {
  impl_->open(std::move(request), std::move(done));
}

void publisher::receive(transfer_id id, std::int64_t offset, std::shared_ptr<body_pipe> pipe,
                        unique_function<void(checkpoint)> on_checkpoint, answer<part_written> done) {
  impl_->receive(id, offset, std::move(pipe), std::move(on_checkpoint), std::move(done));
}

void publisher::publish_part(publish_target target, answer<publish_result> done) {
  impl_->publish_part(std::move(target), std::move(done));
}

void publisher::close_part(transfer_id id, answer<checkpoint> done) {
  impl_->close(id, std::move(done));
}

void publisher::discard_part(transfer_id id, path folder, std::string part_name, answer<error> done) {
  impl_->discard(id, folder, part_name);
  done({});
}

void publisher::preflight(publish_target target, checkpoint part, answer<publish_result> done) {
  impl_->preflight(std::move(target), std::move(part), std::move(done));
}

std::chrono::microseconds publisher::end_of_turn(bool more) {
  return impl_->end_of_turn(more);
}

std::string part_name_for(const std::string& ledger_id, transfer_id id) {
  return ".bellhop-" + ledger_id.substr(0, 8) + "-" + std::to_string(id.value) + ".part";
}

} // namespace bellhop
