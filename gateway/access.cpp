#include "gateway/access.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include <sys/socket.h>

namespace bellhop {

namespace {

bool is_this_machine(std::string_view host, std::uint16_t port) {
  constexpr std::array<std::string_view, 3> names{"127.0.0.1", "localhost", "[::1]"};
  const auto suffix = ":" + std::to_string(port);
  return std::any_of(names.begin(), names.end(),
                     [&](auto name) { return equals_ignoring_case(host, std::string{name} + suffix); });
}

problem forbidden(std::string detail) {
  auto result = http_problem(403, "forbidden", std::move(detail));
  result.close = true;
  return result;
}

/// The token of "Bearer TOKEN"; empty if it is something else.
std::string_view bearer(const std::string* authorization) noexcept {
  constexpr std::string_view scheme = "Bearer ";
  if (!authorization || authorization->size() < scheme.size())
    return {};
  const std::string_view text = *authorization;
  if (!equals_ignoring_case(text.substr(0, scheme.size()), scheme))
    return {};
  return trimmed(text.substr(scheme.size()));
}

} // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<problem> refuse_access(const request_head& head, const std::string& token) {
  const auto hosts = std::count_if(head.headers.begin(), head.headers.end(),
                                   [](const header& h) { return equals_ignoring_case(h.name, "Host"); });
  if (hosts > 1 || (hosts == 0 && head.version >= 11)) {
    auto result = http_problem(400, "bad_request", "a request of HTTP/1.1 has one Host header");
    result.close = true;
    return result;
  }
  if (head.peer == peer_kind::unix_socket)
    return std::nullopt;
  if (const auto* host = head.find("Host"); !host || !is_this_machine(*host, head.port))
    return forbidden("the Host header must name this machine's loopback: 127.0.0.1:" + std::to_string(head.port));
  if (head.find("Origin"))
    return forbidden("web pages are not served: the request has an Origin header");
  if (!equal_in_constant_time(bearer(head.find("Authorization")), token)) {
    auto result =
        http_problem(401, "unauthorized", "needs the header \"Authorization: Bearer TOKEN\" with the daemon's token");
    result.headers.push_back({"WWW-Authenticate", "Bearer"});
    result.close = true;
    return result;
  }
  return std::nullopt;
}

std::optional<unsigned> peer_user(int socket) noexcept {
  ::ucred peer{};
  ::socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return std::nullopt;
  return peer.uid;
}

} // namespace bellhop
