#include "gateway/gateway.hpp"

#include "core/error.hpp"
#include "gateway/context.hpp"
#include "gateway/routes.hpp"
#include "gateway/server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <future>
#include <thread>

namespace bellhop {

class gateway::impl {
public:
  impl(caf::actor_system& system, engine_actor engine, gateway_options options)
      : options_(std::move(options)), context_(system, std::move(engine), options_), api_(context_),
        server_(*context_.io, options_.limits, api_, options_.log), work_(context_.io->get_executor()) {
    context_.server = &server_;
    if (options_.tcp_listener >= 0 && options_.token.empty())
      throw failure{errc::invalid_argument, "a TCP listener needs a token"};
    if (options_.unix_listener >= 0)
      server_.listen(options_.unix_listener, peer_kind::unix_socket);
    if (options_.tcp_listener >= 0)
      server_.listen(options_.tcp_listener, peer_kind::loopback);
    thread_ = std::thread{[this] { run(); }};
  }

  ~impl() { stop(std::chrono::milliseconds{0}); }

  void stop(std::chrono::milliseconds deadline) {
    if (!thread_.joinable())
      return;
    asio::post(*context_.io, [this, deadline] { wind_up(deadline); });
    thread_.join();
  }

  std::size_t connections() {
    std::promise<std::size_t> counted;
    asio::post(*context_.io, [&] { counted.set_value(server_.connections()); });
    return counted.get_future().get();
  }

private:
  void run() {
    for (;;) {
      try {
        context_.io->run();
        return;
      } catch (const std::exception& e) {
        context_.log(std::string{"internal error in the gateway: "} + e.what());
      }
    }
  }

  /// The thread ends when nothing is left to do on it.
  void wind_up(std::chrono::milliseconds deadline) {
    context_.stopping = true;
    server_.wind_up();
    if (server_.connections() == 0 || deadline.count() <= 0)
      return cut_off();
    look_again_.emplace(*context_.io);
    wait_until(std::chrono::steady_clock::now() + deadline);
  }

  void wait_until(std::chrono::steady_clock::time_point deadline) {
    look_again_->expires_after(std::chrono::milliseconds{5});
    look_again_->async_wait([this, deadline](boost::system::error_code) {
      if (server_.connections() == 0 || std::chrono::steady_clock::now() >= deadline)
        cut_off();
      else
        wait_until(deadline);
    });
  }

  void cut_off() {
    server_.abort();
    context_.ask.stop();
    context_.bulk_submits.close();
    work_.reset();
  }

  const gateway_options options_;
  gateway_context context_;
  api api_;
  server server_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::optional<asio::steady_timer> look_again_;
  std::thread thread_;
};

gateway::gateway(caf::actor_system& system, engine_actor engine, gateway_options options)
    : impl_(std::make_unique<impl>(system, std::move(engine), std::move(options))) {}

gateway::~gateway() = default;

void gateway::stop(std::chrono::milliseconds deadline) {
  impl_->stop(deadline);
}

std::size_t gateway::connections() const {
  return impl_->connections();
}

} // namespace bellhop
