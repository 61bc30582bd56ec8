#include "apps/bellhop/help_text.hpp"

namespace bellhop::cli {

const char* const list_help = R"(Usage: bellhop list [OPTION...]

Shows the transfers of a session: number, state, how much is here, where it goes.

Options:
  -s, --session NAME  the session (default: default)
      --state STATE   only those: suspended, queued, running, waiting, finishing, completed, failed, or cancelled
      --json          one JSON object a line
  -h, --help          show this

Examples:
  bellhop list --state failed
  bellhop list -s nightly --json
)";

const char* const status_help = R"(Usage: bellhop status [OPTION...] [ID...]

Shows all that is known about transfers, by their numbers; without a number the daemon and all sessions.

Options:
  -s, --session NAME  the session of the transfers (default: default)
      --json          one JSON object a line
  -h, --help          show this

Examples:
  bellhop status
  bellhop status 12
)";

const char* const watch_help = R"(Usage: bellhop watch [OPTION...] [ID...]

Shows live what a session's transfers do, or some of them by their numbers: then it ends when these have ended. q leaves
with status 0, Ctrl-C with 130; the transfers go on. Where there is no terminal, a line is printed for each that ends.

Options:
  -s, --session NAME  the session (default: default)
      --json          news, progress and events as they come, one JSON object a line
  -h, --help          show this

Exit status: 0, or 1 when some of those with the given numbers failed or were cancelled.

Examples:
  bellhop watch
  bellhop watch 12 13
)";

const char* const events_help = R"(Usage: bellhop events [OPTION...]

Shows how the transfers of a session ended, in order. Events are numbered 1, 2, 3 ... in each session.

Options:
  -s, --session NAME  the session (default: default)
      --after N       only events with a higher number
  -f, --follow        go on with those that come, until Ctrl-C
      --json          one JSON object a line
  -h, --help          show this

Examples:
  bellhop events --json
  bellhop events -s nightly --after 1200 --follow
)";

const char* const sessions_help = R"(Usage: bellhop sessions [OPTION...] [ACTION SESSION]

Shows the sessions and what they have to do, or does something to one:

  pause   take all its transfers from the wire and start none, until it is resumed
  resume  go on
  finish  accept no more transfers; forget the session when all have ended and their events were acknowledged
  cancel  the same, and cancel what has not ended

Options:
      --json  one JSON object a line
  -h, --help  show this

Examples:
  bellhop sessions
  bellhop sessions pause nightly
)";

const char* const pause_help = R"(Usage: bellhop pause [OPTION...] ID...
       bellhop pause [OPTION...] --all

Takes transfers out of work until 'bellhop resume'. They keep what they have. A whole session is paused by
'bellhop sessions pause SESSION', also what will be added to it.

Options:
      --all           all that have not ended
  -s, --session NAME  the session (default: default)
      --json          one JSON object for each transfer
  -h, --help          show this

Examples:
  bellhop pause 12 13
)";

const char* const resume_help = R"(Usage: bellhop resume [OPTION...] ID...
       bellhop resume [OPTION...] --all

Lets paused transfers run. One that waits for another attempt is tried at once.

Options:
      --all           all that are suspended or waiting
  -s, --session NAME  the session (default: default)
      --json          one JSON object for each transfer
  -h, --help          show this

Examples:
  bellhop resume --all
)";

const char* const cancel_help = R"help(Usage: bellhop cancel [OPTION...] ID...
       bellhop cancel [OPTION...] --all

Ends transfers, each with its event, and removes what they have fetched, unless --keep.

Options:
      --all           all that have not ended
      --keep          keep what is here, and print resume data for 'bellhop get --resume-data' to go on with: a line for
                      each transfer, empty if there is nothing to go on with
  -s, --session NAME  the session (default: default)
      --json          one JSON object for each transfer
  -h, --help          show this

Examples:
  bellhop cancel 12
  bellhop cancel --keep 12 > resume
  bellhop get --resume-data "$(cat resume)" https://example.org/disk.iso
)help";

const char* const remove_help = R"(Usage: bellhop remove [OPTION...] ID...
       bellhop remove [OPTION...] --all

Forgets transfers that have ended, with their events. Files stay. What was acknowledged is forgotten by itself after a
week.

Options:
      --all           all that have ended
  -s, --session NAME  the session (default: default)
      --json          one JSON object for each transfer
  -h, --help          show this

Examples:
  bellhop remove 12
)";

const char* const change_help = R"(Usage: bellhop change [OPTION...] ID...

Changes what was asked of transfers that have not ended. A running one stops, and goes on with it where it was.

Options:
      --priority P     0 to 1; higher ones start first
      --start-at TIME  not before: 2026-11-22T22:00:00Z, or +30m, +2h, +1d from now on; +0s is at once
  -H, --header 'NAME: VALUE'
                       send these headers in place of those it has; may be repeated
      --no-headers     send none of its own any more
      --max-size SIZE  fail when the file is larger: bytes, or 10M, 1.5GiB ...
  -s, --session NAME   the session (default: default)
      --json           one JSON object for each transfer
  -h, --help           show this

Examples:
  bellhop change --priority 1 12
  bellhop change -H 'Authorization: Bearer fresh' 12 13
)";

const char* const ack_help = R"(Usage: bellhop ack [OPTION...] [N]

Says that the events of a session were dealt with, up to this number, or all. They are not delivered again; their
transfers are forgotten after a week.

Options:
  -s, --session NAME  the session (default: default)
      --json          print an object that says up to where
  -h, --help          show this

Examples:
  bellhop ack
  bellhop ack -s nightly 1200
)";

const char* const daemon_help = R"(Usage: bellhop daemon ACTION [OPTION...]

  start   start bellhopd, unless it runs; it outlives this terminal
  stop    stop it in order: transfers keep what they have, and go on when it is started again
  status  show whether it runs, and what it does

Options:
      --json  an object
  -h, --help  show this

Exit status: 0; 'status' has 3 when it does not run.

Examples:
  bellhop daemon status
)";

const char* const completion_help = R"(Usage: bellhop completion SHELL

Prints a script that completes commands, options and the names of sessions; SHELL is bash, zsh or fish.

Options:
  -h, --help  show this

Examples:
  bellhop completion bash > ~/.local/share/bash-completion/completions/bellhop
  bellhop completion zsh > ~/.zfunc/_bellhop
  bellhop completion fish > ~/.config/fish/completions/bellhop.fish
)";

} // namespace bellhop::cli
