#!/usr/bin/env bash
# Shows what Bellhop is for: a program downloads pictures, is killed half way, is started again, goes on where it was,
# and is told the end once. Exits with 0 only if every check held.
#
#   demo.sh FOLDER_OF_PROGRAMS [URL...]
#
# With URLs it only downloads these.
set -euo pipefail

programs=$(realpath "$1")
shift

if [ $# -gt 0 ]; then
  exec "$programs/image-downloader" "$@"
fi

originals=/usr/share/backgrounds/gnome
seconds_at_least=25 # what the server's speed limit is made for
limit_s=120         # for each wait; reached only if something is broken

scratch=$(mktemp -d "${TMPDIR:-/tmp}/bellhop-demo.XXXXXX")
state=$scratch/state
pictures=$scratch/pictures
access_log=$scratch/access.log
mkdir -m 755 "$pictures"
app=

clean_up() {
  trap '' INT TERM HUP
  if [ -n "$app" ]; then kill -KILL "$app" 2>/dev/null || true; fi
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

# Requests that began after the program was killed: "status bytes range path".
requests_of_second_launch() {
  awk -v killed="$killed_at" '$1 - $2 >= killed { print $3, $4, $5, $6 }' "$access_log"
}

# --- what is on disk --------------------------------------------------------------------------------------------------

finished() { find "$pictures" -type f ! -name '.*' "$@"; }
parts() { find "$pictures" -type f -name '.*.part' "$@"; }
bytes_of() { awk '{ sum += $1 } END { print sum + 0 }'; }
bytes_on_disk() { find "$pictures" -type f -printf '%s\n' | bytes_of; }

half_is_there() {
  [ "$(bytes_on_disk)" -ge $((total / 2)) ] && [ -n "$(parts -size +0 -print -quit)" ]
}

# --- checks -----------------------------------------------------------------------------------------------------------

all_equal() {
  local file
  for file in "${files[@]}"; do
    cmp "$file" "$pictures/${file##*/}" || return
  done
}
no_part_left() { [ -z "$(parts)" ]; }
some_resumed() { requests_of_second_launch | grep -q '^206 '; }
# The rest, and some KiB of each part asked again to compare; far from all.
only_the_rest_was_fetched() {
  [ "$(requests_of_second_launch | cut -d' ' -f2 | bytes_of)" -lt $((total * 3 / 4)) ]
}
every_end_was_told() {
  local file
  for file in "${files[@]}"; do
    grep -qE "completed.*${file##*/}" "$scratch"/launch-[12].txt || return
  done
}
handler_fired_once() { [ "$(cat "$scratch"/launch-[12].txt | grep -c 'completion handler')" -eq 1 ]; }
handler_fired_last() {
  awk '/completion handler/ { handler = NR } /completed/ { event = NR } END { exit !(handler > event) }' \
    "$scratch/launch-2.txt"
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

heading "1. A program is asked for ${#files[@]} pictures, $((total / 1000000)) MB"
echo "They come from nginx at $base, which sends $((per_connection / seconds_at_least / 1000)) kB/s on each connection."
exec {output}> >(tee "$scratch/launch-1.txt")
tee_pid=$!
"$programs/image-downloader" --state "$state" --pictures "$pictures" "${urls[@]}" >&$output 2>&1 {output}>&- &
app=$!
end=$((SECONDS + limit_s))
until half_is_there; do
  kill -0 "$app" 2>/dev/null || fail "the program ended before half of the pictures were there"
  [ $SECONDS -lt $end ] || fail "half of the pictures are not there after $limit_s s"
  sleep 0.05
done

heading "2. Half is there: the program is killed, with SIGKILL, so that it cannot save anything"
killed_at=$EPOCHREALTIME
kill -KILL "$app"
{ wait "$app" || true; } 2>/dev/null
app=
exec {output}>&-
wait "$tee_pid"
echo "On disk: $(finished -print | wc -l) pictures with their names, every one whole,"
finished -printf '  %10s  %f\n' | sort -k2
echo "and $(parts -print | wc -l) hidden parts of others:"
parts -printf '  %10s  %f\n' | sort -k2
echo "The ledger knows what each is:"
BELLHOP_STATE_DIR=$state "$programs/bellhop" list -s image-downloader || fail "bellhop list ended with $?"
finished -print | while read -r picture; do
  cmp "$originals/${picture##*/}" "$picture" || fail "a picture has its name but is not whole"
done

heading "3. The program is started again, without being told what to download"
status=0
timeout --foreground "$limit_s" "$programs/image-downloader" --state "$state" --pictures "$pictures" 2>&1 |
  tee "$scratch/launch-2.txt" || status=$?

heading "4. What the server saw of the second launch"
echo "Status, bytes sent, range asked for, path; 206 is the rest of a picture whose part was there:"
requests_of_second_launch | awk '{ printf "  %s %9d  %-18s %s\n", $1, $2, $3, $4 }'

heading "5. Was everything as told?"
check "the second launch ended well" test "$status" -eq 0
check "every picture is equal to its original" all_equal
check "no part file is left" no_part_left
check "parts were resumed by ranges (206)" some_resumed
check "only the rest was fetched again" only_the_rest_was_fetched
check "every picture's end was told to the program" every_end_was_told
check "the completion handler fired once" handler_fired_once
check "it fired after the last event" handler_fired_last

echo
[ $failed -eq 0 ] || fail "$failed of the checks failed"
echo "Done in $SECONDS s."
