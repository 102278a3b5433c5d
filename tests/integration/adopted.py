# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real programs with a seccomp filter of their own, held by the kernel or, under --adopt, by
secmap; and what is seen of them from outside."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tool import TOOL, json_of


@dataclass(frozen=True)
class Held:
    """A thread with filters."""

    tid: int
    name: str


def _status(tid: int) -> dict[str, str]:
    """Fields of /proc/TID/status; none when it is gone."""
    try:
        text = Path(f"/proc/{tid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return dict(line.split(":\t", 1) for line in text.splitlines())


def held_by_the_kernel() -> list[Held]:
    """Every thread that the kernel's seccomp filters."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # glob() would not take it that a process ends while its threads are listed.
        with suppress(FileNotFoundError, ProcessLookupError):
            for thread in (process / "task").iterdir():
                status = _status(int(thread.name))
                if status.get("Seccomp", "0").strip() != "0":
                    found.append(Held(int(thread.name), status["Name"]))
    return found


def held_by_secmap() -> list[Held]:
    """Every thread that secmap filters, as the tool tells it."""
    return [Held(task["tid"], task["name"]) for task in json_of("task-list", "task", "list")]


@dataclass(frozen=True)
class Holder:
    """Who holds the programs of a test."""

    name: str
    prefix: Sequence[str]
    held: Callable[[], list[Held]]
    others: Callable[[], list[Held]]

    def __str__(self) -> str:
        return self.name


KERNEL = Holder("kernel", (), held_by_the_kernel, held_by_secmap)
SECMAP = Holder("secmap", (str(TOOL), "run", "--adopt", "--"), held_by_secmap, held_by_the_kernel)


def await_held(holder: Holder, name: str, process: "subprocess.Popen[str]") -> Held:
    """Until a thread of this name is held, by this one and by nobody else."""
    while True:
        for each in holder.held():
            if each.name == name:
                assert holder.others() == []
                return each
        assert process.poll() is None, f"ended with {process.returncode}; no {name} was held"
        time.sleep(0.01)


def await_nobody_held() -> None:
    """Until what held threads there were have ended."""
    while held_by_the_kernel() or held_by_secmap():
        time.sleep(0.01)


@contextmanager
def running(holder: Holder, *command: str | Path, env: dict[str, str] | None = None,
            **more: object) -> Iterator["subprocess.Popen[str]"]:
    """The program with its own filter, and what it starts, until the end of the block. Where
    secmap is to hold it, it must not fall back on the kernel."""
    options: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **more}
    with subprocess.Popen([*holder.prefix, *command], text=True, start_new_session=True,
                          env={**os.environ, "SECMAP_SECCOMP": "require", **(env or {})},
                          **options) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    await_nobody_held()
