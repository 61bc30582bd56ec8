#pragma once

#include "gateway/exchange.hpp"
#include "gateway/problem.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace bellhop {

/// Why a request's sender may not be served; none if it may. On a Unix socket the peer's user was checked before. Over
/// loopback TCP any program of any user can connect, web pages in a browser included: so a page's requests are refused
/// by their Origin, names that were rebound to this machine by their Host, and all others by the token.
std::optional<problem> refuse_access(const request_head&, const std::string& token);

/// Takes the same time wherever two texts of one length differ.
bool equal_in_constant_time(std::string_view, std::string_view) noexcept;

/// The user at the other end of a Unix socket; none if the kernel does not say.
std::optional<unsigned> peer_user(int socket) noexcept;

} // namespace bellhop
