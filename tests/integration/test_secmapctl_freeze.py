#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl freezes a control group while it changes the tasks: none escapes, and the group goes on."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import abi
import pytest
from asking import wait_until
from control_group import DENIED, THREADS, Forks, Group, answering, attach, deny, errnos, preloaded, tool_in
from tool import FAILURE, SUCCESS, TOOL, json_of, validate

PAUSE = 34
ENOUGH = 20  # passes


def test_no_task_escapes_while_tasks_fork(top: Group, profile: Path, dev: int,
                                          program: Callable[[str], str]) -> None:
    """Nor does one get the policy twice. A group that is not frozen does not come to an end, or seems
    to while a line of tasks is one task ahead."""
    place = top.below("a")
    forks = [Forks(program("forks"), place) for place in (place, place.below("b"))]
    for _ in range(2):
        for each in forks:
            denied, succeeded = each.total(50)
            assert denied == 0 and succeeded
        done = attach(place.path, profile)
        assert done["changed"] and done["frozen"] and not done["failed"] and done["passes"] < ENOUGH
        for each in forks:
            denied, succeeded = each.total(200)
            assert denied and succeeded == 0
        depths = {depth for tid, _, depth, top_id in abi.task_list(dev) if top_id == done["policy"]}
        assert depths == {1}
        done = json_of("detach", "detach", "--cgroup", place.path)
        assert done["frozen"] and done["passes"] < ENOUGH
        assert_goes_on(place)
    for each in forks:
        denied, succeeded = each.total(50)
        assert denied == 0 and succeeded
        each.end()


def assert_goes_on(place: Group) -> None:
    """It is not frozen, and nothing would freeze it."""
    assert place.read("cgroup.freeze") == "0\n"
    wait_until(lambda: "frozen 0" in place.read("cgroup.events"))


class Held:
    """The tool, held before it attaches to the first task: the group is frozen."""

    def __init__(self, place: Group, profile: Path, folder: Path) -> None:
        self.place = place
        self.go = folder / "go"
        os.mkfifo(self.go)
        held = folder / "held"
        wait = 'close(creat(getenv("HELD"), 0600)); close(open(getenv("GO"), O_RDONLY));'
        self.process = subprocess.Popen(
            [TOOL, "attach", "--profile", profile, "--cgroup", place.path], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env={**os.environ, **preloaded(wait, HELD=str(held), GO=str(self.go))})
        wait_until(lambda: "frozen 1" in place.read("cgroup.events"))
        wait_until(held.exists)

    def helper(self) -> int:
        """The process that is to thaw the group."""
        (found,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii").split()
        return int(found)

    def release(self) -> tuple[str, str]:
        """It goes on, here and before all other tasks; what it says."""
        with open(self.go, "wb"):
            return self.process.communicate(timeout=120)


WAITING = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
print("waits", flush=True)
libc.pause()
print(errno.errorcode[ctypes.get_errno()], flush=True)
"""


def test_a_call_that_waits_is_made_again_and_judged(top: Group, tmp_path: Path) -> None:
    """Freezing interrupts it, as a stop signal does."""
    with subprocess.Popen(["/usr/bin/python3", "-S", "-c", WAITING], preexec_fn=top.enter, text=True,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == "waits\n"
        number = f"{PAUSE} "
        wait_until(lambda: Path(f"/proc/{process.pid}/syscall").read_text("ascii").startswith(number))
        attach(top.path, deny("pause", tmp_path))
        assert process.stdout.readline() == "EXDEV\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_group_goes_on_when_the_tool_is_killed(top: Group, profile: Path, tmp_path: Path,
                                                   number: int) -> None:
    """With all of its process group."""
    with answering(top) as (process,):
        held = Held(top, profile, tmp_path)
        os.killpg(held.process.pid, number)
        assert held.process.wait() == -number
        wait_until(lambda: top.read("cgroup.freeze") == "0\n")
        assert_goes_on(top)
        assert errnos(process) == {0}


def test_the_group_goes_on_when_the_helper_is_killed(top: Group, profile: Path, tmp_path: Path) -> None:
    with answering(top) as (process,):
        held = Held(top, profile, tmp_path)
        os.kill(held.helper(), signal.SIGKILL)
        out, err = held.release()
        assert (held.process.returncode, err) == (SUCCESS, "") and f"{THREADS} threads" in out
        assert_goes_on(top)
        assert errnos(process) == {DENIED}


def test_a_group_that_is_frozen_is_changed_and_stays_frozen(top: Group, profile: Path, dev: int) -> None:
    """By itself, by one above it, and one below it."""
    place = top.below("a")
    below = place.below("b")
    with answering(place, below) as (process, deep):
        for frozen in (place, top, below):
            frozen.write("cgroup.freeze", "1")
            wait_until(lambda at=frozen: "frozen 1" in at.read("cgroup.events"))  # type: ignore[misc]
            done = attach(place.path, profile)
            assert set(done["changed"]) == process.tids() | deep.tids() and done["frozen"]
            for each in (top, place, below):
                assert each.read("cgroup.freeze") == f"{int(each is frozen)}\n"
            assert "frozen 1" in frozen.read("cgroup.events")
            assert {tuple(abi.task_ids(dev, tid)) for tid in process.tids() | deep.tids()} == {(done["policy"],)}
            frozen.write("cgroup.freeze", "0")
            assert errnos(process) == errnos(deep) == {DENIED}
            json_of("detach", "detach", "--cgroup", place.path)


def test_a_group_that_cannot_be_frozen_and_does_not_come_to_an_end_is_an_error(
        top: Group, profile: Path) -> None:
    """The tool is in it, and with each attaching creates a task that it will meet in the next pass."""
    appear = """
        static int last;
        if (last) kill(last, SIGKILL);
        last = fork();
        if (!last) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            pause();
        }
        """
    with answering(top.below("a")) as (process,):
        done = tool_in(top, "--json", "attach", "--profile", profile, "--cgroup", top.path,
                       environment=preloaded(appear))
        assert (done.returncode, done.stdout) == (FAILURE, "")
        document = json.loads(done.stderr)
        validate(document, "error")
        error = document["error"]
        assert (error["errno_name"], error["operation"]) == ("EAGAIN", f"change cgroup {top.path}")
        assert error["text"].startswith("threads start in it faster than they can be changed: 100 passes ")
        assert re.search(r"begun or ended: \d+(, \d+)*( \.\.\.)?$", error["text"])
        assert error["hint"] == "it could not be frozen: the calling process is in it"
        assert errnos(process) == {DENIED}
