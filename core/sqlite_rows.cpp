#include "core/sqlite_rows.hpp"

#include "core/json.hpp"
#include "core/ledger_rules.hpp"

#include <SQLiteCpp/Column.h>

#include <cstring>

namespace bellhop::sqlite {

// Numbers in rows are these enums' values: a new enumerator goes to the end, and none is ever renumbered.
static_assert(static_cast<int>(transfer_state::suspended) == 0 && static_cast<int>(transfer_state::queued) == 1 &&
              static_cast<int>(transfer_state::waiting) == 3 && static_cast<int>(transfer_state::completed) == 5 &&
              static_cast<int>(transfer_state::failed) == 6 && static_cast<int>(transfer_state::cancelled) == 7);
static_assert(static_cast<int>(wait_reason::backoff) == 1 && static_cast<int>(wait_reason::retry_after) == 2 &&
              static_cast<int>(wait_reason::no_network) == 3 && static_cast<int>(wait_reason::no_space) == 4 &&
              static_cast<int>(wait_reason::needs_credential) == 5);
static_assert(static_cast<int>(conflict_policy::fail) == 0 && static_cast<int>(conflict_policy::overwrite) == 1 &&
              static_cast<int>(conflict_policy::rename) == 2);

query& query::integer(int parameter, std::int64_t value) {
  statement_.bind(parameter, value);
  return *this;
}

query& query::integer_or_null(int parameter, std::int64_t value, std::int64_t null_value) {
  return value == null_value ? null(parameter) : integer(parameter, value);
}

query& query::real(int parameter, double value) {
  statement_.bind(parameter, value);
  return *this;
}

query& query::null(int parameter) {
  statement_.bind(parameter);
  return *this;
}

query& query::text(int parameter, const std::string& value) {
  statement_.bindNoCopy(parameter, value);
  return *this;
}

query& query::text_or_null(int parameter, const std::string& value) {
  return value.empty() ? null(parameter) : text(parameter, value);
}

int query::run() {
  return statement_.exec();
}

bool query::is_null(int column) const {
  return statement_.isColumnNull(column);
}

std::int64_t query::integer(int column) const {
  return statement_.getColumn(column).getInt64();
}

std::int64_t query::integer_or(int column, std::int64_t null_value) const {
  return is_null(column) ? null_value : integer(column);
}

double query::real(int column) const {
  return statement_.getColumn(column).getDouble();
}

std::string query::text(int column) const {
  return is_null(column) ? std::string{} : statement_.getColumn(column).getString();
}

namespace {

/// The places of `transfer_columns`.
enum column {
  col_id,
  col_session,
  col_state,
  col_priority,
  col_due,
  col_begin,
  col_submitted,
  col_finished,
  col_url,
  col_destination,
  col_on_conflict,
  col_checksum,
  col_headers,
  col_options,
  col_waiting_for,
  col_attempts,
  col_failures,
  col_mismatches,
  col_received,
  col_total,
  col_part,
  col_part_inode,
  col_part_position,
  col_part_hash,
  col_part_total,
  col_part_etag,
  col_part_last_modified,
  col_error,
  col_published,
  col_sha256,
  col_metadata,
};

/// One "name: value" a line. Not JSON: values may hold bytes that are no UTF-8 and must come back as they were.
std::string headers_text(const std::vector<header>& headers) {
  std::string text;
  for (const auto& h : headers)
    text.append(h.name).append(": ").append(h.value).append("\n");
  return text;
}

std::vector<header> headers_from_text(std::string_view text) {
  std::vector<header> headers;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (const auto colon = line.find(": "); colon != line.npos)
      headers.push_back({std::string{line.substr(0, colon)}, std::string{line.substr(colon + 2)}});
  }
  return headers;
}

std::string checksum_text(const checksum& expected) {
  return expected ? std::string{to_string(expected.algorithm)} + ':' + expected.hex : std::string{};
}

checksum checksum_from_text(const std::string& text) {
  checksum expected;
  if (const auto colon = text.find(':'); colon != text.npos && from_string(text.substr(0, colon), expected.algorithm))
    expected.hex = text.substr(colon + 1);
  return expected;
}

/// The rarely used settings; empty when all have their default.
std::string options_text(const transfer_request& request) {
  if (!request.name_from_server && !request.accept_error_responses && !request.record_sha256 && request.max_size == 0)
    return {};
  json options;
  if (request.name_from_server)
    options["name_from_server"] = true;
  if (request.accept_error_responses)
    options["accept_error_responses"] = true;
  if (request.record_sha256)
    options["record_sha256"] = true;
  if (request.max_size != 0)
    options["max_size"] = request.max_size;
  return options.dump();
}

void read_options(const std::string& text, transfer_request& request) {
  if (text.empty())
    return;
  const auto options = json::parse(text);
  request.name_from_server = options.value("name_from_server", false);
  request.accept_error_responses = options.value("accept_error_responses", false);
  request.record_sha256 = options.value("record_sha256", false);
  request.max_size = options.value("max_size", std::int64_t{0});
}

transfer_request read_request(const query& row) {
  transfer_request request;
  request.url = row.text(col_url);
  request.destination = row.text(col_destination);
  request.on_conflict = static_cast<conflict_policy>(row.integer(col_on_conflict));
  request.headers = headers_from_text(row.text(col_headers));
  request.expected = checksum_from_text(row.text(col_checksum));
  request.priority = row.real(col_priority);
  request.earliest_begin = from_micros(row.integer_or(col_begin, 0));
  request.suspended = row.integer(col_state) == static_cast<int>(transfer_state::suspended);
  read_options(row.text(col_options), request);
  request.metadata = row.text(col_metadata);
  return request;
}

checkpoint read_part(const query& row) {
  checkpoint part;
  if (row.is_null(col_part))
    return part;
  part.part_name = row.text(col_part);
  part.inode = static_cast<std::uint64_t>(row.integer(col_part_inode));
  part.position = row.integer(col_part_position);
  part.prefix_hash = static_cast<std::uint64_t>(row.integer(col_part_hash));
  part.total = row.integer_or(col_part_total, unknown_size);
  part.etag = row.text(col_part_etag);
  part.last_modified = row.text(col_part_last_modified);
  return part;
}

} // namespace

const char* const transfer_columns =
    "id, session, state, priority, due_us, begin_us, submitted_us, finished_us, url, destination, on_conflict, "
    "checksum, "
    "headers, options, waiting_for, attempts, failures, mismatches, received, total, part, part_inode, part_position, "
    "part_hash, part_total, part_etag, part_last_modified, error, published, sha256, metadata";

std::int64_t session_number(const query& row) {
  return row.integer(col_session);
}

transfer_record read_transfer(const query& row, std::string session) {
  transfer_record record;
  record.id = id_of(row.integer(col_id));
  record.session = std::move(session);
  record.request = read_request(row);
  record.state = static_cast<transfer_state>(row.integer(col_state));
  record.waiting_for = static_cast<wait_reason>(row.integer(col_waiting_for));
  if (record.state == transfer_state::waiting)
    record.retry_at = from_micros(row.integer_or(col_due, 0));
  record.attempts = static_cast<std::uint32_t>(row.integer(col_attempts));
  record.failures = static_cast<std::uint32_t>(row.integer(col_failures));
  record.mismatches = static_cast<std::uint32_t>(row.integer(col_mismatches));
  record.part = read_part(row);
  record.last_error = error_from_text(row.text(col_error));
  record.submitted_at = from_micros(row.integer(col_submitted));
  record.finished_at = from_micros(row.integer_or(col_finished, 0));
  record.received = row.integer(col_received);
  record.total = row.integer_or(col_total, unknown_size);
  record.sha256 = row.text(col_sha256);
  if (record.state == transfer_state::completed)
    record.published = row.is_null(col_published) ? record.request.destination : path{row.text(col_published)};
  return record;
}

std::optional<time_point> read_due(const query& row) {
  return row.is_null(col_due) ? std::nullopt : std::optional{from_micros(row.integer(col_due))};
}

path stored_part_folder(const std::string& destination, const std::string& options) {
  transfer_request request;
  request.destination = destination;
  read_options(options, request);
  return part_folder(request);
}

const char* const insert_transfer =
    "INSERT INTO transfers(id, session, state, priority, due_us, begin_us, submitted_us, url, destination, "
    "on_conflict, "
    "checksum, headers, options, metadata) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

void bind_request(query& insert, transfer_id id, std::int64_t session, const transfer_request& request, time_point now,
                  request_texts& texts) {
  texts = {headers_text(request.headers), checksum_text(request.expected), options_text(request)};
  const auto begin = to_micros(request.earliest_begin);
  const bool later = !request.suspended && request.earliest_begin > now;
  insert.integer(1, number(id))
      .integer(2, session)
      .integer(3, number(request.suspended ? transfer_state::suspended : transfer_state::queued))
      .real(4, request.priority)
      .integer_or_null(5, later ? begin : 0, 0)
      .integer_or_null(6, begin, 0)
      .integer(7, to_micros(now))
      .text(8, request.url)
      .text(9, request.destination.native())
      .integer(10, static_cast<int>(request.on_conflict))
      .text_or_null(11, texts.checksum)
      .text_or_null(12, texts.headers)
      .text_or_null(13, texts.options)
      .text_or_null(14, request.metadata);
}

void bind_change(query& update, const transfer_record& record, std::optional<time_point> due, request_texts& texts) {
  const auto& request = record.request;
  texts = {headers_text(request.headers), {}, options_text(request)};
  update.integer(1, number(record.state));
  if (due)
    update.integer(2, to_micros(*due));
  else
    update.null(2);
  update.integer(3, static_cast<int>(record.waiting_for))
      .real(4, request.priority)
      .integer_or_null(5, to_micros(request.earliest_begin), 0)
      .text_or_null(6, texts.headers)
      .text_or_null(7, texts.options)
      .integer(8, number(record.id));
}

void bind_part(query& update, int first, const checkpoint& part) {
  if (!part) {
    for (int i = 0; i < 7; ++i)
      update.null(first + i);
    return;
  }
  update.text(first, part.part_name)
      .integer(first + 1, static_cast<std::int64_t>(part.inode))
      .integer(first + 2, part.position)
      .integer(first + 3, static_cast<std::int64_t>(part.prefix_hash))
      .integer_or_null(first + 4, part.total, unknown_size)
      .text_or_null(first + 5, part.etag)
      .text_or_null(first + 6, part.last_modified);
}

std::string error_text(const error& why) {
  // Messages quote what servers and file systems said, which need not be UTF-8.
  return why ? to_json(why).dump(-1, ' ', false, json::error_handler_t::replace) : std::string{};
}

error error_from_text(const std::string& text) {
  return text.empty() ? error{} : error_from_json(json::parse(text));
}

} // namespace bellhop::sqlite
