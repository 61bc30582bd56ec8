#pragma once

#include <boost/filesystem/path.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bellhop::test {

/// What a server has said.
struct http_answer {
  int status = 0;
  std::string head;
  std::string body;

  /// Empty if there is none.
  std::string header(std::string_view name) const;
  nlohmann::json json() const;
};

/// One connection, byte by byte as the test wants it. What does not come in a long time throws.
class raw_client {
public:
  explicit raw_client(const boost::filesystem::path& socket);
  explicit raw_client(std::uint16_t loopback_port);
  ~raw_client();
  raw_client(raw_client&&) noexcept;
  raw_client& operator=(raw_client&&) = delete;

  /// A peer that does not listen any more is no error.
  void send(std::string_view bytes);
  /// No more will be sent.
  void end_sending();
  /// The next answer; throws std::runtime_error when the connection ends before it is whole.
  http_answer read_answer(bool to_head = false);
  http_answer read_head();
  /// What follows a head.
  void read_body(http_answer&);
  /// What comes next; empty when the peer has closed.
  std::string read_some();
  /// The next line, without its end; none when the peer has closed.
  std::optional<std::string> read_line();
  /// Read again by the next call.
  void put_back(std::string_view bytes) { buffer_.insert(0, bytes); }
  /// Everything until the peer closes.
  std::string read_to_end();

  http_answer ask(std::string_view method, std::string_view target, std::string_view body = {},
                  const std::vector<std::string>& header_lines = {});

private:
  std::string take(std::size_t size);

  int fd_ = -1;
  std::string buffer_;
};

/// "METHOD target HTTP/1.1", the Host, the lines, and the body with its length.
std::string http_request_text(std::string_view method, std::string_view target, std::string_view body = {},
                              const std::vector<std::string>& header_lines = {}, std::string_view host = "bellhop");

/// A stream of server-sent events.
class sse_client {
public:
  struct message {
    std::string id;
    std::string event;
    std::string data;
    nlohmann::json json() const { return nlohmann::json::parse(data); }
  };

  /// Asks at once; `status` says how it went.
  sse_client(const boost::filesystem::path& socket, const std::string& target,
             std::vector<std::string> header_lines = {});

  int status() const noexcept { return head_.status; }
  const http_answer& head() const noexcept { return head_; }
  /// The next message; none when the stream has ended.
  std::optional<message> next();
  /// The next one of this kind; others are passed over. Throws when the stream ends before.
  message next_of(std::string_view event);
  /// The next so many that have an id.
  std::vector<std::uint64_t> next_ids(std::size_t count);
  /// Until a comment comes; false when the stream ends before.
  bool wait_for_comment();

private:
  std::optional<std::string> line();

  raw_client connection_;
  http_answer head_;
  /// Of the chunked coding.
  std::string text_;
  bool ended_ = false;
};

} // namespace bellhop::test
