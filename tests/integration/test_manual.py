# SPDX-License-Identifier: LGPL-2.1-or-later
"""seccomp(2)'s manual pages, statement by statement: on the kernel's seccomp, and on secmap."""

import json
import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PROGRAM = TOP / "build/userland/tests/manual/manual-page"
LIBRARY = TOP / "build/userland/userland/preload/libsecmap-seccomp.so"
TABLE = TOP / "tests/manual/table"

# Kernels that are built otherwise behave as the one of their version.
KERNEL = "6.1" if os.environ["SECMAP_KERNEL"].startswith("6.1-") \
    or os.environ["SECMAP_KERNEL"] == "6.1" else "6.12"
# They load 131,072 programs, and some thousand: the debug kernel takes many minutes to refuse them.
LEFT_OUT = ("bpf-codes", "error-path-penalty") if os.environ["SECMAP_KERNEL"] == "debug" else ()


def _wanted() -> list[str]:
    """Arguments of `manual-page run`; none: all."""
    if not LEFT_OUT:
        return []
    listed = subprocess.run([PROGRAM, "list"], check=True, stdout=subprocess.PIPE, text=True)
    ids = [json.loads(line)["id"] for line in listed.stdout.splitlines()]
    return [each for each in ids if each not in LEFT_OUT]


def _table(*arguments: str) -> None:
    done = subprocess.run([str(TABLE), "--program", str(PROGRAM), *arguments], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def _run(way: str, environment: dict[str, str]) -> None:
    """Run all cases, keep what they saw with the guest's results, and compare it."""
    results = Path(os.environ["SECMAP_RESULTS"]) / f"manual-{way}.tsv"
    with open(results, "wb") as handle:
        subprocess.run([PROGRAM, "run", *_wanted()], check=True, stdout=handle,
                       env={**os.environ, **environment})
    _table("compare", KERNEL, way, str(results), *(f"--without={each}" for each in LEFT_OUT))


@pytest.mark.parametrize("way", ["stock", "secmap"])
def test_every_statement(way: str) -> None:
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM.relative_to(TOP)} is missing: make userland", pytrace=False)
    if way == "secmap" and not LIBRARY.exists():
        pytest.fail(f"{LIBRARY.relative_to(TOP)} is missing: make userland", pytrace=False)
    _run(way, {"LD_PRELOAD": str(LIBRARY)} if way == "secmap" else {})


def test_the_document_is_the_one_that_was_generated() -> None:
    _table("check")
