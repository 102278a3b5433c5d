# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: a call, under a policy that is written as an OCI profile for every engine."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PODMAN = "/usr/share/containers/seccomp.json"

GETPPID, GETUID, PERSONALITY, CREATE_MODULE, NFSSERVCTL = 110, 102, 135, 174, 180
UNKNOWN = 900
"""no call has this number, and no profile names it"""

EPERM, ENOSYS = 1, 38

Profile = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """What is repeated, with each of the values in turn as its first argument."""

    number: int
    values: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Scenario:
    """A call under one policy.

    Where a call is denied, it is one that does nothing when it is allowed (the kernel has its
    number and no code for it), so that no engine is credited with what a call would have done;
    `deny_list` alone shows a denied call that would have done something.
    """

    name: str
    n: int
    profile: Profile | str
    """or the name of a file"""
    call: Call
    errno: int = 0
    """what the filter answers; 0: it allows the call"""
    depth: int = 1
    hashed: bool = False
    """MAPS has a hash set for it, in which chance lays out the values: the mean over many counts"""
    program: str = ""
    """EBPF has a program for it: `allow` (the call), `set` (values in a hash map), `bits` (in a
    bitmap); otherwise it has no figure"""
    members: tuple[int, ...] = ()
    """what is in that map"""
    profiled: bool = True
    """whether the other engines have figures"""
    dearest: bool = False
    """What tests the values in an order is charged with the last one, which it is shown alone.
    A hash set has no order: its figure stays the mean over the values."""

    def dearest_of(self) -> list[Call]:
        """Calls of which one is the dearest for a filter that tests values in an order."""
        values = self.call.values
        ends = dict.fromkeys((values[0], values[-1], min(values), max(values)))
        return [Call(self.call.number, (value,)) for value in ends]


def _rule(names: Sequence[str], action: str, **more: object) -> dict[str, object]:
    return {"names": list(names), "action": action, **more}


def _allow_list(*names: str) -> Profile:
    return {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [_rule(names, "SCMP_ACT_ALLOW")]}


def _deny_list(*names: str) -> Profile:
    return {"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [_rule(names, "SCMP_ACT_ERRNO", errnoRet=EPERM)]}


ABSENT = 64
"""values that are tried and are not in a set"""


def _values(n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Members of a set, and others: numbers like those of ioctls, 32 bits without a pattern."""
    values = random.Random(n).sample(range(1, 1 << 32), n + ABSENT)
    return tuple(values[:n]), tuple(values[n:])


def _set_of(values: Sequence[int]) -> Profile:
    args = [[{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}] for value in values]
    return {"defaultAction": "SCMP_ACT_ERRNO",
            "syscalls": [_rule(["create_module"], "SCMP_ACT_ALLOW", args=arg) for arg in args]}


def _sets() -> list[Scenario]:
    found = []
    for n in (1, 16, 64, 256):
        members, others = _values(n)
        profile = _set_of(members)
        inside, outside = Call(CREATE_MODULE, members), Call(CREATE_MODULE, others)
        found += [Scenario("set_last", n, profile, inside, hashed=True, dearest=True),
                  Scenario("set_mean", n, profile, inside, hashed=True, program="set",
                           members=members),
                  Scenario("set_absent", n, profile, outside, EPERM, hashed=True, program="set",
                           members=members)]
    return found


def _programs() -> list[Scenario]:
    """What rules and stock filters have no equal for."""
    found = []
    for n in (4096, 65536):
        members, _ = _values(n)
        found.append(Scenario("set_mean", n, {}, Call(CREATE_MODULE, members[:512]), hashed=True,
                              program="set", members=members, profiled=False))
    return found


def _bits() -> Scenario:
    """As families of sockets: small numbers, every third one."""
    members = tuple(range(0, 64, 3))
    return Scenario("bits_mean", len(members), _set_of(members), Call(CREATE_MODULE, members),
                    hashed=True, program="bits", members=members)


def _stacks() -> list[Scenario]:
    # Whoever puts the second filter on needs its call.
    profile = _allow_list("getppid", "ioctl", "seccomp")
    return [Scenario("stack_plain", depth, profile, Call(GETPPID), depth=depth, program="allow")
            for depth in (1, 16)]


SCENARIOS = (
    Scenario("plain_allow", 1, _allow_list("getppid"), Call(GETPPID), program="allow"),
    Scenario("podman_allow", 1, PODMAN, Call(GETPPID)),
    Scenario("podman_argument", 1, PODMAN, Call(PERSONALITY, (0xFFFFFFFF,)), hashed=True),
    Scenario("podman_denied", 1, PODMAN, Call(NFSSERVCTL), EPERM),
    Scenario("podman_unknown", 1, PODMAN, Call(UNKNOWN), ENOSYS),
    Scenario("deny_list", 4, _deny_list("getuid", "mount", "keyctl", "bpf"), Call(GETUID), EPERM),
    *_sets(),
    *_programs(),
    _bits(),
    *_stacks(),
)
