#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""explain in words, names of arguments and constants, and how much of an argument is compared. Needs no device."""

import json
from pathlib import Path
from typing import Any

import pytest
from tool import PODMAN, TOP, error_of, json_of, secmapctl, text_of, validate

AF_NETLINK, SOCK_RAW, NETLINK_AUDIT = 16, 3, 9
BEYOND = 1 << 32


def entry(action: str, *names: str, **more: Any) -> dict[str, Any]:
    """One of "syscalls"."""
    return {"names": list(names), "action": f"SCMP_ACT_{action}", **more}


def compare(index: int, op: str, value: int, two: int = 0) -> dict[str, Any]:
    """A comparison of an argument."""
    return {"index": index, "value": value, "valueTwo": two, "op": f"SCMP_CMP_{op}"}


def profile(*syscalls: dict[str, Any], default: str = "ERRNO", **more: Any) -> str:
    """A profile as text."""
    return json.dumps({"defaultAction": f"SCMP_ACT_{default}", "syscalls": list(syscalls), **more})


NO_NETLINK = profile(entry("ERRNO", "socket", args=[compare(0, "EQ", AF_NETLINK)]), default="ALLOW")


def explain(text: str, call: str, *options: str) -> Any:
    """About one call; people read the sentence, too."""
    arguments = ("explain", "--profile", "-", "--call", call, *options)
    found = json_of("explain", *arguments, stdin=text)
    assert f"in words   {found['words']}\n" in text_of(*arguments, stdin=text)
    return found


def check(text: str, *options: str) -> Any:
    """What `policy check` says; its notes and warnings are told to people, too."""
    found = json_of("policy-check", "policy", "check", "-", *options, stdin=text)
    shown = text_of("policy", "check", "-", *options, stdin=text)
    for each in (*found["source"]["notes"], *(each["words"] for each in found["evasions"])):
        assert each in shown
    return found


@pytest.mark.parametrize(("call", "args", "words"), [
    ("openat", (), "openat is allowed, whatever its arguments are"),
    ("clock_settime", (), "clock_settime is denied, EPERM, by rule 21"),
    ("socket", ("0=AF_NETLINK", "2=9"),
     "socket with AF_NETLINK and argument 2 (protocol) = 9 is denied, EINVAL, by rule "),
    ("900", (), "call 900 is denied, ENOSYS, by the default"),
])
def test_a_decision_is_a_sentence(call: str, args: tuple[str, ...], words: str) -> None:
    options = [part for each in args for part in ("--arg", each)]
    found = json_of("explain", "explain", "--profile", PODMAN, "--call", call, *options)
    assert found["words"].startswith(words)


@pytest.mark.parametrize(("default", "said"), [
    ("ALLOW", "allowed"), ("LOG", "allowed, and logged"), ("ERRNO", "denied, EPERM"),
    ("TRAP", "denied, with the signal SIGSYS"), ("TRACE", "denied, ENOSYS, for TRACE reaches no tracer"),
    ("KILL_THREAD", "denied, and its thread is killed"),
    ("KILL_PROCESS", "denied, and its process is killed"),
])
def test_every_action_has_words(default: str, said: str) -> None:
    text = profile(entry("ALLOW" if default != "ALLOW" else "LOG", "read"), default=default)
    assert explain(text, "write")["words"] == f"write is {said}, by the default"


@pytest.mark.parametrize(("call", "given", "index", "value"), [
    ("clone", "0=CLONE_NEWUSER", 0, 0x10000000),
    ("clone", "clone_flags=CLONE_NEWUSER|SIGCHLD", 0, 0x10000011),
    ("openat", "flags=O_WRONLY|O_CREAT|0x1000", 2, 0x1041),
    ("openat", "dfd=AT_FDCWD", 0, 0xffffff9c),
    ("socket", "family=AF_NETLINK", 0, 16),
    ("socket", "1=SOCK_STREAM|SOCK_CLOEXEC", 1, 0x80001),
    ("mount", "flags=MS_RDONLY|MS_NOSUID", 3, 3),
    ("prctl", "option=PR_SET_NAME", 0, 15),
    ("kill", "sig=SIGKILL", 1, 9),
    ("add_key", "type=0", 0, 0),
])
def test_arguments_and_values_have_names(call: str, given: str, index: int, value: int) -> None:
    found = explain(NO_NETLINK, call, "--arg", given)["call"]
    assert found["given"] == [index]
    assert int(found["args"][index], 16) == value


@pytest.mark.parametrize(("given", "said"), [
    (("flag=0",), "openat has no argument 'flag'"),
    (("flags=0", "2=1"), "argument 2 is given twice"),
])
def test_arguments_that_are_wrong_are_named(given: tuple[str, ...], said: str) -> None:
    options = [part for each in given for part in ("--arg", each)]
    error = error_of("explain", "--profile", "-", "--call", "openat", *options, stdin=NO_NETLINK)
    assert said in error["text"]
    if "no argument" in said:
        assert error["hint"] == "it has dfd, filename, flags, mode"


def test_without_a_call_all_are_told() -> None:
    found = json_of("explain", "explain", "--profile", PODMAN)
    image = json_of("policy-compile", "policy", "compile", PODMAN)["image"]
    (section,) = [each for each in image["sections"] if each["abi"] == "x86_64"]
    assert (found["allow"], found["rules"]) == (section["allow"], section["rules"])
    assert (found["abi"], set(found["other_abis"])) == ("x86_64", {"x32", "i386"})
    shown = text_of("explain", "--profile", PODMAN)
    assert f"allowed, whatever the arguments are: {len(section['allow'])} calls\n" in shown
    assert "denied, EPERM, whatever the arguments are: " in shown
    assert "socket is denied, EINVAL, by rule " in shown
    assert "argument 0 (family) is AF_NETLINK" in shown and "argument 2 (protocol) is 9" in shown
    assert "; otherwise allowed, by rule " in shown
    assert "personality is allowed, by rule " in shown
    assert "all else is denied, ENOSYS, by the default\n" in shown
    assert "it names i386 and x32, too" in shown or "it names x32 and i386, too" in shown


def test_a_summary_tells_bits_sets_and_newer_calls() -> None:
    text = profile(entry("ALLOW", "clone", args=[compare(0, "MASKED_EQ", 0x10020000, 0)]),
                   entry("ALLOW", "unshare", args=[compare(0, "MASKED_EQ", 0x10000000, 0x10000000)]),
                   entry("ALLOW", "read", args=[compare(0, "GE", 3)]),
                   architectures=["SCMP_ARCH_X86_64"])
    shown = text_of("explain", "--profile", "-", "--unknown", "enosys", stdin=text)
    assert "clone is allowed, by rule 1 if argument 0 (clone_flags) has none of CLONE_NEWNS|CLONE_NEWUSER; " \
        "otherwise denied, EPERM, by the default\n" in shown
    assert "unshare is allowed, by rule 2 if argument 0 (unshare_flags) has CLONE_NEWUSER; " in shown
    assert "read is allowed, by rule 0 if argument 0 (fd) is at least 3; " in shown
    assert "numbers from 273 on are denied, ENOSYS, for they are newer than the profile\n" in shown
    assert "calls of other ABIs are denied, and its thread is killed\n" in shown
    error = error_of("explain", "--profile", "-", "--abi", "i386", stdin=text)
    assert "it does not name i386" in error["text"] and error["hint"] == "it names x86_64"


def test_an_int_that_is_evaded_is_warned_of() -> None:
    """The call that is shown is denied, the other is made, and the kernel cannot tell them apart."""
    (found,) = check(NO_NETLINK)["evasions"]
    assert (found["denied"]["name"], found["denied"]["args"][0]) == ("socket", "0x10")
    assert found["made"]["args"][0] == "0x100000010"
    assert (found["action"]["errno_name"], found["made_action"]["name"]) == ("EPERM", "ALLOW")
    assert explain(NO_NETLINK, "socket", "--arg", "0=0x10")["action"]["name"] == "ERRNO"
    evading = explain(NO_NETLINK, "socket", "--arg", "0=0x100000010")
    assert evading["action"]["name"] == "ALLOW"
    assert evading["notes"] == ["argument 0 of socket has 32 bits: to the kernel 0x100000010 is 0x10"]


def test_podmans_profile_is_evaded_and_with_the_kernels_widths_it_is_not() -> None:
    (found,) = check(PODMAN.read_text(encoding="utf-8"))["evasions"]
    assert found["denied"]["name"] == "socket" and found["made_action"]["name"] == "ALLOW"
    assert check(PODMAN.read_text(encoding="utf-8"), "--widths", "kernel")["evasions"] == []


@pytest.mark.parametrize(("op", "denied", "value"), [
    ("EQ", True, 16), ("LT", True, 17), ("LE", True, 16), ("MASKED_EQ", True, (1 << 64) - 1),
    ("NE", False, 16), ("GT", False, 16), ("GE", False, 17),
])
def test_each_comparison_is_evaded_with_64_bits_and_not_with_32(op: str, denied: bool, value: int) -> None:
    """Denied where it holds, or allowed only where it holds."""
    condition = compare(0, op, value, AF_NETLINK)
    text = profile(entry("ERRNO", "socket", args=[condition]), default="ALLOW") if denied else \
        profile(entry("ALLOW", "socket", args=[condition]))
    assert len(check(text)["evasions"]) == 1
    assert check(text, "--widths", "kernel")["evasions"] == []
    for argument in (AF_NETLINK, BEYOND | AF_NETLINK, (1 << 63) | AF_NETLINK):
        found = explain(text, "socket", "--arg", f"0={argument}", "--widths", "kernel")
        assert found["action"]["name"] == "ERRNO", (op, argument)
    found = explain(text, "socket", "--arg", f"0={BEYOND | AF_NETLINK}")
    assert found["action"]["name"] == "ALLOW"


@pytest.mark.parametrize("text", [
    # Only stricter; of 64 bits; of low bits alone; denied twice.
    profile(entry("ALLOW", "socket", args=[compare(0, "EQ", AF_NETLINK)])),
    profile(entry("ERRNO", "mmap", args=[compare(1, "EQ", 4096)]), default="ALLOW"),
    profile(entry("ERRNO", "personality", args=[compare(0, "MASKED_EQ", 8, 8)]), default="ALLOW"),
    profile(entry("KILL", "socket", args=[compare(0, "EQ", AF_NETLINK)])),
])
def test_what_cannot_be_evaded_is_not_warned_of(text: str) -> None:
    assert check(text)["evasions"] == []


def test_a_mode_has_16_bits_and_is_warned_of_still() -> None:
    text = profile(entry("ERRNO", "fchmod", args=[compare(1, "EQ", 0o4755)]), default="ALLOW")
    for widths in ("libseccomp", "kernel"):
        (found,) = check(text, "--widths", widths)["evasions"]
        assert found["made"]["args"][1] == hex(0x10000 | 0o4755)


def test_numbers_beyond_an_int_are_told() -> None:
    text = profile(entry("ALLOW", "socket", "mmap", args=[compare(0, "EQ", BEYOND | AF_NETLINK)]),
                   entry("ALLOW", "openat", args=[compare(0, "EQ", (1 << 64) - 100)]))
    notes = check(text)["source"]["notes"]
    assert "/syscalls/0/args/0: argument 0 of socket has 32 bits, and is compared with 0x100000010: none that the " \
        "kernel tells apart from a smaller one is that large" in notes
    (signed,) = [each for each in notes if "openat" in each]
    assert "0xffffffffffffff9c" in signed and "--widths kernel" in signed
    assert not any("openat" in each for each in check(text, "--widths", "kernel")["source"]["notes"])
    # With a sign or without, as one C library passes it and as the next does.
    for value, libseccomp in (("0xffffff9c", "ERRNO"), ("0xffffffffffffff9c", "ALLOW")):
        assert explain(text, "openat", "--arg", f"0={value}")["action"]["name"] == libseccomp
        found = explain(text, "openat", "--arg", f"0={value}", "--widths", "kernel")
        assert (found["action"]["name"], found["origins"]) == ("ALLOW", ["/syscalls/1"])
    # It can never hold, and so does not, whatever the low half is.
    for number in (AF_NETLINK, BEYOND | AF_NETLINK):
        found = explain(text, "socket", "--arg", f"0={number}", "--widths", "kernel")
        assert found["action"]["name"] == "ERRNO"


def test_a_longs_upper_half_is_compared_with_either() -> None:
    text = profile(entry("ALLOW", "mmap", args=[compare(1, "EQ", 4096)]))
    for widths in ("libseccomp", "kernel"):
        for value, action in ((4096, "ALLOW"), (BEYOND | 4096, "ERRNO")):
            found = explain(text, "mmap", "--arg", f"len={value}", "--widths", widths)
            assert found["action"]["name"] == action


def test_the_difference_that_widths_make_is_shown_by_diff(tmp_path: Path) -> None:
    path = tmp_path / "netlink.json"
    path.write_text(NO_NETLINK, encoding="ascii")
    assert json_of("policy-diff", "policy", "diff", path, path, "--widths", "kernel")["same"]


def test_run_why_needs_a_policy_of_its_own_and_a_device(tmp_path: Path) -> None:
    answer = secmapctl("--json", "run", "--adopt", "--profile", PODMAN, "--why", "--", "true")
    assert answer.status == 2 and "excludes" in json.loads(answer.err)["error"]["text"]
    answer = secmapctl("--json", "run", "--profile", PODMAN, "--output", "x", "--", "true")
    assert answer.status == 2 and "--why" in json.loads(answer.err)["error"]["text"]
    answer = secmapctl("--json", "--device", tmp_path / "none", "run", "--why", "--profile", PODMAN, "--", "true")
    document = json.loads(answer.err)
    validate(document, "error")
    assert answer.status == 1 and "modprobe secmap" in document["error"]["hint"]


def test_widths_are_those_that_the_kernel_declares() -> None:
    """The file is made by a script; what is well known of it."""
    text = (TOP / "userland/src/call_signatures.cpp").read_text(encoding="utf-8")
    for row in ('{"openat", "dfd:32 filename flags:32 mode:16"}', '{"ioctl", "fd:32 cmd:32 arg"}',
                '{"clone", "clone_flags newsp parent_tidptr child_tidptr tls"}',
                '{"socket", "family:32 type:32 protocol:32"}', '{"personality", "personality:32"}',
                '{"setuid", "uid:16"}', '{"prctl", "option:32 arg2 arg3 arg4 arg5"}'):
        assert row in text
