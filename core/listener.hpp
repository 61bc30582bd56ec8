#pragma once

#include "core/transfer.hpp"
#include "core/unique_fd.hpp"

#include <cstdint>
#include <string>

#include <sys/un.h>

namespace bellhop {

/// The address of a Unix socket. Throws `failure` (invalid_argument) for a path that is longer than such an address may
/// be (107 bytes).
sockaddr_un unix_address(const path& socket);

/// A Unix socket that listens, and its file, which only this user may connect to. The file goes with this object unless
/// another listener has taken its name since.
class unix_listener {
public:
  /// Makes the socket, and its folder (0700) if there is none. A file that nobody answers at is replaced: for an owner
  /// of the state directory. Throws `failure`: `state_in_use` when somebody answers there, `invalid_argument` when
  /// there is another kind of file, or why it cannot be made.
  explicit unix_listener(const path& socket);
  ~unix_listener();
  unix_listener(const unix_listener&) = delete;
  unix_listener& operator=(const unix_listener&) = delete;

  const path& where() const noexcept { return where_; }
  /// Gives the descriptor away; once.
  unique_fd release() noexcept { return std::move(fd_); }

private:
  path where_;
  unique_fd fd_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// A TCP socket that listens on this machine's loopback.
struct tcp_listener {
  unique_fd fd;
  /// As it really is, "127.0.0.1:8080".
  std::string address;
};

/// "127.0.0.1:PORT", "[::1]:PORT" or "localhost:PORT"; with port 0 a free one is taken. Throws `failure`
/// (invalid_argument) for what is no loopback address, or when it cannot be had.
tcp_listener listen_on_loopback(const std::string& address);

/// Whether a socket that was handed over is bound to loopback.
bool is_on_loopback(int socket) noexcept;

} // namespace bellhop
