#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the module's refusals become: a preloaded ioctl() answers in the module's place."""

import errno
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tool import FAILURE, PODMAN, TOOL, TOP, validate

SHIM = Path(__file__).parent / "answering_device.c"
INFO, TABLE_CREATE, POLICY_CREATE, POLICY_BY_ID, POLICY_NEXT, POLICY_INFO, POLICY_TEST, ATTACH = \
    range(8)
POLICY_REPLACE, POLICY_SEAL, RECORDER_CREATE, RECORDER_READ = 12, 13, 14, 15
ATTEMPTS = 100


@dataclass(frozen=True)
class Device:
    """A device that is not there, and that fails as it is told to."""

    library: Path

    def environment(self, fail: tuple[int, int, int] | None, abi: int, log: str,
                    **more: str) -> dict[str, str]:
        """What the shim reads: the ioctl that fails, its errno, and how often."""
        chosen = {"SHIM_FAIL": ":".join(map(str, fail))} if fail else {}
        return {**os.environ, "LD_PRELOAD": str(self.library), "SHIM_ABI": str(abi),
                "SHIM_LOG": log, **chosen, **more}

    def ask(self, *arguments: str | Path, fail: tuple[int, int, int] | None = None, abi: int = 1,
            log: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run the tool on it."""
        return subprocess.run([TOOL, "--json", "--device", "/dev/null", *arguments], check=False,
                              capture_output=True, text=True, timeout=60,
                              env=self.environment(fail, abi, log, **more))

    def error(self, *arguments: str | Path, **how: Any) -> Any:
        """The error that a command ends with."""
        done = self.ask(*arguments, **how)
        assert (done.returncode, done.stdout) == (FAILURE, ""), done
        document = json.loads(done.stderr)
        validate(document, "error")
        return document["error"]


@pytest.fixture(name="device", scope="module")
def _device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    library = tmp_path_factory.mktemp("shim") / "answering_device.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", f"-I{TOP / 'uapi'}",
                    "-o", library, SHIM], check=True)
    return Device(library)


def run(*options: str) -> tuple[str | Path, ...]:
    """`run` with a program that says that it ran."""
    return ("run", "--profile", PODMAN, *options, "--", "echo", "ran")


def test_all_is_well_without_a_fault(device: Device) -> None:
    done = device.ask(*run())
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")


def test_another_version_of_the_abi_is_refused(device: Device) -> None:
    error = device.error(*run(), abi=2)
    assert "version 2 of the ABI, this library version 1" in error["text"]
    assert "same release" in error["hint"]


def test_what_is_tried_again_works_at_last(device: Device) -> None:
    done = device.ask(*run(), fail=(ATTACH, errno.EAGAIN, ATTEMPTS - 1))
    assert (done.returncode, done.stdout) == (0, "ran\n")


def test_nothing_is_tried_for_ever(device: Device) -> None:
    error = device.error(*run(), fail=(ATTACH, errno.EAGAIN, ATTEMPTS))
    assert error["errno_name"] == "EAGAIN"
    assert error["hint"] == "try again"


def test_an_interrupted_call_is_made_again(device: Device) -> None:
    done = device.ask(*run(), fail=(POLICY_CREATE, errno.EINTR, 1000))
    assert (done.returncode, done.stdout) == (0, "ran\n")


@pytest.mark.parametrize(("ioctl", "number", "said", "hint"), [
    (ATTACH, errno.ENOSYS, "this kernel cannot skip a system call", "feature"),
    (ATTACH, errno.EACCES, "no_new_privs is not set", "--no-nnp"),
    (ATTACH, errno.ENOSPC, "the stack of the task is full", "feature"),
    (ATTACH, errno.ENOMEM, "no memory", ""),
    (TABLE_CREATE, errno.E2BIG, "more than the module takes", "feature"),
    (TABLE_CREATE, errno.ENOTTY, "does not know this operation", "module"),
    (POLICY_CREATE, errno.EOPNOTSUPP, "does not know this value", "module"),
    (INFO, errno.ENOTTY, "not the device of secmap", "/dev/secmap"),
])
def test_each_refusal_says_why_and_what_to_do(device: Device, ioctl: int, number: int, said: str,
                                              hint: str) -> None:
    error = device.error(*run(), fail=(ioctl, number, 1))
    assert error["errno"] == number
    assert said in error["text"]
    assert hint in error["hint"]


def test_the_modules_reason_is_passed_on(device: Device) -> None:
    error = device.error(*run(), fail=(POLICY_CREATE, errno.EINVAL, 1), log="rule 3: no such thing")
    assert error["operation"] == "create policy 'seccomp'"
    assert error["text"] == "the module refused it: rule 3: no such thing"


def test_actions_that_cannot_be_carried_out_are_named(device: Device) -> None:
    error = device.error(*run(), fail=(ATTACH, errno.EOPNOTSUPP, 1))
    assert error["text"] == "this module cannot carry out TRAP, TRACE"
    assert error["hint"].startswith("it carries out KILL_PROCESS, ERRNO, LOG, ALLOW;")


def test_notify_says_what_failed_in_the_new_process(device: Device) -> None:
    error = device.error("notify", "--on", "mount", "--", "echo", "ran", fail=(ATTACH, errno.EBUSY, 1))
    assert error["errno_name"] == "EBUSY"
    assert error["operation"].startswith("attach policy ")
    assert error["text"] == "the task has a listener already"
    assert error["hint"] == "one listener answers for a whole stack"


def test_a_list_ends_where_the_module_says(device: Device) -> None:
    done = device.ask("policy", "list", fail=(POLICY_NEXT, errno.ENOENT, 1))
    assert (done.returncode, json.loads(done.stdout)) == (0, {"schema": 1, "policies": []})


REPLACE = ("policy", "replace", "8", "--profile", PODMAN)


def test_a_replacement_that_is_allowed_is_no_error(device: Device) -> None:
    done = device.ask(*REPLACE, SHIM_SEALED="1", SHIM_DEPTH="2")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["replace"]["tasks"] == 0


@pytest.mark.parametrize(("state", "said", "hint"), [
    ({}, "not allowed", "CAP_SYS_ADMIN"),
    ({"SHIM_SEALED": "1"}, "policy 8 is sealed", "detach"),
    ({"SHIM_DEPTH": "2"}, "the caller is filtered itself", "task list"),
    ({"SHIM_SEALED": "1", "SHIM_DEPTH": "2"}, "policy 8 is sealed", "attach"),
])
def test_the_reasons_for_which_nothing_is_replaced_are_told_apart(device: Device, state: dict[str, str],
                                                                 said: str, hint: str) -> None:
    error = device.error(*REPLACE, fail=(POLICY_REPLACE, errno.EPERM, 1), **state)
    assert error["errno_name"] == "EPERM"
    assert error["operation"].startswith("replace policy 8 by policy ")
    assert said in error["text"]
    assert hint in error["hint"]


@pytest.mark.parametrize(("number", "said", "hint"), [
    (errno.ENOSPC, "would cost too much with the new one; no task was changed", "feature"),
    (errno.EEXIST, "they are the same policy", "another one"),
    (errno.ENOTTY, "does not know this operation", "module"),
    (errno.ENOMEM, "no memory", ""),
])
def test_a_replacement_that_fails_says_why(device: Device, number: int, said: str, hint: str) -> None:
    error = device.error(*REPLACE, fail=(POLICY_REPLACE, number, 1), SHIM_SEALED="1")
    assert error["errno"] == number
    assert said in error["text"]
    assert hint in error["hint"]


TIGHTEN = ("policy", "tighten", "8", "--profile", PODMAN)


def test_tightening_that_is_allowed_is_no_error(device: Device) -> None:
    both: list[list[str | Path]] = [[], ["--from", PODMAN]]
    for more in both:
        done = device.ask(*TIGHTEN, *more)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["tighten"]["tasks"] == 0


@pytest.mark.parametrize(("number", "log", "said", "hint"), [
    (errno.EXDEV, "x86_64 number 41: calls may get", "socket of x86_64: calls may get", "diff"),
    (errno.EXDEV, "i386 number 4095: calls", "#4095 of i386: calls", "diff"),
    (errno.EXDEV, "other ABIs: calls", "other ABIs: calls", "diff"),
    (errno.EPERM, "policy 8 is sealed", "policy 8 is sealed", "CAP_SYS_ADMIN"),
    (errno.EOPNOTSUPP, "policy 8 is a program", "policy 8 is a program, which cannot", "attach"),
    (errno.EOPNOTSUPP, "", "does not know how", "attach"),
    (errno.E2BIG, "", "does not know how", "newer"),
    (errno.ENOSPC, "", "or too many hold it; no task was changed", "feature"),
    (errno.EEXIST, "", "they are the same policy", "another one"),
    (errno.ENOTTY, "", "does not know this operation", "module"),
])
def test_tightening_that_fails_says_why(device: Device, number: int, log: str, said: str, hint: str) -> None:
    error = device.error(*TIGHTEN, fail=(POLICY_REPLACE, number, 1), log=log)
    assert error["errno"] == number
    assert error["operation"].startswith("tighten policy 8 to policy ")
    assert said in error["text"]
    assert hint in error["hint"]


def test_profiles_are_compared_before_the_module_compares(device: Device, tmp_path: Path) -> None:
    """The call is told by its name, and nothing is asked of the module."""
    loose, tight = tmp_path / "loose.json", tmp_path / "tight.json"
    loose.write_text('{"defaultAction": "SCMP_ACT_ALLOW"}', encoding="ascii")
    tight.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}), encoding="ascii")
    forth = ("policy", "tighten", "8", "--profile", tight, "--from", loose)
    back = ("policy", "tighten", "8", "--profile", loose, "--from", tight)
    assert device.ask(*forth).returncode == 0
    error = device.error(*back, fail=(POLICY_REPLACE, errno.ENOTTY, 1))
    assert error["errno"] == errno.EXDEV
    assert error["text"] == "mount(165) of x86_64: ALLOW, was ERRNO(1 EPERM)"
    assert "policy diff" in error["hint"]
    error = device.error("policy", "tighten", "8", "--profile", tight, "--from", tmp_path / "none")
    assert error["errno"] == errno.ENOENT


def test_a_real_profile_with_less_in_it(device: Device, tmp_path: Path) -> None:
    """Whatever of podman's profile is left out, and what of it was allowed does not come back."""
    profile = json.loads(PODMAN.read_text(encoding="utf-8"))
    entries = profile["syscalls"]
    less = tmp_path / "less.json"
    refused = 0
    for at in range(0, len(entries), 3):
        profile["syscalls"] = entries[:at] + entries[at + 1:]
        less.write_text(json.dumps(profile), encoding="ascii")
        done = device.ask("policy", "tighten", "8", "--profile", less, "--from", PODMAN)
        if "compile profile" in done.stderr:
            continue
        assert done.returncode == 0, (entries[at], done.stderr)
        done = device.ask("policy", "tighten", "8", "--profile", PODMAN, "--from", less)
        refused += done.returncode
    assert 1 < refused < len(entries) / 3


def test_a_policy_that_cannot_be_sealed_is_named(device: Device) -> None:
    error = device.error("policy", "seal", "8", fail=(POLICY_SEAL, errno.ENOTTY, 1))
    assert error["operation"] == "seal policy 8"
    assert "does not know this operation" in error["text"]


@pytest.mark.parametrize(("state", "said", "hint"), [
    ({}, "not allowed", "who made it, or CAP_SYS_ADMIN"),
    ({"SHIM_DEPTH": "2"}, "the caller is filtered itself", "task list"),
])
def test_the_reasons_for_which_nothing_is_sealed_are_told_apart(device: Device, state: dict[str, str],
                                                               said: str, hint: str) -> None:
    error = device.error("policy", "seal", "8", fail=(POLICY_SEAL, errno.EPERM, 1), **state)
    assert (error["operation"], error["errno_name"], error["text"]) == ("seal policy 8", "EPERM", said)
    assert hint in error["hint"]


@pytest.mark.parametrize("digits", ["0", "00", "4294967296", "99999999999999999999"])
def test_digits_that_are_no_id_are_not_a_name(device: Device, digits: str) -> None:
    error = device.error("policy", "seal", digits)
    assert error["operation"] == f"open policy {digits}"
    assert (error["errno_name"], error["text"]) == ("ENOENT", "no policy has this id")
    assert "policy list" in error["hint"]


def learn(tmp_path: Path, *options: str | Path) -> tuple[str | Path, ...]:
    """`learn` with a program that says that it ran, and a file to write."""
    return ("learn", "--output", tmp_path / "learned.json", *options, "--", "echo", "ran")


def test_a_module_that_does_not_record_is_named(device: Device, tmp_path: Path) -> None:
    for command in (learn(tmp_path), run("--complain")):
        error = device.error(*command, fail=(RECORDER_CREATE, errno.ENOTTY, 1))
        assert (error["operation"], error["errno_name"]) == ("make a recorder", "ENOTTY")
        assert "does not record" in error["text"] and "load the module" in error["hint"]


def test_nothing_runs_if_it_cannot_be_recorded(device: Device, tmp_path: Path) -> None:
    error = device.error(*learn(tmp_path), fail=(ATTACH, errno.EACCES, 1))
    assert (error["operation"], error["errno_name"]) == ("record the calls of the calling thread", "EACCES")


def test_what_cannot_be_written_is_told_before_the_program_runs(device: Device, tmp_path: Path) -> None:
    (tmp_path / "learned.json").mkdir()
    error = device.error(*learn(tmp_path))
    assert error["operation"] == f"write {tmp_path / 'learned.json'}"
    assert error["errno_name"] == "EISDIR"


def test_what_was_learned_and_cannot_be_read_is_no_success(device: Device, tmp_path: Path) -> None:
    done = device.ask(*learn(tmp_path), fail=(RECORDER_READ, errno.ENOMEM, 1))
    assert (done.returncode, done.stdout) == (FAILURE, "ran\n")
    error = json.loads(done.stderr)["error"]
    assert (error["operation"], error["errno_name"]) == ("read what was recorded", "ENOMEM")


@pytest.mark.parametrize("option", ["--base", "--merge"])
def test_a_profile_that_allows_by_default_is_no_base(device: Device, tmp_path: Path, option: str) -> None:
    base = tmp_path / "base.json"
    base.write_text('{"defaultAction": "SCMP_ACT_ALLOW"}', encoding="utf-8")
    error = device.error(*learn(tmp_path, option, base))
    assert str(base) in error["text"] and "allows what it does not name" in error["text"]
    assert "defaultAction denies" in error["hint"]
