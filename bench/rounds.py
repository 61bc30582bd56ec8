"""What every comparison needs: a file system nobody has used, a server, a stopwatch, and medians."""

import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

GNU_TIME = "/usr/bin/time"
COMMAND_LIMIT_S = 300
ADMIN_LIMIT_S = 120


def say(text):
    print(text, file=sys.stderr, flush=True)


def admin(*command):
    """Runs a command that needs root; raises CalledProcessError or FileNotFoundError."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*prefix, *command], check=True, capture_output=True, timeout=ADMIN_LIMIT_S)


def unwind_on_signals():
    """SIGTERM and SIGHUP unwind like Ctrl-C, so that file systems are unmounted and servers stopped."""

    def unwind(number, _frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, unwind)


@contextlib.contextmanager
def uninterrupted():
    """Clean-up must not be cut short by a second Ctrl-C."""
    before = {n: signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def fresh_folder(parent):
    """A private folder, removed at the end."""
    pathlib.Path(parent).mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="round.", dir=parent))
    try:
        yield folder
    finally:
        with uninterrupted():
            shutil.rmtree(folder, ignore_errors=True)


class Disk(contextlib.ExitStack):
    """Gives each round a place to write to: a new ext4 in a sparse file, or a new folder where mounting is refused.

    ext4 passes over inodes that were deleted in the last minutes, so a round on a file system where the last one's
    files were deleted measures that search. Hence a new one for each round, in which nothing is deleted; and folders
    are kept to the end.
    """

    def __init__(self, work, size_bytes, bytes_per_inode):
        super().__init__()
        self.work = work
        self.size_bytes = size_bytes
        self.bytes_per_inode = bytes_per_inode
        self.can_mount = True

    @property
    def kind(self):
        return "fresh ext4" if self.can_mount else "new folders"

    @contextlib.contextmanager
    def fresh(self):
        with contextlib.ExitStack() as undo:
            place = self._try_mount(undo) if self.can_mount else None
            yield place or self.enter_context(fresh_folder(self.work))

    def _try_mount(self, undo):
        try:
            return self._mount(undo.enter_context(fresh_folder(self.work)), undo)
        except (subprocess.SubprocessError, OSError) as why:
            detail = (getattr(why, "stderr", None) or str(why).encode()).decode().strip()
            say(f"warning: no file system of its own for each round ({detail}); using new folders in {self.work}, "
                "whose file system adds to what is measured")
            self.can_mount = False
            return None

    def _mount(self, folder, undo):
        image, target = folder / "image", folder / "disk"
        with open(image, "wb") as file:
            file.truncate(self.size_bytes)
        # Without the lazy initialisation, which would go on in the background while others are measured.
        subprocess.run(
            ["/sbin/mkfs.ext4", "-q", "-F", "-i", str(self.bytes_per_inode), "-E",
             f"lazy_itable_init=0,lazy_journal_init=0,root_owner={os.getuid()}:{os.getgid()}", str(image)],
            check=True, capture_output=True, timeout=ADMIN_LIMIT_S)
        target.mkdir()
        admin("mount", "-o", "loop", str(image), str(target))
        undo.callback(self._unmount, target)
        return target

    @staticmethod
    def _unmount(target):
        with uninterrupted():
            for _ in range(20):
                try:
                    return admin("umount", str(target))
                except subprocess.SubprocessError:
                    time.sleep(0.25)
            say(f"warning: {target} is still mounted")


@contextlib.contextmanager
def nginx(root, work):
    """Serves `root` on a free loopback port by one worker; yields the base URL."""
    with fresh_folder(work) as prefix:
        port = _free_port()
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "".join(f"{kind}_temp_path {prefix}/{kind}; "
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (prefix / "nginx.conf").write_text(f"""
            {user} worker_processes 1; daemon off; pid {prefix}/pid; error_log {prefix}/error.log;
            events {{ worker_connections 4096; }}
            http {{
              access_log off; sendfile on; keepalive_requests 1000000; {temporary}
              server {{ listen 127.0.0.1:{port}; root {root}; }}
            }}""")
        log = prefix / "error.log"
        server = subprocess.Popen(["/usr/sbin/nginx", "-p", prefix, "-e", log, "-c", prefix / "nginx.conf"],
                                  stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            _await_port(server, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            with uninterrupted():
                server.terminate()
                try:
                    server.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(server.pid, signal.SIGKILL)
                    server.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await_port(server, port, log, limit_s=20):
    end = time.monotonic() + limit_s
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise SystemExit(f"nginx does not answer: {log.read_text() if log.exists() else 'no log'}")


@dataclasses.dataclass
class Measurement:
    wall_s: float
    cpu_s: float
    peak_rss_kib: int


def measure(command, environment, folder):
    """Runs a command to its end, at most COMMAND_LIMIT_S; raises SystemExit with its last words if it fails.

    GNU time stands between, because a child starts with its parent's peak memory and this interpreter's is larger than
    that of the programs that are measured.
    """
    report = folder / "time"
    log = folder / "log"
    with open(log, "wb") as output:
        start = time.perf_counter()
        child = subprocess.Popen([GNU_TIME, "-f", "%M", "-o", str(report), *command], env={**os.environ, **environment},
                                 stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        limit = threading.Timer(COMMAND_LIMIT_S, os.killpg, (child.pid, signal.SIGKILL))
        limit.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
            wall_s = time.perf_counter() - start
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
        finally:
            limit.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        words = log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(map(str, command[:6]))} ... ended with {child.returncode}:\n{words}")
    return Measurement(wall_s, usage.ru_utime + usage.ru_stime, int(report.read_text().split()[-1]))


def warm(files):
    """Reads the server's files, so that every client finds them in the page cache."""
    for file in files:
        with open(file, "rb", buffering=0) as source:
            while source.read(1 << 20):
                pass


def verify(expected, folder):
    """`expected` maps a name to the source file; the folder must hold exactly these, equal byte for byte."""
    found = {entry.name for entry in os.scandir(folder)}
    if found != expected.keys():
        missing, extra = sorted(expected.keys() - found), sorted(found - expected.keys())
        raise SystemExit(f"{folder}: {len(missing)} files missing {missing[:3]}, {len(extra)} unexpected {extra[:3]}")
    for name, source in expected.items():
        if not _equal(source, folder / name):
            raise SystemExit(f"{folder / name} differs from what the server has")


def _equal(left, right):
    with open(left, "rb", buffering=0) as a, open(right, "rb", buffering=0) as b:
        while True:
            block = a.read(1 << 20)
            if block != b.read(1 << 20):
                return False
            if not block:
                # What was just read will not be asked for again; the server's copy shall stay in memory.
                os.posix_fadvise(b.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                return True


def compare(contenders, expected, disk, rounds):
    """Every contender once in each round, in an order that rotates. Returns {name: [Measurement, ...]}."""
    results = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        shift = number % len(contenders)
        with disk.fresh() as place:
            for contender in contenders[shift:] + contenders[:shift]:
                folder = place / contender.name.replace(" ", "_")
                target = folder / "files"
                target.mkdir(parents=True)
                warm(expected.values())
                os.sync()  # or the next one pays for what the last one left to be written
                measured = measure(contender.command(target, folder), contender.environment(folder), folder)
                verify(expected, target)
                results[contender.name].append(measured)
                say(f"round {number + 1}/{rounds}  {contender.name:<16} {measured.wall_s:7.2f} s")
    return results


def summarise(results, peers):
    """Rows, fastest first. The ratio is the median of each round's ratio to the fastest peer: machines are noisy, and
    only what ran close together compares."""
    walls = {name: [m.wall_s for m in all_rounds] for name, all_rounds in results.items()}
    reference = min((n for n in walls if n in peers), key=lambda n: statistics.median(walls[n]), default=None)
    rows = []
    for name, all_rounds in results.items():
        ratio = statistics.median(a / b for a, b in zip(walls[name], walls[reference])) if reference else None
        rows.append({
            "name": name,
            "median_s": statistics.median(walls[name]),
            "min_s": min(walls[name]),
            "max_s": max(walls[name]),
            "ratio": ratio,
            "cpu_s": statistics.median(m.cpu_s for m in all_rounds),
            "peak_rss_mib": max(m.peak_rss_kib for m in all_rounds) / 1024,
            "rounds_s": walls[name],
        })
    return reference, sorted(rows, key=lambda row: row["median_s"])


def machine(versions):
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return {
        "cores": os.cpu_count(),
        "cpu": models[0] if models else platform.machine(),
        "kernel": platform.release(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "versions": versions,
    }


def report(title, results, peers, disk, versions, path):
    """Prints the table and writes the same as JSON."""
    reference, rows = summarise(results, peers)
    facts = machine(versions)
    print(f"\n{title}\n{facts['cores']} cores, {facts['cpu']}, Linux {facts['kernel']}, {disk.kind}\n")
    print(f"{'':<16} {'median s':>9} {'min':>7} {'max':>7} {'ratio':>6} {'cpu s':>7} {'peak MiB':>9}")
    for row in rows:
        ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else ""
        print(f"{row['name']:<16} {row['median_s']:>9.2f} {row['min_s']:>7.2f} {row['max_s']:>7.2f} {ratio:>6} "
              f"{row['cpu_s']:>7.2f} {row['peak_rss_mib']:>9.1f}")
    if reference:
        print(f"\nratio: time taken, in the same round {reference} = 1; lower is better")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"title": title, "reference": reference, "disk": disk.kind, "machine": facts,
                                "results": rows}, indent=2) + "\n")
    print(f"written to {path}")
