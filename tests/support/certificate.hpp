#pragma once

#include <string>

namespace bellhop::test {

struct certificate_and_key {
  /// Both in PEM.
  std::string certificate;
  std::string key;
};

/// Self-signed, for an IPv4 address or a DNS name; valid for a day, or until yesterday.
certificate_and_key make_certificate(const std::string& name, bool expired);

} // namespace bellhop::test
