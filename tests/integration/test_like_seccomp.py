# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same classic-BPF filters under stock seccomp(2) and under secmap: what programs see of
them, printed as text, is the same, but for what docs/differences.md names."""

import difflib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_PATTERN = Path("/proc/sys/kernel/core_pattern")
# Lines that begin so are those that are known to differ.
_DIFFERS = "differs:"


@pytest.fixture(autouse=True)
def _cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A dumped core shows in the wait status. One file, written again and again."""
    before = _PATTERN.read_text(encoding="ascii")
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    _PATTERN.write_text("core", encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
    monkeypatch.chdir(tmp_path)
    yield
    resource.setrlimit(resource.RLIMIT_CORE, limits)
    _PATTERN.write_text(before, encoding="ascii")


def _seen(*argv: str) -> list[str]:
    ended = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=800)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout[-500:] + ended.stderr
    return ended.stdout.splitlines()


def _compare(program: str, *rest: str) -> tuple[list[str], list[str]]:
    """What is known to differ, under seccomp and under secmap; the rest is the same."""
    stock = _seen(program, "seccomp", *rest)
    ours = _seen(program, "secmap", *rest)

    def same(lines: list[str]) -> list[str]:
        return [line for line in lines if not line.startswith(_DIFFERS)]

    difference = list(difflib.unified_diff(same(stock), same(ours), "seccomp", "secmap",
                                           lineterm="", n=6))
    assert not difference, "\n".join(difference)
    assert len(stock) > 200
    return ([line for line in stock if line.startswith(_DIFFERS)],
            [line for line in ours if line.startswith(_DIFFERS)])


def _ends_with(lines: list[str], value: int) -> int:
    """How many of these lines of results do."""
    return sum(line.endswith(f" result {value}") for line in lines)


def test_every_action_in_every_abi(program: Callable[[str], str]) -> None:
    """x86-64, int 0x80 in a 64-bit program, x32: actions, dispositions of SIGSYS, registers,
    numbers, arguments. Only the upper halves of int 0x80's arguments are not the same: seccomp(2)
    sees registers (errno 1000 + a byte of them), secmap what the call takes (1000)."""
    stock, ours = _compare(program("like_seccomp"), "x32")
    assert len(stock) == len(ours) == 2 * 6
    assert (_ends_with(stock, -1000), _ends_with(ours, -1000)) == (0, 6)


def test_x32_was_there(program: Callable[[str], str]) -> None:
    """What is allowed runs: the kernel takes calls of that ABI (syscall.x32=y)."""
    for mechanism in ("seccomp", "secmap"):
        lines = _seen(program("like_seccomp"), mechanism, "x32")
        assert lines[lines.index("action log x32") + 1] == "  has run"


def test_every_action_in_a_32_bit_program(program: Callable[[str], str]) -> None:
    assert _compare(program("like_seccomp32")) == ([], [])


@pytest.mark.parametrize("name", ["like_seccomp_tasks", "like_seccomp_tasks32"])
def test_tracers_signals_and_threads(program: Callable[[str], str], name: str) -> None:
    """At the exit of a call that was denied a tracer sees the number -1 under secmap, where
    seccomp(2) leaves the number; nowhere else a difference."""
    turns = "8" if os.environ.get("SECMAP_KERNEL") == "debug" else "20"
    stock, ours = _compare(program(name), turns)
    assert len(stock) == len(ours) > 10
    different = [(before, after) for before, after in zip(stock, ours) if before != after]
    assert different and all(after.endswith(" orig_ax -1") for _, after in different)
