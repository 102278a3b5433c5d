# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recorders, and policies that complain: what is recorded, told and denied, and for whom."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from errno import E2BIG, EACCES, EBADF, EBADFD, EEXIST, EINVAL, ENOENT, EOPNOTSUPP, EPERM

import abi
import child
import pytest
import watching
from abi import (ALLOW, COMPLAIN, ERRNO, FILTER, I386, KILL_PROCESS, LOG, NEW_LISTENER, RECORD,
                 STRICT, TRAP, TSYNC, USER_NOTIF, X86_64, Cond, Rule, Section)
from child import Child, errno_of, gate
from kernel_log import KernelLog
from records import Ground, Record
from watching import Socket

CLONE, EXECVE, GETPPID, GETPGRP, UMASK, GETSID, EXIT_GROUP = 56, 59, 110, 111, 95, 124, 231
UNUSED = 900
Keep = Callable[[int], int]


@pytest.fixture(name="watcher")
def _watcher() -> Iterator[Socket]:
    with Socket() as made:
        yield made.watch()


def _record(dev: int, recorder: int, pid: int = 0, flags: int = 0) -> int:
    return abi.attach(dev, -1, pid, RECORD | flags, recorder)


def _complain(dev: int, policy: int, recorder: int, flags: int = 0) -> int:
    return abi.attach(dev, policy, 0, COMPLAIN | RECORD | flags, recorder)


def _ident(dev: int, policy: int) -> int:
    return int(str(abi.policy_info(dev, policy)["id"]))


def test_what_a_task_calls_is_recorded_and_nothing_else(dev: int, keep: Keep) -> None:
    recorder = keep(abi.recorder_create(dev)[0])

    def make() -> list[int]:
        _record(dev, recorder)
        return [abi.raw_syscall(GETPPID), abi.raw_syscall(UNUSED), abi.raw_syscall(UMASK, 0o22)]

    assert child.value(make)[1] == -38
    found = abi.recorded(dev, recorder)
    assert {GETPPID, UNUSED, UMASK, EXIT_GROUP} <= found.calls[X86_64]
    assert not {GETPGRP, GETSID, CLONE, EXECVE} & found.calls[X86_64]
    assert (found.calls[1], found.calls[I386], found.other) == (set(), set(), 0)


def test_children_and_what_they_execute_are_recorded(dev: int, keep: Keep) -> None:
    recorder = keep(abi.recorder_create(dev)[0])

    def make() -> list[int]:
        _record(dev, recorder)
        # More than one: each takes the spare that the one before has used up.
        pids = [os.posix_spawn("/bin/cat", ["cat", "/dev/null"], os.environ) for _ in range(3)]
        inner = os.fork()
        if inner == 0:
            abi.raw_syscall(GETSID)
            os._exit(0)
        thread = threading.Thread(target=lambda: abi.raw_syscall(GETPGRP))
        thread.start()
        thread.join()
        return [os.waitpid(pid, 0)[1] for pid in (*pids, inner)]

    assert child.value(make) == [0] * 4
    fadvise = 221  # cat's, and not Python's
    assert {EXECVE, fadvise, GETSID, GETPGRP} <= abi.recorded(dev, recorder).calls[X86_64]
    assert abi.task_list(dev) == []


@pytest.mark.parametrize("number", [1024, 5000, 0xFFFFFFFF])
def test_numbers_that_no_policy_names(dev: int, keep: Keep, number: int) -> None:
    recorder = keep(abi.recorder_create(dev)[0])

    def make() -> int:
        _record(dev, recorder)
        return abi.raw_syscall(number)

    assert child.value(make) == -38
    found = abi.recorded(dev, recorder)
    assert found.other == 1
    assert number & 1023 not in found.calls[X86_64]


def test_each_abi_by_itself(dev: int, keep: Keep, call: tuple[str, ...]) -> None:
    """getppid: 110 by syscall, 64 by int 0x80; an x32 number has its bit."""
    recorder = keep(abi.recorder_create(dev, [(I386, 64, 0b11)])[0])
    for words in ((call[0], "int80", "64", "1", hex(2 + (1 << 32))),
                  (call[0], "syscall", str((1 << 30) + 111))):
        def make(words: tuple[str, ...] = words) -> int:
            _record(dev, recorder)
            return os.waitpid(os.posix_spawn(words[0], words, os.environ), 0)[1]

        child.value(make)
    found = abi.recorded(dev, recorder, 0, 2)
    assert found.calls[I386] == {64}
    assert found.calls[1] == {111}
    # The kernel takes no more than 32 bits of an argument of i386.
    assert found.values == [(1, 2)]


def test_arguments_are_recorded_together(dev: int, keep: Keep) -> None:
    recorder = keep(abi.recorder_create(dev, [(X86_64, UMASK, 0b101001), (I386, UMASK, 1)])[0])
    made = [(1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 5, 7), (1, 9, 9, 4, 9, 6), ((1 << 64) - 1,) * 6]

    def make() -> None:
        _record(dev, recorder)
        for args in made * 2:
            abi.raw_syscall(UMASK, *args)

    child.value(make)
    found = abi.recorded(dev, recorder, 0, 3)
    assert sorted(found.values) == sorted({(args[0], args[3], args[5]) for args in made})
    assert found.overflow == 0
    assert abi.recorded(dev, recorder, 1).values == []


@pytest.mark.parametrize("more", [0, 1])
def test_more_arguments_than_there_is_room_for(dev: int, keep: Keep, more: int) -> None:
    recorder = keep(abi.recorder_create(dev, [(X86_64, GETPPID, 1)])[0])

    def make() -> None:
        _record(dev, recorder)
        for value in range(256 + more):
            abi.raw_syscall(GETPPID, value << 40)

    child.value(make)
    found = abi.recorded(dev, recorder, 0)
    assert found.overflow == more
    assert {value for (value,) in found.values} == {value << 40 for value in range(256)}


def test_it_is_recorded_whoever_denies_it(dev: int, keep: Keep) -> None:
    recorder = keep(abi.recorder_create(dev)[0])
    denying = keep(abi.simple(dev, {UMASK: ERRNO | 33, GETPPID: TRAP}))

    def make() -> int:
        signal.signal(signal.SIGSYS, lambda *_: None)
        abi.attach(dev, denying)
        _record(dev, recorder)
        abi.attach(dev, denying)
        abi.raw_syscall(GETPPID)
        return abi.raw_syscall(UMASK)

    assert child.value(make) == -33
    assert {UMASK, GETPPID} <= abi.recorded(dev, recorder).calls[X86_64]


def test_a_recorder_lasts_without_its_descriptor(dev: int) -> None:
    recorder, ident = abi.recorder_create(dev)

    def make() -> list[int]:
        _record(dev, recorder)
        os.close(recorder)
        return [*abi.task_ids(dev), abi.raw_syscall(UMASK, 0o22)]

    assert child.value(make)[0] == ident
    assert abi.recorded(dev, recorder).calls[X86_64] >= {UMASK}
    os.close(recorder)


def test_another_task_is_recorded_until_it_is_detached(dev: int, keep: Keep) -> None:
    recorder, ident = abi.recorder_create(dev)
    keep(recorder)
    with gate() as go, gate() as done:
        def make() -> None:
            for number in (UMASK, GETSID):
                go.wait(size=1)
                abi.raw_syscall(number)
                done.open()

        with Child(make) as task:
            _record(dev, recorder, task.pid)
            assert abi.task_ids(dev, task.pid) == [ident]
            go.open()
            done.wait(size=1)
            assert abi.detach(dev, task.pid, ident) == 0
            go.open()
            assert task.outcome().value is None
    found = abi.recorded(dev, recorder).calls[X86_64]
    assert UMASK in found and GETSID not in found


def test_all_threads_at_once(dev: int, keep: Keep) -> None:
    recorder = keep(abi.recorder_create(dev)[0])

    def make() -> None:
        with gate() as go:
            thread = threading.Thread(target=lambda: (go.wait(), abi.raw_syscall(GETSID)))
            thread.start()
            _record(dev, recorder, flags=TSYNC)
            go.open()
            thread.join()

    child.value(make)
    assert GETSID in abi.recorded(dev, recorder).calls[X86_64]


def test_a_recorder_is_not_replaced(dev: int, keep: Keep) -> None:
    recorder, ident = abi.recorder_create(dev)
    keep(recorder)
    carried = keep(Record("secmap_policy_by_id", id=ident).ioctl(dev))
    assert abi.policy_info(dev, carried)["name"] == "recorder"
    assert errno_of(lambda: abi.replace(dev, carried, keep(abi.simple(dev, {})))) == EPERM


# Complaints.

DENIED = {UMASK: ERRNO | 33, GETPPID: KILL_PROCESS, GETPGRP: TRAP, GETSID: USER_NOTIF, CLONE: ERRNO | 1}


def _maps(dev: int) -> int:
    return abi.simple(dev, DENIED)


def _cbpf(dev: int) -> int:
    return abi.cbpf(dev, abi.verdicts(DENIED))


@pytest.mark.parametrize("kind", [_maps, _cbpf])
def test_what_complains_denies_nothing(dev: int, keep: Keep, kind: Callable[[int], int]) -> None:
    recorder = keep(abi.recorder_create(dev)[0])
    policy = keep(kind(dev))

    def make() -> list[int]:
        _complain(dev, policy, recorder)
        os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ), 0)
        return [abi.raw_syscall(UMASK, 0o22), abi.raw_syscall(GETPPID), abi.raw_syscall(GETPGRP),
                abi.raw_syscall(GETSID, 0)]

    said = child.value(make)
    assert said[1:] == [os.getpid(), os.getpgrp(), os.getsid(0)] and said[0] >= 0
    # CLONE is made, or not, as the C library does it.
    assert abi.recorded(dev, recorder).calls[X86_64] - {CLONE} == {UMASK, GETPPID, GETPGRP, GETSID}


def test_complaints_without_a_recorder_are_told(dev: int, keep: Keep, watcher: Socket) -> None:
    policy = keep(abi.policy_create(dev, [Section(rules=[
        Rule(EXECVE, ERRNO | 1), Rule(UMASK, ERRNO | 33, [Cond(0, abi.EQ, 7)])])]))

    def make() -> None:
        abi.attach(dev, policy, flags=COMPLAIN)
        abi.raw_syscall(UMASK, 8)
        abi.raw_syscall(UMASK, 7, 5)
        os.execv("/bin/true", ["true"])

    assert child.run(make).status == 0
    umask, execve = watcher.rest()
    assert (umask.nr, umask.action, umask.complains) == (UMASK, ERRNO | 33, True)
    assert umask.args and umask.args[:2] == (7, 5) and umask.policy == _ident(dev, policy)
    # It has run, and the registers are the new program's.
    assert (execve.nr, execve.args, execve.complains) == (EXECVE, None, True)


def test_what_is_enforced_wins(dev: int, keep: Keep, watcher: Socket) -> None:
    recorder = keep(abi.recorder_create(dev)[0])
    complaining = keep(abi.simple(dev, {UMASK: KILL_PROCESS, GETSID: ERRNO | 2}))
    denying = keep(abi.simple(dev, {UMASK: ERRNO | 33, GETPGRP: ERRNO | 34}))

    def make() -> list[int]:
        abi.attach(dev, denying)
        _complain(dev, complaining, recorder)
        return [abi.raw_syscall(number) for number in (UMASK, GETPGRP, GETSID)]

    assert child.value(make)[:2] == [-33, -34]
    assert abi.recorded(dev, recorder).calls[X86_64] == {UMASK, GETSID}
    assert [(one.nr, one.action, one.complains) for one in watcher.rest()] == [
        (UMASK, ERRNO | 33, False), (GETPGRP, ERRNO | 34, False), (GETSID, ERRNO | 2, True)]


def test_a_complaint_leaves_nothing_behind(dev: int, keep: Keep, watcher: Socket) -> None:
    """What is enforced after it is told as such, with its arguments."""
    complaining = keep(abi.simple(dev, {GETSID: ERRNO | 2}))
    denying = keep(abi.simple(dev, {UMASK: ERRNO | 33}))

    def make() -> None:
        abi.attach(dev, complaining, flags=COMPLAIN | abi.ATTACH_LOG)
        abi.raw_syscall(GETSID)
        abi.attach(dev, denying)
        abi.raw_syscall(UMASK, 9)

    child.value(make)
    assert [(one.nr, one.complains, one.args is not None) for one in watcher.rest()] == [
        (GETSID, True, True), (UMASK, False, True)]


def test_the_log_tells_a_complaint_from_a_denial(dev: int, keep: Keep, log: KernelLog) -> None:
    policy = keep(abi.simple(dev, {UMASK: KILL_PROCESS}))
    denies = keep(abi.simple(dev, {GETSID: ERRNO | 1}))

    def make() -> None:
        abi.attach(dev, policy, flags=COMPLAIN | abi.ATTACH_LOG)
        abi.raw_syscall(UMASK, 9)
        abi.attach(dev, denies, flags=abi.ATTACH_LOG)
        abi.raw_syscall(GETSID)

    with Child(make) as asking:
        assert asking.outcome().status == 0
        one = rf"op=secmap .*\bpid={asking.pid} .* sig=0 "
        log.wait(rf"{one}.*syscall={UMASK} .*code=0x80000000 complain=1\s*$")
        log.wait(rf"{one}.*syscall={GETSID} .*code=0x50000\s*$")


def test_complaints_are_held_to_the_rate(dev: int, keep: Keep, watcher: Socket) -> None:
    """A kill is not, for it costs a process; this one costs nothing."""
    policy = keep(abi.simple(dev, {UMASK: KILL_PROCESS}))

    def make() -> None:
        abi.attach(dev, policy, flags=COMPLAIN)
        for _ in range(50):
            abi.raw_syscall(UMASK, 9)

    watching.rate(5)
    try:
        child.value(make)
    finally:
        watching.rate(1000)
    # A second may have ended meanwhile.
    assert 5 <= len(watcher.rest()) <= 10


def test_what_comes_in_its_place_complains_too(dev: int, keep: Keep) -> None:
    recorder = keep(abi.recorder_create(dev)[0])
    policy, other = keep(abi.simple(dev, {})), keep(abi.simple(dev, {UMASK: ERRNO | 33}))
    with gate() as ready, gate() as go:
        def make() -> int:
            _complain(dev, policy, recorder)
            ready.open()
            go.wait()
            return abi.raw_syscall(UMASK, 0o22)

        with Child(make) as task:
            ready.wait()
            abi.replace(dev, policy, other)
            go.open()
            assert task.outcome().value >= 0
    assert abi.recorded(dev, recorder).calls[X86_64] == {UMASK}


def test_allow_and_log(dev: int, keep: Keep) -> None:
    """LOG is not ALLOW; ALLOW with data is."""
    recorder = keep(abi.recorder_create(dev)[0])
    policy = keep(abi.cbpf(dev, abi.verdicts({UMASK: LOG, GETPPID: ALLOW | 5})))

    def make() -> None:
        _complain(dev, policy, recorder)
        abi.raw_syscall(UMASK, 0o22)
        abi.raw_syscall(GETPPID)

    child.value(make)
    assert abi.recorded(dev, recorder).calls[X86_64] == {UMASK}


# What is refused.

@pytest.mark.parametrize(("flags", "policy", "recorder", "errno"), [
    (RECORD, "policy", "recorder", EINVAL), (RECORD | FILTER, None, "recorder", EINVAL),
    (RECORD | STRICT, None, "recorder", EINVAL), (COMPLAIN | STRICT, None, None, EINVAL),
    (COMPLAIN | NEW_LISTENER, "policy", None, EINVAL), (COMPLAIN, "policy", "recorder", EINVAL),
    (0, "policy", "recorder", EINVAL), (RECORD, None, "closed", EBADF),
    (RECORD, None, "policy", EBADFD), (RECORD | COMPLAIN, "policy", "policy", EBADFD),
    (RECORD | COMPLAIN, None, "recorder", EBADF), (COMPLAIN, "recorder", None, EBADFD),
])
def test_refused_attach(ground: Ground, flags: int, policy: str | None, recorder: str | None,
                        errno: int) -> None:
    numbers = {"policy": ground.policy, "recorder": ground.recorder, "closed": 1000}
    record = Record("secmap_attach", flags=flags, policy_fd=numbers[policy] if policy else -1,
                    record_fd=numbers[recorder] if recorder else 0)

    def make() -> int:
        abi.no_new_privs()
        return record.errno(ground.dev)

    assert child.value(make) == errno


def test_who_may_record(dev: int, keep: Keep) -> None:
    recorder = keep(abi.recorder_create(dev)[0])

    def attempts() -> list[int]:
        child.become_nobody()
        own = abi.device()
        made = abi.recorder_create(own)[0]
        found = [errno_of(lambda: _record(own, made)), errno_of(lambda: _record(dev, made, os.getppid()))]
        abi.no_new_privs()
        return [*found, errno_of(lambda: _record(own, recorder))]

    assert child.value(attempts) == [EACCES, EPERM, 0]


@pytest.mark.parametrize(("sets", "errno"), [
    ([(3, 0, 1)], EOPNOTSUPP), ([(0, 1024, 1)], EINVAL), ([(0, 0, 0)], EINVAL),
    ([(0, 0, 64)], EINVAL), ([(0, 7, 1), (1, 7, 1), (0, 7, 2)], EEXIST),
    ([(0, number, 1) for number in range(256)], 0), ([(0, number, 1) for number in range(257)], E2BIG),
])
def test_sets(dev: int, sets: list[abi.Set], errno: int) -> None:
    def make() -> None:
        os.close(abi.recorder_create(dev, sets)[0])

    assert errno_of(make) == errno


def test_reading(ground: Ground) -> None:
    for members, errno in (
            ({"set": 1}, EINVAL), ({"set": 0xFFFFFFFF}, EINVAL), ({"recorder_fd": -1}, EBADF),
            ({"recorder_fd": ground.policy}, EBADFD), ({"values": 8, "count": 0}, 0)):
        record = ground.valid("secmap_recorder_read")
        for member, content in members.items():
            record[member] = content
        assert record.errno(ground.dev) == errno, members
    assert errno_of(lambda: abi.detach(ground.dev, ground.pid, 1)) == ENOENT
