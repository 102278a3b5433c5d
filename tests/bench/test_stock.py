#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What real programs are held to in seccomp(2) is what libseccomp makes of podman's profile: as the
differential tests have it made, by a reader that shares no code with this one."""

import operator
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import stock

TOP = Path(__file__).resolve().parents[2]
DECISIONS = TOP / "build/userland/tests/diff/secmap-decisions"
RECORD = struct.Struct("<64sII")

LOAD, AND, JUMP, RETURN = 0x20, 0x54, 0x05, 0x06
JUMPS = {0x15: operator.eq, 0x25: operator.gt, 0x35: operator.ge}
Insn = tuple[int, ...]
"""code, jt, jf, k"""


def _run(program: Sequence[Insn], data: Sequence[int]) -> int:
    """Classic BPF, as far as libseccomp uses it."""
    at = value = 0
    while True:
        code, yes, no, operand = program[at]
        at += 1
        if code == LOAD:
            value = data[operand // 4]
        elif code == AND:
            value &= operand
        elif code == JUMP:
            at += operand
        elif code == RETURN:
            return operand
        else:
            at += yes if JUMPS[code](value, operand) else no


@pytest.mark.parametrize("form", stock.FORMS)
def test_program_decides_as_libseccomp_does(form: str, tmp_path: Path) -> None:
    stock.compile_profile(form, tmp_path / "program")
    program = list(struct.iter_unpack("<HBBI", (tmp_path / "program").read_bytes()))
    answered = subprocess.run(
        [DECISIONS, "--profile", stock.PROFILE, "--calls", "500",
         *(f"--capability={name}" for name in sorted(stock.CAPABILITIES))],
        check=True, stdout=subprocess.PIPE).stdout
    seen = set()
    for data, action, _ in RECORD.iter_unpack(answered):
        call = struct.unpack("<16I", data)
        assert _run(program, call) == action, call
        seen.add(action)
    # Allowed, EPERM, ENOSYS.
    assert len(seen) >= 3
