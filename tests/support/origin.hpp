#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bellhop::test {

/// A scripted HTTP server on loopback: what it sends is raw bytes, so that it can lie, stall and break off at any
/// place.
///
/// Threads: every connection has its own, on which handlers run; all members may be called from any.
class origin {
public:
  struct request {
    std::string method;
    /// As received: path and query.
    std::string target;
    std::vector<std::pair<std::string, std::string>> headers;
    /// Counts the accepted connections from 1.
    std::size_t connection = 0;

    /// Case-insensitive.
    std::optional<std::string> header(std::string_view name) const;
  };

  /// The server's side of one connection. When the peer or the origin goes, each call throws, which ends the handler.
  class connection {
  public:
    virtual ~connection() = default;
    virtual void send(std::string_view bytes) = 0;
    /// Sends nothing until the peer closes or the origin stops.
    virtual void stall() = 0;
    /// The same, but goes on when `ready` says so; it is asked again and again.
    virtual void wait_until(const std::function<bool()>& ready) = 0;
    /// Breaks off with a TCP reset.
    virtual void reset() = 0;
    /// Ends the connection in order.
    virtual void close() = 0;
  };

  /// When it returns with the connection open, the next request is read from it.
  using handler = std::function<void(const request&, connection&)>;

  struct options {
    /// A private key and a self-signed certificate are made for 127.0.0.1.
    bool tls = false;
    /// In place of 127.0.0.1.
    std::string certificate_name{};
    bool certificate_expired = false;
  };

  explicit origin(options);
  origin() : origin(options{}) {}
  ~origin();

  origin(const origin&) = delete;
  origin& operator=(const origin&) = delete;

  /// For requests of this path, whatever their query; the last one given counts. Others get a 404.
  void on(std::string path, handler);
  /// `path` begins with a slash and may have a query.
  std::string url(std::string_view path) const;
  std::uint16_t port() const noexcept;
  /// The certificate in PEM, fit for a file of trusted certificates.
  std::string certificate() const;

  /// All that were received so far, in order.
  std::vector<request> requests() const;
  std::size_t connections() const;

private:
  class server;
  std::unique_ptr<server> server_;
};

/// How many bytes of a body a server may send. It stalls when they are used up, so that a test can stop a transfer at a
/// place of its choice for as long as it likes.
///
/// Threads: any.
class allowance {
public:
  explicit allowance(std::size_t bytes) : left_(bytes) {}

  /// As many as this from now on, whatever was left.
  void refill(std::size_t bytes);
  /// No bound any more.
  void lift();

  /// At most `wanted`; 0 when all are used up.
  std::size_t take(std::size_t wanted);
  bool used_up() const;
  /// All that were ever taken.
  std::size_t taken() const;

private:
  mutable std::mutex mutex_;
  std::size_t left_;
  std::size_t taken_ = 0;
};

/// Ready-made handlers.
namespace serve {

/// "HTTP/1.1 <status>", the given header lines (each without line end), and an empty line.
std::string head(std::string_view status, const std::vector<std::string>& lines = {});

/// Bytes as they are; then the connection is closed.
origin::handler raw(std::string bytes);
/// A whole response with its Content-Length.
origin::handler response(std::string_view status, std::string body, std::vector<std::string> lines = {});
origin::handler redirect(std::string target, std::string_view status = "302 Found");
/// An honest file: Range, If-Range, ETag (with its quotes; may be empty), Last-Modified not sent.
origin::handler file(std::string content, std::string etag);
/// The same, as far as allowed.
origin::handler file(std::string content, std::string etag, std::shared_ptr<allowance>);
/// Announces the whole and ends after `sent` bytes of the body.
origin::handler truncated(std::string content, std::size_t sent);
/// The chunked coding of `content` in pieces of `piece` bytes, with the last chunk.
std::string chunked(std::string_view content, std::size_t piece);

} // namespace serve

} // namespace bellhop::test
