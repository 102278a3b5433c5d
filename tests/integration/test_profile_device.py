# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every decision of the module, asked by POLICY_TEST, against libseccomp's."""

import os
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
DIFF = TOP / "build/userland/tests/diff/secmap-diff"
PODMAN = Path("/usr/share/containers/seccomp.json")
ORACLE = Path(os.environ.get("SECMAP_ORACLE", TOP.parent / "shared/oracle/libseccomp"))
# TCG's debug kernel is some ten times slower than the others.
SHARE = 20 if os.environ.get("SECMAP_KERNEL") == "debug" else 1


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
    assert compare("--profile", PODMAN, calls=2_000_000) > 2_000_000 // SHARE


def test_oracle() -> None:
    # Its README asks for this: the folder lies beside the repository, not in it.
    if not ORACLE.is_dir():
        pytest.skip(f"there is no {ORACLE}; set SECMAP_ORACLE")
    assert compare("--oracle", ORACLE, calls=200_000) > 37 * (200_000 // SHARE)


def test_random() -> None:
    seed = os.environ.get("SECMAP_SEED", "1")
    compare("--random", "20", "--seed", seed, calls=200_000)
