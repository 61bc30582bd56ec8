#include "core/active_part.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace bellhop {

active_part::active_part(std::uint64_t serial, part_request r, std::shared_ptr<folder> f, part_file p)
    : file(std::move(p)), request(std::move(r)), in(std::move(f)), serial_(serial) {}

void active_part::begin(std::uint64_t serial, std::int64_t offset, std::shared_ptr<body_pipe> pipe,
                        unique_function<void(checkpoint)> on_checkpoint, publisher::answer<part_written> done,
                        steady_time now) {
  serial_ = serial;
  pipe_ = std::move(pipe);
  backlog_ = {};
  next_ = 0;
  cursor_ = offset;
  on_checkpoint_ = std::move(on_checkpoint);
  done_ = std::move(done);
  saved_ = file.position();
  last_checkpoint_ = now;
}

error active_part::disk_failure(int error_number) const {
  const bool known = file.total() != unknown_size;
  return disk_error(error_number, "write the part file " + file.name(), *in,
                    known ? file.total() - file.position() : unknown_size);
}

error active_part::store(const body_buffer& buffer) {
  std::span<const char> bytes{buffer};
  const auto behind = std::clamp<std::int64_t>(file.position() - cursor_, 0, static_cast<std::int64_t>(bytes.size()));
  if (behind > 0) {
    const auto repeated = bytes.first(static_cast<std::size_t>(behind));
    const auto [equal, error_number] = file.compare(cursor_, repeated);
    if (error_number != 0)
      return disk_failure(error_number);
    if (!equal)
      return {errc::content_changed,
              fmt::format("the overlap differs: the {} bytes from byte {} on are not those received before", behind,
                          cursor_),
              0};
    cursor_ += behind;
    bytes = bytes.subspan(repeated.size());
  }
  if (file.total() != unknown_size && file.position() + static_cast<std::int64_t>(bytes.size()) > file.total())
    return {errc::long_body, fmt::format("the body is longer than the announced {} bytes", file.total()), 0};
  const int failed = file.append(bytes);
  if (failed != 0)
    return disk_failure(failed);
  cursor_ += static_cast<std::int64_t>(bytes.size());
  return {};
}

error active_part::check_length() const {
  if (cursor_ < file.position())
    return {errc::content_changed,
            fmt::format("the body ended within the overlap, at byte {} of {}", cursor_, file.position()), 0};
  if (file.total() != unknown_size && file.position() < file.total())
    return {errc::short_body, fmt::format("the body ended at byte {} of {}", file.position(), file.total()), 0};
  return {};
}

active_part::drained active_part::drain(std::int64_t budget, error& why) {
  while (budget > 0) {
    if (!has_backlog()) {
      if (!backlog_.closed) {
        backlog_ = pipe_->take();
        next_ = 0;
      }
      if (!has_backlog()) {
        if (!backlog_.closed)
          return drained::waiting;
        why = backlog_.why ? std::move(backlog_.why) : check_length();
        return drained::ended;
      }
    }
    body_buffer buffer = std::move(backlog_.buffers[next_++]);
    why = store(buffer);
    if (why)
      return drained::ended;
    budget -= static_cast<std::int64_t>(buffer.size());
    pipe_->give_back(std::move(buffer));
  }
  return drained::more;
}

void active_part::end(error why) {
  // What is recorded of an unfinished part in power mode must be on the disk.
  if (why && request.durable == durability::power && unsaved() > 0)
    file.sync();
  saved_ = file.position();
  const auto pipe = std::exchange(pipe_, nullptr);
  backlog_ = {};
  pipe->abandon();
  on_checkpoint_ = {};
  auto done = std::exchange(done_, {});
  done({std::move(why), file.state()});
}

void active_part::save_checkpoint(steady_time now) {
  last_checkpoint_ = now;
  if (request.durable == durability::power && file.sync() != 0)
    return;
  saved_ = file.position();
  on_checkpoint_(file.state());
}

} // namespace bellhop
