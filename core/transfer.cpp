#include "core/transfer.hpp"

#include "core/text.hpp"

#include <array>

namespace bellhop {

namespace {

// The names are stored in ledgers and printed: they never change. Each table is in the order of its enum.
constexpr std::array<std::string_view, 8> state_names{"suspended", "queued",    "running", "waiting",
                                                      "finishing", "completed", "failed",  "cancelled"};
constexpr std::array<std::string_view, 6> reason_names{"none",       "backoff",  "retry_after",
                                                       "no_network", "no_space", "needs_credential"};
constexpr std::array<std::string_view, 3> conflict_names{"fail", "overwrite", "rename"};
constexpr std::array<std::string_view, 2> durability_names{"crash", "power"};
constexpr std::array<std::string_view, 5> digest_names{"", "md5", "sha-1", "sha-256", "sha-512"};
constexpr std::array<std::string_view, 5> digest_short_names{"", "md5", "sha1", "sha256", "sha512"};
constexpr std::array<std::string_view, 4> event_names{"completed", "failed", "cancelled", "needs_credential"};
constexpr std::array<std::string_view, 4> notice_names{"started", "resumed", "restarted", "waiting"};
constexpr std::array<std::string_view, 3> launch_names{"none", "running", "backing_off"};
constexpr std::array<std::string_view, 3> phase_names{"open", "finishing", "cancelling"};

static_assert(state_names.size() == static_cast<std::size_t>(transfer_state::cancelled) + 1);
static_assert(reason_names.size() == static_cast<std::size_t>(wait_reason::needs_credential) + 1);
static_assert(conflict_names.size() == static_cast<std::size_t>(conflict_policy::rename) + 1);
static_assert(durability_names.size() == static_cast<std::size_t>(durability::power) + 1);
static_assert(digest_names.size() == static_cast<std::size_t>(digest_algorithm::sha512) + 1);
static_assert(event_names.size() == static_cast<std::size_t>(event_type::needs_credential) + 1);
static_assert(notice_names.size() == static_cast<std::size_t>(notice_type::waiting) + 1);
static_assert(launch_names.size() == static_cast<std::size_t>(launch_state::backing_off) + 1);
static_assert(phase_names.size() == static_cast<std::size_t>(session_phase::cancelling) + 1);

template <std::size_t N, class Enum>
std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : std::string_view{};
}

template <std::size_t N, class Enum>
bool value_of(const std::array<std::string_view, N>& names, std::string_view name, Enum& out) noexcept {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == name) {
      out = static_cast<Enum>(i);
      return true;
    }
  return false;
}

} // namespace

std::string_view to_string(transfer_state v) noexcept {
  return name_of(state_names, v);
}
std::string_view to_string(wait_reason v) noexcept {
  return name_of(reason_names, v);
}
std::string_view to_string(conflict_policy v) noexcept {
  return name_of(conflict_names, v);
}
std::string_view to_string(durability v) noexcept {
  return name_of(durability_names, v);
}
std::string_view to_string(digest_algorithm v) noexcept {
  return name_of(digest_names, v);
}
std::string_view to_string(event_type v) noexcept {
  return name_of(event_names, v);
}
std::string_view to_string(notice_type v) noexcept {
  return name_of(notice_names, v);
}
std::string_view to_string(launch_state v) noexcept {
  return name_of(launch_names, v);
}
std::string_view to_string(session_phase v) noexcept {
  return name_of(phase_names, v);
}

bool from_string(std::string_view name, transfer_state& out) noexcept {
  return value_of(state_names, name, out);
}
bool from_string(std::string_view name, wait_reason& out) noexcept {
  return value_of(reason_names, name, out);
}
bool from_string(std::string_view name, conflict_policy& out) noexcept {
  return value_of(conflict_names, name, out);
}
bool from_string(std::string_view name, durability& out) noexcept {
  return value_of(durability_names, name, out);
}
bool from_string(std::string_view name, event_type& out) noexcept {
  return value_of(event_names, name, out);
}
bool from_string(std::string_view name, notice_type& out) noexcept {
  return value_of(notice_names, name, out);
}
bool from_string(std::string_view name, launch_state& out) noexcept {
  return value_of(launch_names, name, out);
}
bool from_string(std::string_view name, session_phase& out) noexcept {
  return value_of(phase_names, name, out);
}

bool from_string(std::string_view name, digest_algorithm& out) noexcept {
  for (std::size_t i = 0; i < digest_names.size(); ++i)
    if (equals_ignoring_case(name, digest_names[i]) || equals_ignoring_case(name, digest_short_names[i])) {
      out = static_cast<digest_algorithm>(i);
      return true;
    }
  return false;
}

path part_folder(const transfer_request& request) {
  return request.name_from_server ? request.destination : request.destination.parent_path();
}

} // namespace bellhop
