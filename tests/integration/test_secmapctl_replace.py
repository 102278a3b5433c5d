#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl policy replace and seal: which policy is meant, what runs afterwards, and who may."""

import errno
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import abi
import pytest
from answering import Answering
from classic import ALLOW, ERRNO, NR, deny, load, pack, ret
from records import Record
from tool import FAILURE, SUCCESS, TOOL, error_of, json_of, secmapctl, text_of, validate

NOBODY = 65534
GETPPID = 110
OLD, NEW = errno.EXDEV, errno.EDOM
THREADS = 3
ENGINES = ("maps", "ebpf", "cbpf")


@pytest.fixture(name="write")
def _write() -> Iterator[Callable[..., Path]]:
    """Makes a profile that denies some calls, where everybody can read it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)

    def write(name: str, number: int, *calls: str) -> Path:
        path = folder / f"{name}.json"
        path.write_text(json.dumps({
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": [*(calls or ["getppid"])], "action": "SCMP_ACT_ERRNO",
                          "errnoRet": number}]}), encoding="ascii")
        return path
    yield write
    shutil.rmtree(folder)


@pytest.fixture(name="web")
def _web(write: Callable[..., Path]) -> Path:
    """A profile that the first policy is made of."""
    return write("web", OLD)


@pytest.fixture(name="second")
def _second(write: Callable[..., Path]) -> Path:
    """Another one for the same call."""
    return write("second", NEW)


def under(profile: Path, *options: str, threads: int = THREADS) -> Answering:
    """A process of several threads under a profile."""
    return Answering(threads, prefix=(str(TOOL), "run", "--profile", str(profile), *options, "--"))


def carried(process: Answering) -> list[int]:
    """The policies of all threads of a process, which are the same."""
    shown = json_of("task-show", "task", "show", str(process.pid))["threads"]
    assert all(each["policies"] == shown[0]["policies"] for each in shown)
    return list(shown[0]["policies"])


def policy_of(process: Answering) -> int:
    """The id of the only policy of a process."""
    (ident,) = carried(process)
    return ident


def replace(policy: object, profile: Path, *options: str | Path) -> Any:
    """What the tool says about a replacement."""
    return json_of("policy-replace", "policy", "replace", str(policy), "--profile", profile, *options)


def said(process: Answering) -> set[int]:
    """What the threads of a process get for the call that the profiles deny."""
    answers, _ = process.ask(GETPPID)
    assert len(answers) == THREADS
    return set(answers)


def listed() -> dict[int, Any]:
    """All policies by their ids."""
    return {each["id"]: each for each in json_of("policy-list", "policy", "list")}


def test_the_next_call_is_answered_by_the_new_one(web: Path, second: Path) -> None:
    with under(web) as process:
        old = policy_of(process)
        assert said(process) == {OLD}
        done = replace("web", second)
        assert said(process) == {NEW}
        assert done == {"policy": old, "policy_name": "web", "by": policy_of(process),
                        "by_name": "web", "tasks": THREADS, "stacks": 1}
        assert done["by"] != old
        assert listed()[done["by"]]["name"] == "web"


def test_people_are_told_the_same(web: Path, second: Path) -> None:
    with under(web) as process:
        old = policy_of(process)
        text = text_of("policy", "replace", "web", "--profile", second)
        new = policy_of(process)
        assert text == f"policy {new} is in place of policy {old} (web): in {THREADS} tasks and 1 stack\n"
        text = text_of("policy", "replace", str(new), "--profile", web, "--name", "other")
        assert text == f"policy {policy_of(process)} (other) is in place of policy {new} (web): " \
                       f"in {THREADS} tasks and 1 stack\n"
        assert said(process) == {OLD}


def test_a_running_shell(write: Callable[..., Path]) -> None:
    """And what it starts."""
    free, held = write("free", OLD), write("held", errno.EPERM, "kill")
    script = "while read -r line; do kill -0 $$ 2>/dev/null; a=$?; sh -c 'kill -0 $$' 2>/dev/null; echo $a $?; done"
    with subprocess.Popen([TOOL, "run", "--profile", free, "--", "sh", "-c", script], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        def ask() -> str:
            assert shell.stdin and shell.stdout
            shell.stdin.write("\n")
            shell.stdin.flush()
            return shell.stdout.readline()

        assert ask() == "0 0\n"
        replace("free", held)
        assert ask() == "1 1\n"
        replace("free", free)
        assert ask() == "0 0\n"
        shell.communicate("")
        assert shell.returncode == SUCCESS


@pytest.mark.parametrize("new", ENGINES)
@pytest.mark.parametrize("old", ENGINES)
def test_each_engine_in_place_of_each(web: Path, second: Path, old: str, new: str) -> None:
    with under(web, "--engine", old) as process:
        assert json_of("policy-show", "policy", "show", str(policy_of(process)))["kind"] == old
        assert said(process) == {OLD}
        replace("web", second, "--engine", new)
        assert json_of("policy-show", "policy", "show", str(policy_of(process)))["kind"] == new
        assert said(process) == {NEW}


def test_a_program_may_come_in_its_place(web: Path, tmp_path: Path) -> None:
    path = tmp_path / "filter.bpf"
    path.write_bytes(deny(GETPPID, ERRNO | NEW))
    with under(web) as process:
        json_of("policy-replace", "policy", "replace", "web", "--cbpf", path)
        assert said(process) == {NEW}
        shown = json_of("policy-show", "policy", "show", str(policy_of(process)))
        assert (shown["kind"], shown["name"]) == ("cbpf", "web")


def test_its_place_in_a_stack_stays(web: Path, second: Path, write: Callable[..., Path]) -> None:
    with under(web) as process:
        json_of("attach", "attach", "--profile", write("top", errno.EIO, "getsid"), "--pid", str(process.pid))
        old, top = carried(process)
        done = replace(old, second)
        assert carried(process) == [done["by"], top]
        assert said(process) == {NEW}


def test_several_of_a_name_are_told_by_their_ids(web: Path, second: Path) -> None:
    with under(web) as one, under(web) as other:
        ids = sorted([policy_of(one), policy_of(other)])
        commands: list[list[str | Path]] = [["replace", "web", "--profile", second], ["seal", "web"]]
        for command in commands:
            error = error_of("policy", *command)
            assert (error["errno_name"], error["operation"]) == ("EEXIST", "find policy 'web'")
            assert error["text"] == f"several policies have this name: {ids[0]}, {ids[1]}"
            assert "by its id" in error["hint"]
        assert said(one) == said(other) == {OLD}
        replace(policy_of(one), second)
        assert (said(one), said(other)) == ({NEW}, {OLD})


def test_what_nobody_carries_does_not_count_beside_what_somebody_does(
        dev: int, web: Path, second: Path) -> None:
    unheld = [abi.simple(dev, {}, name="web") for _ in range(2)]
    try:
        with under(web) as process:
            replace("web", second)
            assert said(process) == {NEW}
        error = error_of("policy", "seal", "web")
        ids = [int(str(abi.policy_info(dev, each)["id"])) for each in unheld]
        assert str(ids[0]) in error["text"] and str(ids[1]) in error["text"]
        os.close(unheld.pop())
        text = text_of("policy", "replace", "web", "--profile", second)
        assert text.startswith(f"no task carries policy {ids[0]} (web): policy ")
        assert text.endswith(" is gone with this command\n")
        assert replace("web", second)["tasks"] == 0
    finally:
        for each in unheld:
            os.close(each)


def test_the_name_is_the_new_ones_at_once(web: Path, second: Path) -> None:
    """What was replaced a moment ago is not in the way, though it may not be gone yet."""
    with under(web) as process:
        for turn in range(6):
            done = json_of("policy-replace", "policy", "replace", "web", "--profile",
                           web if turn % 2 else second)
            assert done["tasks"] == THREADS
            assert process.ask(GETPPID)[0] == [OLD if turn % 2 else NEW] * THREADS


def test_digits_are_an_id(dev: int, second: Path) -> None:
    """Also where a policy has them as its name."""
    digits = "4294967295"
    policy = abi.simple(dev, {}, name=digits)
    try:
        error = error_of("policy", "replace", digits, "--profile", second)
        assert (error["operation"], error["errno_name"]) == (f"open policy {digits}", "ENOENT")
        assert "policy list" in error["hint"]
        ident = str(abi.policy_info(dev, policy)["id"])
        assert replace(ident, second)["by_name"] == digits
    finally:
        os.close(policy)


def test_what_is_not_there_is_named(second: Path) -> None:
    commands: list[list[str | Path]] = [["replace", "nothing", "--profile", second], ["seal", "nothing"]]
    for command in commands:
        error = error_of("policy", *command)
        assert (error["operation"], error["errno_name"]) == ("find policy 'nothing'", "ENOENT")
        assert "policy list" in error["hint"]


def test_what_cannot_be_made_changes_nothing(web: Path, tmp_path: Path) -> None:
    with under(web) as process:
        old = policy_of(process)
        assert error_of("policy", "replace", "web", "--profile", tmp_path / "none")["errno_name"] == "ENOENT"
        assert error_of("policy", "replace", "web", "--cbpf", "/dev/null")
        assert error_of("policy", "replace", "web", "--profile", web, "--name", "a b")
        assert (policy_of(process), said(process)) == (old, {OLD})


def test_a_sealed_policy_stays_until_it_is_taken_off(web: Path, second: Path) -> None:
    with under(web) as process:
        ident = policy_of(process)
        assert not listed()[ident]["sealed"]
        assert "sealed" not in text_of("policy", "list") + text_of("policy", "show", str(ident))
        assert json_of("policy-seal", "policy", "seal", "web") == {"policy": ident, "policy_name": "web"}
        assert text_of("policy", "seal", str(ident)) == \
            f"policy {ident} (web) is sealed: nothing comes in its place any more\n"
        assert listed()[ident]["sealed"]
        assert json_of("policy-show", "policy", "show", str(ident))["sealed"]
        assert "  sealed, " in text_of("policy", "list")
        assert "; sealed: not to be replaced\n" in text_of("policy", "show", str(ident))
        for wanted in ("web", str(ident)):
            error = error_of("policy", "replace", wanted, "--profile", second)
            assert error["errno_name"] == "EPERM"
            assert error["text"] == f"policy {ident} is sealed: nothing comes in its place any more"
        assert said(process) == {OLD}
        json_of("detach", "detach", "--pid", str(process.pid), "--policy", str(ident))
        assert said(process) == {0}


def test_who_is_no_administrator_may_not(web: Path, second: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    tool = shutil.copy(TOOL, folder / "secmapctl")
    try:
        with under(web) as process:
            ident = policy_of(process)
            commands: list[list[str | Path]] = [
                ["replace", "web", "--profile", second], ["seal", "web"],
                ["replace", str(ident), "--profile", second], ["seal", str(ident)]]
            for command in commands:
                done = subprocess.run([tool, "--json", "policy", *command], capture_output=True, text=True,
                                      check=False, timeout=60, user=NOBODY, group=NOBODY, extra_groups=[])
                assert (done.returncode, done.stdout) == (FAILURE, "")
                error = json.loads(done.stderr)["error"]
                assert error["errno_name"] == "EPERM"
                assert "CAP_SYS_ADMIN" in error["hint"]
            assert said(process) == {OLD}
            assert not listed()[ident]["sealed"]
    finally:
        shutil.rmtree(folder)


def test_who_is_filtered_may_not(web: Path, second: Path, write: Callable[..., Path]) -> None:
    """And is told that this is the reason: it is an administrator."""
    with under(web) as process:
        answer = secmapctl("--json", "run", "--profile", write("mild", errno.EIO, "getsid"), "--", TOOL,
                           "--json", "policy", "replace", "web", "--profile", second)
        assert (answer.status, answer.out) == (FAILURE, "")
        document = json.loads(answer.err)
        validate(document, "error")
        assert document["error"]["errno_name"] == "EPERM"
        assert document["error"]["text"] == "the caller is filtered itself"
        assert said(process) == {OLD}


def test_a_stack_that_would_cost_too_much(dev: int, web: Path, tmp_path: Path) -> None:
    """It may cost one policy more than it may otherwise, but not ten."""
    path = tmp_path / "long.bpf"
    path.write_bytes(pack([load(NR)] * 4095 + [ret(ALLOW)]))
    with under(web) as process:
        ident = policy_of(process)
        policy = Record("secmap_policy_by_id", id=ident).ioctl(dev)
        try:
            for _ in range(9):
                abi.attach(dev, policy, process.pid)
        finally:
            os.close(policy)
        error = error_of("policy", "replace", "web", "--cbpf", path)
        assert error["errno_name"] == "ENOSPC"
        assert "no task was changed" in error["text"] and "feature" in error["hint"]
        assert said(process) == {OLD}
        shown = json_of("task-show", "task", "show", str(process.pid))["threads"]
        assert sorted(each["policies"] for each in shown) == [[ident], [ident], [ident] * 10]
