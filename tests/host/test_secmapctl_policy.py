#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""policy check, policy compile and explain: what becomes of a profile. Needs no device."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tool import PODMAN, error_of, json_of, secmapctl, text_of, validate

EPERM, EINVAL, ENOSYS = 1, 22, 38

READING = ("policy check", "policy compile")


def profile(*syscalls: dict[str, Any], default: str = "SCMP_ACT_ERRNO", **more: Any) -> str:
    """A profile as text."""
    return json.dumps({"defaultAction": default, "syscalls": list(syscalls), **more})


def allow(*names: str, **more: Any) -> dict[str, Any]:
    """An entry that allows calls."""
    return {"names": list(names), "action": "SCMP_ACT_ALLOW", **more}


def section(image: Any, abi: str = "x86_64") -> Any:
    """What an image says about an ABI."""
    (found,) = [each for each in image["sections"] if each["abi"] == abi]
    return found


def explain(text: str, call: str, *args: str) -> Any:
    """What `explain` says to a profile on standard input; in words it says the same."""
    arguments = ("explain", "--profile", "-", "--call", call, *args)
    found = json_of("explain", *arguments, stdin=text)
    assert f"answer     {found['action']['name']}" in text_of(*arguments, stdin=text)
    return found


def test_podmans_profile_is_good() -> None:
    check = json_of("policy-check", "policy", "check", PODMAN)
    assert check["source"]["file"] == str(PODMAN)
    assert check["image"]["name"] == "seccomp"
    assert {each["abi"] for each in check["image"]["sections"]} == {"x86_64", "x32", "i386"}
    assert section(check["image"])["allowed"] > 300
    assert section(check["image"])["default_action"]["errno"] == ENOSYS
    assert any("pciconfig_read" in note for note in check["source"]["notes"])
    text = text_of("policy", "check", PODMAN)
    assert text.startswith(f"{PODMAN}: good\n")
    for note in check["source"]["notes"]:
        assert note in text


def test_what_is_compiled_is_what_was_checked() -> None:
    check = json_of("policy-check", "policy", "check", PODMAN)["image"]
    image = json_of("policy-compile", "policy", "compile", PODMAN)["image"]
    for each in check["sections"]:
        whole = section(image, each["abi"])
        assert len(whole["allow"]) == each["allowed"]
        assert len(whole["rules"]) == each["rules"]
        assert sum(len(rule["conditions"]) for rule in whole["rules"]) == each["conditions"]
    assert len(image["tables"]) == check["tables"]


def test_all_that_is_plainly_allowed_is_counted() -> None:
    """By the default, and by rules that all allow: not only what is in the bitmap."""
    some = allow("getppid", args=[{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}])
    denied = {"names": ["getpid"], "action": "SCMP_ACT_ERRNO"}
    text = profile(denied, default="SCMP_ACT_ALLOW")
    check = json_of("policy-check", "policy", "check", "-", stdin=text)["image"]
    assert section(check)["allowed"] == 1023
    assert "x86_64: 1023 numbers allowed, 1 rule," in text_of("policy", "check", "-", stdin=text)
    assert "x86_64: 0 numbers in the bitmap, 1 rule," in \
        text_of("policy", "compile", "-", stdin=text)
    check = json_of("policy-check", "policy", "check", "-", stdin=profile(some))["image"]
    assert section(check)["allowed"] == 0


def test_what_a_profile_needs_as_a_program_is_told() -> None:
    programs = json_of("policy-check", "policy", "check", PODMAN)["programs"]
    ebpf, cbpf = programs
    assert (ebpf["engine"], ebpf["refused"], cbpf["engine"], cbpf["refused"]) == \
        ("ebpf", None, "cbpf", None)
    text = text_of("policy", "check", PODMAN)
    # Three bitmaps, and podman's set of personalities.
    assert f"for --engine ebpf: {ebpf['instructions']} instructions, 4 tables\n" in text
    assert f"for --engine cbpf: {cbpf['instructions']} instructions, 0 tables\n" in text
    assert 100 < ebpf["instructions"] < cbpf["instructions"] < 4096


def test_a_set_that_is_too_large_for_classic_bpf_is_refused_with_its_size() -> None:
    text = profile(*(allow("getppid", args=[{"index": 0, "value": 2 * value, "op": "SCMP_CMP_EQ"}])
                     for value in range(4000)))
    ebpf, cbpf = json_of("policy-check", "policy", "check", "-", stdin=text)["programs"]
    assert (ebpf["refused"], ebpf["tables"]) == (None, 1)
    assert ebpf["instructions"] < 50
    assert cbpf["instructions"] is None
    assert re.fullmatch(r"compile program: stdin: classic BPF needs \d+ instructions, "
                        r"the limit is 4096 \(the engine maps takes larger profiles\)", cbpf["refused"])
    assert f"not for --engine cbpf: {cbpf['refused']}\n" in \
        text_of("policy", "check", "-", stdin=text)


def test_the_listing_names_every_call_and_rule() -> None:
    image = json_of("policy-compile", "policy", "compile", PODMAN)["image"]
    text = text_of("policy", "compile", PODMAN)
    for each in section(image)["allow"]:
        assert f"{each['name']}({each['nr']})" in text
    for rule in section(image)["rules"]:
        assert f"    {rule['name']}({rule['nr']}): {rule['action']['name']}" in text
        assert rule["origin"] in text
    assert "hash of 5 values: 0x0, 0x8, 0x20000, 0x20008, 0xffffffff" in text


def test_the_file_that_is_written_is_the_answer(tmp_path: Path) -> None:
    written = tmp_path / "image.json"
    shown = secmapctl("--pretty", "policy", "compile", PODMAN)
    assert "written" in text_of("policy", "compile", PODMAN, "--output", written)
    assert written.read_text(encoding="utf-8") == shown.out
    validate(json.loads(shown.out), "policy-compile")
    assert text_of("policy", "compile", PODMAN, "--output", "-").startswith("policy seccomp")


def test_a_file_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    error = error_of("policy", "compile", PODMAN, "--output", tmp_path / "no" / "image.json")
    assert error["operation"] == f"write {tmp_path / 'no' / 'image.json'}"
    assert error["errno_name"] == "ENOENT"


@pytest.mark.parametrize(("file", "name"), [
    ("web.json", "web"), ("a b&c.json", "a_b_c"), ("x" * 60 + ".json", "x" * 31),
    ("\u00e4.json", "__"),
])
def test_a_policy_is_called_as_its_file_is(tmp_path: Path, file: str, name: str) -> None:
    path = tmp_path / file
    path.write_text(profile(allow("read")), encoding="utf-8")
    assert json_of("policy-check", "policy", "check", path)["image"]["name"] == name


def test_a_policy_is_called_as_it_was_asked_for() -> None:
    named = json_of("policy-check", "policy", "check", "-", "--name", "mine",
                    stdin=profile(allow("read")))
    assert named["image"]["name"] == "mine"


def test_capabilities_decide_includes_and_excludes() -> None:
    def answer(*arguments: str) -> str:
        found = json_of("explain", "explain", "--profile", PODMAN, "--call", "bpf", *arguments)
        return str(found["action"]["name"])

    assert answer() == "ERRNO"
    assert answer("--cap", "CAP_SYS_ADMIN") == "ALLOW"
    assert answer("--cap", "CAP_KILL,CAP_SYS_ADMIN") == "ALLOW"
    assert answer("--cap", "CAP_KILL", "--cap", "CAP_SYS_ADMIN") == "ALLOW"
    assert answer("--cap", "all") == "ALLOW"
    assert answer("--cap", "none") == "ERRNO"


def test_the_default_capabilities_are_those_of_containers_conf() -> None:
    check = json_of("policy-check", "policy", "check", PODMAN)
    config = Path("/usr/share/containers/containers.conf").read_text(encoding="utf-8")
    listed = config.split("default_capabilities = [")[1].split("]")[0]
    expected = {f"CAP_{line.strip(' ,').strip(chr(34))}" for line in listed.split() if line}
    assert set(check["source"]["capabilities"]) == expected


def test_newer_calls_get_what_was_asked_for() -> None:
    text = profile(allow("read", "write"), architectures=["SCMP_ARCH_X86_64"])
    assert explain(text, "900")["action"]["errno"] == EPERM
    newer = explain(text, "900", "--unknown", "enosys")
    assert (newer["action"]["errno"], newer["decided_by"]) == (ENOSYS, "newer")


def test_overlapping_rules_are_refused_where_that_was_asked_for() -> None:
    text = profile(allow("socket", args=[{"index": 0, "value": 1, "op": "SCMP_CMP_GE"}]),
                   {"names": ["socket"], "action": "SCMP_ACT_LOG",
                    "args": [{"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]})
    json_of("policy-check", "policy", "check", "-", stdin=text)
    error = error_of("policy", "check", "-", "--overlap", "refuse", stdin=text)
    assert "/syscalls/0" in error["text"] and "/syscalls/1" in error["text"]


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize(("text", "said"), [
    ("", ""),
    ("{", ""),
    ("[]", ""),
    (profile(default="SCMP_ACT_FROBNICATE"), "/defaultAction"),
    (profile({"names": ["read"], "action": "ALLOW"}), "/syscalls/0/action"),
    (profile(allow("read", args=[{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}])),
     "/syscalls/0/args/0/index"),
    (profile(allow("read", args=[{"index": 0, "value": 0, "op": "SCMP_CMP_IS"}])),
     "/syscalls/0/args/0/op"),
    (profile(allow("read"), architectures=["SCMP_ARCH_FROB"]), "/architectures/0"),
    ('{"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_LOG"}', "defaultAction"),
])
def test_bad_profiles_are_refused_with_their_place(command: str, text: str, said: str) -> None:
    error = error_of(*command.split(), "-", stdin=text)
    assert said in error["text"], error
    assert error["text"]


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    error = error_of("policy", "check", tmp_path / "none.json")
    assert str(tmp_path / "none.json") in error["operation"] + error["text"]
    assert error["errno_name"] == "ENOENT"


def test_explain_an_allowed_call() -> None:
    found = json_of("explain", "explain", "--profile", PODMAN, "--call", "openat",
                    "--arg", "2=0x241")
    assert found["call"] == {"nr": 257, "name": "openat", "abi": "x86_64", "given": [2],
                             "args": ["0x0", "0x0", "0x241", "0x0", "0x0", "0x0"]}
    assert (found["action"]["name"], found["decided_by"]) == ("ALLOW", "allow")
    assert found["rule"] is None
    (origin,) = found["origins"]
    entry = json.loads(PODMAN.read_text(encoding="utf-8"))["syscalls"][int(origin.split("/")[-1])]
    assert "openat" in entry["names"] and entry["action"] == "SCMP_ACT_ALLOW"


def test_explain_a_rule() -> None:
    asked = ("explain", "--profile", PODMAN, "--call", "socket", "--arg", "0=16", "--arg", "2=9")
    found = json_of("explain", *asked)
    assert (found["action"]["errno_name"], found["decided_by"]) == ("EINVAL", "rule")
    assert found["origins"] == ["/syscalls/30"]
    (rule,) = found["considered"]
    assert {each["words"] for each in rule["conditions"]} == \
        {"argument 0 == 0x10", "argument 2 == 0x9"}
    text = text_of(*asked)
    assert "arguments 1, 3, 4, 5 were not given: taken as 0" in text
    assert "holds      ERRNO(22 EINVAL) if " in text


def test_explain_the_rules_that_do_not_hold_before_the_one_that_does() -> None:
    asked = ("explain", "--profile", PODMAN, "--call", "socket", "--arg", "0=1", "--arg", "2=0")
    found = json_of("explain", *asked)
    assert found["action"]["name"] == "ALLOW"
    assert len(found["considered"]) == 2
    lines = [line.split()[0] for line in text_of(*asked).splitlines()]
    assert lines[-3:] == ["not", "holds", "in"]


def test_explain_a_set() -> None:
    for value, action in (("0xffffffff", "ALLOW"), ("1", "ERRNO")):
        found = json_of("explain", "explain", "--profile", PODMAN, "--call", "personality",
                        "--arg", f"0={value}")
        assert found["action"]["name"] == action
        table = found["tables"][found["considered"][0]["conditions"][0]["table"]]
        assert sorted(table["keys"]) == ["0x0", "0x20000", "0x20008", "0x8", "0xffffffff"]


def test_explain_the_default_and_a_foreign_abi() -> None:
    text = profile(allow("read"))
    found = explain(text, "write")
    assert (found["decided_by"], found["origins"]) == ("default", ["/defaultAction"])
    assert found["action"]["errno"] == EPERM
    found = explain(text, "read", "--abi", "i386")
    assert (found["decided_by"], found["action"]["name"]) == ("foreign", "KILL_THREAD")


@pytest.mark.parametrize(("abi", "number"), [("x86_64", 0), ("x32", 0), ("i386", 3)])
def test_a_call_is_named_or_numbered(abi: str, number: int) -> None:
    by_name = json_of("explain", "explain", "--profile", PODMAN, "--abi", abi, "--call", "read")
    assert by_name["call"]["nr"] == number
    assert by_name["action"]["name"] == "ALLOW"
    assert by_name == json_of("explain", "explain", "--profile", PODMAN, "--abi", abi,
                              "--call", str(number))


@pytest.mark.parametrize(("written", "value"), [
    ("0", "0x0"), ("18446744073709551615", "0xffffffffffffffff"), ("-1", "0xffffffffffffffff"),
    ("-9223372036854775808", "0x8000000000000000"), ("0xFFFFFFFFFFFFFFFF", "0xffffffffffffffff"),
    ("0777", "0x1ff"),
])
def test_numbers_are_64_bits_wide(written: str, value: str) -> None:
    found = explain(profile(allow("read")), "read", "--arg", f"3={written}")
    assert found["call"]["args"][3] == value


def test_a_call_that_the_abi_does_not_have_is_refused() -> None:
    error = error_of("explain", "--profile", PODMAN, "--abi", "x86_64", "--call", "waitpid")
    assert "no system call 'waitpid' on x86_64" in error["text"]
    error = error_of("explain", "--profile", PODMAN, "--call", "4294967296")
    assert "32 bits" in error["text"]
