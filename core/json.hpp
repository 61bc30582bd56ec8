#pragma once

#include "core/configuration.hpp"
#include "core/ledger.hpp"
#include "core/transfer.hpp"

#include <nlohmann/json.hpp>

#include <utility>

/// The JSON forms of the values: what `--json` prints, the gateway speaks and the ledger stores for configurations.
///
/// Times are RFC 3339 in UTC with milliseconds, or microseconds where there are any; sizes are bytes, durations are
/// whole numbers named by their unit (`_ms`, `_s`), headers are [{"name","value"}...]. URLs are without user and
/// password. Text that is no UTF-8 (a path may be anything) has U+FFFD in its place, so that every result can be
/// written out. A member marked "?" is absent when it has nothing to say.
///
/// What has to come back byte for byte has a second member, which counts: paths, a notice's name, header values and
/// what a program is launched with have "<member>_bytes" in base64 when they are no UTF-8; metadata has "metadata_text"
/// when its text is not the compact form of the value.
namespace bellhop {

using json = nlohmann::ordered_json;

/// {"domain","code","message","status"?}
json to_json(const error&);
/// {"seq","time","session","transfer","type","url","destination","bytes","sha256"?,"error"?,"metadata"?}
json to_json(const event&);
/// {"id","session","state","url","destination","bytes","total"?,"attempts","waiting"?,"error"?,"submitted_at"?,
/// "finished_at"?,"published"?,"sha256"?,"conflict","priority","headers"?,"checksum"?,"earliest_begin"?,
/// "name_from_server"?,"accept_error_responses"?,"max_size"?,"record_sha256"?,"metadata"?,"resume_data"?}, where
/// "waiting" is {"reason","until"?} and "checksum" is "sha-256:<hex>". Header values of Authorization, Cookie and
/// Proxy-Authorization are replaced by "***". The part, failures and mismatches are nobody else's business.
json to_json(const transfer_record&);
/// {"type","session","transfer","name"?,"bytes","total"?,"waiting"?,"error"?}
json to_json(const notice&, const std::string& session);
/// {"type":"progress","session","transfer","bytes","total"?}
json to_json(const progress&, const std::string& session);
/// Every setting, {"kind","durability","max_active",...,"retry":{...},...}. Holds header values as they are, since it
/// is what the ledger stores: not for printing.
json to_json(const session_configuration&);
json to_json(const session_counts&);

/// Whether values of credentials are in the result as they are, or replaced by "***".
enum class secrets : bool { hidden, shown };

/// The same; hidden: without the header values that a record hides too, and the launch environment's values.
json to_json(const session_configuration&, secrets);
/// What `request_from_json` reads: {"url","destination", and of the rest what is not default}. Shown: the wire from a
/// program to the daemon.
json to_json(const transfer_request&, secrets);
/// {"priority"?,"earliest_begin"?,"headers"?,"max_size"?}
json to_json(const transfer_change&);
/// {"state","pid"?,"failures"?,"next_at"?,"error"?}
json to_json(const launch_status&);
/// {"counts","active","acknowledged","last_event","phase","paused","attached","launch"}
json to_json(const session_status&);
/// {"identifier","created_at","acknowledged","last_event","phase","paused","configuration","counts"}; secrets hidden.
json to_json(const session_record&, const session_counts&);

// The inverses. All throw `failure` (invalid_argument) that names the member, what it must be, and what was there; none
// looks deeper than it must, however deep the nesting is. Whether values make sense is for `check` to say.

/// What becomes of members that this version does not know: what was stored may come from a newer version, what a
/// client writes is more likely a slip.
enum class unknown_members : std::uint8_t { ignored, refused };

/// The inverse. An absent code is `none`, an unknown one `internal`.
error error_from_json(const json&);
/// Absent members keep their default.
session_configuration configuration_from_json(const json&, unknown_members = unknown_members::ignored);
/// "url" and "destination" are needed; unknown members are refused by name, as is "***" for a credential
/// (core/hidden.hpp). Does not `check`.
transfer_request request_from_json(const json&);
/// Unknown members are refused, and "***" for a credential; at least one must be there.
transfer_change change_from_json(const json&);
// What the daemon tells its clients: unknown members are ignored, since it may be newer.
transfer_record record_from_json(const json&);
event event_from_json(const json&);
progress progress_from_json(const json&);
notice notice_from_json(const json&);
session_counts counts_from_json(const json&);
launch_status launch_status_from_json(const json&);
session_status status_from_json(const json&);
/// `counts` as far as they are there.
std::pair<session_record, session_counts> session_from_json(const json&);

} // namespace bellhop
