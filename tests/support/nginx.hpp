#pragma once

#include "tests/support/temp_dir.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace bellhop::test {

/// A real nginx on a free loopback port, with one worker and a folder of its own. It ends with its owner, and with this
/// process however that ends.
class nginx {
public:
  struct options {
    /// As nginx writes rates, "200k"; empty means no limit.
    std::string limit_rate{};
    /// HTTPS with HTTP/2, by a self-signed certificate for 127.0.0.1.
    bool http2 = false;
    /// More directives for the server block.
    std::string server_directives{};
  };

  /// Throws std::runtime_error when nginx cannot be started, with what it says.
  explicit nginx(options);
  nginx() : nginx(options{}) {}
  ~nginx();

  nginx(const nginx&) = delete;
  nginx& operator=(const nginx&) = delete;

  /// Served under `/name`.
  void put(std::string_view name, std::string_view content);
  boost::filesystem::path root() const { return prefix_ / "root"; }

  /// `path` begins with a slash.
  std::string url(std::string_view path) const;
  std::uint16_t port() const noexcept { return port_; }
  /// With `http2`: the file of trusted certificates that fits.
  boost::filesystem::path ca_file() const { return prefix_ / "certificate.pem"; }

  /// One line for each response: status, bytes of the body, the Range that was asked for or "-", method and target.
  std::vector<std::string> access_log() const;

private:
  void write_configuration() const;
  void launch();
  void stop() noexcept;
  bool answers() const;

  options options_;
  temp_dir prefix_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

} // namespace bellhop::test
