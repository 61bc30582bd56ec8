#include "gateway/server.hpp"

#include "gateway/access.hpp"
#include "gateway/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <cstring>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bellhop {

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

/// Connections over the bound that are being told so; more are closed without a word.
constexpr std::size_t most_apologies = 64;

/// When this process has no file descriptor left, connections wait in the kernel's queue for as long.
constexpr std::chrono::milliseconds out_of_descriptors{100};

std::uint16_t port_of(int socket) {
  ::sockaddr_storage address{};
  ::socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<::sockaddr*>(&address), &size) != 0)
    return 0;
  if (address.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const ::sockaddr_in&>(address).sin_port);
  return address.ss_family == AF_INET6 ? ntohs(reinterpret_cast<const ::sockaddr_in6&>(address).sin6_port) : 0;
}

int socket_option(int socket, int name) {
  int value = -1;
  ::socklen_t size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

problem not_you(unsigned user) {
  auto result = http_problem(403, "forbidden",
                             "this daemon serves user " + std::to_string(::geteuid()) + ", and you are user " +
                                 std::to_string(user));
  result.close = true;
  return result;
}

problem too_many(std::size_t most) {
  auto result = http_problem(503, "too_many_connections",
                             "there are " + std::to_string(most) + " connections already; try again");
  result.headers.push_back({"Retry-After", "1"});
  result.close = true;
  return result;
}

} // namespace

struct server::listener {
  listener(asio::io_context& io, int fd, peer_kind k)
      : socket(io, fd), retry(io), kind(k), family(socket_option(fd, SO_DOMAIN)), port(port_of(fd)) {}

  asio::posix::stream_descriptor socket;
  asio::steady_timer retry;
  /// It was said that no connection can be accepted, and none was since.
  bool complained = false;
  peer_kind kind;
  int family;
  std::uint16_t port;
};

server::server(asio::io_context& io, const gateway_limits& limits, service& what,
               std::function<void(const std::string&)> log)
    : io_(io), limits_(limits), service_(what), log_(std::move(log)) {}

server::~server() = default;

void server::log(const std::string& line) const {
  if (log_)
    log_(line);
}

void server::listen(int socket, peer_kind kind) {
  const int family = socket_option(socket, SO_DOMAIN);
  const bool fits = kind == peer_kind::unix_socket ? family == AF_UNIX : family == AF_INET || family == AF_INET6;
  if (!fits || socket_option(socket, SO_ACCEPTCONN) != 1 || socket_option(socket, SO_TYPE) != SOCK_STREAM)
    throw failure{errc::invalid_argument, "file descriptor " + std::to_string(socket) + " is no " +
                                              (kind == peer_kind::unix_socket ? "Unix" : "TCP") +
                                              " socket that listens"};
  auto fresh = std::make_shared<listener>(io_, socket, kind);
  fresh->socket.native_non_blocking(true);
  listeners_.push_back(fresh);
  asio::co_spawn(io_, accept(fresh), [this](const std::exception_ptr& unexpected) {
    if (unexpected)
      log("a listener has ended unexpectedly");
  });
}

asio::awaitable<void> server::accept(std::shared_ptr<listener> from) {
  while (!winding_up_) {
    const auto [waited] = co_await from->socket.async_wait(asio::posix::stream_descriptor::wait_read, quietly);
    if (waited)
      break;
    const int fd = ::accept4(from->socket.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      from->complained = false;
      take(fd, *from);
      continue;
    }
    // Anything else was about one client that has gone again.
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (!std::exchange(from->complained, true))
        log(std::string{"cannot accept connections: "} + std::strerror(errno));
      from->retry.expires_after(out_of_descriptors);
      co_await from->retry.async_wait(quietly);
    }
  }
}

void server::take(int fd, const listener& from) {
  stream_socket socket{io_};
  boost::system::error_code why;
  if (socket.assign(asio::generic::stream_protocol{from.family, 0}, fd, why)) {
    ::close(fd);
    return log("cannot take a connection: " + why.message());
  }
  connection_setting setting{&limits_, &service_, from.kind, from.port, refusal_of(fd, from.kind)};
  (setting.refused ? counts_.refused : counts_.accepted).add();
  if (setting.refused && live_.size() >= limits_.connections + most_apologies)
    return;
  auto fresh = make_connection(std::move(socket), std::move(setting));
  live_.insert(fresh.get());
  asio::co_spawn(io_, fresh->run(), [this, fresh](const std::exception_ptr&) { live_.erase(fresh.get()); });
}

std::optional<problem> server::refusal_of(int fd, peer_kind kind) const {
  if (kind == peer_kind::unix_socket) {
    if (const auto user = peer_user(fd); !user || *user != ::geteuid()) {
      log("refused a connection of user " + (user ? std::to_string(*user) : std::string{"unknown"}));
      return not_you(user.value_or(0));
    }
  } else {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (live_.size() >= limits_.connections)
    return too_many(limits_.connections);
  return std::nullopt;
}

void server::wind_up() {
  winding_up_ = true;
  for (const auto& each : listeners_) {
    boost::system::error_code ignored;
    each->socket.close(ignored);
    each->retry.cancel();
  }
  for (auto* each : live_)
    each->wind_up();
}

void server::abort() {
  for (auto* each : live_)
    each->abort();
}

} // namespace bellhop
