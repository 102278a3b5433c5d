#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filters in C in the kernel: run --prog, prog load and dump, and what their processes see."""

import os
import signal
import struct
import subprocess
from collections.abc import Iterator
from errno import (EACCES, EAFNOSUPPORT, EBADF, EFAULT, EINVAL, ENOSYS, ENOTTY, EPERM,
                   ESOCKTNOSUPPORT, ESRCH)
from pathlib import Path
from typing import Any

import bpf_map
import pytest
from answering import Answering
from in_c import EXAMPLES
from tool import FAILURE, TOOL, error_of, json_of, text_of

GETPID, IOCTL, SOCKET, CLONE, FORK, EXECVE, PTRACE, PERSONALITY = 39, 16, 41, 56, 57, 59, 101, 135
MOUNT, ACCT, KEXEC_LOAD, PERF_EVENT_OPEN, BPF, CLONE3, NEWEST = 165, 163, 246, 298, 321, 435, 1000
AF_UNIX, AF_INET, AF_NETLINK, SOCK_STREAM, SOCK_RAW, NETLINK_AUDIT = 1, 2, 16, 1, 3, 9
TIOCGWINSZ, TIOCSTI = 0x5413, 0x5412
ALL_ONES = 0xFFFFFFFFFFFFFFFF
NOBODY = 65534


def example(name: str) -> Path:
    """An object that the build has made."""
    path = EXAMPLES / f"{name}.bpf.o"
    assert path.exists()
    return path


def under(name: str, *more: str) -> Answering:
    """A process under an example."""
    return Answering(1, prefix=(str(TOOL), "run", "--prog", str(example(name)), *more, "--"))


def ask(process: Answering, *numbers: int) -> int:
    """The errno of a call in its only thread."""
    ((number,), _) = process.ask(*numbers)
    return number


@pytest.fixture(name="process")
def _process() -> Iterator[Answering]:
    """A running process that is not filtered."""
    with Answering(2) as process:
        yield process


@pytest.fixture(name="bpffs")
def _bpffs(tmp_path: Path) -> Iterator[Path]:
    """A file system for pins."""
    bpf_map.mount(str(tmp_path))
    yield tmp_path
    bpf_map.unmount(str(tmp_path))


def load_on(process: Answering, name: str, *more: str) -> Any:
    """Put an example on a whole process; what was said."""
    done = json_of("prog-load", "prog", "load", example(name), "--pid", str(process.pid), *more)
    assert set(done["attached"]["changed"]) == process.tids()
    return done["policy"]


def test_errnos_come_from_the_table() -> None:
    with under("errnos") as process:
        for call, number in ((MOUNT, EPERM), (PTRACE, ESRCH), (PERF_EVENT_OPEN, EACCES),
                             (BPF, ENOSYS), (GETPID, 0)):
            assert ask(process, call, 0, 0, 0, 0, 0) == number
        assert process.process.stdin
        process.process.stdin.write(f"[{KEXEC_LOAD}]\n")
        process.process.stdin.flush()
        assert process.process.wait(timeout=60) == -signal.SIGSYS


def test_sockets_by_family_and_type() -> None:
    with under("sockets") as process:
        assert ask(process, SOCKET, AF_UNIX, SOCK_STREAM, 0) == 0
        assert ask(process, SOCKET, AF_UNIX | 1 << 32, SOCK_STREAM, 0) == 0
        assert ask(process, SOCKET, AF_NETLINK, SOCK_RAW, 0) == EAFNOSUPPORT
        assert ask(process, SOCKET, AF_INET, SOCK_RAW, 1) == ESOCKTNOSUPPORT


def test_ioctls_that_are_not_listed() -> None:
    """A descriptor that is not open tells one errno from the other."""
    with under("ioctls") as process:
        assert ask(process, IOCTL, -1, TIOCGWINSZ, 0) == EBADF
        assert ask(process, IOCTL, -1, TIOCGWINSZ | 1 << 32, 0) == EBADF
        assert ask(process, IOCTL, -1, TIOCSTI, 0) == ENOTTY
        assert ask(process, IOCTL, -1, 0, 0) == ENOTTY


def test_a_running_program_starts_no_other() -> None:
    with Answering(1, "--churn") as process:
        assert process.ask(GETPID)[0] == [0]
        done = json_of("prog-load", "prog", "load", example("no-exec"), "--pid", str(process.pid))
        assert process.pid in done["attached"]["changed"]
        for call, number in ((FORK, EPERM), (EXECVE, EPERM), (CLONE, EPERM), (CLONE3, ENOSYS)):
            assert process.ask(call, 0, 0, 0, 0, 0)[0] == [number]
        process.ask(GETPID)
        # Threads are started all the time, still.
        passed: list[int] = []
        while 0 not in passed:
            passed += process.ask(GETPID)[1]
        assert set(passed) <= {0, ENOSYS}


def test_real_programs_live_in_the_container() -> None:
    script = "ls / | sort | head -3; python3 -c 'print(sum(range(10)))'; exit 7"
    plain = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    done = subprocess.run([TOOL, "run", "--prog", example("container"), "--", "bash", "-c", script],
                          capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (7, plain.stdout, plain.stderr)
    with under("container") as process:
        for call, number in ((ACCT, EPERM), (BPF, EPERM), (NEWEST, ENOSYS)):
            assert ask(process, call, 0, 0, 0, 0, 0) == number
        assert ask(process, PERSONALITY, 0xFFFFFFFF) == 0
        assert ask(process, PERSONALITY, ALL_ONES) == ENOSYS
        assert ask(process, SOCKET, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT) == EINVAL
        assert ask(process, SOCKET, AF_NETLINK, SOCK_RAW, 0) == 0


CALLS = ((GETPID,), (IOCTL, 0, TIOCGWINSZ), (IOCTL, 0, TIOCSTI), (SOCKET, AF_INET, SOCK_STREAM),
         (SOCKET, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT), (CLONE, 0x10000), (EXECVE,), (MOUNT,),
         (KEXEC_LOAD,), (PERSONALITY, 8), (NEWEST,))


@pytest.mark.parametrize("name", ["container", "errnos", "ioctls", "no-exec", "sockets"])
def test_the_kernel_answers_as_prog_test_does(process: Answering, name: str) -> None:
    policy = load_on(process, name)
    assert (policy["kind"], policy["name"]) == ("ebpf", f"{name}.bpf")
    check = json_of("prog-check", "prog", "check", example(name))
    assert policy["program"]["allowed"] == check["allowed"]
    assert policy["program"]["instructions"] == check["instructions"]
    assert policy["tables"] == len(check["tables"])
    for call, *args in CALLS:
        asked = ["--call", str(call)]
        for index, value in enumerate(args):
            asked += ["--arg", f"{index}={value}"]
        there = json_of("explain", "explain", "--policy", str(policy["id"]), *asked)
        here = json_of("prog-test", "prog", "test", example(name), *asked)
        assert there["action"] == here["action"], (call, args)


def test_the_live_program_is_the_objects(process: Answering, tmp_path: Path) -> None:
    policy = str(load_on(process, "container", "--name", "mine")["id"])
    there = json_of("prog-dump", "prog", "dump", "--policy", policy)
    here = json_of("prog-dump", "prog", "dump", example("container"))
    assert (there["source"], there["name"], there["tables"]) == (f"policy {policy}", "mine", None)
    for mine, other in zip(there["instructions"], here["instructions"], strict=True):
        same = ("index", "code", "dst", "src", "off", "imm", "text")
        assert [mine[each] for each in same] == [other[each] for each in same]
    assert [(each["abi"], each["count"]) for each in there["allowed_counts"]] == [
        (each["abi"], len(each["calls"])) for each in here["allowed"]]
    text = text_of("prog", "dump", "--policy", policy)
    assert text.startswith(f"policy {policy}: mine, ") and "3 tables\n" in text
    text_of("prog", "dump", "--policy", policy, "--output", tmp_path / "live")
    text_of("prog", "dump", example("container"), "--output", tmp_path / "file")
    assert (tmp_path / "live").read_bytes() == (tmp_path / "file").read_bytes()


def test_bpftool_changes_a_live_filter(bpffs: Path) -> None:
    pin = bpffs / "answers"
    subprocess.run(["bpftool", "map", "create", pin, "type", "hash", "key", "4", "value", "4",
                    "entries", "512", "name", "answers"], check=True)

    def octets(number: int) -> list[str]:
        return ["hex", *(f"{each:02x}" for each in struct.pack("<I", number))]

    def there(call: int) -> str:
        found = json_of("prog-test", "prog", "test", example("live"), "--map", f"answers={pin}",
                        "--call", str(call))
        assert not found["whatever_arguments"]
        return str(found["action"]["name"])

    with under("live", "--map", f"answers={pin}") as process:
        assert ask(process, PTRACE, ALL_ONES, 0, 0, 0) != EFAULT
        subprocess.run(["bpftool", "map", "update", "pinned", pin, "key", *octets(PTRACE),
                        "value", *octets(0x50000 | EFAULT)], check=True)
        assert ask(process, PTRACE, ALL_ONES, 0, 0, 0) == EFAULT
        assert (there(PTRACE), there(GETPID)) == ("ERRNO", "ALLOW")
        subprocess.run(["bpftool", "map", "delete", "pinned", pin, "key", *octets(PTRACE)],
                       check=True)
        assert ask(process, PTRACE, ALL_ONES, 0, 0, 0) != EFAULT
        assert there(PTRACE) == "ALLOW"


def test_maps_that_are_not_there_or_of_another_shape(bpffs: Path) -> None:
    missing = error_of("prog", "load", example("live"), "--map", f"answers={bpffs}/none")
    assert (missing["errno_name"], missing["operation"]) == ("ENOENT", f"open map {bpffs}/none")
    subprocess.run(["bpftool", "map", "create", bpffs / "wide", "type", "hash", "key", "4",
                    "value", "16", "entries", "4", "name", "wide"], check=True)
    wide = error_of("prog", "load", example("live"), "--map", f"answers={bpffs}/wide")
    assert (wide["errno_name"], wide["text"]) == (
        "EBADFD", "it is of type 1, with keys of 4 bytes and values of 16")


def test_nobody_loads_where_the_privileged_may() -> None:
    """As the module's parameter has it."""
    assert Path("/sys/module/secmap/parameters/ebpf").read_text(encoding="ascii") == "privileged\n"
    command = (TOOL, "run", "--prog", example("errnos"), "--", "true")
    done = subprocess.run(command, user=NOBODY, group=NOBODY, extra_groups=[], check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == FAILURE
    assert "ebpf=privileged: needs CAP_SYS_ADMIN" in done.stderr
    assert subprocess.run(command, check=False, timeout=60).returncode == os.EX_OK
