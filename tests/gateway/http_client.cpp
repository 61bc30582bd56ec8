#include "tests/gateway/http_client.hpp"

#include "core/text.hpp"

#include <cstring>
#include <stdexcept>
#include <utility>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace bellhop::test {

namespace {

/// Long enough for a busy machine and sanitizers.
constexpr int patience_ms = 120'000;

void connect_or_throw(int fd, const ::sockaddr* address, ::socklen_t size) {
  if (::connect(fd, address, size) != 0)
    throw std::runtime_error(std::string{"cannot connect: "} + std::strerror(errno));
}

} // namespace

std::string http_answer::header(std::string_view name) const {
  std::size_t at = head.find("\r\n");
  while (at != head.npos && at + 2 < head.size()) {
    const auto begin = at + 2;
    at = head.find("\r\n", begin);
    const std::string_view line{head.data() + begin, at - begin};
    const auto colon = line.find(':');
    if (colon != line.npos && equals_ignoring_case(line.substr(0, colon), name))
      return std::string{trimmed(line.substr(colon + 1))};
  }
  return {};
}

nlohmann::json http_answer::json() const {
  return nlohmann::json::parse(body);
}

raw_client::raw_client(const boost::filesystem::path& socket) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  connect_or_throw(fd_, reinterpret_cast<const ::sockaddr*>(&address), sizeof address);
}

raw_client::raw_client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  connect_or_throw(fd_, reinterpret_cast<const ::sockaddr*>(&address), sizeof address);
}

raw_client::~raw_client() {
  if (fd_ >= 0)
    ::close(fd_);
}

raw_client::raw_client(raw_client&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}

void raw_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void raw_client::end_sending() {
  ::shutdown(fd_, SHUT_WR);
}

std::string raw_client::read_some() {
  if (!buffer_.empty())
    return std::exchange(buffer_, {});
  ::pollfd wanted{fd_, POLLIN, 0};
  if (::poll(&wanted, 1, patience_ms) <= 0)
    throw std::runtime_error("nothing came from the server");
  std::string bytes(65536, '\0');
  const auto got = ::recv(fd_, bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

std::string raw_client::read_to_end() {
  std::string all;
  for (auto some = read_some(); !some.empty(); some = read_some())
    all += some;
  return all;
}

std::optional<std::string> raw_client::read_line() {
  for (;;) {
    if (const auto end = buffer_.find("\r\n"); end != buffer_.npos) {
      auto line = buffer_.substr(0, end);
      buffer_.erase(0, end + 2);
      return line;
    }
    auto have = std::exchange(buffer_, {});
    const auto more = read_some();
    if (more.empty())
      return std::nullopt;
    buffer_ = have + more;
  }
}

std::string raw_client::take(std::size_t size) {
  while (buffer_.size() < size) {
    auto have = std::exchange(buffer_, {});
    const auto more = read_some();
    if (more.empty())
      throw std::runtime_error("the connection ended within a body");
    buffer_ = have + more;
  }
  auto result = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return result;
}

http_answer raw_client::read_head() {
  http_answer result;
  for (auto line = read_line();; line = read_line()) {
    if (!line)
      throw std::runtime_error("the connection ended within a head: " + result.head);
    if (line->empty())
      break;
    result.head += *line + "\r\n";
  }
  result.status = std::stoi(result.head.substr(9, 3));
  return result;
}

http_answer raw_client::read_answer(bool to_head) {
  auto result = read_head();
  if (!to_head && result.status != 204 && result.status != 100)
    read_body(result);
  return result;
}

void raw_client::read_body(http_answer& result) {
  if (result.header("Transfer-Encoding") == "chunked") {
    for (;;) {
      const auto size = std::stoul(read_line().value(), nullptr, 16);
      result.body += take(size);
      take(2);
      if (size == 0)
        return;
    }
  }
  if (const auto length = result.header("Content-Length"); !length.empty())
    result.body = take(std::stoul(length));
  else
    result.body = read_to_end();
}

http_answer raw_client::ask(std::string_view method, std::string_view target, std::string_view body,
                            const std::vector<std::string>& header_lines) {
  send(http_request_text(method, target, body, header_lines));
  return read_answer(method == "HEAD");
}

std::string http_request_text(std::string_view method, std::string_view target, std::string_view body,
                              const std::vector<std::string>& header_lines, std::string_view host) {
  std::string text =
      std::string{method} + " " + std::string{target} + " HTTP/1.1\r\nHost: " + std::string{host} + "\r\n";
  for (const auto& line : header_lines)
    text += line + "\r\n";
  if (!body.empty())
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + std::string{body};
}

sse_client::sse_client(const boost::filesystem::path& socket, const std::string& target,
                       std::vector<std::string> header_lines)
    : connection_(socket) {
  header_lines.push_back("Accept: text/event-stream");
  // A refusal is read to its end; a stream has none.
  header_lines.push_back("Connection: close");
  connection_.send(http_request_text("GET", target, {}, header_lines));
  head_ = connection_.read_head();
  if (head_.status != 200)
    connection_.read_body(head_);
}

std::optional<std::string> sse_client::line() {
  for (;;) {
    if (const auto end = text_.find('\n'); end != text_.npos) {
      auto result = text_.substr(0, end);
      text_.erase(0, end + 1);
      return result;
    }
    if (ended_)
      return std::nullopt;
    const auto size = connection_.read_line();
    const auto length = size && !size->empty() ? std::stoul(*size, nullptr, 16) : 0;
    ended_ = length == 0;
    if (ended_)
      continue;
    std::string chunk;
    while (chunk.size() < length + 2) {
      const auto more = connection_.read_some();
      ended_ = more.empty();
      if (ended_)
        break;
      chunk += more;
    }
    if (chunk.size() > length + 2)
      connection_.put_back(chunk.substr(length + 2));
    text_ += chunk.substr(0, length);
  }
}

std::optional<sse_client::message> sse_client::next() {
  message result;
  while (auto text = line()) {
    if (text->empty()) {
      if (!result.event.empty())
        return result;
      continue;
    }
    if (text->starts_with("id: "))
      result.id = text->substr(4);
    else if (text->starts_with("event: "))
      result.event = text->substr(7);
    else if (text->starts_with("data: "))
      result.data = text->substr(6);
  }
  return std::nullopt;
}

bool sse_client::wait_for_comment() {
  while (const auto text = line())
    if (text->starts_with(":"))
      return true;
  return false;
}

sse_client::message sse_client::next_of(std::string_view event) {
  while (auto found = next())
    if (found->event == event)
      return *found;
  throw std::runtime_error("the stream ended before " + std::string{event});
}

std::vector<std::uint64_t> sse_client::next_ids(std::size_t count) {
  std::vector<std::uint64_t> ids;
  while (ids.size() < count) {
    const auto found = next();
    if (!found)
      throw std::runtime_error("the stream ended after " + std::to_string(ids.size()) + " events");
    if (!found->id.empty())
      ids.push_back(std::stoull(found->id));
  }
  return ids;
}

} // namespace bellhop::test
