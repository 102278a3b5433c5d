# SPDX-License-Identifier: LGPL-2.1-or-later
"""Classic BPF as files: programs that are written by hand, and those that libseccomp makes."""

import ctypes
import errno
import os
import struct
from collections.abc import Sequence
from pathlib import Path

Insn = tuple[int, int, int, int]
"""code, jt, jf, k"""

NR, ARCH = 0, 4
X86_64, I386, X32_BIT = 0xC000003E, 0x40000003, 0x40000000
KILL_PROCESS, KILL_THREAD, TRAP, ERRNO = 0x80000000, 0, 0x30000, 0x50000
NOTIFY, TRACE, LOG, ALLOW = 0x7FC00000, 0x7FF00000, 0x7FFC0000, 0x7FFF0000

SCMP_EQ, SCMP_MASKED_EQ = 4, 7
_SCMP_ARCH_I386 = 0x40000003


class _Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


def load(offset: int) -> Insn:
    """A = a word of struct seccomp_data."""
    return (0x20, 0, 0, offset)


def jeq(value: int, yes: int, no: int) -> Insn:
    """Jump over so many instructions."""
    return (0x15, yes, no, value)


def ret(action: int) -> Insn:
    """Return it."""
    return (0x06, 0, 0, action)


def pack(program: Sequence[Insn]) -> bytes:
    """The instructions as a file has them."""
    return b"".join(struct.pack("<HBBI", *insn) for insn in program)


def deny(number: int, answer: int = ERRNO | errno.EPERM) -> bytes:
    """One number of x86-64 is answered so, everything else is allowed."""
    return pack([load(ARCH), jeq(X86_64, 0, 3), load(NR), jeq(number, 0, 1), ret(answer),
                 ret(ALLOW)])


def libseccomp(path: Path, default: int, rules: Sequence[tuple[int, str, tuple[int, ...]]],
               also_i386: bool = False) -> bytes:
    """What seccomp_export_bpf(3) writes for rules: action, call, and a comparison or nothing."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(default)))
    if also_i386:
        assert library.seccomp_arch_add(context, ctypes.c_uint32(_SCMP_ARCH_I386)) == 0
    for action, name, comparison in rules:
        number = library.seccomp_syscall_resolve_name(name.encode())
        compared = (_Comparison * 1)(_Comparison(*comparison)) if comparison else None
        assert library.seccomp_rule_add_array(context, ctypes.c_uint32(action), number,
                                              len(compared or ()), compared) == 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    assert library.seccomp_export_bpf(context, descriptor) == 0
    os.close(descriptor)
    library.seccomp_release(context)
    return path.read_bytes()
