#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fuzzers can be built, by a compiler that nothing else here is built with, and run for a moment."""

import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
FUZZERS = ("policy", "cbpf", "verify")


@pytest.fixture(name="built", scope="module")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    subprocess.run(["cmake", "-S", TOP / "tests/fuzz", "-B", folder, "-G", "Ninja",
                    "-DCMAKE_C_COMPILER=clang", "-DCMAKE_C_FLAGS=-O1"], check=True)
    subprocess.run(["cmake", "--build", folder, "--target", *(f"fuzz_{name}" for name in FUZZERS)],
                   check=True)
    return folder


@pytest.mark.parametrize("name", FUZZERS)
def test_fuzzer(built: Path, name: str, tmp_path: Path) -> None:
    done = subprocess.run([built / f"fuzz_{name}", "-runs=2000", "-seed=1"], cwd=tmp_path, check=False,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    assert "Done 2000 runs" in done.stderr
