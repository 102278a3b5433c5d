#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the reader refuses, with the exact message, and which entries it takes."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SECMAP_BUILD", TOP / "build/userland"))
READ = BUILD / "tests/diff/secmap-read"
PODMAN = Path("/usr/share/containers/seccomp.json")
KNOWN_ACTIONS = ("known are SCMP_ACT_KILL, SCMP_ACT_KILL_THREAD, SCMP_ACT_KILL_PROCESS, SCMP_ACT_TRAP, SCMP_ACT_ERRNO, "
                 "SCMP_ACT_TRACE, SCMP_ACT_NOTIFY, SCMP_ACT_LOG, SCMP_ACT_ALLOW")
KNOWN_OPERATORS = ("known are SCMP_CMP_EQ, SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, SCMP_CMP_GT, SCMP_CMP_GE, "
                   "SCMP_CMP_MASKED_EQ")
KNOWN_ARCHES = "on this machine: SCMP_ARCH_NATIVE, SCMP_ARCH_X86_64, SCMP_ARCH_X32, SCMP_ARCH_X86"


def read(text: str | bytes, folder: Path, *options: str) -> dict[str, Any]:
    """The reader's answer to a document."""
    file = folder / "p.json"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    done = subprocess.run([READ, "p.json", *options], check=True, capture_output=True, text=True, cwd=folder)
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def root(**members: Any) -> str:
    """A document that is fine but for @members."""
    return json.dumps({"defaultAction": "SCMP_ACT_ALLOW", **members})


def entry(**members: Any) -> str:
    """A document with one entry that is fine but for @members; None takes a member out."""
    made = {"names": ["read"], "action": "SCMP_ACT_KILL", **members}
    return root(syscalls=[{name: value for name, value in made.items() if value is not None}])


def arg(**members: Any) -> str:
    """A document with one condition that is fine but for @members; None takes a member out."""
    made = {"index": 0, "value": 1, "op": "SCMP_CMP_EQ", **members}
    return entry(args=[{name: value for name, value in made.items() if value is not None}])


def raw_arg(index: str = "0", value: str = "1") -> str:
    """The same with numbers that json would write differently."""
    return arg(index=77, value=88).replace("77", index).replace("88", value)


E0, A0 = "/syscalls/0", "/syscalls/0/args/0"
BAD: list[tuple[str | bytes, str]] = [
    ("", "the document is empty (is the file complete?)"),
    (" \n", "the document is empty (is the file complete?)"),
    ("{", "the document ends too early (is the file complete?)"),
    ('{"defaultAction": "SCMP_ACT_ALLOW"', "/defaultAction: the document ends too early (is the file complete?)"),
    (root()[:-3], "/defaultAction: the document ends too early (is the file complete?)"),
    ("[]", "must be an object, not array"),
    ("7", "must be an object, not number"),
    ("null", "must be an object, not null"),
    ("{}", '"defaultAction" is missing'),
    (root(defaultAction=None), '"defaultAction" is missing'),
    (root(defaultAction=1), "/defaultAction: must be a string, not number"),
    (root(defaultAction="ALLOW"), f'/defaultAction: unknown action "ALLOW" ({KNOWN_ACTIONS})'),
    (root(defaultAction="scmp_act_allow"), f'/defaultAction: unknown action "scmp_act_allow" ({KNOWN_ACTIONS})'),
    (root(defaultAction="SCMP_ACT_NOTIFY"), "/defaultAction: SCMP_ACT_NOTIFY cannot be the default action "
     "(the supervisor could not be told about the listener; name the calls)"),
    (root(defaultAction="SCMP_ACT_ERRNO", defaultErrnoRet=4096),
     "/defaultErrnoRet: is 4096, and may be at most 4095"),
    (root(defaultAction="SCMP_ACT_ERRNO", defaultErrnoRet="1"), "/defaultErrnoRet: must be a number, not string"),
    (root(defaultAction="SCMP_ACT_ERRNO", defaultErrnoRet=512), "/defaultErrnoRet: errno 512 makes the kernel restart "
     "the call, and is refused (512 to 516 are the kernel's own; no program knows them)"),
    (root(defaultAction="SCMP_ACT_ERRNO", defaultErrno="EWHAT"),
     '/defaultErrno: unknown errno "EWHAT" (a name as in errno(3), or a number)'),
    (root(defaultAction="SCMP_ACT_ERRNO", defaultErrno="9999"), "/defaultErrno: is 9999, and may be at most 4095"),
    (root(architectures="SCMP_ARCH_X86"), "/architectures: must be an array, not string"),
    (root(architectures=[1]), "/architectures/0: must be a string, not number"),
    (root(architectures=["SCMP_ARCH_VAX"]), f'/architectures/0: unknown architecture "SCMP_ARCH_VAX" ({KNOWN_ARCHES})'),
    (root(architectures=["SCMP_ARCH_X86"], archMap=[{"architecture": "SCMP_ARCH_X86_64"}]),
     'both "architectures" and "archMap" are given (keep one of the two)'),
    (root(archMap={}), "/archMap: must be an array, not object"),
    (root(archMap=["SCMP_ARCH_X86"]), "/archMap/0: must be an object, not string"),
    (root(archMap=[{}]), '/archMap/0: "architecture" is missing'),
    (root(archMap=[{"architecture": "SCMP_ARCH_VAX"}]),
     f'/archMap/0/architecture: unknown architecture "SCMP_ARCH_VAX" ({KNOWN_ARCHES})'),
    (root(archMap=[{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["X32"]}]),
     f'/archMap/0/subArchitectures/0: unknown architecture "X32" ({KNOWN_ARCHES})'),
    (root(flags=["SECCOMP_FILTER_FLAG_FAST"]), '/flags/0: unknown flag "SECCOMP_FILTER_FLAG_FAST"'),
    (root(flags="SECCOMP_FILTER_FLAG_LOG"), "/flags: must be an array, not string"),
    (root(listenerPath=1), "/listenerPath: must be a string, not number"),
    (root(syscalls={}), "/syscalls: must be an array, not object"),
    (root(syscalls=[1]), f"{E0}: must be an object, not number"),
    (root(syscalls=[None]), f"{E0}: must be an object, not null"),
    (entry(names=None), f'{E0}: no call is named (give "names")'),
    (entry(names=[]), f'{E0}: no call is named (give "names")'),
    (entry(names="read"), f"{E0}/names: must be an array, not string"),
    (entry(names=[1]), f"{E0}/names/0: must be a string, not number"),
    (entry(names=[""]), f"{E0}: an empty string is not the name of a call"),
    (entry(name="write"), f'{E0}: both "name" and "names" are given (keep one of the two)'),
    (entry(name=1), f"{E0}/name: must be a string, not number"),
    (entry(action=None), f'{E0}: "action" is missing'),
    (entry(action="SCMP_ACT_DENY"), f'{E0}/action: unknown action "SCMP_ACT_DENY" ({KNOWN_ACTIONS})'),
    (entry(action=True), f"{E0}/action: must be a string, not boolean"),
    (entry(action="SCMP_ACT_ERRNO", errnoRet=-1), f"{E0}/errnoRet: must not be negative "
     "(comparisons are unsigned; write -1 as 18446744073709551615)"),
    (entry(action="SCMP_ACT_ERRNO", errnoRet=4096), f"{E0}/errnoRet: is 4096, and may be at most 4095"),
    (entry(action="SCMP_ACT_TRACE", errnoRet=65536), f"{E0}/errnoRet: is 65536, and may be at most 65535"),
    (entry(action="SCMP_ACT_ERRNO", errnoRet=516),
     f"{E0}/errnoRet: errno 516 makes the kernel restart the call, and is refused "
     "(512 to 516 are the kernel's own; no program knows them)"),
    (entry(action="SCMP_ACT_ERRNO", errnoRet=1.5),
     f"{E0}/errnoRet: must be a whole number of at most 64 bits (write it without point and exponent)"),
    (entry(action="SCMP_ACT_ERRNO", errno="ENOTHING"),
     f'{E0}/errno: unknown errno "ENOTHING" (a name as in errno(3), or a number)'),
    (entry(names=["write"], action="SCMP_ACT_NOTIFY"), f"{E0}: SCMP_ACT_NOTIFY cannot be used for write "
     "(the listener is handed over with write; name the calls that the supervisor needs to see)"),
    (entry(args={}), f"{E0}/args: must be an array, not object"),
    (entry(args=[None]), f"{A0}: must be an object, not null"),
    (arg(index=None), f'{A0}: "index" is missing'),
    (arg(index=6), f"{A0}/index: is 6, and may be at most 5"),
    (arg(index="0"), f"{A0}/index: must be a number, not string"),
    (arg(value=None), f'{A0}: "value" is missing'),
    (raw_arg(value="-1"), f"{A0}/value: must not be negative "
     "(comparisons are unsigned; write -1 as 18446744073709551615)"),
    (raw_arg(value="18446744073709551616"),
     f"{A0}/value: must be a whole number of at most 64 bits (write it without point and exponent)"),
    (raw_arg(value="1e3"),
     f"{A0}/value: must be a whole number of at most 64 bits (write it without point and exponent)"),
    (raw_arg(value="1.0"),
     f"{A0}/value: must be a whole number of at most 64 bits (write it without point and exponent)"),
    (arg(valueTwo="x"), f"{A0}/valueTwo: must be a number, not string"),
    (arg(op=None), f'{A0}: "op" is missing'),
    (arg(op="EQ"), f'{A0}/op: unknown operator "EQ" ({KNOWN_OPERATORS})'),
    (arg(op="SCMP_CMP_IN"), f'{A0}/op: unknown operator "SCMP_CMP_IN" ({KNOWN_OPERATORS})'),
    (entry(includes=[]), f"{E0}/includes: must be an object, not array"),
    (entry(includes={"caps": "CAP_CHOWN"}), f"{E0}/includes/caps: must be an array, not string"),
    (entry(excludes={"arches": [64]}), f"{E0}/excludes/arches/0: must be a string, not number"),
    (entry(includes={"minKernel": "4"}),
     f'{E0}/includes/minKernel: "4" is not a kernel version (write two numbers, as in "4.8")'),
    (entry(includes={"minKernel": "4.8.1"}),
     f'{E0}/includes/minKernel: "4.8.1" is not a kernel version (write two numbers, as in "4.8")'),
    (entry(includes={"minKernel": 4.8}), f"{E0}/includes/minKernel: must be a string, not number"),
    (entry(Args=[]), f'{E0}/Args: unknown, but for its case "args" '
     "(some readers take it for that, others ignore it: write it as it is meant)"),
    ('{"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_KILL"}', "/defaultAction: this key is given twice "
     "(keep one of the two: readers disagree about which one counts)"),
    (entry().replace('"action"', '"names": [], "action"'), f"{E0}/names: this key is given twice "
     "(keep one of the two: readers disagree about which one counts)"),
    ("[" * 65 + "]" * 65, "/0" * 64 + ": nested deeper than 64 levels (no profile needs that)"),
    (b" " * (16 * 2**20 + 1), "larger than 16 MiB (no profile is that large)"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_refused(number: int, tmp_path: Path) -> None:
    """One fault, one message."""
    text, message = BAD[number]
    assert read(text, tmp_path) == {"error": f"read profile: p.json: {message}"}


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there."""
    done = subprocess.run([READ, "none.json"], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert json.loads(done.stdout) == {"error": "read profile: none.json: No such file or directory"}


FILTERS: list[tuple[dict[str, Any], list[str], bool]] = [
    ({}, [], True),
    ({"includes": {"caps": ["CAP_A"]}}, [], False),
    ({"includes": {"caps": ["CAP_A"]}}, ["CAP_A"], True),
    ({"includes": {"caps": ["CAP_A", "CAP_B"]}}, ["CAP_A"], False),
    ({"includes": {"caps": ["CAP_A", "CAP_B"]}}, ["CAP_A", "CAP_B"], True),
    ({"excludes": {"caps": ["CAP_A", "CAP_B"]}}, ["CAP_B"], False),
    ({"excludes": {"caps": ["CAP_A", "CAP_B"]}}, ["CAP_C"], True),
    ({"includes": {"arches": ["amd64", "x32"]}}, [], True),
    ({"includes": {"arches": ["x86_64"]}}, [], False),
    ({"excludes": {"arches": ["amd64"]}}, [], False),
    ({"excludes": {"arches": ["arm64"]}}, [], True),
    ({"includes": {"minKernel": "5.10"}}, [], True),
    ({"includes": {"minKernel": "5.11"}}, [], False),
    ({"includes": {"minKernel": "4.19"}}, [], True),
    ({"includes": {"minKernel": "6.0"}}, [], False),
    ({"excludes": {"minKernel": "5.10"}}, [], False),
    ({"excludes": {"minKernel": "5.11"}}, [], True),
]


@pytest.mark.parametrize("number", range(len(FILTERS)))
def test_filters(number: int, tmp_path: Path) -> None:
    """Which entries apply, with kernel 5.10."""
    members, caps, applies = FILTERS[number]
    options = [text for name in caps for text in ("--capability", name)]
    answer = read(entry(**members), tmp_path, "--kernel-major", "5", "--kernel-minor", "10", *options)
    assert bool(answer["entries"]) == applies


def test_arch_map(tmp_path: Path) -> None:
    """The entry of the native machine counts, and the native ABI is always there."""
    assert read(root(), tmp_path)["abis"] == ["x86_64"]
    assert read(root(architectures=["SCMP_ARCH_X86"]), tmp_path)["abis"] == ["x86_64", "i386"]
    mapped = [{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_X86"]},
              {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X32"]}]
    assert read(root(archMap=mapped), tmp_path)["abis"] == ["x86_64", "x32"]


def test_damaged() -> None:
    """Random damage to podman's profile: a value or an error, never anything else."""
    done = subprocess.run([READ, PODMAN, "--mutations", "3000"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
