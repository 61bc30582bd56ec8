#include "actors/ledger.hpp"

#include "actors/errors.hpp"
#include "actors/settle.hpp"

#include <caf/result.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

namespace bellhop {

namespace {

/// A pause up to this long is slept through, since waking by the system's clock costs more than it.
constexpr std::chrono::milliseconds longest_nap{10};

/// Requests of a source in memory at once.
constexpr std::size_t most_of_source = 1000;

} // namespace

// -- answering ------------------------------------------------------------------------------------------------------

template <class T>
caf::result<T> ledger_role::answer(std::function<T(ledger&)> read) {
  try {
    return read(commits_->db());
  } catch (const failure& f) {
    return to_caf(f.why());
  }
}

template <class T>
caf::result<T> ledger_role::answer_committed(std::function<T(ledger&)> change) {
  auto promise = self_->make_response_promise<T>();
  auto result = std::make_shared<std::optional<T>>();
  write([change = std::move(change), result](ledger& db) { *result = change(db); },
        [promise, result](const error& why) mutable {
          if (why)
            promise.deliver(to_caf(why));
          else
            promise.deliver(std::move(**result));
        },
        group_commit::loss::droppable);
  return promise;
}

template <>
caf::result<void> ledger_role::answer_committed(std::function<void(ledger&)> change) {
  return answer_done(std::move(change), group_commit::loss::droppable);
}

caf::result<void> ledger_role::answer_done(std::function<void(ledger&)> change, group_commit::loss loss) {
  write(
      std::move(change), [promise = self_->make_response_promise()](const error& why) mutable { settle(promise, why); },
      loss);
  return caf::delegated<void>{};
}

void ledger_role::write(std::function<void(ledger&)> apply, unique_function<void(const error&)> done,
                        group_commit::loss loss) {
  commits_->write(loss, std::move(apply), std::move(done));
  if (!end_is_coming_) {
    end_is_coming_ = true;
    self_->send(self_, commit_atom_v);
  }
}

void ledger_role::end_group() {
  end_is_coming_ = false;
  const auto pause = commits_->end_of_turn(false);
  deliver();
  if (pause <= pause.zero())
    return;
  end_is_coming_ = true;
  if (pause > longest_nap)
    return self_->delayed_send(self_, pause, commit_atom_v);
  std::this_thread::sleep_for(pause);
  self_->send(self_, commit_atom_v);
}

void ledger_role::event_written(const session_control_actor& session, event e) {
  auto i = std::find_if(outbox_.begin(), outbox_.end(), [&](const auto& batch) { return batch.first == session; });
  if (i == outbox_.end())
    i = outbox_.insert(outbox_.end(), {session, {}});
  i->second.push_back(std::move(e));
}

void ledger_role::deliver() {
  for (auto& [session, batch] : std::exchange(outbox_, {}))
    self_->send(session, events_atom_v, std::move(batch));
}

void ledger_role::tell_stalled(const error& why) {
  stalled_ = why;
  for (const auto& session : sessions_)
    self_->send(session, stalled_atom_v, why);
}

void ledger_role::introduce(const session_control_actor& session) {
  self_->monitor(session);
  sessions_.push_back(session);
  if (stalled_)
    self_->send(session, stalled_atom_v, stalled_);
}

// -- the messages ----------------------------------------------------------------------------------------------------

opened_session ledger_role::open(ledger& db, const std::string& identifier, const session_configuration& configuration,
                                 bool replace) {
  if (auto stored = db.find_session(identifier); stored && !replace)
    return open(db, std::move(*stored));
  return open(db, db.put_session(identifier, configuration, now_()));
}

opened_session ledger_role::open(ledger& db, session_record record) {
  opened_session result;
  result.record = std::move(record);
  const auto& identifier = result.record.identifier;
  const auto& configuration = result.record.configuration;
  db.require(configuration.durable);
  if (configuration.keep_finished.count() > 0)
    result.obsolete = db.prune(identifier, now_() - configuration.keep_finished).parts;
  result.counts = db.counts(identifier);
  result.ledger_id = db.id();
  result.last_recovered = last_recovered_;
  return result;
}

transfer_range ledger_role::submit(ledger& db, const std::string& session, request_source& source) {
  transfer_range added;
  for (auto some = source.next(most_of_source); !some.empty(); some = source.next(most_of_source)) {
    const auto ids = db.submit(session, some, now_());
    if (added.count == 0)
      added.first = ids.front();
    added.count += ids.size();
  }
  return added;
}

/// A source may fail when a part of it is added already, and then nothing of it may stay. So it is alone in its
/// transaction: the group before it is ended, and a failure takes back what is in the new one.
caf::result<transfer_range> ledger_role::submit_alone(const std::string& session, const source_ptr& source) {
  commits_->flush();
  deliver();
  return answer_committed<transfer_range>([this, session, source](ledger& db) {
    try {
      return submit(db, session, *source);
    } catch (...) {
      db.rollback();
      db.begin();
      throw;
    }
  });
}

caf::result<bool> ledger_role::cancel(transfer_id id, bool keep, const session_control_actor& session) {
  auto promise = self_->make_response_promise<bool>();
  auto written = std::make_shared<std::optional<event>>();
  write(
      [this, id, keep, written](ledger& db) {
        outcome how;
        how.type = event_type::cancelled;
        if (const auto row = db.find(id)) {
          how.received = row->received;
          how.total = row->total;
          how.attempts = row->attempts;
          if (keep)
            how.part = row->part;
        }
        *written = db.finish(id, how, now_());
      },
      [this, written, session, promise](const error& why) mutable {
        if (why) {
          promise.deliver(to_caf(why));
          return;
        }
        const bool ended_now = written->has_value();
        if (ended_now)
          event_written(session, std::move(**written));
        promise.deliver(ended_now);
      },
      group_commit::loss::droppable);
  return promise;
}

ledger_actor::behavior_type ledger_role::make_behavior(ledger_setting& setting) {
  now_ = std::move(setting.now);
  lock_ = std::move(setting.lock);
  last_recovered_ = setting.database->last_transfer();
  commits_ = std::make_unique<group_commit>(std::move(setting.database), setting.commits, std::move(setting.steady),
                                            [this](const error& why) { tell_stalled(why); });
  self_->set_down_handler([this](const caf::down_msg& down) {
    std::erase_if(sessions_, [&](const auto& session) { return session.address() == down.source; });
  });
  return {
      [this](open_atom, const std::string& identifier, const session_configuration& configuration, bool replace) {
        return answer_committed<opened_session>(
            [=, this](ledger& db) { return open(db, identifier, configuration, replace); });
      },
      [this](open_atom, const std::string& identifier) {
        return answer_committed<opened_session>([=, this](ledger& db) {
          auto stored = db.find_session(identifier);
          if (!stored)
            throw failure{errc::unknown_session, "there is no session \"" + identifier + "\""};
          return open(db, std::move(*stored));
        });
      },
      [this](sessions_atom) {
        return answer<std::vector<session_summary>>([](ledger& db) {
          std::vector<session_summary> result;
          for (auto& record : db.sessions()) {
            auto counts = db.counts(record.identifier);
            result.push_back({std::move(record), counts});
          }
          return result;
        });
      },
      [this](submit_atom, const std::string& session, std::vector<transfer_request>& requests) {
        return answer_committed<std::vector<transfer_id>>(
            [this, session, requests = std::make_shared<std::vector<transfer_request>>(std::move(requests))](
                ledger& db) { return db.submit(session, *requests, now_()); });
      },
      [this](submit_atom, const std::string& session, const source_ptr& source) {
        return submit_alone(session, source);
      },
      [this](change_atom, transfer_id id, const transfer_change& change) {
        return answer_committed<bool>([=](ledger& db) { return db.change(id, change); });
      },
      [this](phase_atom, const std::string& session, session_phase phase) {
        return answer_committed<void>([=](ledger& db) { db.set_phase(session, phase); });
      },
      [this](pause_atom, const std::string& session, bool paused) {
        return answer_committed<void>([=](ledger& db) { db.set_paused(session, paused); });
      },
      [this](remove_atom, const std::string& session) {
        return answer_committed<void>([=](ledger& db) { db.remove_session(session); });
      },
      [this](ready_atom, const std::string& session, const queue_position& after, std::uint32_t limit) {
        // What is not committed yet must not run: it might come to nothing.
        commits_->flush();
        deliver();
        return answer<ready_batch>([&](ledger& db) {
          ready_batch batch;
          const auto now = now_();
          batch.records = db.next_ready(session, after, limit, now);
          batch.next_due = db.next_due(session, now).value_or(time_point{});
          return batch;
        });
      },
      [this](record_atom, transfer_id id, const checkpoint& part) {
        return answer_done([id, part](ledger& db) { db.save_checkpoint(id, part); }, group_commit::loss::kept);
      },
      [this](checkpoint_atom, transfer_id id, const checkpoint& part) {
        // The next one makes up for one that is lost; while the disk is full they must not pile up.
        write([id, part](ledger& db) { db.save_checkpoint(id, part); }, {}, group_commit::loss::droppable);
      },
      [this](waiting_atom, const transfer_record& record, const session_control_actor& session) {
        write([record](ledger& db) { db.save_waiting(record); },
              [this, id = record.id, until = record.retry_at, session](const error&) {
                self_->send(session, waiting_atom_v, id, until);
              },
              group_commit::loss::kept);
      },
      [this](finish_atom, transfer_id id, const outcome& how, const session_control_actor& session) {
        auto written = std::make_shared<std::optional<event>>();
        write([this, id, how, written](ledger& db) { *written = db.finish(id, how, now_()); },
              [this, id, written, session](const error&) {
                if (*written)
                  event_written(session, std::move(**written));
                else // It had ended before, or was removed: the session need not wait for it.
                  self_->send(session, released_atom_v, id);
              },
              group_commit::loss::kept);
      },
      [this](stalled_atom, const session_control_actor& session) { introduce(session); },
      [this](cancel_atom, transfer_id id, bool keep, const session_control_actor& session) {
        return cancel(id, keep, session);
      },
      [this](suspend_atom, transfer_id id, bool suspended) {
        return answer_committed<bool>([=](ledger& db) { return db.set_suspended(id, suspended); });
      },
      [this](remove_atom, transfer_id id) { return answer_committed<void>([=](ledger& db) { db.remove(id); }); },
      [this](acknowledge_atom, const std::string& session, event_number upto) {
        return answer_committed<void>([=](ledger& db) { db.acknowledge(session, upto); });
      },
      [this](find_atom, transfer_id id) {
        return answer<transfer_record>([id](ledger& db) {
          auto found = db.find(id);
          if (!found)
            throw failure{errc::unknown_transfer, "there is no transfer " + std::to_string(id.value)};
          return std::move(*found);
        });
      },
      [this](list_atom, const list_filter& filter) {
        return answer<std::vector<transfer_record>>([&](ledger& db) { return db.list(filter); });
      },
      [this](counts_atom, const std::string& session) {
        return answer<session_counts>([&](ledger& db) { return db.counts(session); });
      },
      [this](events_atom, const std::string& session, event_number after, std::uint32_t limit) {
        // An event that is not committed has not happened.
        commits_->flush();
        deliver();
        return answer<std::vector<event>>([&](ledger& db) { return db.events(session, after, limit); });
      },
      [this](commit_atom) { end_group(); },
      [this](shutdown_atom) {
        commits_->flush();
        deliver();
      },
  };
}

ledger_actor::behavior_type ledger_behavior(ledger_actor::stateful_pointer<ledger_role> self,
                                            std::shared_ptr<ledger_setting> setting) {
  return self->state.make_behavior(*setting);
}

} // namespace bellhop
