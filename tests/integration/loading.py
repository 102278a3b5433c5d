# SPDX-License-Identifier: LGPL-2.1-or-later
"""Loading and unloading the module."""

import ctypes
import os
import time
from errno import EWOULDBLOCK
from pathlib import Path

import abi

_O_NONBLOCK = 0o4000
_libc = ctypes.CDLL(None, use_errno=True)
_NAME = abi.Memory(b"secmap\0")
_FILE = Path(os.environ.get("SECMAP_MODULES", "/nonexistent")) / "secmap.ko"


def unload() -> int:
    """delete_module(2): the errno, 0 if it is gone."""
    return -abi.raw_syscall(176, _NAME.address, _O_NONBLOCK)


def load(parameters: bytes = b"") -> None:
    """finit_module(2)."""
    descriptor = os.open(_FILE, os.O_RDONLY | os.O_CLOEXEC)
    result = _libc.syscall(313, descriptor, parameters, 0)
    number = ctypes.get_errno()
    os.close(descriptor)
    if result != 0:
        raise OSError(number, os.strerror(number))


def unload_at_last() -> None:
    """When all is closed: what was dropped is let go a moment later, in work items."""
    limit = time.monotonic() + 60
    while (errno := unload()) != 0:
        assert errno == EWOULDBLOCK and time.monotonic() < limit, os.strerror(errno)
        os.sched_yield()


def references() -> int:
    """What holds the module."""
    return int(Path("/sys/module/secmap/refcnt").read_text(encoding="ascii"))
