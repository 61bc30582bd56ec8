#pragma once

#include "apps/bellhop/exit_status.hpp"
#include "apps/bellhop/hand_over.hpp"
#include "apps/bellhop/inbox.hpp"
#include "apps/bellhop/options.hpp"
#include "apps/bellhop/own_transfers.hpp"
#include "apps/bellhop/reporter.hpp"
#include "apps/bellhop/wake_up.hpp"
#include "facade/bellhop.hpp"

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>

namespace bellhop::cli {

/// One `bellhop get` that waits.
///
/// With the engine inside, and without URLs, it waits for all that the session has. In the daemon, where others may
/// have transfers in the same session, one with URLs waits for its own.
///
/// It attaches as the session's delegate if it can: then it shows every end that nobody was told of, its own or not,
/// and acknowledges what it has shown. If somebody is attached already, or the session belongs to a program, it
/// watches: then it shows its own, and the events stay for their owner.
class get_run {
public:
  /// All must outlive this; signals must be blocked. `of_program`: the session's events are for a program.
  get_run(const get_options&, hand_over&, engine&, session&, bool of_program);
  ~get_run();
  get_run(const get_run&) = delete;
  get_run& operator=(const get_run&) = delete;

  exit_status run();

private:
  void join();
  void watch(event_number after);
  void expect_all();
  void hand_over_next();
  void turn();
  void take(const inbox::contents&);
  void ended(const inbox::contents&);
  bool all_done() const;
  relation relation_to(transfer_id) const;
  void acknowledge_shown();
  exit_status leave();
  std::string nothing_to_finish(std::uint64_t suspended) const;
  std::string farewell() const;
  std::uint64_t left() const noexcept;
  template <class T>
  T await(std::future<T>);

  const get_options& options_;
  hand_over& input_;
  engine& engine_;
  session& session_;
  const bool of_program_;
  const bool waits_for_all_;
  reporter report_;
  std::shared_ptr<inbox> inbox_;
  wake_up wake_;
  /// Holds the watch; null while attached.
  std::shared_ptr<void> watching_;
  own_transfers own_;
  /// Of all, if all are waited for.
  std::uint64_t expected_ = 0;
  std::uint64_t ended_ = 0;
  bool finished_ = false;
  bool interrupted_ = false;
  /// All that was printed has reached its reader.
  bool shown_ = true;
  /// The last event that was taken.
  event_number seen_;
  std::future<void> acknowledged_;
};

} // namespace bellhop::cli
