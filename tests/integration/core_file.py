# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a core file of x86-64 says about the signal and the call under way."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PT_NOTE = 4
_NT_PRSTATUS = 1
_NT_SIGINFO = 0x53494749
_REGISTERS = 112  # in struct elf_prstatus


@dataclass
class Core:
    """Of its first thread."""

    signal: int
    errno: int
    code: int
    address: int
    number: int
    arch: int
    orig_rax: int
    rax: int
    rip: int


def _notes(data: bytes) -> Iterator[tuple[int, bytes]]:
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for place in range(start, start + size * count, size):
        kind, _, at, _, _, length = struct.unpack_from("<IIQQQQ", data, place)
        if kind != _PT_NOTE:
            continue
        end = at + length
        while at < end:
            name, room, note = struct.unpack_from("<III", data, at)
            at += 12 + (name + 3 & ~3)
            yield note, data[at:at + room]
            at += room + 3 & ~3


def read(path: Path) -> Core:
    """Read one."""
    data = path.read_bytes()
    assert data.startswith(b"\x7fELF\x02")
    notes: dict[int, bytes] = {}
    for kind, content in _notes(data):
        notes.setdefault(kind, content)
    signal, errno, code, _, address, number, arch = struct.unpack_from("<iiiIQiI",
                                                                       notes[_NT_SIGINFO])
    registers = struct.unpack_from("<27Q", notes[_NT_PRSTATUS], _REGISTERS)
    return Core(signal, errno, code, address, number, arch, registers[15], registers[10],
                registers[16])
