# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same classic-BPF filters under stock seccomp(2) and under secmap: what programs see of
them, printed as text, is the same, but for what docs/differences.md names."""

import difflib
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
    ended = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=200)
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
