#!/usr/bin/env bash
# man_pages.sh BIN_DIR PAGES: every command and option that the programs' help tells is in their manual pages, every one
# that a page tells is in the help, and the pages are well-formed, if groff is here to say so.
set -euo pipefail
bin=$1
pages=$2
failed=0

say() {
  printf '%s\n' "$*" >&2
  failed=1
}

# Long options, as "  -o, --output" in a help text and as "Fl -output" in a page.
options_of_help() { { grep -oE '^ +(-., )?--[a-z][a-z-]+' || true; } | sed -E 's/.* //' | sort -u; }
options_of_page() { { grep -oE '(Fl |, )-[a-z][a-z-]+' "$1" || true; } | sed -E 's/.* -/--/' | sort -u; }

# compare PAGE HELP: both ways.
compare() {
  local page=$1 help=$2 option
  while read -r option; do
    grep -qx -- "$option" <(options_of_page "$page") || say "${page##*/} does not tell of $option"
  done < <(options_of_help <<<"$help")
  while read -r option; do
    grep -qx -- "$option" <(options_of_help <<<"$help") || say "${page##*/} tells of $option, which is in no help"
  done < <(options_of_page "$page")
}

help=$("$bin/bellhop" --help)
commands=$(sed -nE 's/^  ([a-z]+) {2,}[a-z].*/\1/p' <<<"$help")
[ "$(wc -w <<<"$commands")" -ge 14 ] || say "the help does not tell of its commands: $commands"
for command in $commands; do
  help+=$'\n'$("$bin/bellhop" "$command" --help)
  grep -qE "^\.(Ss|Nm) bellhop.*\b$command\b" "$pages/bellhop.1" || say "bellhop.1 does not tell of $command"
done
compare "$pages/bellhop.1" "$help"
if [ -x "$bin/bellhopd" ]; then
  compare "$pages/bellhopd.8" "$("$bin/bellhopd" --help)"
fi

if command -v groff >/dev/null; then
  for page in "$pages"/*; do
    complaints=$(groff -mdoc -Tutf8 -ww "$page" 2>&1 >/dev/null)
    [ -z "$complaints" ] || say "$complaints"
  done
fi
exit $failed
