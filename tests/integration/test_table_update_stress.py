# SPDX-License-Identifier: LGPL-2.1-or-later
"""A table that changes under tasks that call, fork, create threads and attach: a call that looks
into it twice, in one policy or in two, sees one version of it, and after the update the new one."""

import os
import signal
import subprocess
from collections.abc import Callable

import abi
import ebpf
import pytest
from abi import ALLOW, ERRNO, IN, NOT_IN, Cond, Rule, Section

GETPPID, GETPGID = 110, 121
FIRST, SECOND, MIXED = ERRNO | 1001, ERRNO | 1002, ERRNO | 1003
KEYS = [3, 7, *range(1000, 1256)]
"""What the program expects there; the argument of its calls is 7."""
LONG = "SECMAP_LONG" in os.environ
# Ten minutes for all three, or so many updates each.
ROUNDS = "200s" if LONG else "20" if os.environ.get("SECMAP_KERNEL") == "debug" else "40"
WAYS = ("calls", "forks", "generations", "threads", "attaches", "tsyncs")


def _maps(dev: int, table: int, newest: bool) -> int:
    """getpgid() looks for both keys; getppid() for one in each policy: if one of these knows
    another version than the other both may allow the call, as no version does."""
    whole, low = 0xFF, 0x3
    if newest:
        rules = [Rule(GETPPID, SECOND, [Cond(0, NOT_IN, mask=whole)])]
    else:
        rules = [Rule(GETPPID, FIRST, [Cond(0, IN, mask=whole)]),
                 Rule(GETPGID, FIRST, [Cond(0, IN, mask=whole), Cond(0, IN, mask=low)]),
                 Rule(GETPGID, SECOND, [Cond(0, NOT_IN, mask=low), Cond(0, NOT_IN, mask=whole)]),
                 Rule(GETPGID, MIXED)]
    return abi.policy_create(dev, [Section(rules=rules)], tables=[table])


def _is_there(key: int) -> list[ebpf.Insn]:
    """r0 = 0 if it is, else 1."""
    return [ebpf.mov(ebpf.R2, key), ebpf.mov(ebpf.R3, 1), *ebpf.table(ebpf.R1, 0),
            ebpf.call(ebpf.LOOKUP)]


def _program(dev: int, table: int, newest: bool) -> int:
    """The same."""
    if newest:
        insns = [*ebpf.only(GETPPID, _is_there(7)), ebpf.jump(ebpf.JEQ, ebpf.R0, 0, 2),
                 *ebpf.ret(SECOND), *ebpf.ret(ALLOW)]
    else:
        insns = [
            ebpf.load(ebpf.W, ebpf.R0, ebpf.R1, 0), ebpf.mov_reg(ebpf.R6, ebpf.R0),
            ebpf.jump(ebpf.JEQ, ebpf.R0, GETPPID, 3), ebpf.jump(ebpf.JEQ, ebpf.R0, GETPGID, 2),
            *ebpf.ret(ALLOW), *_is_there(7), ebpf.mov_reg(ebpf.R7, ebpf.R0),
            ebpf.jump(ebpf.JEQ, ebpf.R6, GETPGID, 5), ebpf.jump(ebpf.JEQ, ebpf.R7, 0, 2),
            *ebpf.ret(ALLOW), *ebpf.ret(FIRST), *_is_there(3),
            ebpf.jump_reg(ebpf.JEQ, ebpf.R0, ebpf.R7, 2), *ebpf.ret(MIXED),
            ebpf.jump(ebpf.JEQ, ebpf.R0, 0, 2), *ebpf.ret(SECOND), *ebpf.ret(FIRST)]
    return ebpf.policy(dev, insns, [table])


@pytest.mark.parametrize(("first", "second"), [
    (_maps, _maps), (_program, _maps), (_program, _program)])
def test_never_a_third_answer(dev: int, keep: Callable[[int], int],
                              stress_program: Callable[[str], str],
                              first: Callable[[int, int, bool], int],
                              second: Callable[[int, int, bool], int]) -> None:
    """And never the old one once the update has returned; in six ways to make a call."""
    if LONG:
        signal.alarm(3600)
    table = keep(abi.table_create(dev, KEYS, room=1000))
    old, new = keep(first(dev, table, False)), keep(second(dev, table, True))
    other = keep(abi.simple(dev, {}))
    given = (dev, old, new, other)
    ended = subprocess.run(
        [stress_program("replace"), *map(str, given), ROUNDS, str(table)],
        check=False, pass_fds=[*given, table], capture_output=True, text=True)
    print(ended.stdout)
    assert (ended.returncode, ended.stderr) == (0, "")
    result = {name: int(value) for name, value
              in (line.split() for line in ended.stdout.splitlines())}
    assert (result["third"], result["late"], result["faults"]) == (0, 0, 0)
    # Each way, or nothing was shown about it; each has a stack of its own.
    assert min(result[way] for way in WAYS) >= result["rounds"] // 20
    assert result["rounds"] >= 20
    assert min(result["tasks"], result["stacks"]) >= result["rounds"] * len(WAYS)
