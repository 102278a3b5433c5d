# SPDX-License-Identifier: LGPL-2.1-or-later
"""The supervisor's end of USER_NOTIF: the records and ioctls of seccomp_unotify(2)."""

import ctypes
import os
import select
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import abi
from child import Child

RECV, SEND, ID_VALID, ADDFD = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103
CONTINUE = 1
ADDFD_SETFD, ADDFD_SEND = 1, 2


@dataclass(frozen=True)
class Question:
    """struct seccomp_notif."""

    ident: int
    pid: int
    nr: int
    arch: int
    ip: int
    args: tuple[int, ...]


class Listener:
    """A descriptor that answers; closed at the end of `with`."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def receive(self) -> Question:
        """Wait for a question."""
        record = bytearray(80)
        abi.ioctl(self.descriptor, RECV, record)
        ident, pid, _, nr, arch, ip, *args = struct.unpack("<QIIiIQ6Q", record)
        return Question(ident, pid, nr, arch, ip, tuple(args))

    def send(self, ident: int, value: int = 0, error: int = 0, flags: int = 0) -> None:
        """Answer."""
        abi.ioctl(self.descriptor, SEND, struct.pack("<QqiI", ident, value, -error, flags))

    def valid(self, ident: int) -> None:
        """Raises ENOENT if it is not."""
        abi.ioctl(self.descriptor, ID_VALID, struct.pack("<Q", ident))

    def add(self, ident: int, descriptor: int, flags: int = 0, newfd: int = 0,
            newfd_flags: int = 0) -> int:
        """Give the task a copy; its number there."""
        return abi.ioctl(self.descriptor, ADDFD, struct.pack(
            "<QIIII", ident, flags, descriptor & 0xFFFFFFFF, newfd, newfd_flags))

    def events(self, wanted: int = select.POLLIN | select.POLLOUT, timeout: float = 60) -> int:
        """What poll() says: the events that are there, or the first that come."""
        poll = select.poll()
        poll.register(self.descriptor, wanted)
        found = poll.poll(timeout * 1000)
        return found[0][1] if found else 0

    def close(self) -> None:
        """Nobody answers any more."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


@contextmanager
def supervised(numbers: Sequence[int], function: Callable[[], object], flags: int = 0,
               prepare: Callable[[], object] = lambda: None,
               ) -> Iterator[tuple[Child, Listener]]:
    """A child that runs `function` while it has to ask about calls of these numbers."""
    ours, theirs = socket.socketpair()

    def filtered() -> object:
        ours.close()
        abi.no_new_privs()
        prepare()
        descriptor = abi.attach_filter(
            abi.device(), abi.verdicts({nr: abi.USER_NOTIF for nr in numbers}),
            abi.NEW_LISTENER | flags)
        assert not os.get_inheritable(descriptor)
        socket.send_fds(theirs, [b"!"], [descriptor])
        os.close(descriptor)
        theirs.close()
        return function()

    with Child(filtered) as child:
        theirs.close()
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        ours.close()
        if not descriptors:
            raise AssertionError(child.outcome().text)
        listener = Listener(descriptors[0])
        try:
            yield child, listener
        finally:
            listener.close()


def call(number: int, *args: int) -> int:
    """Make it; a negative errno on failure."""
    return abi.raw_syscall(number, *args)


def errno_now() -> int:
    """Of the last libc function."""
    return ctypes.get_errno()
