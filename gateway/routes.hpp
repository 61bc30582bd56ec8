#pragma once

#include "gateway/context.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace bellhop {

/// One thing that can be asked of the API. In the path, {id} stands for a session and {n} for a transfer.
struct route {
  std::string_view method;
  std::string_view path;
  route_function serve;
};

/// All there are; docs/openapi.yaml has the same.
std::span<const route> routes();

/// What a method and a path lead to: a route, or the methods that the path has; neither if there is no such path.
struct found_route {
  const route* what = nullptr;
  std::string session;
  transfer_id transfer;
  std::vector<std::string_view> other_methods;
};
found_route find_route(std::string_view method, const std::vector<std::string>& segments);

/// Serves requests by their route: who may ask, what for, and whatever goes wrong as a problem.
class api : public service {
public:
  explicit api(gateway_context& with) : with_(with) {}
  asio::awaitable<void> serve(exchange&) override;

private:
  /// `which` is the route as soon as it is known.
  asio::awaitable<void> dispatch(exchange&, route& which);

  gateway_context& with_;
};

// The routes, by what they are about.

// server_routes.cpp
asio::awaitable<void> get_health(call&);
asio::awaitable<void> get_metrics(call&);
// session_routes.cpp
asio::awaitable<void> list_sessions(call&);
asio::awaitable<void> put_session(call&);
asio::awaitable<void> get_session(call&);
asio::awaitable<void> delete_session(call&);
asio::awaitable<void> pause_session(call&);
asio::awaitable<void> resume_session(call&);
asio::awaitable<void> complete_session(call&);
// transfer_routes.cpp
asio::awaitable<void> list_transfers(call&);
asio::awaitable<void> pause_transfers(call&);
asio::awaitable<void> resume_transfers(call&);
asio::awaitable<void> cancel_transfers(call&);
asio::awaitable<void> remove_transfers(call&);
asio::awaitable<void> change_transfers(call&);
asio::awaitable<void> get_transfer(call&);
asio::awaitable<void> change_transfer(call&);
asio::awaitable<void> delete_transfer(call&);
asio::awaitable<void> pause_transfer(call&);
asio::awaitable<void> resume_transfer(call&);
asio::awaitable<void> cancel_transfer(call&);
// bulk_submit.cpp
asio::awaitable<void> submit_transfers(call&);
// event_routes.cpp
asio::awaitable<void> get_events(call&);
asio::awaitable<void> acknowledge_events(call&);
// event_stream.cpp: the same path, for who accepts a stream
asio::awaitable<void> stream_events(call&);

} // namespace bellhop
