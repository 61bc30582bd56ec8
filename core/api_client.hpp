#pragma once

#include "core/error.hpp"
#include "core/event_stream_parser.hpp"
#include "core/ids.hpp"
#include "core/transfer.hpp"
#include "core/unique_function.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bellhop {

/// One request to the daemon (docs/api.md).
struct api_request {
  std::string method = "GET";
  /// Path and query.
  std::string target;
  std::string body{};
  /// Of the body.
  std::string content_type = "application/json";
  /// Doing it twice is the same as once: it is sent again when its answer was lost.
  bool repeatable = true;
  /// Requests of one lane are sent one after another, in their order; those of different lanes side by side. Empty:
  /// after nothing.
  std::string lane{};
};

struct api_answer {
  /// None for a status below 400; else what the daemon says, or why there is no answer.
  error why;
  int status = 0;
  std::string body;
  /// It was sent before and that answer was lost: what this one finds done may have been done by it.
  bool repeated = false;
};

/// Names one stream of events; unique in a process.
using stream_id = strong_id<struct stream_tag>;

struct api_stream {
  stream_id id;
  /// Path and query.
  std::string target;
  /// Goes on after this event.
  event_number last_event;
};

/// Whoever reads a stream; called on the client's thread, and must not throw.
class api_stream_observer {
public:
  virtual ~api_stream_observer() = default;
  virtual void on_open(stream_id) = 0;
  /// Each event counts until it is `taken`.
  virtual void on_events(stream_id, std::vector<stream_event>) = 0;
  /// The last call. `daemon_unavailable`: the daemon is gone or was never there, so try again; anything else is what it
  /// says itself. Not called for a stream that was closed.
  virtual void on_end(stream_id, const error&) = 0;
};

struct api_client_options {
  path socket;
  /// Starts the daemon, when nobody listens; called on a thread of its own, one call at a time. Throws `failure`. None:
  /// it is waited for.
  std::function<void()> start{};
  /// How long a request waits for a daemon that is not there, from when it was made.
  std::chrono::milliseconds patience{std::chrono::seconds{60}};
  /// How long the daemon may take over an answer.
  std::chrono::milliseconds answer_timeout{std::chrono::minutes{2}};
  /// A page of a thousand transfers with the largest metadata.
  std::size_t longest_answer_bytes = 256 * 1024 * 1024;
  /// Events of one stream that were not taken yet; at more its connection is left alone.
  std::size_t stream_window = 1024;
};

/// The way to the daemon: HTTP over its Unix socket, on one thread that sleeps when nothing is to do.
///
/// While the daemon cannot be reached (it restarts), requests wait for it, with a pause of 50 ms that doubles to 2 s,
/// up to `patience`; then they fail with `daemon_unavailable`. So does one that the daemon turns away since it is
/// stopping or has too many connections. One that was sent and not answered is sent again if it is `repeatable`. If
/// not, it fails with `connection_lost`: nobody can know whether it was carried out.
///
/// Threads: all members any. Callbacks come on the client's thread, and after `stop` on the caller's.
class api_client {
public:
  using on_done = unique_function<void(api_answer)>;

  /// Throws `failure` (`invalid_argument`) for a path that no socket can have.
  explicit api_client(api_client_options);
  ~api_client();
  api_client(const api_client&) = delete;
  api_client& operator=(const api_client&) = delete;

  /// `done` is called once, come what may.
  void request(api_request, on_done done);

  /// Not tried again when it ends: its reader knows where to go on.
  void open(api_stream, std::shared_ptr<api_stream_observer>);
  /// So many more events of it were dealt with.
  void taken(stream_id, std::size_t events);
  /// Nothing is heard of it after what is under way.
  void close(stream_id);

  /// Fails what is pending and what comes later with `shutting_down`; joins the thread. Waits for a daemon that is
  /// being started. Idempotent; not from a callback.
  void stop();

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace bellhop
