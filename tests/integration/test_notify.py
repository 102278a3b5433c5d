# SPDX-License-Identifier: LGPL-2.1-or-later
"""USER_NOTIF and its listeners. What seccomp_unotify(2) says is compared with seccomp(2)
sentence by sentence in tests/manual; here is what a listener of ours could do wrong."""

import os
import select
import signal
import socket
import threading
from collections.abc import Callable
from errno import EAGAIN, EBADF, EBUSY, EINPROGRESS, EINTR, EINVAL, ENOENT, ENOSYS, EOPNOTSUPP, \
    EPERM

import abi
import pytest
from child import Child, errno_of, gate, value
from filtered import state
from listening import ADDFD_SEND, ADDFD_SETFD, CONTINUE, Listener, Question, call, supervised

GETPPID, GETPID, MKDIR, PAUSE, FORK = 110, 39, 83, 34, 57


def test_value_and_errno() -> None:
    with supervised([GETPPID], lambda: [call(GETPPID, 1, 2, 3), call(GETPPID)]) as (child, listener):
        first = listener.receive()
        assert (first.pid, first.nr, first.arch) == (child.pid, GETPPID, abi.ARCH[abi.X86_64])
        assert first.args[:3] == (1, 2, 3)
        listener.valid(first.ident)
        listener.send(first.ident, value=12345)
        assert errno_of(lambda: listener.valid(first.ident)) == ENOENT
        second = listener.receive()
        assert second.ident != first.ident
        listener.send(second.ident, error=EPERM)
        assert child.outcome().value == [12345, -EPERM]


def test_continue_runs_the_call_once() -> None:
    parent = os.getpid()
    with supervised([GETPPID], lambda: [call(GETPPID), call(GETPPID)]) as (child, listener):
        listener.send(listener.receive().ident, flags=CONTINUE)
        # The permit was for one call: the next one asks again.
        listener.send(listener.receive().ident, value=7)
        assert child.outcome().value == [parent, 7]


def test_a_permit_is_for_the_same_arguments(tmp_path: object) -> None:
    """A signal handler that runs before the call is made again asks for its own."""
    made = f"{tmp_path}/made"

    def ask() -> object:
        said: list[int] = []
        signal.signal(signal.SIGUSR1, lambda *_: said.append(call(GETPPID, 99)))
        path = abi.Memory(made.encode() + b"\0")
        said.append(call(MKDIR, path.address, 0o700))
        return said

    with supervised([GETPPID, MKDIR], ask) as (child, listener):
        first = listener.receive()
        assert first.nr == MKDIR
        listener.send(first.ident, flags=CONTINUE)
        assert child.outcome().value == [0]
    assert os.path.isdir(made)


@pytest.mark.parametrize("what", ["jump", "call", "nothing"])
def test_a_permit_cannot_be_kept(program: Callable[[str], str], what: str) -> None:
    """A handler runs before the call is made again: it does not return, or makes another call, of
    which its return, rt_sigreturn(), is one."""
    path = program("permit")
    with supervised([GETPPID], lambda: os.execv(path, [path, what]),
                    abi.WAIT_KILLABLE) as (child, listener):
        first = listener.receive()
        os.kill(child.pid, signal.SIGUSR1)
        listener.send(first.ident, flags=CONTINUE)
        second = listener.receive()
        assert (second.nr, second.ip, second.args) == (first.nr, first.ip, first.args)
        listener.send(second.ident, value=42)
        assert child.outcome().status == 42 << 8


def test_a_permit_is_of_one_listener(dev: int) -> None:
    """While the first one's question stands, its policy goes and another thread brings the second
    one: that has not been asked, whatever the first one says."""
    ours, theirs = socket.socketpair()
    ours.settimeout(60)

    def bring_another() -> None:
        go.wait()
        descriptor = abi.attach_filter(dev, abi.verdicts({GETPPID: abi.USER_NOTIF}),
                                       abi.NEW_LISTENER | abi.TSYNC | abi.TSYNC_ESRCH)
        socket.send_fds(theirs, [b"!"], [descriptor])
        os.close(descriptor)

    def prepare() -> None:
        # What both threads carry, so that one's stack begins as the other's.
        abi.attach(dev, abi.simple(dev, {}))
        threading.Thread(target=bring_another, daemon=True).start()

    with ours, theirs, gate() as go, \
            supervised([GETPPID], lambda: call(GETPPID, 5), prepare=prepare) as (child, first):
        asked = first.receive()
        abi.detach(dev, child.pid, abi.task_ids(dev, child.pid)[-1])
        go.open()
        _, (descriptor,), _, _ = socket.recv_fds(ours, 1, 1)
        second = Listener(descriptor)
        first.send(asked.ident, flags=CONTINUE)
        again = second.receive()
        assert (again.pid, again.nr, again.ip, again.args) == (
            asked.pid, asked.nr, asked.ip, asked.args)
        second.send(again.ident, value=7)
        assert child.outcome().value == 7
        second.close()


def test_continue_after_fork_is_for_one_thread() -> None:
    """The child of a fork that was let run has no permit of its own."""
    def ask() -> object:
        pid = call(FORK)
        if pid == 0:
            os._exit(call(FORK) == -EPERM)
        return os.waitpid(pid, 0)[1] >> 8

    with supervised([FORK], ask) as (child, listener):
        listener.send(listener.receive().ident, flags=CONTINUE)
        question = listener.receive()
        assert question.pid != child.pid
        listener.send(question.ident, error=EPERM)
        assert child.outcome().value == 1


def test_listener_gone() -> None:
    with gate() as ready, gate() as go:
        def ask() -> object:
            first = call(GETPPID)
            ready.open()
            go.wait()
            return [first, call(GETPPID)]

        with supervised([GETPPID], ask) as (child, listener):
            listener.receive()
            listener.close()
            ready.wait()
            go.open()
            assert child.outcome().value == [-ENOSYS, -ENOSYS]


def test_without_a_listener(dev: int) -> None:
    def ask() -> int:
        abi.attach(dev, abi.simple(dev, {GETPPID: abi.USER_NOTIF}))
        return call(GETPPID)

    assert value(ask) == -ENOSYS


def test_poll() -> None:
    with supervised([GETPPID], lambda: call(GETPPID)) as (child, listener):
        assert listener.events(select.POLLIN) == select.POLLIN
        question = listener.receive()
        assert listener.events() == select.POLLOUT
        listener.send(question.ident)
        child.outcome()
        assert listener.events() == select.POLLHUP
        assert errno_of(listener.receive) == ENOENT


@pytest.mark.parametrize("restart", [False, True])
def test_a_signal_interrupts(restart: bool) -> None:
    def ask() -> object:
        said: list[str] = []
        signal.signal(signal.SIGUSR1, lambda *_: said.append("signal"))
        signal.siginterrupt(signal.SIGUSR1, not restart)
        return [call(GETPPID, 5), said]

    with supervised([GETPPID], ask) as (child, listener):
        first = listener.receive()
        os.kill(child.pid, signal.SIGUSR1)
        if not restart:
            assert child.outcome().value == [-EINTR, ["signal"]]
            assert errno_of(lambda: listener.send(first.ident)) == ENOENT
            return
        second = listener.receive()
        assert second.ident != first.ident and second.args == first.args
        assert errno_of(lambda: listener.send(first.ident)) == ENOENT
        listener.send(second.ident, value=3)
        assert child.outcome().value == [3, ["signal"]]


def test_wait_killable() -> None:
    def ask() -> object:
        said: list[str] = []
        signal.signal(signal.SIGUSR1, lambda *_: said.append("signal"))
        return [call(GETPPID), said]

    with supervised([GETPPID], ask, abi.WAIT_KILLABLE) as (child, listener):
        question = listener.receive()
        os.kill(child.pid, signal.SIGUSR1)
        listener.valid(question.ident)
        listener.send(question.ident, value=3)
        assert child.outcome().value == [3, ["signal"]]
    with supervised([GETPPID], ask, abi.WAIT_KILLABLE) as (child, listener):
        question = listener.receive()
        os.kill(child.pid, signal.SIGKILL)
        assert child.outcome().signal == signal.SIGKILL
        assert errno_of(lambda: listener.send(question.ident)) == ENOENT


def test_stop_and_go_on() -> None:
    with supervised([GETPPID], lambda: call(GETPPID)) as (child, listener):
        listener.receive()
        os.kill(child.pid, signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        assert state(child.pid) == "T"
        os.kill(child.pid, signal.SIGCONT)
        listener.send(listener.receive().ident, value=4)
        assert child.outcome().value == 4


def test_descriptors(tmp_path: object) -> None:
    path = f"{tmp_path}/text"
    with open(path, "w", encoding="ascii") as file:
        file.write("given")

    def ask() -> object:
        first = call(GETPPID)
        return [first, os.read(first, 9).decode(), os.get_inheritable(first), call(GETPPID)]

    with supervised([GETPPID], ask) as (child, listener), open(path, encoding="ascii") as file:
        question = listener.receive()
        given = listener.add(question.ident, file.fileno())
        listener.send(question.ident, value=given)
        question = listener.receive()
        answered = listener.add(question.ident, file.fileno(), ADDFD_SEND, newfd_flags=0o2000000)
        assert child.outcome().value == [given, "given", True, answered]
        assert answered != given


def test_refused_descriptors() -> None:
    with supervised([GETPPID], lambda: call(GETPPID)) as (child, listener):
        question = listener.receive()
        for expected, arguments in (
            (EBADF, (question.ident, -1)), (ENOENT, (question.ident + 1, 0)),
            (EINVAL, (question.ident, 0, 4)), (EINVAL, (question.ident, 0, 0, 5)),
            (EINVAL, (question.ident, 0, 0, 0, 1)), (EOPNOTSUPP, (question.ident, 0, ADDFD_SETFD, 9)),
        ):
            assert errno_of(lambda: listener.add(*arguments)) == expected, arguments
        listener.send(question.ident)
        assert child.outcome().value == 0


def test_refused_records() -> None:
    with supervised([GETPPID], lambda: call(GETPPID)) as (child, listener):
        for at in (0, 8, 79):
            record = bytearray(80)
            record[at] = 1
            assert errno_of(lambda: abi.ioctl(listener.descriptor, 0xC0502100, record)) == EINVAL
        assert errno_of(lambda: listener.send(1)) == ENOENT
        question = _peek(listener)
        assert errno_of(lambda: listener.send(question.ident, value=1, flags=CONTINUE)) == EINVAL
        assert errno_of(lambda: listener.send(question.ident, error=1, flags=CONTINUE)) == EINVAL
        assert errno_of(lambda: listener.send(question.ident, flags=2)) == EINVAL
        assert errno_of(lambda: abi.ioctl(listener.descriptor, 0x2107, bytes(8))) == EINVAL
        listener.send(question.ident, value=1)
        assert child.outcome().value == 1


def _peek(listener: Listener) -> Question:
    """A RECV whose record cannot be written loses nothing."""
    assert errno_of(lambda: abi.ioctl_at(listener.descriptor, 0xC0502100, 8)) == 14
    return listener.receive()


def test_answer_before_it_is_received() -> None:
    with supervised([GETPPID], lambda: call(GETPPID)) as (child, listener):
        assert listener.events(select.POLLIN) == select.POLLIN
        # Ids follow each other, so the next one is known after one exchange only.
        first = listener.receive()
        listener.send(first.ident, value=1)
        assert errno_of(lambda: listener.send(first.ident)) in (ENOENT, EINPROGRESS)
        assert child.outcome().value == 1


def test_one_listener_a_stack(dev: int) -> None:
    def ask() -> object:
        first = abi.attach_filter(dev, [abi.ret(abi.ALLOW)], abi.NEW_LISTENER)
        depth = len(abi.task_ids(dev))
        before = len(os.listdir("/proc/self/fd"))
        second = errno_of(lambda: abi.attach_filter(dev, [abi.ret(abi.ALLOW)], abi.NEW_LISTENER))
        return [first > 0, second, len(abi.task_ids(dev)) == depth,
                len(os.listdir("/proc/self/fd")) == before]

    assert value(ask) == [True, EBUSY, True, True]


def test_no_descriptor_left_nothing_attached(dev: int) -> None:
    def ask() -> object:
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (dev + 1, dev + 1))
        while errno_of(lambda: os.dup(dev)) == 0:
            pass
        failed = errno_of(lambda: abi.attach_filter(dev, [abi.ret(abi.ALLOW)], abi.NEW_LISTENER))
        return [failed, abi.task_ids(dev), abi.attach_filter(dev, [abi.ret(abi.ALLOW)])]

    assert value(ask) == [24, [], 0]


def test_detached_while_it_waits(dev: int) -> None:
    """The question stands; the answer is taken."""
    with supervised([GETPPID], lambda: [call(GETPPID), call(GETPPID)]) as (child, listener):
        question = listener.receive()
        abi.detach(dev, child.pid)
        assert listener.events(select.POLLIN) & select.POLLHUP
        listener.send(question.ident, value=5)
        assert child.outcome().value == [5, os.getpid()]


def test_many_ask_at_once() -> None:
    """Threads and processes, each gets its own answer."""
    count = 16

    def ask() -> object:
        found: dict[int, int] = {}
        threads = [threading.Thread(target=lambda n=n: found.update({n: call(GETPPID, n)}))
                   for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [found[n] for n in range(count)]

    with supervised([GETPPID], ask) as (child, listener):
        held = [listener.receive() for _ in range(count)]
        assert len({one.ident for one in held}) == len({one.pid for one in held}) == count
        for one in reversed(held):
            listener.send(one.ident, value=one.args[0] + 100)
        assert child.outcome().value == [n + 100 for n in range(count)]


def test_killed_while_it_waits() -> None:
    with supervised([GETPPID], lambda: call(GETPPID)) as (child, listener):
        question = listener.receive()
        assert child.kill().signal == signal.SIGKILL
        assert errno_of(lambda: listener.valid(question.ident)) == ENOENT
        assert errno_of(lambda: listener.add(question.ident, 0)) == ENOENT


def test_exec_by_another_thread() -> None:
    """The thread that waits ends, its process lives on as another program."""
    def ask() -> object:
        waiting = threading.Thread(target=lambda: call(GETPPID), daemon=True)
        waiting.start()
        call(GETPID, 1)
        os.execv("/bin/false", ["false"])

    with supervised([GETPPID, GETPID], ask) as (child, listener):
        seen = {question.nr: question for question in (listener.receive(), listener.receive())}
        assert seen[GETPPID].pid != seen[GETPID].pid
        listener.send(seen[GETPID].ident, value=1)
        assert child.outcome().status == 1 << 8
        assert errno_of(lambda: listener.send(seen[GETPPID].ident)) == ENOENT


def test_supervisor_that_never_reads(dev: int) -> None:
    """Its slowness is nobody else's: other tasks go on, and those that wait can be killed."""
    with supervised([GETPPID], lambda: call(GETPPID)) as (child, listener):
        assert listener.events(select.POLLIN) == select.POLLIN
        assert value(lambda: abi.attach(dev, abi.simple(dev, {}))) == 1
        assert child.kill().signal == signal.SIGKILL


def test_recv_can_be_interrupted() -> None:
    with supervised([GETPPID], signal.pause) as (_, listener), \
            Child(lambda: errno_of(lambda: _alarmed(listener))) as waiting:
        assert waiting.outcome().value == EINTR


def _alarmed(listener: Listener) -> None:
    signal.signal(signal.SIGALRM, lambda *_: _raise())
    signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
    listener.receive()


def _raise() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)  # or the next one ends a process that is ending
    raise InterruptedError(EINTR, "alarm")


def test_eagain_is_not_for_listeners() -> None:
    """O_NONBLOCK means nothing to RECV, as with seccomp(2); poll() does."""
    with supervised([GETPPID], lambda: call(GETPPID)) as (child, listener):
        os.set_blocking(listener.descriptor, False)
        question = listener.receive()
        assert question.nr == GETPPID
        listener.send(question.ident, error=EAGAIN)
        assert child.outcome().value == -EAGAIN
