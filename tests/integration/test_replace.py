# SPDX-License-Identifier: LGPL-2.1-or-later
"""POLICY_REPLACE and POLICY_SEAL: what tasks carry afterwards, who may, and what stays."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EBADF, EBADFD, EEXIST, ENOSPC, EPERM

import abi
import child
import pytest
from abi import ALLOW, ERRNO, Cond, Rule, Section
from child import Child, become_nobody, errno_of, gate
from records import Ground, Record

GETPPID, GETPGID = 110, 121
OLD, NEW = 1001, 1002
Keep = Callable[[int], int]


def _ident(dev: int, policy: int) -> int:
    return int(str(abi.policy_info(dev, policy)["id"]))


def _maps(dev: int, errno: int) -> int:
    """By a plain number, and by an argument."""
    return abi.policy_create(dev, [Section(rules=[
        Rule(GETPPID, ERRNO | errno),
        Rule(GETPGID, ERRNO | errno, [Cond(0, abi.EQ, value=7)])])])


def _cbpf(dev: int, errno: int) -> int:
    return abi.cbpf(dev, abi.verdicts({GETPPID: ERRNO | errno, GETPGID: ERRNO | errno}))


def _said() -> list[int]:
    return [-abi.raw_syscall(GETPPID), -abi.raw_syscall(GETPGID, 7)]


def _await_end(dev: int, ident: int) -> None:
    """A policy goes when the last stack that held it is freed, a grace period after its end."""
    begun = time.monotonic()
    while ident in abi.policy_list(dev):
        assert time.monotonic() - begun < 10
        time.sleep(0.01)


@contextmanager
def _carrier(dev: int, *policies: int) -> Iterator[Child]:
    """A task that carries these, without descriptors of them, and sleeps."""
    with gate() as ready:
        def carry() -> None:
            for policy in policies:
                abi.attach(dev, policy)
            for policy in set(policies):
                os.close(policy)
            ready.open()
            time.sleep(600)

        with Child(carry) as task:
            ready.wait()
            yield task


def _changed(dev: int, policies: list[int],
             change: Callable[[int], None]) -> tuple[list[int], list[int]]:
    """What a task that carries these says, and what it carries, after what is done to its pid."""
    with gate() as ready, gate() as go:
        def task() -> tuple[list[int], list[int]]:
            for policy in policies:
                abi.attach(dev, policy)
            ready.open()
            go.wait()
            return _said(), abi.task_ids(dev)

        with Child(task) as one:
            ready.wait()
            change(one.pid)
            go.open()
            said, ids = one.outcome().value
            return said, ids


@pytest.mark.parametrize("old", [_maps, _cbpf])
@pytest.mark.parametrize("new", [_maps, _cbpf])
def test_the_next_call_is_the_new_ones(dev: int, keep: Keep, old: Callable[[int, int], int],
                                       new: Callable[[int, int], int]) -> None:
    """Of a task that has run under the old one, and of the children that it makes."""
    first, second = keep(old(dev, OLD)), keep(new(dev, NEW))
    with gate() as replaced, gate() as ready:
        def task() -> list[list[int]]:
            abi.attach(dev, first)
            said = [_said()]
            ready.open()
            replaced.wait()
            return [*said, _said(), child.value(_said)]

        with Child(task) as one:
            ready.wait()
            assert abi.replace(dev, first, second) == (1, 1)
            assert abi.task_ids(dev, one.pid) == [_ident(dev, second)]
            replaced.open()
            assert one.outcome().value == [[OLD, OLD], [NEW, NEW], [NEW, NEW]]


def test_nobody_carries_it(dev: int, keep: Keep) -> None:
    assert abi.replace(dev, keep(_maps(dev, OLD)), keep(_maps(dev, NEW))) == (0, 0)


def test_there_and_back(dev: int, keep: Keep) -> None:
    first, second = keep(_maps(dev, OLD)), keep(_maps(dev, NEW))
    with _carrier(dev, first) as one:
        for _ in range(50):
            assert abi.replace(dev, first, second) == (1, 1)
            assert abi.task_ids(dev, one.pid) == [_ident(dev, second)]
            assert abi.replace(dev, second, first) == (1, 1)
            assert abi.task_ids(dev, one.pid) == [_ident(dev, first)]


def test_who_shares_a_stack_and_who_does_not(dev: int, keep: Keep) -> None:
    """Two tasks with one stack, one with another, one without the policy."""
    first, second, other = keep(_maps(dev, OLD)), keep(_maps(dev, NEW)), keep(abi.simple(dev, {}))
    with gate() as ready, gate() as end:
        def wait() -> None:
            ready.open()
            end.wait(size=1)

        def two() -> None:
            abi.attach(dev, first)
            with Child(wait) as below:
                wait()
                below.outcome()

        def carry(*policies: int) -> None:
            for policy in policies:
                abi.attach(dev, policy)
            wait()

        tasks = [Child(two), Child(lambda: carry(other, first)), Child(lambda: carry(other))]
        for _ in range(4):
            ready.wait(size=1)
        assert abi.replace(dev, first, second) == (3, 2)
        assert [abi.task_ids(dev, each.pid) for each in tasks] == [
            [_ident(dev, second)], [_ident(dev, other), _ident(dev, second)],
            [_ident(dev, other)]]
        end.open(b"!!!!")
        for each in tasks:
            assert each.outcome().status == 0


def test_each_place_of_a_stack(dev: int, keep: Keep) -> None:
    """It is there twice, and the one that comes as well: order and number stay."""
    first, second, other = keep(_maps(dev, OLD)), keep(_maps(dev, NEW)), keep(abi.simple(dev, {}))

    new, kept = _ident(dev, second), _ident(dev, other)

    def change(pid: int) -> None:
        before = abi.task_ids(dev, pid)
        assert before == [_ident(dev, first), kept, new, _ident(dev, first)]
        assert abi.replace(dev, first, second) == (1, 1)

    assert _changed(dev, [first, other, second, first], change) == (
        [NEW, NEW], [new, kept, new, new])


def test_the_old_one_is_let_go(dev: int, keep: Keep) -> None:
    """No stack holds it any more, so it ends with its descriptor."""
    first, second = _maps(dev, OLD), keep(_maps(dev, NEW))
    ident = _ident(dev, first)
    with _carrier(dev, first):
        abi.replace(dev, first, second)
        assert abi.policy_info(dev, first)["stacks"] == 0
        assert abi.policy_info(dev, second)["stacks"] == 1
        os.close(first)
        _await_end(dev, ident)


def _dear(dev: int) -> int:
    """A policy of half of what a stack may cost, and a bit."""
    conds = [Cond(0, abi.EQ, value=value) for value in range(31)]
    return abi.policy_create(dev, [Section(rules=[Rule(GETPPID, ERRNO | 1, conds)] * 127)])


def test_a_stack_that_would_cost_too_much(dev: int, keep: Keep) -> None:
    """Then no task is changed, whichever comes first. By one policy more it may."""
    dear, cheap, other = keep(_dear(dev)), keep(_maps(dev, OLD)), keep(abi.simple(dev, {}))
    assert abi.policy_info(dev, dear)["cost"] == 127 * 32
    with _carrier(dev, cheap) as one, _carrier(dev, dear, cheap, dear, cheap) as two, \
            _carrier(dev, cheap, other) as three:
        before = [abi.task_ids(dev, each.pid) for each in (one, two, three)]
        assert errno_of(lambda: abi.replace(dev, cheap, dear)) == ENOSPC
        assert [abi.task_ids(dev, each.pid) for each in (one, two, three)] == before
        two.kill()
        with _carrier(dev, dear, dear, cheap) as full:
            assert abi.replace(dev, cheap, dear) == (3, 3)
            # There is no room for another one, and the dear one can be replaced again.
            assert errno_of(lambda: abi.attach(dev, cheap, full.pid)) == ENOSPC
            assert abi.replace(dev, dear, cheap) == (3, 3)
            assert abi.task_ids(dev, full.pid) == [_ident(dev, cheap)] * 3


def test_a_full_stack_is_no_veto(dev: int, keep: Keep) -> None:
    """Two policies of an administrator's in it, each replaced by a dearer one, in either order."""
    def rules(count: int) -> int:
        return keep(abi.policy_create(dev, [Section(rules=[Rule(GETPPID, ERRNO | 1, [
            Cond(0, abi.EQ, value=value)]) for value in range(count)])]))

    ones, others, filler = rules(8), rules(9), rules(1)
    dearer = [rules(64), rules(65)]
    with _carrier(dev, ones, others, *[keep(_dear(dev))] * 2) as full:
        while not errno_of(lambda: abi.attach(dev, filler, full.pid)):
            pass
        for old, new in ((others, dearer[0]), (ones, dearer[1]), (dearer[0], others)):
            assert abi.replace(dev, old, new) == (1, 1)
        # What costs nothing, as a program of classic BPF does, can still be attached.
        assert abi.attach(dev, keep(abi.cbpf(dev, [abi.ret(ALLOW)])), full.pid)


def test_descriptors(ground: Ground) -> None:
    for by, errno in ((-1, EBADF), (ground.dev, EBADFD), (ground.table, EBADFD),
                      (ground.program, EEXIST)):
        record = ground.valid("secmap_policy_replace")
        record["by_fd"] = by
        assert record.errno(ground.dev) == errno, by


def test_two_descriptors_of_one_policy(dev: int, keep: Keep) -> None:
    policy = keep(_maps(dev, OLD))
    again = Record("secmap_policy_by_id", id=_ident(dev, policy)).ioctl(dev)
    assert errno_of(lambda: abi.replace(dev, policy, keep(again))) == EEXIST


def test_who_may(dev: int, keep: Keep) -> None:
    first, second = keep(_maps(dev, OLD)), keep(_maps(dev, NEW))

    def ask(through: Callable[[], int]) -> int:
        return errno_of(lambda: abi.replace(through(), first, second))

    def as_nobody(through: Callable[[], int]) -> int:
        become_nobody()
        return ask(through)

    def nobodys_device() -> int:
        os.seteuid(child.NOBODY)
        opened = abi.device()
        os.seteuid(0)
        return opened

    def filtered() -> int:
        abi.attach(dev, second)
        return ask(lambda: dev)

    def in_a_namespace() -> int:
        child.unshare(child.CLONE_NEWUSER)
        return ask(lambda: dev)

    assert child.value(lambda: ask(abi.device)) == 0
    assert child.value(lambda: ask(nobodys_device)) == EPERM
    assert child.value(lambda: as_nobody(abi.device)) == EPERM
    assert child.value(lambda: as_nobody(lambda: dev)) == EPERM
    assert child.value(filtered) == EPERM
    assert child.value(in_a_namespace) == EPERM


def test_sealed(dev: int, keep: Keep) -> None:
    """For good; it can be attached and taken off."""
    first, second = keep(_maps(dev, OLD)), keep(_maps(dev, NEW))
    assert abi.policy_info(dev, first)["sealed"] == 0
    for _ in range(2):
        abi.seal(dev, first)
    assert abi.policy_info(dev, first)["sealed"] == 1
    assert abi.policy_info(dev, second)["sealed"] == 0
    assert errno_of(lambda: abi.replace(dev, first, second)) == EPERM

    def change(pid: int) -> None:
        assert errno_of(lambda: abi.replace(dev, first, second)) == EPERM
        assert abi.task_ids(dev, pid) == [_ident(dev, first)]
        assert abi.detach(dev, pid) == 0

    said, ids = _changed(dev, [first], change)
    assert OLD not in said and not ids
    # It may come in another's place.
    assert abi.replace(dev, second, first) == (0, 0)


def test_who_may_seal(dev: int, keep: Keep) -> None:
    """Who made it, and an administrator; not who got it to attach it, and not who is filtered."""
    roots = keep(_maps(dev, OLD))

    def as_nobody(own: bool) -> int:
        become_nobody()
        there = abi.device()
        return errno_of(lambda: abi.seal(there, _maps(there, NEW) if own else roots))

    def filtered() -> int:
        abi.attach(dev, roots)
        return errno_of(lambda: abi.seal(dev, roots))

    def nobodys() -> int:
        os.seteuid(child.NOBODY)
        policy = _maps(abi.device(), NEW)
        os.seteuid(0)
        return errno_of(lambda: abi.seal(dev, policy))

    assert child.value(lambda: as_nobody(own=True)) == 0
    assert child.value(lambda: as_nobody(own=False)) == EPERM
    assert child.value(filtered) == EPERM
    assert abi.policy_info(dev, roots)["sealed"] == 0
    assert child.value(nobodys) == 0


def test_stacks_that_were_replaced_go(dev: int, keep: Keep) -> None:
    """However fast one comes after the other: they do not wait for each other."""
    first = keep(_maps(dev, OLD))
    with _carrier(dev, first):
        second = _maps(dev, NEW)
        ident = _ident(dev, second)
        for _ in range(1000):
            abi.replace(dev, first, second)
            abi.replace(dev, second, first)
        os.close(second)
        _await_end(dev, ident)


def test_what_allows_more_and_what_allows_less(dev: int, keep: Keep) -> None:
    """The merged bitmap is the new one's too: a call that was not looked at before is."""
    nothing, something = keep(abi.simple(dev, {})), keep(abi.simple(dev, {GETPPID: ERRNO | NEW}))

    def task() -> None:
        abi.attach(dev, nothing)
        while True:
            ready.open(str(abi.raw_syscall(GETPPID)).encode())
            go.wait()

    with gate() as ready, gate() as go, Child(task):
        assert int(ready.wait()) > 0
        for old, new, denied in ((nothing, something, True), (something, nothing, False)):
            abi.replace(dev, old, new)
            go.open()
            assert (int(ready.wait()) == -NEW) == denied


def test_the_action_of_an_attach_stays(dev: int, keep: Keep) -> None:
    """STRICT's policy has no descriptor; an administrator gets one, and changes what it says."""
    new = keep(abi.simple(dev, {GETPPID: abi.KILL_THREAD}, default=ALLOW))

    def task() -> None:
        record = Record("secmap_attach", flags=1 << 17, policy_fd=-1)
        record.ioctl(dev)
        # Only these are left: read and write.
        os.write(ready_write, b"!")
        os.read(go_read, 1)
        abi.raw_syscall(GETPPID)

    ready_read, ready_write = os.pipe()
    go_read, go_write = os.pipe()
    try:
        with Child(task) as one:
            os.read(ready_read, 1)
            ident = abi.task_ids(dev, one.pid)[0]
            strict = keep(Record("secmap_policy_by_id", id=ident).ioctl(dev))
            assert abi.replace(dev, strict, new) == (1, 1)
            os.write(go_write, b"!")
            assert one.outcome().signal == 9
    finally:
        for descriptor in (ready_read, ready_write, go_read, go_write):
            os.close(descriptor)
