#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""policy diff: what changes from one profile to another. Needs no device."""

import copy
import json
import os
import random
import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tool import PODMAN, TOOL, USAGE, error_of, json_of, secmapctl, validate

SAME, DIFFERS, TROUBLE = 0, 1, 2
EPERM, EACCES, ENOSYS = 1, 13, 38
ABIS = ["x86_64", "x32", "i386"]
KINDS = ("gained", "lost", "changed")

Write = Callable[[Any], Path]


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Write:
    """Makes a file of a profile."""
    numbers = count()

    def write(content: Any) -> Path:
        path = tmp_path / f"{next(numbers)}.json"
        path.write_text(json.dumps(content), encoding="ascii")
        return path
    return write


def profile(*syscalls: Any, default: str = "ERRNO", **more: Any) -> Any:
    """A profile for the native ABI alone."""
    return {"defaultAction": f"SCMP_ACT_{default}", "syscalls": list(syscalls), **more}


def entry(action: str, *names: str, **more: Any) -> Any:
    """One of a profile."""
    return {"names": list(names), "action": f"SCMP_ACT_{action}", **more}


def arg(value: int, op: str = "EQ", index: int = 0, **more: int) -> Any:
    """A comparison."""
    return {"index": index, "value": value, "op": f"SCMP_CMP_{op}", **more}


def podman() -> Any:
    """podman's profile, to be changed."""
    return json.loads(PODMAN.read_text(encoding="utf-8"))


def text_of(before: Path, after: Path, *options: str) -> str:
    """What it says to people."""
    answer = secmapctl("policy", "diff", before, after, *options)
    assert answer.err == ""
    assert answer.status == (SAME if "decide the same" in answer.out else DIFFERS)
    return answer.out


def diff(before: Path, after: Path, *options: str) -> Any:
    """What it says to programs: by ABI what differs. The status says whether anything does."""
    answer = secmapctl("--json", "policy", "diff", before, after, *options)
    assert answer.err == ""
    document = json.loads(answer.out)
    validate(document, "policy-diff")
    found = document["diff"]
    assert (found["before"]["file"], found["after"]["file"]) == (str(before), str(after))
    assert found["same"] == (not found["abis"])
    assert answer.status == (SAME if found["same"] else DIFFERS)
    assert ("decide the same" in text_of(before, after, *options)) == found["same"]
    return {each["abi"]: each for each in found["abis"]}


def told(of: Any) -> dict[str, tuple[str, str, str]]:
    """By call: kind of change, and what it got and gets, in short."""
    def words(decision: Any) -> str:
        rules = [f"{rule['action']['name']} if {' and '.join(one['words'] for one in rule['conditions'])}"
                 for rule in decision["rules"]]
        last = decision["otherwise"]
        return "; ".join([*rules, last.get("errno_name", last["name"])])

    found: dict[str, tuple[str, str, str]] = {}
    for kind in KINDS:
        for change in of[kind]:
            for call in change["calls"]:
                name = call.get("name", str(call["nr"]))
                assert name not in found
                found[name] = (kind, words(change["before"]), words(change["after"]))
    return found


def test_a_profile_decides_as_itself() -> None:
    assert diff(PODMAN, PODMAN) == {}
    assert text_of(PODMAN, PODMAN) == f"{PODMAN} and {PODMAN} decide the same\n"


def test_how_names_are_grouped_does_not_matter(write: Write) -> None:
    other = podman()
    other["syscalls"] = [{**each, "names": [name]} for each in other["syscalls"]
                         for name in reversed(each["names"])]
    assert diff(PODMAN, write(other)) == {}


def test_a_call_that_is_left_out_is_lost_and_gained_the_other_way(write: Write) -> None:
    less = podman()
    for each in less["syscalls"]:
        each["names"] = [name for name in each["names"] if name != "getppid"]
    path = write(less)
    found = diff(PODMAN, path)
    assert list(found) == ABIS
    for each in found.values():
        assert told(each) == {"getppid": ("lost", "ALLOW", "ENOSYS")}
        assert each["before"] == each["after"]
    for each in diff(path, PODMAN).values():
        assert told(each) == {"getppid": ("gained", "ENOSYS", "ALLOW")}
    text = text_of(PODMAN, path)
    assert text.startswith(f"from {PODMAN} to {path}\nx86_64: otherwise ERRNO(38 ENOSYS)\n"
                           "  lost: 1 number\n    getppid(110)\n        was  ALLOW\n"
                           "        now  ERRNO(38 ENOSYS)\n")


def test_what_is_told_is_what_explain_says(write: Write) -> None:
    """And what is not told is the same, for every call that has a name."""
    other = podman()
    del other["syscalls"][5:30:4]
    path = write(other)
    found = told(diff(PODMAN, path)["x86_64"])
    assert len(found) > 5
    names = ["bpf", "mount", "open", "read", "socket", "personality", "clone", "swapon", "ptrace",
             *list(found)[:12]]
    for name in names:
        was, is_now = (json_of("explain", "explain", "--profile", file, "--call", name)["action"]
                       for file in (PODMAN, path))
        if name not in found:
            assert was == is_now, name
        elif ";" not in found[name][1] + found[name][2]:
            assert found[name][1:] == tuple(each.get("errno_name", each["name"]) for each in (was, is_now))


@pytest.mark.parametrize(("before", "after", "kind", "was", "is_now"), [
    (entry("ERRNO", "getsid", errnoRet=EACCES), entry("ERRNO", "getsid", errnoRet=ENOSYS), "changed",
     "EACCES", "ENOSYS"),
    (entry("ALLOW", "getsid"), entry("LOG", "getsid"), "changed", "ALLOW", "LOG"),
    (entry("KILL_PROCESS", "getsid"), entry("TRAP", "getsid"), "changed", "KILL_PROCESS", "TRAP"),
    (entry("LOG", "getsid"), entry("KILL_PROCESS", "getsid"), "lost", "LOG", "KILL_PROCESS"),
    (entry("ALLOW", "getsid"), entry("ALLOW", "getsid", args=[arg(7)]), "lost", "ALLOW",
     "ALLOW if argument 0 == 0x7; EPERM"),
    (entry("TRAP", "getsid"), entry("ALLOW", "getsid", args=[arg(7)]), "gained", "TRAP",
     "ALLOW if argument 0 == 0x7; EPERM"),
    (entry("ALLOW", "getsid", args=[arg(7)]), entry("ALLOW", "getsid"), "gained",
     "ALLOW if argument 0 == 0x7; EPERM", "ALLOW"),
    (entry("ALLOW", "getsid", args=[arg(7)]), entry("ALLOW", "getsid", args=[arg(8)]), "changed",
     "ALLOW if argument 0 == 0x7; EPERM", "ALLOW if argument 0 == 0x8; EPERM"),
    (entry("ALLOW", "getsid", args=[arg(7)]), entry("ALLOW", "getsid", args=[arg(7), arg(1, "EQ", 1)]),
     "changed", "ALLOW if argument 0 == 0x7; EPERM",
     "ALLOW if argument 0 == 0x7 and argument 1 == 0x1; EPERM"),
    (entry("ALLOW", "getsid", args=[arg(7)]), entry("LOG", "getsid", args=[arg(7)]), "changed",
     "ALLOW if argument 0 == 0x7; EPERM", "LOG if argument 0 == 0x7; EPERM"),
    (entry("ALLOW", "getsid", args=[arg(7)]), entry("TRAP", "getsid", args=[arg(7)]), "lost",
     "ALLOW if argument 0 == 0x7; EPERM", "TRAP if argument 0 == 0x7; EPERM"),
])
def test_kinds_of_changes(write: Write, before: Any, after: Any, kind: str, was: str,
                          is_now: str) -> None:
    plain = entry("ALLOW", "read", "write")
    first, second = write(profile(plain, before)), write(profile(plain, after))
    found = diff(first, second)
    assert list(found) == ["x86_64"]
    assert told(found["x86_64"]) == {"getsid": (kind, was, is_now)}
    back = {"gained": "lost", "lost": "gained", "changed": "changed"}[kind]
    assert told(diff(second, first)["x86_64"]) == {"getsid": (back, is_now, was)}


def test_where_two_entries_contradict_each_other_their_order_is_a_difference(write: Write) -> None:
    """As for libseccomp, for which the first one counts."""
    entries = [entry("ALLOW", "getsid"), entry("TRAP", "getsid")]
    found = diff(write(profile(*entries)), write(profile(*reversed(entries))))
    assert told(found["x86_64"]) == {"getsid": ("lost", "ALLOW", "TRAP")}


def test_the_order_of_rules_with_the_same_action_does_not_matter(write: Write) -> None:
    rules = [entry("ALLOW", "getsid", args=[arg(7), arg(3, "GT", 1)]),
             entry("ALLOW", "getsid", args=[arg(1, "MASKED_EQ", 2, valueTwo=1)])]
    assert diff(write(profile(*rules)), write(profile(*reversed(rules)))) == {}


@pytest.mark.parametrize(("one", "other"), [
    ([[arg(6, "GT")]], [[arg(7, "GE")]]),
    ([[arg(2, "LE")]], [[arg(0)], [arg(1)], [arg(2)]]),
    ([[arg(7, "LE", 1)], [arg(4, "GE")]], [[arg(4, "GE")], [arg(7, "LE", 1)]]),
    ([[arg(6, "MASKED_EQ", valueTwo=6)], [arg(6)]], [[arg(6)], [arg(6, "MASKED_EQ", valueTwo=6)]]),
    ([[arg(1, "MASKED_EQ", valueTwo=1)]],
     [[arg(3, "MASKED_EQ", valueTwo=1)], [arg(3, "MASKED_EQ", valueTwo=3)]]),
])
def test_what_says_the_same_in_other_words_is_the_same(write: Write, one: Any, other: Any) -> None:
    first, second = (write(profile(*(entry("ALLOW", "getsid", args=args) for args in entries)))
                     for entries in (one, other))
    assert diff(first, second) == {}


def _decided(image: Any, args: tuple[int, int]) -> list[int]:
    """What `policy compile` shows, carried out: the action for getsid on each ABI."""
    answers = []
    for section in image["sections"]:
        nr = {"x86_64": 124, "i386": 147}[section["abi"]]
        action = section["default_action"]["value"]
        if nr in [call["nr"] for call in section["allow"]]:
            action = 0x7FFF0000
        for rule in section["rules"]:
            if rule["nr"] == nr and all(_holds(each, args[each["arg"]], image["tables"])
                                        for each in rule["conditions"]):
                action = rule["action"]["value"]
                break
        answers.append(action)
    return answers


def _holds(condition: Any, argument: int, tables: Any) -> bool:
    value = argument & ((1 << condition["width"]) - 1)
    right, mask = (int(condition.get(name, "0x0"), 16) for name in ("value", "mask"))
    if condition["op"] in ("in", "not in"):
        there = hex(value & mask) in tables[condition["table"]]["keys"]
        return bool(there == (condition["op"] == "in"))
    said = {"==": value == right, "!=": value != right, "<": value < right, "<=": value <= right,
            ">": value > right, ">=": value >= right,
            "&==": value & mask == right & mask}
    return bool(said[str(condition["op"])])


def test_random_rules(write: Write) -> None:
    """A difference is told where some argument makes one, and nowhere else. Constants are small, so few values do."""
    seed = int(os.environ.get("SECMAP_SEED", "0"), 0) or random.randrange(1 << 32)
    print(f"SECMAP_SEED={seed:#x}")
    chance = random.Random(seed)

    def some_arg(index: int) -> Any:
        value = chance.randrange(1, 8)
        op = chance.choice(["EQ", "NE", "GT", "GE", "LT", "LE", "MASKED_EQ"])
        return arg(value, op, index, valueTwo=value & chance.randrange(8))

    # Wider ones: what a condition on the low half, or on the whole, makes of them.
    numbers = [*range(17), *range(1 << 32, (1 << 32) + 17), (1 << 64) - 1]
    tried = [(one, other) for one in numbers for other in numbers]
    found = []
    for _ in range(60):
        entries = [entry("ALLOW", "getsid", args=[some_arg(index) for index in chance.choice([[0], [1], [0, 1]])])
                   for _ in range(chance.randrange(2, 5))]
        others = chance.sample(entries, chance.randrange(len(entries) - 1, len(entries) + 1))
        first, second = (write(profile(*each, architectures=["SCMP_ARCH_X86"])) for each in (entries, others))
        images = []
        for path in (first, second):
            compiled = secmapctl("--json", "policy", "compile", path)
            # Rules that libseccomp does not survive.
            if compiled.status == SAME:
                images.append(json.loads(compiled.out)["compile"]["image"])
        if len(images) == 2:
            same = all(_decided(images[0], args) == _decided(images[1], args) for args in tried)
            assert (diff(first, second) == {}) == same, (entries, others)
            found.append(same)
    assert {True, False} <= set(found)


def _set(*values: int) -> Any:
    return profile(*(entry("ALLOW", "getsid", args=[arg(value)]) for value in values))


def test_of_sets_what_came_and_what_went_is_told(write: Write) -> None:
    first, second = write(_set(*range(0, 600, 2))), write(_set(*range(2, 600, 2), 4097))
    (change,) = diff(first, second)["x86_64"]["changed"]
    (was,), (is_now,) = (change[when]["rules"][0]["conditions"] for when in ("before", "after"))
    assert was["values"] == [hex(value) for value in range(0, 600, 2)]
    assert is_now["values"] == [hex(value) for value in [*range(2, 600, 2), 4097]]
    text = text_of(first, second)
    assert "0x1e and 284 more\n" in text
    assert text.endswith("             with 0x1001\n             without 0x0\n")


def test_sets_are_compared_by_their_values_not_by_their_numbers(write: Write) -> None:
    """What else has a set, before it, does not change this call."""
    other = profile(*(entry("ALLOW", "getpgid", args=[arg(value)]) for value in range(50, 70)))
    first = _set(*range(0, 60, 2))
    second = copy.deepcopy(first)
    second["syscalls"] = other["syscalls"] + second["syscalls"]
    assert set(told(diff(write(first), write(second))["x86_64"])) == {"getpgid"}


def test_another_default_changes_whatever_has_no_rule(write: Write) -> None:
    first = write(profile(entry("ALLOW", "read", "getsid")))
    second = write(profile(entry("ALLOW", "read", "getsid"), default="KILL_PROCESS"))
    found = diff(first, second)["x86_64"]
    assert found["before"]["default_action"]["errno"] == EPERM
    assert found["after"]["default_action"]["name"] == "KILL_PROCESS"
    (change,) = found["changed"]
    assert len(change["calls"]) == 1022 and change["and_above"]
    assert not found["gained"] and not found["lost"]
    text = text_of(first, second)
    assert "x86_64: otherwise KILL_PROCESS, was ERRNO(1 EPERM)\n" in text
    assert "  changed: 1022 numbers, and all from 1024 on\n" in text
    assert "...#1023\n    all from 1024 on\n        was  ERRNO(1 EPERM)\n        now  KILL_PROCESS\n" in text


def test_an_abi_that_only_one_names(write: Write) -> None:
    """What the other has for it is what it has for foreign ones."""
    first = write(profile(entry("ALLOW", "read")))
    second = write(profile(entry("ALLOW", "read"), architectures=["SCMP_ARCH_X86"]))
    found = diff(first, second)
    assert list(found) == ["i386"]
    both = found["i386"]
    assert (both["before"]["named"], both["after"]["named"]) == (False, True)
    assert told(both)["read"] == ("gained", "KILL_THREAD", "ALLOW")
    assert told(both)["write"] == ("changed", "KILL_THREAD", "EPERM")
    assert f"i386: otherwise ERRNO(1 EPERM), was KILL_THREAD; only {second} names it\n" in \
        text_of(first, second)
    assert f"; only {second} names it\n" in text_of(second, first)


def test_numbers_that_a_profile_cannot_know(write: Write) -> None:
    first, second = (write(profile(entry("ALLOW", *names), architectures=["SCMP_ARCH_X86_64"]))
                     for names in (("read", "getsid"), ("read", "getsid", "setns")))
    assert told(diff(first, second)["x86_64"]) == {"setns": ("gained", "EPERM", "ALLOW")}
    found = told(diff(first, second, "--unknown", "enosys")["x86_64"])
    assert found.pop("setns") == ("gained", "ENOSYS", "ALLOW")
    # Between the largest of the one and the largest of the other.
    assert len(found) == 308 - 124 - 1
    assert set(found.values()) == {("changed", "ENOSYS", "EPERM")}


def test_capabilities_decide_for_both(write: Write) -> None:
    first = write(profile(entry("ALLOW", "read")))
    second = write(profile(entry("ALLOW", "read"),
                           entry("ALLOW", "bpf", includes={"caps": ["CAP_SYS_ADMIN"]})))
    assert diff(first, second) == {}
    assert list(told(diff(first, second, "--cap", "CAP_SYS_ADMIN")["x86_64"])) == ["bpf"]


def test_one_of_them_may_be_standard_input(write: Write) -> None:
    text = json.dumps(profile(entry("ALLOW", "read")))
    path = write(profile(entry("ALLOW", "read", "write")))
    for before, after, kind in ((str(path), "-", "lost"), ("-", str(path), "gained")):
        answer = secmapctl("--json", "policy", "diff", before, after, stdin=text)
        assert answer.status == DIFFERS
        (found,) = json.loads(answer.out)["diff"]["abis"]
        assert told(found)["write"][0] == kind


def test_what_cannot_be_compared_is_trouble(write: Write, tmp_path: Path) -> None:
    good, bad = write(profile(entry("ALLOW", "read"))), write(profile(default="FROB"))
    assert TROUBLE == USAGE
    for files in ((good, tmp_path / "none"), (tmp_path / "none", good)):
        error = error_of("policy", "diff", *files, status=TROUBLE)
        assert error["errno_name"] == "ENOENT"
        assert str(tmp_path / "none") in error["operation"] + error["text"]
    for files in ((good, bad), (bad, good)):
        error = error_of("policy", "diff", *files, status=TROUBLE)
        assert "/defaultAction" in error["text"] and str(bad) in error["operation"] + error["text"]


def test_overlaps_are_refused_in_both(write: Write) -> None:
    good = write(profile(entry("ALLOW", "read")))
    overlap = write(profile(entry("ALLOW", "socket", args=[arg(1, "GE")]),
                            entry("LOG", "socket", args=[arg(2, "EQ", 1)])))
    for files in ((good, overlap), (overlap, good)):
        assert secmapctl("policy", "diff", *files).status == DIFFERS
        error = error_of("policy", "diff", *files, "--overlap", "refuse", status=TROUBLE)
        assert "/syscalls/1" in error["text"]


def test_what_does_not_reach_standard_output_is_no_difference() -> None:
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([TOOL, "policy", "diff", PODMAN, PODMAN], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False, timeout=60)
    assert done.returncode == TROUBLE
    assert "standard output" in done.stderr
