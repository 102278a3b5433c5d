# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a verdict does, and which of several wins."""

import itertools
import os
import random
from collections.abc import Callable, Sequence

import abi
import child
import pytest
from abi import ALLOW, ERRNO, KILL_PROCESS, KILL_THREAD, LOG
from child import Outcome
from kernel_log import KernelLog

GETPPID = 110
SIGSYS = 31


def _call_under(dev: int, stack: Sequence[int]) -> Outcome:
    """getppid() in a child that carries these policies, oldest first; 0 if it succeeds."""
    def call() -> int:
        for policy in stack:
            abi.attach(dev, policy)
        return min(abi.raw_syscall(GETPPID), 0)

    return child.run(call)


def _expect(outcome: Outcome, action: int) -> None:
    """That a call came out as this action has it."""
    kind, data = action & 0xFFFF0000, action & 0xFFFF
    if kind in (KILL_PROCESS, KILL_THREAD):
        assert outcome.signal == SIGSYS, outcome
    else:
        assert outcome.value == (-min(data, 4095) if kind == ERRNO else 0)


@pytest.mark.parametrize("data", [0, 1, 11, 38, 511, 517, 4094, 4095, 4096, 0xFFFF])
def test_errno(dev: int, data: int) -> None:
    policy = abi.simple(dev, {GETPPID: ERRNO | data})
    _expect(_call_under(dev, [policy]), ERRNO | data)
    os.close(policy)


def test_errno_0_is_a_success_that_returns_0(dev: int) -> None:
    policy = abi.simple(dev, {GETPPID: ERRNO})

    def call() -> int:
        abi.attach(dev, policy)
        return abi.raw_syscall(GETPPID)

    assert child.value(call) == 0
    os.close(policy)


def test_denied_call_has_not_run(dev: int) -> None:
    policy = abi.simple(dev, {83: ERRNO | 0})  # mkdir

    def call() -> object:
        abi.attach(dev, policy)
        os.mkdir("/tmp/denied")
        return os.path.exists("/tmp/denied")

    assert child.value(call) is False
    os.close(policy)


# LOG.

def test_log(dev: int, log: KernelLog) -> None:
    policy = abi.simple(dev, {GETPPID: LOG | 5})

    def call() -> int:
        abi.attach(dev, policy)
        return abi.raw_syscall(GETPPID)

    with child.Child(call) as asking:
        assert asking.outcome().value == os.getpid()
        match = log.wait(rf"audit: type=1326 .*op=secmap .*\bpid={asking.pid} .*")
    text = match[0]
    for part in (" uid=0 ", f" ppid={os.getpid()} ", ' comm="', ' exe="/usr/bin/python3', " sig=0 ",
                 " arch=c000003e ", f" syscall={GETPPID} ", " compat=0 ", " ip=0x",
                 " code=0x7ffc0000"):
        assert part in text + " ", part
    os.close(policy)


def test_log_of_execve_tells_of_the_caller(
    dev: int, log: KernelLog, program: Callable[[str], str],
) -> None:
    """Its ABI and its place, not those of the program that it executes."""
    policy = abi.simple(dev, {59: LOG})

    def call() -> None:
        abi.attach(dev, policy)
        os.execv(program("call32"), ["call32", "int80", "20"])

    with child.Child(call) as asking:
        asking.outcome()
        match = log.wait(rf"op=secmap .*\bpid={asking.pid} .*syscall=59 .* ip=0x(\w+) code=0x7ffc0000")
    assert " arch=c000003e " in match[0] and " compat=0 " in match[0]
    # There is nothing of the new program.
    assert int(match[1], 16) >= 1 << 32
    os.close(policy)


def test_log_of_a_call_that_never_returns(dev: int, log: KernelLog) -> None:
    policy = abi.simple(dev, {231: LOG})  # exit_group

    def call() -> None:
        abi.attach(dev, policy)

    with child.Child(call) as asking:
        assert asking.outcome().status == 0
        log.wait(rf"op=secmap .*\bpid={asking.pid} .*syscall=231 .*code=0x7ffc0000")
    os.close(policy)


def test_kill_is_logged(dev: int, log: KernelLog) -> None:
    policy = abi.simple(dev, {GETPPID: KILL_PROCESS})

    def call() -> None:
        abi.attach(dev, policy)
        abi.raw_syscall(GETPPID)

    with child.Child(call) as asking:
        assert asking.outcome().signal == SIGSYS
        log.wait(rf"op=secmap .*\bpid={asking.pid} .*sig=31 .*syscall=110 .*code=0x80000000")
    os.close(policy)


def test_errno_is_not_logged(dev: int, log: KernelLog) -> None:
    quiet, loud = abi.simple(dev, {GETPPID: ERRNO | 1}), abi.simple(dev, {39: LOG})

    def call() -> None:
        abi.attach(dev, quiet)
        abi.attach(dev, loud)
        abi.raw_syscall(GETPPID)
        abi.raw_syscall(39)

    with child.Child(call) as asking:
        assert asking.outcome().status == 0
        # What comes after it has been logged, and it has not.
        log.wait(rf"op=secmap .*\bpid={asking.pid} .*syscall=39 ")
    assert not any("syscall=110 " in line for line in log.lines)
    os.close(quiet)
    os.close(loud)


# Which verdict wins.

ACTIONS = [KILL_PROCESS, KILL_PROCESS | 1, KILL_THREAD, KILL_THREAD | 7, ERRNO | 5, ERRNO | 6, ERRNO,
           LOG, LOG | 1, ALLOW, ALLOW | 3]
STRICTNESS = [KILL_PROCESS, KILL_THREAD, abi.TRAP, ERRNO, abi.USER_NOTIF, abi.TRACE, LOG, ALLOW]


def _strictest(actions: Sequence[int]) -> int:
    """Of a stack's answers, oldest first: the strictest, among equals the newest."""
    return min(reversed(actions), key=lambda action: STRICTNESS.index(action & 0xFFFF0000))


def test_pairs(dev: int) -> None:
    policies = {action: abi.simple(dev, {GETPPID: action}) for action in ACTIONS}
    for pair in itertools.product(ACTIONS, repeat=2):
        said = [abi.test(dev, policies[action], [abi.pack_call(GETPPID)])[0][0]
                for action in pair]
        assert said == list(pair)
        _expect(_call_under(dev, [policies[action] for action in pair]), _strictest(pair))
    for policy in policies.values():
        os.close(policy)


@pytest.mark.parametrize("depth", [1, 2, 3, 8, 31, 63, 64])
def test_deep_stacks(dev: int, depth: int) -> None:
    """Only one of them denies, wherever it is; then many, by chance."""
    seed = int(os.environ.get("SECMAP_SEED", "1"))
    print(f"seed {seed}")
    source = random.Random(seed * 100 + depth)
    allow, deny = abi.simple(dev, {}), abi.simple(dev, {GETPPID: ERRNO | 99})
    for place in {0, depth // 2, depth - 1}:
        stack = [allow] * depth
        stack[place] = deny
        _expect(_call_under(dev, stack), ERRNO | 99)
    _expect(_call_under(dev, [allow] * depth), ALLOW)
    mild = [action for action in ACTIONS if action & 0xFFFF0000 not in (KILL_PROCESS, KILL_THREAD)]
    policies = {action: abi.simple(dev, {GETPPID: action}) for action in mild}
    for _ in range(5):
        actions = source.choices(mild, k=depth)
        _expect(_call_under(dev, [policies[action] for action in actions]), _strictest(actions))
    for policy in (allow, deny, *policies.values()):
        os.close(policy)


def test_outcome_agrees_with_test(dev: int) -> None:
    """Rules with conditions on the arguments of getpriority(), made for real."""
    seed = int(os.environ.get("SECMAP_SEED", "1"))
    print(f"seed {seed}")
    source = random.Random(seed)
    odd = [0, 1, 2, 7, 0xFFFFFFFF, 1 << 32, (1 << 32) + 1, 1 << 63, 0xFFFFFFFFFFFFFFFF]

    def cond() -> abi.Cond:
        width, op = source.choice((32, 64)), source.randrange(7)
        limit = (1 << width) - 1
        mask = source.choice(odd) & limit if op == abi.MASKED_EQ else 0
        return abi.Cond(source.randrange(6), op, source.choice(odd) & limit, mask, width)

    for _ in range(10):
        rules = [abi.Rule(140, ERRNO | source.randrange(100, 500),
                          [cond() for _ in range(source.randrange(1, 4))])
                 for _ in range(source.randrange(1, 8))]
        policy = abi.policy_create(dev, [abi.Section(default=ERRNO | 3, allow=[
            nr for nr in range(1024) if nr != 140], rules=rules)])
        calls = [[source.choice(odd) for _ in range(6)] for _ in range(100)]
        said = abi.test(dev, policy, [abi.pack_call(140, args) for args in calls])

        def call(policy: int = policy, calls: list[list[int]] = calls) -> list[int]:
            abi.attach(dev, policy)
            return [abi.raw_syscall(140, *args) for args in calls]

        assert child.value(call) == [-(action & 0xFFFF) for action, _ in said]
        os.close(policy)
