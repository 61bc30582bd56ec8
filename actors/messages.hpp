#pragma once

#include "core/api_client.hpp"
#include "core/body_pipe.hpp"
#include "core/configuration.hpp"
#include "core/http_client.hpp"
#include "core/ledger.hpp"
#include "core/publisher.hpp"
#include "core/response.hpp"
#include "core/transfer.hpp"
#include "core/transfer_machine.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/none.hpp>
#include <caf/optional.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

/// How the values of core look to CAF: each is inspected field by field, so that it can cross a wire. A type that is
/// missing here would serialise to nothing without a word; tests/actors/messages_test.cpp holds every one to equality.
namespace bellhop {

/// CAF 0.17 would take a path for a range of paths, without end; so it travels as text.
template <class Inspector, class... Fields>
auto inspect_with_path(Inspector& f, const char* name, path& p, Fields&... fields) {
  auto text = p.string();
  auto load = [&]() -> caf::error {
    p = text;
    return caf::none;
  };
  return f(caf::meta::type_name(name), fields..., text, caf::meta::load_callback(load));
}

template <class Inspector, class Tag>
auto inspect(Inspector& f, strong_id<Tag>& x) {
  return f(x.value);
}

template <class Inspector>
auto inspect(Inspector& f, error& x) {
  return f(caf::meta::type_name("error"), x.code, x.message, x.status);
}

template <class Inspector>
auto inspect(Inspector& f, header& x) {
  return f(caf::meta::type_name("header"), x.name, x.value);
}

template <class Inspector>
auto inspect(Inspector& f, checksum& x) {
  return f(caf::meta::type_name("checksum"), x.algorithm, x.hex);
}

template <class Inspector>
auto inspect(Inspector& f, transfer_request& x) {
  return inspect_with_path(f, "transfer_request", x.destination, x.url, x.on_conflict, x.headers, x.expected,
                           x.priority, x.earliest_begin, x.suspended, x.name_from_server, x.accept_error_responses,
                           x.max_size, x.record_sha256, x.metadata, x.resume_data);
}

template <class Inspector>
auto inspect(Inspector& f, checkpoint& x) {
  return f(caf::meta::type_name("checkpoint"), x.part_name, x.inode, x.position, x.prefix_hash, x.total, x.etag,
           x.last_modified);
}

template <class Inspector>
auto inspect(Inspector& f, transfer_record& x) {
  return inspect_with_path(f, "transfer_record", x.published, x.id, x.session, x.request, x.state, x.waiting_for,
                           x.retry_at, x.attempts, x.failures, x.mismatches, x.part, x.last_error, x.submitted_at,
                           x.finished_at, x.received, x.total, x.sha256, x.resume_data);
}

template <class Inspector>
auto inspect(Inspector& f, event& x) {
  return inspect_with_path(f, "event", x.destination, x.seq, x.time, x.session, x.transfer, x.type, x.url, x.received,
                           x.why, x.sha256, x.metadata);
}

template <class Inspector>
auto inspect(Inspector& f, outcome& x) {
  return inspect_with_path(f, "outcome", x.published, x.type, x.received, x.total, x.why, x.sha256, x.attempts, x.part);
}

template <class Inspector>
auto inspect(Inspector& f, progress& x) {
  return f(caf::meta::type_name("progress"), x.transfer, x.received, x.total);
}

template <class Inspector>
auto inspect(Inspector& f, notice& x) {
  return f(caf::meta::type_name("notice"), x.transfer, x.type, x.name, x.received, x.total, x.waiting_for, x.retry_at,
           x.why);
}

template <class Inspector>
auto inspect(Inspector& f, retry_policy& x) {
  return f(caf::meta::type_name("retry_policy"), x.base, x.cap, x.longest_retry_after, x.max_attempts);
}

template <class Inspector>
auto inspect(Inspector& f, launch_command& x) {
  return inspect_with_path(f, "launch_command", x.working_directory, x.arguments, x.environment);
}

template <class Inspector>
auto inspect(Inspector& f, session_configuration& x) {
  return inspect_with_path(f, "session_configuration", x.ca_file, x.kind, x.durable, x.max_active, x.max_per_host,
                           x.request_timeout, x.connect_timeout, x.resource_timeout, x.max_redirects, x.allow_downgrade,
                           x.retry, x.headers, x.user_agent, x.keep_finished, x.launches_on_events, x.launch);
}

template <class Inspector>
auto inspect(Inspector& f, engine_limits& x) {
  return f(caf::meta::type_name("engine_limits"), x.max_active);
}

template <class Inspector>
auto inspect(Inspector& f, session_counts& x) {
  return f(caf::meta::type_name("session_counts"), x.suspended, x.queued, x.waiting, x.completed, x.failed, x.cancelled,
           x.unacknowledged_events);
}

template <class Inspector>
auto inspect(Inspector& f, launch_status& x) {
  return f(caf::meta::type_name("launch_status"), x.state, x.pid, x.failures, x.next_at, x.last_error);
}

template <class Inspector>
auto inspect(Inspector& f, session_status& x) {
  return f(caf::meta::type_name("session_status"), x.counts, x.active, x.acknowledged, x.last_event, x.phase, x.paused,
           x.attached, x.launch);
}

template <class Inspector>
auto inspect(Inspector& f, transfer_range& x) {
  return f(caf::meta::type_name("transfer_range"), x.first, x.count);
}

/// CAF 0.17 knows its own optional alone.
template <class Inspector>
auto inspect(Inspector& f, transfer_change& x) {
  const auto to = [](const auto& value) {
    using T = typename std::decay_t<decltype(value)>::value_type;
    return value ? caf::optional<T>{*value} : caf::optional<T>{};
  };
  auto priority = to(x.priority);
  auto begin = to(x.earliest_begin);
  auto headers = to(x.headers);
  auto size = to(x.max_size);
  auto load = [&]() -> caf::error {
    const auto from = [](const auto& value, auto& out) {
      out.reset();
      if (value)
        out = *value;
    };
    from(priority, x.priority);
    from(begin, x.earliest_begin);
    from(headers, x.headers);
    from(size, x.max_size);
    return caf::none;
  };
  return f(caf::meta::type_name("transfer_change"), priority, begin, headers, size, caf::meta::load_callback(load));
}

template <class Inspector>
auto inspect(Inspector& f, session_record& x) {
  return f(caf::meta::type_name("session_record"), x.identifier, x.configuration, x.created_at, x.acknowledged,
           x.last_event, x.phase, x.paused);
}

template <class Inspector>
auto inspect(Inspector& f, list_filter& x) {
  return f(caf::meta::type_name("list_filter"), x.session, x.states, x.after, x.limit);
}

template <class Inspector>
auto inspect(Inspector& f, queue_position& x) {
  return f(caf::meta::type_name("queue_position"), x.priority, x.id);
}

template <class Inspector>
auto inspect(Inspector& f, submit_result& x) {
  return f(caf::meta::type_name("submit_result"), x.id, x.why);
}

template <class Inspector>
auto inspect(Inspector& f, obsolete_part& x) {
  return inspect_with_path(f, "obsolete_part", x.folder, x.transfer, x.name);
}

/// A session as the ledger hands it to its actor.
struct opened_session {
  session_record record;
  session_counts counts;
  std::string ledger_id;
  /// Transfers up to this one were there before this engine was started.
  transfer_id last_recovered;
  /// Parts of transfers that were forgotten just now.
  std::vector<obsolete_part> obsolete;
  friend bool operator==(const opened_session&, const opened_session&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, opened_session& x) {
  return f(caf::meta::type_name("opened_session"), x.record, x.counts, x.ledger_id, x.last_recovered, x.obsolete);
}

/// The answer to "what may start now?".
struct ready_batch {
  std::vector<transfer_record> records;
  /// When there will be more by itself; the epoch when there will not.
  time_point next_due{};
  friend bool operator==(const ready_batch&, const ready_batch&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, ready_batch& x) {
  return f(caf::meta::type_name("ready_batch"), x.records, x.next_due);
}

template <class Inspector>
auto inspect(Inspector& f, session_summary& x) {
  return f(caf::meta::type_name("session_summary"), x.record, x.counts);
}

/// A session whose program is to be started.
struct launch_order {
  std::string identifier;
  launch_command command;
  friend bool operator==(const launch_order&, const launch_order&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, launch_order& x) {
  return f(caf::meta::type_name("launch_order"), x.identifier, x.command);
}

using source_ptr = std::shared_ptr<request_source>;
using pipe_ptr = std::shared_ptr<body_pipe>;
using body_ptr = std::shared_ptr<const body_buffer>;
using head_ptr = std::shared_ptr<const response_head>;
using result_ptr = std::shared_ptr<attempt_result>;
using stream_events_ptr = std::shared_ptr<const std::vector<stream_event>>;

} // namespace bellhop

// Between a transfer, the network and the publisher: threads of one process that share memory, never a wire.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::http_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::publish_target)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::publish_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::part_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::part_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::part_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::source_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::pipe_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::body_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::head_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::result_ptr)

// Between a program and its way to the daemon, which is one process too.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::api_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::api_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::api_stream)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bellhop::stream_events_ptr)
