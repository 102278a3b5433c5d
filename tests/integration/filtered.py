# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that are filtered before they begin, and what the kernel says about tasks."""

import os
import select
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import EINVAL, ESRCH
from pathlib import Path

import abi


def run(dev: int, policies: Sequence[int], argv: Sequence[str],
        also: Callable[[], object] = lambda: None) -> subprocess.CompletedProcess[str]:
    """Run it to its end under these policies, oldest first."""
    def prepare() -> None:
        also()
        for policy in policies:
            abi.attach(dev, policy)

    return subprocess.run(argv, preexec_fn=prepare, capture_output=True, text=True, check=False,
                          timeout=120)


@contextmanager
def crowd(program: str, size: int, prepare: Callable[[], object] = lambda: None,
          ) -> Iterator[list[int]]:
    """So many processes that do nothing; their ids, the first one's is their parent's."""
    with subprocess.Popen([program, str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          preexec_fn=prepare, text=True) as process:
        assert process.stdout and process.stdin
        pids = [process.pid, *map(int, process.stdout.readline().split())]
        assert len(pids) == size + 1
        # Closing it ends them, and those of them that end later are waited for.
        ends = [os.pidfd_open(pid) for pid in pids]
        yield pids
        process.stdin.close()
        process.wait()
    for end in ends:
        _await(end)


def await_end(pid: int) -> None:
    """Until this process, not necessarily a child, has ended."""
    try:
        end = os.pidfd_open(pid)
    except OSError as error:
        # EINVAL: it is just being reaped, and leads no process any more.
        if error.errno in (ESRCH, EINVAL):
            return
        raise
    _await(end)


def _await(end: int) -> None:
    """Until a process has ended; its descriptor is closed. select() would not do above 1023."""
    poll = select.poll()
    poll.register(end, select.POLLIN)
    poll.poll()
    os.close(end)


def state(pid: int) -> str:
    """R, S, T, Z ..., "" when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return text.rpartition(")")[2].split()[0]


def await_call(pid: int, number: int) -> None:
    """Until the task sleeps in this system call."""
    path = Path(f"/proc/{pid}/syscall")
    while path.read_text(encoding="ascii").split()[0] != str(number):
        os.sched_yield()


def await_loop_or_end(pid: int) -> None:
    """Until it has ended, or has used so much time that it goes round and round."""
    while True:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        if words[0] == "Z" or int(words[11]) + int(words[12]) > 30:
            return
        os.sched_yield()
