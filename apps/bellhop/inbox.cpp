#include "apps/bellhop/inbox.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace bellhop::cli {

inbox::inbox() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
}

inbox::~inbox() {
  ::close(fd_);
}

void inbox::wake() {
  const std::uint64_t one = 1;
  // It can only fail when it is readable already.
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

inbox::contents inbox::take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
  contents result;
  {
    const std::lock_guard lock{mutex_};
    result = std::exchange(contents_, {});
  }
  room_.notify_all();
  return result;
}

std::vector<error> inbox::take_stalls() {
  const std::lock_guard lock{mutex_};
  return std::exchange(contents_.stalls, {});
}

void inbox::wait() const {
  pollfd readable{fd_, POLLIN, 0};
  while (::poll(&readable, 1, -1) < 0 && errno == EINTR) {
  }
}

void inbox::close() {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  room_.notify_all();
}

void inbox::did_receive(const std::vector<event>& events) {
  {
    std::unique_lock lock{mutex_};
    room_.wait(lock, [this] { return closed_ || contents_.events.size() < most_events; });
    contents_.events.insert(contents_.events.end(), events.begin(), events.end());
  }
  wake();
}

void inbox::did_progress(const std::vector<progress>& moved) {
  {
    const std::lock_guard lock{mutex_};
    // Older news is superseded by what will come.
    if (contents_.moved.size() + moved.size() > most_events)
      contents_.moved.clear();
    contents_.moved.insert(contents_.moved.end(), moved.begin(), moved.end());
  }
  wake();
}

void inbox::did_notice(const notice& news) {
  {
    const std::lock_guard lock{mutex_};
    if (contents_.notices.size() < most_events)
      contents_.notices.push_back(news);
  }
  wake();
}

void inbox::did_finish_events() {
  {
    const std::lock_guard lock{mutex_};
    contents_.finished = true;
  }
  wake();
}

void inbox::did_stall(const error& why) {
  {
    const std::lock_guard lock{mutex_};
    contents_.stalls.push_back(why);
  }
  wake();
}

void inbox::did_detach(const error& why) {
  {
    const std::lock_guard lock{mutex_};
    contents_.ended = why;
  }
  wake();
}

void inbox::did_become_invalid(const error& why) {
  {
    const std::lock_guard lock{mutex_};
    contents_.ended = why;
    contents_.invalid = true;
  }
  wake();
}

} // namespace bellhop::cli
