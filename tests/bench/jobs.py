#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real programs at work, and the instructions that each turn of them took, as JSON.

Runs in a guest with -icount under whatever filter it was started with, which its children inherit.
There a nanosecond of processor time is an instruction; what idles takes none."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HOME = Path("/tmp/mixes")
COMMITS, FILES, SOURCES = 75, 25, 400
REQUESTS, QUERIES, TURNS = 100, 500, 2

GIT = ("git", "-C", str(HOME / "repository"))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def _history() -> None:
    """A repository whose commits change a file each; the same in every guest."""
    commits = []
    for number in range(COMMITS):
        text = "".join(f"line {line} of {number}\n" for line in range(number, number + 30))
        commits.append(
            f"commit refs/heads/main\ncommitter A <a@example.org> {1700000000 + number} +0000\n"
            f"data 8\nchange {number % 10}M 644 inline file{number % FILES}\n"
            f"data {len(text)}\n{text}\n")
    _run("git", "init", "-b", "main", GIT[2])
    subprocess.run([*GIT, "fast-import", "--quiet"], input="".join(commits), text=True, check=True)


def _tree() -> None:
    """Headers of this machine."""
    found = sorted(path for path in Path("/usr/include").rglob("*.h") if path.is_file())
    for path in found[:SOURCES]:
        target = HOME / "tree" / path.relative_to("/usr/include")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _source() -> None:
    (HOME / "main.c").write_text(
        '#include <stdio.h>\n#include <sys/socket.h>\n'
        'int main(void) { printf("%d\\n", AF_INET6); return 0; }\n', encoding="ascii")


def _site() -> None:
    (HOME / "root").mkdir()
    (HOME / "root/index.html").write_text("<h1>hello</h1>\n" * 64, encoding="ascii")
    places = "".join(f"{kind}_temp_path {HOME}/{kind};\n"
                     for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (HOME / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {HOME}/pid; error_log {HOME}/error.log;\n"
        "user root;\nevents { worker_connections 64; }\n"
        f"http {{ access_log {HOME}/access.log; {places} sendfile on;\n"
        f"server {{ listen 127.0.0.1:8088; root {HOME}/root; }} }}\n", encoding="ascii")


def _took(*command: str) -> int:
    """Processor time of a command and of all that it waited for."""
    null = os.open(os.devnull, os.O_RDWR)
    pid = os.posix_spawnp(command[0], command, os.environ,
                          file_actions=[(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)])
    os.close(null)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"jobs: {command[0]}: wait status {status:#x}")
    return int((usage.ru_utime + usage.ru_stime) * 1e6 + 0.5) * 1000


def _served(pids: Sequence[int]) -> int:
    """Processor time of the threads of servers so far."""
    return sum(int(path.read_text(encoding="ascii").split()[0])
               for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


@contextlib.contextmanager
def _server(ready: Sequence[str], *command: str) -> Iterator[list[int]]:
    """A server and its children."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as server:
        while subprocess.run(ready, check=False, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL).returncode != 0:
            if server.poll() is not None:
                sys.exit(f"jobs: {command[0]} ended with status {server.returncode}")
            time.sleep(0.05)
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
        yield [server.pid, *map(int, children.read_text(encoding="ascii").split())]
        server.send_signal(signal.SIGTERM)


def _under_load(pids: Sequence[int], *client: str) -> int:
    before = _served(pids)
    return _took(*client) + _served(pids) - before


def _repeat(turns: int, job: Callable[[], int]) -> list[int]:
    """The first turn reads what the others find in memory."""
    job()
    return [job() for _ in range(turns)]


def _nginx(turns: int) -> list[int]:
    with _server(("curl", "-sf", "http://127.0.0.1:8088/"), "nginx", "-e", f"{HOME}/error.log",
                 "-c", f"{HOME}/nginx.conf", "-p", str(HOME)) as pids:
        return _repeat(turns, lambda: _under_load(
            pids, "ab", "-q", "-n", str(REQUESTS), "-c", "4", "http://127.0.0.1:8088/"))


def _redis(turns: int) -> list[int]:
    """One client: of several, how many queries the server finds at once is a matter of chance."""
    with _server(("redis-cli", "-p", "6399", "ping"), "redis-server", "--port", "6399", "--save", "",
                 "--hz", "1", "--dir", str(HOME)) as pids:
        return _repeat(turns, lambda: _under_load(
            pids, "redis-benchmark", "-p", "6399", "-t", "set,get", "-n", str(QUERIES // 2),
            "-c", "1", "-q"))


def _git(turns: int) -> list[int]:
    return _repeat(turns, lambda: _took(*GIT, "--no-pager", "log", "-p", "--stat"))


def _compile(turns: int) -> list[int]:
    return _repeat(turns, lambda: _took("gcc", "-O1", "-o", f"{HOME}/program", f"{HOME}/main.c"))


def _find(turns: int) -> list[int]:
    # Short, and so with an interrupt or without: it takes more turns to have one without.
    return _repeat(4 * turns, lambda: _took("find", f"{HOME}/tree", "-type", "f", "-size", "+8k"))


@dataclass(frozen=True)
class Job:
    """What is done in turns, and how many requests each is."""

    work: Callable[[int], list[int]]
    requests: int = 1
    prepare: Callable[[], None] = lambda: None


JOBS = {
    "mix_nginx": Job(_nginx, REQUESTS, _site),
    "mix_redis": Job(_redis, QUERIES),
    "mix_git": Job(_git, prepare=_history),
    "mix_compile": Job(_compile, prepare=_source),
    "mix_find": Job(_find, prepare=_tree),
}
"""by scenario"""


def prepare(names: Iterable[str]) -> None:
    """What they work on, all of it in memory."""
    HOME.mkdir(mode=0o755)
    for name in names:
        JOBS[name].prepare()


def main() -> None:
    """Do them, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", nargs="+", choices=JOBS)
    arguments = parser.parse_args()
    json.dump({name: JOBS[name].work(TURNS) for name in arguments.job}, sys.stdout)


if __name__ == "__main__":
    main()
