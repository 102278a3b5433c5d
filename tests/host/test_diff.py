#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every decision of libsecmap against libseccomp's. SECMAP_FULL=1: 1,000 random profiles; SECMAP_SEED: the first."""

import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SECMAP_BUILD", TOP / "build/userland"))
DIFF = BUILD / "tests/diff/secmap-diff"
PODMAN = Path("/usr/share/containers/seccomp.json")
ORACLE = Path(os.environ.get("SECMAP_ORACLE", TOP.parent / "shared/oracle/libseccomp"))
FULL = bool(os.environ.get("SECMAP_FULL"))
FULL_CALLS = 2_000_000


def compare(*arguments: str | Path, calls: int) -> str:
    """Run the comparison; its last lines, with all counts."""
    done = subprocess.run([DIFF, *arguments, "--calls", str(FULL_CALLS if FULL else calls)], check=False,
                          capture_output=True, text=True)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return done.stdout


def test_podman() -> None:
    """podman's profile, in full size always."""
    assert ", 0 different, 0 explained" in compare("--profile", PODMAN, calls=FULL_CALLS)


def test_podman_with_capabilities() -> None:
    """What a container with capabilities gets."""
    compare("--profile", PODMAN, "--capability", "CAP_SYS_ADMIN", "--capability", "CAP_AUDIT_WRITE", calls=100_000)


def test_newer_calls() -> None:
    """runc's ENOSYS for calls that are newer than the profile."""
    # Its README asks for this: the folder lies beside the repository, not in it.
    if not ORACLE.is_dir():
        pytest.skip(f"there is no {ORACLE}; set SECMAP_ORACLE")
    compare("--enosys", "--oracle", ORACLE, calls=5_000)


def test_oracle() -> None:
    """Decisions that libseccomp's own suite expects."""
    # Its README asks for this: the folder lies beside the repository, not in it.
    if not ORACLE.is_dir():
        pytest.skip(f"there is no {ORACLE}; set SECMAP_ORACLE")
    assert "oracle: 6335 of 6335 decisions as expected" in compare("--oracle", ORACLE, calls=FULL_CALLS)


def test_random() -> None:
    """Profiles that nobody would write; SECMAP_SEED begins elsewhere, SECMAP_FULL makes it 1,000 of them."""
    seed = os.environ.get("SECMAP_SEED", "1")
    compare("--random", "1000" if FULL else "60", "--seed", seed, calls=FULL_CALLS)


def test_engines_on_policies_that_no_profile_becomes() -> None:
    """Every operator, width, mask and kind of table; SECMAP_SEED begins elsewhere."""
    done = subprocess.run([BUILD / "tests/diff/secmap-images", "--seed", os.environ.get("SECMAP_SEED", "1"),
                           "--images", "20000" if FULL else "500"], check=False, capture_output=True, text=True)
    assert done.returncode == 0 and ", 0 different" in done.stdout, done.stdout[-4000:] + done.stderr


def test_the_kernels_widths_of_arguments() -> None:
    """Upper halves that the kernel does not look at change nothing; SECMAP_SEED begins elsewhere."""
    done = subprocess.run([BUILD / "tests/diff/secmap-widths", "--seed", os.environ.get("SECMAP_SEED", "1"),
                           "--profiles", "1000" if FULL else "20", "--calls", "5000"],
                          check=False, capture_output=True, text=True)
    assert done.returncode == 0 and ", 0 wrong" in done.stdout, done.stdout[-4000:] + done.stderr
