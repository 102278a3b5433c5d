# SPDX-License-Identifier: LGPL-2.1-or-later
"""KILL_PROCESS and KILL_THREAD: whatever the process has prepared, as seccomp(2) kills."""

import ctypes
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import abi
import child
import core_file
import pytest
from abi import ERRNO, KILL_PROCESS, KILL_THREAD
from child import Child, Gate

GETPPID = 110
SIGSYS = signal.SIGSYS
_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(name="killer", params=[KILL_PROCESS, KILL_THREAD], ids=["process", "thread"])
def _killer(dev: int, request: pytest.FixtureRequest) -> Iterator[int]:
    policy = abi.simple(dev, {GETPPID: request.param})
    yield policy
    os.close(policy)


@pytest.fixture(name="thread_killer")
def _thread_killer(dev: int) -> Iterator[int]:
    policy = abi.simple(dev, {GETPPID: KILL_THREAD})
    yield policy
    os.close(policy)


def _killed(dev: int, policy: int, prepare: Callable[[], object] = lambda: None) -> bool:
    def call() -> None:
        prepare()
        abi.attach(dev, policy)
        abi.raw_syscall(GETPPID)

    outcome = child.run(call)
    return os.WIFSIGNALED(outcome.status) and os.WTERMSIG(outcome.status) == SIGSYS


def test_default_handler(dev: int, killer: int) -> None:
    assert _killed(dev, killer)


def test_handler(dev: int, killer: int) -> None:
    assert _killed(dev, killer, lambda: signal.signal(SIGSYS, lambda *_: os._exit(0)))


def test_ignored(dev: int, killer: int) -> None:
    assert _killed(dev, killer, lambda: signal.signal(SIGSYS, signal.SIG_IGN))


def test_blocked(dev: int, killer: int) -> None:
    assert _killed(dev, killer, lambda: signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)))


def test_blocked_and_pending(dev: int, killer: int) -> None:
    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [SIGSYS])
        signal.pthread_kill(threading.get_ident(), SIGSYS)
        os.kill(os.getpid(), SIGSYS)

    assert _killed(dev, killer, prepare)


def test_as_nobody(dev: int, killer: int) -> None:
    def prepare() -> None:
        child.become_nobody()
        abi.no_new_privs()

    assert _killed(dev, killer, prepare)


def test_first_process_of_a_pid_namespace(dev: int, killer: int) -> None:
    def outside() -> bool:
        child.unshare(child.CLONE_NEWPID)
        return _killed(dev, killer)

    assert child.value(outside) is True


def test_stopped_by_a_tracer(dev: int, killer: int) -> None:
    """A debugger that sees every signal cannot take this one away."""
    def call() -> None:
        _libc.ptrace(0, 0, 0, 0)
        signal.signal(SIGSYS, signal.SIG_IGN)
        os.kill(os.getpid(), signal.SIGSTOP)
        abi.attach(dev, killer)
        abi.raw_syscall(GETPPID)

    with Child(call) as traced:
        seen = []
        while True:
            _, status = os.waitpid(traced.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                break
            seen.append(os.WSTOPSIG(status))
            assert _libc.ptrace(7, traced.pid, 0, 0) == 0  # PTRACE_CONT, without the signal
        traced.set_reaped(status)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == SIGSYS
        assert seen == [signal.SIGSTOP]


def test_parent_of_a_killed_vfork_child_goes_on(dev: int, killer: int) -> None:
    def call() -> int:
        abi.attach(dev, killer)
        pid = os.fork()
        if pid == 0:
            abi.raw_syscall(GETPPID)
            os._exit(0)
        return os.waitpid(pid, 0)[1]

    assert child.value(call) & 0x7F == SIGSYS


def test_killed_call_has_not_run(dev: int) -> None:
    policy = abi.simple(dev, {20: KILL_PROCESS})  # writev
    read, write = os.pipe()
    os.set_blocking(read, False)

    def call() -> None:
        abi.attach(dev, policy)
        os.writev(write, [b"x"])

    assert child.run(call).signal == SIGSYS
    with pytest.raises(BlockingIOError):
        os.read(read, 1)
    for descriptor in (read, write, policy):
        os.close(descriptor)


def test_all_threads_die(dev: int) -> None:
    policy = abi.simple(dev, {GETPPID: KILL_PROCESS})
    gate = Gate()

    def call() -> None:
        for _ in range(5):
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        abi.attach(dev, policy)
        thread = threading.Thread(target=lambda: abi.raw_syscall(GETPPID))
        thread.start()
        gate.wait(600)

    outcome = child.run(call)
    assert outcome.signal == SIGSYS
    gate.close()
    os.close(policy)


@pytest.mark.parametrize("handled", [False, True], ids=["default", "ignored"])
def test_core(dev: int, killer: int, tmp_path: Path, handled: bool) -> None:
    pattern = Path("/proc/sys/kernel/core_pattern")
    before = pattern.read_text(encoding="ascii")
    pattern.write_text(f"{tmp_path}/core", encoding="ascii")

    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        if handled:
            signal.signal(SIGSYS, signal.SIG_IGN)

    def call() -> None:
        prepare()
        abi.attach(dev, killer)
        abi.raw_syscall(GETPPID)

    try:
        outcome = child.run(call)
    finally:
        pattern.write_text(before, encoding="ascii")
    assert outcome.signal == SIGSYS
    assert os.WCOREDUMP(outcome.status)
    found = next(tmp_path.glob("core*"))
    core = core_file.read(found)
    found.unlink()
    assert (core.signal, core.code, core.errno) == (SIGSYS, 1, 0)
    assert (core.number, core.arch) == (GETPPID, 0xC000003E)
    assert (core.orig_rax, core.rax) == (GETPPID, GETPPID)
    assert core.address == core.rip


def test_no_core_where_none_is_wanted(dev: int, killer: int) -> None:
    def call() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        abi.attach(dev, killer)
        abi.raw_syscall(GETPPID)

    outcome = child.run(call)
    assert outcome.signal == SIGSYS and not os.WCOREDUMP(outcome.status)


# KILL_THREAD.

def _tids() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/task")}


def _await_tids(wanted: set[int]) -> None:
    """A thread that ends is in the list for a moment."""
    while _tids() != wanted:
        os.sched_yield()


def test_one_thread_dies(dev: int, thread_killer: int) -> None:
    def call() -> object:
        abi.attach(dev, thread_killer)
        before = _tids()
        survived = []

        def doomed() -> None:
            abi.raw_syscall(GETPPID)
            survived.append(True)

        thread = threading.Thread(target=doomed, daemon=True)
        thread.start()
        _await_tids(before)
        return survived

    assert child.value(call) == []


def test_thread_wakes_its_joiner(dev: int, program: Callable[[str], str]) -> None:
    """The kernel clears the thread's id, and pthread_join() returns."""
    policy = abi.simple(dev, {GETPPID: KILL_THREAD})

    def call() -> None:
        abi.attach(dev, policy)
        os.execv(program("spawn"), ["spawn", "thread"])

    assert child.run(call).status == 0
    os.close(policy)


def test_leader_dies_and_another_goes_on(dev: int, thread_killer: int) -> None:
    gate = Gate()
    leader_gone = Gate()

    def call() -> None:
        def other() -> None:
            while not _leader_is_zombie():
                os.sched_yield()
            leader_gone.open()
            gate.wait()
            os._exit(7)

        threading.Thread(target=other, daemon=True).start()
        abi.attach(dev, thread_killer)
        abi.raw_syscall(GETPPID)

    with Child(call) as running:
        leader_gone.wait()
        gate.open()
        assert os.waitstatus_to_exitcode(running.outcome().status) == 7
    gate.close()
    leader_gone.close()


def _leader_is_zombie() -> bool:
    stat = Path(f"/proc/self/task/{os.getpid()}/stat").read_text(encoding="ascii")
    return stat.rpartition(")")[2].split()[0] == "Z"


def test_last_thread_takes_the_process_along(dev: int, thread_killer: int) -> None:
    """After others have come and gone."""
    def call() -> None:
        before = _tids()
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        _await_tids(before)
        abi.attach(dev, thread_killer)
        abi.raw_syscall(GETPPID)

    assert child.run(call).signal == SIGSYS


def test_exit_itself_is_not_judged_again(dev: int) -> None:
    """KILL_THREAD where exit() is denied: the thread ends all the same."""
    policy = abi.simple(dev, {GETPPID: KILL_THREAD, 60: ERRNO | 1})

    def call() -> object:
        abi.attach(dev, policy)
        before = _tids()
        threading.Thread(target=lambda: abi.raw_syscall(GETPPID), daemon=True).start()
        _await_tids(before)
        return True

    assert child.value(call) is True
    os.close(policy)


def test_killed_thread_of_a_32_bit_call(dev: int, program: Callable[[str], str]) -> None:
    """The last thread, by int 0x80: the process dies."""
    policy = abi.policy_create(dev, [abi.Section(abi.I386, rules=[abi.Rule(64, KILL_THREAD)])],
                               foreign=abi.ALLOW)

    def call() -> None:
        abi.attach(dev, policy)
        os.execv(program("call"), ["call", "int80", "64"])

    assert child.run(call).signal == SIGSYS
    os.close(policy)
