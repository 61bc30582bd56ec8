#pragma once

#include "gateway/limits.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace bellhop::test {

/// A whole engine in a folder of its own, with a gateway on a Unix socket and on loopback TCP.
class running_gateway {
public:
  explicit running_gateway(const gateway_limits& = {});
  ~running_gateway();
  running_gateway(const running_gateway&) = delete;
  running_gateway& operator=(const running_gateway&) = delete;

  boost::filesystem::path socket() const { return folder_ / "socket"; }
  std::uint16_t port() const noexcept { return port_; }
  std::string token() const { return "the-token-of-this-test"; }
  boost::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

  /// Ends the engine and begins another on the same state.
  void restart();
  void stop(std::chrono::milliseconds deadline = std::chrono::seconds{30});

private:
  void start();
  void end_engine();

  temp_dir folder_;
  gateway_limits limits_;
  std::uint16_t port_ = 0;
  struct parts;
  std::unique_ptr<parts> parts_;
};

/// A line "METHOD /path" for each route.
std::string all_routes_as_text();

} // namespace bellhop::test
