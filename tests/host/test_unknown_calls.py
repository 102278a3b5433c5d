#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""--unknown enosys: what runc's own test of its stub expects (libcontainer/seccomp/patchbpf/enosys_linux_test.go), for
the ABIs of x86: ENOSYS for numbers above the largest one that the profile names, in ABIs that it lists."""

import json
from itertools import combinations
from typing import Any

import pytest
from tool import json_of

ENOSYS = 38
ARCHITECTURES = {"x86_64": "SCMP_ARCH_X86_64", "x32": "SCMP_ARCH_X32", "i386": "SCMP_ARCH_X86"}
# In increasing order of newness: what is behind the last one that is named is newer.
EXPLICIT = ("setns", "kcmp", "renameat2", "copy_file_range")
IMPLICIT = ("clone", "openat", "read", "write")
NUMBERS = {
    "x86_64": {"setns": 308, "kcmp": 312, "renameat2": 316, "copy_file_range": 326,
               "clone": 56, "openat": 257, "read": 0, "write": 1},
    "i386": {"setns": 346, "kcmp": 349, "renameat2": 353, "copy_file_range": 377,
             "clone": 120, "openat": 295, "read": 3, "write": 4},
}
NUMBERS["x32"] = NUMBERS["x86_64"]
# Above the largest number that a rule can have, too.
FUTURE = (1000, 7331)
NAMED = ((0, 1), (0, 2), (1, 2), (1, 3), (1, 4), (3, 4))
ALL_SETS = [each for size in (1, 2, 3) for each in combinations(ARCHITECTURES, size)]


def compiled(default: str, abis: tuple[str, ...], names: tuple[str, ...]) -> dict[str, Any]:
    """The sections of a profile that does something else than its default to these."""
    action = "SCMP_ACT_KILL" if default == "SCMP_ACT_ALLOW" else "SCMP_ACT_ALLOW"
    text = json.dumps({"defaultAction": default, "architectures": [ARCHITECTURES[each] for each in abis],
                       "syscalls": [{"names": [each], "action": action} for each in names]})
    image = json_of("policy-compile", "policy", "compile", "-", "--unknown", "enosys", stdin=text)["image"]
    return {each["abi"]: each for each in image["sections"]}


def is_newer(section: Any, number: int) -> bool:
    """Does the stub answer? Not where a rule or the bitmap does."""
    named = {each["nr"] for each in (*section["allow"], *section["rules"])}
    newer = section["newer"]
    if newer is None or number in named or number < newer["from"]:
        return False
    assert newer["action"]["errno"] == ENOSYS
    return True


@pytest.mark.parametrize("abis", ALL_SETS, ids="+".join)
@pytest.mark.parametrize("default", ["ALLOW", "LOG", "ERRNO", "KILL"])
def test_runcs_expectations(default: str, abis: tuple[str, ...]) -> None:
    for start, end in NAMED:
        sections = compiled(f"SCMP_ACT_{default}", abis, EXPLICIT[start:end])
        for abi, numbers in NUMBERS.items():
            # runc's "fall through": the ABI is not listed, or the default lets calls run.
            listed = abi in abis and default not in ("ALLOW", "LOG")
            expected = {numbers[name]: listed and index >= end for index, name in enumerate(EXPLICIT)}
            expected |= {numbers[name]: False for name in IMPLICIT}
            expected |= {numbers["copy_file_range"] + future: listed for future in FUTURE}
            # x86-64 is always there; the others are foreign where they are not listed.
            section = sections.get(abi, {"newer": None, "allow": [], "rules": []})
            assert {nr: is_newer(section, nr) for nr in expected} == expected, (abi, abis, start, end)


def test_a_default_of_enosys_needs_no_stub() -> None:
    text = json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": ENOSYS,
                       "architectures": ["SCMP_ARCH_X86_64"],
                       "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]})
    (section,) = json_of("policy-compile", "policy", "compile", "-", "--unknown", "enosys",
                         stdin=text)["image"]["sections"]
    assert section["newer"] is None


@pytest.mark.parametrize(("call", "decided", "number"), [
    ("copy_file_range", "newer", ENOSYS), ("7331", "newer", ENOSYS), ("openat", "default", 1),
])
def test_explain_tells_the_stub(call: str, decided: str, number: int) -> None:
    text = json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
                       "syscalls": [{"names": ["setns"], "action": "SCMP_ACT_ALLOW"}]})
    found = json_of("explain", "explain", "--profile", "-", "--unknown", "enosys", "--call", call, stdin=text)
    assert (found["decided_by"], found["action"]["errno"]) == (decided, number)
