#include "apps/bellhop/key_input.hpp"

#include <string_view>

#include <poll.h>
#include <unistd.h>

namespace bellhop::cli {

key_input::key_input() {
  termios settings{};
  // A process in the background would be stopped for touching the terminal.
  if (::tcgetpgrp(STDIN_FILENO) != ::getpgrp() || ::tcgetattr(STDIN_FILENO, &settings) != 0)
    return;
  before_ = settings;
  settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

key_input::~key_input() {
  if (before_)
    ::tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
}

int key_input::fd() const noexcept {
  return before_ ? STDIN_FILENO : -1;
}

bool key_input::pressed(char key) {
  pollfd readable{fd(), POLLIN, 0};
  if (readable.fd < 0 || ::poll(&readable, 1, 0) <= 0)
    return false;
  char keys[64];
  const auto count = ::read(readable.fd, keys, sizeof keys);
  return count > 0 && std::string_view{keys, static_cast<std::size_t>(count)}.find(key) != std::string_view::npos;
}

} // namespace bellhop::cli
