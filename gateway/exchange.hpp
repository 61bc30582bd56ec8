#pragma once

#include "core/text.hpp"
#include "core/transfer.hpp"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bellhop {

namespace asio = boost::asio;

/// By which listener a client came.
enum class peer_kind : std::uint8_t { unix_socket, loopback };

/// The head of a request, as received.
struct request_head {
  peer_kind peer = peer_kind::unix_socket;
  /// The port it came to; 0 on a Unix socket.
  std::uint16_t port = 0;
  std::string method;
  std::string target;
  /// 10 or 11.
  unsigned version = 11;
  std::vector<header> headers;

  /// The first header of this name, in any case; null if there is none.
  const std::string* find(std::string_view name) const noexcept {
    const auto i = std::find_if(headers.begin(), headers.end(),
                                [&](const header& h) { return equals_ignoring_case(h.name, name); });
    return i == headers.end() ? nullptr : &i->value;
  }
};

/// What a request is answered with. An empty type means that there is no body.
struct response {
  unsigned status = 200;
  std::string type;
  std::string body;
  std::vector<header> headers;
  /// The connection ends after it.
  bool close = false;
};

/// One request and its answer. Either `answer`, or `begin`, `send`... and `finish`.
///
/// When the connection breaks or a time limit passes, what waits throws boost::system::system_error: there is nobody to
/// answer any more. Problems with what the client sent are thrown as `refusal` (gateway/problem.hpp).
///
/// Threads: the gateway's.
class exchange {
public:
  virtual ~exchange() = default;

  virtual const request_head& head() const noexcept = 0;

  /// The next bytes of the body, valid until the next call; empty when it is whole.
  virtual asio::awaitable<std::string_view> read_piece() = 0;

  virtual asio::awaitable<void> answer(response) = 0;

  /// Begins an answer whose length is not known; its body is ignored.
  virtual asio::awaitable<void> begin(response) = 0;
  /// A piece of it. False when nothing was taken for this long: what is left of the piece goes out before the next one
  /// does.
  virtual asio::awaitable<bool> send(std::string_view piece, std::chrono::milliseconds longest_pause) = 0;
  /// The answer is whole. Without it the client sees that it was cut off.
  virtual asio::awaitable<void> finish() = 0;

  /// For an answer without end: called once when the client has gone or the gateway stops. The connection carries
  /// nothing else afterwards.
  virtual void when_over(std::function<void()>) = 0;

  /// What it was answered with so far; 0 for nothing.
  virtual unsigned status() const noexcept = 0;
};

/// What serves requests. Only what `exchange` throws for a broken connection may leave it.
class service {
public:
  virtual ~service() = default;
  virtual asio::awaitable<void> serve(exchange&) = 0;
};

} // namespace bellhop
