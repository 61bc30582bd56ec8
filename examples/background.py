#!/usr/bin/env python3
"""Downloads in the background, from Python's standard library alone.

    background.py SESSION FOLDER URL...     hands the URLs over and waits until they have ended
    background.py SESSION FOLDER            waits for what the session has left

May be killed at any moment: the daemon goes on, and the next run is told what it has missed.
"""

import http.client
import json
import os
import pathlib
import socket
import sys
import urllib.parse


def socket_path():
    if path := os.environ.get("BELLHOP_SOCKET"):
        return path
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return os.path.join(runtime, "bellhop", "bellhopd.sock")
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(os.environ.get("BELLHOP_STATE_DIR") or os.path.join(state, "bellhop"), "bellhopd.sock")


class Connection(http.client.HTTPConnection):
    """HTTP over the daemon's Unix socket."""

    def __init__(self):
        super().__init__("bellhop")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(socket_path())


class Problem(Exception):
    """What the daemon refuses, in its own words (RFC 9457)."""


def call(method, path, body=None):
    connection = Connection()
    headers = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    content = json.loads(answer.read() or "null")
    if answer.status >= 400:
        raise Problem(content["detail"])
    return content


def events(session, **parameters):
    """Yields (event, data) of the session's stream of server-sent events, until it ends."""
    connection = Connection()
    query = urllib.parse.urlencode(parameters)
    connection.request("GET", f"/v1/sessions/{session}/events?{query}", headers={"Accept": "text/event-stream"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise Problem(json.loads(answer.read())["detail"])
    event, data = "message", []
    for line in answer:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif not name and data:
            yield event, json.loads("\n".join(data))
            event, data = "message", []


def main(session, folder, *urls):
    base = f"/v1/sessions/{urllib.parse.quote(session, safe='')}"
    call("PUT", base, {"kind": "background"} if urls else None)
    if urls:
        requests = [{"url": url, "conflict": "rename",
                     "destination": str(pathlib.Path(folder).resolve() / (url.rsplit("/", 1)[1] or "index.html"))}
                    for url in urls]
        answer = call("POST", f"{base}/transfers", requests)
        for refused in answer["errors"]:
            print(f"refused {urls[refused['index']]}: {refused['error']['message']}")
    failed = 0
    for event, data in events(session, attach="true"):
        if event in ("completed", "failed", "cancelled"):
            print(event, data.get("error", {}).get("message", data["destination"]), flush=True)
            failed += event != "completed"
            call("POST", f"{base}/events/ack", {"upto": data["seq"]})
        elif event in ("finished", "detached", "invalid"):
            break
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        sys.exit(main(*sys.argv[1:]))
    except (Problem, OSError) as why:
        sys.exit(f"background.py: {why}; is the daemon running? bellhop daemon start")
