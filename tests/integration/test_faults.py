# SPDX-License-Identifier: LGPL-2.1-or-later
"""What happens without memory: injected by failslab, which only the debug kernel has."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import abi
import pytest
from child import run

FAILSLAB = Path("/sys/kernel/debug/failslab")
CACHE = Path("/sys/kernel/slab/secmap_carrier/failslab")
FORK, VFORK, GETPPID = 57, 58, 110

# Debian's kernels are built without it; make test-debug runs these.
pytestmark = pytest.mark.skipif(not FAILSLAB.exists(), reason="this kernel has no failslab")


@pytest.fixture(name="no_carriers")
def _no_carriers(dev: int, keep: Callable[[int], int]) -> Iterator[Callable[[], None]]:
    """A function after which no carrier can be allocated any more."""
    # The cache is there with the module, its switch in sysfs too.
    keep(abi.simple(dev, {}))

    def begin() -> None:
        CACHE.write_text("1", encoding="ascii")
        for name, value in (("cache-filter", "Y"), ("ignore-gfp-wait", "N"), ("times", "-1"),
                            ("verbose", "0"), ("probability", "100")):
            (FAILSLAB / name).write_text(value, encoding="ascii")

    yield begin
    (FAILSLAB / "probability").write_text("0", encoding="ascii")
    CACHE.write_text("0", encoding="ascii")


def end() -> None:
    """There is memory again."""
    (FAILSLAB / "probability").write_text("0", encoding="ascii")


def fork() -> int:
    """fork() by its number: the child says in its status whether it is filtered."""
    pid = abi.raw_syscall(FORK)
    if pid == 0:
        os._exit(0 if abi.raw_syscall(GETPPID) == -errno.EPERM else 1)
    return pid


def test_no_spare_no_child(dev: int, keep: Callable[[int], int],
                           no_carriers: Callable[[], None]) -> None:
    policy = keep(abi.simple(dev, {GETPPID: abi.ERRNO | errno.EPERM}))

    def body() -> list[int]:
        abi.no_new_privs()
        abi.attach(dev, policy)
        no_carriers()
        # The spare that came with ATTACH is there; its successor is not to be had.
        first = fork()
        status = os.waitpid(first, 0)[1]
        refused = [fork(), fork()]
        end()
        # The refused call asked for a spare, and was still without memory; the next gets one.
        asked = fork()
        again = fork()
        return [status, *refused, asked, os.waitpid(again, 0)[1]]

    assert run(body).value == [0, -errno.ENOMEM, -errno.ENOMEM, -errno.ENOMEM, 0]


@pytest.mark.parametrize("engine", ["maps", "cbpf"])
def test_no_spare_no_child_where_an_argument_decides(
    dev: int, keep: Callable[[int], int], no_carriers: Callable[[], None], engine: str,
) -> None:
    """The call is allowed by what its policy says of the argument, and refused all the same."""
    if engine == "maps":
        policy = abi.policy_create(dev, [abi.Section(rules=[
            abi.Rule(FORK, abi.ERRNO | errno.EXDEV, [abi.Cond(0, abi.EQ, 7)]),
            abi.Rule(GETPPID, abi.ERRNO | errno.EPERM)])])
    else:
        policy = abi.cbpf(dev, [abi.load(0), abi.jeq(GETPPID, 0, 1), abi.ret(abi.ERRNO | errno.EPERM),
                                abi.jeq(FORK, 0, 2), abi.load(16), abi.jeq(7, 1, 0),
                                abi.ret(abi.ALLOW), abi.ret(abi.ERRNO | errno.EXDEV)])
    keep(policy)

    def body() -> list[int]:
        abi.no_new_privs()
        abi.attach(dev, policy)
        no_carriers()
        status = os.waitpid(fork(), 0)[1]
        refused = [fork(), abi.raw_syscall(FORK, 7)]
        end()
        asked = fork()
        return [status, *refused, asked, os.waitpid(fork(), 0)[1]]

    assert run(body).value == [0, -errno.ENOMEM, -errno.EXDEV, -errno.ENOMEM, 0]


def test_no_spare_is_no_way_round_a_kill(dev: int, keep: Callable[[int], int],
                                         no_carriers: Callable[[], None]) -> None:
    policy = keep(abi.simple(dev, {VFORK: abi.KILL_PROCESS}))

    def body() -> None:
        abi.no_new_privs()
        abi.attach(dev, policy)
        no_carriers()
        os.waitpid(fork(), 0)
        abi.raw_syscall(VFORK)

    assert run(body).signal == 31


def test_attach_without_memory_changes_nothing(dev: int, keep: Callable[[int], int],
                                               no_carriers: Callable[[], None]) -> None:
    policy = keep(abi.simple(dev, {GETPPID: abi.ERRNO | errno.EPERM}))

    def body() -> list[int]:
        abi.no_new_privs()
        no_carriers()
        with pytest.raises(OSError) as refused:
            abi.attach(dev, policy)
        end()
        return [refused.value.errno or 0, len(abi.task_ids(dev)), abi.attach(dev, policy)]

    assert run(body).value == [errno.ENOMEM, 0, 1]


def test_churn_with_little_memory(dev: int, keep: Callable[[int], int],
                                  no_carriers: Callable[[], None]) -> None:
    """Half of all allocations fail: forks are refused or filtered, never anything else."""
    policy = keep(abi.simple(dev, {GETPPID: abi.ERRNO | errno.EPERM}))

    def body() -> list[int]:
        abi.no_new_privs()
        abi.attach(dev, policy)
        no_carriers()
        (FAILSLAB / "probability").write_text("50", encoding="ascii")
        refused = filtered = other = 0
        until = time.monotonic() + 10
        while time.monotonic() < until or not (refused and filtered):
            pid = fork()
            if pid == -errno.ENOMEM:
                refused += 1
            elif pid > 0 and os.waitpid(pid, 0)[1] == 0:
                filtered += 1
            else:
                other += 1
        return [min(refused, 1), min(filtered, 1), other]

    assert run(body).value == [1, 1, 0]
