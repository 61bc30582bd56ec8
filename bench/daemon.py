"""bellhopd under load: 1,000 clients on its socket, 100 readers of events of which 10 never read, and a probe of
/v1/health beside them. Exits with 1 if an event was lost or repeated, a client was refused, or memory was not bounded."""

import argparse
import asyncio
import collections
import json
import multiprocessing
import os
import pathlib
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import rounds

SESSIONS = 10
READERS = 100
NEVER_READ = 10
PROBE_PAUSE_S = 0.05
MEMORY_LIMIT_MIB = 256
PATIENCE_S = 120


def request(method, target, body=None, accept=None):
    content = b"" if body is None else json.dumps(body).encode()
    head = [f"{method} {target} HTTP/1.1", "Host: bellhop"]
    if body is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    if accept:
        head.append(f"Accept: {accept}")
    return "\r\n".join([*head, "", ""]).encode() + content


async def answer(reader):
    """(status, body) of a response with a Content-Length or in chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(head[0].split()[1]), body


async def call(streams, method, target, body=None):
    reader, writer = streams
    writer.write(request(method, target, body))
    status, content = await asyncio.wait_for(answer(reader), PATIENCE_S)
    if status >= 400:
        raise RuntimeError(f"{method} {target}: {status} {content.decode()}")
    return json.loads(content) if content else None


class Load:
    def __init__(self, path, base, folder, until):
        self.path, self.base, self.folder, self.until = path, base, folder, until
        self.requests = 0
        self.submitted = collections.Counter()
        self.seen = {}
        self.slow = []

    async def client(self, number):
        """A program with a pace of its own: submits, looks, lists."""
        await asyncio.sleep(random.random())
        streams = await asyncio.open_unix_connection(self.path)
        session = f"s{number % SESSIONS}"
        root = f"/v1/sessions/{session}"
        mine = 0
        while time.monotonic() < self.until:
            kind = random.random()
            if kind < 0.3:
                mine += 1
                await call(streams, "POST", f"{root}/transfers",
                           {"url": f"{self.base}/small.bin", "destination": f"{self.folder}/{session}-{number}-{mine}"})
                self.submitted[session] += 1
            elif kind < 0.6:
                await call(streams, "GET", root)
            else:
                await call(streams, "GET", f"{root}/transfers?limit=10")
            self.requests += 1
            await asyncio.sleep(0.5 + random.random())
        streams[1].close()

    async def reader(self, number):
        """Reads its session's events from the first one on."""
        session = f"s{number % SESSIONS}"
        seen = self.seen.setdefault(number, [])
        streams = await asyncio.open_unix_connection(self.path)
        await follow(streams, session, 0, seen)

    async def never_reads(self, number):
        """Asks for all events and takes none."""
        connection = socket.socket(socket.AF_UNIX)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, self.path)
        await asyncio.get_running_loop().sock_sendall(
            connection, request("GET", f"/v1/sessions/s{number % SESSIONS}/events?after=0", accept="text/event-stream"))
        self.slow.append(connection)


async def follow(streams, session, after, seen):
    reader, writer = streams
    writer.write(request("GET", f"/v1/sessions/{session}/events?after={after}", accept="text/event-stream"))
    await reader.readuntil(b"\r\n\r\n")
    text = b""
    while size := int(await reader.readline(), 16):
        text += (await reader.readexactly(size + 2))[:-2]
        *lines, text = text.split(b"\n")
        seen += [int(line[4:]) for line in lines if line.startswith(b"id: ")]


def probe(path, until, results):
    """In a process of its own, so that this program's work is not measured."""
    times = []
    while time.monotonic() < until:
        start = time.perf_counter()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_S)
            connection.connect(path)
            connection.sendall(request("GET", "/v1/health"))
            if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
                raise SystemExit("the daemon is not healthy")
        times.append(time.perf_counter() - start)
        time.sleep(PROBE_PAUSE_S)
    results.put(times)


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the daemon has ended")


async def drive(load, clients, pid):
    streams = await asyncio.open_unix_connection(load.path)
    for number in range(SESSIONS):
        await call(streams, "PUT", f"/v1/sessions/s{number}", {"kind": "background", "max_active": 4})
    before = resident_mib(pid)
    readers = [asyncio.create_task(load.reader(n)) for n in range(READERS - NEVER_READ)]
    for number in range(NEVER_READ):
        await load.never_reads(number)
    peak = before
    tasks = [asyncio.create_task(load.client(n)) for n in range(clients)]
    while not all(task.done() for task in tasks):
        await asyncio.wait(tasks, timeout=1)
        peak = max(peak, resident_mib(pid))
    await asyncio.gather(*tasks)
    lost = await until_all_was_read(load, readers)
    for task in readers:
        task.cancel()
    for connection in load.slow:
        connection.close()
    # Who never read has lost nothing: a new reader gets the same events.
    for number in range(NEVER_READ):
        session, again = f"s{number % SESSIONS}", []
        task = asyncio.create_task(follow(await asyncio.open_unix_connection(load.path), session, 0, again))
        lost += not await reached(again, load.submitted[session])
        task.cancel()
    streams[1].close()
    return before, peak, lost


async def reached(seen, count):
    end = time.monotonic() + PATIENCE_S
    while len(seen) < count and time.monotonic() < end:
        await asyncio.sleep(0.05)
    return seen == list(range(1, count + 1))


async def until_all_was_read(load, readers):
    lost = 0
    for number in range(len(readers)):
        lost += not await reached(load.seen[number], load.submitted[f"s{number % SESSIONS}"])
    return lost


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="the folder that bellhopd was built to")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="for sources, downloads and the result")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    rounds.unwind_on_signals()
    with rounds.fresh_folder(arguments.work.resolve()) as folder, tempfile.TemporaryDirectory() as run:
        folder.chmod(0o755)
        (folder / "root").mkdir()
        (folder / "files").mkdir()
        (folder / "root" / "small.bin").write_bytes(os.urandom(4000))
        path = f"{run}/socket"
        with rounds.nginx(folder / "root", folder) as base:
            daemon = subprocess.Popen([arguments.programs / "bellhopd", "--state", folder / "state", "--socket", path],
                                      stderr=(folder / "log").open("wb"), start_new_session=True)
            try:
                results = run_load(daemon, path, base, folder / "files", arguments)
            finally:
                daemon.terminate()
                daemon.wait(30)
    return report(results, arguments)


def run_load(daemon, path, base, files, arguments):
    end = time.monotonic() + 20
    while not os.path.exists(path):
        if daemon.poll() is not None or time.monotonic() > end:
            raise SystemExit("bellhopd does not start")
        time.sleep(0.02)
    until = time.monotonic() + arguments.seconds
    answers = multiprocessing.Queue()
    prober = multiprocessing.Process(target=probe, args=(path, until, answers), daemon=True)
    prober.start()
    load = Load(path, base, files, until)
    before, peak, lost = asyncio.run(drive(load, arguments.clients, daemon.pid))
    times = sorted(answers.get(timeout=PATIENCE_S))
    return {
        "clients": arguments.clients, "seconds": arguments.seconds, "readers": READERS, "never_read": NEVER_READ,
        "requests": load.requests, "transfers": sum(load.submitted.values()), "readers_that_lost_events": lost,
        "health_ms": {"median": statistics.median(times) * 1e3, "p99": times[len(times) * 99 // 100] * 1e3,
                      "max": times[-1] * 1e3, "probes": len(times)},
        "memory_mib": {"before": before, "peak": peak, "limit": MEMORY_LIMIT_MIB},
    }


def report(results, arguments):
    health, memory = results["health_ms"], results["memory_mib"]
    print(f"""
{results['clients']} clients for {results['seconds']:.0f} s: {results['requests']} requests, {results['transfers']} transfers
{READERS} readers of events, {NEVER_READ} of which never read: {results['readers_that_lost_events']} lost events
/v1/health beside them: median {health['median']:.1f} ms, 99 % {health['p99']:.1f} ms, longest {health['max']:.1f} ms
memory of the daemon: {memory['before']:.0f} MiB before, {memory['peak']:.0f} MiB at the most""")
    path = arguments.work.resolve() / "daemon.json"
    path.write_text(json.dumps({**results, "machine": rounds.machine({})}, indent=2) + "\n")
    print(f"written to {path}")
    return 1 if results["readers_that_lost_events"] or memory["peak"] > MEMORY_LIMIT_MIB else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(main())
