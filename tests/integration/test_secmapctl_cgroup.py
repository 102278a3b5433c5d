#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl attach and detach on control groups and units: every task of them, and nobody else."""

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import abi
import pytest
from child import NOBODY
from control_group import (DENIED, GETPPID, ROOT, THREADS, Group, answering, attach, errnos, preloaded,
                           tool_in)
from tool import FAILURE, SUCCESS, TOOL, error_of, json_of, secmapctl, text_of, validate

STACK = 64


def partial(*arguments: str | Path) -> tuple[Any, Any]:
    """A command that did what it could: its answer and its error."""
    done = secmapctl("--json", *arguments)
    assert done.status == FAILURE, done
    answer, error = json.loads(done.out), json.loads(done.err)
    validate(answer, arguments[0])  # type: ignore[arg-type]
    validate(error, "error")
    return answer[arguments[0]], error["error"]


def test_all_tasks_of_a_tree_are_held_and_let_go_and_nobody_else(top: Group, profile: Path) -> None:
    held, beside = top.below("a"), top.below("ab")
    deep = held.below("b").below("c")
    with answering(held, deep, beside, top) as (first, second, stranger, above):
        done = attach(held.path, profile)
        assert (done["cgroup"], done["pid"], done["unit"]) == (held.path, None, None)
        assert set(done["changed"]) == first.tids() | second.tids()
        assert (done["processes"], done["frozen"]) == (2, True)
        assert done["unchanged"] == done["failed"] == done["left_out"] == []
        assert errnos(first) == errnos(second) == {DENIED}
        assert errnos(stranger) == errnos(above) == {0}
        done = json_of("detach", "detach", "--cgroup", held.path, "--policy", str(done["policy"]))
        assert set(done["changed"]) == first.tids() | second.tids()
        assert errnos(first) == errnos(second) == {0}


def test_a_group_is_named_by_its_folder_or_as_proc_has_it(top: Group, profile: Path) -> None:
    with answering(top.below("a b")) as (process,):
        path = f"{top.path}/a b"
        assert Path(f"/proc/{process.pid}/cgroup").read_text("ascii") == f"0::{path}\n"
        for name in (path, path[1:], f"{path}/", f"{ROOT}{path}", f"/sys/../sys/fs/cgroup{path}/."):
            assert attach(name, profile)["cgroup"] == path
            assert errnos(process) == {DENIED}
            said = text_of("detach", "--cgroup", name)
            assert said == f"every policy detached from {THREADS} threads of 1 process in cgroup {path}\n"
            assert errnos(process) == {0}


def test_threads_of_one_process_in_several_groups(top: Group, profile: Path) -> None:
    with answering(top) as (process,):
        part = top.below("part", "threaded")
        chosen = max(process.tids())
        part.move_thread(chosen)
        done = attach(part.path, profile)
        assert done["changed"] == [chosen]
        assert sorted(process.ask(GETPPID)[0]) == [0] * (THREADS - 1) + [DENIED]
        done = json_of("attach", "attach", "--policy", str(done["policy"]), "--cgroup", top.path)
        assert set(done["changed"]) == process.tids() - {chosen}
        assert done["unchanged"] == [chosen]
        assert errnos(process) == {DENIED}


def test_attaching_the_same_policy_again_changes_nothing(top: Group, profile: Path) -> None:
    with answering(top, top.below("a")) as processes:
        policy = attach(top.path, profile)["policy"]
        said = text_of("attach", "--policy", str(policy), "--cgroup", top.path)
        assert said == f"policy {policy} attached to 0 threads of 0 processes in cgroup {top.path}; " \
            f"{2 * THREADS} carried it already\n"
        for process in processes:
            shown = json_of("task-show", "task", "show", str(process.pid))
            assert all(thread["policies"] == [policy] for thread in shown["threads"])


def test_what_is_inherited_while_it_is_attached_is_not_kept_twice(top: Group, profile: Path,
                                                                  dev: int) -> None:
    """The task gets the policy between the tool's look and its attaching."""
    with answering(top) as (process,):
        done = secmapctl("--json", "attach", "--profile", profile, "--cgroup", top.path,
                         environment=preloaded("real(fd, request, record);"))
        assert (done.status, done.err) == (SUCCESS, "")
        policy = json.loads(done.out)["attach"]["policy"]
        assert [abi.task_ids(dev, tid) for tid in process.tids()] == [[policy]] * THREADS
        assert errnos(process) == {DENIED}


def test_only_what_is_in_the_group_at_the_time_is_held(top: Group, profile: Path) -> None:
    held = top.below("a")
    with answering(held, top) as (leaving, coming):
        attach(held.path, profile)
        top.move(leaving.pid)
        held.move(coming.pid)
        assert errnos(leaving) == {DENIED}
        assert errnos(coming) == {0}
        assert text_of("detach", "--cgroup", top.path).endswith(f"; {THREADS} were without it already\n")
        assert errnos(leaving) == {0}


def test_only_the_named_policy_is_taken_off(top: Group, profile: Path, dev: int) -> None:
    with answering(top) as (process,):
        first, second = (attach(top.path, profile)["policy"] for _ in range(2))
        json_of("detach", "detach", "--cgroup", top.path, "--policy", str(first))
        assert {tuple(abi.task_ids(dev, tid)) for tid in process.tids()} == {(second,)}
        error = error_of("detach", "--cgroup", top.path, "--policy", str(first))
        assert (error["errno_name"], error["text"]) == ("ENOENT", "none of its threads carries this policy")
        json_of("detach", "detach", "--cgroup", top.path)
        error = error_of("detach", "--cgroup", top.path)
        assert (error["errno_name"], error["text"]) == ("ENOENT", "none of its threads is filtered")
        assert error["operation"] == f"detach every policy from cgroup {top.path}"


def test_the_tool_leaves_itself_out_and_says_so(top: Group, profile: Path) -> None:
    with answering(top.below("a")) as (process,):
        done = tool_in(top, "--json", "attach", "--profile", profile, "--cgroup", top.path)
        assert (done.returncode, done.stderr) == (SUCCESS, "")
        answer = json.loads(done.stdout)
        validate(answer, "attach")
        assert set(answer["attach"]["changed"]) == process.tids()
        assert len(answer["attach"]["left_out"]) == 1 and not answer["attach"]["frozen"]
        done = tool_in(top, "detach", "--cgroup", top.path)
        assert (done.returncode, done.stderr) == (SUCCESS, "")
        assert done.stdout.endswith("; left out: secmapctl itself\n")
        assert errnos(process) == {0}
    done = tool_in(top, "attach", "--profile", profile, "--cgroup", top.path)
    assert (done.returncode, done.stdout) == (FAILURE, "")
    assert "no task is in it but the calling process" in done.stderr


def movable_kernel_thread(to: Group) -> int:
    """A thread of the kernel, moved to a group. Those that are bound to processors cannot be."""
    for pid in sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
        if not Path(f"/proc/{pid}/cmdline").read_bytes() and pid > 2:
            with contextlib.suppress(OSError):
                to.move(pid)
                return pid
    raise AssertionError("no thread of the kernel can be moved")


def test_a_thread_of_the_kernel_is_named_and_the_others_are_held(top: Group, profile: Path) -> None:
    with answering(top) as (process,):
        kernel = movable_kernel_thread(top)
        try:
            answer, error = partial("attach", "--profile", profile, "--cgroup", top.path)
            assert set(answer["changed"]) == process.tids()
            (failed,) = answer["failed"]
            assert (failed["tid"], failed["error"]["errno_name"]) == (kernel, "ESRCH")
            assert error["operation"] == f"attach to cgroup {top.path}"
            assert error["text"] == f"1 thread could not be changed: thread {kernel}: it is a thread of " \
                "the kernel, which makes no system calls"
            assert errnos(process) == {DENIED}
            done = json_of("detach", "detach", "--cgroup", top.path)
            assert done["unchanged"] == [kernel] and errnos(process) == {0}
        finally:
            (ROOT / "cgroup.procs").write_text(str(kernel), encoding="ascii")
        error = error_of("attach", "--profile", profile, "--pid", str(kernel))
        assert "a thread of the kernel" in error["text"]


def test_a_full_stack_is_named_and_the_others_are_held(top: Group, profile: Path, dev: int,
                                                       keep: Callable[[int], int]) -> None:
    with answering(top, top.below("a")) as (process, other):
        full = sorted(process.tids())[1:]
        policy = keep(abi.simple(dev, {}))
        for tid in full:
            for _ in range(STACK):
                abi.attach(dev, policy, tid)
        answer, error = partial("attach", "--profile", profile, "--cgroup", top.path)
        assert set(answer["changed"]) == {process.pid} | other.tids()
        assert [each["tid"] for each in answer["failed"]] == full
        assert error["errno_name"] == "ENOSPC"
        names = ", ".join(map(str, full))
        assert error["text"].startswith(f"2 threads could not be changed: threads {names}: the stack")
        plain = secmapctl("attach", "--policy", str(answer["policy"]), "--cgroup", top.path)
        assert plain.status == FAILURE
        assert plain.out == f"policy {answer['policy']} attached to 0 threads of 0 processes in cgroup {top.path}; " \
            f"{1 + THREADS} carried it already\n"
        assert plain.err.startswith("secmapctl: attach to cgroup ") and names in plain.err
        assert errnos(other) == {DENIED}
        error = error_of("attach", "--profile", profile, "--pid", str(process.pid))
        assert error["errno_name"] == "ENOSPC" and f"thread {full[0]}: " in error["text"]


def test_who_may_not_changes_nothing_and_a_thread_is_named(top: Group, profile: Path) -> None:
    with answering(top) as (process,):
        done = subprocess.run([TOOL, "--json", "attach", "--profile", "-", "--cgroup", top.path],
                              input=profile.read_text("ascii"), capture_output=True, text=True,
                              check=False, user=NOBODY, timeout=120)
        assert (done.returncode, done.stdout) == (FAILURE, "")
        error = json.loads(done.stderr)["error"]
        assert error["errno_name"] == "EPERM" and str(process.pid) in error["operation"]
        assert errnos(process) == {0}


@pytest.mark.parametrize(("path", "name", "said"), [
    ("/secmap-test/none", "ENOENT", "there is no such group"),
    ("secmap-test/none", "ENOENT", "there is no such group"),
    (ROOT / "none", "ENOENT", "there is no such group"),
    ("/secmap-test/../../../../tmp", "ENOENT", "there is no such group"),
    ("/tmp", "ENOTDIR", "it is not a folder of cgroup2"),
    ("/proc/version", "ENOTDIR", "it is not a folder of cgroup2"),
    (ROOT / "secmap-test/cgroup.procs", "ENOTDIR", "it is a file of a group"),
    ("/secmap-test/cgroup.procs", "ENOTDIR", "it is a file of a group"),
    ("/secmap-test", "ESRCH", "no task is in it"),
])
def test_what_is_no_group_with_tasks_is_refused(top: Group, profile: Path, path: str | Path, name: str,
                                                said: str) -> None:
    assert top.path == "/secmap-test"
    for error in (error_of("attach", "--profile", profile, "--cgroup", path),
                  error_of("detach", "--cgroup", path)):
        assert (error["errno_name"], said in error["text"]) == (name, True), error


def in_shell(namespaces: str, script: str, *arguments: str | Path,
             place: Group | None = None) -> "subprocess.CompletedProcess[str]":
    """In new namespaces, as root; the arguments are $1, $2 ... of the script."""
    return subprocess.run(["unshare", *namespaces.split(), "bash", "-ec", script, "bash", *arguments],
                          preexec_fn=place.enter if place else None, capture_output=True, text=True,
                          check=False, timeout=120)


def test_without_cgroup2_it_says_what_is_missing() -> None:
    done = in_shell("-m", 'umount /sys/fs/cgroup; "$1" detach --cgroup /x', TOOL)
    assert (done.returncode, done.stdout) == (FAILURE, "")
    assert done.stderr.startswith("secmapctl: open cgroup /x: no cgroup2 file system ")
    assert "mount -t cgroup2" in done.stderr


def test_other_mounts_and_namespaces(top: Group, profile: Path) -> None:
    """A mount point with a blank; a part of the tree; one that shows more than the namespace."""
    part = top.below("part")
    with answering(part.below("x")) as (process,):
        done = in_shell("-m", """
            umount /sys/fs/cgroup; mkdir -p "/tmp/a b"; mount -t cgroup2 none "/tmp/a b"
            "$1" attach --profile "$2" --cgroup /secmap-test/part/x
            "$1" detach --cgroup "/tmp/a b/secmap-test/part/x"
            mount --bind "/tmp/a b/secmap-test" /mnt; umount "/tmp/a b"
            "$1" attach --profile "$2" --cgroup /secmap-test/part
            "$1" detach --cgroup /mnt/part/x
            """, TOOL, profile)
        assert (done.returncode, done.stderr) == (SUCCESS, "")
        assert re.findall(r"(\d+) threads of 1 process in cgroup (\S+)\n", done.stdout) == [
            (str(THREADS), "/secmap-test/part/x")] * 2 + [
            (str(THREADS), "/secmap-test/part"), (str(THREADS), "/secmap-test/part/x")]
        done = in_shell("-C -m", """
            "$1" attach --profile "$2" --cgroup /sys/fs/cgroup/secmap-test/part/x && exit 3
            mount -t cgroup2 none /mnt
            "$1" attach --profile "$2" --cgroup /sys/fs/cgroup/secmap-test/part/x && exit 3
            "$1" attach --profile "$2" --cgroup /x
            "$1" detach --cgroup /mnt/x
            """, TOOL, profile, place=part)
        assert done.returncode == SUCCESS, done
        assert re.findall(r"(\d+) threads of 1 process in cgroup (\S+)\n", done.stdout) == [(str(THREADS), "/x")] * 2
        assert "no cgroup2 file system of this cgroup namespace is mounted" in done.stderr
        assert "is not of this cgroup namespace" in done.stderr


def test_tasks_without_an_id_here_are_told(top: Group, profile: Path) -> None:
    with answering(top) as (process,):
        done = in_shell("-p -f --mount-proc", '"$1" --json attach --profile "$2" --cgroup "$3"', TOOL,
                        profile, top.path)
        assert done.returncode == FAILURE
        (failed,) = json.loads(done.stdout)["attach"]["failed"]
        assert failed["tid"] == 0 and "no id in this pid namespace" in failed["error"]["text"]
        done = in_shell("-p -f", '"$1" attach --profile "$2" --cgroup "$3"', TOOL, profile, top.path)
        assert (done.returncode, done.stdout) == (FAILURE, "")
        assert "/proc is that of another pid namespace" in done.stderr
        assert errnos(process) == {0}


def fake_systemctl(folder: Path, script: str) -> dict[str, str]:
    """An environment with a systemctl that is this script."""
    path = folder / "systemctl"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    path.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_a_unit_is_its_control_group(top: Group, profile: Path, tmp_path: Path) -> None:
    service = top.below("x.service")
    environment = fake_systemctl(tmp_path, f"""
        [ "$*" = "show --property=ControlGroup --value x.service" ] && echo {service.path}""")
    with answering(service, top) as (process, stranger):
        done = secmapctl("--json", "attach", "--profile", profile, "--unit", "x",
                         environment=environment)
        assert (done.status, done.err) == (SUCCESS, "")
        answer = json.loads(done.out)
        validate(answer, "attach")
        assert (answer["attach"]["unit"], answer["attach"]["cgroup"]) == ("x.service", service.path)
        assert set(answer["attach"]["changed"]) == process.tids()
        assert errnos(process) == {DENIED} and errnos(stranger) == {0}
        done = secmapctl("detach", "--unit", "x.service", environment=environment)
        assert (done.status, done.out) == (
            SUCCESS, f"every policy detached from {THREADS} threads of 1 process in cgroup {service.path}\n")
        assert errnos(process) == {0}


def test_a_unit_whose_group_is_gone_is_an_error(profile: Path, tmp_path: Path) -> None:
    done = secmapctl("attach", "--profile", profile, "--unit", "x",
                     environment=fake_systemctl(tmp_path, "echo /secmap-gone/x.service"))
    assert done.status == FAILURE
    assert "open cgroup /secmap-gone/x.service: there is no such group" in done.err


def test_without_systemd_a_unit_is_an_error(profile: Path) -> None:
    """In a guest there is nobody whom systemctl could ask."""
    error = error_of("attach", "--profile", profile, "--unit", "x")
    assert error["operation"] == "ask for the cgroup of unit x.service"
    assert error["text"].startswith("systemctl ") and "--cgroup" in error["hint"]


def test_a_removed_group_is_not_taken_for_a_new_one_of_its_name(top: Group, profile: Path,
                                                                tmp_path: Path) -> None:
    """The profile is read after the group was found: meanwhile it is replaced."""
    name = top.path + "/a"
    place = top.below("a")
    pipe = tmp_path / "profile"
    os.mkfifo(pipe)
    with subprocess.Popen([TOOL, "attach", "--profile", pipe, "--cgroup", name], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tool:
        with open(pipe, "w", encoding="ascii") as into:
            place.folder.rmdir()
            with answering(top.below("a")) as (process,):
                into.write(profile.read_text("ascii"))
                into.close()
                out, err = tool.communicate()
                assert (tool.returncode, out) == (FAILURE, "")
                assert "the group has been removed" in err
                assert errnos(process) == {0}
