# SPDX-License-Identifier: LGPL-2.1-or-later
"""Functions that run in a process of their own, because they end up filtered."""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

NOBODY = 65534
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_FAILED = 99


@dataclass
class Outcome:
    """How a child ended."""

    status: int
    """as wait() has it"""
    text: str
    """what it said: its value as JSON, or why it failed"""

    @property
    def signal(self) -> int:
        """The signal that ended it, 0 if none did."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else 0

    @property
    def value(self) -> Any:
        """What the function returned. Anything but a return is a failure."""
        assert self.status == 0, f"wait status {self.status:#x}\n{self.text}"
        return json.loads(self.text)


class Child:
    """A process that runs a function. `with` kills and reaps it whatever happens."""

    def __init__(self, function: Callable[[], object]) -> None:
        from_child, to_parent = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(from_child)
            _run(function, to_parent)
        os.close(to_parent)
        self._from = from_child
        self._outcome: Outcome | None = None

    def outcome(self) -> Outcome:
        """Wait for its end."""
        if self._outcome is None:
            chunks = []
            while chunk := os.read(self._from, 65536):
                chunks.append(chunk)
            os.close(self._from)
            _, status = os.waitpid(self.pid, 0)
            self._outcome = Outcome(status, b"".join(chunks).decode())
        return self._outcome

    def set_reaped(self, status: int) -> None:
        """Somebody else has waited for it."""
        os.close(self._from)
        self._outcome = Outcome(status, "")

    def kill(self) -> Outcome:
        """End it, if it has not ended."""
        if self._outcome is None:
            os.kill(self.pid, signal.SIGKILL)
        return self.outcome()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _run(function: Callable[[], object], to_parent: int) -> None:
    status = _FAILED
    try:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        text = json.dumps(function())
        status = 0
    except BaseException:  # pylint: disable=broad-except
        text = traceback.format_exc()
    finally:
        with contextlib.suppress(OSError):
            os.write(to_parent, text.encode())
        os._exit(status)


def run(function: Callable[[], object]) -> Outcome:
    """Run it in a child to the end."""
    with Child(function) as child:
        return child.outcome()


def value(function: Callable[[], object]) -> Any:
    """What it returns, run in a child."""
    return run(function).value


def become_nobody() -> None:
    """For ever, with no capability left."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    become_dumpable()


def become_dumpable(yes: bool = True) -> None:
    """As after execve(); or as who has changed his ids and not executed anything since."""
    _libc.prctl(_PR_SET_DUMPABLE, int(yes), 0, 0, 0)


@contextlib.contextmanager
def effective_nobody() -> Iterator[None]:
    """For a moment, in the calling process: its effective user and group id."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        # The kernel lets nobody dump who has changed it; what is forked later inherits that.
        become_dumpable()


def unshare(flags: int) -> None:
    """unshare(2)."""
    if _libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """setns(2)."""
    if _libc.setns(descriptor, kind) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def errno_of(function: Callable[[], object]) -> int:
    """The errno that it fails with, 0 if it does not."""
    try:
        function()
    except OSError as error:
        return error.errno or -1
    return 0


class Gate:
    """One side waits until the other has come so far."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    def open(self, data: bytes = b"!") -> None:
        """Let one waiter through, with some bytes for it."""
        os.write(self._write, data)

    def wait(self, seconds: float = 60.0, size: int = 4096) -> bytes:
        """Wait for it. Where several wait, each takes `size` 1."""
        if not select.select([self._read], [], [], seconds)[0]:
            raise TimeoutError("nobody opens the gate")
        return os.read(self._read, size)

    @property
    def reading(self) -> int:
        """The descriptor that ends, or is readable, when the gate is open."""
        return self._read

    def close(self) -> None:
        """Both ends."""
        os.close(self._read)
        os.close(self._write)


@contextlib.contextmanager
def gate() -> Iterator[Gate]:
    """A gate that is closed at the end."""
    made = Gate()
    try:
        yield made
    finally:
        made.close()
