#pragma once

namespace bellhop::cli {

extern const char* const general_help;
extern const char* const get_help;
extern const char* const list_help;
extern const char* const status_help;
extern const char* const watch_help;
extern const char* const events_help;
extern const char* const sessions_help;
extern const char* const pause_help;
extern const char* const resume_help;
extern const char* const cancel_help;
extern const char* const remove_help;
extern const char* const change_help;
extern const char* const ack_help;
extern const char* const daemon_help;
extern const char* const completion_help;

} // namespace bellhop::cli
