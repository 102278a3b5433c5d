# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tracefs: instances of its own for a test, and what their events see."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

_TRACEFS = Path("/sys/kernel/tracing")


def _mount() -> None:
    if not (_TRACEFS / "instances").is_dir():
        subprocess.run(["mount", "-t", "tracefs", "tracefs", str(_TRACEFS)], check=True)


class Instance:
    """Ring buffers and events that nobody else uses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def set(self, event: str, attribute: str, text: str) -> None:
        """Write an attribute of an event, `system/name`."""
        (self.folder / "events" / event / attribute).write_text(text, encoding="ascii")

    def lines(self) -> list[str]:
        """What the events say, as text."""
        text = (self.folder / "trace").read_text(encoding="ascii")
        return [line for line in text.splitlines() if not line.startswith("#")]

    def seen(self) -> int:
        """How many events there have been: those that are there, and those overwritten."""
        return sum(int(line.split()[1])
                   for stats in self.folder.glob("per_cpu/cpu*/stats")
                   for line in stats.read_text(encoding="ascii").splitlines()
                   if line.startswith(("entries:", "overrun:")))


@contextlib.contextmanager
def instance(name: str) -> Iterator[Instance]:
    """A new one, removed at the end with all that it enabled."""
    _mount()
    folder = _TRACEFS / "instances" / name
    folder.mkdir()
    try:
        yield Instance(folder)
    finally:
        (folder / "events/enable").write_text("0", encoding="ascii")
        folder.rmdir()


@contextlib.contextmanager
def counting_entries() -> Iterator[Instance]:
    """Counts what goes the long way into the kernel, as flagged tasks do; no probe on sys_enter."""
    _mount()
    functions = (_TRACEFS / "available_filter_functions").read_text(encoding="ascii").split()
    where = next(name for name in functions if name.startswith("syscall_trace_enter"))
    events = _TRACEFS / "kprobe_events"
    events.write_text(f"p:secmap_test/long_way {where}\n", encoding="ascii")
    try:
        with instance("secmap_long_way") as made:
            yield made
    finally:
        # Opened like this, it forgets all.
        events.write_text("", encoding="ascii")
