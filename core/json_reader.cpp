#include "core/json_reader.hpp"

#include "core/base64.hpp"
#include "core/text.hpp"

#include <algorithm>

namespace bellhop {

namespace {

/// Never looks into what is nested: writing it out recurses once for each level, and whoever sent it chose how many.
std::string shown(const json& value) {
  constexpr std::size_t longest = 40;
  if (value.is_array())
    return "an array";
  if (value.is_object())
    return "an object";
  auto text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > longest)
    text.replace(longest, std::string::npos, "...");
  return text;
}

/// Recurses `levels` times at most.
bool is_nested_within(const json& value, int levels) {
  if (!value.is_structured())
    return true;
  return levels > 0 && std::all_of(value.begin(), value.end(),
                                   [&](const json& inner) { return is_nested_within(inner, levels - 1); });
}

} // namespace

object_reader::object_reader(const json& object, unknown_members mode, std::string name)
    : object_(object), mode_(mode), prefix_(std::move(name)) {
  if (!object.is_object())
    throw failure(errc::invalid_argument, fmt::format("{} must be a JSON object, got {}",
                                                      prefix_.empty() ? "the value" : prefix_, object.type_name()));
  if (!prefix_.empty())
    prefix_ += '.';
}

const json* object_reader::find(std::string_view member) {
  auto known = std::find(known_.begin(), known_.end(), member);
  if (known == known_.end())
    known = known_.emplace(known, member);
  const auto found = object_.find(*known);
  return found == object_.end() ? nullptr : &*found;
}

void object_reader::need(std::string_view member, std::string_view wanted) {
  if (!find(member))
    throw failure(errc::invalid_argument, fmt::format("{} is missing: it must be {}", named(member), wanted));
}

void object_reader::number(std::string_view member, double& out) {
  if (const auto* value = find(member)) {
    if (!value->is_number())
      refuse(member, "a number", *value);
    out = value->get<double>();
  }
}

void object_reader::boolean(std::string_view member, bool& out) {
  if (const auto* value = find(member)) {
    if (!value->is_boolean())
      refuse(member, "true or false", *value);
    out = value->get<bool>();
  }
}

void object_reader::string(std::string_view member, std::string& out) {
  if (const auto* value = find(member)) {
    if (!value->is_string())
      refuse(member, "a string", *value);
    out = value->get_ref<const std::string&>();
  }
}

std::string object_reader::decoded(std::string_view member, const json& text) const {
  auto bytes = text.is_string() ? from_base64(text.get_ref<const std::string&>()) : std::nullopt;
  if (!bytes)
    refuse(member, "a string of base64", text);
  return std::move(*bytes);
}

void object_reader::bytes(std::string_view member, std::string& out) {
  string(member, out);
  const auto exact = std::string{member} + "_bytes";
  if (const auto* value = find(exact))
    out = decoded(exact, *value);
}

void object_reader::file(std::string_view member, path& out) {
  std::string name = out.native();
  bytes(member, name);
  out = std::move(name);
}

void object_reader::time(std::string_view member, time_point& out) {
  if (const auto* value = find(member))
    if (!value->is_string() || !from_rfc3339(value->get_ref<const std::string&>(), out))
      refuse(member, "a time as in \"2026-11-22T09:15:02Z\"", *value);
}

void object_reader::metadata(std::string_view member, std::string& out) {
  if (const auto* value = find(member)) {
    if (!is_nested_within(*value, deepest_metadata))
      refuse(member, fmt::format("nested at most {} levels deep", deepest_metadata), *value);
    out = value->dump(-1, ' ', false, json::error_handler_t::replace);
  }
  // Beside a value whose text is not the compact one.
  string(std::string{member} + "_text", out);
}

const json* object_reader::array(std::string_view member, std::string_view wanted) {
  const auto* value = find(member);
  if (value && !value->is_array())
    refuse(member, wanted, *value);
  return value;
}

void object_reader::pairs(std::string_view member, std::vector<header>& out) {
  const auto* all = array(member, R"(an array of {"name": string, "value": string})");
  if (!all)
    return;
  out.clear();
  for (const auto& each : *all) {
    object_reader in{each, mode_, fmt::format("{}[{}]", named(member), out.size())};
    in.shows_values_ = false;
    auto& pair = out.emplace_back();
    in.need("name", "a string");
    in.string("name", pair.name);
    in.need("value", "a string");
    in.bytes("value", pair.value);
    in.end();
  }
}

void object_reader::texts(std::string_view member, std::vector<std::string>& out) {
  const auto exact = std::string{member} + "_bytes";
  const auto* all = array(member, "an array of strings");
  const auto* all_exact = array(exact, "an array of strings of base64");
  if (!all && !all_exact)
    return;
  out.clear();
  for (const auto& text : all_exact ? *all_exact : *all) {
    if (!all_exact && !text.is_string())
      refuse(member, "an array of strings", text);
    out.push_back(all_exact ? decoded(exact, text) : text.get<std::string>());
  }
}

std::optional<object_reader> object_reader::object(std::string_view member) {
  const auto* value = find(member);
  return value ? std::optional<object_reader>{std::in_place, *value, mode_, named(member)} : std::nullopt;
}

void object_reader::end() const {
  if (mode_ == unknown_members::ignored)
    return;
  for (const auto& [name, value] : object_.items())
    if (std::find(known_.begin(), known_.end(), name) == known_.end())
      throw failure(errc::invalid_argument,
                    fmt::format("{} is unknown here: members are {}", in_quotes(named(name)), fmt::join(known_, ", ")));
}

void object_reader::refuse(std::string_view member, std::string_view wanted, const json& got) const {
  throw failure(errc::invalid_argument, shows_values_
                                            ? fmt::format("{} must be {}, got {}", named(member), wanted, shown(got))
                                            : fmt::format("{} must be {}", named(member), wanted));
}

} // namespace bellhop
