#pragma once

#include "core/configuration.hpp"
#include "core/publisher.hpp"
#include "core/response.hpp"
#include "core/resume.hpp"
#include "core/transfer.hpp"

#include <memory>
#include <string>
#include <variant>
#include <vector>

/// The life of one active transfer as a pure function: (state, input, time, jitter) -> (state, outputs). It knows
/// neither actors nor threads nor files; actors/transfer.cpp carries its outputs out and brings back what comes of
/// them.
///
///     begin -> [preflight] -> [open the part] -> request -> small body --------------------> publish -> finish
///                                                   ^   \-> response -> record -> stream /
///                                                   |          failed attempt: close the part -> wait in the ledger
///                                                   +--------- bytes that do not fit: discard the part, start over
///
/// Every output that asks for an answer is answered by exactly one input of the matching name, except an attempt that
/// was cancelled; stale answers of one are told by its id.
namespace bellhop::machine {

/// Why an active transfer has to end early.
enum class stop_reason : std::uint8_t {
  suspend,     ///< keep the part; the ledger will say `suspended`
  shutdown,    ///< keep the part; goes on at the next start
  cancel,      ///< drop the part; one `cancelled` event
  requeue,     ///< keep the part; goes on when the session lets it
  cancel_keep, ///< one `cancelled` event; keep the part if a new transfer can go on with it
};

namespace in {
struct begin {};
struct preflighted {
  publish_result result;
};
struct part_opened {
  bellhop::part_opened result;
};
struct response {
  attempt_id attempt;
  response_head head;
};
struct attempt_done {
  attempt_id attempt;
  attempt_result result;
};
/// The checkpoint of a part about to be created is committed.
struct recorded {};
struct part_written {
  bellhop::part_written result;
};
struct published {
  publish_result result;
};
struct part_closed {
  checkpoint part;
};
struct part_discarded {};
struct stop {
  stop_reason reason = stop_reason::shutdown;
};
} // namespace in

using input = std::variant<in::begin, in::preflighted, in::part_opened, in::response, in::attempt_done, in::recorded,
                           in::part_written, in::published, in::part_closed, in::part_discarded, in::stop>;

namespace out {
/// Ask the publisher: is the name free, and was the file published before a crash? -> preflighted
struct preflight {};
/// Ask the publisher for the part of `record().part`, of which `total` bytes are to come. -> part_opened
struct open_part {};
/// Begin an attempt on the wire. -> response and attempt_done, or attempt_done alone
struct start_attempt {
  attempt_id attempt;
  range_plan range;
  /// Every 2xx response is to be announced before its body.
  bool announce = false;
};
/// End it; nothing of it counts from now on.
struct cancel_attempt {
  attempt_id attempt;
};
/// Commit `record().part` before the part is created. -> recorded
struct record_part {};
/// Let the response's body, which begins at `offset`, flow into the part. -> part_written
struct stream {
  attempt_id attempt;
  std::int64_t offset = 0;
};
/// Put a body held in memory into the part that was just opened. -> part_written
struct store {
  std::shared_ptr<const body_buffer> body;
};
/// Publish a body held in memory. -> published
struct publish_small {
  std::shared_ptr<const body_buffer> body;
};
/// Publish the open part. -> published
struct publish_part {};
/// Keep the part. -> part_closed
struct close_part {};
/// Remove the part. -> part_discarded
struct discard_part {};
/// Transient news for whoever watches.
struct tell {
  notice news;
};
/// The end of the actor: record the terminal event.
struct finish {
  outcome result;
};
/// The end of the actor: `record()` waits in the ledger.
struct wait {};
/// The end of the actor: it was stopped; `record()` has the last checkpoint.
struct release {
  stop_reason reason = stop_reason::shutdown;
};
} // namespace out

using output = std::variant<out::preflight, out::open_part, out::start_attempt, out::cancel_attempt, out::record_part,
                            out::stream, out::store, out::publish_small, out::publish_part, out::close_part,
                            out::discard_part, out::tell, out::finish, out::wait, out::release>;
using outputs = std::vector<output>;

/// What comes from outside at each step.
struct environment {
  time_point now{};
  /// For an attempt that this step may begin; never given before.
  attempt_id attempt;
  /// Uniform in [0, 1).
  double jitter = 0;
};

/// What does not change while the transfer is active.
struct context {
  std::shared_ptr<const session_configuration> configuration;
  /// The part file's name, if one is needed.
  std::string part_name;
  /// The transfer was in the ledger before this engine was started, so that its file may have been published by a
  /// process that died before recording it.
  bool recovered = false;
  /// The destination's folder was there and could be written to when it was last looked at, not long ago.
  bool folder_seen = true;
};

class transfer_machine {
public:
  transfer_machine(transfer_record, context);

  outputs step(input, const environment&);

  const transfer_record& record() const noexcept { return record_; }
  const session_configuration& settings() const noexcept { return *context_.configuration; }
  /// Where the file is to go, the name from the server included.
  path destination() const;
  /// running or finishing, for whoever asks.
  transfer_state state() const noexcept;
  bool ended() const noexcept { return phase_ == phase::ended; }

private:
  enum class phase : std::uint8_t {
    idle,
    preflighting,
    opening,    ///< an existing part is being verified
    requesting, ///< on the wire, nothing decided
    recording,  ///< the new part's checkpoint is being committed
    creating,   ///< the part is being created
    streaming,
    marking, ///< the part's inode is being committed, since the file itself cannot carry a mark
    publishing,
    closing,    ///< the part is being closed; `after_` follows
    discarding, ///< the part is being removed; `after_` follows
    ended,
  };
  /// What follows when the part is closed or removed.
  enum class next_step : std::uint8_t { request, create, wait, finish, release };

  void on(in::begin&);
  void on(in::preflighted&);
  void on(in::part_opened&);
  void on(in::response&);
  void on(in::attempt_done&);
  void on(in::recorded&);
  void on(in::part_written&);
  void on(in::published&);
  void on(in::part_closed&);
  void on(in::part_discarded&);
  void on(in::stop&);

  void begin_work();
  void request();
  void existing_part_opened(bellhop::part_opened&);
  void new_part_opened(bellhop::part_opened&);
  void take_whole_body(attempt_result&);
  void take_response(const resume_decision&, const response_head&);
  void begin_part(const response_head&);
  void commit_part();
  void publish();
  void completed(const published_file&);
  void mismatched(const error&);
  void start_over(error why);
  void attempt_failed(error why, const response_head& head = {});
  void fail(error why);
  void end_stopped();
  void end(outcome, bool keep);
  void leave_part(bool keep, next_step);
  void proceed(next_step);
  bool is_current(attempt_id) const noexcept;
  void cancel_attempt();
  void remember_name(const response_head&);
  void tell(notice_type, const error& why = {});
  time_point deadline() const;

  transfer_record record_;
  context context_;
  phase phase_ = phase::idle;
  next_step after_ = next_step::request;
  stop_reason stop_reason_ = stop_reason::shutdown;
  bool stopping_ = false;
  bool part_open_ = false;
  /// The published file will carry this transfer's mark.
  bool marked_ = true;
  /// This attempt left out If-Range, since the server answered that with 200 although nothing had changed.
  bool plain_ = false;
  attempt_id attempt_;
  range_plan plan_;
  /// A whole small body that has to go through a part.
  std::shared_ptr<const body_buffer> body_;
  /// The furthest position ever reached: only going beyond it is progress.
  std::int64_t best_ = 0;
  std::string server_name_;
  outcome outcome_;
  const environment* env_ = nullptr;
  outputs out_;
};

} // namespace bellhop::machine
