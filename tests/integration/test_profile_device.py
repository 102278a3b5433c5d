# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every decision of the module, asked by POLICY_TEST, against libseccomp's."""

import os
import re
import subprocess
import zlib
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
DIFF = TOP / "build/userland/tests/diff/secmap-diff"
PODMAN = Path("/usr/share/containers/seccomp.json")
ORACLE = Path(os.environ.get("SECMAP_ORACLE", TOP.parent / "shared/oracle/libseccomp"))
KERNEL = os.environ.get("SECMAP_KERNEL", "")
# TCG's debug kernel is some ten times slower than the others.
SHARE = 20 if KERNEL == "debug" else 1
SEED = os.environ.get("SECMAP_SEED")


def compare(*arguments: str | Path, calls: int) -> int:
    """Run the comparison on the device; how many calls it made."""
    done = subprocess.run([DIFF, "--device", "/dev/secmap", *arguments,
                           "--calls", str(calls // SHARE)],
                          check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    total = re.search(r"total: .* (\d+) calls compared, 0 different", done.stdout)
    assert total, done.stdout[-4000:]
    print(total.group(0))
    return int(total.group(1))


def test_podman() -> None:
    # Of its own for each kernel: make test asks two of them, and so twice as many different calls.
    seed = SEED or str(zlib.crc32(KERNEL.encode()))
    assert compare("--profile", PODMAN, "--seed", seed, calls=1_000_000) > 1_000_000 // SHARE


def test_oracle() -> None:
    # Its README asks for this: the folder lies beside the repository, not in it.
    if not ORACLE.is_dir():
        pytest.skip(f"there is no {ORACLE}; set SECMAP_ORACLE")
    assert compare("--oracle", ORACLE, calls=200_000) > 37 * (200_000 // SHARE)


def test_random() -> None:
    compare("--random", "20", "--seed", SEED or "1", calls=200_000)
