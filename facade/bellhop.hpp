#pragma once

#include "core/configuration.hpp"
#include "core/engine_options.hpp"
#include "core/error.hpp"
#include "core/ledger.hpp"
#include "core/transfer.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

/// Bellhop in plain C++: an engine, its sessions, a delegate with virtual functions, futures. No actor is seen, and no
/// header of CAF is needed.
///
///     bellhop::engine engine;                                     // takes the state directory
///     auto session = engine.open_session("pictures");             // what it had goes on
///     session.attach(std::make_shared<my_delegate>());            // what was not acknowledged is delivered
///     session.submit({{.url = "https://example.org/cat.jpg", .destination = "/tmp/cat.jpg"}}).get();
///
/// Threads: every member of `engine` and `session` may be called from any thread. Errors: what is known at once is
/// thrown as `bellhop::failure`; what is known later is thrown by the future's `get`.
namespace bellhop {

/// Whoever owns a session's events; URLSessionDelegate. All calls come from one thread of the session's own, one at a
/// time. It may block: nothing but this session's deliveries waits for it. A call that throws counts as not dealt with:
/// its events stay unacknowledged, and the delegate is detached.
class session_delegate {
public:
  virtual ~session_delegate() = default;

  /// The next events, in order. Delivered at least once: those that were not acknowledged come again after a restart.
  /// When this returns they are acknowledged, unless `acknowledges_itself`.
  virtual void did_receive(const std::vector<event>&) = 0;
  /// How far transfers are; at most ten times a second.
  virtual void did_progress(const std::vector<progress>&) {}
  /// Started, resumed, restarted, waiting.
  virtual void did_notice(const notice&) {}
  /// Nothing is left to do and every event was delivered: urlSessionDidFinishEvents(forBackgroundURLSession:).
  virtual void did_finish_events() {}
  /// The ledger cannot be written, for example on a full disk: everything waits, nothing is lost. An empty error says
  /// that it goes on.
  /// So does an attached engine while its daemon cannot be reached.
  virtual void did_stall(const error&) {}
  /// Nothing more comes: another delegate has taken over, or (a program that is attached to the daemon) the session
  /// could not be attached again.
  virtual void did_detach(const error&) {}
  /// The session is gone, as it was told; without an error unless something went wrong. The last call.
  virtual void did_become_invalid(const error&) {}

  /// True: events stay until `session::acknowledge`.
  virtual bool acknowledges_itself() const { return false; }
};

/// A session of an engine. Copies are handles to the same one. Must not be used after its engine is gone.
class session {
public:
  const std::string& identifier() const noexcept;

  /// Delivers events to the delegate from now on, beginning with the first that was not acknowledged. Throws
  /// `session_in_use` if another one is attached, unless `take_over`.
  void attach(std::shared_ptr<session_delegate>, bool take_over = false);
  /// No delegate is called any more when this returns (from within a delegate's call: after that call). Transfers go
  /// on.
  void detach();

  /// Hands over transfers, any number in one call; the future is ready when they are committed. Each one is accepted
  /// (an id) or refused (an error) by itself.
  /// Attached: `connection_lost` when the daemon died before it could answer. They may or may not be recorded then:
  /// look
  /// (`list`) before they are handed over again.
  std::future<std::vector<submit_result>> submit(std::vector<transfer_request>);
  /// Takes these out of work; they keep what they have.
  std::future<void> suspend(std::vector<transfer_id>);
  /// Lets these run; a waiting one is tried at once.
  std::future<void> resume(std::vector<transfer_id>);
  /// Ends these, each with its event; one that has completed or failed before gives `wrong_state`.
  std::future<void> cancel(std::vector<transfer_id>);
  /// Ends one and keeps what it has: NSURLSession's cancelByProducingResumeData. The answer goes into
  /// `transfer_request::resume_data` of a new request, once; empty if there is nothing to go on with.
  std::future<std::string> cancel_with_resume_data(transfer_id);
  /// Changes what was asked of these, which must not have ended.
  std::future<void> change(std::vector<transfer_id>, transfer_change);
  /// Forgets these, which must have ended, with their events.
  std::future<void> remove(std::vector<transfer_id>);
  /// Everything up to here was dealt with.
  std::future<void> acknowledge(event_number);
  std::future<transfer_record> find(transfer_id);
  /// `filter.session` is set by this call.
  std::future<std::vector<transfer_record>> list(list_filter filter = {});
  std::future<session_counts> counts();
  std::future<session_status> status();
  /// The log after this event, at most so many.
  std::future<std::vector<event>> events(event_number after = {}, std::uint32_t limit = 1000);

  /// Tells this delegate too, without owning the events: every event after that number, in order, and news. Any number
  /// may watch. Ends with the last copy of what is returned.
  std::shared_ptr<void> watch(std::shared_ptr<session_delegate>, event_number after);

  /// Takes all transfers from the wire and starts none until `go_on`; outlives the program.
  std::future<void> pause();
  std::future<void> go_on();

  /// No more transfers are accepted; the session is forgotten when those it has have ended and every event was
  /// acknowledged. `did_become_invalid` is its last call. NSURLSession's finishTasksAndInvalidate.
  std::future<void> finish_and_invalidate();
  /// The same, and what has not ended is cancelled. NSURLSession's invalidateAndCancel.
  std::future<void> invalidate_and_cancel();

private:
  friend class engine;
  struct impl;
  explicit session(std::shared_ptr<impl>);
  std::shared_ptr<impl> impl_;
};

/// Which daemon an engine is attached to.
struct daemon_options {
  /// Empty: `default_socket()` (core/daemon.hpp).
  path socket;
  /// Start `bellhopd` if nobody listens there.
  bool start = true;
};

/// All of Bellhop in this process, or the way to the daemon: sessions of either behave the same. In this process it
/// owns the state directory, the ledger and the threads. Its destructor shuts down in order.
class engine {
public:
  /// Throws `failure`: `state_in_use` (with the pid of who holds the state directory), `ledger_unreadable`,
  /// `ledger_too_new`, `no_space`, `ledger_io`. Nothing runs until a session is opened.
  explicit engine(engine_options = {});
  /// Attached: transfers go on in `bellhopd` without this process. Throws `failure` (`daemon_unavailable`) when it
  /// cannot be reached or started. It may be restarted later: calls wait for it, and events go on where they were.
  explicit engine(const daemon_options&);
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Opens the session of this identifier, or creates it; its transfers go on. Throws `failure` for a bad identifier or
  /// configuration. A given configuration replaces the stored one, for transfers that become active later.
  session open_session(const std::string& identifier);
  session open_session(const std::string& identifier, const session_configuration&);

  /// The session of this identifier, which must exist: throws `unknown_session`.
  session find_session(const std::string& identifier);

  std::vector<session_summary> sessions();

  /// The app delegate: called soon, and on a thread of the engine's, for each session that has undelivered events or
  /// unfinished transfers from an earlier run, with a completion handler to call once when they were dealt with.
  void on_background_events(
      std::function<void(const std::string& identifier, std::function<void()> completion_handler)>);

  /// Stops in order: attempts end, parts are synced and kept, positions recorded. What has not stopped at the deadline
  /// is as after a crash: nothing is lost. Idempotent.
  void shutdown(std::chrono::milliseconds deadline = std::chrono::seconds{10});

private:
  struct impl;
  session open(const std::string& identifier, const session_configuration&, bool replace);
  std::unique_ptr<impl> impl_;
};

} // namespace bellhop
