#pragma once

#include "facade/bellhop.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

namespace bellhop::cli {

/// What the session's thread tells, handed over to the main thread. Bounded: when the main thread falls behind (a
/// reader of its output does not read), the session waits.
class inbox : public session_delegate {
public:
  struct contents {
    std::vector<event> events;
    std::vector<progress> moved;
    std::vector<notice> notices;
    std::vector<error> stalls;
    bool finished = false;
    /// Nothing more comes, because of this; or because the session is gone, and then it may be no error.
    std::optional<error> ended;
    bool invalid = false;
  };

  inbox();
  ~inbox() override;
  inbox(const inbox&) = delete;
  inbox& operator=(const inbox&) = delete;

  /// Readable when there is something to take.
  int fd() const noexcept { return fd_; }
  contents take();
  /// Only these; the rest stays.
  std::vector<error> take_stalls();
  /// Sleeps until there is something to take.
  void wait() const;
  /// Lets a waiting session go, and all that come.
  void close();

  void did_receive(const std::vector<event>&) override;
  void did_progress(const std::vector<progress>&) override;
  void did_notice(const notice&) override;
  void did_finish_events() override;
  void did_stall(const error&) override;
  void did_detach(const error&) override;
  void did_become_invalid(const error&) override;
  bool acknowledges_itself() const override { return true; }

private:
  static constexpr std::size_t most_events = 4096;

  void wake();

  int fd_;
  std::mutex mutex_;
  std::condition_variable room_;
  contents contents_;
  bool closed_ = false;
};

} // namespace bellhop::cli
