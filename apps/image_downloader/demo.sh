#!/usr/bin/env bash
# Shows what Bellhop is for: a program asks for pictures and is killed; the daemon goes on, is killed too, and goes on where
# it was when it is started again; when everything is there it starts the program, which is told the end once. Then the
# same program does without the daemon. Exits with 0 only if every check held.
#
#   demo.sh FOLDER_OF_PROGRAMS [URL...]
#
# With URLs it only downloads these, into the folder "pictures" beside the programs'.
set -euo pipefail

programs=$(realpath "$1")
shift

if [ $# -gt 0 ]; then
  # A folder of its own, since the program shows whatever it finds there.
  folder=$(dirname "$programs")/pictures
  mkdir -p "$folder"
  exec "$programs/image-downloader" --pictures "$folder" "$@"
fi

originals=/usr/share/backgrounds/gnome
seconds_at_least=20 # what the server's speed limit is made for
limit_s=120         # for each wait; reached only if something is broken
session=image-downloader

scratch=$(mktemp -d "${TMPDIR:-/tmp}/bellhop-demo.XXXXXX")
access_log=$scratch/access.log
export BELLHOP_STATE_DIR=$scratch/state BELLHOP_SOCKET=$scratch/socket
launched=$BELLHOP_STATE_DIR/launch-$session.log
pictures=
app=

clean_up() {
  trap '' INT TERM HUP
  if [ -n "$app" ]; then kill -KILL "$app" 2>/dev/null || true; fi
  "$programs/bellhop" daemon stop >/dev/null 2>&1 || true
  if [ -s "$scratch/nginx.pid" ]; then kill "$(cat "$scratch/nginx.pid")" || true; fi
  rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

bold='' green='' red='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'; fi

heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
fail() {
  printf '%sdemo: %s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

failed=0
# check NAME COMMAND...
check() {
  local name=$1
  shift
  if "$@"; then
    printf '  %sok%s      %s\n' "$green" "$plain" "$name"
  else
    printf '  %sFAILED%s  %s\n' "$red" "$plain" "$name"
    failed=$((failed + 1))
  fi
}

# --- the server -------------------------------------------------------------------------------------------------------

# start_server BYTES_PER_SECOND, for each connection; sets `base`.
start_server() {
  local port try
  for try in 1 2 3 4 5 6 7 8; do
    port=$((20000 + RANDOM % 12000))
    cat >"$scratch/nginx.conf" <<END
worker_processes 1;
pid $scratch/nginx.pid;
error_log $scratch/error.log;
events {}
http {
  log_format parts '\$msec \$request_time \$status \$body_bytes_sent \$http_range \$uri';
  access_log $access_log parts;
  client_body_temp_path $scratch/t1; proxy_temp_path $scratch/t2; fastcgi_temp_path $scratch/t3;
  uwsgi_temp_path $scratch/t4; scgi_temp_path $scratch/t5;
  sendfile on;
  limit_rate $1;
  server { listen 127.0.0.1:$port; root $originals; }
}
END
    # It returns when it listens, or fails when the port is taken.
    if /usr/sbin/nginx -p "$scratch" -e "$scratch/error.log" -c "$scratch/nginx.conf" 2>/dev/null; then
      base=http://127.0.0.1:$port
      return
    fi
  done
  fail "nginx does not start after $try ports: $(tail -n 1 "$scratch/error.log")"
}

# Requests that began after the kill: "status bytes range path".
requests_after_the_kill() {
  awk -v killed="$killed_at" '$1 - $2 >= killed { print $3, $4, $5, $6 }' "$access_log"
}

# --- what is on disk --------------------------------------------------------------------------------------------------

finished() { find "$pictures" -type f ! -name '.*' "$@"; }
parts() { find "$pictures" -type f -name '.*.part' "$@"; }
bytes_of() { awk '{ sum += $1 } END { print sum + 0 }'; }
bytes_on_disk() { find "$pictures" -type f -printf '%s\n' | bytes_of; }

percent_is_there() {
  [ "$(bytes_on_disk)" -ge $((total * $1 / 100)) ] && [ -n "$(parts -size +0 -print -quit)" ]
}

# wait_for WHAT COMMAND...
wait_for() {
  local what=$1 end=$((SECONDS + limit_s))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "$what: not so after $limit_s s"
    sleep 0.05
  done
}

show_disk() {
  echo "On disk: $(finished -print | wc -l) pictures with their names, every one whole,"
  finished -printf '  %10s  %f\n' | sort -k2
  echo "and $(parts -print | wc -l) hidden parts of others:"
  parts -printf '  %10s  %f\n' | sort -k2
  echo "The ledger knows what each is:"
  "$programs/bellhop" list -s $session || fail "bellhop list ended with $?"
  finished -print | while read -r picture; do
    cmp "$originals/${picture##*/}" "$picture" || fail "a picture has its name but is not whole"
  done
}

show_requests() {
  echo "Status, bytes sent, range asked for, path; 206 is the rest of a picture whose part was there:"
  requests_after_the_kill | awk '{ printf "  %s %9d  %-18s %s\n", $1, $2, $3, $4 }'
}

# --- checks -----------------------------------------------------------------------------------------------------------

all_equal() {
  local file
  for file in "${files[@]}"; do
    cmp "$file" "$pictures/${file##*/}" || return
  done
}
no_part_left() { [ -z "$(parts)" ]; }
some_resumed() { requests_after_the_kill | grep -q '^206 '; }
# The rest, and some KiB of each part asked again to compare; far from all.
only_the_rest_was_fetched() {
  [ "$(requests_after_the_kill | cut -d' ' -f2 | bytes_of)" -lt $((total * 3 / 4)) ]
}
# The rest are about what the program has printed, in all its launches.
every_end_was_told() {
  local file
  for file in "${files[@]}"; do
    cat "$@" | grep -qE "completed.*${file##*/}" || return
  done
}
handler_fired_once() { [ "$(cat "$@" | grep -c 'completion handler')" -eq 1 ]; }
handler_fired_last() {
  awk '/completion handler/ { handler = NR } /completed/ { event = NR } END { exit !(handler > event) }' "$1"
}

check_all() { # FIRST_LAUNCH LAST_LAUNCH
  check "every picture is equal to its original" all_equal
  check "no part file is left" no_part_left
  check "parts were resumed by ranges (206)" some_resumed
  check "only the rest was fetched again" only_the_rest_was_fetched
  check "every picture's end was told to the program" every_end_was_told "$@"
  check "the completion handler fired once" handler_fired_once "$@"
  check "it fired after the last event" handler_fired_last "$2"
}

# --- the program ------------------------------------------------------------------------------------------------------

# start_app LOG ARGUMENT...: in the background, shown and kept in LOG.
start_app() {
  local log=$1
  shift
  exec {output}> >(tee "$log")
  tee_pid=$!
  "$programs/image-downloader" --pictures "$pictures" "$@" >&$output 2>&1 {output}>&- &
  app=$!
}

kill_app() {
  kill -KILL "$app" 2>/dev/null || fail "the program ended before it could be killed"
  { wait "$app" || true; } 2>/dev/null
  app=
  exec {output}>&-
  wait "$tee_pid"
}

new_folder() {
  pictures=$scratch/$1
  mkdir -m 755 "$pictures"
}

# --- the story --------------------------------------------------------------------------------------------------------

mapfile -t files < <(find "$originals" -maxdepth 1 -type f -size +0 -printf '%s %p\n' | sort -rn | cut -d' ' -f2-)
[ ${#files[@]} -gt 0 ] || fail "no pictures in $originals; the package gnome-backgrounds has them"
total=$(stat -c %s "${files[@]}" | bytes_of)
largest=$(stat -c %s "${files[0]}")
# Six connections to a host is what programs use; the largest picture goes over one.
per_connection=$((total / 6 > largest ? total / 6 : largest))
start_server $((per_connection / seconds_at_least))
urls=("${files[@]##*/}")
urls=("${urls[@]/#/$base/}")

with_the_daemon() {
  new_folder background
  heading "1. A program asks for ${#files[@]} pictures, $((total / 1000000)) MB"
  echo "They come from nginx at $base, which sends $((per_connection / seconds_at_least / 1000)) kB/s on each connection."
  start_app "$scratch/first.txt" --daemon "${urls[@]}"
  wait_for "a quarter of the pictures is there" percent_is_there 25

  heading "2. The program is killed with SIGKILL. The daemon goes on"
  kill_app
  wait_for "half of the pictures is there" percent_is_there 50
  "$programs/bellhop" status

  heading "3. The daemon is killed too, so that it cannot save anything"
  killed_at=$EPOCHREALTIME
  local daemon
  daemon=$(cat "$BELLHOP_STATE_DIR/lock")
  kill -KILL "$daemon"
  wait_for "the daemon is gone" eval "! kill -0 $daemon 2>/dev/null"
  show_disk

  heading "4. The daemon is started again. It goes on by itself, and starts the program when everything is there"
  "$programs/bellhop" daemon start
  wait_for "the program was told" grep -qs 'completion handler' "$launched"
  echo "What the program said when the daemon had started it:"
  sed 's/^/  /' "$launched"

  heading "5. What the server saw after the daemon was killed"
  show_requests

  heading "6. Was everything as told?"
  check_all "$scratch/first.txt" "$launched"
  wait_for "the daemon stops" "$programs/bellhop" daemon stop
}

without_the_daemon() {
  new_folder embedded
  heading "7. The same program without a daemon: its transfers live in it, and go on at its next launch"
  start_app "$scratch/first.txt" --state "$scratch/embedded-state" "${urls[@]}"
  wait_for "half of the pictures is there" percent_is_there 50
  echo "Half is there: it is killed, and started again without being told what to download."
  killed_at=$EPOCHREALTIME
  kill_app
  local status=0
  timeout --foreground "$limit_s" "$programs/image-downloader" --state "$scratch/embedded-state" --pictures "$pictures" \
    2>&1 | tee "$scratch/second.txt" || status=$?
  check "the second launch ended well" test "$status" -eq 0
  check_all "$scratch/first.txt" "$scratch/second.txt"
}

with_the_daemon
without_the_daemon

echo
[ $failed -eq 0 ] || fail "$failed of the checks failed"
echo "Done in $SECONDS s."
