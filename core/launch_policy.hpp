#pragma once

#include "core/transfer.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>

/// When the program of one session is started, as a pure function: (state, input, time, jitter) -> (state, outputs).
/// actors/launcher.cpp carries the outputs out.
///
/// One process at a time. A start is a success when its program calls the completion handler after it has attached
/// itself or acknowledged everything; every other end is a failure, and the next start waits for longer. An end without
/// the handler is forgiven if the session does not want its program again within that wait: it has done its work and
/// merely does not say so.
namespace bellhop::launch {

/// The wait after so many failures in a row (at least 1): 1 s, doubled each time, at most 10 min; of which between a
/// half and all, as `jitter` (uniform in [0, 1)) says. Less than a half, as for servers (core/retry.hpp), would be
/// none.
std::chrono::milliseconds delay(std::uint32_t failures, double jitter) noexcept;

/// Whatever programs do, there is no start within this time of the last one.
inline constexpr std::chrono::seconds shortest_interval{1};

namespace in {
/// The session has news for its program, and nobody is attached.
struct wanted {};
/// There is nothing (more) to tell, or somebody is attached.
struct closed {};
/// A program has called the completion handler.
struct completed {};
/// `outputs::start` was carried out: the program runs.
struct started {
  std::int32_t pid = 0;
};
/// It does not run any more, or could not be started.
struct ended {
  error how;
};
/// The time of `outputs::wake_after` has come, or any other time.
struct due {};
} // namespace in

using input = std::variant<in::wanted, in::closed, in::completed, in::started, in::ended, in::due>;

/// What comes from outside at each step.
struct environment {
  time_point now{};
  /// Uniform in [0, 1).
  double jitter = 0;
};

struct outputs {
  /// Start the program. -> started, ended; or ended alone
  bool start = false;
  /// Send `due` after this long; an earlier one counts no more.
  std::optional<duration> wake_after;
  /// `status()` has changed.
  bool tell = false;
};

class machine {
public:
  outputs step(const input&, const environment&);

  launch_status status() const;

  /// As one that was just made: it can be forgotten.
  bool idle() const noexcept { return !alive_ && !wanted_ && failures_ == 0 && not_before_ == time_point{}; }

private:
  void take(const in::wanted&, const environment&);
  void take(const in::closed&, const environment&);
  void take(const in::completed&, const environment&);
  void take(const in::started&, const environment&);
  void take(const in::ended&, const environment&);
  void take(const in::due&, const environment&) {}
  void next(const environment&, outputs&);
  void forgive_if_done();
  void forgive();

  bool wanted_ = false;
  /// A program was started and has not ended.
  bool alive_ = false;
  std::int32_t pid_ = 0;
  time_point started_at_{};
  /// Since that start: the session was closed, the handler called.
  bool closed_ = false;
  bool completed_ = false;

  std::uint32_t failures_ = 0;
  error last_error_;
  /// No start before.
  time_point not_before_{};
};

} // namespace bellhop::launch
