#include "apps/bellhop/help_text.hpp"

namespace bellhop::cli {

const char* const general_help = R"(Usage: bellhop COMMAND [OPTION...]

Downloads files over HTTP and HTTPS. What is handed over is recorded first: after a crash, a kill or a reboot
'bellhop get' goes on where it was. A file has its name only when it is whole and verified.

Commands:
  get      download URLs, or finish what a session has
  list     show the transfers of a session
  events   show how the transfers of a session ended
  'bellhop COMMAND --help' tells the options of one.

Options:
  -h, --help     show this
      --version  show the version

Environment:
  BELLHOP_STATE_DIR  where sessions are recorded; else $XDG_STATE_HOME/bellhop, else ~/.local/state/bellhop
  NO_COLOR           if set to anything, no colours

Exit status:
  0    all transfers completed
  1    some transfers failed or were cancelled
  2    wrong usage; nothing was started
  130  interrupted; 'bellhop get' with the same session goes on

Examples:
  bellhop get https://example.org/disk.iso
  bellhop get -d photos -i list.txt
  bellhop get                              finish what was interrupted
)";

const char* const get_help = R"(Usage: bellhop get [OPTION...] [URL...]

Downloads each URL into the current directory, under the URL's file name. Without a URL and without -i it finishes what
the session has.

Where to:
  -o, --output PATH         the file to write; for exactly one URL
  -d, --directory DIR       the folder to write to
      --on-conflict POLICY  if the file exists: rename (to "name (1).ext"; the default), overwrite, or fail
      --durability LEVEL    what a finished file survives: crash (of the process; the default), or power (its loss)

What:
  -i, --input-file FILE     read lines of URL [TAB destination [TAB checksum]]; - is standard input. Empty lines and
                            lines that begin with # are skipped; a destination is relative to DIR
  -H, --header 'NAME: VALUE'
                            send this header; may be repeated
      --checksum ALG:HEX    what the file must be; sha-256, sha-512, sha-1 or md5; for exactly one URL
      --ca-file FILE        trust the certificates in this file (PEM) instead of the system's

How:
  -s, --session NAME        the session that keeps the transfers (default: default)
  -j, --parallel N          transfers at once, 1 to 256, in all and to one host (default: 8)
      --retry N             give up after N attempts in a row without progress (default: 5); 0: not before 7 days
      --retry-delay SECONDS wait up to this long before the second attempt, then up to twice as long each time, up to
                            10 minutes (default: 1); fractions are allowed
      --timeout SECONDS     give an attempt up when nothing has arrived for this long (default: 60)
      --connect-timeout SECONDS
                            ... or when there is no connection after this long (default: 30)
      --priority P          0 to 1; higher ones start first (default: 0.5)
      --start-at TIME       not before: 2026-11-22T22:00:00Z, or +30m, +2h, +1d from now on
      --embedded            run the transfers in this process

Output:
      --json                print events to standard output, one JSON object a line
  -q, --quiet               print errors only
  -h, --help                show this

Finished files are told on standard output, progress and errors on standard error. Exit status: 0 all completed, 1 some
failed, 2 wrong usage, 130 interrupted. Where sessions are recorded: see 'bellhop --help', BELLHOP_STATE_DIR.

Examples:
  bellhop get -o debian.iso --checksum sha-256:9f86d0...0a08 https://example.org/debian-12.iso
  bellhop get -d photos -j 32 -i list.txt
  generate-urls | bellhop get -i - --json
  bellhop get -H 'Authorization: Bearer abc' --start-at +2h https://example.org/report.pdf
)";

const char* const list_help = R"(Usage: bellhop list [OPTION...]

Shows the transfers of a session.

Options:
  -s, --session NAME  the session (default: default)
      --state STATE   only those: suspended, queued, running, waiting, finishing, completed, failed, or cancelled
      --json          one JSON object a line
  -h, --help          show this

Examples:
  bellhop list --state failed
  bellhop list -s nightly --json
)";

const char* const events_help = R"(Usage: bellhop events [OPTION...]

Shows how the transfers of a session ended, in order. Events are numbered 1, 2, 3 ... in each session.

Options:
  -s, --session NAME  the session (default: default)
      --after N       only events with a higher number
      --json          one JSON object a line
  -h, --help          show this

Examples:
  bellhop events --json
  bellhop events -s nightly --after 1200
)";

} // namespace bellhop::cli
