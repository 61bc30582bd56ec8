#pragma once

#include "core/ledger.hpp"

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <optional>
#include <string>

/// Values to rows and back (core/ledger_format.md). Private to the SQLite ledger; SQLite::Exception is passed on.
namespace bellhop::sqlite {

/// One use of a prepared statement: it is reset at the end of the scope, since a statement that stays half-read keeps
/// the write-ahead log from being reused.
class query {
public:
  explicit query(SQLite::Statement& statement) : statement_(statement) {}
  ~query() { statement_.tryReset(); }
  query(const query&) = delete;
  query& operator=(const query&) = delete;

  query& integer(int parameter, std::int64_t value);
  query& integer_or_null(int parameter, std::int64_t value, std::int64_t null_value);
  query& real(int parameter, double value);
  query& null(int parameter);
  /// The text is not copied: it must live until the last step.
  query& text(int parameter, const std::string& value);
  query& text(int parameter, std::string&&) = delete;
  query& text_or_null(int parameter, const std::string& value);
  query& text_or_null(int parameter, std::string&&) = delete;

  /// False when there is no further row.
  bool step() { return statement_.executeStep(); }
  /// For statements without rows: runs it, returns how many rows were changed.
  int run();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::int64_t integer_or(int column, std::int64_t null_value) const;
  double real(int column) const;
  /// Empty for null.
  std::string text(int column) const;

private:
  SQLite::Statement& statement_;
};

constexpr int number(transfer_state state) noexcept {
  return static_cast<int>(state);
}

constexpr std::int64_t number(transfer_id id) noexcept {
  return static_cast<std::int64_t>(id.value);
}

constexpr std::int64_t number(event_number seq) noexcept {
  return static_cast<std::int64_t>(seq.value);
}

constexpr transfer_id id_of(std::int64_t value) noexcept {
  return {static_cast<std::uint64_t>(value)};
}

/// What `read_transfer` reads, in its order.
extern const char* const transfer_columns;

/// The number of the session that a row of `transfer_columns` belongs to.
std::int64_t session_number(const query&);
transfer_record read_transfer(const query&, std::string session);
/// When a queued or waiting row of `transfer_columns` may start, if that is stored.
std::optional<time_point> read_due(const query&);
/// The folder of a row's part, from its columns `destination` and `options`.
path stored_part_folder(const std::string& destination, const std::string& options);

/// What `bind_request` binds: parameters 1 to 14.
extern const char* const insert_transfer;

/// The columns of a request that need a form of their own; reused from row to row.
struct request_texts {
  std::string headers;
  std::string checksum;
  std::string options;
};

/// Binds all of `insert_transfer`; request and texts must live until the statement ran.
void bind_request(query&, transfer_id, std::int64_t session, const transfer_request&, time_point now, request_texts&);

/// Binds all of the statement `change`; record and texts must live until it ran.
void bind_change(query&, const transfer_record&, std::optional<time_point> due, request_texts&);

/// Binds a part to the seven parameters from `first` on: name, inode, position, hash, total, etag, last_modified.
void bind_part(query&, int first, const checkpoint&);

/// An error as the JSON text that is stored, or empty.
std::string error_text(const error&);
error error_from_text(const std::string&);

} // namespace bellhop::sqlite
