#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line: help, wrong usage, formats and statuses. Needs no device."""

import json
import subprocess
from pathlib import Path

import pytest
from tool import (FAILURE, PODMAN, SUCCESS, TOOL, USAGE, error_of, json_of, secmapctl, text_of,
                  validate)

COMMANDS = ("run", "notify", "learn", "attach", "detach", "policy", "policy list", "policy show", "policy check",
            "policy compile", "policy diff", "policy replace", "policy tighten", "policy seal", "prog",
            "prog check", "prog load", "prog dump", "prog test", "task", "task list", "task show", "explain", "monitor",
            "bench", "feature", "version")


@pytest.mark.parametrize("command", ("", *COMMANDS))
@pytest.mark.parametrize("option", ("--help", "-h"))
def test_help_that_was_asked_for_goes_to_standard_output(command: str, option: str) -> None:
    answer = secmapctl(*command.split(), option)
    assert (answer.status, answer.err) == (SUCCESS, "")
    assert f"Usage: secmapctl{' ' if command else ''}{command}" in answer.out


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "a command is missing"),
    (("policy",), "a command is missing"),
    (("pol", "list"), "there is no command 'pol'"),
    (("policy", "li"), "there is no command 'li'"),
    (("policy", "list", "list"), "not expected: list"),
    (("--frobnicate", "version"), "--frobnicate"),
    (("policy", "check", "--frobnicate"), "there is no option '--frobnicate'"),
    (("policy", "check", "x", "--nam", "y"), "--nam"),
    (("policy", "check"), "file is required"),
    (("policy", "check", "x", "--unknown", "ENOSYS"), "'ENOSYS' is not one of default, enosys"),
    (("policy", "check", "x", "--overlap", "first"), "'first' is not one of"),
    (("policy", "check", "x", "--cap", "CAP_FROBNICATE"), "no capability 'CAP_FROBNICATE'"),
    (("policy", "check", "x", "--cap", "cap_kill"), "no capability 'cap_kill'"),
    (("policy", "check", "x", "--cap", ""), "--cap"),
    (("policy", "show", "0"), "'0' is not a number from 1 to 4294967295"),
    (("policy", "show", "-1"), "-1"),
    (("policy", "show", "4294967296"), "'4294967296' is not a number"),
    (("policy", "show", "0x10"), "'0x10' is not a number"),
    (("policy", "show", "1 "), "'1 ' is not a number"),
    (("policy", "diff", "x"), "after is required"),
    (("policy", "diff", "x", "y", "--name", "z"), "--name"),
    (("policy", "diff", "-", "-"), "only one of the profiles can be standard input"),
    (("policy", "replace", "--profile", "x"), "policy is required"),
    (("policy", "tighten", "web"), "--profile is required"),
    (("policy", "tighten", "web", "--profile", "-", "--from", "-"), "only one of the profiles"),
    (("policy", "replace", "web"), "[--profile,--cbpf,--prog] is required"),
    (("policy", "replace", "web", "--profile", "x", "--cbpf", "y"), "2 were given"),
    (("policy", "replace", "web", "--cbpf", "y", "--engine", "maps"), "--engine requires --profile"),
    (("policy", "seal"), "policy is required"),
    (("bench", "--scenario", "podman"), "'podman' is not one of plain_allow, podman_allow,"),
    (("bench", "--engine", "tree"), "'tree' is not one of none, stock, stock_tree, maps, ebpf, cbpf"),
    (("bench", "--rounds", "0"), "'0' is not a number from 1 to 10000"),
    (("bench", "--calls", "1000001"), "'1000001' is not a number from 1 to 1000000"),
    (("bench", "--cpu", "one"), "'one' is not the number of a processor"),
    (("bench", "plain_allow"), "not expected: plain_allow"),
    (("run", "--profile", "x"), "program is required"),
    (("run", "--", "true"), "[--profile,--cbpf,--prog,--adopt,--after,--upon] is required"),
    (("run", "--profile", "x", "--cbpf", "y", "--", "true"), "excludes"),
    (("run", "--profile", "x", "ls", "-l"), "-l"),
    (("run", "--after", "execve", "--", "true"), "'execve' is not CALL,...=FILE"),
    (("run", "--upon", "=x", "--", "true"), "'=x' is not CALL,...=FILE"),
    (("run", "--after", "execve=", "--", "true"), "'execve=' is not CALL,...=FILE"),
    (("notify", "--", "true"), "[--on,--profile] is required"),
    (("notify", "--on", "mount"), "program is required"),
    (("notify", "--on", "mount", "ls", "-l"), "-l"),
    (("notify", "--on", "mount,frobnicate", "--", "true"), "there is no system call 'frobnicate'"),
    (("notify", "--on", "arm_fadvise64_64", "--", "true"), "on x86_64, x32 or i386"),
    (("notify", "--on", "", "--", "true"), "--on"),
    (("notify", "--on", "mount", "--answer", "mount", "--", "true"), "'mount' is not NAME=ANSWER"),
    (("notify", "--on", "mount", "--answer", "mont=continue", "--", "true"),
     "there is no system call 'mont'"),
    (("notify", "--on", "mount", "--answer", "mount=allow", "--", "true"),
     "'allow' is not errno:NAME"),
    (("notify", "--on", "mount", "--answer", "mount=errno:EFROB", "--", "true"), "'errno:EFROB'"),
    (("notify", "--on", "mount", "--answer", "mount=errno:0", "--", "true"), "'errno:0'"),
    (("notify", "--on", "mount", "--answer", "mount=errno:4096", "--", "true"), "'errno:4096'"),
    (("notify", "--on", "mount", "--answer", "mount=errno:512", "--", "true"), "'errno:512'"),
    (("notify", "--on", "mount", "--answer", "mount=value:", "--", "true"), "'value:'"),
    (("notify", "--on", "mount", "--answer", "mount=continue", "--answer", "mount=value:0", "--",
      "true"), "'mount' is answered twice"),
    (("notify", "--on", "mount", "--answer", "*=value:1", "--answer", "*=value:0", "--", "true"),
     "'*' is answered twice"),
    (("notify", "--on", "mount", "--helper", "x", "--answer", "*=continue", "--", "true"),
     "'*=continue' would allow"),
    (("notify", "--on", "mount", "--timeout", "5", "--", "true"), "--helper"),
    (("notify", "--on", "mount", "--helper", "x", "--timeout", "0", "--", "true"),
     "'0' is not a number from 1 to 86400"),
    (("learn", "--", "true"), "--output is required"),
    (("learn", "--output", "x"), "a program behind --, or --pid"),
    (("learn", "--output", "x", "--pid", "1", "--", "true"), "a program behind --, or --pid"),
    (("learn", "--output", "x", "--seconds", "1", "--", "true"), "--seconds requires --pid"),
    (("learn", "--output", "x", "--pid", "1", "--no-nnp"), "excludes"),
    (("learn", "--output", "x", "--cgroup", "/x", "--no-nnp"), "excludes"),
    (("learn", "--output", "x", "--cgroup", "/x", "--", "true"), "a program behind --, or --pid, --cgroup or --unit"),
    (("learn", "--output", "x", "--cgroup", "/x", "--unit", "x"), "at most 1 options be given"),
    (("learn", "--output", "x", "--follow", "--", "true"), "--follow requires --cgroup or --unit"),
    (("learn", "--output", "x", "--pid", "1", "--follow"), "--follow requires --cgroup or --unit"),
    (("learn", "--output", "x", "--complain", "--", "true"), "'secmapctl run --complain' tells"),
    (("learn", "--output", "x", "--args", "frobnicate", "--", "true"), "there is no system call 'frobnicate'"),
    (("learn", "--output", "x", "--args", "read", "--", "true"), "'read:0' is the first one"),
    (("learn", "--output", "x", "--args", "read:6", "--", "true"), "'read:6' is not CALL, CALL:0"),
    (("learn", "--output", "x", "--args", "read:0:0", "--", "true"), "'read:0:0' is not CALL"),
    (("learn", "--output", "x", "--args", "read:", "--", "true"), "'read:' is not CALL"),
    (("learn", "--output", "x", "--args", "ioctl,ioctl:0", "--", "true"), "'ioctl' is named twice"),
    (("run", "--complain", "--cbpf", "x", "--", "true"), "--complain requires --profile"),
    (("run", "--complain", "--adopt", "--profile", "x", "--", "true"), "excludes"),
    (("run", "--profile", "x", "--engine", "bpf", "--", "true"), "'bpf' is not one of maps, ebpf, cbpf"),
    (("run", "--cbpf", "x", "--engine", "ebpf", "--", "true"), "--engine requires --profile"),
    (("attach", "--pid", "1", "--policy", "1", "--engine", "maps"), "--engine requires --profile"),
    (("attach", "--policy", "1", "--pid", "1", "--follow"), "--follow requires --cgroup or --unit"),
    (("attach", "--policy", "1", "--cgroup", "/x", "--every", "1"), "--every requires --follow"),
    (("attach", "--policy", "1", "--cgroup", "/x", "--follow", "--every", "0"), "not a number from 1 to 3600000"),
    (("attach", "--pid", "1", "--after", "listen=x", "--upon", "fork=x"), "2 were given"),
    (("attach", "--pid", "1", "--after", "listen=x", "--after", "fork=x"), "is one policy"),
    (("attach", "--pid", "1", "--after", "listen"), "'listen' is not CALL,...=FILE"),
    (("attach", "--pid", "1", "--after", "listen=x", "--policy", "1"), "2 were given"),
    (("attach", "--pid", "1", "--after", "listen=x", "--complain"), "--complain excludes --after"),
    (("attach", "--pid", "1"), "[--profile,--policy,--after,--upon] is required"),
    (("attach", "--pid", "1", "--profile", "x", "--policy", "1"), "2 were given"),
    (("attach", "--profile", "x"), "[--pid,--cgroup,--unit] is required"),
    (("attach", "--profile", "x", "--pid", "1", "--cgroup", "/x"), "2 were given"),
    (("attach", "--profile", "x", "--cgroup", "/x", "--unit", "x"), "2 were given"),
    (("attach", "--profile", "x", "--cgroup", ""), "--cgroup"),
    (("attach", "--profile", "x", "--cgroup", "/x", "--thread", "1"), "--thread requires --pid"),
    (("attach", "--cgroup", "/x"), "[--profile,--policy,--after,--upon] is required"),
    (("attach", "--profile", "x", "--unit", ""), "--unit"),
    (("attach", "--profile", "x", "--unit", "*.service"), "'*.service' is not the name of a unit"),
    (("attach", "--profile", "x", "--unit", "x;id"), "'x;id' is not the name of a unit"),
    (("attach", "--profile", "x", "--unit=--all"), "'--all' is not the name of a unit"),
    (("detach", "--unit", "a/b"), "'a/b' is not the name of a unit"),
    (("detach", "--pid", "1", "--unit", "x"), "2 were given"),
    (("detach", "--cgroup", "/x", "--thread", "1"), "--thread"),
    (("attach", "--policy", "1", "--pid", "2147483648"), "not a number from 1 to 2147483647"),
    (("detach",), "[--pid,--cgroup,--unit] is required"),
    (("task", "show"), "pid is required"),
    (("explain", "--profile", "x", "--arg", "0=1"), "--call is required"),
    (("explain", "--call", "read"), "[--profile,--policy,--pid] is required"),
    (("explain", "--policy", "1", "--pid", "1"), "excludes"),
    (("explain", "--policy", "0", "--call", "read"), "'0' is not a number from 1 to 4294967295"),
    (("explain", "--thread", "1", "--profile", "x"), "--thread requires --pid"),
    (("explain", "--profile", "x", "--call", "read", "--arg", "fd=CLONE_NEWUSR"), "is not INDEX=VALUE"),
    (("explain", "--profile", "x", "--call", "read", "--arg", "fd=1", "--arg", "fd=2"), "argument fd is given twice"),
    (("policy", "check", "x", "--widths", "32"), "'32' is not one of libseccomp, kernel"),
    (("explain", "--profile", "x", "--call", "read", "--abi", "arm"), "'arm' is not one of"),
    (("explain", "--profile", "x", "--call", "read", "--arg", "6=1"), "'6=1' is not INDEX=VALUE"),
    (("explain", "--profile", "x", "--call", "read", "--arg", "0"), "'0' is not INDEX=VALUE"),
    (("explain", "--profile", "x", "--call", "read", "--arg", "0=x"), "'0=x' is not INDEX=VALUE"),
    (("explain", "--profile", "x", "--call", "read", "--arg", "0=18446744073709551616"),
     "is not INDEX=VALUE"),
    (("explain", "--profile", "x", "--call", "read", "--arg", "0=1", "--arg", "0=2"),
     "argument 0 is given twice"),
    (("prog",), "a command is missing"),
    (("prog", "check"), "[object,--cbpf] is required"),
    (("prog", "load"), "[object,--cbpf] is required"),
    (("prog", "load", "--cbpf", "x", "--pid", "0"), "'0' is not a number from 1 to 2147483647"),
    (("prog", "dump"), "[object,--cbpf,--policy] is required"),
    (("prog", "dump", "--cbpf", "x", "--policy", "1"), "2 were given"),
    (("prog", "test", "--cbpf", "x"), "--call is required"),
    (("prog", "test", "--cbpf", "x", "--call", "read", "--arg", "6=1"), "'6=1' is not INDEX=VALUE"),
    (("prog", "test", "--cbpf", "x", "--call", "read", "--arg", "0=1", "--arg", "0=2"),
     "argument 0 is given twice"),
    (("version", "--", "x"), "x"),
])
def test_wrong_usage_ends_with_2_and_names_what_is_wrong(arguments: tuple[str, ...],
                                                         said: str) -> None:
    error = error_of(*arguments, status=USAGE)
    assert said in error["text"]
    words = [word for word in arguments if word.isalpha()]
    assert "--help" in error["hint"]
    assert error["hint"].startswith("see 'secmapctl")
    if words and words[0] in {"run", "notify", "attach", "detach", "explain"}:
        assert f"secmapctl {words[0]} --help" in error["hint"]


def test_the_format_is_found_wherever_it_stands() -> None:
    compact = secmapctl("-j", "version")
    assert compact.out.count("\n") == 1
    assert secmapctl("version", "--json") == compact
    pretty = secmapctl("-p", "version")
    assert pretty.out.count("\n") > 1
    for arguments in (("version", "--pretty"), ("-jp", "version"), ("version", "-j", "-p")):
        assert secmapctl(*arguments) == pretty
    assert json.loads(pretty.out) == json.loads(compact.out)


def test_an_option_behind_the_dashes_is_the_programs() -> None:
    answer = secmapctl("run", "--profile", "/nowhere", "--", "true", "--json")
    assert answer.status == FAILURE
    assert answer.err.startswith("secmapctl: ")


def test_version() -> None:
    version = json_of("version", "version")
    assert version["abi"] == 1
    assert text_of("version").splitlines()[0] == f"secmapctl {version['secmapctl']}"
    assert text_of("--version").strip() == f"secmapctl {version['secmapctl']}"


@pytest.mark.parametrize("arguments", [
    ("policy", "list"), ("policy", "show", "1"), ("task", "list"), ("task", "show", "1"),
    ("attach", "--policy", "1", "--pid", "1"), ("detach", "--pid", "1"),
    ("explain", "--policy", "1", "--call", "read"), ("explain", "--pid", "1"),
    ("run", "--profile", PODMAN, "--", "true"), ("run", "--why", "--profile", PODMAN, "--", "true"),
    ("notify", "--on", "mount", "--", "true"),
])
def test_without_a_device_the_error_says_what_to_do(arguments: tuple[str, ...],
                                                   tmp_path: Path) -> None:
    error = error_of("--device", tmp_path / "none", *arguments)
    assert error["errno_name"] == "ENOENT"
    assert error["operation"] == f"open {tmp_path / 'none'}"
    assert "modprobe secmap" in error["hint"]


def test_another_device_is_not_taken_for_it() -> None:
    error = error_of("--device", "/dev/null", "policy", "list")
    assert error["errno_name"] == "ENOTTY"
    assert "not the device of secmap" in error["text"]


def test_the_device_can_be_named_in_the_environment(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    answer = secmapctl("-j", "feature", environment={"SECMAP_DEVICE": missing})
    assert json.loads(answer.out)["feature"]["device"] == missing


def test_feature_without_a_module_is_an_answer(tmp_path: Path) -> None:
    feature = json_of("feature", "--device", tmp_path / "none", "feature")
    assert feature["enforces"] == "no"
    assert feature["module"] is None
    assert feature["error"]["errno_name"] == "ENOENT"
    assert "modprobe secmap" in text_of("--device", tmp_path / "none", "feature")


def test_an_answer_that_cannot_be_written_is_a_failure() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([TOOL, "version"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == FAILURE
    assert b"write the answer" in done.stderr


def test_a_process_that_is_not_there_is_named() -> None:
    error = error_of("detach", "--pid", "2147483647")
    assert error["errno_name"] == "ESRCH"
    assert "2147483647" in error["operation"]


def test_validate_refuses_what_the_schema_does_not_know() -> None:
    document = json.loads(secmapctl("-j", "version").out)
    document["surprise"] = 1
    with pytest.raises(Exception, match="surprise"):
        validate(document, "version")
