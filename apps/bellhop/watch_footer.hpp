#pragma once

#include "core/transfer.hpp"

#include <string>
#include <vector>

namespace bellhop::cli {

/// The last lines of the live view: what else the session has, and how to leave. Pure.
class watch_footer {
public:
  explicit watch_footer(std::string session) : session_(std::move(session)) {}

  void take(const session_status& now) { now_ = now; }
  std::vector<std::string> lines() const;

private:
  std::string session_;
  session_status now_;
};

} // namespace bellhop::cli
