#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl prog load and dump, and run --cbpf: programs in the kernel, and on processes."""

import errno
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answering import Answering
from classic import (ALLOW, ERRNO, KILL_PROCESS, KILL_THREAD, NR, SCMP_EQ, deny, jeq, libseccomp,
                     load, pack, ret)
from tool import (CANNOT_EXECUTE, FAILURE, PODMAN, SUCCESS, TOOL, error_of, json_of, secmapctl,
                  text_of)

NOBODY = 65534
SWAPON, GETPPID, GETPID, SOCKET, PERSONALITY, EXECVE = 167, 110, 39, 41, 135, 59
THREADS = 4


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    """A folder with the tool and a program, which everybody can reach."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    shutil.copy(TOOL, made / "secmapctl")
    (made / "deny.bpf").write_bytes(deny(GETPPID, ERRNO | errno.EXDEV))
    yield made
    shutil.rmtree(made)


@pytest.fixture(name="process")
def _process() -> Iterator[Answering]:
    """A running process of several threads that is not filtered."""
    with Answering(THREADS) as process:
        assert process.ask(GETPPID) == ([0] * THREADS, [])
        yield process


def libseccomps(path: Path) -> Path:
    """A filter of libseccomp's that Python can live under."""
    libseccomp(path, ALLOW, [
        (ERRNO | errno.EXDEV, "getppid", ()), (ERRNO | errno.EDOM, "personality", (0, SCMP_EQ, 8)),
    ], also_i386=True)
    return path


def shown(policy: int) -> Any:
    """What `policy show` says of it."""
    return json_of("policy-show", "policy", "show", str(policy))


def load_on(process: Answering, path: Path, *more: str) -> int:
    """Put a program on a whole process; the policy's id."""
    done = json_of("prog-load", "prog", "load", "--cbpf", path, "--pid", str(process.pid), *more)
    assert set(done["attached"]["changed"]) == process.tids()
    assert done["attached"]["policy"] == done["policy"]["id"]
    assert done["policy"]["stacks"] >= 1
    return int(done["policy"]["id"])


def test_loading_shows_what_the_kernel_made_of_it(folder: Path) -> None:
    path = folder / "deny.bpf"
    done = json_of("prog-load", "prog", "load", "--cbpf", path)
    check = json_of("prog-check", "prog", "check", "--cbpf", path)
    policy = done["policy"]
    assert (policy["kind"], policy["name"], policy["stacks"]) == ("cbpf", "deny", 0)
    assert (policy["foreign_action"], policy["sections"], policy["uid"]) == (None, [], 0)
    assert policy["program"]["instructions"] == check["instructions"] == 6
    assert policy["program"]["translated"] >= 6
    assert policy["program"]["allowed"] == check["allowed"]
    assert done["attached"] is None
    error = error_of("policy", "show", str(policy["id"]))
    assert error["errno_name"] == "ENOENT"
    text = text_of("prog", "load", "--cbpf", path, "--name", "other")
    assert text.startswith(f"{path}: the kernel takes it\npolicy ")
    assert ": other\n" in text and "is gone with this command\n" in text


def test_the_kernel_takes_the_longest_program(tmp_path: Path) -> None:
    path = tmp_path / "long.bpf"
    path.write_bytes(pack([load(NR)] * 4095 + [ret(ALLOW)]))
    done = json_of("prog-load", "prog", "load", "--cbpf", path)
    assert done["policy"]["program"]["instructions"] == 4096


def test_all_threads_of_a_process_are_held_and_let_go(process: Answering, folder: Path) -> None:
    policy = load_on(process, folder / "deny.bpf", "--name", "mine")
    assert process.ask(GETPPID)[0] == [errno.EXDEV] * THREADS
    assert process.ask(GETPID)[0] == [0] * THREADS
    assert shown(policy)["name"] == "mine"
    tasks = json_of("task-show", "task", "show", str(process.pid))
    assert all(thread["policies"] == [policy] for thread in tasks["threads"])
    done = json_of("attach", "attach", "--policy", str(policy), "--pid", str(process.pid))
    assert done["changed"] == []
    json_of("detach", "detach", "--pid", str(process.pid), "--policy", str(policy))
    assert process.ask(GETPPID)[0] == [0] * THREADS
    said = text_of("prog", "load", "--cbpf", folder / "deny.bpf", "--pid", str(process.pid))
    assert f"attached to {THREADS} threads of process {process.pid}\n" in said


def test_the_live_program_is_the_file(process: Answering, folder: Path, tmp_path: Path) -> None:
    for path in (folder / "deny.bpf", libseccomps(folder / "lib.bpf")):
        policy = str(load_on(process, path))
        there = json_of("prog-dump", "prog", "dump", "--policy", policy)
        here = json_of("prog-dump", "prog", "dump", "--cbpf", path)
        assert there.pop("source") == f"policy {policy}"
        assert here.pop("source") == str(path)
        assert there == here
        text = text_of("prog", "dump", "--policy", policy)
        assert text.split("\n")[1:] == text_of("prog", "dump", "--cbpf", path).split("\n")[1:]
        text_of("prog", "dump", "--policy", policy, "--output", tmp_path / "copy.bpf")
        assert (tmp_path / "copy.bpf").read_bytes() == path.read_bytes()


def test_lists_tell_programs_from_maps(process: Answering, folder: Path) -> None:
    maps = json_of("attach", "attach", "--profile", PODMAN, "--pid", str(process.pid))["policy"]
    program = load_on(process, folder / "deny.bpf")
    listed = {policy["id"]: policy for policy in json_of("policy-list", "policy", "list")}
    assert listed[program] == shown(program)
    assert (listed[program]["kind"], listed[maps]["kind"]) == ("cbpf", "maps")
    assert listed[maps]["program"] is None
    lines = {line.split()[0]: line.split() for line in text_of("policy", "list").splitlines()}
    assert lines[str(program)][1:3] == ["deny", "cbpf"]
    assert lines[str(program)][-2:] == ["6", "instructions"]
    assert lines[str(maps)][2] == "maps"
    assert lines[str(maps)][-1] == "x86_64,x32,i386"
    text = text_of("policy", "show", str(program))
    assert "kind       cbpf, made by uid 0\n" in text
    assert "x86_64     1023 of 1024 numbers allowed whatever the arguments are\n" in text
    assert "others" not in text and "rule" not in text
    error = error_of("prog", "dump", "--policy", str(maps))
    assert (error["text"], error["errno_name"]) == ("it is not a program", "EINVAL")


def test_the_kernel_answers_as_the_tool_foresees(process: Answering, folder: Path) -> None:
    path = libseccomps(folder / "lib.bpf")
    policy = str(load_on(process, path))
    for call in (("getppid",), ("getpid",), ("personality", "--arg", "0=8"),
                 ("personality", "--arg", "0=0x800000008"), ("personality",),
                 ("getppid", "--abi", "i386"), ("getppid", "--abi", "x32"), ("1000000",)):
        there = json_of("explain", "explain", "--policy", policy, "--call", *call)
        here = json_of("prog-test", "prog", "test", "--cbpf", path, "--call", *call)
        assert there["decided_by"] == "program"
        assert (there["action"], there["call"]) == (here["action"], here["call"]), call
    assert process.ask(GETPPID)[0] == [errno.EXDEV] * THREADS
    assert process.ask(PERSONALITY, 8)[0] == [errno.EDOM] * THREADS
    assert process.ask(PERSONALITY, 0xFFFFFFFF)[0] == [0] * THREADS


def test_run_holds_the_program_and_what_it_starts(folder: Path) -> None:
    path = folder / "deny.bpf"
    with Answering(1, prefix=(str(TOOL), "run", "--cbpf", str(path), "--")) as process:
        assert process.ask(GETPPID)[0] == [errno.EXDEV]
        assert process.ask(GETPID)[0] == [0]
        tasks = json_of("task-show", "task", "show", str(process.pid))
        (policy,) = tasks["threads"][0]["policies"]
        assert shown(policy)["name"] == "deny"
    code = "import os; print(os.getppid())"
    done = secmapctl("run", "--cbpf", path, "--", "sh", "-c",
                     f"grep NoNew /proc/self/status; (/usr/bin/python3 -c '{code}'); exit 7")
    # The C library does not know that getppid() can fail: it passes on what the kernel returns.
    assert (done.status, done.out) == (7, f"NoNewPrivs:\t1\n-{errno.EXDEV}\n")


def test_run_takes_the_program_from_standard_input(folder: Path) -> None:
    with (folder / "deny.bpf").open("rb") as stdin:
        done = subprocess.run([TOOL, "run", "--name", "piped", "--cbpf", "-", "--", "/usr/bin/python3",
                               "-c", "import os; print(os.getppid())"], stdin=stdin, check=True,
                              capture_output=True, text=True)
    assert done.stdout == f"-{errno.EXDEV}\n"


def test_a_call_can_kill(tmp_path: Path) -> None:
    path = tmp_path / "kill.bpf"
    path.write_bytes(deny(GETPPID, KILL_PROCESS))
    done = secmapctl("run", "--cbpf", path, "--", "/usr/bin/python3", "-c",
                     "import os; os.getppid(); print('lived')")
    assert (done.status, done.out) == (-31, "")


def test_a_program_that_denies_execve_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.bpf"
    path.write_bytes(deny(EXECVE))
    error = error_of("run", "--cbpf", path, "--", "true", status=CANNOT_EXECUTE)
    assert error["errno_name"] == "EPERM"
    assert "prog test --call execve" in error["hint"]


@pytest.mark.parametrize(("content", "name", "said"), [
    (pack([load(64), ret(ALLOW)]), "x", "instruction 0, opcode 0x20: struct seccomp_data has no"),
    (b"", "x", "it is empty"),
    (pack([load(NR), jeq(1, 0, 0), ret(KILL_THREAD)]), "not a name", "the module refused it"),
], ids=["instruction", "empty", "name"])
def test_what_is_refused_holds_nobody(process: Answering, tmp_path: Path, content: bytes, name: str,
                                      said: str) -> None:
    path = tmp_path / "bad.bpf"
    path.write_bytes(content)
    options = ("--cbpf", str(path), "--name", name)
    for arguments in (("prog", "load", *options), ("prog", "load", *options, "--pid", str(process.pid)),
                      ("run", *options, "--", "touch", str(tmp_path / "ran"))):
        assert said in error_of(*arguments)["text"]
    assert not (tmp_path / "ran").exists()
    assert process.ask(GETPPID)[0] == [0] * THREADS


def test_what_is_not_there_is_named(folder: Path) -> None:
    path = folder / "deny.bpf"
    error = error_of("prog", "load", "--cbpf", path, "--pid", "2147483647")
    assert (error["operation"], error["errno_name"]) == ("open process 2147483647", "ESRCH")
    error = error_of("prog", "dump", "--policy", "4294967295")
    assert (error["operation"], error["errno_name"]) == ("open policy 4294967295", "ENOENT")


def as_nobody(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tool without privileges."""
    return subprocess.run([folder / "secmapctl", "--json", *arguments], capture_output=True, text=True,
                          check=False, user=NOBODY, group=NOBODY, extra_groups=[])


def test_anybody_can_load_and_restrict_himself(folder: Path) -> None:
    path = str(folder / "deny.bpf")
    done = as_nobody(folder, "prog", "load", "--cbpf", path)
    assert (done.returncode, done.stderr) == (SUCCESS, "")
    assert json.loads(done.stdout)["load"]["policy"]["uid"] == NOBODY
    done = as_nobody(folder, "run", "--cbpf", path, "--", "/usr/bin/python3", "-c",
                     "import os; print(os.getppid(), os.getuid())")
    assert (done.returncode, done.stdout) == (SUCCESS, f"-{errno.EXDEV} {NOBODY}\n")


def test_nobody_can_do_no_more_than_that(process: Answering, folder: Path) -> None:
    path = str(folder / "deny.bpf")
    policy = str(load_on(process, folder / "deny.bpf"))
    for arguments, name in (
            (("prog", "load", "--cbpf", path, "--pid", str(os.getpid())), "EPERM"),
            (("prog", "dump", "--policy", policy), "EPERM"),
            (("run", "--no-nnp", "--cbpf", path, "--", "id"), "EACCES")):
        done = as_nobody(folder, *arguments)
        assert (done.returncode, done.stdout) == (FAILURE, "")
        error = json.loads(done.stderr)["error"]
        assert error["errno_name"] == name
        assert "CAP_SYS_ADMIN" in error["hint"]
