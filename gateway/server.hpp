#pragma once

#include "gateway/exchange.hpp"
#include "gateway/gateway.hpp"
#include "gateway/problem.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace bellhop {

/// A connection, as the server knows it.
class live_connection {
public:
  virtual ~live_connection() = default;
  /// Take no more requests; end when the one under way was answered.
  virtual void wind_up() = 0;
  /// Close now.
  virtual void abort() = 0;
};

struct server_counts {
  counter accepted;
  /// Those over the bound, and those of other users.
  counter refused;
};

/// Accepts connections and serves each by a coroutine of its own (gateway/connection.hpp). What befalls one ends only
/// that one.
///
/// Threads: that of the io_context.
class server {
public:
  server(asio::io_context&, const gateway_limits&, service&, std::function<void(const std::string&)> log);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Takes over a socket that listens. Throws `failure` if it is none. May be called before the thread runs.
  void listen(int socket, peer_kind);

  /// No more connections; those there are come to their end.
  void wind_up();
  /// Closes what is left.
  void abort();

  std::size_t connections() const noexcept { return live_.size(); }
  const server_counts& counts() const noexcept { return counts_; }

private:
  struct listener;
  asio::awaitable<void> accept(std::shared_ptr<listener>);
  void take(int socket, const listener&);
  /// Why a new connection is not served; none if it is.
  std::optional<problem> refusal_of(int socket, peer_kind) const;
  void log(const std::string&) const;

  asio::io_context& io_;
  const gateway_limits& limits_;
  service& service_;
  std::function<void(const std::string&)> log_;
  std::vector<std::shared_ptr<listener>> listeners_;
  std::unordered_set<live_connection*> live_;
  server_counts counts_;
  bool winding_up_ = false;
};

} // namespace bellhop
