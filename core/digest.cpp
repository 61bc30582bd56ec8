#include "core/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <new>

#include <xxhash.h>

namespace bellhop {

namespace {

const EVP_MD* method_of(digest_algorithm algorithm) {
  switch (algorithm) {
  case digest_algorithm::md5:
    return EVP_md5();
  case digest_algorithm::sha1:
    return EVP_sha1();
  case digest_algorithm::sha256:
    return EVP_sha256();
  case digest_algorithm::sha512:
    return EVP_sha512();
  case digest_algorithm::none:
    break;
  }
  throw failure{errc::internal, "a digest without an algorithm"};
}

std::string to_hex(std::span<const unsigned char> bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

} // namespace

struct digest::impl {
  struct free_context {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, free_context> context{EVP_MD_CTX_new()};
};

digest::digest(digest_algorithm algorithm) : impl_(std::make_unique<impl>()) {
  if (!impl_->context)
    throw std::bad_alloc{};
  if (EVP_DigestInit_ex(impl_->context.get(), method_of(algorithm), nullptr) != 1)
    throw failure{errc::invalid_checksum, "this system's OpenSSL refuses the digest " +
                                              std::string{to_string(algorithm)} + ": use another algorithm"};
}

digest::~digest() = default;
digest::digest(digest&&) noexcept = default;
digest& digest::operator=(digest&&) noexcept = default;

void digest::update(std::span<const char> bytes) {
  if (EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) != 1)
    throw failure{errc::internal, "OpenSSL failed to update a digest"};
}

std::string digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> value;
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(impl_->context.get(), value.data(), &size) != 1)
    throw failure{errc::internal, "OpenSSL failed to finish a digest"};
  return to_hex({value.data(), size});
}

std::size_t hex_length(digest_algorithm algorithm) noexcept {
  switch (algorithm) {
  case digest_algorithm::md5:
    return 32;
  case digest_algorithm::sha1:
    return 40;
  case digest_algorithm::sha256:
    return 64;
  case digest_algorithm::sha512:
    return 128;
  case digest_algorithm::none:
    break;
  }
  return 0;
}

body_digests::body_digests(digest_algorithm expected, bool record_sha256) : record_sha256_(record_sha256) {
  if (expected != digest_algorithm::none)
    expected_.emplace(expected);
  if (record_sha256 && expected != digest_algorithm::sha256)
    sha256_.emplace(digest_algorithm::sha256);
}

void body_digests::update(std::span<const char> bytes) {
  if (expected_)
    expected_->update(bytes);
  if (sha256_)
    sha256_->update(bytes);
}

body_digests::values body_digests::finish() {
  values result;
  if (expected_)
    result.expected = expected_->hex();
  if (record_sha256_)
    result.sha256 = sha256_ ? sha256_->hex() : result.expected;
  return result;
}

struct prefix_hash::impl {
  struct free_state {
    void operator()(XXH3_state_t* state) const noexcept { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, free_state> state{XXH3_createState()};
};

prefix_hash::prefix_hash() : impl_(std::make_unique<impl>()) {
  if (!impl_->state)
    throw std::bad_alloc{};
  reset();
}

prefix_hash::~prefix_hash() = default;
prefix_hash::prefix_hash(prefix_hash&&) noexcept = default;
prefix_hash& prefix_hash::operator=(prefix_hash&&) noexcept = default;

void prefix_hash::update(std::span<const char> bytes) {
  XXH3_64bits_update(impl_->state.get(), bytes.data(), bytes.size());
}

std::uint64_t prefix_hash::value() const {
  return XXH3_64bits_digest(impl_->state.get());
}

void prefix_hash::reset() {
  XXH3_64bits_reset(impl_->state.get());
}

} // namespace bellhop
