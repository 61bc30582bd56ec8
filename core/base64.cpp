#include "core/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace bellhop {

namespace {

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) noexcept {
  return reinterpret_cast<unsigned char*>(text.data());
}

void exchange_letters(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t i = 0; i < from.size(); ++i)
    std::replace(text.begin(), text.end(), from[i], to[i]);
}

constexpr std::string_view usual_letters = "+/";
constexpr std::string_view url_letters = "-_";

} // namespace

std::string to_base64(std::string_view bytes) {
  // OpenSSL ends its output with a NUL.
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(bytes_of(text), bytes_of(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string to_base64url(std::string_view bytes) {
  auto text = to_base64(bytes);
  text.erase(std::find(text.begin(), text.end(), '='), text.end());
  exchange_letters(text, usual_letters, url_letters);
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  const int length = EVP_DecodeBlock(bytes_of(bytes), bytes_of(text), static_cast<int>(text.size()));
  if (length < 0)
    return {};
  // OpenSSL counts a byte for each sign of padding.
  const auto padding = std::min<std::size_t>(2, text.size() - std::min(text.size(), text.find_last_not_of('=') + 1));
  bytes.resize(static_cast<std::size_t>(length) - std::min(padding, static_cast<std::size_t>(length)));
  // OpenSSL forgives white space, and bits that are left over.
  if (to_base64(bytes) != text)
    return {};
  return bytes;
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.find_first_of("+/=") != text.npos)
    return {};
  std::string usual{text};
  exchange_letters(usual, url_letters, usual_letters);
  usual.resize((usual.size() + 3) / 4 * 4, '=');
  return from_base64(usual);
}

} // namespace bellhop
