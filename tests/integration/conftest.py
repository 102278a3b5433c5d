# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the integration tests share. They run in a guest, as root, with the module loaded."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import abi
import asking
import control_group
import pytest
from kernel_log import KernelLog
from records import Ground

TOP = Path(__file__).resolve().parents[2]


# A test that takes so long hangs. The slowest ones run programs under TCG on a debug kernel.
_SECONDS = 900 if os.environ.get("SECMAP_KERNEL") == "debug" else 240


@pytest.fixture(autouse=True)
def _no_test_hangs() -> Iterator[None]:
    def fail(*_: object) -> None:
        raise TimeoutError(f"not done after {_SECONDS} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def dev() -> Iterator[int]:
    """An open /dev/secmap."""
    descriptor = abi.device()
    yield descriptor
    os.close(descriptor)


@pytest.fixture(name="log")
def _log() -> Iterator[KernelLog]:
    log = KernelLog()
    yield log
    log.close()


@pytest.fixture(scope="module")
def _one_ground() -> Iterator[Ground]:
    descriptor = abi.device()
    with Ground(descriptor) as made:
        yield made
    os.close(descriptor)


@pytest.fixture
def ground(_one_ground: Ground) -> Ground:
    """What valid records refer to; its task is not filtered yet."""
    _one_ground.refresh()
    return _one_ground


@pytest.fixture
def keep() -> Iterator[Callable[[int], int]]:
    """Close these descriptors at the end: `policy = keep(abi.simple(...))`."""
    kept: list[int] = []

    def remember(descriptor: int) -> int:
        kept.append(descriptor)
        return descriptor

    yield remember
    for descriptor in kept:
        os.close(descriptor)


def _built(folder: str, name: str) -> str:
    """A program that the userland build has made, and not before its source changed."""
    path = TOP / "build/userland" / folder / name
    source = next((TOP / folder).glob(f"{name.removesuffix('32')}.c*"))
    if not path.exists() or path.stat().st_mtime < source.stat().st_mtime:
        pytest.fail(f"{path.relative_to(TOP)} is missing or old: make userland", pytrace=False)
    return str(path)


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """The path of a program of tests/integration/programs."""
    return lambda name: _built("tests/integration/programs", name)


@pytest.fixture(scope="session")
def stress_program() -> Callable[[str], str]:
    """The path of a program of tests/stress."""
    return lambda name: _built("tests/stress", name)


@pytest.fixture(name="helper")
def _helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], asking.Helper]:
    monkeypatch.setenv("NOTED", str(tmp_path / "noted"))
    return lambda body: asking.Helper(tmp_path, body)


@pytest.fixture(name="call")
def _call(program: Callable[[str], str]) -> tuple[str, ...]:
    """A program that makes the calls that are named behind it, and prints what they return."""
    return (program("call"), "syscall")


@pytest.fixture(name="profile")
def _profile(tmp_path: Path) -> Path:
    """getppid is denied."""
    return control_group.deny("getppid", tmp_path)


@pytest.fixture(name="top")
def _top() -> Iterator[control_group.Group]:
    """A control group below the root."""
    with control_group.group("secmap-test") as made:
        yield made
