# SPDX-License-Identifier: LGPL-2.1-or-later
"""A policy that is replaced under tasks that call, fork, create threads and attach: each call is
decided by the one or the other, and after the replacement by the new one alone."""

import os
import signal
import subprocess
from collections.abc import Callable

import abi
import ebpf
import pytest
from abi import ALLOW, ERRNO, Cond, Rule, Section

GETPPID, GETPGID = 110, 121
FIRST, SECOND = 1001, 1002
LONG = "SECMAP_LONG" in os.environ
# TCG's debug kernel is some ten times slower than the others.
ROUNDS = 100_000 if LONG else 60 if os.environ.get("SECMAP_KERNEL") == "debug" else 300
WAYS = ("calls", "forks", "generations", "threads", "attaches", "tsyncs")


def _clause(dev: int, errno: int) -> int:
    return abi.policy_create(dev, [Section(rules=[
        Rule(GETPPID, ERRNO | errno), Rule(GETPGID, ERRNO | errno, [Cond(0, abi.EQ, value=7)])])])


def _set(dev: int, errno: int) -> int:
    """A table of its own each, which goes with the policy."""
    table = abi.table_create(dev, range(7, 7 + 256))
    policy = abi.policy_create(dev, [Section(rules=[
        Rule(GETPPID, ERRNO | errno),
        Rule(GETPGID, ERRNO | errno, [Cond(0, abi.IN, mask=0xFFFFFFFF)])])], tables=[table])
    os.close(table)
    return policy


def _classic(dev: int, errno: int) -> int:
    return abi.cbpf(dev, abi.verdicts({GETPPID: ERRNO | errno, GETPGID: ERRNO | errno}))


def _program(dev: int, errno: int) -> int:
    """With a table, too."""
    table = abi.table_create(dev, range(7, 7 + 256), [ERRNO | errno] * 256)
    policy = ebpf.policy(dev, [
        ebpf.load(ebpf.W, ebpf.R0, ebpf.R1, 0),
        ebpf.jump(ebpf.JEQ, ebpf.R0, GETPPID, 3, wide=False),
        ebpf.jump(ebpf.JEQ, ebpf.R0, GETPGID, 4, wide=False), *ebpf.ret(ALLOW),
        *ebpf.ret(ERRNO | errno), *ebpf.value_of(0, 0, ALLOW), ebpf.leave()], [table])
    os.close(table)
    return policy


MAKERS = {"maps": _clause, "tables": _set, "cbpf": _classic, "ebpf": _program}


@pytest.mark.parametrize(("first", "second"), [
    ("tables", "tables"), ("maps", "ebpf"), ("cbpf", "tables")])
def test_never_a_third_answer(dev: int, keep: Callable[[int], int],
                              stress_program: Callable[[str], str], first: str,
                              second: str) -> None:
    """And never the old one once the replacement has returned; in six ways to make a call."""
    if LONG:
        signal.alarm(7200)
    old, new = keep(MAKERS[first](dev, FIRST)), keep(MAKERS[second](dev, SECOND))
    other = keep(abi.simple(dev, {}))
    ended = subprocess.run([stress_program("replace"), *map(str, (dev, old, new, other, ROUNDS))],
                           check=False, pass_fds=[dev, old, new, other], capture_output=True,
                           text=True)
    print(ended.stdout)
    assert (ended.returncode, ended.stderr) == (0, "")
    result = {name: int(value) for name, value
              in (line.split() for line in ended.stdout.splitlines())}
    assert (result["third"], result["late"], result["faults"]) == (0, 0, 0)
    # Each way, or nothing was shown about it; each has a stack of its own.
    assert min(result[way] for way in WAYS) >= ROUNDS // 20
    assert min(result["tasks"], result["stacks"]) >= ROUNDS * len(WAYS)
