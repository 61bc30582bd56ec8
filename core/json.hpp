#pragma once

#include "core/configuration.hpp"
#include "core/transfer.hpp"

#include <nlohmann/json.hpp>

/// The JSON forms of the values: what `--json` prints, the gateway speaks and the ledger stores for configurations.
///
/// Times are RFC 3339 in UTC, sizes are bytes, durations are whole numbers named by their unit (`_ms`, `_s`), headers
/// are
/// [{"name","value"}...]. URLs are without user and password. Text that is no UTF-8 (a path may be anything) has U+FFFD
/// in its place, so that every result can be written out. A member marked "?" is absent when it has nothing to say.
namespace bellhop {

using json = nlohmann::ordered_json;

/// {"domain","code","message","status"?}
json to_json(const error&);
/// {"seq","time","session","transfer","type","url","destination","bytes","sha256"?,"error"?,"metadata"?}
json to_json(const event&);
/// {"id","session","state","url","destination","bytes","total"?,"attempts","waiting"?,"error"?,"submitted_at"?,
/// "finished_at"?,"published"?,"sha256"?,"conflict","priority","headers"?,"checksum"?,"earliest_begin"?,
/// "name_from_server"?,"accept_error_responses"?,"max_size"?,"record_sha256"?,"metadata"?}, where "waiting" is
/// {"reason","until"?} and "checksum" is "sha-256:<hex>". Header values of Authorization, Cookie and
/// Proxy-Authorization are replaced by "***".
json to_json(const transfer_record&);
/// {"type","session","transfer","bytes","total"?,"waiting"?,"error"?}
json to_json(const notice&, const std::string& session);
/// {"type":"progress","session","transfer","bytes","total"?}
json to_json(const progress&, const std::string& session);
/// Every setting, {"kind","durability","max_active",...,"retry":{...},...}. Holds header values as they are, since it
/// is what the ledger stores: not for printing.
json to_json(const session_configuration&);
json to_json(const session_counts&);

/// The inverse. An absent code is `none`, an unknown one `internal`; throws `failure` (invalid_argument) when it is no
/// object or a member has the wrong type.
error error_from_json(const json&);
/// Unknown members are ignored, absent ones keep their default; throws `failure` (invalid_argument) that names the
/// member when a value has the wrong type. Whether the values make sense is for `check` to say.
session_configuration configuration_from_json(const json&);

} // namespace bellhop
