# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl learn and run --complain: what is learned from real programs holds them, under secmap and
under seccomp(2) through libseccomp, and nothing else; and what is told of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import abi
import podman
import pytest
import tool
from answering import Answering
from asking import wait_until
from child import Child, gate
from control_group import Group, answering
from tool import TOOL, json_of, secmapctl, validate
from watching import Socket

SHORT = str(podman.WORKLOADS / "short.sh")
STOCK = str(Path(__file__).parent / "stock_profile.py")
WORKLOADS = ("redis", "nginx", "git", "compile", "python")
NEVER = ("mount", "ptrace", "reboot", "init_module")
UMASK, GETSID, GETPGID = 95, 124, 121
STACK = 64


def _run(command: Sequence[str | Path], folder: Path) -> "subprocess.CompletedProcess[str]":
    """In a folder of its own, the same path each time: what is said may have it in it."""
    return podman.run([str(word) for word in command], folder)


def _emptied(folder: Path) -> Path:
    subprocess.run(["rm", "-rf", folder], check=True)
    return folder


def _learned(profile: Path) -> dict[str, Any]:
    """Of a profile's allowed calls, those with arguments as a list of these."""
    document = json.loads(profile.read_text(encoding="utf-8"))
    found: dict[str, Any] = {}
    for entry in document["syscalls"]:
        assert entry["action"] == "SCMP_ACT_ALLOW"
        for name in entry["names"]:
            if "args" in entry:
                found.setdefault(name, []).append([arg["value"] for arg in entry["args"]])
            else:
                assert name not in found
                found[name] = None
    return found


def _said(*arguments: str | Path, schema: str = "learn") -> tuple[int, str, Any]:
    """Status, what the program said, and the report of JSON on standard error."""
    answer = secmapctl("--json", *arguments)
    document = json.loads(answer.err)
    validate(document, schema)
    return answer.status, answer.out, document[schema]


@pytest.mark.parametrize("name", WORKLOADS)
def test_what_is_learned_holds_the_same_work(dev: int, tmp_path: Path, name: str) -> None:
    folder, profile = tmp_path / "here", tmp_path / f"{name}.json"
    work = [SHORT, name]
    free = _run([TOOL, "learn", "--output", profile, "--", *work], folder)
    assert free.returncode == 0, free.stdout
    *said, recorded, written = free.stdout.splitlines()
    assert recorded.startswith("secmapctl: recorded in ") and str(profile) in written
    assert said
    with Socket() as watcher:
        watcher.watch()
        held = _run(podman.held(work, profile=profile), _emptied(folder))
        assert watcher.rest() == []
    assert (held.returncode, held.stdout.splitlines()) == (0, said)
    stock = _run([sys.executable, STOCK, "strictly", profile, *work], _emptied(folder))
    assert (stock.returncode, stock.stdout.splitlines()) == (0, said)
    found = _learned(profile)
    assert {"execve", "exit_group", "mmap"} <= set(found) and not set(NEVER) & set(found)
    answer = json_of("explain", "explain", "--profile", profile, "--call", "mount")
    assert answer["action"] == {"name": "ERRNO", "value": abi.ERRNO | 1, "errno": 1, "errno_name": "EPERM"}
    assert abi.task_list(dev) == []


def test_a_call_outside_it_is_denied(tmp_path: Path) -> None:
    """By its arguments alone; and by its number, for a program that was not learned from."""
    profile = tmp_path / "python.json"
    secmapctl("learn", "--output", profile, "--", SHORT, "python")
    assert all(values[0] != 16 for values in _learned(profile)["socket"])
    free = subprocess.run([SHORT, "python", "more"], capture_output=True, text=True, check=True)
    assert free.stdout.splitlines()[-1] == "made"
    for how in (podman.held([SHORT, "python", "more"], profile=profile),
                [sys.executable, STOCK, "as it is", str(profile), SHORT, "python", "more"]):
        held = subprocess.run(how, capture_output=True, text=True, check=False)
        assert held.stdout.splitlines() == [*free.stdout.splitlines()[:-1], "Operation not permitted"]
    unheard = tmp_path / "true.json"
    secmapctl("learn", "--output", unheard, "--", "true")
    denied = secmapctl("run", "--profile", unheard, "--", "/usr/bin/uname")
    assert denied.status != 0


# What it says, and how it ends.

def test_json_and_the_programs_status(tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    status, out, report = _said("learn", "--output", profile, "--", "sh", "-c", "echo hello; exit 7")
    assert (status, out) == (7, "hello\n")
    assert report["written_to"] == str(profile) and report["notes"] == []
    assert report["recorded"]["x86_64"] > 10
    assert report["recorded"]["x32"] == report["recorded"]["i386"] == 0
    found = _learned(profile)
    assert report["allowed"] == sorted(found)
    assert report["limited"] == sum(values is not None for values in found.values())
    document = json.loads(profile.read_text(encoding="utf-8"))
    assert document["architectures"] == ["SCMP_ARCH_X86_64"]
    assert (document["defaultAction"], document["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 1)
    assert json_of("policy-check", "policy", "check", profile)["source"]["notes"] == []


def test_a_signal_ends_the_program_and_what_was_learned_is_written(tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    with subprocess.Popen([TOOL, "learn", "--output", profile, "--progress", "1", "--", "sleep", "600"],
                          stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert "different calls" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == -signal.SIGTERM
    assert "clock_nanosleep" in _learned(profile)


def test_merging(tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    for options, code in (((), "import os; os.umask(18)"),
                          (("--merge", str(profile)), "import os; os.getsid(0)")):
        answer = secmapctl("learn", "--args", "prctl", "--output", profile, *options, "--",
                           "/usr/bin/python3", "-c", code)
        assert answer.status == 0, answer.err
    assert {"umask", "getsid"} <= set(_learned(profile))


def test_a_base(tmp_path: Path) -> None:
    """Podman's: what it allows stays allowed, its default and what it says of others, too."""
    profile = tmp_path / "profile.json"
    script = "import ctypes; ctypes.CDLL(None).syscall(321, 0, 0, 0)"  # bpf, which it denies
    answer = secmapctl("learn", "--base", tool.PODMAN, "--output", profile, "--args", "none", "--",
                       "/usr/bin/python3", "-c", script)
    assert answer.status == 0, answer.err
    document = json.loads(profile.read_text(encoding="utf-8"))
    assert document["defaultErrnoRet"] == 38
    assert set(document["architectures"]) == {"SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_X86"}
    gained = json_of_diff(tool.PODMAN, profile)
    assert {name for each in gained for name in each["gained"]} == {"bpf"}
    assert all(not each["lost"] for each in gained)


def json_of_diff(before: Path, after: Path) -> list[dict[str, list[str]]]:
    """By ABI, the names of calls that are made for more, or fewer, arguments."""
    answer = secmapctl("--json", "policy", "diff", before, after)
    document = json.loads(answer.out)["diff"]
    return [{kind: [call["name"] for change in each[kind] for call in change["calls"]]
             for kind in ("gained", "lost")} for each in document["abis"]]


def test_more_arguments_than_there_is_room_for(tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    script = "import os\nfor each in range(300): os.umask(each)"
    _, _, report = _said("learn", "--args", "umask:0,prctl", "--output", profile, "--",
                         "/usr/bin/python3", "-c", script)
    assert _learned(profile)["umask"] is None
    assert report["notes"] == [
        "umask of x86_64 was called with more than 256 different arguments: it is allowed with any"]


def test_numbers_that_cannot_be_written_down(tmp_path: Path) -> None:
    script = "import ctypes; libc = ctypes.CDLL(None); libc.syscall(900); libc.syscall(5000)"
    _, _, report = _said("learn", "--output", tmp_path / "profile.json", "--", "/usr/bin/python3", "-c", script)
    assert report["notes"] == [
        "call 900 of x86_64 has no name here: the profile denies it",
        "a number was called that no profile can name: the profile denies it"]


def test_a_running_process_and_what_it_starts(dev: int, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    with gate() as go:
        def work() -> None:
            os.getsid(0)
            go.wait(size=1)
            os.umask(18)
            if os.fork() == 0:
                os.getpgid(0)
                time.sleep(600)
            time.sleep(600)

        with Child(work) as task:
            with subprocess.Popen([TOOL, "--json", "learn", "--output", profile, "--pid", str(task.pid)],
                                  stdout=subprocess.PIPE, text=True) as process:
                while not abi.task_ids(dev, task.pid):
                    time.sleep(0.02)
                go.open()
                while len(abi.task_list(dev)) < 2:
                    time.sleep(0.02)
                time.sleep(0.3)
                process.send_signal(signal.SIGINT)
                out, _ = process.communicate()
                assert process.returncode == 0
            validate(json.loads(out), "learn")
            assert abi.task_list(dev) == []
            os.killpg(os.getpgid(task.pid), signal.SIGCONT)
            for each in Path(f"/proc/{task.pid}/task/{task.pid}/children").read_text(encoding="ascii").split():
                os.kill(int(each), signal.SIGKILL)
    found = _learned(profile)
    assert {"umask", "getpgid"} <= set(found) and not {"getsid", "execve"} & set(found)


class Recording:
    """`learn` of a control group."""

    def __init__(self, profile: Path, place: Group, *options: str) -> None:
        self.profile = profile
        self.process = subprocess.Popen(
            [TOOL, "--json", "learn", "--output", profile, "--cgroup", place.path, *options], stdout=subprocess.PIPE,
            text=True)

    def end(self, number: int) -> Any:
        """By a signal, or by itself; its report."""
        if number:
            self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0
        document = json.loads(out)
        validate(document, "learn")
        return document["learn"]


def _recorded(dev: int, *processes: Answering) -> bool:
    return {tid for process in processes for tid in process.tids()} <= {tid for tid, *_ in abi.task_list(dev)}


def test_a_control_group_until_nobody_is_in_it(dev: int, tmp_path: Path, top: Group) -> None:
    place = top.below("a")
    with answering(place, place.below("b"), top) as (first, second, stranger):
        recording = Recording(tmp_path / "p.json", place)
        wait_until(lambda: _recorded(dev, first, second))
        assert not _recorded(dev, stranger)
        for process, call in ((first, UMASK), (second, GETSID), (stranger, GETPGID)):
            process.ask(call, 0)
        place.write("cgroup.kill", "1")
        report = recording.end(0)
        assert report["notes"] == []
        assert {"umask", "getsid"} <= set(_learned(recording.profile)) and "getpgid" not in report["allowed"]
        assert abi.task_list(dev) == []


def test_a_control_group_and_who_comes_into_it(dev: int, tmp_path: Path, top: Group) -> None:
    """It may be empty at first; until a signal comes, or it is removed."""
    place = top.below("a")
    with answering(top) as (process,):
        for number in (signal.SIGINT, 0):
            recording = Recording(tmp_path / "p.json", place, "--follow", "--every", "50")
            place.move(process.pid)
            wait_until(lambda: _recorded(dev, process))
            process.ask(UMASK, 0)
            if not number:
                place.remove()
            assert "umask" in recording.end(number)["allowed"]
            assert abi.task_list(dev) == []
            if number:
                top.move(process.pid)


def test_what_cannot_be_recorded_of_a_control_group_is_noted(dev: int, tmp_path: Path, top: Group) -> None:
    error = tool.error_of("learn", "--output", tmp_path / "p.json", "--cgroup", top.path)
    assert (error["errno_name"], error["text"]) == ("ESRCH", "no task is in it")
    with answering(top) as (process,):
        policy = abi.simple(dev, {})
        chosen = max(process.tids())
        for _ in range(STACK):
            abi.attach(dev, policy, chosen)
        os.close(policy)
        report = json_of("learn", "learn", "--output", tmp_path / "p.json", "--cgroup", top.path, "--seconds", "1")
        (note,) = report["notes"]
        assert note.startswith(f"1 thread could not be changed: thread {chosen}: the stack")


def test_a_process_for_a_time(tmp_path: Path) -> None:
    with Child(lambda: time.sleep(600)) as task:
        begun = time.monotonic()
        report = json_of("learn", "learn", "--output", tmp_path / "p.json", "--pid", str(task.pid), "--seconds", "1")
        assert 1 <= report["seconds"] <= time.monotonic() - begun


# run --complain.

def _profile(path: Path, default: str, **entries: Any) -> Path:
    path.write_text(json.dumps({
        "defaultAction": default, "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": [name], **entry} for name, entry in entries.items()]}), encoding="utf-8")
    return path


def test_complaints(dev: int, tmp_path: Path) -> None:
    profile = _profile(
        tmp_path / "p.json", "SCMP_ACT_ALLOW", umask={"action": "SCMP_ACT_KILL_PROCESS"},
        getsid={"action": "SCMP_ACT_ERRNO", "errnoRet": 13,
                "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
        getpgid={"action": "SCMP_ACT_LOG"})
    script = "import os; os.umask(18); os.umask(19); os.getsid(1); os.getsid(0); os.getpgid(0); print('done')"
    status, out, report = _said("run", "--complain", "--profile", profile, "--", "/usr/bin/python3", "-c",
                                script + "; os._exit(5)", schema="run")
    assert (status, out) == (5, "done\n") or (status, out) == (5, "")
    assert report["profile"] == str(profile) and report["notes"] == []
    umask, getsid = report["denied"]
    assert (umask["name"], umask["args"], umask["action"]["name"]) == ("umask", [], "KILL_PROCESS")
    assert (umask["decided_by"], umask["origin"]) == ("rule", "/syscalls/0")
    assert (getsid["name"], getsid["args"]) == ("getsid", [{"index": 0, "value": "0x1"}])
    assert (getsid["action"]["errno"], getsid["origin"]) == (13, "/syscalls/1")
    answer = secmapctl("run", "--complain", "--profile", profile, "--", "/usr/bin/python3", "-c", script)
    assert (answer.status, answer.out) == (0, "done\n")
    assert answer.err.splitlines() == [
        f"secmapctl: {profile} would have denied 2 calls:",
        f"    umask(95): KILL_PROCESS by rule {umask['rule']} [/syscalls/0]",
        f"    getsid(124) with argument 0 0x1: ERRNO(13 EACCES) by rule {getsid['rule']} [/syscalls/1]"]
    assert abi.task_list(dev) == []


@pytest.mark.parametrize("engine", ["maps", "cbpf", "ebpf"])
def test_complaints_of_each_engine(tmp_path: Path, engine: str) -> None:
    profile = _profile(tmp_path / "p.json", "SCMP_ACT_ALLOW", umask={"action": "SCMP_ACT_ERRNO"})
    _, _, report = _said("run", "--complain", "--engine", engine, "--profile", profile, "--",
                         "sh", "-c", "umask", schema="run")
    assert [each["name"] for each in report["denied"]] == ["umask"]


def test_no_complaint(tmp_path: Path) -> None:
    profile = _profile(tmp_path / "p.json", "SCMP_ACT_ALLOW", mount={"action": "SCMP_ACT_ERRNO"})
    answer = secmapctl("run", "--complain", "--profile", profile, "--", "true")
    assert (answer.status, answer.err) == (0, f"secmapctl: {profile} would have denied nothing\n")


@pytest.mark.parametrize("command", [("learn", "--output", "/tmp/x.json"),
                                     ("run", "--complain", "--profile", "/usr/share/containers/seccomp.json")])
def test_a_program_that_is_not_there(command: tuple[str, ...]) -> None:
    answer = secmapctl(*command, "--", "/nonexistent")
    assert answer.status == tool.NOT_FOUND and "execute /nonexistent" in answer.err
