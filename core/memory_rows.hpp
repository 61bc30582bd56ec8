#pragma once

#include "core/ledger.hpp"
#include "core/unique_function.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The rows of the ledger in memory, which can be put back as they were. Private to it.
namespace bellhop::memory {

/// The order of start.
struct by_start {
  bool operator()(const queue_position& a, const queue_position& b) const noexcept {
    return a.priority != b.priority ? a.priority > b.priority : a.id < b.id;
  }
};

struct log_entry {
  time_point time{};
  transfer_id transfer;
  event_type type = event_type::completed;
};

struct transfer_row {
  transfer_record record;
  /// When a queued or waiting row may start; none means it may now, or (waiting) not by itself.
  std::optional<time_point> due;
  /// Its terminal event.
  event_number ended_by;
};

/// A session with the indexes over its rows.
struct session_rows {
  session_record record;
  session_counts counts;
  std::set<transfer_id> ids;
  std::set<queue_position, by_start> ready;
  std::set<std::pair<time_point, transfer_id>> due;
  std::map<event_number, log_entry> log;
};

/// Every change goes through three operations (`put_row`, `put_entry`, `put_header`), each of which keeps the indexes
/// and notes its inverse: undoing runs the inverses backwards.
class rows {
public:
  /// Throws `unknown_session`.
  session_rows& at(const std::string& identifier);
  const session_rows* find_session(const std::string& identifier) const;
  const std::map<std::string, session_rows>& sessions() const { return sessions_; }

  const transfer_row* find(transfer_id) const;
  /// Throws `unknown_transfer`.
  const transfer_row& at(transfer_id) const;
  /// A copy to change and to put back; none when it has ended or is unknown.
  std::optional<transfer_row> unfinished(transfer_id) const;

  /// Inserts, replaces or (none) removes.
  void put_row(transfer_id, std::optional<transfer_row>);
  void put_entry(const std::string& identifier, event_number seq, std::optional<log_entry>);
  void put_header(const std::string& identifier, std::optional<session_record>);

  /// What was put stays.
  void keep();
  /// Everything since the last `keep` is put back.
  void undo();

private:
  void index(const transfer_row&, bool present);

  std::map<transfer_id, transfer_row> rows_;
  std::map<std::string, session_rows> sessions_;
  std::vector<unique_function<void()>> inverses_;
};

} // namespace bellhop::memory
