#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What answering.py runs: makes the system calls that it is asked for in each of its threads.

Each line on standard input is a list of numbers; the call is made in every thread, and the errnos
(0: none) are written as one line. With --churn further threads are started and end all the time,
each of which makes the last call that was asked for. The second list of an answer has the errnos of
those among them that began after the question before this one was put: what was asked earlier, or
before something that was done between two questions, is not in it.

It imports little: many tests start many of it, and under TCG that is what takes their time."""

import ctypes
import json
import queue
import sys
import threading

_libc = ctypes.CDLL(None, use_errno=True)


def call(numbers: list[int]) -> int:
    """Make a system call; its errno."""
    ctypes.set_errno(0)
    result = _libc.syscall(*(ctypes.c_long(number) for number in numbers))
    return ctypes.get_errno() if result == -1 else 0


def _serve(threads: int, churn: str) -> None:
    questions: list[queue.Queue[list[int]]] = [queue.Queue() for _ in range(threads - 1)]
    answers: queue.Queue[int] = queue.Queue()
    passed: queue.Queue[tuple[int, int]] = queue.Queue()
    current: tuple[int, list[int]] | None = None

    def answer(mine: "queue.Queue[list[int]]") -> None:
        while True:
            answers.put(call(mine.get()))

    def pass_by() -> None:
        if current is not None:
            question, numbers = current
            passed.put((question, call(numbers)))

    def start_others() -> None:
        while True:
            passing = [threading.Thread(target=pass_by) for _ in range(4)]
            for each in passing:
                each.start()
            for each in passing:
                each.join()

    for mine in questions:
        threading.Thread(target=answer, args=(mine,), daemon=True).start()
    if churn:
        threading.Thread(target=start_others, daemon=True).start()
    print("ready", flush=True)
    for question, line in enumerate(sys.stdin):
        numbers = json.loads(line)
        current = question, numbers
        for mine in questions:
            mine.put(numbers)
        lasting = [call(numbers), *(answers.get() for _ in questions)]
        ended = [passed.get() for _ in range(passed.qsize())]
        passing = [number for asked, number in ended if asked >= question - 1]
        print(json.dumps([lasting, passing]), flush=True)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), "".join(sys.argv[2:]))
