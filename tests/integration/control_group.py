# SPDX-License-Identifier: LGPL-2.1-or-later
"""Control groups of version 2 that a test makes, what is in them, and the tool that changes that."""

import contextlib
import errno
import functools
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from answering import Answering
from asking import wait_until
from tool import TOOL, TOP, json_of

ROOT = Path("/sys/fs/cgroup")
GETPPID = 110
DENIED = errno.EXDEV
THREADS = 3


class Group:
    """A folder of cgroup2."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def path(self) -> str:
        """As /proc/PID/cgroup has it."""
        return f"/{self.folder.relative_to(ROOT)}"

    def below(self, name: str, kind: str = "") -> "Group":
        """A new group in it."""
        made = Group(self.folder / name)
        made.folder.mkdir()
        if kind:
            made.write("cgroup.type", kind)
        return made

    def write(self, file: str, text: str) -> None:
        """What a file of it is set to."""
        (self.folder / file).write_text(text, encoding="ascii")

    def read(self, file: str) -> str:
        """What a file of it says."""
        return (self.folder / file).read_text("ascii")

    def move(self, pid: int) -> None:
        """A process, all its threads."""
        self.write("cgroup.procs", str(pid))

    def move_thread(self, tid: int) -> None:
        """One thread, within the threaded groups."""
        self.write("cgroup.threads", str(tid))

    def enter(self) -> None:
        """The calling process; for preexec_fn."""
        self.move(os.getpid())

    def remove(self) -> None:
        """It, and all below it, once all that is in it has ended."""
        self.write("cgroup.kill", "1")
        wait_until(lambda: "populated 0" in (self.folder / "cgroup.events").read_text("ascii"))
        for folder, _, _ in os.walk(self.folder, topdown=False):
            os.rmdir(folder)


@contextlib.contextmanager
def group(name: str) -> Iterator[Group]:
    """A group below the root, which is removed with all that is in it."""
    made = Group(ROOT / name)
    made.folder.mkdir()
    try:
        yield made
    finally:
        made.remove()


class Forks:
    """tests/integration/programs/forks.c, in a group."""

    def __init__(self, program: str, place: Group) -> None:
        self.process = subprocess.Popen([program, "5"], preexec_fn=place.enter, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self) -> tuple[int, int]:
        """Calls that were denied and that succeeded, of those that began after the last question."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found = re.fullmatch(r"denied (\d+) succeeded (\d+)\n", self.process.stdout.readline())
        assert found
        return int(found[1]), int(found[2])

    def total(self, calls: int) -> tuple[int, int]:
        """The same for at least so many, that begin from now on."""
        self.ask()
        denied = succeeded = 0
        while denied + succeeded < calls:
            time.sleep(0.02)  # they need the processors
            more = self.ask()
            denied, succeeded = denied + more[0], succeeded + more[1]
        return denied, succeeded

    def end(self) -> None:
        """Of all of its tasks."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait() == 0


def deny(call: str, folder: Path) -> Path:
    """A profile that allows everything else."""
    path = folder / f"no-{call}.json"
    path.write_text(json.dumps({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": [call], "action": "SCMP_ACT_ERRNO", "errnoRet": DENIED}],
    }), encoding="ascii")
    return path


@contextlib.contextmanager
def answering(*places: Group) -> Iterator[list[Answering]]:
    """A process of several threads in each of these groups."""
    with contextlib.ExitStack() as stack:
        processes = []
        for place in places:
            processes.append(stack.enter_context(Answering(THREADS)))
            place.move(processes[-1].pid)
        yield processes


def errnos(process: Answering) -> set[int]:
    """Of getppid, in all threads."""
    return set(process.ask(GETPPID)[0])


def attach(target: str | Path, profile: Path) -> Any:
    """Attach a profile to a group; the answer."""
    return json_of("attach", "attach", "--profile", profile, "--cgroup", target)


def tool_in(place: Group, *arguments: str | Path,
            environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """The tool, in a group itself."""
    return subprocess.run([TOOL, *arguments], preexec_fn=place.enter, capture_output=True, text=True,
                          check=False, timeout=120, env={**os.environ, **(environment or {})})


# What a preloaded ioctl() does before the real ATTACH, with `fd`, `request`, `record` and `real`.
PRELOADED = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <secmap/secmap.h>

int ioctl(int fd, unsigned long request, ...)
{{
	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	va_list arguments;
	void *record;

	va_start(arguments, request);
	record = va_arg(arguments, void *);
	va_end(arguments);
	if (request == SECMAP_IOC_ATTACH) {{
		{before}
	}}
	return real(fd, request, record);
}}
"""


@functools.cache
def _library(source: str) -> Path:
    library = Path(tempfile.mkdtemp()) / "preloaded.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-x", "c", "-", "-o", library, "-I",
                    TOP / "uapi"], input=source, check=True, text=True)
    return library


def with_library(source: str, **variables: str) -> dict[str, str]:
    """An environment in which the tool has these functions of C in front of its libraries'."""
    return {"LD_PRELOAD": str(_library(source)), **variables}


def preloaded(before: str, **variables: str) -> dict[str, str]:
    """An environment in which the tool does this before it attaches."""
    return with_library(PRELOADED.format(before=before), **variables)
