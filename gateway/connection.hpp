#pragma once

#include "gateway/exchange.hpp"
#include "gateway/gateway.hpp"
#include "gateway/problem.hpp"
#include "gateway/server.hpp"

#include <boost/asio/generic/stream_protocol.hpp>

#include <memory>
#include <optional>

namespace bellhop {

using stream_socket = asio::generic::stream_protocol::socket;

/// What a connection works with.
struct connection_setting {
  const gateway_limits* limits = nullptr;
  bellhop::service* service = nullptr;
  peer_kind peer = peer_kind::unix_socket;
  std::uint16_t port = 0;
  /// Set: this is said at once, and nothing is served.
  std::optional<problem> refused;
};

/// HTTP/1.1 over one socket: one request after another, until either side ends it.
class connection : public live_connection {
public:
  /// Until the connection ends; never throws.
  virtual asio::awaitable<void> run() = 0;
};

std::shared_ptr<connection> make_connection(stream_socket, connection_setting);

} // namespace bellhop
