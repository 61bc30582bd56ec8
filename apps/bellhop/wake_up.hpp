#pragma once

namespace bellhop::cli {

/// What ends the main thread's sleep: news, a signal, or the time for another frame.
class wake_up {
public:
  /// Blocks SIGINT, SIGTERM and SIGHUP in this thread and all that it starts later, and ignores SIGPIPE. To be called
  /// before any other thread is started.
  static void block_signals();

  /// Signals must be blocked. `news_fd`, and `keys_fd` unless it is -1, are not owned.
  explicit wake_up(int news_fd, int keys_fd = -1);
  ~wake_up();
  wake_up(const wake_up&) = delete;
  wake_up& operator=(const wake_up&) = delete;

  /// Readable when there is a reason to wake.
  int fd() const noexcept { return epoll_; }
  /// Sleeps until there is.
  void wait();
  /// A signal has come. Takes the timer's tick, if that was the reason.
  bool signalled();
  /// From now on a signal does what it does by default.
  void die_at_next_signal();

private:
  int epoll_;
  int signals_;
  int timer_;
};

} // namespace bellhop::cli
