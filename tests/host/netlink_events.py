# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events of the generic netlink family as bytes, and secmapctl monitor on a socket that has them."""

import json
import os
import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tool import TOOL, validate

X86_64, I386 = 0xc000003e, 0x40000003
ERRNO, ALLOW, LOG, KILL_PROCESS = 0x50000, 0x7fff0000, 0x7ffc0000, 0x80000000
EVENT = 3

(PAD, TIME, SEQUENCE, LOST, SUPPRESSED, PID, TID, NS_PID, NS_TID, COMM, CGROUP, ARCH, NR, ARGS, IP, ACTION,
 POLICY, COMPLAIN, RULE) = range(1, 20)
WIDE = {TIME, SEQUENCE, LOST, SUPPRESSED, CGROUP, IP}

# What every event has, in the order of the header.
USUAL: Mapping[int, Any] = {
    TIME: 5_000_000_001, SEQUENCE: 1, LOST: 0, SUPPRESSED: 0, PID: 42, TID: 42, NS_PID: 42, NS_TID: 42,
    COMM: "nginx", CGROUP: 0x1234, ARCH: X86_64, NR: 257, ARGS: (0xffffffffffffff9c, 0x7ffd1000, 0x80000, 0, 0, 0),
    IP: 0x401000, ACTION: ERRNO | 1, POLICY: 7}


def attribute(kind: int, content: bytes) -> bytes:
    """A netlink attribute, padded."""
    return struct.pack("<HH", len(content) + 4, kind) + content + bytes(-len(content) % 4)


def encoded(kind: int, value: Any) -> bytes:
    """An attribute of an event; bytes are taken as they are."""
    if isinstance(value, bytes):
        return attribute(kind, value)
    if kind == COMM:
        return attribute(kind, value.encode() + b"\0")
    if kind == ARGS:
        return attribute(kind, struct.pack("<6Q", *value))
    return attribute(kind, struct.pack("<Q" if kind in WIDE else "<I", value))


def framed(attributes: bytes, command: int = EVENT) -> bytes:
    """A message whose type is still to be told."""
    payload = struct.pack("<BBH", command, 1, 0) + attributes
    return struct.pack("<IHHII", 16 + len(payload), 0, 0, 0, 0) + payload


def event(changes: Mapping[int, Any] | None = None, **named: Any) -> bytes:
    """An event; what is None is left out."""
    values = {**USUAL, **(changes or {}), **{globals()[name.upper()]: value for name, value in named.items()}}
    return framed(b"".join(encoded(kind, value) for kind, value in values.items() if value is not None))


@dataclass(frozen=True)
class Watched:
    """What the tool said, and what it asked for."""

    status: int
    out: str
    err: str
    asked: bytes

    def documents(self) -> list[Any]:
        """What --json has shown, each held against its schema: its kind, and its content."""
        found = []
        for line in self.out.splitlines():
            document = json.loads(line)
            validate(document, "monitor")
            found.append(document["monitor"])
        return found

    def events(self) -> list[Any]:
        """The events among them."""
        return [each["event"] for each in self.documents() if "event" in each]


@dataclass(frozen=True)
class Kernel:
    """A socket whose other end answers as it is told to."""

    library: Path
    folder: Path

    def environment(self, messages: Sequence[bytes], **how: str) -> dict[str, str]:
        """For a tool that is to meet it."""
        events = self.folder / "events"
        events.write_bytes(b"".join(struct.pack("<I", len(each)) + each for each in messages))
        return {**os.environ, "LD_PRELOAD": str(self.library), "NETLINK_EVENTS": str(events),
                "NETLINK_ASKED": str(self.folder / "asked"), "TZ": "UTC", **how}

    def watch(self, *arguments: str | Path, messages: Sequence[bytes] = (), device: str = "/nowhere",
              **how: str) -> Watched:
        """Run `monitor` to its end, which is after as many events as are shown or a failure."""
        asked = self.folder / "asked"
        asked.unlink(missing_ok=True)
        done = subprocess.run([TOOL, "--device", device, "monitor", *arguments], check=False, capture_output=True,
                              text=True, timeout=120, env=self.environment(messages, **how))
        return Watched(done.returncode, done.stdout, done.stderr, asked.read_bytes() if asked.exists() else b"")
