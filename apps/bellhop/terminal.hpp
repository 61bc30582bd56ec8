#pragma once

#include "apps/bellhop/display_text.hpp"
#include "apps/bellhop/progress_model.hpp"

#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bellhop::cli {

/// Looks up an environment variable; null when it is not set.
using environment = std::function<const char*(const char*)>;

/// What may be sent to a file descriptor.
struct terminal_traits {
  /// A terminal that moves its cursor; otherwise plain lines are right.
  bool redraws = false;
  bool colour = false;
  charset set = charset::ascii;
};

/// A terminal, unless TERM is unset or "dumb"; coloured unless NO_COLOR is set to something; the character set as
/// LC_ALL, LC_CTYPE or LANG name it.
terminal_traits traits_of(
    int fd, const environment& = [](const char* name) { return std::getenv(name); });

/// Draws a live area at the end of a terminal's text, in place. What scrolls away goes above it.
///
/// Between two frames the cursor stands at the *first* line of the live area. A terminal that is made narrower may wrap
/// what was drawn onto more rows than before, and terminals differ in whether they do; but all keep the cursor at its
/// text, so everything from the cursor on is ours, however many rows that has become.
///
/// Each frame is one write and leaves the terminal as it was: cursor visible, wrapping on, no colour. So nothing has to
/// be restored, not even after SIGKILL. Not copyable; one thread; a terminal that is stopped (Ctrl-S) blocks `draw`.
class terminal {
public:
  /// At most this often; more is not seen, only paid for.
  static constexpr std::chrono::milliseconds frame_interval{100};

  struct extent {
    /// Columns to be used: one less than there are, since terminals differ in where the cursor is after the last one.
    std::size_t width = 79;
    std::size_t height = 24;
  };

  /// `fd` is not owned.
  explicit terminal(int fd) : fd_(fd) {}
  /// Takes the live area off the screen.
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  /// Asked for each frame, so that no signal handler is needed to follow a resize. 80 x 24 if the terminal does not
  /// know.
  extent size() const noexcept;

  /// Is it time for another frame?
  bool due(instant now) const noexcept { return now - last_frame_ >= frame_interval; }

  /// Puts `permanent` lines where the live area was and `live` below them. Nothing is written when nothing has changed.
  void draw(std::span<const std::string> permanent, std::span<const std::string> live, instant now);

  /// Takes the live area off the screen; what is printed next stands in its place.
  void clear();

private:
  void send(std::string_view);

  int fd_;
  instant last_frame_{};
  std::vector<std::string> live_;
  extent drawn_for_;
  bool gone_ = false;
};

/// Writes all of it, over interrupts, partial writes and a full non-blocking pipe. False when it is closed.
bool write_all(int fd, std::string_view bytes) noexcept;

} // namespace bellhop::cli
