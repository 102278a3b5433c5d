# SPDX-License-Identifier: LGPL-2.1-or-later
"""The generic netlink family as bytes, beside the library."""

import os
import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

WATCH, UNWATCH, EVENT = 1, 2, 3
WATCH_POLICY = 1
PAD = 1
(TIME, SEQUENCE, LOST, SUPPRESSED, PID, TID, NS_PID, NS_TID, COMM, CGROUP, ARCH, NR, ARGS, IP, ACTION,
 POLICY, COMPLAIN, RULE) = range(2, 20)

_GENERIC, _CONTROLLER, _GETFAMILY = 16, 16, 3
_FAMILY_ID, _FAMILY_NAME = 1, 2
_REQUEST, _ACK = 1, 4
_ERROR, _ERROR_MSG = 2, 1
_RCVBUFFORCE = 33
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11


class Refused(OSError):
    """What the module said no to, with its text."""


@dataclass(frozen=True)
class Event:
    """One verdict. `args` and `rule` are None where the module does not know them."""

    time: int
    sequence: int
    lost: int
    suppressed: int
    pid: int
    tid: int
    ns_pid: int
    ns_tid: int
    comm: str
    cgroup: int
    arch: int
    nr: int
    args: tuple[int, ...] | None
    ip: int
    action: int
    policy: int
    complains: bool
    rule: int | None


def attribute(kind: int, content: bytes) -> bytes:
    """A netlink attribute, padded."""
    padding = bytes(-len(content) % 4)
    return struct.pack("<HH", len(content) + 4, kind) + content + padding


def _attributes(content: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while content:
        length, kind = struct.unpack_from("<HH", content)
        assert 4 <= length <= len(content)
        assert kind not in found or kind == PAD
        found[kind] = content[4:length]
        content = content[(length + 3) // 4 * 4:]
    return found


def _event(content: bytes) -> Event:
    found = _attributes(content)
    found.pop(PAD, None)

    def number(kind: int, size: int) -> int:
        value = found.pop(kind)
        assert len(value) == size
        return int.from_bytes(value, "little")

    args = found.pop(ARGS, None)
    complains = found.pop(COMPLAIN, None)
    assert complains in (None, b"")
    comm = found.pop(COMM)
    assert comm.endswith(b"\0")
    rule = number(RULE, 4) if RULE in found else None
    wide = {kind: number(kind, 8) for kind in (TIME, SEQUENCE, LOST, SUPPRESSED, CGROUP, IP)}
    narrow = {kind: number(kind, 4) for kind in (PID, TID, NS_PID, NS_TID, ARCH, NR, ACTION, POLICY)}
    assert not found
    return Event(
        time=wide[TIME], sequence=wide[SEQUENCE], lost=wide[LOST], suppressed=wide[SUPPRESSED],
        pid=narrow[PID], tid=narrow[TID], ns_pid=narrow[NS_PID], ns_tid=narrow[NS_TID],
        comm=comm[:-1].decode(), cgroup=wide[CGROUP], arch=narrow[ARCH], nr=narrow[NR],
        args=struct.unpack("<6Q", args) if args is not None else None, ip=wide[IP],
        action=narrow[ACTION], policy=narrow[POLICY], complains=complains is not None, rule=rule)


class Socket:
    """A generic netlink socket; `with` closes it."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _GENERIC)
        self.socket.bind((0, 0))
        for option in (_CAP_ACK, _EXT_ACK):
            self.socket.setsockopt(_SOL_NETLINK, option, 1)
        self._events: list[Event] = []
        name = attribute(_FAMILY_NAME, b"secmap\0")
        self.family = _CONTROLLER
        found = _attributes(self.request(_GETFAMILY, name, flags=0))
        self.family = int.from_bytes(found[_FAMILY_ID], "little")

    def __enter__(self) -> "Socket":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.socket.close()

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        """What is in the socket, at least one: its type, and what is behind the header."""
        content = self.socket.recv(1 << 16)
        while content:
            length, kind, _, _, _ = struct.unpack_from("<IHHII", content)
            yield kind, content[16:length]
            content = content[(length + 3) // 4 * 4:]

    def request(self, command: int, attributes: bytes = b"", flags: int = _ACK) -> bytes:
        """Send a command and wait for what is said to it; the attributes of an answer."""
        payload = struct.pack("<BBH", command, 1, 0) + attributes
        self.socket.send(struct.pack("<IHHII", 16 + len(payload), self.family, _REQUEST | flags, 7, 0)
                         + payload)
        while True:
            for kind, content in self._messages():
                if kind == _ERROR:
                    self._refuse(content)
                    return b""
                if kind == _CONTROLLER:
                    return content[4:]
                self._take(kind, content)

    @staticmethod
    def _refuse(content: bytes) -> None:
        (error,) = struct.unpack_from("<i", content)
        if error:
            found = _attributes(content[20:])
            raise Refused(-error, found.get(_ERROR_MSG, b"\0")[:-1].decode())

    def _take(self, kind: int, content: bytes) -> None:
        assert kind == self.family and content[0] == EVENT
        self._events.append(_event(content[4:]))

    def watch(self, policy: int | None = None) -> "Socket":
        """Hear of verdicts from now on."""
        wanted = attribute(WATCH_POLICY, struct.pack("<I", policy)) if policy is not None else b""
        self.request(WATCH, wanted)
        return self

    def enlarge(self, size: int) -> None:
        """Have room for so many bytes, whatever the administrator's limit is."""
        self.socket.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, size)

    def waits(self) -> bool:
        """Is there something to read?"""
        return bool(select.select([self.socket], [], [], 0)[0])

    def next(self) -> Event:
        """The next event; waits for it."""
        while not self._events:
            for kind, content in self._messages():
                self._take(kind, content)
        return self._events.pop(0)

    def rest(self) -> list[Event]:
        """All that is there now. Who makes a call has told of it when it is back from it."""
        while self.waits():
            for kind, content in self._messages():
                self._take(kind, content)
        events, self._events = self._events, []
        return events


def rate(limit: int) -> None:
    """How many verdicts a second each policy may tell; 0: all."""
    with open("/sys/module/secmap/parameters/events_rate", "w", encoding="ascii") as parameter:
        parameter.write(f"{limit}\n")


def cgroup_of(pid: int) -> int:
    """The id of a task's cgroup; the one of the root is 1."""
    with open(f"/proc/{pid}/cgroup", encoding="ascii") as lines:
        path = next(line.split("::")[1].strip() for line in lines if line.startswith("0::"))
    return os.stat("/sys/fs/cgroup" + path).st_ino
