#pragma once

#include "core/transfer.hpp"

#include <memory>

namespace bellhop {

/// `$BELLHOP_STATE_DIR`, else `$XDG_STATE_HOME/bellhop`, else `~/.local/state/bellhop`.
path default_state_directory();

/// A state directory (0700) held by this process: one engine at a time, by flock on `lock`, which holds the pid.
/// Throws `failure`: `state_in_use` with the holder's pid, `ledger_io` or `no_space` when it cannot be made.
class state_directory {
public:
  explicit state_directory(path where);
  ~state_directory();
  state_directory(const state_directory&) = delete;
  state_directory& operator=(const state_directory&) = delete;

  const path& where() const noexcept { return where_; }
  path ledger_file() const;

private:
  path where_;
  int lock_ = -1;
};

/// Where the ledger of a state directory is, without touching anything.
path ledger_file_in(const path& state_directory);

} // namespace bellhop
