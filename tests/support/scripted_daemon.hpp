#pragma once

#include <boost/filesystem/path.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bellhop::test {

/// A stand-in for bellhopd: an HTTP server on a Unix socket that does with each request what the test says. Its
/// destructor breaks off all connections at once, as SIGKILL would; another one may then listen at the same place.
///
/// Threads: every connection has its own, on which the handler runs; all members may be called from any.
class scripted_daemon {
public:
  struct request {
    std::string method;
    /// Path and query.
    std::string target;
    /// Names in lower case.
    std::map<std::string, std::string> headers;
    std::string body;
    /// Counts the accepted connections from 1.
    std::size_t connection = 0;
  };

  /// The server's side of one connection. When the peer or the server goes, each call throws, which ends the handler.
  class connection {
  public:
    virtual ~connection() = default;
    virtual void send(std::string_view bytes) = 0;
    /// Goes on when `ready` says so; it is asked again and again.
    virtual void wait_until(const std::function<bool()>& ready) = 0;
    /// Ends the connection and the handler.
    [[noreturn]] virtual void close() = 0;

    /// A whole answer.
    void answer(int status, const std::string& body, const std::string& type = "application/json");
    void problem(int status, const std::string& code, const std::string& detail);
    /// The head of a stream of events, which ends with the connection.
    void begin_stream();
    void event(const std::string& type, const std::string& data);
  };

  using handler = std::function<void(const request&, connection&)>;

  scripted_daemon(const boost::filesystem::path& socket, handler);
  ~scripted_daemon();
  scripted_daemon(const scripted_daemon&) = delete;
  scripted_daemon& operator=(const scripted_daemon&) = delete;

  /// All that were received so far, in order.
  std::vector<request> requests() const;

private:
  class server;
  std::unique_ptr<server> server_;
};

} // namespace bellhop::test
