#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A generic netlink family by its YAML specification alone, as a tool in any language could have it.

    family.py uapi/secmap/secmap.yaml policy-get        # a dump, as JSON lines
    family.py uapi/secmap/secmap.yaml task-get tid=42   # one answer
    family.py uapi/secmap/secmap.yaml stats-get --dump policy=7 per-cpu=1
"""

import functools
import json
import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml  # type: ignore[import]

Values = dict[str, Any]

_GENERIC, _CONTROLLER, _GETFAMILY = 16, 16, 3
_FAMILY_ID, _FAMILY_NAME = 1, 2
_REQUEST, _ACK, _DUMP, _MULTI, _INTERRUPTED = 1, 4, 0x300, 2, 0x10
_ERROR, _DONE, _ERROR_MSG = 2, 3, 1
_NESTED, _TYPE_MASK = 0x8000, 0x3FFF
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_FORMATS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "s32": "<i", "s64": "<q"}


class Refused(OSError):
    """What the family said no to, with its text."""


@dataclass(frozen=True)
class Dump:
    """The messages of a dump; whether something changed meanwhile; in how many pieces it came."""

    messages: list[Values]
    interrupted: bool
    pieces: int


def raw(kind: int, content: bytes) -> bytes:
    """An attribute, padded."""
    return struct.pack("<HH", len(content) + 4, kind) + content + bytes(-len(content) % 4)


def _split(content: bytes) -> Iterator[tuple[int, bytes]]:
    while content:
        length, kind = struct.unpack_from("<HH", content)
        assert 4 <= length <= len(content), (length, len(content))
        yield kind & _TYPE_MASK, content[4:length]
        content = content[(length + 3) // 4 * 4:]


def _numbered(entries: list[Values]) -> dict[str, int]:
    found, value = {}, 0
    for entry in entries:
        value = found[entry["name"]] = entry.get("value", value + 1)
    return found


@functools.cache
def _read(specification: Path) -> Values:
    read: Values = yaml.safe_load(specification.read_text(encoding="utf-8"))
    return read


class Family:
    """A socket of it; `with` closes it."""

    def __init__(self, specification: Path) -> None:
        spec = _read(specification)
        self._sets: dict[str, list[Values]] = {each["name"]: each["attributes"] for each in spec["attribute-sets"]}
        self.commands = _numbered(spec["operations"]["list"])
        self._operations = {each["name"]: each for each in spec["operations"]["list"]}
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _GENERIC)
        self.socket.bind((0, 0))
        for option in (_CAP_ACK, _EXT_ACK):
            self.socket.setsockopt(_SOL_NETLINK, option, 1)
        self._sequence = 0
        self.number = _CONTROLLER
        name = raw(_FAMILY_NAME, spec["name"].encode() + b"\0")
        (answer,) = self._exchange(_GETFAMILY, name, 0)[0]
        self.number = int.from_bytes(dict(_split(answer))[_FAMILY_ID], "little")

    def __enter__(self) -> "Family":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.socket.close()

    def send(self, command: int, attributes: bytes, flags: int) -> None:
        """A request as it is."""
        self._sequence += 1
        payload = struct.pack("<BBH", command, 1, 0) + attributes
        self.socket.send(struct.pack("<IHHII", 16 + len(payload), self.number, _REQUEST | flags, self._sequence, 0)
                         + payload)

    def _exchange(self, command: int, attributes: bytes, flags: int) -> tuple[list[bytes], bool, int]:
        self.send(command, attributes, flags)
        return self._answers(command, flags)

    def _answers(self, command: int, flags: int) -> tuple[list[bytes], bool, int]:
        found: list[bytes] = []
        interrupted, pieces = False, 0
        while True:
            content = self.socket.recv(1 << 16)
            pieces += 1
            while content:
                length, kind, told, sequence, _ = struct.unpack_from("<IHHII", content)
                body, content = content[16:length], content[(length + 3) // 4 * 4:]
                assert sequence == self._sequence
                interrupted |= bool(told & _INTERRUPTED)
                if kind in (_ERROR, _DONE):
                    self._check(body, 20 if kind == _ERROR else 4)
                    return found, interrupted, pieces
                assert kind == self.number and body[0] == (1 if kind == _CONTROLLER else command)
                assert bool(told & _MULTI) == bool(flags & _DUMP)
                found.append(body[4:])
                if not flags:
                    return found, interrupted, pieces

    @staticmethod
    def _check(body: bytes, head: int) -> None:
        (error,) = struct.unpack_from("<i", body)
        if error:
            texts = dict(_split(body[head:]))
            raise Refused(-error, texts.get(_ERROR_MSG, b"\0")[:-1].decode())

    def encode(self, operation: str, values: Mapping[str, Any]) -> bytes:
        """The attributes of a request."""
        return self._encode(self._operations[operation]["attribute-set"], values)

    def _encode(self, of: str, values: Mapping[str, Any]) -> bytes:
        known = {each["name"]: each for each in self._sets[of]}
        numbers = _numbered(self._sets[of])
        made = b""
        for name, value in values.items():
            kind = known[name]["type"]
            if kind == "flag":
                made += raw(numbers[name], b"")
            elif kind == "string":
                made += raw(numbers[name], value.encode() + b"\0")
            elif kind == "nest":
                made += raw(numbers[name] | _NESTED, self._encode(known[name]["nested-attributes"], value))
            else:
                made += raw(numbers[name], struct.pack(_FORMATS[kind], value))
        return made

    def _decode(self, of: str, content: bytes) -> Values:
        known = {number: each for number, each in zip(_numbered(self._sets[of]).values(), self._sets[of])}
        found: Values = {}
        for number, value in _split(content):
            each = known[number]
            name, kind = each["name"], each["type"]
            if kind == "pad":
                continue
            read: Any = value
            if kind == "flag":
                read = True
            elif kind == "string":
                read = value.rstrip(b"\0").decode()
            elif kind == "nest":
                read = self._decode(each["nested-attributes"], value)
            elif kind in _FORMATS:
                (read,) = struct.unpack(_FORMATS[kind], value)
            if each.get("multi-attr"):
                found.setdefault(name, []).append(read)
            else:
                assert name not in found, name
                found[name] = read
        return found

    def _told(self, operation: str, how: str, content: bytes) -> Values:
        """A message; it has nothing that the operation does not have."""
        one = self._operations[operation]
        values = self._decode(one["attribute-set"], content)
        assert values.keys() <= set(one[how]["reply"]["attributes"])
        return values

    def do(self, operation: str, **values: Any) -> Values:
        """The one answer to a request. `_` in names is `-`."""
        asked = self.encode(operation, {name.replace("_", "-"): value for name, value in values.items()})
        (answer,), _, _ = self._exchange(self.commands[operation], asked, 0)
        return self._told(operation, "do", answer)

    def dump(self, operation: str, **values: Any) -> Dump:
        """All that there is."""
        self.begin(operation, **values)
        return self.finish(operation)

    def begin(self, operation: str, **values: Any) -> None:
        """Ask for all that there is. The kernel makes the first piece of it, and another one for each that is read."""
        asked = self.encode(operation, {name.replace("_", "-"): value for name, value in values.items()})
        self.send(self.commands[operation], asked, _DUMP)

    def finish(self, operation: str) -> Dump:
        """All that was asked for."""
        answers, interrupted, pieces = self._answers(self.commands[operation], _DUMP)
        return Dump([self._told(operation, "dump", each) for each in answers], interrupted, pieces)

    def raw_request(self, operation: str, attributes: bytes, dump: bool) -> None:
        """With these attributes, whatever they are. Raises what is said to it."""
        self._exchange(self.commands[operation], attributes, _DUMP if dump else _ACK)


def main() -> int:
    """The program."""
    path, operation, *rest = sys.argv[1:]
    values = dict(each.split("=", 1) for each in rest if "=" in each)
    numbers = {name.replace("-", "_"): int(value, 0) for name, value in values.items()}
    try:
        with Family(Path(path)) as family:
            dumps = not values or "--dump" in rest
            found = family.dump(operation, **numbers).messages if dumps else [family.do(operation, **numbers)]
    except Refused as refused:
        print(f"{operation}: {refused.strerror or os.strerror(refused.errno or 0)}", file=sys.stderr)
        return 1
    for each in found:
        print(json.dumps(each))
    return 0


if __name__ == "__main__":
    sys.exit(main())
