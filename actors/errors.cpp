#include "actors/errors.hpp"

#include <caf/atom.hpp>
#include <caf/message.hpp>
#include <caf/to_string.hpp>

namespace bellhop {

namespace {

constexpr auto category = caf::atom("bellhop");

} // namespace

caf::error to_caf(const error& why) {
  return caf::error{static_cast<std::uint8_t>(why.code), category, caf::make_message(why.message, why.status)};
}

error from_caf(const caf::error& why) {
  if (why.category() != category)
    return {errc::internal, caf::to_string(why), 0};
  error result;
  result.code = static_cast<errc>(why.code());
  if (why.context().match_elements<std::string, std::int32_t>()) {
    result.message = why.context().get_as<std::string>(0);
    result.status = why.context().get_as<std::int32_t>(1);
  }
  return result;
}

void add_error_category(caf::actor_system_config& config) {
  config.add_error_category(category, [](std::uint8_t code, caf::atom_value, const caf::message& context) {
    std::string text{to_string(static_cast<errc>(code))};
    if (context.match_elements<std::string, std::int32_t>())
      text += ": " + context.get_as<std::string>(0);
    return text;
  });
}

} // namespace bellhop
