#include "actors/transfer.hpp"

#include "actors/errors.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace bellhop {

namespace {

/// Bytes on their way to the disk for one transfer before its connection pauses.
constexpr std::size_t pipe_capacity = 4 * 1024 * 1024;

} // namespace

transfer_actor::behavior_type transfer_role::make_behavior(transfer_setting setting) {
  setting_ = std::move(setting);
  return {
      [this](start_atom, transfer_record& record, bool recovered) { start(std::move(record), recovered); },
      [this](open_atom, const session_configuration& configuration) {
        setting_.configuration = std::make_shared<const session_configuration>(configuration);
      },
      [this](response_atom, attempt_id attempt, const head_ptr& head) {
        step(machine::in::response{attempt, *head});
      },
      [this](done_atom, attempt_id attempt, const result_ptr& result) {
        step(machine::in::attempt_done{attempt, std::move(*result)});
      },
      [this](preflight_atom, const publish_result& result) {
        remember_folder(result);
        step(machine::in::preflighted{result});
      },
      [this](part_atom, const part_opened& opened) { step(machine::in::part_opened{opened}); },
      [this](checkpoint_atom, const checkpoint& part) {
        if (machine_)
          self_->send(setting_.with->ledger, checkpoint_atom_v, machine_->record().id, part);
      },
      [this](written_atom, const part_written& written) { step(machine::in::part_written{written}); },
      [this](published_atom, const publish_result& result) {
        remember_folder(result);
        step(machine::in::published{result});
      },
      [this](closed_atom, const checkpoint& part) { step(machine::in::part_closed{part}); },
      [this](discarded_atom) { step(machine::in::part_discarded{}); },
      [this](stop_atom, machine::stop_reason reason) { step(machine::in::stop{reason}); },
  };
}

void transfer_role::start(transfer_record&& record, bool recovered) {
  // A part that was taken over from another transfer keeps its name, so that there is one name to clean up.
  auto part = record.part ? record.part.part_name : part_name_for(setting_.ledger_id, record.id);
  machine::context context{setting_.configuration, std::move(part), recovered,
                           part_folder(record.request) == known_folder_};
  machine_.emplace(std::move(record), std::move(context));
  step(machine::in::begin{});
}

void transfer_role::remember_folder(const publish_result& result) {
  if (machine_)
    known_folder_ = result.why ? path{} : part_folder(machine_->record().request);
}

void transfer_role::step(machine::input in) {
  // After the end only an attempt's last words and a stop that crossed it can come.
  if (!machine_)
    return;
  const auto& with = *setting_.with;
  auto outputs = machine_->step(std::move(in), {with.now(), with.next_attempt(), with.jitter()});
  for (auto& output : outputs)
    std::visit([this](auto& what) { carry_out(what); }, output);
  if (machine_->ended())
    machine_.reset();
}

void transfer_role::carry_out(machine::out::preflight&) {
  self_->send(setting_.with->publisher, preflight_atom_v, target(), machine_->record().part, me());
}

void transfer_role::carry_out(machine::out::open_part&) {
  const auto& record = machine_->record();
  part_request request;
  request.transfer = record.id;
  request.folder = part_folder(record.request);
  request.from = record.part;
  request.durable = machine_->settings().durable;
  request.expected = record.request.expected;
  request.record_sha256 = record.request.record_sha256;
  request.token = token();
  request.total = record.part.total;
  self_->send(setting_.with->publisher, part_atom_v, std::move(request), me());
}

void transfer_role::carry_out(machine::out::start_attempt& out) {
  const auto& record = machine_->record();
  const auto& configuration = machine_->settings();
  http_request request;
  request.id = out.attempt;
  request.transfer = record.id;
  request.session = record.session;
  request.priority = record.request.priority;
  request.url = record.request.url;
  request.headers = configuration.headers;
  request.headers.insert(request.headers.end(), record.request.headers.begin(), record.request.headers.end());
  request.range_from = out.range.from;
  request.if_range = out.range.if_range;
  request.base = out.range.from;
  request.max_active = configuration.max_active;
  request.max_per_host = configuration.max_per_host;
  request.request_timeout = configuration.request_timeout;
  request.connect_timeout = configuration.connect_timeout;
  request.max_redirects = configuration.max_redirects;
  request.allow_downgrade = configuration.allow_downgrade;
  request.user_agent = configuration.user_agent;
  request.ca_file = configuration.ca_file;
  request.max_size = record.request.max_size;
  request.announce = out.announce;
  request.stream_errors = record.request.accept_error_responses;
  self_->send(setting_.with->network, start_atom_v, std::move(request), me(), setting_.session);
}

void transfer_role::carry_out(machine::out::cancel_attempt& out) {
  self_->send(setting_.with->network, cancel_atom_v, out.attempt);
}

void transfer_role::carry_out(machine::out::record_part&) {
  self_->request(setting_.with->ledger, caf::infinite, record_atom_v, machine_->record().id, machine_->record().part)
      .then([this] { step(machine::in::recorded{}); },
            // The ledger takes checkpoints until it can write; it refuses only when it is gone, and then so is
            // everything.
            [this](const caf::error& why) { self_->quit(why); });
}

void transfer_role::carry_out(machine::out::stream& out) {
  auto pipe = std::make_shared<body_pipe>(pipe_capacity);
  self_->send(setting_.with->publisher, receive_atom_v, machine_->record().id, out.offset, pipe, me());
  self_->send(setting_.with->network, accept_atom_v, out.attempt, pipe);
}

void transfer_role::carry_out(machine::out::store& out) {
  auto pipe = std::make_shared<body_pipe>(out.body->size() + 1);
  self_->send(setting_.with->publisher, receive_atom_v, machine_->record().id, std::int64_t{0}, pipe, me());
  pipe->push(body_buffer{*out.body});
  pipe->close({});
}

void transfer_role::carry_out(machine::out::publish_small& out) {
  self_->send(setting_.with->publisher, publish_atom_v, target(), body_ptr{std::move(out.body)}, me());
}

void transfer_role::carry_out(machine::out::publish_part&) {
  self_->send(setting_.with->publisher, publish_atom_v, target(), me());
}

void transfer_role::carry_out(machine::out::close_part&) {
  self_->send(setting_.with->publisher, close_atom_v, machine_->record().id, me());
}

void transfer_role::carry_out(machine::out::discard_part&) {
  self_->send(setting_.with->publisher, discard_atom_v, machine_->record().id,
              part_folder(machine_->record().request).string(), machine_->record().part.part_name, me());
}

void transfer_role::carry_out(machine::out::tell& out) {
  self_->send(setting_.session, notice_atom_v, std::move(out.news));
}

void transfer_role::carry_out(machine::out::finish& out) {
  self_->send(setting_.with->ledger, finish_atom_v, machine_->record().id, std::move(out.result), setting_.session);
}

void transfer_role::carry_out(machine::out::wait&) {
  if (const auto& metrics = setting_.with->metrics)
    metrics->waits.at(static_cast<std::size_t>(machine_->record().waiting_for)).add();
  self_->send(setting_.with->ledger, waiting_atom_v, machine_->record(), setting_.session);
}

void transfer_role::carry_out(machine::out::release&) {
  if (machine_->record().part)
    self_->send(setting_.with->ledger, checkpoint_atom_v, machine_->record().id, machine_->record().part);
  self_->send(setting_.session, released_atom_v, machine_->record().id);
}

publish_target transfer_role::target() const {
  const auto& record = machine_->record();
  publish_target result;
  result.transfer = record.id;
  result.destination = machine_->destination();
  result.on_conflict = record.request.on_conflict;
  result.durable = machine_->settings().durable;
  result.expected = record.request.expected;
  result.record_sha256 = record.request.record_sha256;
  result.token = token();
  result.stale_part = record.part.part_name;
  return result;
}

/// The mark of the published file.
std::string transfer_role::token() const {
  return setting_.ledger_id + ":" + std::to_string(machine_->record().id.value);
}

transfer_actor transfer_role::me() const {
  return caf::actor_cast<transfer_actor>(self_);
}

transfer_actor::behavior_type transfer_behavior(transfer_actor::stateful_pointer<transfer_role> self,
                                                transfer_setting setting) {
  return self->state.make_behavior(std::move(setting));
}

} // namespace bellhop
