#!/usr/bin/env bash
# Downloads in the background, with nothing but curl:  background.sh SESSION FOLDER URL...
#
# Hands the URLs over, shows the session's events until nothing is left, and acknowledges what it has shown. May be killed
# at any moment: the daemon goes on, and the next run (without URLs) is told what this one has missed.
set -euo pipefail

[ $# -ge 2 ] || { echo "usage: background.sh SESSION FOLDER URL..." >&2; exit 2; }
session=$1 folder=$(realpath "$2")
shift 2
state=${BELLHOP_STATE_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/bellhop}
socket=${BELLHOP_SOCKET:-${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/bellhop/bellhopd.sock}}
api() { curl -sS --fail-with-body --unix-socket "${socket:-$state/bellhopd.sock}" "$@"; }
base=http://bellhop/v1/sessions/$session

api -o /dev/null -X PUT "$base"
# One JSON object a line: as many lines as there are, and one commit for all.
for url in "$@"; do
  printf '{"url": "%s", "destination": "%s/%s", "conflict": "rename"}\n' "$url" "$folder" "${url##*/}"
done | { [ $# -eq 0 ] || api -H 'Content-Type: application/x-ndjson' --data-binary @- -w '\n' "$base/transfers"; }

# Server-sent events: a line "event: NAME", a line "data: JSON", an empty line.
exec {stream}< <(exec curl -sSN --fail-with-body --unix-socket "${socket:-$state/bellhopd.sock}" \
  -H 'Accept: text/event-stream' "$base/events?attach=true")
reader=$!
event=
while IFS= read -r line <&$stream; do
  case $line in
  "id: "*) seq=${line#id: } ;;
  "event: "*) event=${line#event: } ;;
  "data: "*)
    case $event in
    completed | failed | cancelled)
      echo "$event ${line#data: }"
      api -H 'Content-Type: application/json' -d "{\"upto\": $seq}" "$base/events/ack"
      ;;
    finished | detached | invalid) break ;;
    esac
    ;;
  esac
done
kill "$reader" 2>/dev/null || true
