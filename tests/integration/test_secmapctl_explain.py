#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl explain of policies and tasks, run --why, and what is evaded by the upper half of an int."""

import errno
import json
import os
import signal
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import watching
from answering import Answering
from tool import FAILURE, PODMAN, TOOL, error_of, json_of, text_of, validate

NOBODY = 65534
SOCKET, MOUNT, GETPGRP, GETSID = 41, 165, 111, 124
AF_NETLINK, SOCK_RAW = 16, 3
BEYOND = 1 << 32


def entry(action: str, *names: str, **more: Any) -> dict[str, Any]:
    """One of "syscalls"."""
    return {"names": list(names), "action": f"SCMP_ACT_{action}", **more}


def equals(index: int, value: int) -> dict[str, Any]:
    """A comparison."""
    return {"index": index, "value": value, "op": "SCMP_CMP_EQ"}


@pytest.fixture(name="write")
def _write() -> Iterator[Callable[..., Path]]:
    """Makes a profile where everybody can read it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)

    def write(name: str, *entries: dict[str, Any], default: str = "ALLOW") -> Path:
        path = folder / f"{name}.json"
        path.write_text(json.dumps({"defaultAction": f"SCMP_ACT_{default}", "syscalls": list(entries)}),
                        encoding="ascii")
        return path
    yield write
    shutil.rmtree(folder)


def prefix(profile: Path, *options: str) -> tuple[str, ...]:
    """What stands before a program."""
    return (str(TOOL), "run", "--profile", str(profile), *options, "--")


@pytest.mark.parametrize("engine", ["maps", "ebpf", "cbpf"])
def test_an_int_is_evaded_by_its_upper_half_and_not_with_the_kernels_widths(write: Callable[..., Path],
                                                                            engine: str) -> None:
    profile = write("netlink", entry("ERRNO", "socket", args=[equals(0, AF_NETLINK)]))
    evading = (SOCKET, BEYOND | AF_NETLINK, SOCK_RAW, 0)
    with Answering(1, prefix=prefix(profile, "--engine", engine)) as process:
        assert process.ask(SOCKET, AF_NETLINK, SOCK_RAW, 0)[0] == [errno.EPERM]
        assert process.ask(*evading)[0] == [0]
    with Answering(1, prefix=prefix(profile, "--engine", engine, "--widths", "kernel")) as process:
        assert process.ask(SOCKET, AF_NETLINK, SOCK_RAW, 0)[0] == [errno.EPERM]
        assert process.ask(*evading)[0] == [errno.EPERM]
        assert process.ask(SOCKET, BEYOND | 1, 1, 0)[0] == [0]


def test_a_task_its_policies_and_which_decides(write: Callable[..., Path]) -> None:
    older = write("older", entry("ERRNO", "mount", errnoRet=errno.EACCES), entry("TRAP", "getpgrp"))
    newer = write("newer", entry("ERRNO", "mount", "getpgrp", "getsid"))
    with Answering(1, prefix=(*prefix(older), *prefix(newer))) as process:
        pid = str(process.pid)

        def asked(call: str, *options: str | Path) -> Any:
            return json_of("explain", "explain", "--pid", pid, "--call", call, *options)

        # Of equals the newest; else the strictest.
        found = asked("mount")
        assert [each["policy_name"] for each in found["policies"]] == ["newer", "older"]
        assert [each["decides"] for each in found["policies"]] == [True, False]
        assert [each["action"]["errno"] for each in found["policies"]] == [errno.EPERM, errno.EACCES]
        assert process.ask(MOUNT, 0, 0, 0, 0, 0)[0] == [errno.EPERM]
        assert [each["decides"] for each in asked("getpgrp")["policies"]] == [False, True]
        assert [each["decides"] for each in asked("getsid")["policies"]] == [True, False]
        # The place in the profile, of the policy that was made of it.
        found = asked("mount", "--profile", older)
        assert [each["origins"] for each in found["policies"]] == [[], ["/syscalls/0"]]
        assert len(found["notes"]) == 1 and "was not made of" in found["notes"][0]
        text = text_of("explain", "--pid", pid, "--call", "mount")
        assert f"process {pid} (python3): mount is denied, EPERM, by rule " in text
        assert "(newer): denied, EPERM, by rule " in text and "  <- decides\n" in text
        carried = json_of("explain", "explain", "--pid", pid)
        assert carried["call"] is None and len(carried["policies"]) == 2
        assert json_of("explain", "explain", "--pid", pid, "--thread", pid, "--call", "mount")["tid"] == process.pid
        error = error_of("explain", "--pid", pid, "--thread", str(os.getpid()), "--call", "mount")
        assert error["errno_name"] == "ESRCH" and pid in error["hint"]
    free = json_of("explain", "explain", "--pid", str(os.getpid()), "--call", "mount")
    assert free["policies"] == []
    assert "is not filtered: mount is made\n" in text_of("explain", "--pid", str(os.getpid()), "--call", "mount")


def test_threads_that_carry_something_else_are_told(write: Callable[..., Path]) -> None:
    profile = write("one", entry("ERRNO", "mount"))
    with Answering(2) as process:
        (other,) = process.tids() - {process.pid}
        text_of("attach", "--profile", profile, "--pid", str(process.pid), "--thread", str(other))
        found = json_of("explain", "explain", "--pid", str(process.pid), "--call", "mount")
        assert (found["policies"], found["notes"]) == \
            ([], [f"other threads of it carry something else: {other} (--thread)"])
        found = json_of("explain", "explain", "--pid", str(process.pid), "--thread", str(other), "--call", "mount")
        assert len(found["policies"]) == 1


@pytest.mark.parametrize("engine", ["maps", "ebpf", "cbpf"])
def test_a_policy_with_its_profile_beside_it(write: Callable[..., Path], engine: str) -> None:
    profile = write(f"beside-{engine}", entry("ERRNO", "mount"), entry("ERRNO", "getsid", args=[equals(0, 7)]))
    # As many rules and conditions, and another value.
    other = write("other", entry("ERRNO", "mount"), entry("ERRNO", "getsid", args=[equals(0, 8)]))
    with Answering(1, prefix=prefix(profile, "--engine", engine)):
        name = f"beside-{engine}"
        asked = ("explain", "--policy", name, "--call", "getsid", "--arg", "0=7")
        alone = json_of("explain", *asked)
        assert alone["action"]["errno"] == errno.EPERM and alone["considered"] == []
        beside = json_of("explain", *asked, "--profile", profile)
        assert (beside["decided_by"], beside["origins"], beside["notes"]) == ("rule", ["/syscalls/1"], [])
        if engine == "maps":
            assert alone["rule"] == beside["rule"] and "--profile FILE" in alone["notes"][0]
        wrong = json_of("explain", *asked, "--profile", other)
        assert wrong["origins"] == [] and len(wrong["notes"]) == 1
        summary = json_of("explain", "explain", "--policy", name, "--profile", profile)
        assert {each["origin"] for each in summary["rules"]} == {"/syscalls/0", "/syscalls/1"}
        answers = json_of("explain", "explain", "--policy", name)["answers"]
        assert answers[MOUNT]["action"]["errno"] == errno.EPERM and answers[GETPGRP]["action"]["name"] == "ALLOW"
        assert "mount(165)" in text_of("explain", "--policy", name)


def why(profile: Path | None, *program: str, options: tuple[str, ...] = ()) -> tuple[int, Any]:
    """The status of a program, and what it was denied; people read the same."""
    source = ("--profile", str(profile)) if profile else ()
    with tempfile.NamedTemporaryFile() as output:
        done = subprocess.run([TOOL, "--json", "run", "--why", *source, *options, "--output", output.name, "--",
                               *program], check=False, capture_output=True, text=True, timeout=120)
        document = json.load(output)
    validate(document, "run-why")
    return done.returncode, document["why"]


def test_why_a_program_fails_and_what_would_allow_it(write: Callable[..., Path], call: tuple[str, ...]) -> None:
    denied = (entry("ERRNO", "mount"), entry("ALLOW", "getsid", args=[equals(0, 1)]),
              entry("ERRNO", "getsid", args=[equals(0, 7)], errnoRet=errno.EACCES))
    profile = write("why", *denied)
    script = " ".join(call)
    lines = f"for i in 1 2 3; do {script} {MOUNT} $i 0 0 0 0; done; {script} {GETSID} 7; {script} {GETSID} 0; exit 7"
    status, found = why(profile, "sh", "-c", lines)
    assert status == 7 and (found["lost"], found["suppressed"], found["profile"]) == (0, 0, str(profile))
    mounts, getsid = found["denials"]
    assert (mounts["count"], mounts["call"]["name"], mounts["origin"]) == (3, "mount", "/syscalls/0")
    assert mounts["decided_by"] == "rule" and mounts["action"]["errno"] == errno.EPERM
    assert mounts["remedy"] == {"add_entry": None, "take_out_of": "/syscalls/0", "add_architecture": None}
    assert (getsid["count"], getsid["origin"], getsid["action"]["errno"]) == (1, "/syscalls/2", errno.EACCES)
    assert getsid["remedy"]["take_out_of"] == "/syscalls/2"
    shown = subprocess.run([TOOL, "run", "--why", "--profile", profile, "--", "sh", "-c", lines], check=False,
                           capture_output=True, text=True, timeout=120)
    assert shown.returncode == 7
    assert f"secmapctl: sh: 2 kinds of call denied by {profile}\n" in shown.stderr
    assert "is denied, EPERM, by rule " in shown.stderr and "[/syscalls/0], 3 times, first in " in shown.stderr
    assert "    to allow it, take mount out of /syscalls/0\n" in shown.stderr


def test_the_remedy_is_one(write: Callable[..., Path], call: tuple[str, ...]) -> None:
    """What the default denies is added, with the arguments that matter; then nothing is denied."""
    entries = json.loads(PODMAN.read_text(encoding="utf-8"))["syscalls"]
    for each in entries:
        each["names"] = [name for name in each["names"] if name not in ("mount", "getsid")]
    entries = [each for each in entries if each["names"]] + [entry("ALLOW", "getsid", args=[equals(0, 1)])]
    profile = write("default", *entries, default="ERRNO")
    lines = f"{' '.join(call)} {MOUNT} 0 0 0 0 0; {' '.join(call)} {GETSID} 0"
    _, found = why(profile, "sh", "-c", lines)
    denials = [each for each in found["denials"] if each["call"]["name"] in ("mount", "getsid")]
    added = [each["remedy"]["add_entry"] for each in denials]
    assert added == [{"names": ["mount"], "action": "SCMP_ACT_ALLOW"},
                     {"names": ["getsid"], "action": "SCMP_ACT_ALLOW", "args": [equals(0, 0)]}]
    assert {(each["decided_by"], each["origin"]) for each in denials} == {("default", "/defaultAction")}
    _, found = why(write("mended", *entries, *added, default="ERRNO"), "sh", "-c", lines)
    assert not {"mount", "getsid"} & {each["call"]["name"] for each in found["denials"]}


def test_why_of_a_killed_program_and_of_one_that_is_not_executed(write: Callable[..., Path],
                                                                 call: tuple[str, ...]) -> None:
    status, found = why(write("kill", entry("KILL_PROCESS", "mount")), *call, str(MOUNT), "0", "0", "0", "0", "0")
    assert status == -signal.SIGSYS
    assert [each["action"]["name"] for each in found["denials"]] == ["KILL_PROCESS"]
    status, found = why(write("exec", entry("ERRNO", "execve")), "true")
    assert status == 126
    assert [each["call"]["name"] for each in found["denials"]] == ["execve"]
    status, found = why(write("nothing"), "/nowhere")
    assert (status, found["denials"]) == (127, [])


def test_why_of_a_program_that_a_program_holds(write: Callable[..., Path], call: tuple[str, ...],
                                               tmp_path: Path) -> None:
    """There is no profile: the action is all that is known. With --engine there is one."""
    filter_file = tmp_path / "filter.bpf"
    # nr == mount: ERRNO EPERM, else ALLOW
    insns = [(0x20, 0, 0, 0), (0x15, 0, 1, MOUNT), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
    filter_file.write_bytes(b"".join(code.to_bytes(2, "little") + bytes((jt, jf)) + k.to_bytes(4, "little")
                                     for code, jt, jf, k in insns))
    made = (*call, str(MOUNT), "0", "0", "0", "0", "0")
    _, found = why(None, *made, options=("--cbpf", str(filter_file)))
    (denial,) = found["denials"]
    assert (denial["action"]["errno"], denial["decided_by"], denial["remedy"]) == (errno.EPERM, None, None)
    _, found = why(write("engine", entry("ERRNO", "mount")), *made, options=("--engine", "cbpf"))
    (denial,) = found["denials"]
    assert (denial["decided_by"], denial["origin"]) == ("rule", "/syscalls/0")


def test_what_was_not_told_is_counted(write: Callable[..., Path], call: tuple[str, ...]) -> None:
    profile = write("rate", entry("ERRNO", "mount"))
    lines = f"""
import ctypes, time
call = ctypes.CDLL(None).syscall
for i in range(50):
    call({MOUNT}, 0, 0, 0, 0, 0)
time.sleep(1.5)
call({MOUNT}, 0, 0, 0, 0, 0)
"""
    watching.rate(3)
    try:
        _, found = why(profile, "/usr/bin/python3", "-S", "-c", lines)
    finally:
        watching.rate(1000)
    (denial,) = found["denials"]
    assert found["suppressed"] > 0 and denial["count"] + found["suppressed"] == 51


def test_who_may_not_watch_learns_how_to(write: Callable[..., Path]) -> None:
    profile = write("nobody", entry("ERRNO", "setpriority"))
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    tool = shutil.copy(TOOL, folder / "secmapctl")
    ours = ("run", "--why", "--profile", str(profile), "--", "true")
    refused = subprocess.run([tool, "--json", *ours], check=False, capture_output=True, text=True, user=NOBODY)
    error = json.loads(refused.stderr)["error"]
    assert refused.returncode == FAILURE and error["errno_name"] == "EPERM"
    assert "unshare --user --map-root-user --pid --fork --mount-proc secmapctl run --why" in error["hint"]
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", tool,
                           *ours[:-1], "sh", "-c", "nice -n 5 true; exit 3"],
                          check=False, capture_output=True, text=True, user=NOBODY)
    shutil.rmtree(folder)
    assert done.returncode == 3 and "setpriority(" in done.stderr, done.stderr
    assert "to allow it, take setpriority out of /syscalls/0" in done.stderr


def test_a_signal_is_the_programs(write: Callable[..., Path]) -> None:
    """It is passed on, and the report comes at the program's end."""
    profile = write("signal", entry("ERRNO", "mount"))
    with subprocess.Popen([TOOL, "run", "--why", "--profile", profile, "--", "sh", "-c",
                           "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.1; done"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "caught\n"
        assert process.wait(timeout=60) == 5
        assert "nothing was denied" in process.stderr.read()
