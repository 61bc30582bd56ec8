#include "tests/support/nginx.hpp"

#include "tests/support/certificate.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bellhop::test {

namespace {

namespace fs = boost::filesystem;
using tcp = boost::asio::ip::tcp;

std::uint16_t free_port() {
  boost::asio::io_context io;
  const tcp::acceptor acceptor{io, {boost::asio::ip::address_v4::loopback(), 0}};
  return acceptor.local_endpoint().port();
}

fs::path find_nginx() {
  for (const char* candidate : {"/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"})
    if (fs::exists(candidate))
      return candidate;
  throw std::runtime_error("nginx is not installed");
}

std::string contents(const fs::path& file) {
  std::ifstream in{file.string()};
  return {std::istreambuf_iterator<char>{in}, {}};
}

constexpr auto configuration = R"(
daemon off;
master_process off;
worker_processes 1;
pid {0}/pid;
error_log {0}/error.log;
events {{ worker_connections 4096; }}
http {{
  log_format test '$status $body_bytes_sent "$http_range" $request_method $request_uri';
  access_log {0}/access.log test;
  client_body_temp_path {0}/tmp;
  proxy_temp_path {0}/tmp;
  fastcgi_temp_path {0}/tmp;
  uwsgi_temp_path {0}/tmp;
  scgi_temp_path {0}/tmp;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=20000;
  keepalive_requests 1000000;
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{1} backlog=4096{4};
    root {0}/root;
    {2}
    {3}
  }}
}}
)";

} // namespace

nginx::nginx(options wanted) : options_(std::move(wanted)) {
  fs::create_directories(root());
  // Someone else may take the port between our look and nginx's bind.
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    write_configuration();
    launch();
    for (int look = 0; look < 500; ++look) {
      if (answers())
        return;
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    stop();
  }
  throw std::runtime_error("nginx does not start: " + contents(prefix_ / "error.log"));
}

nginx::~nginx() {
  stop();
}

void nginx::write_configuration() const {
  auto directives = options_.server_directives;
  if (options_.http2) {
    const auto made = make_certificate("127.0.0.1", false);
    std::ofstream{ca_file().string()} << made.certificate;
    std::ofstream{(prefix_ / "key.pem").string()} << made.key;
    directives += "ssl_certificate certificate.pem; ssl_certificate_key key.pem;";
  }
  const auto limit = options_.limit_rate.empty() ? "" : fmt::format("limit_rate {};", options_.limit_rate);
  std::ofstream{(prefix_ / "nginx.conf").string()} << fmt::format(configuration, prefix_.path().string(), port_, limit,
                                                                  directives, options_.http2 ? " ssl http2" : "");
}

void nginx::launch() {
  const auto program = find_nginx().string();
  const auto prefix = prefix_.path().string();
  const auto file = (prefix_ / "nginx.conf").string();
  const auto log = (prefix_ / "error.log").string();
  const auto parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0)
    throw std::runtime_error("fork failed");
  if (pid_ > 0)
    return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() == parent)
    ::execl(program.c_str(), "nginx", "-e", log.c_str(), "-p", prefix.c_str(), "-c", file.c_str(), nullptr);
  ::_exit(127);
}

void nginx::stop() noexcept {
  if (pid_ <= 0)
    return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool nginx::answers() const {
  boost::asio::io_context io;
  tcp::socket socket{io};
  boost::system::error_code failed;
  socket.connect({boost::asio::ip::address_v4::loopback(), port_}, failed);
  return !failed;
}

void nginx::put(std::string_view name, std::string_view content) {
  const auto file = root() / fs::path{std::string{name}};
  fs::create_directories(file.parent_path());
  std::ofstream{file.string(), std::ios::binary}.write(content.data(), static_cast<std::streamsize>(content.size()));
}

std::string nginx::url(std::string_view path) const {
  return fmt::format("{}://127.0.0.1:{}{}", options_.http2 ? "https" : "http", port_, path);
}

std::vector<std::string> nginx::access_log() const {
  std::ifstream in{(prefix_ / "access.log").string()};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

} // namespace bellhop::test
