# SPDX-License-Identifier: LGPL-2.1-or-later
"""ATTACH for all threads of a process."""

import os
import threading
from collections.abc import Callable
from contextlib import contextmanager
from collections.abc import Iterator
from errno import EACCES, EDOM, EINVAL, ENOSPC, ESRCH

import abi
import pytest
from child import become_nobody, errno_of, value
from abi import ALLOW, ERRNO, NEW_LISTENER, TSYNC, TSYNC_ESRCH

MARK = 600
DENY = [*abi.verdicts({MARK: ERRNO | EDOM})]


class Threads:
    """Threads that do what they are told, one after the other."""

    def __init__(self, count: int) -> None:
        self._done = threading.Semaphore(0)
        self._tasks: list[Callable[[], object] | None] = [None] * count
        self._go = [threading.Semaphore(0) for _ in range(count)]
        self._said: list[object] = [None] * count
        self.ids = [0] * count
        for number in range(count):
            threading.Thread(target=self._loop, args=(number,), daemon=True).start()
            self.ask(number, lambda: None)

    def _loop(self, number: int) -> None:
        self.ids[number] = threading.get_native_id()
        while True:
            self._go[number].acquire()
            task = self._tasks[number]
            assert task
            try:
                self._said[number] = task()
            except OSError as error:
                self._said[number] = error
            self._done.release()

    def ask(self, number: int, task: Callable[[], object]) -> object:
        """Have one do it, and wait."""
        self._tasks[number] = task
        self._go[number].release()
        self._done.acquire()
        return self._said[number]

    def marks(self) -> list[int]:
        """What the marked call returns to each."""
        return [int(str(self.ask(number, lambda: abi.raw_syscall(MARK))))
                for number in range(len(self._go))]


@contextmanager
def nnp() -> Iterator[None]:
    """As nobody, with no_new_privs."""
    become_nobody()
    abi.no_new_privs()
    yield


def test_all_threads() -> None:
    def ask() -> object:
        threads = Threads(8)
        before = threads.marks()
        with nnp():
            result = abi.attach_filter(abi.device(), DENY, TSYNC)
        return [before, result, threads.marks(), abi.raw_syscall(MARK)]

    assert value(ask) == [[-38] * 8, 0, [-EDOM] * 8, -EDOM]


def test_no_new_privs_goes_along() -> None:
    def ask() -> object:
        threads = Threads(3)
        with nnp():
            abi.attach_filter(abi.device(), DENY, TSYNC)
        return [line for tid in threads.ids
                for line in open(f"/proc/self/task/{tid}/status", encoding="ascii")
                if line.startswith("NoNewPrivs")]

    assert value(ask) == ["NoNewPrivs:\t1\n"] * 3


def test_no_new_privs_is_not_made_up() -> None:
    """A privileged caller without it gives nobody else the bit."""
    def ask() -> object:
        threads = Threads(2)
        abi.attach_filter(abi.device(), DENY, TSYNC)
        return [line for tid in threads.ids
                for line in open(f"/proc/self/task/{tid}/status", encoding="ascii")
                if line.startswith("NoNewPrivs")]

    assert value(ask) == ["NoNewPrivs:\t0\n"] * 2


@pytest.mark.parametrize("esrch", [False, True])
def test_a_stranger_and_nothing_has_changed(dev: int, esrch: bool) -> None:
    def ask() -> object:
        threads = Threads(4)
        abi.attach(dev, abi.simple(dev, {}))
        threads.ask(2, lambda: abi.attach_filter(dev, [abi.ret(ALLOW)]))
        before = [abi.task_ids(dev, tid) for tid in threads.ids], abi.task_ids(dev)
        try:
            result = abi.attach_filter(dev, DENY, TSYNC | (TSYNC_ESRCH if esrch else 0))
        except OSError as error:
            result = -(error.errno or 0)
        after = [abi.task_ids(dev, tid) for tid in threads.ids], abi.task_ids(dev)
        return [result if esrch else result == threads.ids[2], before == after, threads.marks()]

    assert value(ask) == [-ESRCH if esrch else True, True, [-38] * 4]


def test_a_lower_stack_is_no_stranger(dev: int) -> None:
    """A thread with a beginning of the caller's stack, and one with nothing."""
    def ask() -> object:
        base = abi.simple(dev, {})
        threads = Threads(1)
        abi.attach(dev, base)
        more = Threads(1)
        abi.attach(dev, abi.simple(dev, {}))
        result = abi.attach(dev, abi.cbpf(dev, DENY), flags=TSYNC)
        stacks = {tuple(abi.task_ids(dev, tid)) for tid in threads.ids + more.ids}
        return [result, len(stacks), threads.marks() + more.marks()]

    assert value(ask) == [3, 1, [-EDOM, -EDOM]]


def test_the_callers_stack_again_is_no_stranger(dev: int) -> None:
    def ask() -> object:
        threads = Threads(3)
        return [[abi.attach_filter(dev, DENY, TSYNC) for _ in range(3)],
                {len(abi.task_ids(dev, tid)) for tid in threads.ids} == {3}]

    assert value(ask) == [[0, 0, 0], True]


def test_a_full_stack_changes_nothing(dev: int) -> None:
    def ask() -> object:
        threads = Threads(2)
        policy = abi.simple(dev, {})
        for _ in range(64):
            abi.attach(dev, policy, flags=TSYNC)
        failed = errno_of(lambda: abi.attach(dev, policy, flags=TSYNC))
        return [failed, [len(abi.task_ids(dev, tid)) for tid in threads.ids]]

    assert value(ask) == [ENOSPC, [64, 64]]


def test_with_a_listener(dev: int) -> None:
    def ask() -> object:
        threads = Threads(2)
        alone = errno_of(lambda: abi.attach_filter(dev, DENY, TSYNC | NEW_LISTENER))
        listener = abi.attach_filter(dev, DENY, TSYNC | TSYNC_ESRCH | NEW_LISTENER)
        return [alone, listener > 2, threads.marks()]

    assert value(ask) == [EINVAL, True, [-EDOM, -EDOM]]


def test_permission() -> None:
    def ask() -> object:
        threads = Threads(1)
        become_nobody()
        failed = errno_of(lambda: abi.attach_filter(abi.device(), DENY, TSYNC))
        return [failed, threads.marks()]

    assert value(ask) == [EACCES, [-38]]


def test_only_for_ones_own_process(dev: int) -> None:
    policy = abi.simple(dev, {})
    assert errno_of(lambda: abi.attach(dev, policy, os.getppid(), TSYNC)) == EINVAL
    os.close(policy)
