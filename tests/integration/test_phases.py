# SPDX-License-Identifier: LGPL-2.1-or-later
"""ATTACH_LATER: a policy that holds from a call on; when it begins, for whom, and when not."""

import ctypes
import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Sequence
from errno import E2BIG, EACCES, EAGAIN, EBADF, EEXIST, EINVAL, EOPNOTSUPP, EPERM

import abi
import child
import pytest
from abi import ALLOW, ATTACH_MADE, ERRNO, I386, X86_64, Cond, Rule, Section
from child import Child, become_nobody, errno_of, gate

READ, CLOSE, EXECVE, EXECVEAT, GETPPID, GETPGID, GETPGRP = 0, 3, 59, 322, 110, 121, 111
RT_SIGRETURN, PAUSE, CLONE, OPENAT, IO_URING_SETUP, IO_URING_ENTER = 15, 34, 56, 257, 425, 426
NANOSLEEP = 35
# linux/ptrace.h
PTRACE_CONT, PTRACE_SEIZE, PTRACE_O_TRACEFORK, PTRACE_O_TRACEEXEC = 7, 0x4206, 2, 0x10
PTRACE_EVENT_FORK, PTRACE_EVENT_EXEC = 1, 4
WALL = 0x40000000
I386_GETPPID = 64
DENIED = 77
Keep = Callable[[int], int]


def _denies(dev: int, number: int = GETPGID) -> int:
    return abi.simple(dev, {number: ERRNO | DENIED})


def _later(dev: int, number: int = GETPPID, flags: int = 0, by: int = X86_64) -> None:
    """Deny getpgid from this call on. The descriptor stays: close() may be what begins it."""
    abi.attach_later(dev, _denies(dev), [(by, number)], flags=flags)


def _denied() -> bool:
    return abi.raw_syscall(GETPGID, 0) == -DENIED


def _await(holds: Callable[[], bool]) -> None:
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < 60
        time.sleep(0.01)


def test_it_holds_from_the_call_on(dev: int) -> None:
    def task() -> list[object]:
        _later(dev)
        said: list[object] = [_denied(), abi.task_waiting(dev)]
        first = abi.raw_syscall(GETPPID)
        said += [first == os.getppid(), _denied(), abi.task_waiting(dev)]
        return [*said, len(abi.task_ids(dev))]

    assert child.value(task) == [False, 1, True, True, 0, 1]


@pytest.mark.parametrize("flags,begins", [(0, False), (ATTACH_MADE, True)])
def test_a_call_that_fails(dev: int, flags: int, begins: bool) -> None:
    def task() -> list[bool]:
        _later(dev, CLOSE, flags)
        failed = abi.raw_syscall(CLOSE, 0x7FFFFFFF) == -EBADF
        return [failed, _denied()]

    assert child.value(task) == [True, begins]


@pytest.mark.parametrize("flags", [0, ATTACH_MADE])
def test_a_call_that_is_denied_has_not_been_made(dev: int, flags: int) -> None:
    def task() -> list[bool]:
        abi.attach(dev, _denies(dev, GETPPID))
        _later(dev, GETPPID, flags)
        return [abi.raw_syscall(GETPPID) == -DENIED, _denied()]

    assert child.value(task) == [True, False]


def _rules(dev: int) -> int:
    """ALLOW for an argument."""
    return abi.policy_create(dev, [Section(rules=[
        Rule(CLOSE, ALLOW, [Cond(0, abi.EQ, value=500)]),
        Rule(CLOSE, ERRNO | DENIED, [Cond(0, abi.EQ, value=501)])])])


def _program(dev: int) -> int:
    return abi.cbpf(dev, [abi.load(0), abi.jeq(CLOSE, 0, 3), abi.load(16),
                          abi.jeq(501, 0, 1), abi.ret(ERRNO | DENIED), abi.ret(ALLOW)])


@pytest.mark.parametrize("base", [_rules, _program])
def test_beside_a_policy_that_looks_at_the_argument(dev: int, base: Callable[[int], int]) -> None:
    """Which alone would be asked, on the short way."""
    def task() -> list[object]:
        abi.attach(dev, base(dev))
        _later(dev, CLOSE, ATTACH_MADE)
        said: list[object] = [abi.raw_syscall(CLOSE, 501), _denied()]
        return [*said, abi.raw_syscall(CLOSE, 500), _denied()]

    assert child.value(task) == [-DENIED, False, -EBADF, True]


def test_another_call_does_not_begin_it(dev: int) -> None:
    def task() -> list[bool]:
        _later(dev)
        abi.raw_syscall(GETPGRP)
        return [_denied()]

    assert child.value(task) == [False]


def test_of_another_abi(dev: int, program: Callable[[str], str]) -> None:
    """The number of i386 is not that of x86-64, and counts where it is named."""
    call = program("call")
    policy = abi.policy_create(dev, [
        Section(), Section(I386, rules=[Rule(I386_GETPPID, ERRNO | DENIED)])])

    def said(*calls: tuple[int, int]) -> list[int]:
        def task() -> int:
            abi.attach_later(dev, policy, calls)
            for_self = f"{call} int80 {I386_GETPPID} >/dev/null"
            # Each program makes one call, the shell's children none of i386.
            return os.system(f"{for_self}; {call} int80 {I386_GETPPID} | grep -q '^-{DENIED}$'")

        return [child.value(task)]

    # Begun in a child, it holds for that child alone.
    assert said((I386, I386_GETPPID)) != [0]
    assert said((X86_64, EXECVE)) == [0]
    os.close(policy)


def test_exec_once(dev: int) -> None:
    """A program that is started, and starts no other one."""
    def task() -> int:
        policy = abi.simple(dev, {EXECVE: ERRNO | EPERM, EXECVEAT: ERRNO | EPERM})
        abi.attach_later(dev, policy, [(X86_64, EXECVE), (X86_64, EXECVEAT)])
        # What is not there is no program that has been started.
        assert errno_of(lambda: os.execv("/nonexistent", ["x"])) == 2
        os.execv("/bin/sh", ["sh", "-c", "/bin/true 2>/dev/null; exit $?"])
        return 0

    assert os.waitstatus_to_exitcode(child.run(task).status) == 126


def test_each_process_has_its_own(dev: int) -> None:
    """A child begins with what its parent waits for; what the one does is not for the other."""
    def task() -> list[object]:
        _later(dev)
        grandchild = child.value(lambda: [_denied(), abi.raw_syscall(GETPPID) > 0, _denied()])
        mine = [_denied(), abi.raw_syscall(GETPPID) > 0, _denied()]
        return [grandchild, mine, child.value(_denied)]

    assert child.value(task) == [[False, True, True], [False, True, True], True]


def test_each_thread_has_its_own(dev: int) -> None:
    def task() -> list[bool]:
        _later(dev)
        found = []

        def other() -> None:
            abi.raw_syscall(GETPPID)
            found.append(_denied())

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        return [*found, _denied()]

    assert child.value(task) == [True, False]


def test_several_wait(dev: int) -> None:
    """Each for its own call; the order in the stack stays."""
    def task() -> list[object]:
        for number in (GETPPID, GETPGRP, GETPPID):
            _later(dev, number)
        ids = abi.task_ids(dev)
        said: list[object] = [abi.task_waiting(dev)]
        abi.raw_syscall(GETPPID)
        said.append(abi.task_waiting(dev))
        abi.raw_syscall(GETPGRP)
        return [*said, abi.task_waiting(dev), abi.task_ids(dev) == ids]

    assert child.value(task) == [0b111, 0b010, 0, True]


def test_it_can_be_replaced_and_taken_off(dev: int, keep: Keep) -> None:
    """As any other one, while it waits: it goes on waiting."""
    one, other = keep(_denies(dev)), keep(abi.simple(dev, {GETPGID: ERRNO | DENIED + 1}))
    with gate() as ready, gate() as go, gate() as seen, gate() as gone:
        def task() -> list[int]:
            abi.attach_later(dev, one, [(X86_64, GETPPID)])
            abi.attach_later(dev, other, [(X86_64, GETPGRP)])
            ready.open()
            go.wait()
            said: list[int] = [abi.raw_syscall(GETPGID, 0) >= 0, abi.raw_syscall(GETPPID) > 0]
            said.append(abi.raw_syscall(GETPGID, 0))
            seen.open()
            gone.wait()
            return [*said, abi.raw_syscall(GETPGRP) > 0, abi.raw_syscall(GETPGID, 0)]

        with Child(task) as carrier:
            ready.wait()
            assert abi.replace(dev, one, other) == (1, 1)
            assert abi.task_waiting(dev, carrier.pid) == 0b11
            go.open()
            seen.wait()
            assert abi.task_waiting(dev, carrier.pid) == 0b10
            ident = int(str(abi.policy_info(dev, other)["id"]))
            # The newest place is the one that waits.
            assert abi.detach(dev, carrier.pid, ident) == 1
            assert abi.task_waiting(dev, carrier.pid) == 0
            gone.open()
            assert carrier.outcome().value == [True, True, -DENIED - 1, True, -DENIED - 1]


@pytest.mark.parametrize("flags", [0, ATTACH_MADE])
def test_a_call_that_is_interrupted_and_made_again(dev: int, flags: int) -> None:
    """Stopped and continued, the kernel makes read() again: only then has it succeeded."""
    from_me, to_task = os.pipe()
    with gate() as ready:
        def task() -> bool:
            _later(dev, READ, flags)
            ready.open()
            # Not by Python, whose interpreter may read.
            ctypes.CDLL(None).read(from_me, ctypes.create_string_buffer(1), 1)
            return _denied()

        with Child(task) as carrier:
            ready.wait()

            def reads() -> bool:
                with open(f"/proc/{carrier.pid}/syscall", encoding="ascii") as file:
                    return file.read().split()[:2] == [str(READ), hex(from_me)]

            for _ in range(3):
                _await(reads)
                os.kill(carrier.pid, signal.SIGSTOP)
                os.waitpid(carrier.pid, os.WUNTRACED)
                os.kill(carrier.pid, signal.SIGCONT)
            _await(reads)
            assert abi.task_waiting(dev, carrier.pid) == (0 if flags else 1)
            os.write(to_task, b"x")
            assert carrier.outcome().value is True
    os.close(from_me)
    os.close(to_task)


def _interrupted_pause() -> None:
    """Not by Python, which would go on waiting."""
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    ctypes.CDLL(None).pause()


@pytest.mark.parametrize("number,flags,begins", [
    (PAUSE, 0, False), (PAUSE, ATTACH_MADE, True),
    # What it returns is what pause() did: EINTR.
    (RT_SIGRETURN, 0, True),
])
def test_a_call_that_a_handler_interrupts(dev: int, number: int, flags: int, begins: bool) -> None:
    def task() -> list[bool]:
        _later(dev, number, flags)
        said = [_denied()]
        _interrupted_pause()
        return [*said, _denied()]

    assert child.value(task) == [False, begins]


def test_a_call_that_goes_on_by_another_number(dev: int) -> None:
    """Stopped and continued, nanosleep() goes on as restart_syscall()."""
    with gate() as ready:
        def task() -> bool:
            _later(dev, NANOSLEEP)
            ready.open()
            time_spec = struct.pack("<qq", 1, 0)
            abi.raw_syscall(NANOSLEEP, abi.Memory(time_spec).address, 0)
            return _denied()

        with Child(task) as carrier:
            ready.wait()

            def sleeps() -> bool:
                with open(f"/proc/{carrier.pid}/syscall", encoding="ascii") as file:
                    return file.read().split()[:1] == [str(NANOSLEEP)]

            _await(sleeps)
            os.kill(carrier.pid, signal.SIGSTOP)
            os.waitpid(carrier.pid, os.WUNTRACED)
            os.kill(carrier.pid, signal.SIGCONT)
            assert carrier.outcome().value is True


def test_a_call_that_does_such_work_itself(dev: int) -> None:
    """io_uring_enter() runs task work before it returns; how it will end is not known then."""
    def task() -> list[object]:
        parameters = ctypes.create_string_buffer(120)
        ring = abi.raw_syscall(IO_URING_SETUP, 1, ctypes.addressof(parameters))
        _later(dev, IO_URING_ENTER)
        said: list[object] = [ring > 2, _denied()]
        # Its answers are awaited: none.
        said.append(abi.raw_syscall(IO_URING_ENTER, ring, 0, 0, 1, 0, 0))
        return [*said, _denied()]

    assert child.value(task) == [True, False, 0, True]


@pytest.mark.parametrize("number,option,stops", [
    (EXECVE, PTRACE_O_TRACEEXEC, 1), (CLONE, PTRACE_O_TRACEFORK, 1), (EXECVE, 0, 0),
])
def test_a_tracer_that_stops_it_in_the_middle(dev: int, number: int, option: int, stops: int) -> None:
    """As strace and gdb do: what is put off until the call returns is done before it does."""
    libc = ctypes.CDLL(None, use_errno=True)
    with gate() as ready, gate() as go:
        def task() -> None:
            policy = abi.simple(dev, {OPENAT: ERRNO | DENIED})
            ready.open()
            go.wait()
            abi.attach_later(dev, policy, [(X86_64, number)])
            if number == EXECVE:
                # Without openat() it cannot even load its libraries.
                os.execv("/bin/true", ["true"])
            pid = abi.raw_syscall(CLONE, signal.SIGCHLD, 0, 0, 0, 0)
            if pid:
                os.waitpid(pid, 0)
            os._exit(0 if pid == 0 else 127 if abi.raw_syscall(OPENAT, -1, 0, 0) == -DENIED else 1)

        with Child(task) as traced:
            ready.wait()
            assert libc.ptrace(PTRACE_SEIZE, traced.pid, 0, option) == 0
            go.open()
            seen = 0
            while True:
                pid, status = os.waitpid(-1, WALL)
                if not os.WIFSTOPPED(status):
                    if pid == traced.pid:
                        break
                    continue
                seen += status >> 16 in (PTRACE_EVENT_FORK, PTRACE_EVENT_EXEC)
                libc.ptrace(PTRACE_CONT, pid, 0, 0)
            traced.set_reaped(status)
            assert (seen, os.waitstatus_to_exitcode(status)) == (stops, 127)


def test_from_outside(dev: int, keep: Keep) -> None:
    policy = keep(_denies(dev))
    with gate() as ready, gate() as go:
        def task() -> list[bool]:
            ready.open()
            go.wait()
            said = [_denied()]
            abi.raw_syscall(GETPPID)
            return [*said, _denied()]

        with Child(task) as carrier:
            ready.wait()
            assert abi.attach_later(dev, policy, [(X86_64, GETPPID)], carrier.pid) == 1
            go.open()
            assert carrier.outcome().value == [False, True]


def test_who_may(dev: int, keep: Keep) -> None:
    """As ATTACH: an administrator, or who can gain no privileges."""
    policy = keep(_denies(dev))

    def as_nobody(prepare: Callable[[], None], pid: int) -> int:
        become_nobody()
        prepare()
        return errno_of(lambda: abi.attach_later(dev, policy, [(X86_64, GETPPID)], pid))

    assert child.value(lambda: as_nobody(lambda: None, 0)) == EACCES
    assert child.value(lambda: as_nobody(abi.no_new_privs, os.getpid())) == EPERM
    assert child.value(lambda: as_nobody(abi.no_new_privs, 0)) == 0


@pytest.mark.parametrize("calls,errno", [
    ([], EINVAL), ([(3, 1)], EOPNOTSUPP), ([(X86_64, 1024)], EINVAL), ([(X86_64, 1)] * 2, EEXIST),
    ([(X86_64, number) for number in range(257)], E2BIG),
])
def test_calls_that_are_none(dev: int, keep: Keep, calls: Sequence[tuple[int, int]], errno: int) -> None:
    policy = keep(_denies(dev))
    assert errno_of(lambda: abi.attach_later(dev, policy, calls)) == errno
    assert abi.task_ids(dev) == []


def test_a_stack_is_not_synchronised_over_it(dev: int, keep: Keep) -> None:
    """A thread whose phase has begun carries more than its caller: TSYNC names it."""
    policy = keep(abi.simple(dev, {}))

    def task() -> list[object]:
        _later(dev)
        tids: list[int] = []
        begun, end = threading.Event(), threading.Event()

        def other() -> None:
            abi.raw_syscall(GETPPID)
            tids.append(threading.get_native_id())
            begun.set()
            end.wait()

        thread = threading.Thread(target=other)
        thread.start()
        begun.wait()
        stranger = abi.ioctl(dev, abi.ATTACH, abi.attach_record(policy, flags=abi.TSYNC))
        end.set()
        thread.join()
        return [stranger == tids[0], len(abi.task_ids(dev))]

    assert child.value(task) == [True, 1]


def test_what_the_policy_says_is_not_heard_before(dev: int) -> None:
    """Neither is it killed, nor asked: it is as if it were not there."""
    def task() -> list[int]:
        for action in (abi.KILL_PROCESS, abi.USER_NOTIF):
            abi.attach_later(dev, abi.simple(dev, {GETPGID: action}), [(X86_64, GETPGRP)])
        abi.attach(dev, abi.simple(dev, {GETPGID: ERRNO | EAGAIN}))
        return [abi.raw_syscall(GETPGID, 0)]

    assert child.value(task) == [-EAGAIN]
