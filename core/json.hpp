#pragma once

#include "core/configuration.hpp"
#include "core/transfer.hpp"

#include <nlohmann/json.hpp>

/// The JSON forms of the values: what `--json` prints, the gateway speaks and the ledger stores for configurations.
namespace bellhop {

using json = nlohmann::ordered_json;

/// {"domain","code","message","status"?}
json to_json(const error&);
/// {"seq","time","session","transfer","type","url","destination","bytes","sha256"?,"error"?,"metadata"?}
json to_json(const event&);
/// {"id","session","state","url","destination","bytes","total"?,"attempts","waiting"?,"error"?, ...}; header values of
/// Authorization, Cookie and Proxy-Authorization are replaced by "***".
json to_json(const transfer_record&);
json to_json(const notice&, const std::string& session);
json to_json(const progress&, const std::string& session);
json to_json(const session_configuration&);
json to_json(const session_counts&);

error error_from_json(const json&);
/// Unknown members are ignored, absent ones keep their default; throws `failure` (invalid_argument) that names the
/// member when a value has the wrong type.
session_configuration configuration_from_json(const json&);

} // namespace bellhop
