#include "core/error.hpp"

#include <array>
#include <utility>

namespace bellhop {

namespace {

struct entry {
  errc code;
  std::string_view name;
  std::string_view domain;
};

constexpr std::array entries{
    entry{errc::none, "none", "none"},
    entry{errc::invalid_url, "invalid_url", "input"},
    entry{errc::unsupported_scheme, "unsupported_scheme", "input"},
    entry{errc::invalid_destination, "invalid_destination", "input"},
    entry{errc::invalid_checksum, "invalid_checksum", "input"},
    entry{errc::invalid_identifier, "invalid_identifier", "input"},
    entry{errc::invalid_argument, "invalid_argument", "input"},
    entry{errc::resolve_failed, "resolve_failed", "network"},
    entry{errc::connect_failed, "connect_failed", "network"},
    entry{errc::connection_lost, "connection_lost", "network"},
    entry{errc::timed_out, "timed_out", "network"},
    entry{errc::tls_failed, "tls_failed", "network"},
    entry{errc::short_body, "short_body", "network"},
    entry{errc::protocol_error, "protocol_error", "network"},
    entry{errc::http_status, "http_status", "http"},
    entry{errc::too_many_redirects, "too_many_redirects", "http"},
    entry{errc::redirect_refused, "redirect_refused", "http"},
    entry{errc::bad_response, "bad_response", "http"},
    entry{errc::no_content, "no_content", "http"},
    entry{errc::long_body, "long_body", "http"},
    entry{errc::checksum_mismatch, "checksum_mismatch", "content"},
    entry{errc::content_changed, "content_changed", "content"},
    entry{errc::too_large, "too_large", "content"},
    entry{errc::destination_exists, "destination_exists", "file"},
    entry{errc::destination_unavailable, "destination_unavailable", "file"},
    entry{errc::no_space, "no_space", "file"},
    entry{errc::file_io, "file_io", "file"},
    entry{errc::state_in_use, "state_in_use", "ledger"},
    entry{errc::ledger_unreadable, "ledger_unreadable", "ledger"},
    entry{errc::ledger_too_new, "ledger_too_new", "ledger"},
    entry{errc::ledger_io, "ledger_io", "ledger"},
    entry{errc::session_in_use, "session_in_use", "engine"},
    entry{errc::unknown_session, "unknown_session", "engine"},
    entry{errc::unknown_transfer, "unknown_transfer", "engine"},
    entry{errc::wrong_state, "wrong_state", "engine"},
    entry{errc::shutting_down, "shutting_down", "engine"},
    entry{errc::resource_timeout, "resource_timeout", "engine"},
    entry{errc::internal, "internal", "engine"},
    entry{errc::daemon_unavailable, "daemon_unavailable", "engine"},
    entry{errc::launch_failed, "launch_failed", "engine"},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (static_cast<std::size_t>(entries[i].code) != i)
      return false;
  return true;
}

static_assert(in_order(), "the table must list every code at its own index");
static_assert(entries.size() == static_cast<std::size_t>(errc::launch_failed) + 1);

const entry& find(errc code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return entries[index < entries.size() ? index : static_cast<std::size_t>(errc::internal)];
}

} // namespace

std::string_view to_string(errc code) noexcept {
  return find(code).name;
}

std::string_view domain_of(errc code) noexcept {
  return find(code).domain;
}

errc errc_from_string(std::string_view name) noexcept {
  for (const auto& e : entries)
    if (e.name == name)
      return e.code;
  return errc::internal;
}

} // namespace bellhop
