# SPDX-License-Identifier: LGPL-2.1-or-later
"""Classic BPF programs as seccomp(2) takes them, and those that a task carries."""

import struct
from collections.abc import Sequence

import abi

LD_NR, LD_ARCH = (0x20, 0, 0, 0), (0x20, 0, 0, 4)
Insn = tuple[int, int, int, int]
"""code, jt, jf, k"""

SET_STRICT, SET_FILTER, ACTION_AVAIL, NOTIF_SIZES = range(4)
TSYNC, LOG, SPEC_ALLOW, NEW_LISTENER, TSYNC_ESRCH, WAIT_KILLABLE = (1 << n for n in range(6))


def ret(action: int) -> Insn:
    """Return it."""
    return (0x06, 0, 0, action)


def deny(actions: dict[int, int], default: int = abi.ALLOW) -> list[Insn]:
    """An action for some numbers of x86-64."""
    program = [LD_NR]
    for number, action in actions.items():
        program += [(0x15, 0, 1, number), ret(action)]
    return [*program, ret(default)]


def pack(program: Sequence[Insn]) -> bytes:
    """The instructions."""
    return b"".join(struct.pack("<HBBI", *insn) for insn in program)


class Program:
    """A struct sock_fprog in memory."""

    def __init__(self, program: Sequence[Insn], length: int | None = None,
                 address: int | None = None) -> None:
        self._insns = abi.Memory(pack(program))
        self._record = abi.Memory(struct.pack(
            "<HxxxxxxQ", len(program) if length is None else length,
            self._insns.address if address is None else address))
        self.address = self._record.address


def open_by_id(dev: int, ident: int) -> int:
    """POLICY_BY_ID."""
    return abi.ioctl(dev, abi.POLICY_BY_ID, struct.pack("<IIII", 16, 0, ident, 0))
