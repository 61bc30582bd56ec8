#include "core/publisher.hpp"

#include "core/active_part.hpp"
#include "core/destination_check.hpp"
#include "core/folder.hpp"
#include "core/part_file.hpp"
#include "core/prepared_file.hpp"
#include "core/publish_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <unordered_map>
#include <utility>

#include <unistd.h>

namespace bellhop {

namespace {

/// Bytes that one task may read or write before the others get their turn.
constexpr std::int64_t slice_bytes = 4 * 1024 * 1024;

error closed_part_error() {
  return {errc::shutting_down, "the part file was closed", 0};
}

/// Waiting for room helps only where there can be enough.
error check_room(const active_part& part) {
  const std::int64_t total = part.request.total;
  if (total == unknown_size)
    return {};
  const std::int64_t capacity = part.in->total_bytes();
  if (capacity != unknown_size && total > capacity)
    return {errc::too_large,
            fmt::format("the body has {} bytes, and the whole file system of {} only {}: choose another", total,
                        part.in->where.native(), capacity)};
  const std::int64_t free = part.in->free_bytes();
  const std::int64_t needed = total - part.file.position();
  return free != unknown_size && needed > free ? disk_error(ENOSPC, "make room", *part.in, needed) : error{};
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

  void publish_small(publish_target&& target, const body_buffer& body, answer<publish_result>&& done) {
    publish(prepare_small(folders_, std::move(target), body), std::move(done));
  }
  void open(part_request&&, answer<part_opened>&&);
  void receive(transfer_id, std::int64_t offset, std::shared_ptr<body_pipe>&&, unique_function<void(checkpoint)>&&,
               answer<part_written>&&);
  void publish_part(publish_target&&, answer<publish_result>&&);
  void close(transfer_id, answer<checkpoint>&&);
  void discard(transfer_id, const path& in, const std::string& part_name);
  void preflight(publish_target&&, checkpoint&&, answer<publish_result>&&);
  std::chrono::microseconds end_of_turn(bool more);

private:
  active_part* find(transfer_id);
  void publish(prepared_file&&, answer<publish_result>&&);
  void add_to_batch(publish_batch::entry&&);
  void verify_slice(transfer_id, std::uint64_t serial);
  void answer_opened(active_part&);
  enum class drain_cause { readable, budget_used };
  void drain(transfer_id, std::uint64_t serial, drain_cause);
  void interrupt(active_part&);
  void check_slice(const std::shared_ptr<destination_check>&, const std::shared_ptr<answer<publish_result>>& done);
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

void publisher::impl::publish(prepared_file&& file, answer<publish_result>&& done) {
  if (auto* refused = std::get_if<publish_result>(&file))
    return done(std::move(*refused));
  auto& entry = std::get<publish_batch::entry>(file);
  entry.done = std::move(done);
  add_to_batch(std::move(entry));
}

void publisher::impl::publish_part(publish_target&& target, answer<publish_result>&& done) {
  const auto found = parts_.find(target.transfer);
  if (found == parts_.end() || found->second->streaming() || found->second->opened)
    return done({not_open_error(), {}, false});
  const auto part = std::move(found->second);
  parts_.erase(found);
  publish(prepare_part(folders_, std::move(target), *part->in, part->file), std::move(done));
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
  result.why = check_room(part);
  if (result.why)
    parts_.erase(part.request.transfer);
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

void publisher::impl::preflight(publish_target&& target, checkpoint&& part, answer<publish_result>&& done) {
  std::shared_ptr<destination_check> check;
  try {
    auto in = folders_.open(split_destination(target.destination).folder);
    check = std::make_shared<destination_check>(std::move(target), std::move(part), std::move(in));
  } catch (const failure& f) {
    return done({f.why(), {}, false});
  }
  check_slice(check, std::make_shared<answer<publish_result>>(std::move(done)));
}

void publisher::impl::check_slice(const std::shared_ptr<destination_check>& check,
                                  const std::shared_ptr<answer<publish_result>>& done) {
  if (auto result = check->go_on(slice_bytes))
    return (*done)(std::move(*result));
  loop_->post([this, check, done] { check_slice(check, done); });
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
