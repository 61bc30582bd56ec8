#pragma once

#include "core/admission.hpp"
#include "core/body_pipe.hpp"
#include "core/buffer_pool.hpp"
#include "core/configuration.hpp"
#include "core/metrics.hpp"
#include "core/response.hpp"
#include "core/task_loop.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bellhop {

/// One GET on the wire.
struct http_request {
  attempt_id id;
  transfer_id transfer;
  std::string session;
  double priority = 0.5;
  std::string url;
  std::vector<header> headers;
  /// First byte wanted; 0 sends no Range. When greater, `if_range` may hold a validator.
  std::int64_t range_from = 0;
  std::string if_range;
  /// Reported progress counts from here (bytes on disk before this attempt).
  std::int64_t base = 0;
  std::uint32_t max_active = 32;
  std::uint32_t max_per_host = 6;
  std::chrono::milliseconds request_timeout{60000};
  std::chrono::milliseconds connect_timeout{30000};
  std::uint32_t max_redirects = 20;
  bool allow_downgrade = false;
  std::string user_agent;
  path ca_file;
  std::int64_t max_size = 0;
  /// Announce every 2xx response before its body (a resume); otherwise small bodies arrive with `on_done` alone.
  bool announce = false;
  /// Treat the body of any status like that of a 2xx; otherwise an error's body is cut to 4 KiB.
  bool stream_errors = false;
};

/// What the client tells; called on its thread. Nothing is called for an attempt after its `on_done` or after
/// `cancel` returned.
class http_observer {
public:
  virtual ~http_observer() = default;
  /// A 2xx response whose body will not be gathered in memory. The client reads on into its own bounded buffer until
  /// `accept` or `cancel` is called for the attempt.
  virtual void on_response(const http_request&, const response_head&) = 0;
  /// The attempt is over. If a pipe was accepted, it was closed with the same error just before.
  virtual void on_done(const http_request&, attempt_result) = 0;
  /// At most ten times a second: what moved since the last time, for all sessions.
  virtual void on_progress(const std::vector<std::pair<std::string, progress>>&) = 0;
};

struct http_client_options {
  engine_limits limits;
  /// Bodies up to this many bytes are gathered in memory.
  std::size_t small_body = 128 * 1024;
  /// All bytes that wait for the disk, over all transfers; beyond it connections are paused.
  std::size_t total_capacity = 24 * 1024 * 1024;
  /// Where buffers for pipes are taken from; a consumer that gives them back there saves most of what they cost.
  std::shared_ptr<buffer_pool> buffers = std::make_shared<buffer_pool>(16 * 1024 * 1024);
  /// Attempts, bytes and slots are counted there; may be null.
  std::shared_ptr<engine_metrics> metrics;
};

/// All of HTTP: one thread, one curl multi handle, epoll. Bounds what is on the wire for each host, each session and
/// in all (core/admission.hpp); what exceeds a bound waits here in memory.
///
/// Threads: the constructor, `post` and `stop` from any; `start`, `accept`, `cancel`, `set_limits` only on the client's
/// own thread, that is from a posted task or from the observer's calls. No exception passes through curl.
class http_client : public executor {
public:
  http_client(http_client_options, http_observer&);
  ~http_client() override;

  void post(task) override;

  void start(http_request);
  /// Streams an announced response into `pipe`. The client sets the pipe's `on_writable`; the consumer must have set
  /// `on_readable` before this call.
  void accept(attempt_id, std::shared_ptr<body_pipe> pipe);
  /// Ends an attempt silently; an accepted pipe is closed with `errc::shutting_down`. Unknown ids are ignored.
  void cancel(attempt_id);
  /// New limits, at once; what is on the wire beyond them ends by itself.
  void set_limits(const engine_limits&);

  /// Works off posted tasks, cancels all that runs and joins the thread. Idempotent; not from the client's own thread.
  void stop();

  /// How often the loop woke up, from any thread: a loop that has nothing to do does not turn.
  std::uint64_t turns() const noexcept;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace bellhop
