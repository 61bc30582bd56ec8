#include "apps/bellhop/help_text.hpp"

namespace bellhop::cli {

const char* const general_help = R"(Usage: bellhop COMMAND [OPTION...]

Downloads files over HTTP and HTTPS, in the background. What is handed over is recorded first and goes on in the daemon
bellhopd, which is started when it is needed: over the end of this program, a crash, a kill, a reboot. A file has its
name only when it is whole and verified.

Download:
  get         download URLs, or wait for what a session has

Look:
  list        show the transfers of a session
  status      show one transfer in detail, or the daemon and all sessions
  watch       watch transfers live
  events      show how the transfers of a session ended
  sessions    show the sessions; pause, resume, finish or cancel one

Change:
  pause       take transfers out of work; they keep what they have
  resume      let paused transfers run, and waiting ones at once
  cancel      end transfers
  remove      forget transfers that have ended
  change      change the priority, begin, headers or greatest size of transfers
  ack         say that events were dealt with

More:
  daemon      start or stop bellhopd, or see whether it runs
  completion  print a completion script for a shell

'bellhop COMMAND --help' tells the options of one.

Options:
  -h, --help     show this
      --version  show the version

Environment:
  BELLHOP_STATE_DIR  where sessions are recorded; else $XDG_STATE_HOME/bellhop, else ~/.local/state/bellhop
  BELLHOP_SOCKET     where the daemon listens; else $XDG_RUNTIME_DIR/bellhop/bellhopd.sock, else in the state directory
  BELLHOPD           the daemon to start; else bellhopd beside this program, else in $PATH
  NO_COLOR           if set to anything, no colours

Exit status:
  0    all went well
  1    some transfers failed or were cancelled, or what was asked for could not be done
  2    wrong usage; nothing was started
  3    'bellhop daemon status': it does not run
  130  interrupted; in the daemon the transfers go on

Examples:
  bellhop get https://example.org/disk.iso
  bellhop get --detach -d photos -i list.txt
  bellhop watch
  bellhop get                              wait for what goes on in the background
)";

const char* const get_help = R"(Usage: bellhop get [OPTION...] [URL...]

Downloads each URL into the current directory, under the URL's file name, and waits for them; Ctrl-C leaves them to the
daemon. Without a URL and without -i it waits for all that the session has, and tells how it ended.

Where to:
  -o, --output PATH         the file to write; for exactly one URL
  -d, --directory DIR       the folder to write to
      --on-conflict POLICY  if the file exists: rename (to "name (1).ext"; the default), overwrite, or fail
      --durability LEVEL    what a finished file survives: crash (of the process; the default), or power (its loss)
      --max-size SIZE       fail when the file is larger: bytes, or 10M, 1.5GiB ...

What:
  -i, --input-file FILE     read lines of URL [TAB destination [TAB checksum]]; - is standard input. Empty lines and
                            lines that begin with # are skipped; a destination is relative to DIR
  -H, --header 'NAME: VALUE'
                            send this header; may be repeated
      --checksum ALG:HEX    what the file must be; sha-256, sha-512, sha-1 or md5; for exactly one URL
      --ca-file FILE        trust the certificates in this file (PEM) instead of the system's
      --metadata JSON       keep this with the transfer; its events have it
      --resume-data TEXT    go on with a cancelled transfer; TEXT is what 'bellhop cancel --keep' printed; for exactly
                            one URL, which must be the same

How:
  -s, --session NAME        the session that keeps the transfers (default: default)
  -j, --parallel N          transfers at once, 1 to 256, in all and to one host (default: 8)
      --retry N             give up after N attempts in a row without progress (default: 5); 0: not before 7 days
      --retry-delay SECONDS
                            wait up to this long before the second attempt, then up to twice as long each time, up to
                            10 minutes (default: 1); fractions are allowed
      --timeout SECONDS     give an attempt up when nothing has arrived for this long (default: 60)
      --connect-timeout SECONDS
                            ... or when there is no connection after this long (default: 30)
      --priority P          0 to 1; higher ones start first (default: 0.5)
      --start-at TIME       not before: 2026-11-22T22:00:00Z, or +30m, +2h, +1d from now on
      --detach              hand over, print the numbers of the transfers, and leave
      --suspended           the same, but nothing runs before 'bellhop resume'
      --daemon              run the transfers in bellhopd; the default
      --embedded            run the transfers in this process; they stop when it ends, the next 'get' goes on

Output:
      --json                print events to standard output, one JSON object a line
  -q, --quiet               print errors only
  -h, --help                show this

Finished files are told on standard output, progress and errors on standard error. Who waits for a session is told of
all that ends in it, also of what was detached earlier; only the transfers of this call count for the exit status.
Several may download in one session at once: the first is told of all, the others of their own.

Exit status: 0 all completed, 1 some failed, 2 wrong usage, 130 interrupted. Where sessions are recorded: see
'bellhop --help', BELLHOP_STATE_DIR.

Examples:
  bellhop get -o debian.iso --checksum sha-256:9f86d0...0a08 https://example.org/debian-12.iso
  bellhop get -d photos -j 32 -i list.txt
  generate-urls | bellhop get -i - --json
  bellhop get -H 'Authorization: Bearer abc' --start-at +2h --detach https://example.org/report.pdf
)";

} // namespace bellhop::cli
