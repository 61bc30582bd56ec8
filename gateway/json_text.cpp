#include "gateway/json_text.hpp"

namespace bellhop {

error describe(json_scanner::excess what) {
  const auto message = what == json_scanner::excess::depth
                           ? "the JSON is nested more than " + std::to_string(json_scanner::most_nested) + " deep"
                           : "a JSON object has more than " + std::to_string(json_scanner::most_members) + " members";
  return {errc::invalid_argument, message, 0};
}

json parse_json(std::string_view text) {
  json_scanner scanner;
  for (const char c : text)
    scanner.feed(c);
  if (scanner.beyond() != json_scanner::excess::none)
    throw failure{describe(scanner.beyond())};
  try {
    return json::parse(text);
  } catch (const json::parse_error& e) {
    // The library's own words quote the input.
    throw failure{errc::invalid_argument, "malformed JSON at byte " + std::to_string(e.byte)};
  } catch (const json::exception&) {
    throw failure{errc::invalid_argument, "the JSON has a number that is out of range"};
  }
}

} // namespace bellhop
