#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl monitor: what it shows of real verdicts, who may watch, and that nobody waits for it."""

import datetime
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import abi
import child
import pytest
import watching
from abi import ERRNO
from answering import Answering
from filtered import state
from monitoring import Monitor
from tool import FAILURE, SUCCESS, TOOL, json_of, secmapctl, validate
from watching import Refused, Socket

NOBODY = 65534
MOUNT, GETPGRP, UMASK = 165, 111, 95
RDONLY = 1
DENIED = "mount(0x10, 0x20, 0x30, MS_RDONLY, NULL)"


@pytest.fixture(name="write")
def _write() -> Iterator[Callable[..., Path]]:
    """Makes a profile that does something to mount and getpgrp, where everybody can read it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)

    def write(name: str, action: str = "ERRNO", *calls: str, **more: Any) -> Path:
        path = folder / f"{name}.json"
        path.write_text(json.dumps({
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["getppid"], "action": "SCMP_ACT_ERRNO"},
                         {"names": [*(calls or ["mount", "getpgrp"])], "action": f"SCMP_ACT_{action}", **more}]}),
            encoding="ascii")
        return path
    yield write
    shutil.rmtree(folder)


@pytest.fixture(name="rate")
def _rate() -> Iterator[Callable[[int], None]]:
    yield watching.rate
    watching.rate(1000)


def under(profile: Path, threads: int = 1) -> Answering:
    """A process under a profile."""
    return Answering(threads, prefix=(str(TOOL), "run", "--profile", str(profile), "--"))


def policy_of(process: Answering) -> int:
    """The only one that it carries."""
    (ident,) = json_of("task-show", "task", "show", str(process.pid))["threads"][0]["policies"]
    return int(ident)


def deny(process: Answering) -> None:
    """All its threads try to mount something."""
    lasting, _ = process.ask(MOUNT, 0x10, 0x20, 0x30, RDONLY, 0, 0)
    assert set(lasting) == {errno.EPERM}


def run(profile: Path, *program: str) -> subprocess.CompletedProcess[str]:
    """A program under a profile, to its end."""
    return subprocess.run([TOOL, "run", "--profile", profile, "--", *program], check=False, capture_output=True,
                          text=True, timeout=120)


def test_all_that_is_known_of_a_denied_call(write: Callable[..., Path]) -> None:
    with under(write("web")) as process, Monitor("--count", "1") as monitor:
        before = time.monotonic()
        deny(process)
        after = time.monotonic()
        event = monitor.next()
        (end,) = monitor.rest()
        explained = json_of("explain", "explain", "--policy", str(policy_of(process)), "--call", "mount", "--arg",
                            "3=1")
        assert before < float(event["monotonic"]) < after
        assert _seconds(event["time"]) == pytest.approx(
            float(event["monotonic"]) + time.time() - time.monotonic(), abs=1)
        assert (event["pid"], event["tid"]) == (event["ns_pid"], event["ns_tid"]) == (process.pid, process.pid)
        assert (event["policy"], event["policy_name"]) == (policy_of(process), "web")
        assert (event["sequence"], event["lost"], event["suppressed"]) == (1, 0, 0)
        assert event["comm"] == "python3"
        assert int(event["cgroup"], 16) == watching.cgroup_of(process.pid)
        assert event["call"] == {"nr": MOUNT, "name": "mount", "abi": "x86_64", "text": DENIED,
                                 "args": ["0x10", "0x20", "0x30", "0x1", "0x0", "0x0"]}
        assert event["action"] == {"name": "ERRNO", "value": ERRNO | 1, "errno": 1, "errno_name": "EPERM"}
        assert (event["decided_by"], event["rule"]) == (explained["decided_by"], explained["rule"])
        assert event["decided_by"] == "rule"
        assert end == {"end": {"events": 1, "lost": 0, "suppressed": 0, "notes": []}}


def _seconds(of: str) -> float:
    return datetime.datetime.strptime(of, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def test_people_are_told_the_same(write: Callable[..., Path]) -> None:
    with under(write("web")) as process, subprocess.Popen(
            [TOOL, "monitor", "--policy", "web"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as monitor:
        assert monitor.stdout
        policy = policy_of(process)
        assert monitor.stdout.readline() == f"watching policy {policy} (web)\n"
        deny(process)
        assert re.fullmatch(rf"\d\d:\d\d:\d\d\.\d{{6}} {process.pid} python3, policy {policy} \(web\): "
                            rf"{re.escape(DENIED)} = EPERM by rule \d+\n", monitor.stdout.readline())
        monitor.send_signal(signal.SIGTERM)
        assert monitor.communicate(timeout=60) == ("1 event shown, 0 lost, 0 not told of\n", "")
        assert monitor.returncode == SUCCESS


def test_each_thread_is_named(write: Callable[..., Path]) -> None:
    with under(write("web"), threads=3) as process, Monitor() as monitor:
        deny(process)
        events = [monitor.next() for _ in range(3)]
        assert {each["pid"] for each in events} == {process.pid}
        assert {each["tid"] for each in events} == process.tids()


def test_what_is_asked_for_is_shown_alone(write: Callable[..., Path]) -> None:
    with under(write("web")) as one, under(write("mail")) as other:
        with Monitor("--policy", "web") as by_name, Monitor("--policy", str(policy_of(other))) as by_id, \
                Monitor("--pid", str(other.pid)) as by_pid, Monitor("--verdict", "kill") as by_verdict, \
                Monitor("--verdict", "errno", "--pid", str(one.pid), "--pid", str(other.pid)) as both:
            assert by_name.begin == {"policy": policy_of(one), "policy_name": "web"}
            assert by_id.begin == {"policy": policy_of(other), "policy_name": "mail"}
            deny(one)
            deny(other)
            assert [by_name.next()["pid"], by_id.next()["pid"], by_pid.next()["pid"]] == [one.pid, other.pid, other.pid]
            assert [both.next()["pid"] for _ in range(2)] == [one.pid, other.pid]
            for each in (by_name, by_id, by_pid, by_verdict, both):
                (end,) = each.stop()
                assert end["end"]["events"] == {by_verdict: 0, both: 2}.get(each, 1)


def test_a_policy_that_comes_in_its_place_is_another_one(write: Callable[..., Path]) -> None:
    with under(write("web")) as process, Monitor() as monitor:
        deny(process)
        done = json_of("policy-replace", "policy", "replace", "web", "--profile", write("second"), "--name", "next")
        deny(process)
        before, after = monitor.next(), monitor.next()
        assert (before["policy"], before["policy_name"]) == (done["policy"], "web")
        assert (after["policy"], after["policy_name"]) == (done["by"], "next")


def test_a_killed_process(write: Callable[..., Path], call: tuple[str, ...]) -> None:
    profile = write("strict", "KILL_PROCESS", "getpgrp")
    with under(profile) as holder, Monitor("--verdict", "kill") as monitor:
        done = run(profile, *call, str(GETPGRP))
        assert done.returncode == -signal.SIGSYS
        event = monitor.next()
        assert (event["call"]["text"], event["action"]["name"]) == ("getpgrp()", "KILL_PROCESS")
        assert event["comm"] == "call" and event["pid"] != holder.pid


def test_a_logged_call(write: Callable[..., Path], call: tuple[str, ...]) -> None:
    """What it replaced is not known any more: the arguments of execve."""
    with Monitor("--verdict", "log") as monitor:
        done = run(write("logging", "LOG", "execve", "getpgrp"), *call, str(GETPGRP), "7")
        assert (done.returncode, done.stdout) == (SUCCESS, f"{os.getpgrp()}\n")
        execve, getpgrp = monitor.next(), monitor.next()
        assert (execve["call"]["text"], execve["call"]["args"]) == ("execve(?)", None)
        assert (execve["decided_by"], execve["action"]["name"]) == (None, "LOG")
        assert getpgrp["call"]["text"] == "getpgrp()"
        assert getpgrp["call"]["args"][0] == "0x7"
        (end,) = monitor.stop()
        assert "1 event without a rule: the call's arguments are not known" in end["end"]["notes"]


@pytest.mark.parametrize("name", ["call", "call32"])
def test_a_call_of_i386(write: Callable[..., Path], program: Callable[[str], str], name: str) -> None:
    profile = write("old")
    document = json.loads(profile.read_text(encoding="ascii"))
    document["architectures"] = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    profile.write_text(json.dumps(document), encoding="ascii")
    with Monitor() as monitor:
        done = run(profile, program(name), "int80", "21", "0x10", "0x20", "0x30", "1", "0")
        assert done.stdout == f"-{errno.EPERM}\n"
        event = monitor.next()
        assert (event["call"]["abi"], event["call"]["nr"], event["call"]["text"]) == ("i386", 21, DENIED)


def test_a_process_in_a_pid_namespace_is_named_from_both_sides(write: Callable[..., Path],
                                                              call: tuple[str, ...]) -> None:
    program = ["unshare", "--pid", "--fork", *call, str(MOUNT), "0x10", "0x20", "0x30", "1", "0"]
    with Monitor() as monitor:
        assert run(write("web"), *program).stdout == f"-{errno.EPERM}\n"
        event = monitor.next()
        assert (event["ns_pid"], event["ns_tid"]) == (1, 1)
        assert event["pid"] == event["tid"] != 1
        assert event["call"]["text"] == DENIED


def test_a_container_watches_itself(write: Callable[..., Path], call: tuple[str, ...], tmp_path: Path) -> None:
    """By its own ids, and without what is outside. Names take more than it may, which is said."""
    tmp_path.chmod(0o777)
    profile = write("web")
    script = f"""
        mkfifo {tmp_path}/pipe
        {TOOL} --json monitor --count 1 > {tmp_path}/pipe &
        exec 3< {tmp_path}/pipe
        read -r begin <&3
        {TOOL} run --profile {profile} -- {call[0]} syscall {MOUNT} 0x10 0x20 0x30 1 0 >&2
        echo "$begin"
        cat <&3
        wait $!"""
    with under(profile) as outside, Monitor() as monitor:
        deny(outside)
        assert monitor.next()["pid"] == outside.pid
        done = subprocess.run(["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "sh", "-c",
                               script], check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == SUCCESS, done
        documents = [json.loads(line) for line in done.stdout.splitlines()]
        for each in documents:
            validate(each, "monitor")
        _, inside, end = (each["monitor"] for each in documents)
        seen = monitor.next()
        assert inside["event"]["pid"] == inside["event"]["ns_pid"] == seen["ns_pid"] < seen["pid"]
        assert (inside["event"]["policy_name"], inside["event"]["decided_by"]) == (None, "rule")
        (note,) = end["end"]["notes"]
        assert "names of policies cannot be asked for: list policies: not allowed" in note


def test_who_may_not_watch_is_told() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        tool = shutil.copy(TOOL, folder / "secmapctl")
        done = subprocess.run([tool, "--json", "monitor"], capture_output=True, text=True, check=False, timeout=60,
                              user=NOBODY, group=NOBODY, extra_groups=[])
    finally:
        shutil.rmtree(folder)
    assert (done.returncode, done.stdout) == (FAILURE, "")
    document = json.loads(done.stderr)
    validate(document, "error")
    assert document["error"]["errno_name"] == "EPERM"
    assert document["error"]["text"] == "takes CAP_SYS_ADMIN in the pid namespace's user namespace"
    assert "CAP_SYS_ADMIN" in document["error"]["hint"]


def test_when_there_are_too_many_watchers_it_is_told() -> None:
    sockets = []
    try:
        with pytest.raises(Refused, match="there are too many watchers"):
            for _ in range(1000):
                sockets.append(Socket())
                sockets[-1].watch()
        answer = secmapctl("--json", "monitor")
        assert (answer.status, answer.out) == (FAILURE, "")
        error = json.loads(answer.err)["error"]
        assert (error["errno_name"], error["text"]) == ("ENOSPC", "there are too many watchers")
    finally:
        for each in sockets:
            each.socket.close()


def test_a_policy_that_is_not_there_is_named() -> None:
    answer = secmapctl("--json", "monitor", "--policy", "nothing")
    error = json.loads(answer.err)["error"]
    assert (answer.status, error["operation"], error["errno_name"]) == (FAILURE, "find policy 'nothing'", "ENOENT")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well_and_the_socket_is_gone(write: Callable[..., Path], number: signal.Signals) -> None:
    with under(write("web")) as process, Monitor() as monitor:
        deny(process)
        assert monitor.next()["sequence"] == 1
        monitor.process.send_signal(number)
        assert monitor.rest() == [{"end": {"events": 1, "lost": 0, "suppressed": 0, "notes": []}}]
        deny(process)


def test_nobody_waits_for_one_that_is_stopped(dev: int, keep: Callable[[int], int],
                                              rate: Callable[[int], None]) -> None:
    """It tells afterwards how much it has lost."""
    count = 8000
    rate(0)
    policy = keep(abi.simple(dev, {UMASK: ERRNO | errno.EXDEV}))

    def make(times: int) -> bool:
        abi.attach(dev, policy)
        return all(abi.raw_syscall(UMASK, each) == -errno.EXDEV for each in range(times))

    with Monitor() as monitor:
        monitor.process.send_signal(signal.SIGSTOP)
        while state(monitor.process.pid) != "T":
            os.sched_yield()
        assert child.value(lambda: make(count))
        monitor.process.send_signal(signal.SIGCONT)
        lines: list[Any] = []

        def read() -> None:
            assert monitor.process.stdout
            for line in monitor.process.stdout:  # not held against the schema: they are many
                lines.append(json.loads(line)["monitor"])
                if "loss" in lines[-1]:
                    return

        reader = threading.Thread(target=read)
        reader.start()
        while reader.is_alive():
            assert child.value(lambda: make(1))
        shown = len(lines) - 1
        assert [each["event"]["sequence"] for each in lines[:-1]] == list(range(1, shown + 1))
        lost = lines[-1]["loss"]["events"]
        assert lines[-1] == {"loss": {"cause": "socket", "events": lost}}
        assert count - shown <= lost
        event = monitor.next()
        assert (event["sequence"], event["lost"]) == (shown + lost + 1, lost)


def test_a_policy_that_has_too_many_of_them_tells_how_many(dev: int, keep: Callable[[int], int],
                                                          rate: Callable[[int], None]) -> None:
    count = 100
    rate(5)
    policy = keep(abi.simple(dev, {UMASK: ERRNO | errno.EXDEV}))

    def make() -> bool:
        abi.attach(dev, policy)
        results = [abi.raw_syscall(UMASK, each) for each in range(count)]
        time.sleep(1.1)  # what the next second is allowed
        return {*results, abi.raw_syscall(UMASK, count)} == {-errno.EXDEV}

    with Monitor() as monitor:
        assert child.value(make)
        lines = [monitor.line()]
        while lines[-1].get("event", {}).get("call", {}).get("args", [""])[0] != hex(count):
            lines.append(monitor.line())
        losses = [each["loss"] for each in lines if "loss" in each]
        assert {each["cause"] for each in losses} == {"rate"}
        suppressed = sum(each["events"] for each in losses)
        assert len(lines) - len(losses) + suppressed == count + 1
        (end,) = monitor.stop()
        assert end["end"]["suppressed"] == suppressed == lines[-1]["event"]["suppressed"]
