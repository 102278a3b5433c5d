#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a container should not do: denied, with the errno that podman's users see.

Podman's profile of Debian 12 allows mount, unshare, setns, keyctl, ptrace, clone with namespaces
and sockets of AF_VSOCK: what becomes of them, it leaves to capabilities. So every call is held
against libseccomp's decision for the same profile, denied or not; some against stock seccomp(2)
itself; and a second, tighter profile on top denies the rest."""

import errno
import json
import struct
import subprocess
from collections.abc import Sequence

import abi
import podman
import pytest
from workloads.attempts import ATTEMPTS

ONE_CALL = podman.TOP / "build/userland/tests/bench/bench-one-call"
TIGHTER = podman.WORKLOADS / "namespaces.json"

EPERM, ENOSYS, EINVAL = -errno.EPERM, -errno.ENOSYS, -errno.EINVAL

# By the profile, for the capabilities of a container.
DENIED = {
    "add_key": ENOSYS, "request_key": ENOSYS, "io_uring_setup": ENOSYS,
    "socket of the audit": EINVAL, "personality without randomness": ENOSYS,
    "a call that nobody knows": ENOSYS,
    "bpf": EPERM, "perf_event_open": EPERM, "userfaultfd": EPERM, "kexec_load": EPERM,
    "kexec_file_load": EPERM, "init_module": EPERM, "finit_module": EPERM, "delete_module": EPERM,
    "swapon": EPERM, "acct": EPERM, "settimeofday": EPERM, "open_by_handle_at": EPERM,
    "iopl": EPERM, "quotactl": EPERM, "kcmp": EPERM, "process_madvise": EPERM,
    "fanotify_init": EPERM, "nfsservctl": EPERM, "move_pages": EPERM,
}
# By the second one.
TIGHTER_DENIED = {
    "mount": EPERM, "umount2": EPERM, "unshare": EPERM, "setns": EPERM, "ptrace of another": EPERM,
    "clone with a namespace": EPERM, "clone3": ENOSYS, "keyctl": EPERM,
    "socket of AF_VSOCK": EPERM,
}
# By both, with an errno each: the newest one's counts, as with seccomp(2).
BOTH_DENY = {"add_key": EPERM, "request_key": EPERM, "io_uring_setup": EPERM}


def attempts(command: Sequence[str]) -> dict[str, int]:
    """What every attempt returned; the command is what holds it."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    returned: dict[str, int] = json.loads(done.stdout)
    return returned


ATTEMPT = [str(podman.WORKLOADS / "attempts.py")]


@pytest.fixture(name="free", scope="module")
def _free() -> dict[str, int]:
    return attempts(ATTEMPT)


def test_what_is_denied_is_what_libseccomp_denies() -> None:
    capabilities = [word for name in podman.CAPABILITIES
                    for word in ("--capability", f"CAP_{name.upper()}")]
    done = subprocess.run([podman.DECISIONS, "--profile", podman.PROFILE, "--calls", "0",
                           *capabilities], check=True, stdout=subprocess.PIPE)
    decisions: dict[int, dict[tuple[int, ...], int]] = {}
    for nr, arch, _, *args, action, _ in struct.iter_unpack("<IIQ6QII", done.stdout):
        if arch == abi.ARCH[abi.X86_64]:
            decisions.setdefault(nr, {})[tuple(args)] = action
    for name, (nr, *first) in ATTEMPTS.items():
        given = tuple(word & 0xFFFFFFFFFFFFFFFF for word in first) + (0,) * (6 - len(first))
        known = decisions[nr]
        action = known.get(given)
        if action is None and len(set(known.values())) == 1:  # whatever the arguments
            (action,) = set(known.values())
        if action is None:
            # A socket of a family, or a personality, that no rule compares with: as its like.
            like = {"socket of AF_VSOCK": (17, 0, 10), "socket": (17, 0, 10),
                    "socket of the audit": (16, 0, 9), "personality of now": (0xFFFFFFFF, 0, 0),
                    "personality without randomness": (9, 0, 0)}[name]
            action = known[like + (0, 0, 0)]
        expected = -(action & 0xFFFF) if action != abi.ALLOW else None
        assert DENIED.get(name) == expected, name


def test_what_the_profile_denies_root_is_refused_and_nothing_else(free: dict[str, int]) -> None:
    # With all capabilities, so that no denial is theirs.
    held = attempts(podman.held(ATTEMPT))
    assert held == free | DENIED
    same = {name for name in DENIED if free[name] == held[name]}
    assert same == {"a call that nobody knows"}
    for name in TIGHTER_DENIED:
        print(f"{name}: allowed by the profile, returns {held[name]}")


def test_a_containers_root_is_refused_the_rest_by_its_capabilities() -> None:
    free = attempts(podman.contained(ATTEMPT))
    held = attempts(podman.contained(podman.held(ATTEMPT)))
    assert held == free | DENIED
    for name in ("mount", "umount2", "pivot_root", "unshare", "clone with a namespace", "reboot"):
        assert held[name] == EPERM, name


def test_a_tighter_profile_on_top_denies_the_rest(free: dict[str, int]) -> None:
    held = attempts(podman.held(podman.held(ATTEMPT, profile=TIGHTER)))
    assert held == free | DENIED | TIGHTER_DENIED | BOTH_DENY
    for name in ("clone", "socket"):
        assert held[name] == 0
    assert not [name for name in TIGHTER_DENIED if free[name] == EPERM]


@pytest.mark.parametrize(("number", "first"), [
    (165, 0), (272, 0x20000), (250, 99), (101, 16), (56, 0x20000 | 17), (41, 40), (308, 0),
    (321, 0), (246, 1), (175, 0), (298, 0), (425, 1), (135, 0x40000),
], ids=["mount", "unshare", "keyctl", "ptrace", "clone", "socket-vsock", "setns", "bpf",
        "kexec_load", "init_module", "perf_event_open", "io_uring_setup", "personality"])
def test_stock_seccomp_returns_the_same(number: int, first: int) -> None:
    returned = set()
    for engine in ("stock", "maps"):
        done = subprocess.run(podman.contained(
            [str(ONE_CALL), engine, str(podman.PROFILE), str(number), str(first)]),
            check=True, stdout=subprocess.PIPE, text=True)
        returned.add(int(done.stdout))
    assert len(returned) == 1, returned
    print(f"{number}: {returned}")
