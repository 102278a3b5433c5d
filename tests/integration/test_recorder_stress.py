# SPDX-License-Identifier: LGPL-2.1-or-later
"""Threads and processes on two processors record in one recorder at once: nothing is lost."""

import os
import threading

import abi
import child
from abi import RECORD, X86_64

GETPPID = 110
WORKERS, THREADS, EACH = 4, 4, 12
# Of these the kernel knows none: what they do is nothing, and they differ.
FIRST = 600


def test_nothing_is_lost(dev: int) -> None:
    assert (os.cpu_count() or 0) >= 2, "this guest has one processor: --cpus 2"
    recorder, _ = abi.recorder_create(dev, [(X86_64, GETPPID, 0b11)])

    def work(worker: int, thread: int) -> None:
        own = worker * THREADS + thread
        for turn in range(EACH * 20):
            each = turn % EACH
            abi.raw_syscall(FIRST + own * EACH + each)
            abi.raw_syscall(GETPPID, own << 40, each)

    def worker(number: int) -> None:
        threads = [threading.Thread(target=work, args=(number, one)) for one in range(THREADS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def make() -> list[int]:
        abi.attach(dev, -1, 0, RECORD, recorder)
        with child.gate() as go:
            pids = []
            for number in range(WORKERS):
                if (pid := os.fork()) == 0:
                    go.wait(size=1)
                    worker(number)
                    os._exit(0)
                pids.append(pid)
            go.open(b"!" * WORKERS)
            return [os.waitpid(pid, 0)[1] for pid in pids]

    assert child.value(make) == [0] * WORKERS
    found = abi.recorded(dev, recorder, 0, 2)
    assert found.overflow == 0
    assert set(found.values) == {(own << 40, each) for own in range(WORKERS * THREADS)
                                 for each in range(EACH)}
    assert set(range(FIRST, FIRST + WORKERS * THREADS * EACH)) <= found.calls[X86_64]
    os.close(recorder)
