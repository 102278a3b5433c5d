# SPDX-License-Identifier: LGPL-2.1-or-later
"""TSYNC under load: no thread escapes it, and where it fails nothing has changed. The same
programs show first that stock seccomp(2) does what they ask for."""

import os
import platform
import signal
import subprocess
from collections.abc import Callable

import pytest

ROUNDS = 10_000 if "SECMAP_LONG" in os.environ else 1_000
# Stock seccomp is not what is tested: enough to know that the program is right.
ROUNDS_OF_STOCK = 300
KINDS = ("loops", "created", "forked", "executed")


def _rounds(program: str, mechanism: str, rounds: int) -> dict[str, int]:
    ended = subprocess.run([program, mechanism, "rounds", str(rounds)], check=False,
                           capture_output=True, text=True)
    print(ended.stdout)
    assert ended.returncode == 0 and ended.stderr == "", ended.stderr
    result = {name: int(value) for name, value
              in (line.split() for line in ended.stdout.splitlines())}
    assert result["rounds"] == rounds
    assert (result["uncovered"], result["faults"], result["refused"]) == (0, 0, 0)
    return result


@pytest.mark.parametrize(("mechanism", "rounds"), [
    ("seccomp", ROUNDS_OF_STOCK), ("secmap", ROUNDS)])
def test_no_thread_escapes(stress_program: Callable[[str], str], mechanism: str,
                           rounds: int) -> None:
    """64 threads call, create threads, fork and exec while another one synchronises."""
    assert (os.cpu_count() or 0) >= 2, "this guest has one processor: --cpus 2"
    # So many rounds take longer than any other test; the debug kernel's limit is above this.
    signal.alarm(max(signal.alarm(0), 900))
    result = _rounds(stress_program("tsync"), mechanism, rounds)
    # Each kind, or nothing was shown about it.
    assert min(result[kind] for kind in KINDS) >= rounds // 50
    assert sum(result[kind] for kind in KINDS) >= 8 * rounds


def _refused(program: str, mechanism: str, what: str) -> None:
    ended = subprocess.run([program, mechanism, what], check=False, capture_output=True,
                           text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "good\n", "")


@pytest.mark.parametrize("mechanism", ["seccomp", "secmap"])
def test_another_stack_refuses(stress_program: Callable[[str], str], mechanism: str) -> None:
    """With the thread's id, or ESRCH; no thread has changed. Without that thread it succeeds."""
    _refused(stress_program("sync_refused"), mechanism, "other")


def _stock_looks_at_zombies() -> bool:
    """Up to 6.10 stock seccomp compares the filters of threads that have ended, too."""
    major, minor = platform.release().split(".")[:2]
    return (int(major), int(minor)) < (6, 11)


def test_threads_that_end_refuse_nothing(stress_program: Callable[[str], str]) -> None:
    """They carry stacks of their own; so does the first thread, which has ended."""
    program = stress_program("sync_refused")
    if not _stock_looks_at_zombies():
        _refused(program, "seccomp", "ending")
    _refused(program, "secmap", "ending")
