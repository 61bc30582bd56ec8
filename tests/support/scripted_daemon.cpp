#include "tests/support/scripted_daemon.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <list>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace bellhop::test {

namespace {

/// Ends a handler, and its connection with it.
struct gone {};

constexpr int look_again_ms = 5;

int checked(int result, const char* what) {
  if (result < 0)
    throw std::system_error(errno, std::generic_category(), what);
  return result;
}

int listen_at(const boost::filesystem::path& socket) {
  ::unlink(socket.c_str());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  checked(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  checked(::listen(fd, 128), "listen");
  return fd;
}

scripted_daemon::request parse_head(std::string_view text) {
  scripted_daemon::request parsed;
  const auto next_line = [&text] {
    const auto end = text.find("\r\n");
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end == text.npos ? end : end + 2));
    return line;
  };
  const auto first = next_line();
  const auto space = first.find(' ');
  parsed.method = first.substr(0, space);
  parsed.target = first.substr(space + 1, first.rfind(' ') - space - 1);
  for (auto line = next_line(); !line.empty(); line = next_line()) {
    const auto colon = line.find(':');
    std::string name{line.substr(0, colon)};
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto value = line.find_first_not_of(' ', colon + 1);
    parsed.headers[name] = value == line.npos ? "" : line.substr(value);
  }
  return parsed;
}

} // namespace

class scripted_daemon::server {
public:
  server(const boost::filesystem::path& socket, handler does) : does_(std::move(does)), listener_(listen_at(socket)) {
    thread_ = std::thread{[this] { accept_loop(); }};
  }

  ~server() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
    for (auto& each : peers_) {
      ::shutdown(each.fd, SHUT_RDWR);
      each.thread.join();
      ::close(each.fd);
    }
  }

  struct peer {
    int fd;
    std::thread thread{};
  };

  class link;

  void accept_loop();
  void serve(int fd, std::size_t number);

  handler does_;
  int listener_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
  std::list<peer> peers_;
  mutable std::mutex mutex_;
  std::vector<request> requests_;
};

class scripted_daemon::server::link : public scripted_daemon::connection {
public:
  link(int fd, const std::atomic<bool>& stopping) : fd_(fd), stopping_(stopping) {}

  void send(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0)
        throw gone{};
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void wait_until(const std::function<bool()>& ready) override {
    while (!ready()) {
      pollfd waits{fd_, POLLRDHUP, 0};
      if (stopping_ || ::poll(&waits, 1, look_again_ms) > 0)
        throw gone{};
    }
  }

  [[noreturn]] void close() override { throw gone{}; }

  /// None when the peer has closed.
  std::optional<request> read() {
    constexpr std::string_view end_of_head = "\r\n\r\n";
    auto end = input_.find(end_of_head);
    for (; end == input_.npos; end = input_.find(end_of_head))
      if (!read_more())
        return {};
    auto result = parse_head(std::string_view{input_}.substr(0, end + end_of_head.size()));
    input_.erase(0, end + end_of_head.size());
    const auto length = result.headers.contains("content-length") ? std::stoul(result.headers["content-length"]) : 0;
    while (input_.size() < length)
      if (!read_more())
        return {};
    result.body = input_.substr(0, length);
    input_.erase(0, length);
    return result;
  }

private:
  bool read_more() {
    char buffer[65536];
    const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got > 0)
      input_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  int fd_;
  const std::atomic<bool>& stopping_;
  std::string input_;
};

void scripted_daemon::server::accept_loop() {
  std::size_t number = 0;
  while (!stopping_) {
    pollfd waits{listener_, POLLIN, 0};
    if (::poll(&waits, 1, look_again_ms) <= 0)
      continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0)
      continue;
    ++number;
    auto& added = peers_.emplace_back(peer{fd});
    added.thread = std::thread{[this, fd, number] { serve(fd, number); }};
  }
}

void scripted_daemon::server::serve(int fd, std::size_t number) {
  link connection{fd, stopping_};
  try {
    while (auto received = connection.read()) {
      received->connection = number;
      {
        const std::lock_guard lock{mutex_};
        requests_.push_back(*received);
      }
      does_(*received, connection);
    }
  } catch (const gone&) {
    // The client may leave whenever it likes.
  }
  ::shutdown(fd, SHUT_RDWR);
}

void scripted_daemon::connection::answer(int status, const std::string& body, const std::string& type) {
  send(fmt::format("HTTP/1.1 {} Whatever\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", status, type,
                   body.size(), body));
}

void scripted_daemon::connection::problem(int status, const std::string& code, const std::string& detail) {
  answer(status,
         fmt::format(R"({{"type":"about:blank","title":"Problem","status":{},"detail":"{}","domain":"x","code":"{}"}})",
                     status, detail, code),
         "application/problem+json");
}

void scripted_daemon::connection::begin_stream() {
  send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nretry: 1000\n\n");
}

void scripted_daemon::connection::event(const std::string& type, const std::string& data) {
  send(fmt::format("event: {}\ndata: {}\n\n", type, data));
}

scripted_daemon::scripted_daemon(const boost::filesystem::path& socket, handler does)
    : server_(std::make_unique<server>(socket, std::move(does))) {}

scripted_daemon::~scripted_daemon() = default;

std::vector<scripted_daemon::request> scripted_daemon::requests() const {
  const std::lock_guard lock{server_->mutex_};
  return server_->requests_;
}

} // namespace bellhop::test
