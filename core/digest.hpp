#pragma once

#include "core/transfer.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace bellhop {

/// A message digest over a stream, by OpenSSL's EVP.
class digest {
public:
  explicit digest(digest_algorithm);
  ~digest();
  digest(digest&&) noexcept;
  digest& operator=(digest&&) noexcept;

  void update(std::span<const char>);
  /// Lower-case hex; the digest is finished then.
  std::string hex();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Hex digits that an algorithm's digest has: 32, 40, 64, 128.
std::size_t hex_length(digest_algorithm) noexcept;

/// The digests that one body needs: the one that is expected and the sha-256 that is to be recorded. When both are the
/// same algorithm the bytes are hashed once.
class body_digests {
public:
  body_digests(digest_algorithm expected, bool record_sha256);

  void update(std::span<const char>);

  struct values {
    /// Of the expected algorithm; empty for none.
    std::string expected;
    /// Empty unless it is recorded.
    std::string sha256;
  };
  /// Ends the stream.
  values finish();

private:
  bool record_sha256_;
  std::optional<digest> expected_;
  std::optional<digest> sha256_;
};

/// XXH3-64 over a stream, with a look at the value in between. Not cryptographic: it finds what crashes and other
/// programs did to a part file.
class prefix_hash {
public:
  prefix_hash();
  ~prefix_hash();
  prefix_hash(prefix_hash&&) noexcept;
  prefix_hash& operator=(prefix_hash&&) noexcept;

  void update(std::span<const char>);
  std::uint64_t value() const;
  void reset();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace bellhop
