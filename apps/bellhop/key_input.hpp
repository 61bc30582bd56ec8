#pragma once

#include <optional>

#include <termios.h>

namespace bellhop::cli {

/// Single keys from standard input, without echo and without waiting for Enter, if it is a terminal and ours to read;
/// else nothing. Ctrl-C stays a signal. The terminal is as before when this is gone. One thread.
class key_input {
public:
  key_input();
  ~key_input();
  key_input(const key_input&) = delete;
  key_input& operator=(const key_input&) = delete;

  /// Readable when a key was pressed; -1 if none ever will be.
  int fd() const noexcept;
  /// Takes the keys that were pressed: was this one among them? False as well when there were none.
  bool pressed(char key);

private:
  std::optional<termios> before_;
};

} // namespace bellhop::cli
