# SPDX-License-Identifier: LGPL-2.1-or-later
"""Control groups of version 2 that a test makes."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from asking import wait_until

ROOT = Path("/sys/fs/cgroup")


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
