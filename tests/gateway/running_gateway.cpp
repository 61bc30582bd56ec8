#include "tests/gateway/running_gateway.hpp"

#include "actors/engine.hpp"
#include "gateway/gateway.hpp"
#include "gateway/routes.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstring>
#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace bellhop::test {

namespace {

int listen_on(const boost::filesystem::path& file) {
  ::unlink(file.c_str());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, file.c_str(), sizeof address.sun_path - 1);
  if (::bind(fd, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 1024) != 0)
    throw std::runtime_error("cannot listen on " + file.string());
  // What is tested is the check of the peer, not the file's mode.
  ::chmod(file.c_str(), 0777);
  return fd;
}

int listen_on_loopback(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<const ::sockaddr*>(&address), size) != 0 || ::listen(fd, 1024) != 0 ||
      ::getsockname(fd, reinterpret_cast<::sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("cannot listen on loopback");
  port = ntohs(address.sin_port);
  return fd;
}

struct system_config : caf::actor_system_config {
  system_config() { configure(*this); }
};

} // namespace

struct running_gateway::parts {
  system_config config;
  caf::actor_system system{config};
  engine_actor engine;
  std::unique_ptr<gateway> api;
};

running_gateway::running_gateway(const gateway_limits& limits) : limits_(limits) {
  ::chmod(folder_.path().c_str(), 0755);
  start();
}

running_gateway::~running_gateway() {
  end_engine();
}

void running_gateway::start() {
  parts_ = std::make_unique<parts>();
  engine_options settings;
  settings.state = folder_ / "state";
  settings.metrics = std::make_shared<engine_metrics>();
  parts_->engine = open_engine(parts_->system, settings);
  gateway_options options;
  options.unix_listener = listen_on(socket());
  options.tcp_listener = listen_on_loopback(port_);
  options.token = token();
  options.limits = limits_;
  options.spool_directory = folder_.path();
  options.metrics = settings.metrics;
  parts_->api = std::make_unique<gateway>(parts_->system, parts_->engine, std::move(options));
  caf::scoped_actor self{parts_->system};
  self->request(parts_->engine, caf::infinite, start_atom_v)
      .receive([](std::uint64_t) {}, [](const caf::error&) { throw std::runtime_error("the engine does not start"); });
}

void running_gateway::stop(std::chrono::milliseconds deadline) {
  parts_->api->stop(deadline);
}

void running_gateway::end_engine() {
  parts_->api.reset();
  {
    caf::scoped_actor self{parts_->system};
    self->request(parts_->engine, caf::infinite, shutdown_atom_v, caf::timespan{std::chrono::seconds{30}})
        .receive([] {}, [](const caf::error&) {});
  }
  parts_->engine = nullptr;
  parts_.reset();
}

void running_gateway::restart() {
  end_engine();
  start();
}

std::string all_routes_as_text() {
  std::string text;
  for (const auto& each : routes())
    text += std::string{each.method} + " " + std::string{each.path} + "\n";
  return text;
}

} // namespace bellhop::test
