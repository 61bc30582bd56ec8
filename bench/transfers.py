"""Bellhop beside its peers: downloads from nginx on loopback, of `count` files of `size_bytes`."""

import argparse
import os
import pathlib

import peers
import rounds


def make_source(folder, count, size_bytes):
    """Random bytes, so that no layer can compress or share them. Returns {name: file}."""
    files = {}
    for number in range(count):
        path = folder / f"file-{number:05}.bin"
        with open(path, "wb") as file:
            for start in range(0, size_bytes, 1 << 20):
                file.write(os.urandom(min(1 << 20, size_bytes - start)))
        files[path.name] = path
    return files


def run(name, title, count, size_bytes, default_rounds, contenders):
    """`contenders(bellhop, urls)` gives the programs to compare."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="the folder that bellhop was built to")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="for sources, file systems and the result")
    parser.add_argument("--rounds", type=int, default=default_rounds)
    arguments = parser.parse_args()

    work = arguments.work.resolve()
    total_bytes = count * size_bytes
    rounds.unwind_on_signals()
    with rounds.fresh_folder(work) as source:
        source.chmod(0o755)
        files = make_source(source, count, size_bytes)
        with rounds.nginx(source, work) as base:
            urls = [f"{base}/{file}" for file in files]
            compared = peers.available(contenders(str(arguments.programs.resolve() / "bellhop"), urls))
            # Room for all of a round, plus a quarter for part files, blocks half used and the journal.
            with rounds.Disk(work, (len(compared) * total_bytes * 5 // 4) + (1 << 30),
                             bytes_per_inode=max(4096, min(size_bytes // 2, 1 << 20))) as disk:
                results = rounds.compare(compared, files, disk, arguments.rounds)
    rounds.report(title, results, {c.name for c in compared if c.is_peer}, disk,
                  {c.program.rsplit("/", 1)[-1]: c.version() for c in compared}, work / f"{name}.json")
