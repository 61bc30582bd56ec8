#include "facade/session_impl.hpp"

#include <caf/send.hpp>

#include <utility>

namespace bellhop {

session::session(std::shared_ptr<impl> i) : impl_(std::move(i)) {}

const std::string& session::identifier() const noexcept {
  return impl_->identifier;
}

// -- delegates --------------------------------------------------------------------------------------------------------

void session::attach(std::shared_ptr<session_delegate> delegate, bool take_over) {
  auto fresh = std::make_shared<called_delegate>(impl_->system, std::move(delegate), impl_->handle);
  impl_->ask<void>(attach_atom_v, fresh->actor(), take_over).get();
  std::shared_ptr<called_delegate> old;
  {
    const std::lock_guard lock{impl_->mutex};
    old = std::exchange(impl_->attached, std::move(fresh));
  }
  // That another has taken over is on its way to it.
  if (old)
    old->end_after_what_was_said();
}

void session::detach() {
  impl_->detach();
}

void session::impl::detach() {
  std::shared_ptr<called_delegate> old;
  {
    const std::lock_guard lock{mutex};
    old = std::exchange(attached, nullptr);
  }
  if (!old)
    return;
  caf::anon_send(handle, detach_atom_v);
  old->end();
}

std::shared_ptr<void> session::watch(std::shared_ptr<session_delegate> delegate, event_number after) {
  auto fresh = std::make_shared<called_delegate>(impl_->system, std::move(delegate), session_actor{});
  impl_->ask<void>(watch_atom_v, fresh->actor(), after).get();
  const std::lock_guard lock{impl_->mutex};
  std::erase_if(impl_->watching, [](const auto& each) { return each.expired(); });
  impl_->watching.push_back(fresh);
  return fresh;
}

void session::impl::end() {
  detach();
  std::vector<std::weak_ptr<called_delegate>> others;
  {
    const std::lock_guard lock{mutex};
    others.swap(watching);
  }
  for (const auto& each : others)
    if (const auto alive = each.lock())
      alive->end();
}

// -- transfers --------------------------------------------------------------------------------------------------------

std::future<std::vector<submit_result>> session::submit(std::vector<transfer_request> requests) {
  return impl_->ask<std::vector<submit_result>>(submit_atom_v, std::move(requests));
}

std::future<void> session::suspend(std::vector<transfer_id> ids) {
  return impl_->ask<void>(suspend_atom_v, std::move(ids));
}

std::future<void> session::resume(std::vector<transfer_id> ids) {
  return impl_->ask<void>(resume_atom_v, std::move(ids));
}

std::future<void> session::cancel(std::vector<transfer_id> ids) {
  return impl_->ask<void>(cancel_atom_v, std::move(ids));
}

std::future<std::string> session::cancel_with_resume_data(transfer_id id) {
  return impl_->ask<std::string>(cancel_atom_v, id);
}

std::future<void> session::change(std::vector<transfer_id> ids, transfer_change what) {
  return impl_->ask<void>(change_atom_v, std::move(ids), std::move(what));
}

std::future<void> session::remove(std::vector<transfer_id> ids) {
  return impl_->ask<void>(remove_atom_v, std::move(ids));
}

std::future<transfer_record> session::find(transfer_id id) {
  return impl_->ask<transfer_record>(find_atom_v, id);
}

std::future<std::vector<transfer_record>> session::list(list_filter filter) {
  return impl_->ask<std::vector<transfer_record>>(list_atom_v, std::move(filter));
}

// -- the session ------------------------------------------------------------------------------------------------------

std::future<void> session::acknowledge(event_number upto) {
  return impl_->ask<void>(acknowledge_atom_v, upto);
}

std::future<session_counts> session::counts() {
  return impl_->ask<session_counts>(counts_atom_v);
}

std::future<session_status> session::status() {
  return impl_->ask<session_status>(status_atom_v);
}

std::future<std::vector<event>> session::events(event_number after, std::uint32_t limit) {
  return impl_->ask<std::vector<event>>(events_atom_v, after, limit);
}

std::future<void> session::pause() {
  return impl_->ask<void>(pause_atom_v, true);
}

std::future<void> session::go_on() {
  return impl_->ask<void>(pause_atom_v, false);
}

std::future<void> session::finish_and_invalidate() {
  return impl_->ask<void>(invalidate_atom_v, false);
}

std::future<void> session::invalidate_and_cancel() {
  return impl_->ask<void>(invalidate_atom_v, true);
}

} // namespace bellhop
