#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl attach, detach, task, policy, feature and explain on running processes."""

import errno
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from answering import Answering
from answers import call
from asking import wait_until
from child import Child
from control_group import DENIED, GETPPID, deny, with_library
from monitoring import Monitor
from tool import PODMAN, SUCCESS, error_of, json_of, secmapctl, text_of

SWAPON = 167
THREADS = 6


@pytest.fixture(name="process")
def _process() -> Iterator[Answering]:
    """A running process of several threads that is not filtered."""
    with Answering(THREADS) as process:
        assert process.ask(SWAPON, 0, 0) == ([errno.EFAULT] * THREADS, [])
        yield process


@pytest.fixture(name="second")
def _second(tmp_path: Path) -> Path:
    """Another profile."""
    path = tmp_path / "second.json"
    path.write_text(json.dumps({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EXDEV}],
    }), encoding="ascii")
    return path


def attach(process: Answering, profile: Path = PODMAN) -> int:
    """Attach a profile to a whole process; the policy's id."""
    done = json_of("attach", "attach", "--profile", profile, "--pid", str(process.pid))
    assert set(done["changed"]) == process.tids()
    return int(done["policy"])


def test_all_threads_are_held_and_let_go(process: Answering) -> None:
    policy = attach(process)
    assert process.ask(SWAPON, 0, 0)[0] == [errno.EPERM] * THREADS
    done = json_of("detach", "detach", "--pid", str(process.pid), "--policy", str(policy))
    assert set(done["changed"]) == process.tids()
    assert process.ask(SWAPON, 0, 0)[0] == [errno.EFAULT] * THREADS


def test_attaching_the_same_policy_again_changes_nothing(process: Answering) -> None:
    policy = str(attach(process))
    done = json_of("attach", "attach", "--policy", policy, "--pid", str(process.pid))
    assert done["changed"] == []
    assert set(done["unchanged"]) == process.tids()
    shown = json_of("task-show", "task", "show", str(process.pid))
    assert all(thread["policies"] == [int(policy)] for thread in shown["threads"])


def test_one_thread_alone(process: Answering) -> None:
    chosen = max(process.tids())
    done = json_of("attach", "attach", "--profile", PODMAN, "--pid", str(process.pid), "--thread",
                   str(chosen))
    assert done["changed"] == [chosen]
    answers, _ = process.ask(SWAPON, 0, 0)
    assert sorted(answers) == [errno.EPERM] + [errno.EFAULT] * (THREADS - 1)
    shown = json_of("task-show", "task", "show", str(process.pid))
    carrying = [thread["tid"] for thread in shown["threads"] if thread["policies"]]
    assert carrying == [chosen]
    done = json_of("attach", "attach", "--policy", str(done["policy"]), "--pid", str(process.pid))
    assert done["unchanged"] == [chosen]
    assert process.ask(SWAPON, 0, 0)[0] == [errno.EPERM] * THREADS


def test_a_policy_that_only_complains(process: Answering, second: Path) -> None:
    done = json_of("attach", "attach", "--profile", second, "--pid", str(process.pid), "--complain")
    assert set(done["changed"]) == process.tids() and done["in_force"] == "never"
    with Monitor("--policy", str(done["policy"])) as monitor:
        assert process.ask(GETPPID)[0] == [0] * THREADS
        event = monitor.next()
        assert (event["call"]["name"], event["enforced"], event["action"]["errno"]) == ("getppid", False, errno.EXDEV)
    policy = str(json_of("attach", "attach", "--profile", second, "--pid", str(process.pid))["policy"])
    assert process.ask(GETPPID)[0] == [errno.EXDEV] * THREADS
    json_of("detach", "detach", "--pid", str(process.pid), "--policy", policy)
    assert process.ask(GETPPID)[0] == [0] * THREADS
    said = text_of("attach", "--profile", second, "--pid", str(process.pid), "--complain")
    assert said.endswith(f" attached to {THREADS} threads of process {process.pid}, to complain\n")


@pytest.mark.parametrize(("option", "call", "begins"), [
    ("--after", "getpgrp=", True), ("--upon", "getpgrp=", True),
    ("--upon", "close=", True), ("--after", "close=", False)])  # close(-1) fails
def test_a_policy_for_later(process: Answering, second: Path, option: str, call: str, begins: bool) -> None:
    """Each thread begins its phase itself."""
    chosen = max(process.tids())
    words = ("attach", option, f"{call}{second}", "--pid", str(process.pid))
    done = json_of("attach", *words, "--thread", str(chosen))
    assert done["changed"] == [chosen] and done["in_force"] == "later"
    (shown,) = [each for each in json_of("task-show", "task", "show", str(process.pid))["threads"]
                if each["tid"] == chosen]
    assert shown["policies"] == [done["policy"]] and shown["waiting"] == [0]
    assert process.ask(GETPPID)[0] == [0] * THREADS
    process.ask(*((111,) if call == "getpgrp=" else (3, -1)))
    assert sorted(process.ask(GETPPID)[0]) == [0] * (THREADS - 1) + [errno.EXDEV if begins else 0]
    assert text_of(*words).endswith(f" attached to {THREADS} threads of process {process.pid}, for later\n")
    process.ask(*((111,) if call == "getpgrp=" else (3, -1)))
    assert process.ask(GETPPID)[0] == [errno.EXDEV if begins else 0] * THREADS


def test_a_call_that_begins_nothing_is_named(process: Answering, second: Path) -> None:
    error = error_of("attach", "--after", f"frobnicate={second}", "--pid", str(process.pid))
    assert error["text"] == "there is no system call 'frobnicate'"


def test_a_thread_of_another_process_is_refused(process: Answering) -> None:
    error = error_of("attach", "--profile", PODMAN, "--pid", str(process.pid), "--thread",
                     str(os.getpid()))
    assert error["errno_name"] == "ESRCH"
    error = error_of("attach", "--profile", PODMAN, "--pid", str(max(process.tids())))
    assert "not the id of a process" in error["text"]


def test_only_the_named_policy_is_taken_off(process: Answering, second: Path) -> None:
    first, other = attach(process), attach(process, second)
    shown = json_of("task-show", "task", "show", str(process.pid))
    assert all(thread["policies"] == [first, other] for thread in shown["threads"])
    json_of("detach", "detach", "--pid", str(process.pid), "--policy", str(first))
    assert process.ask(SWAPON, 0, 0)[0] == [errno.EFAULT] * THREADS
    assert process.ask(GETPPID)[0] == [errno.EXDEV] * THREADS
    json_of("detach", "detach", "--pid", str(process.pid))
    assert process.ask(GETPPID)[0] == [0] * THREADS


def test_nothing_to_take_off_is_a_failure(process: Answering) -> None:
    error = error_of("detach", "--pid", str(process.pid))
    assert error["errno_name"] == "ENOENT"
    policy = attach(process)
    error = error_of("detach", "--pid", str(process.pid), "--policy", str(policy + 1))
    assert "none of its threads carries this policy" in error["text"]
    assert process.ask(SWAPON, 0, 0)[0] == [errno.EPERM] * THREADS


def test_no_thread_escapes_while_threads_come_and_go() -> None:
    with Answering(3, "--churn") as process:
        for _ in range(2):
            done = json_of("attach", "attach", "--profile", PODMAN, "--pid", str(process.pid))
            process.ask(SWAPON, 0, 0)  # what ended before this may have asked before the attach
            total = 0
            while total < 50:
                lasting, passing = process.ask(SWAPON, 0, 0)
                total += len(passing)
                assert set(lasting + passing) == {errno.EPERM}
            json_of("detach", "detach", "--pid", str(process.pid), "--policy",
                    str(done["policy"]))
            process.ask(SWAPON, 0, 0)
            lasting, passing = process.ask(SWAPON, 0, 0)
            assert set(lasting + passing) == {errno.EFAULT}


class Line:
    """Of its two threads, the second creates another one in its place and ends, when it is told to."""

    STEP, ASK = b"s", b"a"

    def __init__(self, folder: Path) -> None:
        self.told, self.said = folder / "told", folder / "said"
        for path in (self.told, self.said):
            os.mkfifo(path)
        self._told, self._said = (os.open(path, os.O_RDWR) for path in (self.told, self.said))

    def run(self) -> None:
        """In a process of its own."""
        threading.Thread(target=self._stand_in, args=(0,)).start()
        threading.Event().wait()

    def _stand_in(self, before: int) -> None:
        wait_until(lambda: not before or not Path(f"/proc/self/task/{before}").exists())
        os.write(self._said, self.STEP)
        while os.read(self._told, 1) == self.ASK:
            os.write(self._said, bytes([call([GETPPID])]))
        threading.Thread(target=self._stand_in, args=(threading.get_native_id(),)).start()

    def wait(self) -> bytes:
        """What it says next."""
        return os.read(self._said, 1)

    def ask(self) -> int:
        """The errno of getppid, of the thread that is there now."""
        os.write(self._told, self.ASK)
        return self.wait()[0]

    def close(self) -> None:
        """What it is told by."""
        os.close(self._told)
        os.close(self._said)


# As soon as the tool has listed the threads, one of them ends and leaves another one in its place; five times.
STEPPING = """
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int closedir(DIR *folder)
{
	int (*real)(DIR *) = dlsym(RTLD_NEXT, "closedir");
	static int steps = 5;
	char link[64], path[64] = "", byte = 's';

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd(folder));
	if (readlink(link, path, sizeof(path) - 1) > 0 && !strcmp(path, getenv("LISTED")) && steps-- > 0) {
		int told = open(getenv("TOLD"), O_WRONLY), said = open(getenv("SAID"), O_RDONLY);

		if (write(told, &byte, 1) != 1 || read(said, &byte, 1) != 1)
			abort();
		close(told);
		close(said);
	}
	return real(folder);
}
"""


def test_no_thread_escapes_by_ending_before_it_is_looked_at(tmp_path: Path) -> None:
    """What it has created meanwhile is in no list yet."""
    line = Line(tmp_path)
    with Child(line.run) as task:
        line.wait()
        environment = with_library(STEPPING, LISTED=f"/proc/{task.pid}/task", TOLD=str(line.told), SAID=str(line.said))
        profile = deny("getppid", tmp_path)
        holding: tuple[str | Path, ...] = ("--profile", profile)
        for command, options, number in (("attach", holding, DENIED), ("detach", (), 0)):
            done = secmapctl(command, "--pid", str(task.pid), *options, environment=environment)
            assert (done.status, done.err) == (SUCCESS, "")
            assert line.ask() == number, command
    line.close()


def test_lists_show_what_is_there(process: Answering, second: Path) -> None:
    first, other = attach(process), attach(process, second)
    tasks = [task for task in json_of("task-list", "task", "list") if task["pid"] == process.pid]
    assert {task["tid"] for task in tasks} == process.tids()
    assert all(task["depth"] == 2 and task["newest_policy"] == other for task in tasks)
    assert all(task["name"].startswith("python3") for task in tasks)
    policies = {policy["id"]: policy for policy in json_of("policy-list", "policy", "list")}
    assert policies[first]["name"] == "seccomp"
    assert policies[other]["name"] == "second"
    assert policies[other]["stacks"] >= 1
    text = text_of("task", "list")
    assert all(f"{task['tid']:>8}" in text for task in tasks)
    assert " seccomp " in text_of("policy", "list")


def test_show_says_what_check_foresaw(process: Answering, second: Path) -> None:
    policy = str(attach(process, second))
    shown = json_of("policy-show", "policy", "show", policy)
    check = json_of("policy-check", "policy", "check", second)["image"]
    assert [each["allowed"] for each in shown["sections"]] == \
        [each["allowed"] for each in check["sections"]] == [1023] * len(shown["sections"])
    policy = str(attach(process))
    shown = json_of("policy-show", "policy", "show", policy)
    check = json_of("policy-check", "policy", "check", PODMAN)["image"]
    foreseen = {each.pop("abi"): each for each in check["sections"]}
    for section in shown["sections"]:
        expected = foreseen.pop(section.pop("abi"))
        expected.pop("newer")
        assert section == expected
    assert not foreseen
    assert shown["tables"] == check["tables"]
    assert shown["foreign_action"] == check["foreign_action"]
    assert shown["uid"] == 0
    assert set(shown["actions"]) == {"KILL_THREAD", "ERRNO", "ALLOW"}
    text = text_of("policy", "show", policy)
    assert text.startswith(f"policy {policy}: seccomp\n")
    assert f"{shown['bytes']} bytes" in text


CALLS = (
    ("--call", "openat", "--arg", "2=0x241"), ("--call", "bpf"), ("--call", "999"),
    ("--call", "socket", "--arg", "0=16", "--arg", "2=9"), ("--call", "socket", "--arg", "0=1"),
    ("--call", "read", "--abi", "i386"), ("--call", "read", "--abi", "x32"),
    ("--call", "personality", "--arg", "0=0x20008"), ("--call", "personality", "--arg", "0=5"),
)


def test_the_module_decides_as_the_simulator(process: Answering) -> None:
    policy = str(attach(process))
    for arguments in CALLS:
        there = json_of("explain", "explain", "--policy", policy, *arguments)
        here = json_of("explain", "explain", "--profile", PODMAN, *arguments)
        for member in ("call", "action", "decided_by", "rule"):
            assert there[member] == here[member], arguments


def test_what_is_not_there_is_named() -> None:
    error = error_of("policy", "show", "4294967295")
    assert (error["operation"], error["errno_name"]) == ("open policy 4294967295", "ENOENT")
    error = error_of("attach", "--policy", "4294967295", "--pid", str(os.getpid()))
    assert error["operation"] == "open policy 4294967295"
    error = error_of("task", "show", "2147483647")
    assert error["errno_name"] == "ESRCH"


def test_feature_knows_this_kernel_and_this_module() -> None:
    feature = json_of("feature", "feature")
    assert feature["kernel"] == os.uname().release
    assert feature["enforces"] == "yes"
    assert feature["error"] is None
    module = feature["module"]
    assert {"ALLOW", "LOG", "ERRNO", "KILL_PROCESS"} <= set(module["actions"])
    assert {"MAPS", "EBPF"} <= set(module["features"]) and module["ebpf"] == "privileged"
    assert module["limits"]["stack"] == 64
    assert module["limits"]["test"] == 4096
    text = text_of("feature")
    assert "policies are enforced" in text and "64 policies on a stack" in text
    assert "loaded by CAP_SYS_ADMIN" in text
