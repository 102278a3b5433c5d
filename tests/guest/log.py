# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's serial log: where the run begins in it, and what must not be there."""

import re
from dataclasses import dataclass
from pathlib import Path

START = "secmap-guest: start"
END = "secmap-guest: end"

_STAMP = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[CT]\d+\])? ?")

PANIC = re.compile(r"Kernel panic - not syncing")

_INT3 = re.compile(r"\bint3: 0000\b")

# Reports that the kernel makes about itself. What a rule finds here is never normal.
_SPLAT = re.compile(
    "|".join(
        (
            PANIC.pattern,
            r"\bBUG: ", r"\bBUG at ", r"^kernel BUG", r"\bWARNING: ", r"\bOops\b", r"\bUBSAN: ",
            r"\bKASAN: ", r"\bKCSAN: ", r"\bKFENCE: ", r"\bDEBUG_LOCKS_WARN_ON\b", r"\bINFO: task ",
            r"\bINFO: possible ", r"\bINFO: suspicious ", r"\bINFO: trying to register ",
            r"\bINFO: inconsistent lock state", r"\bINFO: lockdep is turned off",
            r"\bINFO: rcu.* detected (?:expedited )?stall", r"\brcu: .*detected.* stall",
            r"\brcu: .*kthread starved", r"\bWatchdog detected hard LOCKUP", r"\bsoft lockup\b",
            r"possible recursive locking", r"possible circular locking",
            r"possible irq lock inversion", r"inconsistent lock state", r"\bbad unlock balance",
            r"scheduling while atomic", r"sleeping function called from invalid context",
            r"suspicious RCU usage", r"Voluntary context switch within RCU",
            r"held lock freed", r"still has locks held", r"lock held when returning to user space",
            r"ODEBUG: ", r"^kmemleak: (?:unreferenced object|\d+ new suspected)",
            r"general protection fault, (?!ip:)", r"double fault", r"stack segment: ",
            r"unable to handle (?:page fault|kernel)", r"kernel stack (?:overflow|is corrupted)",
            r"refcount_t: ", r"list_(?:add|del) corruption", r"slab-out-of-bounds",
            r"use-after-free", r"Object \w+ (?:already|not) ", r"Bad page (?:state|map)",
            r"Redzone", r"usercopy: Kernel memory", r"nobody cared", r"bad: scheduling from",
            r"MAX_LOCKDEP_\w+ too low", r"MAX_LOCK_DEPTH too low", r"^Call Trace:",
        )
    )
)

# How much of a report is shown, and where one ends.
_LONGEST = 80
_FINISH = re.compile(r"---\[ end trace|^={20,}$|</TASK>")


@dataclass(frozen=True)
class Log:
    """The lines of a serial log, without time stamps."""

    path: Path
    lines: list[str]
    begun: bool
    complete: bool

    def panic(self) -> bool:
        """Whether the kernel gave up, at any time."""
        return any(PANIC.search(line) for line in self.lines)

    def stale_int3(self) -> bool:
        """Whether the kernel died of QEMU's fault before user space began: it ran an int3 that the
        kernel had replaced (docs/kernels.md). Nothing of ours was there yet."""
        return not self.begun and self.panic() and any(_INT3.search(line) for line in self.lines)

    def splats(self) -> list[str]:
        """All reports since user space began, as text to show."""
        shown: list[str] = []
        running = 0
        for line in self._since_start():
            if running == 0 and _SPLAT.search(line):
                running = _LONGEST
            if running:
                shown.append(line)
                running -= 1
                if _FINISH.search(line) and len(shown) > 2:
                    running = 0
        return shown

    def tail(self, count: int) -> list[str]:
        """The last lines."""
        return self.lines[-count:]

    def _since_start(self) -> list[str]:
        for number, line in enumerate(self.lines):
            if line == START:
                return self.lines[number:]
        return []


def read(path: Path) -> Log:
    """Read a log; one that is not there is empty."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        text = ""
    lines = [_STAMP.sub("", line.rstrip("\r")) for line in text.rstrip().split("\n")]
    return Log(path, lines, START in lines, END in lines)


def ended(path: Path) -> bool:
    """Whether a log that is still being written has its last line."""
    with open(path, "rb") as handle:
        handle.seek(max(0, handle.seek(0, 2) - 4096))
        return f"{END}\r\n".encode() in handle.read()
