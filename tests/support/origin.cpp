#include <utility>
// Boost.Asio 1.74 needs <utility> first with g++ 12 and C++20.
#include "tests/support/certificate.hpp"
#include "tests/support/origin.hpp"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <list>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <poll.h>
#include <sys/socket.h>

namespace bellhop::test {

namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using tcp = asio::ip::tcp;

/// Ends a handler, and its connection with it.
struct gone : std::runtime_error {
  gone() : std::runtime_error("the connection has gone") {}
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

origin::request parse_request(std::string_view text) {
  origin::request parsed;
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
    const auto value = line.find_first_not_of(' ', colon + 1);
    parsed.headers.emplace_back(line.substr(0, colon), value == line.npos ? "" : line.substr(value));
  }
  return parsed;
}

} // namespace

class origin::server {
public:
  explicit server(const options& wanted)
      : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}), port_(acceptor_.local_endpoint().port()) {
    if (wanted.tls)
      prepare_tls(wanted);
    thread_ = std::thread{[this] { accept_loop(); }};
  }

  ~server() {
    stopping_ = true;
    // A blocking accept is not woken by a close from outside, but by a connection.
    {
      asio::io_context io;
      tcp::socket knock{io};
      boost::system::error_code ignored;
      knock.connect({asio::ip::address_v4::loopback(), port_}, ignored);
    }
    thread_.join();
    for (auto& worker : workers_) {
      worker.interrupt();
      worker.thread.join();
    }
  }

  struct worker {
    explicit worker(tcp::socket s) : socket(std::move(s)) {}

    /// Makes whatever its thread does with the socket end.
    void interrupt() {
      const std::lock_guard guard{closing};
      if (socket.is_open())
        ::shutdown(socket.native_handle(), SHUT_RDWR);
    }
    void close() {
      const std::lock_guard guard{closing};
      boost::system::error_code ignored;
      socket.close(ignored);
    }
    /// Until the peer has closed too.
    void drain() {
      std::array<char, 4096> dropped;
      boost::system::error_code failed;
      while (!failed)
        socket.read_some(asio::buffer(dropped), failed);
    }

    tcp::socket socket;
    std::mutex closing;
    std::thread thread;
  };

  class link;

  void prepare_tls(const options&);
  void accept_loop();
  void serve(worker&, std::size_t number);
  void serve_requests(link&, std::size_t number);
  handler handler_of(std::string_view target) const;

  asio::io_context io_;
  tcp::acceptor acceptor_;
  const std::uint16_t port_;
  std::optional<ssl::context> tls_;
  std::string certificate_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
  std::list<worker> workers_;

  mutable std::mutex mutex_;
  std::map<std::string, handler, std::less<>> handlers_;
  std::vector<request> requests_;
  std::size_t connections_ = 0;
};

/// One connection, in the clear or not.
class origin::server::link : public origin::connection {
public:
  link(worker& peer, ssl::context* tls, const std::atomic<bool>& stopping)
      : peer_(peer), socket_(peer.socket), stopping_(stopping) {
    if (tls == nullptr)
      return;
    stream_.emplace(socket_, *tls);
    boost::system::error_code failed;
    stream_->handshake(ssl::stream_base::server, failed);
    open_ = !failed;
  }

  bool open() const noexcept { return open_; }

  /// Up to and with the empty line; nothing when the peer has closed.
  std::optional<std::string> read_head() {
    boost::system::error_code failed;
    const auto size = stream_ ? asio::read_until(*stream_, asio::dynamic_buffer(input_), "\r\n\r\n", failed)
                              : asio::read_until(socket_, asio::dynamic_buffer(input_), "\r\n\r\n", failed);
    if (failed)
      return {};
    auto head = input_.substr(0, size);
    input_.erase(0, size);
    return head;
  }

  void send(std::string_view bytes) override {
    boost::system::error_code failed;
    if (stream_)
      asio::write(*stream_, asio::buffer(bytes), failed);
    else
      asio::write(socket_, asio::buffer(bytes), failed);
    if (failed)
      leave();
  }

  void stall() override {
    wait_until([] { return false; });
  }

  void wait_until(const std::function<bool()>& ready) override {
    while (!ready()) {
      pollfd peer{socket_.native_handle(), POLLRDHUP, 0};
      if (stopping_ || ::poll(&peer, 1, 5) > 0)
        leave();
    }
  }

  void reset() override {
    socket_.set_option(tcp::socket::linger{true, 0});
    open_ = false;
    peer_.close();
  }

  void close() override {
    boost::system::error_code ignored;
    if (stream_ && open_)
      stream_->shutdown(ignored);
    open_ = false;
    // First what is on its way, then the end: a close with unread input would be a reset.
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }

private:
  [[noreturn]] void leave() {
    open_ = false;
    throw gone{};
  }

  worker& peer_;
  tcp::socket& socket_;
  const std::atomic<bool>& stopping_;
  std::optional<ssl::stream<tcp::socket&>> stream_;
  std::string input_;
  bool open_ = true;
};

void origin::server::prepare_tls(const options& wanted) {
  const auto name = wanted.certificate_name.empty() ? "127.0.0.1" : wanted.certificate_name;
  const auto made = make_certificate(name, wanted.certificate_expired);
  certificate_ = made.certificate;
  tls_.emplace(ssl::context::tls_server);
  tls_->use_certificate_chain(asio::buffer(made.certificate));
  tls_->use_private_key(asio::buffer(made.key), ssl::context::pem);
}

void origin::server::accept_loop() {
  while (true) {
    boost::system::error_code failed;
    tcp::socket socket{io_};
    acceptor_.accept(socket, failed);
    if (stopping_)
      return;
    if (failed)
      continue;
    socket.set_option(tcp::no_delay{true}, failed);
    std::size_t number = 0;
    {
      const std::lock_guard guard{mutex_};
      number = ++connections_;
    }
    auto& added = workers_.emplace_back(std::move(socket));
    added.thread = std::thread{[this, &added, number] { serve(added, number); }};
  }
}

void origin::server::serve(worker& peer, std::size_t number) {
  {
    link connection{peer, tls_ ? &*tls_ : nullptr, stopping_};
    try {
      serve_requests(connection, number);
      if (connection.open())
        connection.close();
    } catch (const gone&) {
      // The test's client may leave whenever it likes.
      peer.interrupt();
    }
  }
  if (peer.socket.is_open())
    peer.drain();
  peer.close();
}

void origin::server::serve_requests(link& connection, std::size_t number) {
  while (connection.open() && !stopping_) {
    const auto head = connection.read_head();
    if (!head)
      return;
    auto received = parse_request(*head);
    received.connection = number;
    {
      const std::lock_guard guard{mutex_};
      requests_.push_back(received);
    }
    handler_of(received.target)(received, connection);
  }
}

origin::handler origin::server::handler_of(std::string_view target) const {
  const std::lock_guard guard{mutex_};
  const auto found = handlers_.find(target.substr(0, target.find('?')));
  return found == handlers_.end() ? serve::response("404 Not Found", "no such path") : found->second;
}

origin::origin(options wanted) : server_(std::make_unique<server>(wanted)) {}
origin::~origin() = default;

void origin::on(std::string path, handler h) {
  const std::lock_guard guard{server_->mutex_};
  server_->handlers_.insert_or_assign(std::move(path), std::move(h));
}

std::string origin::url(std::string_view path) const {
  return fmt::format("{}://127.0.0.1:{}{}", server_->tls_ ? "https" : "http", server_->port_, path);
}

std::uint16_t origin::port() const noexcept {
  return server_->port_;
}

std::string origin::certificate() const {
  return server_->certificate_;
}

std::vector<origin::request> origin::requests() const {
  const std::lock_guard guard{server_->mutex_};
  return server_->requests_;
}

std::size_t origin::connections() const {
  const std::lock_guard guard{server_->mutex_};
  return server_->connections_;
}

std::optional<std::string> origin::request::header(std::string_view name) const {
  const auto found = std::ranges::find_if(headers, [&](const auto& h) { return equal_ignoring_case(h.first, name); });
  return found == headers.end() ? std::nullopt : std::optional{found->second};
}

void allowance::refill(std::size_t bytes) {
  const std::lock_guard guard{mutex_};
  left_ = bytes;
}

void allowance::lift() {
  refill(std::numeric_limits<std::size_t>::max());
}

std::size_t allowance::take(std::size_t wanted) {
  const std::lock_guard guard{mutex_};
  const auto given = std::min(wanted, left_);
  left_ -= given;
  taken_ += given;
  return given;
}

bool allowance::used_up() const {
  const std::lock_guard guard{mutex_};
  return left_ == 0;
}

std::size_t allowance::taken() const {
  const std::lock_guard guard{mutex_};
  return taken_;
}

namespace serve {

std::string head(std::string_view status, const std::vector<std::string>& lines) {
  auto text = fmt::format("HTTP/1.1 {}\r\n", status);
  for (const auto& line : lines)
    text.append(line).append("\r\n");
  return text.append("\r\n");
}

origin::handler raw(std::string bytes) {
  return [bytes = std::move(bytes)](const origin::request&, origin::connection& c) {
    c.send(bytes);
    c.close();
  };
}

origin::handler response(std::string_view status, std::string body, std::vector<std::string> lines) {
  lines.push_back(fmt::format("Content-Length: {}", body.size()));
  return [bytes = head(status, lines) + body](const origin::request&, origin::connection& c) { c.send(bytes); };
}

origin::handler redirect(std::string target, std::string_view status) {
  return response(status, "moved", {"Location: " + target});
}

namespace {

/// What an honest server answers to a request for a file, and which bytes of it follow.
struct answer {
  std::string head;
  std::size_t first = 0;
  std::size_t size = 0;
};

answer answer_for(const origin::request& r, std::size_t file_size, const std::string& etag) {
  std::vector<std::string> lines{"Accept-Ranges: bytes"};
  if (!etag.empty())
    lines.push_back("ETag: " + etag);
  const auto finish = [&](std::string_view status, std::size_t first, std::size_t size) {
    lines.push_back(fmt::format("Content-Length: {}", size));
    return answer{head(status, lines), first, size};
  };
  constexpr std::string_view unit = "bytes=";
  const auto range = r.header("Range");
  const auto validator = r.header("If-Range");
  if (!range || !range->starts_with(unit) || (validator && *validator != etag))
    return finish("200 OK", 0, file_size);
  std::size_t first = 0;
  std::size_t last = file_size - 1;
  const auto* const end = range->data() + range->size();
  const auto parsed = std::from_chars(range->data() + unit.size(), end, first);
  if (parsed.ptr + 1 < end)
    std::from_chars(parsed.ptr + 1, end, last);
  if (first >= file_size) {
    lines.push_back(fmt::format("Content-Range: bytes */{}", file_size));
    return finish("416 Range Not Satisfiable", 0, 0);
  }
  last = std::min(last, file_size - 1);
  lines.push_back(fmt::format("Content-Range: bytes {}-{}/{}", first, last, file_size));
  return finish("206 Partial Content", first, last - first + 1);
}

} // namespace

origin::handler file(std::string content, std::string etag) {
  return [content = std::move(content), etag = std::move(etag)](const origin::request& r, origin::connection& c) {
    const auto how = answer_for(r, content.size(), etag);
    c.send(how.head + content.substr(how.first, how.size));
  };
}

origin::handler file(std::string content, std::string etag, std::shared_ptr<allowance> allowed) {
  return [content = std::move(content), etag = std::move(etag), allowed = std::move(allowed)](const origin::request& r,
                                                                                              origin::connection& c) {
    const auto how = answer_for(r, content.size(), etag);
    c.send(how.head);
    for (auto left = std::string_view{content}.substr(how.first, how.size); !left.empty();) {
      c.wait_until([&] { return !allowed->used_up(); });
      const auto size = allowed->take(std::min<std::size_t>(left.size(), 16 * 1024));
      c.send(left.substr(0, size));
      left.remove_prefix(size);
    }
  };
}

origin::handler truncated(std::string content, std::size_t sent) {
  return raw(head("200 OK", {fmt::format("Content-Length: {}", content.size())}) + content.substr(0, sent));
}

std::string chunked(std::string_view content, std::size_t piece) {
  std::string coded;
  for (; !content.empty(); content.remove_prefix(std::min(piece, content.size()))) {
    const auto part = content.substr(0, piece);
    coded += fmt::format("{:x}\r\n{}\r\n", part.size(), part);
  }
  return coded + "0\r\n\r\n";
}

} // namespace serve

} // namespace bellhop::test
