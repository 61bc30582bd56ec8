#include "apps/bellhop/terminal.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace bellhop::cli {

namespace {

constexpr std::string_view erase_to_end_of_line = "\x1b[K";
constexpr std::string_view erase_below = "\x1b[J";
/// A live line that is too wide all the same, as when the terminal shrinks just now, is cut rather than wrapped.
constexpr std::string_view wrap_off = "\x1b[?7l";
constexpr std::string_view wrap_on = "\x1b[?7h";

bool names_utf8(std::string_view locale) {
  std::string lower;
  for (const char c : locale)
    lower += ascii_lower(c);
  return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
}

charset charset_of(const environment& env) {
  for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* value = env(name); value && *value)
      return names_utf8(value) ? charset::utf8 : charset::ascii;
  return charset::ascii;
}

} // namespace

terminal_traits traits_of(int fd, const environment& env) {
  terminal_traits traits;
  traits.set = charset_of(env);
  const char* term = env("TERM");
  traits.redraws = ::isatty(fd) && term && *term && std::string_view{term} != "dumb";
  const char* no_color = env("NO_COLOR");
  traits.colour = traits.redraws && !(no_color && *no_color);
  return traits;
}

bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd writable{fd, POLLOUT, 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

terminal::~terminal() {
  try {
    clear();
  } catch (const std::bad_alloc&) {
    // The rows stay on the screen then; that is all.
  }
}

terminal::extent terminal::size() const noexcept {
  extent result;
  winsize known{};
  if (::ioctl(fd_, TIOCGWINSZ, &known) == 0 && known.ws_col > 0 && known.ws_row > 0) {
    result.width = std::max<std::size_t>(1, known.ws_col - 1U);
    result.height = known.ws_row;
  }
  return result;
}

void terminal::draw(std::span<const std::string> permanent, std::span<const std::string> live, instant now) {
  last_frame_ = now;
  const auto extent = size();
  const bool same = permanent.empty() && std::equal(live.begin(), live.end(), live_.begin(), live_.end()) &&
                    extent.width == drawn_for_.width && extent.height == drawn_for_.height;
  if (same)
    return;

  std::string frame = "\r";
  for (const auto& line : permanent)
    fmt::format_to(std::back_inserter(frame), "{}{}\r\n", line, erase_to_end_of_line);
  if (!live.empty()) {
    frame += wrap_off;
    for (std::size_t i = 0; i < live.size(); ++i)
      fmt::format_to(std::back_inserter(frame), "{}{}{}", i == 0 ? "" : "\r\n", live[i], erase_to_end_of_line);
    frame += wrap_on;
  }
  frame += erase_below;
  frame += '\r';
  if (live.size() > 1)
    fmt::format_to(std::back_inserter(frame), "\x1b[{}A", live.size() - 1);
  send(frame);
  live_.assign(live.begin(), live.end());
  drawn_for_ = extent;
}

void terminal::clear() {
  if (live_.empty())
    return;
  send(fmt::format("\r{}", erase_below));
  live_.clear();
}

void terminal::send(std::string_view frame) {
  // The window was closed: the transfers go on without being watched.
  if (!gone_)
    gone_ = !write_all(fd_, frame);
}

} // namespace bellhop::cli
