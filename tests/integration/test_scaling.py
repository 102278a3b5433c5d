# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two processors make twice as many calls as one, filtered or not.

A clock says so, of a machine that others use, too: so this is a wide bound, for what would make
filtered calls wait for each other. That they share nothing is told from the code, by
tests/host/test_shared_stores.py."""

import os
import statistics
from collections.abc import Callable
from pathlib import Path

import abi
import filtered
import podman
import pytest

MILLISECONDS, ROUNDS = "60", 40
BOUND = 0.6
"""of the factor that two processors bring without a filter"""


def test_filtered_calls_of_two_processors_do_not_wait_for_each_other(
    dev: int, keep: Callable[[int], int], tmp_path: Path,
) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.fail("this needs a guest with two processors", pytrace=False)
    program = str(podman.compiled("rate", tmp_path))
    policy = keep(abi.simple(dev, {}))
    rates: dict[tuple[bool, int], list[int]] = {
        (held, cpus): [] for held in (False, True) for cpus in (1, 2)}
    for turn in range(1, ROUNDS + 1):
        for (held, cpus), made in rates.items():
            done = filtered.run(dev, [policy] if held else [], [program, str(cpus), MILLISECONDS])
            assert done.returncode == 0, done
            made.append(int(done.stdout))
        # Not of the best ones: who has the machine to itself for one of them is hard to match.
        middle = {which: statistics.median(made) for which, made in rates.items()}
        free, under = (middle[held, 2] / middle[held, 1] for held in (False, True))
        print(f"round {turn}: two processors to one: {free:.2f} without a filter, {under:.2f} with one")
        if turn >= 3 and under >= BOUND * free:
            return
    pytest.fail(f"never {BOUND} of the factor without a filter: {rates}", pytrace=False)
