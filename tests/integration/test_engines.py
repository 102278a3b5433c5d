#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A profile by each of the engines: maps, eBPF, classic BPF. They decide the same of real calls;
secmap-diff compares them by the million (test_profile_device.py)."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import abi
import podman
import pytest
from answering import Answering
from tool import FAILURE, PODMAN, TOOL, json_of, secmapctl, text_of

ENGINES = ("maps", "ebpf", "cbpf")
OLDER = os.uname().release.startswith("6.1.")
GETPPID, SOCKET, SWAPON, PERSONALITY, BPF, NEWER = 110, 41, 167, 135, 321, 999
AF_NETLINK, NETLINK_AUDIT, SOCK_RAW = 16, 9, 3


def policies() -> dict[int, Any]:
    """All policies, by their id."""
    return {each["id"]: each for each in json_of("policy-list", "policy", "list")}


def under(engine: str, profile: Path = PODMAN, *options: str) -> Answering:
    """A process under a profile that makes calls."""
    return Answering(1, prefix=(str(TOOL), "run", "--profile", str(profile), "--engine", engine,
                                *options, "--"))


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    """A name for a folder; both runs of a program have the same."""
    home = Path("/tmp/workload")
    home.mkdir(mode=0o755)
    yield home / "here"
    shutil.rmtree(home)


def getppid_profile(values: int) -> str:
    """All is allowed, but for getppid(2), whose argument must be one of so many even values."""
    entries = [{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EDOM,
                "args": [{"index": 0, "value": 2 * value, "op": "SCMP_CMP_EQ"}]}
               for value in range(values)]
    return json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": entries})


@pytest.mark.parametrize("engine", ENGINES)
def test_podmans_profile_denies_the_same(engine: str) -> None:
    before = policies()
    with under(engine, PODMAN, "--unknown", "enosys") as process:
        (made,) = (each for ident, each in policies().items() if ident not in before)
        assert made["kind"] == engine
        assert process.ask(SWAPON)[0] == [errno.EPERM]
        assert process.ask(BPF)[0] == [errno.EPERM]
        assert process.ask(NEWER)[0] == [errno.ENOSYS]
        assert process.ask(SOCKET, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)[0] == [errno.EINVAL]
        assert process.ask(SOCKET, AF_NETLINK, SOCK_RAW, 0)[0] == [0]
        assert process.ask(PERSONALITY, 0xFFFFFFFF)[0] == [0]
        assert process.ask(PERSONALITY, 0x0040000)[0] == [errno.ENOSYS]
    assert policies() == before


@pytest.mark.parametrize("engine", ENGINES)
def test_an_argument_is_one_of_a_set(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text(getppid_profile(256), encoding="ascii")
    with under(engine, path) as process:
        for value in (0, 2, 256, 510):
            assert process.ask(GETPPID, value)[0] == [errno.EDOM], value
            assert process.ask(GETPPID, 1 << 32 | value)[0] == [0], value
        for value in (1, 511, 512, 1 << 63):
            assert process.ask(GETPPID, value)[0] == [0], value


# By maps they run in test_workloads.py. Each kernel runs one of the two by each engine.
@pytest.mark.parametrize(("name", "status", "engine"), [
    ("shell.sh", 42, "ebpf" if OLDER else "cbpf"), ("stdlib.py", 7, "cbpf" if OLDER else "ebpf")])
def test_a_program_does_the_same(dev: int, folder: Path, name: str, status: int,
                                 engine: str) -> None:
    command = [str(podman.WORKLOADS / name)]
    free = podman.run(podman.contained(command), folder)
    assert free.returncode == status, free.stdout
    shutil.rmtree(folder)
    # eBPF is for root alone, unless the module is told otherwise: capabilities go afterwards.
    held = podman.run(podman.held(podman.contained(command), "--engine", engine), folder)
    assert (held.returncode, held.stdout) == (status, free.stdout)
    assert abi.task_list(dev) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_running_process_gets_the_engine_that_was_asked_for(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text(getppid_profile(1), encoding="ascii")
    with Answering(1) as process:
        assert process.ask(GETPPID, 0)[0] == [0]
        text_of("attach", "--pid", str(process.pid), "--profile", path, "--engine", engine)
        assert process.ask(GETPPID, 0)[0] == [errno.EDOM]
        assert process.ask(GETPPID, 1)[0] == [0]
        assert engine in {each["kind"] for each in policies().values()}
        text_of("detach", "--pid", str(process.pid))
        assert process.ask(GETPPID, 0)[0] == [0]


def test_a_profile_that_is_too_large_for_its_engine_runs_nothing(tmp_path: Path) -> None:
    path, witness = tmp_path / "large.json", tmp_path / "witness"
    path.write_text(getppid_profile(4000), encoding="ascii")
    answer = secmapctl("run", "--profile", path, "--engine", "cbpf", "--", "touch", witness)
    assert answer.status == FAILURE
    assert "instructions, the limit is 4096" in answer.err
    assert not witness.exists()
    with under("ebpf", path) as process:
        assert process.ask(GETPPID, 7998)[0] == [errno.EDOM]
        assert process.ask(GETPPID, 7999)[0] == [0]
