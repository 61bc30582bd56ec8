#pragma once

#include "actors/messages.hpp"

#include <caf/atom.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>
#include <caf/unit.hpp>

#include <string>
#include <vector>

/// Every conversation in Bellhop. Read this first: each role is one typed actor, each line of prose is one message.
///
///     app_delegate --post--> notification_center --notification--> view_controller
///                                                                       |  open_session, attach
///     engine --opens--> session <---------------------------------------+
///                       |  ^  |
///          spawns one   |  |  +--- ledger (its own thread: the only writer of the database)
///          for each     v  |
///          active one   transfer ---- network (one thread: curl) ~~body_pipe~~> publisher (one thread: the disk)
///
/// Messages between session, transfer, ledger and engine roles can cross a wire. Those to and from network and
/// publisher share memory and never leave the process.
///
/// Errors in answers are caf::error of the category "bellhop" (actors/errors.hpp).

// The verbs. An atom has at most ten characters.
CAF_ADD_ATOM(bellhop, bellhop, open_atom, "open")
CAF_ADD_ATOM(bellhop, bellhop, sessions_atom, "sessions")
CAF_ADD_ATOM(bellhop, bellhop, delegate_atom, "delegate")
CAF_ADD_ATOM(bellhop, bellhop, shutdown_atom, "shutdown")
CAF_ADD_ATOM(bellhop, bellhop, attach_atom, "attach")
CAF_ADD_ATOM(bellhop, bellhop, detach_atom, "detach")
CAF_ADD_ATOM(bellhop, bellhop, submit_atom, "submit")
CAF_ADD_ATOM(bellhop, bellhop, suspend_atom, "suspend")
CAF_ADD_ATOM(bellhop, bellhop, resume_atom, "resume")
CAF_ADD_ATOM(bellhop, bellhop, cancel_atom, "cancel")
CAF_ADD_ATOM(bellhop, bellhop, remove_atom, "remove")
CAF_ADD_ATOM(bellhop, bellhop, acknowledge_atom, "ack")
CAF_ADD_ATOM(bellhop, bellhop, find_atom, "find")
CAF_ADD_ATOM(bellhop, bellhop, list_atom, "list")
CAF_ADD_ATOM(bellhop, bellhop, counts_atom, "counts")
CAF_ADD_ATOM(bellhop, bellhop, events_atom, "events")
CAF_ADD_ATOM(bellhop, bellhop, progress_atom, "progress")
CAF_ADD_ATOM(bellhop, bellhop, news_atom, "news")
CAF_ADD_ATOM(bellhop, bellhop, notice_atom, "notice")
CAF_ADD_ATOM(bellhop, bellhop, did_finish_atom, "did_finish")
CAF_ADD_ATOM(bellhop, bellhop, stalled_atom, "stalled")
CAF_ADD_ATOM(bellhop, bellhop, stop_atom, "stop")
CAF_ADD_ATOM(bellhop, bellhop, released_atom, "released")
CAF_ADD_ATOM(bellhop, bellhop, waiting_atom, "waiting")
CAF_ADD_ATOM(bellhop, bellhop, start_atom, "start")
CAF_ADD_ATOM(bellhop, bellhop, accept_atom, "accept")
CAF_ADD_ATOM(bellhop, bellhop, response_atom, "response")
CAF_ADD_ATOM(bellhop, bellhop, done_atom, "done")
CAF_ADD_ATOM(bellhop, bellhop, preflight_atom, "preflight")
CAF_ADD_ATOM(bellhop, bellhop, part_atom, "part")
CAF_ADD_ATOM(bellhop, bellhop, receive_atom, "receive")
CAF_ADD_ATOM(bellhop, bellhop, written_atom, "written")
CAF_ADD_ATOM(bellhop, bellhop, publish_atom, "publish")
CAF_ADD_ATOM(bellhop, bellhop, published_atom, "published")
CAF_ADD_ATOM(bellhop, bellhop, close_atom, "close")
CAF_ADD_ATOM(bellhop, bellhop, closed_atom, "closed")
CAF_ADD_ATOM(bellhop, bellhop, discard_atom, "discard")
CAF_ADD_ATOM(bellhop, bellhop, discarded_atom, "discarded")
CAF_ADD_ATOM(bellhop, bellhop, ready_atom, "ready")
CAF_ADD_ATOM(bellhop, bellhop, record_atom, "record")
CAF_ADD_ATOM(bellhop, bellhop, checkpoint_atom, "checkpoint")
CAF_ADD_ATOM(bellhop, bellhop, finish_atom, "finish")
CAF_ADD_ATOM(bellhop, bellhop, commit_atom, "commit")
CAF_ADD_ATOM(bellhop, bellhop, due_atom, "due")
CAF_ADD_ATOM(bellhop, bellhop, observe_atom, "observe")
CAF_ADD_ATOM(bellhop, bellhop, post_atom, "post")
CAF_ADD_ATOM(bellhop, bellhop, handle_atom, "handle")
CAF_ADD_ATOM(bellhop, bellhop, complete_atom, "complete")
CAF_ADD_ATOM(bellhop, bellhop, watch_atom, "watch")
CAF_ADD_ATOM(bellhop, bellhop, detached_atom, "detached")
CAF_ADD_ATOM(bellhop, bellhop, change_atom, "change")
CAF_ADD_ATOM(bellhop, bellhop, status_atom, "status")
CAF_ADD_ATOM(bellhop, bellhop, pause_atom, "pause")
CAF_ADD_ATOM(bellhop, bellhop, invalidate_atom, "invalidate")
CAF_ADD_ATOM(bellhop, bellhop, invalid_atom, "invalid")
CAF_ADD_ATOM(bellhop, bellhop, phase_atom, "phase")
CAF_ADD_ATOM(bellhop, bellhop, launch_atom, "launch")
CAF_ADD_ATOM(bellhop, bellhop, launched_atom, "launched")
CAF_ADD_ATOM(bellhop, bellhop, limits_atom, "limits")

namespace bellhop {

// ---------------------------------------------------------------------------------------------------------------------
// The program's side: the app delegate, the view controller and what they say to each other
// ---------------------------------------------------------------------------------------------------------------------

/// The completion handler that an app delegate is given: whoever holds it tells once that the program is done with the
/// session's events. More than once is the same as once.
using completion_handler_actor = caf::typed_actor<
    // All events were dealt with; the program may be put to rest.
    caf::reacts_to<complete_atom>>;

/// What a notification center carries: the name says what happened, as in NSNotificationCenter.
struct notification {
  std::string name;
  /// The session it is about.
  std::string identifier;
  completion_handler_actor handler;
  friend bool operator==(const notification&, const notification&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, notification& x) {
  return f(caf::meta::type_name("notification"), x.name, x.identifier, x.handler);
}

/// The notification that an app delegate posts when it was told that a background session has events.
inline constexpr const char* background_session_updated = "BackgroundSessionUpdated";

/// Whoever wants to hear of notifications.
using observer_actor = caf::typed_actor<
    // Something that was observed by name has happened.
    caf::reacts_to<notification>>;

/// Observers by name. Bounded: an observer that falls behind loses the oldest, which is counted.
using notification_center_actor = caf::typed_actor<
    // Tell the observer of every notification of this name from now on. An observer that ends is forgotten.
    caf::reacts_to<observe_atom, std::string, observer_actor>,
    // Tell all observers of its name. Kept for an observer that comes later if there is none now.
    caf::reacts_to<post_atom, notification>,
    // How many notifications were dropped, ever.
    caf::replies_to<counts_atom>::with<std::uint64_t>>;

/// application(_:handleEventsForBackgroundURLSession:completionHandler:)
using app_delegate_actor = caf::typed_actor<
    // The session of this identifier has events for the program; call the handler when they were dealt with.
    caf::reacts_to<handle_atom, std::string, completion_handler_actor>>;

/// Whoever owns a session's events: URLSessionDelegate.
using delegate_actor = caf::typed_actor<
    // The next events, in order, at least once. The answer says "dealt with, send more": one batch is under way at a
    // time.
    caf::replies_to<events_atom, std::vector<event>>::with<void>,
    // Transient news: how far active transfers are, and what befell them (started, resumed, restarted, waiting). The
    // answer asks for more; what happens meanwhile is coalesced, and dropped rather than queued without bound.
    caf::replies_to<news_atom, std::vector<progress>, std::vector<notice>>::with<void>,
    // Nothing is left to do and every event was delivered: urlSessionDidFinishEvents(forBackgroundURLSession:).
    caf::reacts_to<did_finish_atom, std::string>,
    // The ledger cannot be written (a full disk), or the daemon cannot be reached; nothing is lost, all waits. An
    // empty error says that it goes on.
    caf::reacts_to<stalled_atom, error>,
    // No more comes from this session: another delegate has taken over, or the session could not be attached again.
    caf::reacts_to<detached_atom, error>,
    // The session is gone, as it was told: URLSession:didBecomeInvalidWithError:. The last message about it.
    caf::reacts_to<invalid_atom, std::string, error>>;

/// Shows a session's transfers; opens its session lazily: when it is needed, or when a notification names it.
using view_controller_actor = observer_actor::extend_with<delegate_actor>;

// ---------------------------------------------------------------------------------------------------------------------
// The engine's side
// ---------------------------------------------------------------------------------------------------------------------

/// One session, as programs see it; the same in the engine's process and by way of the daemon.
using session_actor = caf::typed_actor<
    // Deliver events to this delegate from now on, beginning with the first one that was not acknowledged. With `true`
    // an attached one is replaced; otherwise `session_in_use`.
    caf::replies_to<attach_atom, delegate_actor, bool>::with<void>,
    // No more deliveries. The transfers go on.
    caf::reacts_to<detach_atom>,
    // Hands over transfers, any number; answered after they are committed. Each one is accepted or refused by itself.
    caf::replies_to<submit_atom, std::vector<transfer_request>>::with<std::vector<submit_result>>,
    // Takes these out of work, keeping what they have; answered when it is committed.
    caf::replies_to<suspend_atom, std::vector<transfer_id>>::with<void>,
    // Lets these run again; a waiting one is tried at once.
    caf::replies_to<resume_atom, std::vector<transfer_id>>::with<void>,
    // Ends these; each gets its `cancelled` event unless it has ended before.
    caf::replies_to<cancel_atom, std::vector<transfer_id>>::with<void>,
    // Ends one and keeps its part: cancelByProducingResumeData. Answers the resume data for a new request, empty if
    // there is nothing to go on with.
    caf::replies_to<cancel_atom, transfer_id>::with<std::string>,
    // Changes priority, begin date, headers or the size's limit of these, which must not have ended. An active one is
    // taken from the wire, changed, and goes on with what it has.
    caf::replies_to<change_atom, std::vector<transfer_id>, transfer_change>::with<void>,
    // Forgets these; they must have ended.
    caf::replies_to<remove_atom, std::vector<transfer_id>>::with<void>,
    // Everything up to here was dealt with and need not be delivered again; answered when it is committed.
    caf::replies_to<acknowledge_atom, event_number>::with<void>,
    // What is known about one transfer now.
    caf::replies_to<find_atom, transfer_id>::with<transfer_record>,
    // A page of transfers. An active one is found among the queued, and is `running` in the answer.
    caf::replies_to<list_atom, list_filter>::with<std::vector<transfer_record>>,
    // How many are in which state; active ones count as queued.
    caf::replies_to<counts_atom>::with<session_counts>,
    // What is known about the session now.
    caf::replies_to<status_atom>::with<session_status>,
    // The log after this event, at most so many.
    caf::replies_to<events_atom, event_number, std::uint32_t>::with<std::vector<event>>,
    // Tell this one too, until it ends: every event after that number, in order, and the news; a number beyond the last
    // means from now on. Any number may watch; none of them makes the session attached, and none holds up another.
    caf::replies_to<watch_atom, delegate_actor, event_number>::with<void>,
    // `true`: take all transfers from the wire and start none; `false`: go on. Stored; answered when it is so.
    caf::replies_to<pause_atom, bool>::with<void>,
    // No more transfers are accepted; when those it has have ended (`true`: they are cancelled) and every event was
    // acknowledged, the session is forgotten, the delegate is told `invalid`, and the actor ends. Suspended transfers
    // have not ended: with `false` the session stays until they are resumed or cancelled. Answered when it is recorded.
    // finishTasksAndInvalidate, invalidateAndCancel.
    caf::replies_to<invalidate_atom, bool>::with<void>>;

/// A session, as its transfers, the ledger, the network and the engine see it.
using session_control_actor = session_actor::extend<
    // From the ledger: terminal events of this session, committed, in order.
    caf::reacts_to<events_atom, std::vector<event>>,
    // From the ledger: this transfer has left for `waiting` until then; committed.
    caf::reacts_to<waiting_atom, transfer_id, time_point>,
    // From a transfer: it has stopped as it was told; its last checkpoint is on its way to the ledger.
    caf::reacts_to<released_atom, transfer_id>,
    // From a transfer, for the delegate.
    caf::reacts_to<notice_atom, notice>,
    // From the network, for the delegate.
    caf::reacts_to<progress_atom, std::vector<progress>>,
    // From itself: a begin date or retry time has come. The number drops those that are stale.
    caf::reacts_to<due_atom, std::uint64_t>,
    // From the ledger: it cannot write, or (empty) can again.
    caf::reacts_to<stalled_atom, error>,
    // From the engine: new settings, for transfers that become active later.
    caf::reacts_to<open_atom, session_configuration>,
    // From the gateway: hands over what does not fit into memory at once, in one transaction. All of it was checked.
    caf::replies_to<submit_atom, source_ptr>::with<transfer_range>,
    // From the launcher: what has become of the session's program.
    caf::reacts_to<launched_atom, launch_status>,
    // From the engine: stop all transfers in order, keep everything; answered when they have stopped.
    caf::replies_to<stop_atom>::with<void>>;

/// Starts a program again when its session has news and nobody is attached; one process at a time for each session, in
/// its own process group. Waits longer after each start in a row that did not end with the completion handler.
using launcher_actor = caf::typed_actor<
    // From a session: start its program, now or when the back-off allows, unless it runs already. Told what becomes of
    // it.
    caf::reacts_to<launch_atom, launch_order, session_control_actor>,
    // From a session: there is nothing (more) to tell its program, or somebody is attached. A running one is left
    // alone.
    caf::reacts_to<close_atom, std::string>,
    // From the engine: the session's program has called its completion handler. Ends the back-off.
    caf::reacts_to<complete_atom, std::string>>;

/// A launcher, as it talks to itself. The numbers drop what is stale.
using launcher_control_actor = launcher_actor::extend<
    // From the thread that starts programs: this start of the session's program has become this process.
    caf::reacts_to<start_atom, std::string, std::uint64_t, std::int32_t>,
    // From there: it has ended, or could not be started; this is how.
    caf::reacts_to<done_atom, std::string, std::uint64_t, error>,
    // From itself: the session's back-off may be over.
    caf::reacts_to<due_atom, std::string, std::uint64_t>>;

/// One active transfer after another: an actor that has ended one is given the next, since making an actor, watching it
/// and ending it costs more than all its messages. What it does is decided by machine::transfer_machine
/// (core/transfer_machine.hpp).
using transfer_actor = caf::typed_actor<
    // From the session: take this one on. The last one's end was committed. `true`: it may have been published by an
    // earlier engine that died before recording it.
    caf::reacts_to<start_atom, transfer_record, bool>,
    // From the session: new settings, for the transfers that come.
    caf::reacts_to<open_atom, session_configuration>,
    // From the network: a response whose body is too large for memory, or that was asked to be announced.
    caf::reacts_to<response_atom, attempt_id, head_ptr>,
    // From the network: the attempt is over.
    caf::reacts_to<done_atom, attempt_id, result_ptr>,
    // From the publisher: what is at the destination.
    caf::reacts_to<preflight_atom, publish_result>,
    // From the publisher: the part is open.
    caf::reacts_to<part_atom, part_opened>,
    // From the publisher: the part has grown to this; passed on to the ledger.
    caf::reacts_to<checkpoint_atom, checkpoint>,
    // From the publisher: the stream has ended; this is on disk.
    caf::reacts_to<written_atom, part_written>,
    // From the publisher: the file has its name, or why not.
    caf::reacts_to<published_atom, publish_result>,
    // From the publisher: the part is closed and kept.
    caf::reacts_to<closed_atom, checkpoint>,
    // From the publisher: the part is gone.
    caf::reacts_to<discarded_atom>,
    // From the session: end the transfer now; this is why. One that has just ended needs nothing.
    caf::reacts_to<stop_atom, machine::stop_reason>>;

/// HTTP: one thread, one curl multi handle. Bounds connections for each host, session and in all.
using network_actor = caf::typed_actor<
    // Begin an attempt for a transfer of a session, as soon as the bounds allow.
    caf::reacts_to<start_atom, http_request, transfer_actor, session_control_actor>,
    // Let an announced response flow.
    caf::reacts_to<accept_atom, attempt_id, pipe_ptr>,
    // End an attempt; nothing more is heard of it, and its pipe is closed.
    caf::reacts_to<cancel_atom, attempt_id>,
    // From the engine: new limits over all sessions.
    caf::reacts_to<limits_atom, engine_limits>>;

/// The disk: part files, verification, sync, names. One thread.
using publisher_actor = caf::typed_actor<
    // Is the name free, and was the file published already? -> preflight
    caf::reacts_to<preflight_atom, publish_target, checkpoint, transfer_actor>,
    // Create or verify a part. -> part
    caf::reacts_to<part_atom, part_request, transfer_actor>,
    // Append a stream that begins at this offset to the open part. -> checkpoint, now and then, and written
    caf::reacts_to<receive_atom, transfer_id, std::int64_t, pipe_ptr, transfer_actor>,
    // Publish a body that is in memory. -> published
    caf::reacts_to<publish_atom, publish_target, body_ptr, transfer_actor>,
    // Publish the open part. -> published
    caf::reacts_to<publish_atom, publish_target, transfer_actor>,
    // Close the part and keep it. -> closed
    caf::reacts_to<close_atom, transfer_id, transfer_actor>,
    // Remove a part, open or not. -> discarded
    caf::reacts_to<discard_atom, transfer_id, std::string, std::string, transfer_actor>,
    // Remove a part that no actor is concerned with any more: folder and name.
    caf::reacts_to<discard_atom, transfer_id, std::string, std::string>>;

/// The only writer of the database; detached, so that it may block. Commits in groups: everything that is in its
/// mailbox becomes one transaction, and is answered after the commit.
using ledger_actor = caf::typed_actor<
    // Opens or creates a session; with `true` the configuration replaces a stored one.
    caf::replies_to<open_atom, std::string, session_configuration, bool>::with<opened_session>,
    // Opens a session that exists.
    caf::replies_to<open_atom, std::string>::with<opened_session>,
    // All sessions.
    caf::replies_to<sessions_atom>::with<std::vector<session_summary>>,
    // Adds transfers, checked before.
    caf::replies_to<submit_atom, std::string, std::vector<transfer_request>>::with<std::vector<transfer_id>>,
    // The same for a source, which is read here, within one transaction of its own: it throws, and nothing of it is
    // added.
    caf::replies_to<submit_atom, std::string, source_ptr>::with<transfer_range>,
    // Changes what was asked of a transfer; false if it has ended.
    caf::replies_to<change_atom, transfer_id, transfer_change>::with<bool>,
    // What becomes of a session, and whether it is paused.
    caf::replies_to<phase_atom, std::string, session_phase>::with<void>,
    caf::replies_to<pause_atom, std::string, bool>::with<void>,
    // Forgets a session with all that it has.
    caf::replies_to<remove_atom, std::string>::with<void>,
    // The next rows that may start, after this place in the order of start, at most so many.
    caf::replies_to<ready_atom, std::string, queue_position, std::uint32_t>::with<ready_batch>,
    // A part is about to be created: answered when it is committed, so that no part is ever unknown.
    caf::replies_to<record_atom, transfer_id, checkpoint>::with<void>,
    // A part has grown. Not answered.
    caf::reacts_to<checkpoint_atom, transfer_id, checkpoint>,
    // A transfer goes to wait. The session is told when it is committed.
    caf::reacts_to<waiting_atom, transfer_record, session_control_actor>,
    // A transfer has ended. The session gets the event when it is committed. Never lost: tried again until it is.
    caf::reacts_to<finish_atom, transfer_id, outcome, session_control_actor>,
    // Ends a transfer that no actor is concerned with: false if it has ended before. The session gets the event.
    // `true` keeps its part for resume data.
    caf::replies_to<cancel_atom, transfer_id, bool, session_control_actor>::with<bool>,
    // suspended <-> queued.
    caf::replies_to<suspend_atom, transfer_id, bool>::with<bool>,
    // Forgets a transfer that has ended.
    caf::replies_to<remove_atom, transfer_id>::with<void>,
    // See session_actor.
    caf::replies_to<acknowledge_atom, std::string, event_number>::with<void>,
    caf::replies_to<find_atom, transfer_id>::with<transfer_record>,
    caf::replies_to<list_atom, list_filter>::with<std::vector<transfer_record>>,
    caf::replies_to<counts_atom, std::string>::with<session_counts>,
    // The log of a session after this event, at most so many.
    caf::replies_to<events_atom, std::string, event_number, std::uint32_t>::with<std::vector<event>>,
    // From a session, once: tell it when nothing can be written, and when it can again.
    caf::reacts_to<stalled_atom, session_control_actor>,
    // From itself: the end of a group.
    caf::reacts_to<commit_atom>,
    // Commit everything that came before; answered then. The last message of an ordered shutdown.
    caf::replies_to<shutdown_atom>::with<void>>;

/// The root: opens sessions, tells the app delegate of those that have news, shuts down in order.
using engine_actor = caf::typed_actor<
    // The session of this identifier; created if there is none. With `true` the configuration replaces a stored one.
    caf::replies_to<open_atom, std::string, session_configuration, bool>::with<session_actor>,
    // The session of this identifier, which must exist.
    caf::replies_to<find_atom, std::string>::with<session_actor>,
    // Lets all sessions of the state directory go on, without anybody having opened them. Answers how many there are.
    caf::replies_to<start_atom>::with<std::uint64_t>,
    // All sessions of the state directory.
    caf::replies_to<sessions_atom>::with<std::vector<session_summary>>,
    // The program's app delegate: told at once of every session that has undelivered events or unfinished transfers and
    // no delegate. Answers how many there were.
    caf::replies_to<delegate_atom, app_delegate_actor>::with<std::uint64_t>,
    // A completion handler was called for this session.
    caf::reacts_to<complete_atom, std::string>,
    // New limits over all sessions, at once.
    caf::reacts_to<limits_atom, engine_limits>,
    // Stop everything in order: transfers, ledger, publisher, network. Answered when it is done, at the latest after
    // the deadline; what had not stopped by then is as after a crash: nothing is lost.
    caf::replies_to<shutdown_atom, caf::timespan>::with<void>>;

/// The engine, as its sessions see it.
using engine_control_actor = engine_actor::extend<
    // From a session that was invalidated and has nothing left: whoever opens its identifier from now on waits until it
    // has ended, and then gets a new session. `false`: it could not be forgotten, and goes on.
    caf::replies_to<invalid_atom, std::string, bool>::with<void>>;

// ---------------------------------------------------------------------------------------------------------------------
// The way to the daemon, in a program that is attached to it: the engine and the sessions there are speak docs/api.md
// ---------------------------------------------------------------------------------------------------------------------

/// Reads a stream of events.
using stream_reader_actor = caf::typed_actor<
    // From the API: the stream is open.
    caf::reacts_to<ready_atom, stream_id>,
    // From the API: what has come. To be told to it with `accept`, since it lets only so many come.
    caf::reacts_to<events_atom, stream_id, stream_events_ptr>,
    // From the API: the stream has ended, or could not be opened. `daemon_unavailable`: try again.
    caf::reacts_to<closed_atom, stream_id, error>>;

/// The daemon's API (core/api_client.hpp): one thread that waits for a socket.
using api_actor = caf::typed_actor<
    // Asks the daemon; waits for it while it is restarted. Always answered: what the daemon refuses is an answer too.
    caf::replies_to<api_request>::with<api_answer>,
    // Opens a stream for this reader, which has one at a time. Closed when the reader ends.
    caf::reacts_to<open_atom, api_stream, stream_reader_actor>,
    // So many events of a stream were dealt with.
    caf::reacts_to<accept_atom, stream_id, std::uint64_t>,
    // Answers all that is pending with `shutting_down`, and ends all streams with it.
    caf::replies_to<stop_atom>::with<void>>;

} // namespace bellhop

CAF_BEGIN_TYPE_ID_BLOCK(bellhop, caf::first_custom_type_id)

// The values.
CAF_ADD_TYPE_ID(bellhop, (bellhop::transfer_id))
CAF_ADD_TYPE_ID(bellhop, (bellhop::event_number))
CAF_ADD_TYPE_ID(bellhop, (bellhop::time_point))
CAF_ADD_TYPE_ID(bellhop, (bellhop::attempt_id))
CAF_ADD_TYPE_ID(bellhop, (bellhop::error))
CAF_ADD_TYPE_ID(bellhop, (bellhop::transfer_request))
CAF_ADD_TYPE_ID(bellhop, (bellhop::checkpoint))
CAF_ADD_TYPE_ID(bellhop, (bellhop::transfer_record))
CAF_ADD_TYPE_ID(bellhop, (bellhop::event))
CAF_ADD_TYPE_ID(bellhop, (bellhop::outcome))
CAF_ADD_TYPE_ID(bellhop, (bellhop::progress))
CAF_ADD_TYPE_ID(bellhop, (bellhop::notice))
CAF_ADD_TYPE_ID(bellhop, (bellhop::session_configuration))
CAF_ADD_TYPE_ID(bellhop, (bellhop::session_counts))
CAF_ADD_TYPE_ID(bellhop, (bellhop::session_record))
CAF_ADD_TYPE_ID(bellhop, (bellhop::list_filter))
CAF_ADD_TYPE_ID(bellhop, (bellhop::queue_position))
CAF_ADD_TYPE_ID(bellhop, (bellhop::submit_result))
CAF_ADD_TYPE_ID(bellhop, (bellhop::opened_session))
CAF_ADD_TYPE_ID(bellhop, (bellhop::ready_batch))
CAF_ADD_TYPE_ID(bellhop, (bellhop::session_summary))
CAF_ADD_TYPE_ID(bellhop, (bellhop::session_status))
CAF_ADD_TYPE_ID(bellhop, (bellhop::session_phase))
CAF_ADD_TYPE_ID(bellhop, (bellhop::transfer_change))
CAF_ADD_TYPE_ID(bellhop, (bellhop::transfer_range))
CAF_ADD_TYPE_ID(bellhop, (bellhop::launch_order))
CAF_ADD_TYPE_ID(bellhop, (bellhop::launch_status))
CAF_ADD_TYPE_ID(bellhop, (bellhop::engine_limits))
CAF_ADD_TYPE_ID(bellhop, (bellhop::notification))
CAF_ADD_TYPE_ID(bellhop, (bellhop::machine::stop_reason))
CAF_ADD_TYPE_ID(bellhop, (std::vector<bellhop::transfer_id>))
CAF_ADD_TYPE_ID(bellhop, (std::vector<bellhop::transfer_request>))
CAF_ADD_TYPE_ID(bellhop, (std::vector<bellhop::transfer_record>))
CAF_ADD_TYPE_ID(bellhop, (std::vector<bellhop::event>))
CAF_ADD_TYPE_ID(bellhop, (std::vector<bellhop::progress>))
CAF_ADD_TYPE_ID(bellhop, (std::vector<bellhop::notice>))
CAF_ADD_TYPE_ID(bellhop, (std::vector<bellhop::submit_result>))
CAF_ADD_TYPE_ID(bellhop, (std::vector<bellhop::session_summary>))

// Shared memory between a transfer, the network and the publisher.
CAF_ADD_TYPE_ID(bellhop, (bellhop::http_request))
CAF_ADD_TYPE_ID(bellhop, (bellhop::publish_target))
CAF_ADD_TYPE_ID(bellhop, (bellhop::publish_result))
CAF_ADD_TYPE_ID(bellhop, (bellhop::part_request))
CAF_ADD_TYPE_ID(bellhop, (bellhop::part_opened))
CAF_ADD_TYPE_ID(bellhop, (bellhop::part_written))
CAF_ADD_TYPE_ID(bellhop, (bellhop::source_ptr))
CAF_ADD_TYPE_ID(bellhop, (bellhop::pipe_ptr))
CAF_ADD_TYPE_ID(bellhop, (bellhop::body_ptr))
CAF_ADD_TYPE_ID(bellhop, (bellhop::head_ptr))
CAF_ADD_TYPE_ID(bellhop, (bellhop::result_ptr))

// Between a program and its way to the daemon.
CAF_ADD_TYPE_ID(bellhop, (bellhop::api_request))
CAF_ADD_TYPE_ID(bellhop, (bellhop::api_answer))
CAF_ADD_TYPE_ID(bellhop, (bellhop::stream_id))
CAF_ADD_TYPE_ID(bellhop, (bellhop::api_stream))
CAF_ADD_TYPE_ID(bellhop, (bellhop::stream_events_ptr))

// The roles' handles, where a message carries one.
CAF_ADD_TYPE_ID(bellhop, (bellhop::session_actor))
CAF_ADD_TYPE_ID(bellhop, (bellhop::session_control_actor))
CAF_ADD_TYPE_ID(bellhop, (bellhop::transfer_actor))
CAF_ADD_TYPE_ID(bellhop, (bellhop::delegate_actor))
CAF_ADD_TYPE_ID(bellhop, (bellhop::app_delegate_actor))
CAF_ADD_TYPE_ID(bellhop, (bellhop::observer_actor))
CAF_ADD_TYPE_ID(bellhop, (bellhop::completion_handler_actor))
CAF_ADD_TYPE_ID(bellhop, (bellhop::stream_reader_actor))

CAF_END_TYPE_ID_BLOCK(bellhop)
