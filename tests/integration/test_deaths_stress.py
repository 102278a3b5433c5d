# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes that carry 1 to 64 filters and end in every way there is: each ends as under stock
seccomp(2), and nothing is left of any of them, so that the module can go."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import abi
import pytest
from loading import load, references, unload_at_last

COUNT = 10_000 if "SECMAP_LONG" in os.environ else 1_000
# Stock seccomp is not what is tested: enough to know that the program is right.
COUNT_OF_STOCK = 280
WAYS = ("kill_process", "kill_last_thread", "kill_other_thread", "trap", "trap_handled", "errno",
        "listener_gone", "listener_goes", "answered", "killed_in_notify", "killed_received",
        "thread_exec", "exit", "killed")
DEPTHS = 64
# Every so many processes one is as deep as it gets in turn.
SELDOM = 31


@pytest.fixture(name="deaths")
def _deaths(stress_program: Callable[[str], str], tmp_path: Path) -> str:
    """The program, where it is executed from memory, which a part of them does."""
    return str(shutil.copy(stress_program("deaths"), tmp_path))


@pytest.fixture(name="loaded")
def _loaded() -> Iterator[None]:
    yield
    if not Path("/sys/module/secmap").exists():
        load()


def _die(program: str, mechanism: str, count: int) -> None:
    seed = os.environ.get("SECMAP_SEED", "1")
    print(f"seed {seed}")
    ended = subprocess.run([program, mechanism, seed, str(count)], check=False,
                           capture_output=True, text=True)
    print(ended.stdout)
    assert (ended.returncode, ended.stderr) == (0, "")
    result = {name: int(value) for name, value
              in (line.split() for line in ended.stdout.splitlines())}
    assert result.pop("faults") == 0
    assert result.pop("filters") >= 2 * count
    assert result.pop("depths") == min(DEPTHS, 1 + count // SELDOM)
    assert tuple(result) == WAYS
    assert sum(result.values()) == count and min(result.values()) >= count // len(WAYS)


def _nothing_is_left() -> None:
    with open("/dev/secmap", "r+b", buffering=0) as file:
        # Whoever has been waited for has passed the exit probe.
        assert abi.task_list(file.fileno()) == []
        # Stacks go a grace period later, in work items, and policies with them.
        limit = time.monotonic() + 60
        while (left := abi.policy_list(file.fileno())) and time.monotonic() < limit:
            os.sched_yield()
        assert left == []


def test_the_program_is_right(deaths: str) -> None:
    _die(deaths, "seccomp", COUNT_OF_STOCK)


@pytest.mark.usefixtures("loaded")
def test_all_of_them_end_and_the_module_goes(deaths: str) -> None:
    # So many take longer than any other test; the debug kernel's limit is above this.
    signal.alarm(max(signal.alarm(0), 900))
    assert references() == 0
    _die(deaths, "secmap", COUNT)
    _nothing_is_left()
    unload_at_last()
    load()
    # It is as new, and does what it did.
    _nothing_is_left()
    _die(deaths, "secmap", COUNT_OF_STOCK)
    _nothing_is_left()
