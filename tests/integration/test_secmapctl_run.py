#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl run: what the program may do, how it ends, and that it never runs unfiltered."""

import errno
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answering import Answering
from loading import load, unload_at_last
from tool import (CANNOT_EXECUTE, FAILURE, NOT_FOUND, PODMAN, SUCCESS, TOOL, error_of, json_of,
                  secmapctl)

NOBODY = 65534

SOCKET, CLONE, PTRACE, MOUNT, SWAPON, KEYCTL, UNSHARE, BPF, ACCT = \
    41, 56, 101, 165, 167, 250, 272, 321, 163
KEXEC_LOAD, PERF_EVENT_OPEN, INIT_MODULE, PERSONALITY = 246, 298, 175, 135
AF_NETLINK, NETLINK_AUDIT, AF_VSOCK, SOCK_RAW, SOCK_STREAM = 16, 9, 40, 3, 1
CLONE_FLAGS = {"NEWNS": 0x20000, "NEWUTS": 0x4000000, "NEWIPC": 0x8000000, "NEWUSER": 0x10000000,
               "NEWPID": 0x20000000, "NEWNET": 0x40000000, "NEWCGROUP": 0x2000000}


def deny(*names: str, number: int = errno.EPERM, **more: Any) -> dict[str, Any]:
    """An entry that answers with an errno."""
    return {"names": list(names), "action": "SCMP_ACT_ERRNO", "errnoRet": number, **more}


def with_flag(flag: int) -> dict[str, Any]:
    """A comparison: argument 0 has this bit."""
    return {"index": 0, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"}


def profile(*syscalls: dict[str, Any]) -> dict[str, Any]:
    """Everything is allowed but what is said."""
    return {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": list(syscalls)}


@pytest.fixture(name="strict")
def _strict(tmp_path: Path) -> Path:
    """What a container's profile denies, for a program that keeps all capabilities."""
    path = tmp_path / "strict.json"
    entries = [deny("mount", "umount2", "unshare", "keyctl", "ptrace"),
               deny("socket", number=errno.EAFNOSUPPORT,
                    args=[{"index": 0, "value": AF_VSOCK, "op": "SCMP_CMP_EQ"}]),
               *(deny("clone", args=[with_flag(flag)]) for flag in CLONE_FLAGS.values())]
    path.write_text(json.dumps(profile(*entries)), encoding="ascii")
    return path


@pytest.fixture(name="public_tool")
def _public_tool() -> Iterator[Path]:
    """The tool where everybody can reach it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield Path(shutil.copy(TOOL, folder / "secmapctl"))
    shutil.rmtree(folder)


def run(profile_file: Path | str, *program: str) -> subprocess.CompletedProcess[str]:
    """The program under a profile, to its end."""
    return subprocess.run([TOOL, "run", "--profile", profile_file, "--", *program], check=False,
                          capture_output=True, text=True, timeout=120)


def under(profile_file: Path) -> Answering:
    """A process under a profile that makes calls."""
    return Answering(1, prefix=(str(TOOL), "run", "--profile", str(profile_file), "--"))


def test_podmans_profile_answers_as_podman_does() -> None:
    with under(PODMAN) as process:
        for number in (SWAPON, BPF, ACCT, KEXEC_LOAD, PERF_EVENT_OPEN, INIT_MODULE):
            assert process.ask(number, 0, 0, 0, 0, 0)[0] == [errno.EPERM], number
        assert process.ask(999)[0] == [errno.ENOSYS]
        assert process.ask(SOCKET, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)[0] == [errno.EINVAL]
        assert process.ask(SOCKET, AF_NETLINK, SOCK_RAW, 0)[0] == [0]
        assert process.ask(PERSONALITY, 0xFFFFFFFF)[0] == [0]
        assert process.ask(PERSONALITY, 0x0040000)[0] == [errno.ENOSYS]


def test_without_a_profile_these_calls_do_not_answer_so() -> None:
    with Answering(1) as process:
        assert process.ask(SWAPON, 0, 0)[0] == [errno.EFAULT]
        assert process.ask(ACCT, 0)[0] in ([0], [errno.ENOSYS])
        assert process.ask(UNSHARE, 0)[0] == [0]
        assert process.ask(KEYCTL, 0, -3 & 0xFFFFFFFF, 0)[0] != [errno.EPERM]


def test_a_strict_profile_denies_what_it_says_and_nothing_else(strict: Path) -> None:
    with under(strict) as process:
        for number in (MOUNT, UNSHARE, KEYCTL, PTRACE):
            assert process.ask(number, 0, 0, 0, 0, 0)[0] == [errno.EPERM], number
        assert process.ask(SOCKET, AF_VSOCK, SOCK_STREAM, 0)[0] == [errno.EAFNOSUPPORT]
        assert process.ask(SOCKET, AF_NETLINK, SOCK_RAW, 0)[0] == [0]
        for flag in CLONE_FLAGS.values():
            assert process.ask(CLONE, flag | signal.SIGCHLD, 0, 0, 0, 0)[0] == [errno.EPERM]
        assert process.ask(SWAPON, 0, 0)[0] == [errno.EFAULT]


def test_what_the_program_starts_is_filtered_too(strict: Path) -> None:
    done = run(strict, "sh", "-c", "unshare --uts true; (unshare --uts true); echo $?")
    assert done.stdout == "1\n"
    assert done.stderr.count("Operation not permitted") == 2


@pytest.mark.parametrize("status", (0, 1, 2, 7, 126, 127, 255))
def test_the_status_is_the_programs(status: int) -> None:
    done = run(PODMAN, "sh", "-c", f"exit {status}")
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_a_signal_ends_it_as_it_ends_the_program() -> None:
    assert run(PODMAN, "sh", "-c", "kill -TERM $$").returncode == -signal.SIGTERM


def test_a_denied_call_can_kill(tmp_path: Path) -> None:
    path = tmp_path / "kill.json"
    entry = {"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"}
    path.write_text(json.dumps(profile(entry)), encoding="ascii")
    assert run(path, "hostname", "elsewhere").returncode == -signal.SIGSYS
    assert os.uname().nodename != "elsewhere"


def test_exec_failures_are_those_of_env(tmp_path: Path) -> None:
    missing = secmapctl("run", "--profile", PODMAN, "--", tmp_path / "none")
    assert missing.status == NOT_FOUND
    assert f"execute {tmp_path / 'none'}" in missing.err
    text = tmp_path / "text"
    text.write_text("text", encoding="ascii")
    assert secmapctl("run", "--profile", PODMAN, "--", text).status == CANNOT_EXECUTE


def test_a_profile_that_denies_execve_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    path.write_text(json.dumps(profile(deny("execve"))), encoding="ascii")
    error = error_of("run", "--profile", path, "--", "true", status=CANNOT_EXECUTE)
    assert error["errno_name"] == "EPERM"
    assert "execve" in error["hint"]


def test_the_program_gets_no_descriptor_and_no_new_privileges() -> None:
    code = "import os; print(sorted(os.listdir('/proc/self/fd')), open('/proc/self/status').read())"
    done = run(PODMAN, "/usr/bin/python3", "-c", code)
    assert done.stdout.startswith("['0', '1', '2', '3']")  # 3 is the folder's own
    assert "NoNewPrivs:\t1" in done.stdout


def test_standard_input_is_the_programs() -> None:
    done = subprocess.run([TOOL, "run", "--profile", PODMAN, "--", "cat"], input="through\n",
                          capture_output=True, text=True, check=True)
    assert done.stdout == "through\n"


def test_privileges_can_be_left_as_they_are() -> None:
    done = subprocess.run([TOOL, "run", "--no-nnp", "--profile", PODMAN, "--", "grep", "NoNew",
                           "/proc/self/status"], capture_output=True, text=True, check=True)
    assert done.stdout == "NoNewPrivs:\t0\n"


@pytest.mark.parametrize("fault", ["profile", "missing", "name", "device"])
def test_whatever_fails_the_program_does_not_run(tmp_path: Path, fault: str) -> None:
    ran = tmp_path / "ran"
    path = tmp_path / "p.json"
    path.write_text(json.dumps(profile(deny("mount"))), encoding="ascii")
    if fault == "profile":
        path.write_text("{", encoding="ascii")
    if fault == "missing":
        path.unlink()
    options = {"name": ["--name", "not a name"], "device": ["--device", "/dev/null"]}
    error = error_of("run", "--profile", path, *options.get(fault, []), "--", "touch", str(ran))
    assert not ran.exists()
    if fault == "name":
        assert "the module refused it" in error["text"]


def test_without_the_module_the_program_does_not_run(tmp_path: Path) -> None:
    unload_at_last()
    try:
        error = error_of("run", "--profile", PODMAN, "--", "touch", str(tmp_path / "ran"))
        feature = json_of("feature", "feature")
    finally:
        load()
    assert not (tmp_path / "ran").exists()
    assert "modprobe secmap" in error["hint"]
    assert (feature["enforces"], feature["module"]) == ("no", None)
    assert feature["error"]["errno_name"] == "ENOENT"


def test_anybody_can_restrict_himself(public_tool: Path) -> None:
    done = subprocess.run([public_tool, "run", "--profile", PODMAN, "--", "id", "-u"],
                          capture_output=True, text=True, check=False, user=NOBODY, group=NOBODY,
                          extra_groups=[])
    assert (done.returncode, done.stdout, done.stderr) == (SUCCESS, f"{NOBODY}\n", "")


@pytest.mark.parametrize(("arguments", "number"), [
    (("run", "--no-nnp", "--profile", str(PODMAN), "--", "id"), "EACCES"),
    (("policy", "list"), "EPERM"), (("policy", "show", "1"), "EPERM"), (("task", "list"), "EPERM"),
    (("task", "show", "1"), "EPERM"), (("detach", "--pid", "1"), "EPERM"),
    (("attach", "--profile", str(PODMAN), "--pid", "1"), "EPERM"),
])
def test_nobody_can_do_no_more_than_that(public_tool: Path, arguments: tuple[str, ...],
                                         number: str) -> None:
    done = subprocess.run([public_tool, "--json", *arguments], capture_output=True, text=True,
                          check=False, user=NOBODY, group=NOBODY, extra_groups=[])
    assert (done.returncode, done.stdout) == (FAILURE, "")
    error = json.loads(done.stderr)["error"]
    assert error["errno_name"] == number
    assert "CAP_SYS_ADMIN" in error["hint"]


def test_policies_of_several_runs_pile_up(tmp_path: Path, strict: Path) -> None:
    inner = tmp_path / "inner.json"
    inner.write_text(json.dumps(profile(deny("getpid", number=errno.EXDEV),
                                        deny("mount", number=errno.EXDEV))), encoding="ascii")
    prefix = (str(TOOL), "run", "--profile", str(strict), "--",
              str(TOOL), "run", "--profile", str(inner), "--")
    with Answering(1, prefix=prefix) as process:
        assert process.ask(39)[0] == [errno.EXDEV]
        assert process.ask(MOUNT)[0] == [errno.EXDEV]  # the newer one's, as seccomp(2)
        assert process.ask(UNSHARE, 0)[0] == [errno.EPERM]
        shown = json_of("task-show", "task", "show", str(process.pid))
        assert [len(thread["policies"]) for thread in shown["threads"]] == [2]
