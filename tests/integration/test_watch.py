# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who watches hears of each verdict other than ALLOW, and nobody waits for him."""

import contextlib
import errno
import functools
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import abi
import child
import filtered
import pytest
import tracing
import watching
from abi import (ALLOW, ERRNO, KILL_PROCESS, KILL_THREAD, LOG, TRACE, TRAP, USER_NOTIF, Cond, Rule,
                 Section)
from child import CLONE_NEWPID, CLONE_NEWUSER, Child, Outcome
from listening import CONTINUE, supervised
from watching import Event, Refused, Socket

GETPPID, GETPGRP, UMASK, EXECVE, EXIT_GROUP = 110, 111, 95, 59, 231
GETPPID_I386 = 64
X32_BIT = 1 << 30
EFAKE = 3333
ARGS = (1, 2, 1 << 63, 4, 5, (1 << 64) - 6)
ROOM, RESERVED, EACH = 64, 16, 8


@pytest.fixture(name="watcher")
def _watcher() -> Iterator[Socket]:
    with Socket() as made:
        yield made.watch()


@pytest.fixture(name="unlimited")
def _unlimited() -> Iterator[None]:
    watching.rate(0)
    yield
    watching.rate(1000)


def carrying(dev: int, stack: Sequence[int], *calls: int, times: int = 1) -> Outcome:
    """A child that carries these policies and makes each call; the last result."""
    def make() -> int:
        for policy in stack:
            abi.attach(dev, policy)
        return [abi.raw_syscall(call, *ARGS) for _ in range(times) for call in calls][-1]

    return child.run(make)


def id_of(dev: int, policy: int) -> int:
    return int(str(abi.policy_info(dev, policy)["id"]))


def one(events: Sequence[Event], nr: int) -> Event:
    """The only event of this number."""
    found = [event for event in events if event.nr == nr]
    assert len(found) == 1
    return found[0]


# What is told.

def test_all_that_is_known_of_a_call(dev: int, keep: Callable[[int], int], watcher: Socket) -> None:
    policy = keep(abi.simple(dev, {UMASK: ERRNO | EFAKE}))

    def make() -> list[int]:
        with open("/proc/self/comm", "w", encoding="ascii") as comm:
            comm.write("fifteen letters")
        abi.attach(dev, policy)
        return [os.getpid(), abi.raw_syscall(UMASK, *ARGS), os.getpid()]

    before = time.monotonic_ns()
    pid, result, _ = child.value(make)
    after = time.monotonic_ns()
    assert result == -EFAKE
    (event,) = watcher.rest()
    assert before < event.time < after
    assert event.ip
    assert event == Event(
        time=event.time, sequence=1, lost=0, suppressed=0, pid=pid, tid=pid, ns_pid=pid, ns_tid=pid,
        comm="fifteen letters", cgroup=watching.cgroup_of(os.getpid()), arch=abi.ARCH[abi.X86_64],
        nr=UMASK, args=ARGS, ip=event.ip, action=ERRNO | EFAKE, policy=id_of(dev, policy),
        complains=False, rule=0)


@pytest.mark.parametrize("how", ["number", "argument", "program", "default", "older", "logged"])
def test_wherever_the_verdict_comes_from(dev: int, keep: Callable[[int], int], watcher: Socket,
                                         how: str) -> None:
    allowing = keep(abi.simple(dev, {GETPGRP: ERRNO | 1}))
    makers: dict[str, Callable[[], int]] = {
        "number": lambda: abi.simple(dev, {UMASK: ERRNO | EFAKE}),
        "argument": lambda: abi.policy_create(dev, [Section(rules=[
            Rule(UMASK, ERRNO | EFAKE, [Cond(0, abi.EQ, ARGS[0])])])]),
        "program": lambda: abi.cbpf(dev, abi.verdicts({UMASK: ERRNO | EFAKE})),
        "default": lambda: abi.policy_create(dev, [Section(
            default=ERRNO | EFAKE, allow=set(range(512)) - {UMASK})]),
        "older": lambda: abi.simple(dev, {UMASK: ERRNO | EFAKE}),
        "logged": lambda: abi.simple(dev, {UMASK: ERRNO | EFAKE}),
    }
    policy = keep(makers[how]())

    def make() -> int:
        abi.attach(dev, policy, flags=abi.ATTACH_LOG if how == "logged" else 0)
        if how == "older":
            abi.attach(dev, allowing)
        return abi.raw_syscall(UMASK, *ARGS)

    assert child.value(make) == -EFAKE
    event = one(watcher.rest(), UMASK)
    assert (event.action, event.policy, event.args) == (ERRNO | EFAKE, id_of(dev, policy), ARGS)
    assert event.rule == {"program": abi.RULE_PROGRAM, "default": abi.RULE_DEFAULT}.get(how, 0)


@pytest.mark.parametrize(("action", "ends"), [
    (LOG | 7, 0), (TRAP | 9, signal.SIGSYS), (TRACE | 3, 0), (USER_NOTIF, 0),
    (KILL_PROCESS, signal.SIGSYS), (KILL_PROCESS | 5, signal.SIGSYS), (KILL_THREAD, signal.SIGSYS),
    (0x12340000, signal.SIGSYS)])
def test_each_action(dev: int, keep: Callable[[int], int], watcher: Socket, action: int,
                     ends: int) -> None:
    policy = keep(abi.cbpf(dev, abi.verdicts({GETPPID: action})))
    outcome = carrying(dev, [policy], GETPPID)
    assert outcome.signal == ends
    event = one(watcher.rest(), GETPPID)
    assert (event.action, event.policy, event.args) == (action, id_of(dev, policy), ARGS)


def test_a_thread_that_is_killed_alone(dev: int, keep: Callable[[int], int],
                                       watcher: Socket) -> None:
    """It ends as if by exit(), whose argument is where its own first one was."""
    policy = keep(abi.simple(dev, {GETPPID: KILL_THREAD}))

    def die() -> None:
        abi.attach(dev, policy)
        abi.raw_syscall(GETPPID, *ARGS)

    def make() -> int:
        # Nobody joins it: that it is gone shows in the list of threads.
        threading.Thread(target=die, daemon=True).start()
        while len(os.listdir("/proc/self/task")) > 1:
            os.sched_yield()
        return os.getpid()

    pid = child.value(make)
    event = one(watcher.rest(), GETPPID)
    assert (event.action, event.args, event.pid) == (KILL_THREAD, None, pid)
    assert event.tid != pid


def test_a_call_that_replaced_the_registers(dev: int, keep: Callable[[int], int],
                                            watcher: Socket) -> None:
    policy = keep(abi.simple(dev, {EXECVE: LOG, EXIT_GROUP: LOG}))
    assert filtered.run(dev, [policy], ["/bin/true"]).returncode == 0
    events = watcher.rest()
    execve = one(events, EXECVE)
    assert (execve.args, execve.rule, execve.comm) == (None, None, "true")
    exit_group = one(events, EXIT_GROUP)
    assert exit_group.args is not None and exit_group.args[0] == 0


@pytest.mark.parametrize(("how", "number", "arch", "nr"), [
    ("syscall", X32_BIT | GETPPID, abi.X32, X32_BIT | GETPPID),
    ("int80", GETPPID_I386, abi.I386, GETPPID_I386)])
def test_other_abis(dev: int, keep: Callable[[int], int], program: Callable[[str], str],
                    watcher: Socket, how: str, number: int, arch: int, nr: int) -> None:
    policy = keep(abi.policy_create(dev, [Section(), Section(abi.X32, ERRNO | EFAKE), Section(
        abi.I386, rules=[Rule(GETPPID_I386, ERRNO | EFAKE)])]))
    ended = filtered.run(dev, [policy], [program("call"), how, str(number), "11", "12"])
    assert ended.stdout.strip() == str(-EFAKE)
    event = one(watcher.rest(), nr)
    assert event.arch == abi.ARCH[arch]
    assert event.args and event.args[:2] == (11, 12)


def test_nothing_of_what_is_allowed(dev: int, keep: Callable[[int], int], watcher: Socket) -> None:
    policy = keep(abi.simple(dev, {GETPPID: ALLOW, UMASK: ERRNO | EFAKE}))
    assert carrying(dev, [policy], GETPPID, UMASK, GETPPID).value > 0
    assert [event.nr for event in watcher.rest()] == [UMASK]


def test_a_question_is_told_when_it_is_asked_and_once(watcher: Socket) -> None:
    with supervised([GETPPID], lambda: abi.raw_syscall(GETPPID, *ARGS)) as (asker, listener):
        question = listener.receive()
        event = watcher.next()
        assert (event.nr, event.action, event.tid) == (GETPPID, USER_NOTIF, question.pid)
        assert (event.args, event.ip) == (question.args, question.ip)
        listener.send(question.ident, flags=CONTINUE)  # it is made again, and runs
        assert asker.outcome().value > 0
    assert not watcher.rest()


def test_a_policy_that_is_gone_has_told_all(dev: int, watcher: Socket) -> None:
    policy = abi.simple(dev, {GETPPID: KILL_PROCESS})
    ident = id_of(dev, policy)

    def make() -> None:
        abi.attach(dev, policy)
        os.close(policy)
        abi.raw_syscall(GETPPID)

    with Child(make) as process:
        os.close(policy)
        assert process.outcome().signal == signal.SIGSYS
    assert one(watcher.rest(), GETPPID).policy == ident


# Who hears of what.

def test_each_watcher_counts_its_own(dev: int, keep: Callable[[int], int]) -> None:
    first = keep(abi.simple(dev, {GETPPID: ERRNO | 1}))
    second = keep(abi.simple(dev, {UMASK: ERRNO | 2}))
    with Socket() as everything, Socket() as one_policy:
        everything.watch()
        one_policy.watch(id_of(dev, second))
        for _ in range(3):
            assert carrying(dev, [first, second], GETPPID, UMASK).value == -2
        heard = [(event.sequence, event.nr) for event in everything.rest()]
        assert heard == list(zip(range(1, 7), [GETPPID, UMASK] * 3))
        assert [(event.sequence, event.nr, event.policy) for event in one_policy.rest()] == [
            (number, UMASK, id_of(dev, second)) for number in range(1, 4)]


def test_before_and_after_nothing_is_heard(dev: int, keep: Callable[[int], int]) -> None:
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE}))
    with Socket() as one_socket:
        carrying(dev, [policy], GETPPID)
        one_socket.watch()
        carrying(dev, [policy], GETPPID)
        one_socket.request(watching.UNWATCH)
        carrying(dev, [policy], GETPPID)
        assert [event.sequence for event in one_socket.rest()] == [1]
        one_socket.watch()
        carrying(dev, [policy], GETPPID)
        assert [event.sequence for event in one_socket.rest()] == [1]


def test_pids_are_those_of_the_watchers_namespace(dev: int, keep: Callable[[int], int],
                                                  watcher: Socket) -> None:
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE}))

    def deny() -> list[int]:
        abi.attach(dev, policy)
        return [os.getpid(), abi.raw_syscall(GETPPID)]

    def inside() -> list[object]:
        """The first process of a new namespace, whose maker has no right outside."""
        with Socket() as own, Socket() as curious:
            own.watch()
            curious.watch()
            ready.open()
            go_on.wait()
            pid, _ = child.value(deny)
            return [pid, [(event.pid, event.tid, event.ns_pid, event.ns_tid) for event in own.rest()]]

    def outside() -> object:
        child.become_nobody()
        child.unshare(CLONE_NEWUSER | CLONE_NEWPID)
        return child.value(inside)

    with child.gate() as ready, child.gate() as go_on, Child(outside) as container:
        ready.wait()
        # A task that has no pid there.
        pid, _ = child.value(deny)
        go_on.open()
        inner, heard = container.outcome().value
        assert heard == [[inner] * 4]
        first, second = watcher.rest()
    assert (first.pid, first.ns_pid) == (pid, pid)
    assert (second.ns_pid, second.ns_tid) == (inner, inner)
    assert second.pid == second.tid and second.pid != inner


def test_a_task_with_more_rights_is_not_the_watchers(dev: int, keep: Callable[[int], int],
                                                     watcher: Socket) -> None:
    """Root from outside has a pid in the namespace, and is none of its root's business."""
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE}))

    def deny() -> int:
        abi.attach(dev, policy)
        return abi.raw_syscall(GETPPID)

    def inside() -> list[int]:
        with Socket() as own:
            own.watch()
            ready.open()
            go_on.wait()
            assert child.value(deny) == -EFAKE
            return [event.nr for event in own.rest()]

    def outside() -> object:
        child.become_nobody()
        child.unshare(CLONE_NEWUSER | CLONE_NEWPID)
        return child.value(inside)

    def enter(pid: int) -> int:
        with open(f"/proc/{pid}/ns/pid_for_children", "rb") as namespace:
            child.setns(namespace.fileno(), CLONE_NEWPID)
        return int(child.value(deny))

    with child.gate() as ready, child.gate() as go_on, Child(outside) as container:
        ready.wait()
        assert child.value(lambda: enter(container.pid)) == -EFAKE
        go_on.open()
        assert container.outcome().value == [GETPPID]
    guest, own = watcher.rest()
    # It had a pid there: the second one, or more, of the namespace.
    assert guest.pid != guest.ns_pid and own.pid != own.ns_pid


def test_a_watcher_hears_nothing_of_itself(dev: int, keep: Callable[[int], int],
                                           watcher: Socket) -> None:
    """Or each look at what it has heard could be the next thing to hear."""
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE}))

    def make() -> list[int]:
        with Socket() as own:
            own.watch()
            abi.attach(dev, policy)
            abi.raw_syscall(GETPPID)
            child.value(lambda: abi.raw_syscall(GETPPID))
            return [event.sequence for event in own.rest()]

    assert child.value(make) == [1]
    assert len(watcher.rest()) == 2


def test_who_may_watch() -> None:
    def refusal() -> tuple[int, str]:
        with Socket() as one_socket, pytest.raises(Refused) as refused:
            one_socket.watch()
        return refused.value.errno or 0, refused.value.strerror or ""

    def without_rights() -> object:
        child.become_nobody()
        return refusal()

    def with_rights_elsewhere() -> object:
        """Root in a user namespace that does not own the pid namespace."""
        child.become_nobody()
        child.unshare(CLONE_NEWUSER)
        return refusal()

    for function in without_rights, with_rights_elsewhere:
        number, text = child.value(function)
        assert number == errno.EPERM and "CAP_SYS_ADMIN" in text


# What is refused.

def test_commands_in_the_wrong_order() -> None:
    with Socket() as one_socket:
        for command, number, word in ((watching.UNWATCH, errno.ENOENT, "does not watch"),
                                      (watching.WATCH, 0, ""),
                                      (watching.WATCH, errno.EALREADY, "already"),
                                      (watching.UNWATCH, 0, ""),
                                      (watching.UNWATCH, errno.ENOENT, "does not watch")):
            if not number:
                one_socket.request(command)
                continue
            with pytest.raises(Refused, match=word) as refused:
                one_socket.request(command)
            assert refused.value.errno == number


@pytest.mark.parametrize(("command", "attributes", "number"), [
    (watching.WATCH, watching.attribute(1, struct.pack("<I", 0)), errno.ERANGE),
    (watching.WATCH, watching.attribute(1, b"ab"), errno.EINVAL),
    (watching.WATCH, watching.attribute(1, bytes(8)), errno.EINVAL),
    (watching.WATCH, watching.attribute(2, bytes(4)), errno.EINVAL),
    (watching.WATCH, b"abc", errno.EINVAL),
    (watching.UNWATCH, watching.attribute(1, b""), errno.EINVAL),
    (watching.EVENT, b"", errno.EOPNOTSUPP), (0, b"", errno.EOPNOTSUPP), (77, b"", errno.EOPNOTSUPP)])
def test_malformed_commands(command: int, attributes: bytes, number: int) -> None:
    with Socket() as one_socket:
        with pytest.raises(Refused) as refused:
            one_socket.request(command, attributes)
        assert refused.value.errno == number
        # Nothing has come of it.
        one_socket.watch()


def test_there_are_so_many_watchers_and_no_more() -> None:
    def fill(room: int) -> None:
        sockets = [Socket() for _ in range(room + 1)]
        for each in sockets[:room]:
            each.watch()
        with pytest.raises(Refused, match="too many") as refused:
            sockets[room].watch()
        assert refused.value.errno == errno.ENOSPC
        if room:
            sockets.pop(0).socket.close()
            sockets[-1].watch()
        for each in sockets:
            each.socket.close()

    def elsewhere(uid: int, room: int) -> None:
        """Whose rights are those of a namespace leaves some to the others."""
        os.setgroups([])
        os.setresuid(uid, uid, uid)
        child.unshare(CLONE_NEWUSER | CLONE_NEWPID)
        child.value(lambda: fill(room))

    child.value(lambda: fill(ROOM))
    child.value(lambda: elsewhere(child.NOBODY, EACH))
    users = (ROOM - RESERVED) // EACH
    with child.gate() as ready, child.gate() as end, contextlib.ExitStack() as stack:
        def hold(uid: int) -> None:
            def watch() -> None:
                sockets = [Socket().watch() for _ in range(EACH)]
                ready.open()
                end.wait(size=1)
                del sockets

            os.setgroups([])
            os.setresuid(uid, uid, uid)
            child.unshare(CLONE_NEWUSER | CLONE_NEWPID)
            child.value(watch)

        for user in range(users):
            stack.enter_context(Child(functools.partial(hold, 1000 + user)))
            ready.wait(size=1)
        child.value(lambda: elsewhere(child.NOBODY, 0))
        child.value(lambda: fill(RESERVED))
        end.open(b"!" * users)


# Nobody waits.

def test_a_full_socket_is_its_own_loss(dev: int, keep: Callable[[int], int],
                                       unlimited: None) -> None:
    del unlimited
    count = 2000
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE}))
    with Socket() as slow, Socket() as other:
        slow.watch()
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        other.enlarge(1 << 24)
        other.watch()
        assert carrying(dev, [policy], GETPPID, times=count).value == -EFAKE
        assert [event.sequence for event in other.rest()] == list(range(1, count + 1))
        # The kernel says once that something was lost; the events say how much.
        with pytest.raises(OSError) as lost:
            slow.next()
        assert lost.value.errno == errno.ENOBUFS
        got = slow.rest()
        assert 0 < len(got) < count
        assert [event.sequence for event in got] == list(range(1, len(got) + 1))
        carrying(dev, [policy], GETPPID)
        (last,) = slow.rest()
        assert (last.sequence, last.lost) == (count + 1, count - len(got))


def test_a_policy_tells_so_much_a_second(dev: int, keep: Callable[[int], int]) -> None:
    count, limit = 3000, 50
    loud = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE, GETPGRP: KILL_PROCESS}))
    quiet = keep(abi.simple(dev, {UMASK: ERRNO | EFAKE}))
    watching.rate(limit)
    try:
        with Socket() as watcher, Socket() as other:
            watcher.enlarge(1 << 24)
            watcher.watch()
            other.watch(id_of(dev, quiet))
            before = time.monotonic()
            # However much there was: that it was killed is told.
            def make() -> None:
                abi.attach(dev, loud)
                for _ in range(count):
                    abi.raw_syscall(GETPPID)
                abi.raw_syscall(GETPGRP)

            assert child.run(make).signal == signal.SIGSYS
            seconds = int(time.monotonic() - before) + 2  # begun, each
            carrying(dev, [quiet], UMASK)
            *told, killed, last = watcher.rest()
            assert limit <= len(told) <= limit * seconds < count
            assert {event.nr for event in told} == {GETPPID} and told[0].suppressed == 0
            assert [event.sequence for event in told] == list(range(1, len(told) + 1))
            assert (killed.nr, killed.suppressed) == (GETPGRP, count - len(told))
            assert (last.nr, last.suppressed, last.lost) == (UMASK, count - len(told), 0)
            # Who has not been told less does not hear of it.
            assert [(event.nr, event.suppressed) for event in other.rest()] == [(UMASK, 0)]
            watching.rate(0)
            assert carrying(dev, [loud], GETPPID, times=count).value == -EFAKE
            assert watcher.rest()[-1].suppressed == count - len(told)
    finally:
        watching.rate(1000)


def test_two_processors_tell_at_once(dev: int, keep: Callable[[int], int], unlimited: None) -> None:
    """All that was not lost comes in order, and nothing is told twice."""
    del unlimited
    count, workers = 4000, 4
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE}))

    def make() -> int:
        abi.attach(dev, policy)
        return [abi.raw_syscall(GETPPID, number) for number in range(count)][-1]

    with Socket() as watcher:
        watcher.enlarge(1 << 25)
        watcher.watch()
        tasks = [Child(make) for _ in range(workers)]
        with contextlib.ExitStack() as stack:
            for task in tasks:
                stack.enter_context(task)
            assert [task.outcome().value for task in tasks] == [-EFAKE] * workers
        events = watcher.rest()
    assert events[-1].lost == 0
    assert [event.sequence for event in events] == list(range(1, count * workers + 1))
    assert [event.time for event in events] == sorted(event.time for event in events)
    for task in tasks:
        own = [event.args[0] for event in events if event.tid == task.pid and event.args]
        assert own == list(range(count))


def test_as_many_watchers_as_there_can_be(dev: int, keep: Callable[[int], int]) -> None:
    """Each hears of all in order, but the one that does not read, which nobody waits for."""
    count = 100
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE}))
    with contextlib.ExitStack() as stack:
        slow, *others = [stack.enter_context(Socket()).watch() for _ in range(ROOM)]
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert carrying(dev, [policy], GETPPID, times=count).value == -EFAKE
        for each in others:
            assert [event.sequence for event in each.rest()] == list(range(1, count + 1))
        with pytest.raises(OSError) as lost:
            slow.next()
        assert lost.value.errno == errno.ENOBUFS
        got = len(slow.rest())
        carrying(dev, [policy], GETPPID)
        (last,) = slow.rest()
        assert 0 < got < count and (last.sequence, last.lost) == (count + 1, count - got)


def test_a_hundred_thousand_events(dev: int, keep: Callable[[int], int], unlimited: None) -> None:
    """As fast as they come: each is heard of or counted as lost, also by who reads meanwhile, and every call is
    denied."""
    del unlimited
    workers, each = 4, 25_000
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE}))

    def make() -> int:
        abi.attach(dev, policy)
        return sum(abi.raw_syscall(GETPPID) == -EFAKE for _ in range(each))

    with Socket() as never, Socket() as meanwhile, contextlib.ExitStack() as stack:
        for watcher in (never, meanwhile):
            watcher.socket.setsockopt(270, 5, 1)  # SOL_NETLINK, NETLINK_NO_ENOBUFS
            watcher.watch()
        tasks = [stack.enter_context(Child(make)) for _ in range(workers)]
        before = time.monotonic()
        last = 0
        heard = 0
        while last < workers * each and not all(filtered.state(task.pid) == "Z" for task in tasks):
            for event in meanwhile.rest():
                assert event.sequence > last and event.sequence - event.lost == heard + 1
                last, heard = event.sequence, heard + 1
        assert [task.outcome().value for task in tasks] == [each] * workers
        print(f"{workers * each / (time.monotonic() - before):.0f} a second, {heard} read meanwhile")
        heard += len(meanwhile.rest())
        first = len(never.rest())
        carrying(dev, [policy], GETPPID)
        for watcher, got in ((never, first), (meanwhile, heard)):
            (event,) = watcher.rest()
            assert (event.sequence, event.lost) == (workers * each + 1, workers * each - got)


def test_watchers_come_and_go_while_calls_are_denied(dev: int, keep: Callable[[int], int]) -> None:
    """What a watcher hears is right as long as it is there; no call gets through meanwhile."""
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE}))
    end = child.Gate()

    def make() -> list[int]:
        abi.attach(dev, policy)
        results = set()
        while not select.select([end.reading], [], [], 0)[0]:
            results |= {abi.raw_syscall(GETPPID, *ARGS) for _ in range(50)}
        return sorted(results)

    with Child(make) as task:
        for _ in range(150):
            with Socket() as watcher:
                watcher.enlarge(1 << 24)
                watcher.watch()
                event = watcher.next()
                assert (event.sequence, event.tid, event.args) == (1, task.pid, ARGS)
        end.open()
        assert task.outcome().value == [-EFAKE]
    end.close()


# Whoever traces.

def test_verdicts_are_trace_events(dev: int, keep: Callable[[int], int]) -> None:
    """Without any watcher, and all of them, whatever the rate is."""
    count = 50
    policy = keep(abi.simple(dev, {UMASK: ERRNO | EFAKE}))
    watching.rate(1)
    try:
        with tracing.instance("secmap_verdicts") as events:
            carrying(dev, [policy], UMASK)
            events.set("secmap/secmap_decision", "enable", "1")
            events.set("secmap/secmap_attach", "enable", "1")
            carrying(dev, [policy], UMASK, times=count)
            events.set("secmap/secmap_decision", "enable", "0")
            carrying(dev, [policy], UMASK)
            lines = events.lines()
    finally:
        watching.rate(1000)
    verdicts = [line.split(": ", 2)[-1] for line in lines if "secmap_decision" in line]
    args = ",".join(f"0x{arg:x}" for arg in ARGS)
    assert len(verdicts) == count
    for verdict in verdicts:
        assert verdict.startswith(f"arch=c000003e nr={UMASK} args={{{args}}} ip=")
        assert verdict.endswith(f"action={ERRNO | EFAKE:x} policy={id_of(dev, policy)}")
    attached = [line.split(": ", 2)[-1] for line in lines if "secmap_attach" in line]
    assert attached == [f"pid=0 policy={id_of(dev, policy)} depth=1"] * 2
