# SPDX-License-Identifier: LGPL-2.1-or-later
"""POLICY_COUNT and POLICY_STATS: what is counted, exactly, and that nothing else changes."""

import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EFAULT, EOPNOTSUPP, EPERM

import abi
import child
import ebpf
import pytest
from abi import ALLOW, ERRNO, I386, KILL_PROCESS, KILL_THREAD, RULE_ALLOW, RULE_DEFAULT, RULE_FOREIGN, \
    RULE_NEWER, RULE_PROGRAM, X32, X86_64, Cond, Rule, Section
from child import Child, become_nobody, errno_of, gate
from records import Ground, Record

GETUID, GETPPID, GETPGID, X32_BIT = 102, 110, 121, 1 << 30
UNKNOWN, NEWER = 550, 700
SAID = 1001
Keep = Callable[[int], int]


def _ident(dev: int, policy: int) -> int:
    return int(str(abi.policy_info(dev, policy)["id"]))


def _maps(dev: int, name: str = "") -> int:
    """All that a program needs is allowed by the bitmap; what the tests call is not."""
    return abi.policy_create(dev, [
        Section(X86_64, ERRNO | 7, set(range(512)) - {GETPPID, GETPGID}, [
            Rule(GETPPID, ERRNO | SAID),
            Rule(GETPGID, ERRNO | 8, [Cond(0, abi.EQ, value=6)]),
            Rule(GETPGID, ERRNO | SAID, [Cond(0, abi.EQ, value=7)])], NEWER, ERRNO | 9),
        Section(X32, ERRNO | 10, [GETUID])], foreign=ERRNO | 11, name=name)


def _call(nr: int, times: int, *args: int) -> None:
    for _ in range(times):
        abi.raw_syscall(nr, *args)


def _calls() -> None:
    """A number of each that no other has."""
    _call(GETPPID, 2)
    _call(GETPGID, 3, 7)
    _call(GETPGID, 5, 1)
    _call(UNKNOWN, 6)
    _call(NEWER, 13)
    _call(X32_BIT | GETUID, 17)
    _call(X32_BIT | GETPPID, 19)


EXACT = {
    (X86_64, 0, ERRNO | SAID): 2, (X86_64, 2, ERRNO | SAID): 3, (X86_64, RULE_DEFAULT, ERRNO | 7): 11,
    (X86_64, RULE_NEWER, ERRNO | 9): 13, (X32, RULE_ALLOW, ALLOW): 17, (X32, RULE_DEFAULT, ERRNO | 10): 19,
}
NATIVE = (X86_64, RULE_ALLOW, ALLOW)


def _exactly(counted: dict[abi.Count, int], times: int = 1) -> None:
    """Besides these there are the plainly allowed calls of the interpreter."""
    allowed = counted.pop(NATIVE)
    assert counted == {key: number * times for key, number in EXACT.items()}
    assert allowed > 0


def _under(dev: int, *policies: int, also: Callable[[], object] = _calls) -> None:
    def task() -> None:
        for policy in policies:
            abi.attach(dev, policy)
        also()

    assert child.run(task).status == 0


def test_what_rules_say(dev: int, keep: Keep) -> None:
    policy = keep(_maps(dev))
    assert abi.count(dev, policy) == (0, 0)
    _under(dev, policy)
    counted = abi.stats(dev, policy)
    _exactly(counted)
    # It has ended: what was counted stays, and nothing is added.
    assert abi.stats(dev, policy) == counted | {NATIVE: abi.stats(dev, policy)[NATIVE]}
    _under(dev, policy)
    _exactly(abi.stats(dev, policy), 2)


def test_plainly_allowed_calls(dev: int, keep: Keep) -> None:
    """Two tasks that differ by so many of them."""
    policy = keep(_maps(dev))
    abi.count(dev, policy)

    def counted(times: int) -> int:
        before = abi.stats(dev, policy).get(NATIVE, 0)
        _under(dev, policy, also=lambda: _call(GETUID, times))
        return abi.stats(dev, policy)[NATIVE] - before

    counted(1)
    assert counted(1001) - counted(1) == 1000


def test_a_record_names_the_number(dev: int, keep: Keep) -> None:
    policy = keep(_maps(dev))
    abi.count(dev, policy)
    _under(dev, policy)
    raw, _, _ = abi.stats_read(dev, policy)
    rows = list(struct.iter_unpack("<4IQ", raw))
    assert [(row[0], row[2]) for row in rows] == [
        (X86_64, RULE_ALLOW), (X86_64, RULE_DEFAULT), (X86_64, RULE_NEWER), (X86_64, 0), (X86_64, 2),
        (X32, RULE_ALLOW), (X32, RULE_DEFAULT)]
    assert [row[1] for row in rows if row[2] < 3] == [GETPPID, GETPGID]
    assert {row[1] for row in rows if row[2] >= 3} == {abi.NR_NONE}


def test_the_foreign_action(dev: int, keep: Keep, program: Callable[[str], str]) -> None:
    policy = keep(_maps(dev))
    abi.count(dev, policy)

    def task() -> None:
        abi.attach(dev, policy)
        os.execv(program("call"), ["call", "int80", "64"])

    child.run(task)
    assert abi.stats(dev, policy)[I386, RULE_FOREIGN, ERRNO | 11] == 1


@pytest.mark.parametrize("kind", ["cbpf", "ebpf"])
def test_what_programs_say(dev: int, keep: Keep, kind: str) -> None:
    """By action, without its data."""
    if kind == "cbpf":
        policy = keep(abi.cbpf(dev, abi.verdicts({GETPPID: ERRNO | 3, GETPGID: ERRNO | 4, UNKNOWN: 0x12340000})))
    else:
        policy = keep(ebpf.policy(dev, [
            ebpf.load(ebpf.W, ebpf.R0, ebpf.R1, 0),
            ebpf.jump(ebpf.JEQ, ebpf.R0, UNKNOWN, 3, wide=False),
            ebpf.jump(ebpf.JEQ, ebpf.R0, GETPPID, 4, wide=False),
            *ebpf.ret(ALLOW), *ebpf.ret(0x12340000), *ebpf.ret(ERRNO | 3)]))
    abi.count(dev, policy)

    def task() -> None:
        abi.attach(dev, policy)
        _call(GETPPID, 100)
        _call(GETUID, 50)
        _call(UNKNOWN, 1)

    assert child.run(task).signal == 31
    counted = abi.stats(dev, policy)
    assert counted.pop((X86_64, RULE_PROGRAM, ALLOW)) >= 50
    # An unknown action kills: it is counted as what it does.
    assert counted == {(X86_64, RULE_PROGRAM, ERRNO): 100, (X86_64, RULE_PROGRAM, KILL_PROCESS): 1}


def test_children_and_threads_of_several_processors(dev: int, keep: Keep) -> None:
    policy = keep(_maps(dev))
    abi.count(dev, policy)

    def task() -> None:
        children = [Child(_calls) for _ in range(4)]
        for each in children:
            assert each.outcome().status == 0
        _calls()

    _under(dev, policy, also=task)
    _exactly(abi.stats(dev, policy), 5)


def test_each_policy_of_a_stack_is_counted_once_a_call(dev: int, keep: Keep) -> None:
    """Also where a stricter one decides; also one that is there twice. Who is not counted, is not."""
    one, other, silent = keep(_maps(dev)), keep(abi.simple(dev, {GETPPID: KILL_THREAD})), keep(_maps(dev))
    abi.count(dev, one)
    abi.count(dev, other)

    def task() -> None:
        for policy in (one, silent, other, one):
            abi.attach(dev, policy)
        _call(GETPPID, 1)

    assert child.run(task).signal == 31
    assert abi.stats(dev, one)[X86_64, 0, ERRNO | SAID] == 1
    assert abi.stats(dev, other)[X86_64, 0, KILL_THREAD] == 1
    assert abi.stats_read(dev, silent) == (b"", 0, 0)


@contextmanager
def _sleeper(dev: int, *policies: int) -> Iterator[Callable[[], None]]:
    """A task that carries these and makes the calls each time that it is called."""
    with gate() as done, gate() as go:
        def task() -> None:
            for policy in policies:
                abi.attach(dev, policy)
            done.open()
            while go.wait() == b"!":
                _calls()
                done.open()

        with Child(task) as one:
            done.wait()

            def again() -> None:
                go.open()
                done.wait()

            yield again
            go.open(b".")
            assert one.outcome().status == 0


def test_on_and_off(dev: int, keep: Keep) -> None:
    """Of a task that carries it already, from one call to the next. Twice the same changes nothing."""
    policy = keep(_maps(dev))
    with _sleeper(dev, policy) as again:
        again()
        assert abi.stats(dev, policy) == {}
        assert abi.count(dev, policy) == (1, 1)
        assert abi.policy_info(dev, policy)["counted"] == 1
        assert abi.count(dev, policy) == (0, 0)
        again()
        _exactly(abi.stats(dev, policy))
        assert abi.count(dev, policy, on=False) == (1, 1)
        assert abi.count(dev, policy, on=False) == (0, 0)
        counted, _, on = abi.stats_read(dev, policy)
        assert (on, abi.policy_info(dev, policy)["counted"]) == (0, 0)
        again()
        assert abi.stats_read(dev, policy)[0] == counted
        assert abi.count(dev, policy) == (1, 1)
        again()
        _exactly(abi.stats(dev, policy), 2)
        assert abi.policy_info(dev, policy)["stacks"] == 1


def test_one_of_two_is_switched_off(dev: int, keep: Keep) -> None:
    """The stack is looked through for the other; this one is left alone."""
    one, other = keep(_maps(dev)), keep(_maps(dev))
    for each in (one, other):
        abi.count(dev, each)
    with _sleeper(dev, one, other) as again:
        again()
        abi.count(dev, one, on=False)
        counted = abi.stats(dev, one)
        again()
        assert abi.stats(dev, one) == counted
    _exactly(counted)
    _exactly(abi.stats(dev, other), 2)


def test_replaced_while_it_is_counted(dev: int, keep: Keep) -> None:
    """What comes in its place is not counted for that; what is counted is, wherever it comes."""
    counted, other = keep(_maps(dev)), keep(_maps(dev))
    abi.count(dev, counted)
    with _sleeper(dev, counted) as again:
        again()
        assert abi.replace(dev, counted, other) == (1, 1)
        again()
        _exactly(abi.stats(dev, counted))
        assert abi.replace(dev, other, counted) == (1, 1)
        again()
    _exactly(abi.stats(dev, counted), 2)
    assert abi.stats(dev, other) == {}


def test_switched_under_calls(dev: int, keep: Keep) -> None:
    """Each call is decided as it would be without, whatever happens meanwhile; none is counted twice."""
    policy, tasks, times = keep(_maps(dev)), 2, 3000
    with gate() as ready:
        def task() -> int:
            abi.attach(dev, policy)
            ready.open()
            return sum(abi.raw_syscall(GETPPID) != -SAID or abi.raw_syscall(GETPGID, 7) != -SAID or
                       abi.raw_syscall(GETUID) != 0 for _ in range(times))

        children = [Child(task) for _ in range(tasks)]
        for _ in children:
            ready.wait(size=1)
        for turn in range(30):
            abi.count(dev, policy, on=not turn % 2)
            abi.stats(dev, policy)
        assert [each.outcome().value for each in children] == [0] * tasks
    counted = abi.stats(dev, policy)
    assert 0 <= counted.get((X86_64, 0, ERRNO | SAID), 0) <= tasks * times


def test_attached_while_it_is_switched(dev: int, keep: Keep) -> None:
    """A stack that was built just before knows of it, when it is carried just after. To build one of
    many policies takes a while."""
    policy, rounds = keep(_maps(dev)), 24
    others = [keep(_maps(dev)) for _ in range(30)]
    with gate() as ready, gate() as begin, gate() as carries, gate() as go, gate() as done:
        def one() -> None:
            begin.wait()
            abi.attach(dev, policy)
            carries.open()
            go.wait()
            _call(GETPPID, 3)

        def task() -> None:
            for other in others:
                abi.attach(dev, other)
            for _ in range(rounds):
                with Child(one) as each:
                    ready.open()
                    assert each.outcome().status == 0
                    done.open()

        lost, key = [], (X86_64, 0, ERRNO | SAID)
        with Child(task):
            for turn in range(rounds):
                ready.wait()
                begin.open()
                time.sleep(turn * 0.0005)
                abi.count(dev, policy)
                before = abi.stats(dev, policy).get(key, 0)
                carries.wait()
                go.open()
                done.wait()
                lost.append(3 - abi.stats(dev, policy).get(key, 0) + before)
                abi.count(dev, policy, on=False)
    assert lost == [0] * rounds


def test_a_policy_that_goes_while_it_is_counted(dev: int) -> None:
    """With its last descriptor and its last task, in either order."""
    for first in (True, False):
        policy = _maps(dev)
        ident = _ident(dev, policy)
        with _sleeper(dev, policy) as again:
            abi.count(dev, policy)
            again()
            if first:
                os.close(policy)
                again()
        if not first:
            _exactly(abi.stats(dev, policy))
            os.close(policy)
        begun = time.monotonic()
        while ident in abi.policy_list(dev):
            assert time.monotonic() - begun < 10
            time.sleep(0.01)


def test_a_sealed_policy(dev: int, keep: Keep) -> None:
    policy = keep(_maps(dev))
    abi.seal(dev, policy)
    with _sleeper(dev, policy) as again:
        assert abi.count(dev, policy) == (1, 1)
        again()
    _exactly(abi.stats(dev, policy))


def test_who_may(dev: int, keep: Keep) -> None:
    """Who made it, filtered or not, and an administrator; not who got it to attach it."""
    roots = keep(_maps(dev))

    def ask(there: int, policy: int) -> list[int]:
        return [errno_of(lambda: abi.count(there, policy)), errno_of(lambda: abi.stats(there, policy)),
                errno_of(lambda: abi.count(there, policy, on=False))]

    def as_nobody(own: bool, through: Callable[[], int] = abi.device) -> list[int]:
        become_nobody()
        there = through()
        return ask(there, _maps(there) if own else roots)

    def filtered() -> list[int]:
        abi.attach(dev, roots)
        return ask(dev, roots)

    def nobodys(through_his: bool) -> list[int]:
        os.seteuid(child.NOBODY)
        his = abi.device()
        policy = _maps(his)
        os.seteuid(0)
        return ask(his if through_his else dev, policy)

    def in_a_namespace() -> list[int]:
        os.seteuid(child.NOBODY)
        policy = _maps(abi.device())
        os.seteuid(0)
        child.unshare(child.CLONE_NEWUSER)
        return ask(dev, policy)

    yes, no = [0, 0, 0], [EPERM] * 3
    assert child.value(lambda: as_nobody(own=True)) == yes
    assert child.value(lambda: as_nobody(own=False)) == no
    assert child.value(lambda: as_nobody(own=False, through=lambda: dev)) == no
    assert child.value(filtered) == yes
    assert child.value(lambda: nobodys(through_his=False)) == yes
    assert child.value(lambda: nobodys(through_his=True)) == no
    assert child.value(in_a_namespace) == no


def test_on_is_0_or_1(ground: Ground) -> None:
    for on, errno in ((0, 0), (1, 0), (2, EOPNOTSUPP), (0xFFFFFFFF, EOPNOTSUPP)):
        record = ground.valid("secmap_policy_count")
        record["on"] = on
        assert record.errno(ground.dev) == errno
    # Before the descriptor is looked at.
    assert Record("secmap_policy_count", policy_fd=-1, on=2).errno(ground.dev) == EOPNOTSUPP


def test_room(dev: int, keep: Keep) -> None:
    """As many as fit are written, and it is told how many there are."""
    policy = keep(_maps(dev))
    assert abi.stats_read(dev, policy) == (b"", 0, 0)
    abi.count(dev, policy)
    assert abi.stats_read(dev, policy) == (b"", 0, 1)
    _under(dev, policy)
    abi.count(dev, policy, on=False)
    everything, there, _ = abi.stats_read(dev, policy)
    assert there == len(everything) // 24 == 7
    for room in range(8):
        raw, told, _ = abi.stats_read(dev, policy, room)
        assert (raw, told) == (everything[:24 * room], 7)
    with pytest.raises(OSError) as caught:
        Record("secmap_policy_stats", policy_fd=policy, count=1).ioctl(dev)
    assert caught.value.errno == EFAULT


def test_memory_is_told_of(dev: int, keep: Keep) -> None:
    policy = keep(_maps(dev))
    before = int(str(abi.policy_info(dev, policy)["bytes"]))
    abi.count(dev, policy)
    assert int(str(abi.policy_info(dev, policy)["bytes"])) >= before + 8 * len(EXACT)
