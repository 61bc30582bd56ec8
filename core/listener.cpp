#include "core/listener.hpp"

#include "core/daemon.hpp"
#include "core/system_error.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bellhop {

namespace {

[[noreturn]] void refuse(std::string message) {
  throw failure{errc::invalid_argument, std::move(message)};
}

// -- Unix -------------------------------------------------------------------------------------------------------------

/// The folder of the socket, open and locked: whoever looks whether a socket is alive, and replaces it, does so alone.
unique_fd lock_folder(const path& socket) {
  const auto folder = socket.parent_path();
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw_system_error(errc::file_io, "make the socket's folder", folder, errno);
  unique_fd fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd || ::flock(fd.get(), LOCK_EX) != 0)
    throw_system_error(errc::file_io, "open the socket's folder", folder, errno);
  return fd;
}

void remove_stale(const path& socket) {
  struct stat info {};
  if (::lstat(socket.c_str(), &info) != 0)
    return;
  if (!S_ISSOCK(info.st_mode))
    refuse(fmt::format("{} is there and is no socket: remove it, or choose another path for the socket",
                       in_quotes(socket.native(), 400)));
  if (daemon_listens(socket))
    throw failure{errc::state_in_use, fmt::format("another process listens at {}: stop it, or choose another path for "
                                                  "the socket",
                                                  in_quotes(socket.native(), 400))};
  ::unlink(socket.c_str());
}

// -- TCP --------------------------------------------------------------------------------------------------------------

bool is_loopback(const sockaddr_storage& address) noexcept {
  if (address.ss_family == AF_INET)
    return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24 == 127;
  return address.ss_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

/// Host and port of "host:port", the host without its brackets.
bool parse(std::string_view text, sockaddr_storage& out) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return false;
  std::string host{text.substr(0, colon)};
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [stopped, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (problem != std::errc{} || stopped != digits.data() + digits.size())
    return false;
  if (host == "localhost")
    host = "127.0.0.1";
  if (auto& v4 = reinterpret_cast<sockaddr_in&>(out); ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return true;
  }
  if (!host.starts_with('[') || !host.ends_with(']'))
    return false;
  host = host.substr(1, host.size() - 2);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return ::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1;
}

std::string to_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return fmt::format("[{}]:{}", text, ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  return fmt::format("{}:{}", text, ntohs(v4.sin_port));
}

socklen_t length_of(const sockaddr_storage& address) noexcept {
  return address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

bool bound_address(int socket, sockaddr_storage& out) noexcept {
  socklen_t length = sizeof out;
  return ::getsockname(socket, reinterpret_cast<sockaddr*>(&out), &length) == 0;
}

} // namespace

sockaddr_un unix_address(const path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto& text = socket.native();
  if (text.empty() || text.size() >= sizeof address.sun_path)
    refuse(fmt::format("{} cannot be the path of a socket: it has {} bytes, 1 to {} are allowed; choose a shorter one "
                       "(BELLHOP_SOCKET)",
                       in_quotes(text, 400), text.size(), sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

unix_listener::unix_listener(const path& socket) : where_(socket) {
  const auto address = unix_address(socket);
  const auto folder = lock_folder(socket);
  remove_stale(socket);
  fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The file gets the socket's mode, less the umask: there is no moment in which it is anybody else's.
  if (!fd_ || ::fchmod(fd_.get(), 0600) != 0 ||
      ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd_.get(), SOMAXCONN) != 0)
    throw_system_error(errc::file_io, "listen at", socket, errno);
  struct stat info {};
  if (::lstat(socket.c_str(), &info) != 0)
    throw_system_error(errc::file_io, "look up", socket, errno);
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

unix_listener::~unix_listener() {
  struct stat info {};
  if (::lstat(where_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_)
    ::unlink(where_.c_str());
}

tcp_listener listen_on_loopback(const std::string& text) {
  sockaddr_storage address{};
  if (!parse(text, address))
    refuse(fmt::format("{}: give an address and a port, as 127.0.0.1:8080 or [::1]:8080", in_quotes(text)));
  if (!is_loopback(address))
    refuse(fmt::format("{} is no address of this machine's loopback: the API is not made for a network. Use "
                       "127.0.0.1:PORT, and a tunnel (ssh -L) or a proxy with TLS from elsewhere",
                       in_quotes(text)));
  unique_fd fd{::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const int yes = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length_of(address)) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0 || !bound_address(fd.get(), address))
    refuse(fmt::format("cannot listen on {}: {}; choose another port (0: any free one)", in_quotes(text),
                       std::generic_category().message(errno)));
  return {std::move(fd), to_text(address)};
}

bool is_on_loopback(int socket) noexcept {
  sockaddr_storage address{};
  return bound_address(socket, address) && is_loopback(address);
}

} // namespace bellhop
