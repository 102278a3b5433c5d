#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl attach --follow: who comes into a control group later is held as well."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import abi
import pytest
from asking import wait_until
from bundle import Runtime, make_bundle, running
from control_group import DENIED, GETPPID, THREADS, Forks, Group, answering, deny, errnos
from tool import FAILURE, SUCCESS, TOOL, json_of, validate

SELDOM = 600_000  # milliseconds: who is found before that was told
STACK = 64


class Following:
    """The tool, that goes on."""

    def __init__(self, place: str | Group, *options: str | Path, every: int = SELDOM,
                 prefix: tuple[str, ...] = (), **how: Any) -> None:
        name = place.path if isinstance(place, Group) else place
        target = [] if "--unit" in options else ["--cgroup", name]
        self.process = subprocess.Popen(
            [*prefix, TOOL, "--json", "attach", *target, *options, "--follow", "--every", str(every)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)

    def next(self) -> Any:
        """What it says next."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        document = json.loads(line)
        validate(document, "attach")
        return document["attach"]

    def begin(self) -> tuple[Any, Any]:
        """What was attached at once; how it follows."""
        return self.next(), self.next()["follow"]

    def came(self) -> set[int]:
        """Threads that have got the policy since."""
        return set(self.next()["changed"])

    def end(self, number: int = signal.SIGTERM, status: int = SUCCESS) -> tuple[Any, str]:
        """By a signal, or by itself; its last words, and what it complained of."""
        if number:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=120)
        assert self.process.returncode == status, (out, err)
        document = json.loads(out.splitlines()[-1])
        validate(document, "attach")
        return document["attach"]["end"], err

    def __enter__(self) -> "Following":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def test_who_is_moved_into_the_group_is_held(top: Group, profile: Path) -> None:
    """Also into one below it, and one that is created meanwhile; nobody else. No tracer is needed."""
    selective = json_of("feature", "feature")["module"]["selective"]
    held, beside = top.below("a"), top.below("ab")
    with answering(held, top, top, beside) as (first, second, third, stranger), \
            Following(held, "--profile", profile) as tool:
        done, begun = tool.begin()
        assert set(done["changed"]) == first.tids() and done["frozen"] and done["in_force"] == "now"
        assert json_of("feature", "feature")["module"]["selective"] == selective
        assert begun == {"cgroup": held.path, "unit": None, "policy": done["policy"], "every": SELDOM, "note": None}
        held.move(second.pid)
        assert tool.came() == second.tids() and errnos(second) == {DENIED}
        below = held.below("new").below("newer")
        below.move(third.pid)
        assert tool.came() == third.tids() and errnos(third) == {DENIED}
        assert errnos(stranger) == {0}
        end, err = tool.end()
        assert (end["cause"], end["changed"], end["failed"], end["untold"], err) == ("signal", 2 * THREADS, 0, 0, "")
        beside.move(second.pid)
        assert errnos(second) == {DENIED} and errnos(stranger) == {0}


def test_a_thread_that_is_moved_alone_is_held_alone(top: Group, profile: Path) -> None:
    with answering(top) as (process,):
        part = top.below("part", "threaded")
        first, second = sorted(process.tids())[1:]
        part.move_thread(first)
        with Following(part, "--profile", profile) as tool:
            assert tool.begin()[0]["changed"] == [first]
            part.move_thread(second)
            assert tool.came() == {second}
            assert sorted(process.ask(GETPPID)[0]) == [0] * (THREADS - 2) + [DENIED] * 2
            tool.end()


def test_a_group_may_be_empty_and_ends_when_it_is_removed(top: Group, profile: Path) -> None:
    place = top.below("a")
    with Following(place, "--profile", profile, every=50) as tool:
        done, begun = tool.begin()
        assert done["changed"] == done["unchanged"] == [] and begun["cgroup"] == place.path
        with answering(top) as (process,):
            place.move(process.pid)
            assert tool.came() == process.tids() and errnos(process) == {DENIED}
        place.remove()
        assert tool.end(0)[0]["cause"] == "removed"


# Begins in the group that is its argument: CLONE_INTO_CGROUP, which is no move.
INTO = """
import ctypes, os, struct, sys, time
CLONE3, INTO_CGROUP = 435, 0x200000000
folder = os.open(sys.argv[1], os.O_RDONLY)
arguments = struct.pack("11Q", INTO_CGROUP, 0, 0, 0, 17, 0, 0, 0, 0, 0, folder)
pid = ctypes.CDLL(None).syscall(CLONE3, arguments, len(arguments))
if not pid:
    os.close(1)
    os.close(2)
    time.sleep(600)
print(pid, flush=True)
"""


def test_who_begins_in_it_is_found_by_looking(top: Group, profile: Path, dev: int) -> None:
    place = top.below("a")
    with Following(place, "--profile", profile, every=50) as tool:
        policy = tool.begin()[1]["policy"]
        done = subprocess.run(["/usr/bin/python3", "-S", "-c", INTO, place.folder], check=True, text=True,
                              capture_output=True)
        pid = int(done.stdout)
        assert tool.came() == {pid} and abi.task_ids(dev, pid) == [policy]
        tool.end()


def test_who_carries_it_already_is_left_alone(top: Group, profile: Path, dev: int) -> None:
    """What is inherited, and who leaves and comes back."""
    place = top.below("a")
    with answering(place, top) as (process, last), Following(place, "--profile", profile) as tool:
        policy = tool.begin()[1]["policy"]
        top.move(process.pid)
        place.move(process.pid)
        place.move(last.pid)
        assert tool.came() == last.tids()
        assert {tuple(abi.task_ids(dev, tid)) for tid in process.tids()} == {(policy,)}
        assert tool.end()[0]["changed"] == THREADS


def test_what_cannot_be_attached_to_is_told_once_and_it_goes_on(top: Group, profile: Path, dev: int,
                                                                keep: Callable[[int], int]) -> None:
    place = top.below("a")
    with answering(top, top) as (full, process), Following(place, "--profile", profile, every=20) as tool:
        tool.begin()
        other = keep(abi.simple(dev, {}))
        chosen = max(full.tids())
        for _ in range(STACK):
            abi.attach(dev, other, chosen)
        place.move(full.pid)
        told = tool.next()
        assert set(told["changed"]) == full.tids() - {chosen}
        assert [(each["tid"], each["error"]["errno_name"]) for each in told["failed"]] == [(chosen, "ENOSPC")]
        time.sleep(0.3)
        place.move(process.pid)
        assert tool.came() == process.tids()
        end, err = tool.end(status=FAILURE)
        assert (end["changed"], end["failed"]) == (2 * THREADS - 1, 1)
        (line,) = err.splitlines()
        validate(json.loads(line), "error")
        assert str(chosen) in json.loads(line)["error"]["text"]


def test_a_task_that_forks_while_it_comes_is_held_with_all_it_has_begun(top: Group, profile: Path, dev: int,
                                                                       program: Callable[[str], str]) -> None:
    place = top.below("a")
    with Following(place, "--profile", profile, every=50) as tool:
        policy = tool.begin()[1]["policy"]
        forks = Forks(program("forks"), place)
        wait_until(lambda: forks.total(200)[1] == 0)
        assert {depth for _, _, depth, top_id in abi.task_list(dev) if top_id == policy} == {1}
        forks.end()
        end, err = tool.end()
        assert (end["failed"], err) == (0, "") and end["changed"]


def test_a_reader_that_stops_reading_does_not_stop_it(top: Group, profile: Path) -> None:
    with answering(top) as (process,), Following(top.below("a"), "--profile", profile) as tool:
        tool.begin()
        assert tool.process.stdout
        os.close(os.dup(tool.process.stdout.fileno()))
        tool.process.stdout.close()
        tool.process.stdout = None
        Group(top.folder / "a").move(process.pid)
        wait_until(lambda: errnos(process) == {DENIED})
        tool.process.terminate()
        assert tool.process.wait() == SUCCESS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_what_it_has_done_stays(top: Group, profile: Path, number: int) -> None:
    with answering(top) as (process,), Following(top, "--profile", profile) as tool:
        tool.begin()
        assert tool.end(number)[0]["cause"] == "signal"
        assert errnos(process) == {DENIED}


def test_a_group_is_watched_through_every_mount(top: Group, profile: Path) -> None:
    """Also where the one who moves has another cgroup namespace, and other mounts."""
    place = top.below("a")
    with answering(top) as (process,), Following(place, "--profile", profile) as tool:
        tool.begin()
        done = subprocess.run(
            ["unshare", "-m", "-C", "bash", "-ec", 'mount -t cgroup2 none /mnt; echo "$1" > /mnt/a/cgroup.procs',
             "bash", str(process.pid)], preexec_fn=top.enter, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done
        assert tool.came() == process.tids()
        tool.end()


@pytest.mark.parametrize("name", ["crun", "runc"])
def test_who_enters_a_container_is_held(tmp_path: Path, name: str) -> None:
    """Late: so it goes on until it is."""
    runtime = Runtime(name, tmp_path)
    bundle = make_bundle(tmp_path / "bundle", ["sh", "-c", "echo ready; sleep 600"], None)
    with running(runtime, bundle, name) as container:
        assert container.stdout and container.stdout.readline() == "ready\n"
        with Following("/box", "--profile", deny("mkdir", tmp_path), every=200) as tool:
            tool.begin()
            done = runtime.run("exec", name, "sh", "-c",
                               "name=x; while mkdir /dev/$name 2> /dev/null; do name=x$name; done; echo held")
            assert (done.returncode, done.stdout) == (0, "held\n")
            assert tool.came()
            assert tool.end()[1] == ""


@contextlib.contextmanager
def limited(name: str, value: int) -> Iterator[None]:
    """With another limit of inotify's."""
    path = Path("/proc/sys/fs/inotify") / name
    before = path.read_text("ascii")
    path.write_text(str(value), encoding="ascii")
    try:
        yield
    finally:
        path.write_text(before, encoding="ascii")


@pytest.mark.parametrize(("name", "said"), [("max_user_instances", "Too many open files"),
                                            ("max_user_watches", "No space left on device")])
def test_without_inotify_it_looks_and_says_so(top: Group, profile: Path, name: str, said: str) -> None:
    place = top.below("a")
    with limited(name, 0), answering(top) as (process,), Following(place, "--profile", profile, every=20) as tool:
        note = tool.begin()[1]["note"]
        assert said in note and f"fs.inotify.{name}" in note
        place.move(process.pid)
        assert tool.came() == process.tids()
        assert tool.end()[1] == ""


def test_a_unit_is_followed(top: Group, profile: Path, tmp_path: Path) -> None:
    place = top.below("x.service")
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\necho {place.path}\n", encoding="ascii")
    systemctl.chmod(0o755)
    with answering(top) as (process,), \
            Following("", "--unit", "x", "--profile", profile,
                      env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}) as tool:
        assert tool.begin()[1]["unit"] == "x.service"
        place.move(process.pid)
        assert tool.came() == process.tids()
        tool.end()


def test_people_are_told_in_words(top: Group, profile: Path) -> None:
    place = top.below("a")
    with answering(place, top) as (first, second), \
            subprocess.Popen([TOOL, "attach", "--profile", profile, "--cgroup", place.path, "--follow"], text=True,
                             stdout=subprocess.PIPE) as tool:
        assert tool.stdout
        words = tool.stdout.readline().split(" ", 2)
        assert words[0] == "policy" and first.pid
        attached = f"policy {words[1]} attached to {THREADS} threads of 1 process in cgroup {place.path}\n"
        assert " ".join(words) == attached
        assert tool.stdout.readline() == \
            f"following cgroup {place.path}: it is looked at every 500 ms, and when a task is moved into it\n"
        place.move(second.pid)
        assert tool.stdout.readline() == attached
        tool.send_signal(signal.SIGINT)
        assert tool.stdout.read() == f"cgroup {place.path} is not followed any more: " \
            f"policy {words[1]} was attached to {THREADS} threads that came\n"
        assert tool.wait() == SUCCESS

