#pragma once

namespace bellhop::cli {

extern const char* const general_help;
extern const char* const get_help;
extern const char* const list_help;
extern const char* const events_help;

} // namespace bellhop::cli
