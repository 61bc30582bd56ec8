"""The programs that are compared, each told to do the same: no settings from files, no output, 32 at once."""

import dataclasses
import pathlib
import shutil
import subprocess
import typing


@dataclasses.dataclass
class Contender:
    name: str
    program: str
    # (target folder, private folder of this run) -> arguments
    arguments: typing.Callable[[pathlib.Path, pathlib.Path], list]
    is_peer: bool = True

    def command(self, target, folder):
        return [self.program, *map(str, self.arguments(target, folder))]

    def environment(self, folder):
        """A home of its own, so that no setting of the user has a say."""
        return {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "BELLHOP_STATE_DIR": str(folder / "state"),
                "no_proxy": "*"}

    def present(self):
        return shutil.which(self.program) is not None

    def version(self):
        try:
            answer = subprocess.run([self.program, "--version"], capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.SubprocessError):
            return "unknown"
        return (answer.stdout.splitlines() or ["unknown"])[0]


def write_lines(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def many_files(bellhop, urls, parallel=32):
    """Contenders for a list of URLs, given to each in its own form."""

    def curl(target, folder):
        # curl has no "this folder, the URL's names" for a list, so each URL is followed by its file.
        config = write_lines(folder / "list", (f'url = "{url}"\noutput = "{target}/{name_of(url)}"' for url in urls))
        return ["-q", "--parallel", "--parallel-max", parallel, "--fail", "--no-progress-meter", "-K", config]

    def wget2(target, folder):
        return ["--quiet", "--no-robots", "--no-hsts", f"--max-threads={parallel}", "-P", target,
                "-i", write_lines(folder / "list", urls)]

    def aria2(target, folder):
        return ["--no-conf", "--quiet", "--file-allocation=none", "-j", parallel, "-d", target,
                "-i", write_lines(folder / "list", urls)]

    def bellhop_in(durability):
        def arguments(target, folder):
            return ["get", "--embedded", "--durability", durability, "-q", "-s", "bench", "-j", parallel, "-d", target,
                    "-i", write_lines(folder / "list", urls)]
        return arguments

    return [
        Contender("bellhop crash", bellhop, bellhop_in("crash"), is_peer=False),
        Contender("bellhop power", bellhop, bellhop_in("power"), is_peer=False),
        Contender("curl", "curl", curl),
        Contender("wget2", "wget2", wget2),
        Contender("aria2", "aria2c", aria2),
    ]


def one_file(bellhop, url):
    """Contenders for a single large file."""
    name = name_of(url)

    def aria2_by(connections):
        return lambda target, _: ["--no-conf", "--quiet", "--file-allocation=none", "-x", connections,
                                  "-s", connections, "-d", target, url]

    def bellhop_in(durability):
        return lambda target, _: ["get", "--embedded", "--durability", durability, "-q", "-s", "bench",
                                  "-d", target, url]

    return [
        Contender("bellhop crash", bellhop, bellhop_in("crash"), is_peer=False),
        Contender("bellhop power", bellhop, bellhop_in("power"), is_peer=False),
        Contender("curl", "curl", lambda target, _: ["-q", "--fail", "--no-progress-meter", "-o", target / name, url]),
        Contender("wget2", "wget2", lambda target, _: ["--quiet", "--no-hsts", "-P", target, url]),
        Contender("aria2 -x1", "aria2c", aria2_by(1)),
        Contender("aria2 -x4", "aria2c", aria2_by(4)),
    ]


def name_of(url):
    return url.rsplit("/", 1)[1]


def available(contenders):
    """Those that are installed; says which are not."""
    for contender in contenders:
        if not contender.present():
            print(f"{contender.name}: {contender.program} is not there, left out")
    return [contender for contender in contenders if contender.present()]
