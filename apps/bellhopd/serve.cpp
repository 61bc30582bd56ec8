#include "apps/bellhopd/serve.hpp"

#include "actors/engine.hpp"
#include "actors/errors.hpp"
#include "apps/bellhopd/service_manager.hpp"
#include "core/listener.hpp"
#include "core/text.hpp"
#include "core/token_file.hpp"
#include "gateway/gateway.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace bellhop::daemon {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

/// What a service manager's socket is bound to; empty for one without a name.
path bound_path(int socket) {
  sockaddr_un address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    return {};
  return path{std::string{address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path)}};
}

void log_launch(const std::string& session, const launch_status& now) {
  switch (now.state) {
  case launch_state::none:
    return log_info(fmt::format("the program of the session {} is done or not needed", session));
  case launch_state::running:
    if (now.pid != 0)
      log_info(fmt::format("the program of the session {} runs as process {}", session, now.pid));
    return;
  case launch_state::backing_off:
    return log_warning(fmt::format("the program of the session {} is started again at {} (failures: {}): {}", session,
                                   to_rfc3339(now.next_at), now.failures, now.last_error.message));
  }
}

/// What the engine tells and counts. Any thread.
struct observations {
  std::shared_ptr<engine_metrics> metrics = std::make_shared<engine_metrics>();
  /// Transfers that have ended since the start, by how.
  std::array<std::atomic<std::uint64_t>, 4> ends{};

  void add(const event& e) {
    ++ends.at(static_cast<std::size_t>(e.type));
    if (e.type == event_type::failed)
      log_debug(fmt::format("transfer {} of the session {} failed: {}", e.transfer.value, e.session, e.why.message));
  }
  std::uint64_t of(event_type type) const { return ends.at(static_cast<std::size_t>(type)); }
};

// -- the engine -------------------------------------------------------------------------------------------------------

struct actor_configuration : caf::actor_system_config {
  actor_configuration() { configure(*this); }
};

/// The engine with its actors; its end is in order.
class running_engine {
public:
  explicit running_engine(const engine_options& options)
      : system_(actors_), self_(system_), engine_(open_engine(system_, options)) {}
  ~running_engine() { stop(std::chrono::seconds{10}); }
  running_engine(const running_engine&) = delete;
  running_engine& operator=(const running_engine&) = delete;

  caf::actor_system& system() noexcept { return system_; }
  const engine_actor& handle() const noexcept { return engine_; }

  /// Lets all sessions go on; how many there are.
  std::uint64_t start_sessions() { return ask<std::uint64_t>(start_atom_v); }
  std::vector<session_summary> sessions() { return ask<std::vector<session_summary>>(sessions_atom_v); }
  void limit(const engine_limits& limits) { caf::anon_send(engine_, limits_atom_v, limits); }

  /// Idempotent.
  void stop(milliseconds deadline) noexcept {
    if (std::exchange(stopped_, true))
      return;
    self_->request(engine_, caf::infinite, shutdown_atom_v, caf::timespan{deadline})
        .receive([] {}, [](const caf::error& why) { log_error("stopping: " + from_caf(why).message); });
    engine_ = nullptr;
  }

private:
  template <class T, class Atom>
  T ask(Atom what) {
    T answer{};
    error refused;
    self_->request(engine_, caf::infinite, what)
        .receive([&](T& given) { answer = std::move(given); }, [&](const caf::error& why) { refused = from_caf(why); });
    if (refused)
      throw failure{refused};
    return answer;
  }

  actor_configuration actors_;
  caf::actor_system system_;
  caf::scoped_actor self_;
  engine_actor engine_;
  bool stopped_ = false;
};

engine_options engine_options_of(const options& o, const configuration& said, path socket,
                                 const std::shared_ptr<observations>& observed) {
  engine_options result;
  result.metrics = observed->metrics;
  result.state = o.state;
  result.network.limits = said.limits;
  result.durable = o.durable;
  result.launches = true;
  result.socket = std::move(socket);
  result.launch_changed = log_launch;
  result.session_opened = [](const std::string& session) { log_info("opened the session " + session); };
  result.transfer_ended = [observed](const event& e) { observed->add(e); };
  return result;
}

// -- where it listens -------------------------------------------------------------------------------------------------

/// The sockets that clients come by: passed, or its own.
class entrances {
public:
  entrances(const options&, passed_sockets);

  /// For people.
  const std::string& where() const noexcept { return where_; }

  /// Gives the sockets away; once.
  void give(gateway_options&);

  /// Nobody finds the socket any more that is our own.
  void close() noexcept { own_.reset(); }

private:
  void listen_on(const std::string& address);

  std::optional<unix_listener> own_;
  passed_sockets sockets_;
  std::string token_;
  std::string where_;
};

entrances::entrances(const options& o, passed_sockets passed) : sockets_(std::move(passed)) {
  if (!sockets_.unix_socket) {
    own_.emplace(o.socket);
    sockets_.unix_socket = own_->release();
  }
  where_ = in_quotes(bound_path(sockets_.unix_socket.get()).native(), 200);
  if (!o.listen.empty()) {
    if (sockets_.tcp_socket)
      throw failure{errc::invalid_argument,
                    "--listen: the service manager has passed a TCP socket already; leave it away"};
    listen_on(o.listen);
  }
  if (sockets_.tcp_socket)
    token_ = read_or_make_token(o.token_file);
}

void entrances::listen_on(const std::string& address) {
  try {
    auto listener = listen_on_loopback(address);
    where_ += " and " + listener.address;
    sockets_.tcp_socket = std::move(listener.fd);
  } catch (const failure& why) {
    throw failure{why.why().code, fmt::format("--listen: {}", why.what())};
  }
}

void entrances::give(gateway_options& to) {
  to.unix_listener = sockets_.unix_socket.release();
  to.tcp_listener = sockets_.tcp_socket.release();
  to.token = token_;
}

// -- its life ---------------------------------------------------------------------------------------------------------

/// Work that goes on by itself, or news whose program is being started: a reason to stay.
bool has_work(const session_summary& session) {
  const auto& [record, counts] = session;
  const auto& settings = record.configuration;
  const bool launches = settings.kind == session_kind::background && settings.launches_on_events && settings.launch;
  return (counts.unfinished() > 0 && !record.paused) || (counts.unacknowledged_events > 0 && launches);
}

class service {
public:
  service(const options&, const configuration&, passed_sockets);

  void run(signals&, readiness&);

private:
  static path socket_of(const options&, const passed_sockets&);
  void announce(std::uint64_t sessions);
  bool goes_on(std::optional<int> signal);
  void reload();
  std::optional<milliseconds> until_idle_check() const;
  bool idle_for_long();
  void stop();

  const options& options_;
  configuration configuration_;
  std::shared_ptr<observations> observed_ = std::make_shared<observations>();
  running_engine engine_;
  entrances entrances_;
  std::unique_ptr<gateway> gateway_;
  steady::time_point busy_at_ = steady::now();
};

/// The state directory first: who has that may replace the socket of a daemon that was killed.
service::service(const options& o, const configuration& said, passed_sockets passed)
    : options_(o), configuration_(said), engine_(engine_options_of(o, said, socket_of(o, passed), observed_)),
      entrances_(o, std::move(passed)) {
  gateway_options wanted;
  entrances_.give(wanted);
  wanted.log = log_warning;
  wanted.metrics = observed_->metrics;
  gateway_ = std::make_unique<gateway>(engine_.system(), engine_.handle(), std::move(wanted));
}

path service::socket_of(const options& o, const passed_sockets& passed) {
  return passed.unix_socket ? bound_path(passed.unix_socket.get()) : o.socket;
}

void service::run(signals& from_outside, readiness& background) {
  if (options_.background)
    log_to_file(options_.state / "bellhopd.log");
  announce(engine_.start_sessions());
  background.tell();
  while (goes_on(from_outside.next(until_idle_check()))) {
  }
  stop();
}

bool service::goes_on(std::optional<int> signal) {
  if (signal == SIGHUP) {
    reload();
    return true;
  }
  if (signal) {
    log_info(fmt::format("stopping: got signal {} ({}); another one ends it at once", *signal, ::strsignal(*signal)));
    return false;
  }
  if (!options_.exit_when_idle || !idle_for_long())
    return true;
  log_info("stopping: there was nothing to do for long enough");
  return false;
}

void service::announce(std::uint64_t sessions) {
  log_info(fmt::format("bellhopd {} is process {}, keeps its state in {}, listens at {}; sessions: {}", BELLHOP_VERSION,
                       ::getpid(), in_quotes(options_.state.native(), 400), entrances_.where(), sessions));
  tell_ready("Listening at " + entrances_.where());
}

void service::reload() {
  tell_reloading();
  try {
    configuration_ = read_configuration(options_.config, options_.config_named);
    engine_.limit(configuration_.limits);
    set_log_level(options_.level.value_or(configuration_.level.value_or(log_level::info)));
    log_info(fmt::format("read the configuration again: max_active {}", configuration_.limits.max_active));
  } catch (const failure& why) {
    log_error(fmt::format("{}; what was set before stays", why.what()));
  }
  tell_ready("Listening at " + entrances_.where());
}

/// Looked at a few times within the time, not at each end of a transfer.
std::optional<milliseconds> service::until_idle_check() const {
  if (!options_.exit_when_idle)
    return std::nullopt;
  return std::clamp(*options_.exit_when_idle / 4, milliseconds{50}, milliseconds{std::chrono::minutes{1}});
}

bool service::idle_for_long() {
  const auto all = engine_.sessions();
  if (gateway_->connections() > 0 || std::any_of(all.begin(), all.end(), has_work))
    busy_at_ = steady::now();
  return steady::now() - busy_at_ >= *options_.exit_when_idle;
}

void service::stop() {
  const auto deadline = steady::now() + options_.shutdown_deadline;
  const auto left = [&] {
    return std::max(std::chrono::ceil<milliseconds>(deadline - steady::now()), milliseconds{1});
  };
  tell_stopping();
  signals::let_them_kill();
  // Who comes now starts the next one, which waits for the state directory.
  entrances_.close();
  gateway_->stop(left());
  engine_.stop(left());
  log_info(fmt::format("stopped; transfers completed: {}, failed: {}, cancelled: {}",
                       observed_->of(event_type::completed), observed_->of(event_type::failed),
                       observed_->of(event_type::cancelled)));
}

} // namespace

void serve(const options& o, configuration said, signals& from_outside, readiness background) {
  service{o, said, take_passed_sockets()}.run(from_outside, background);
}

} // namespace bellhop::daemon
