#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bellhop {

/// Every way in which Bellhop fails. The names are stable: they are stored in the ledger and printed as `code`.
/// New ones go to the end of their group; the stored form is the name, never the number.
enum class errc : std::uint8_t {
  none,
  // domain "input": what the caller handed over
  invalid_url,
  unsupported_scheme,
  invalid_destination,
  invalid_checksum,
  invalid_identifier,
  invalid_argument,
  // domain "network"
  resolve_failed,
  connect_failed,
  connection_lost,
  timed_out,
  tls_failed,
  short_body,
  protocol_error,
  // domain "http"
  http_status,
  too_many_redirects,
  redirect_refused,
  bad_response,
  no_content,
  long_body,
  // domain "content"
  checksum_mismatch,
  content_changed,
  too_large,
  // domain "file"
  destination_exists,
  destination_unavailable,
  no_space,
  file_io,
  // domain "ledger"
  state_in_use,
  ledger_unreadable,
  ledger_too_new,
  ledger_io,
  // domain "engine"
  session_in_use,
  unknown_session,
  unknown_transfer,
  wrong_state,
  shutting_down,
  resource_timeout,
  internal,
  daemon_unavailable,
  launch_failed,
};

/// The stable name, as in `"code": "checksum_mismatch"`.
std::string_view to_string(errc code) noexcept;

/// The inverse of `to_string`; a name that this version does not know becomes `errc::internal`.
errc errc_from_string(std::string_view name) noexcept;

/// The group a code belongs to, as in `"domain": "http"`.
std::string_view domain_of(errc code) noexcept;

/// What went wrong, in words for a person: names the input and the remedy, holds no credential.
struct error {
  errc code = errc::none;
  std::string message;
  /// The HTTP status that caused it, or 0.
  std::int32_t status = 0;

  explicit operator bool() const noexcept { return code != errc::none; }
  friend bool operator==(const error&, const error&) = default;
};

/// Thrown by core where a call cannot go on; carries an `error`.
class failure : public std::runtime_error {
public:
  explicit failure(error why) : std::runtime_error(why.message), why_(std::move(why)) {}
  failure(errc code, std::string message) : failure(error{code, std::move(message), 0}) {}

  const error& why() const noexcept { return why_; }

private:
  error why_;
};

} // namespace bellhop
