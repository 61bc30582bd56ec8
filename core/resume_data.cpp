#include "core/resume_data.hpp"

#include "core/base64.hpp"
#include "core/digest.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bellhop {

namespace {

constexpr std::string_view version = "1.";
/// Four times what ours has.
constexpr std::size_t longest = 600;

/// Finds slips of the clipboard, not forgers, who gain nothing.
std::string check_of(const resume_point& point) {
  prefix_hash hash;
  hash.update(point.ledger_id);
  hash.update(fmt::format("/{}", point.transfer.value));
  return fmt::format("{:016x}", hash.value());
}

std::string text_of(const resume_point& point) {
  const nlohmann::json content{
      {"ledger", point.ledger_id}, {"transfer", point.transfer.value}, {"check", check_of(point)}};
  return std::string{version} + to_base64url(content.dump());
}

bool has_kept_part(const transfer_record& record) noexcept {
  const bool ended = record.state == transfer_state::failed || record.state == transfer_state::cancelled;
  return ended && record.part;
}

} // namespace

std::string make_resume_data(const std::string& ledger_id, const transfer_record& record) {
  return has_kept_part(record) ? text_of({ledger_id, record.id}) : std::string{};
}

std::optional<resume_point> parse_resume_data(std::string_view text) {
  if (text.size() > longest || !text.starts_with(version))
    return {};
  const auto content = from_base64url(text.substr(version.size())).value_or("");
  const auto object = nlohmann::json::parse(content, nullptr, false);
  const auto member = [&](const char* name) {
    return object.is_object() && object.contains(name) ? object[name] : nlohmann::json{};
  };
  const auto ledger = member("ledger");
  const auto transfer = member("transfer");
  if (!ledger.is_string() || !transfer.is_number_unsigned())
    return {};
  resume_point point{ledger.get<std::string>(), {transfer.get<std::uint64_t>()}};
  return text == text_of(point) ? std::optional{std::move(point)} : std::nullopt;
}

bool goes_on_with(const transfer_request& request, const transfer_record& ended) {
  return has_kept_part(ended) && request.url == ended.request.url && part_folder(request) == part_folder(ended.request);
}

} // namespace bellhop
