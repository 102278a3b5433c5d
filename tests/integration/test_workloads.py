#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real programs under podman's profile: what they do does not change."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import abi
import podman
import pytest

WORKLOADS = {
    "shell.sh": 42,
    "stdlib.py": 7,
    "versions.sh": 0,
    "compile.sh": 6,
    "redis.sh": 0,
    "web.sh": 0,
}
SAID = {  # what shows that the work was done
    "shell.sh": ["status 137", "foreground hello", "19 20"],
    "stdlib.py": ["threads: 8000", "forkserver: [0, 1, 4, 9]", "tcp: 100000", "alarm: [14]"],
    "versions.sh": ["Merge branch 'side'", "in-pack: 22", "is the first bad commit"],
    "compile.sh": ["sum 200040000"],
    "redis.sh": ['"MSET (10 keys)"', "aof_last_bgrewrite_status:ok", "server ended with 0"],
    "web.sh": ["<h1>hello</h1>", "8 200", "reloaded", "server ended with 0"],
}

# Not allowed by the profile, and harmless: another way of laying memory out.
IS_HELD = 'if setarch --addr-no-randomize true 2>/dev/null; then exit 99; fi; exec "$@"'


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    """A name for a folder that servers can reach as another user; both runs have the same."""
    home = Path("/tmp/workload")
    home.mkdir(mode=0o755)
    yield home / "here"
    shutil.rmtree(home)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_program_does_the_same_under_the_profile(dev: int, folder: Path, name: str) -> None:
    command = [str(podman.WORKLOADS / name)]
    free = podman.run(podman.contained(command), folder)
    assert free.returncode == WORKLOADS[name], free.stdout
    for line in SAID[name]:
        assert line in free.stdout
    shutil.rmtree(folder)
    held = podman.run(podman.contained(podman.held(["sh", "-c", IS_HELD, "sh", *command])), folder)
    assert held.returncode == free.returncode, held.stdout
    assert held.stdout == free.stdout
    # Nothing that it started is left behind.
    assert abi.task_list(dev) == []
    print(f"{len(free.stdout.splitlines())} lines, {name}: the same")
