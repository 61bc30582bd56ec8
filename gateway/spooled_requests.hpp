#pragma once

#include "core/ledger.hpp"
#include "gateway/spool.hpp"

#include <cstdint>

namespace bellhop {

/// Requests on their way from a client to the ledger, in compact form: written on the gateway's thread, then, after
/// `rewind`, read on the ledger's.
class spooled_requests : public request_source {
public:
  spooled_requests(std::size_t most_in_memory, path folder) : bytes_(most_in_memory, std::move(folder)) {}

  void append(const transfer_request&);
  void rewind() { bytes_.rewind(); }
  std::uint64_t count() const noexcept { return count_; }

  std::vector<transfer_request> next(std::size_t most) override;

private:
  spool bytes_;
  std::uint64_t count_ = 0;
  std::uint64_t read_ = 0;
};

} // namespace bellhop
