#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libsecmap-seccomp: what a program with a filter of its own sees is what the kernel shows it, and
it is secmap that holds it."""

import errno
import functools
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import abi
import cbpf
import pytest

TOP = Path(__file__).resolve().parents[2]
LIBRARY = TOP / "build/userland/userland/preload/libsecmap-seccomp.so"
CALLS = Path(__file__).with_name("preload_calls.py")
GETPPID = 110

HELD_BY_US = {"before": 0, "result": 0, "after": 2, "kernel": 0, "denied": 1}
HELD_BY_THE_KERNEL = {**HELD_BY_US, "kernel": 2}


@pytest.fixture(autouse=True)
def _built() -> None:
    sources = [*(TOP / "userland/preload").glob("*.[ch]")]
    newest = max(source.stat().st_mtime for source in sources)
    if not LIBRARY.exists() or LIBRARY.stat().st_mtime < newest:
        pytest.fail("libsecmap-seccomp.so is missing or old: make userland", pytrace=False)


@pytest.fixture(name="no_module")
def _no_module() -> Iterator[None]:
    subprocess.run(["rmmod", "secmap"], check=True)
    yield
    built = TOP / "build/module" / os.uname().release
    subprocess.run(["insmod", built / "secmap.ko"], check=True)


@pytest.fixture(name="empty")
def _empty() -> Iterator[None]:
    Path("/tmp/empty").mkdir()
    yield
    Path("/tmp/empty").rmdir()


def start(name: str, preloaded: bool = True, **more: str) -> "subprocess.Popen[str]":
    """A function of preload_calls.py, in a process of its own."""
    env = {**os.environ, **({"LD_PRELOAD": str(LIBRARY)} if preloaded else {}), **more}
    return subprocess.Popen(["/usr/bin/python3", "-S", CALLS, name], env=env, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def end(name: str, preloaded: bool = True, **more: str) -> tuple[int, str, str]:
    """How it ends, and what it says."""
    with start(name, preloaded, **more) as process:
        out, err = process.communicate(timeout=200)
        return process.returncode, out, err


def call(name: str, preloaded: bool = True, **more: str) -> Any:
    """What it returns."""
    status, out, err = end(name, preloaded, **more)
    assert (status, err) == (0, "")
    return json.loads(out)


@functools.cache
def seen(name: str) -> Any:
    """What it returns with the library; asked once."""
    return call(name)


# The kernel's answers, found by asking it, are the expectation.
@pytest.mark.parametrize("name", ["errnos", "answers", "listener", "tsync", "tsync_fails", "full",
                                  "strict_after_filter", "without_descriptors", "closing"])
def test_a_program_sees_what_the_kernel_would_answer(name: str) -> None:
    assert seen(name) == call(name, preloaded=False)


def test_the_refusals_are_what_they_are_meant_to_be() -> None:
    """So that the comparison above does not compare nothing."""
    found = seen("errnos")
    assert {-errno.EFAULT, -errno.EINVAL, -errno.EACCES, -errno.EMFILE} <= set(found)
    assert found[-1] == 0 and found[-2] == -errno.EMFILE
    assert seen("tsync") == [0, -errno.EPERM]
    assert seen("tsync_fails") == [1, -errno.ESRCH, 0, 1]
    assert seen("listener") == [1, 0, -errno.EBUSY]
    assert seen("full") == -errno.ENOMEM
    assert seen("closing")[:5] == [
        [-errno.EINVAL, [5, 6, 7, 999, 1001]], [-errno.EINVAL, [5, 6, 7, 999, 1001]],
        [0, [5, 999, 1001]], [0, [5, 6, 7, 999, 1001]], [0, [5, 6, 7, 999]]]
    assert seen("closing")[5:] == [
        [0, [1001]], [0, []], [0, [5]], [0, 1, 2, 5, 6, 7, 999], [0, 1, 2, 5], [0, 1, 2]]
    assert seen("strict_after_filter") == [0, -errno.EINVAL, -errno.EINVAL]


@pytest.mark.parametrize("name", ["attached", "by_prctl", "by_syscall_prctl", "by_flags",
                                  "computed", "after_closefrom", "with_another_file_there"])
def test_a_filter_is_ours(name: str) -> None:
    assert call(name) == HELD_BY_US
    assert call(name, preloaded=False) == HELD_BY_THE_KERNEL


def test_the_module_says_so_too(dev: int) -> None:
    with start("held") as process:
        assert process.stdout
        assert json.loads(process.stdout.readline()) == HELD_BY_US
        (ident,) = abi.task_ids(dev, process.pid)
        policy = cbpf.open_by_id(dev, ident)
        assert abi.policy_filter(dev, policy) == cbpf.deny({GETPPID: abi.ERRNO | 1})
        os.close(policy)
        process.kill()


@pytest.mark.parametrize("name", ["trace", "computed_trace"])
def test_a_filter_that_wants_a_tracer_is_the_kernels(name: str) -> None:
    assert call(name) == HELD_BY_THE_KERNEL
    assert call(name, SECMAP_SECCOMP="require") == HELD_BY_THE_KERNEL


def test_no_descriptor_is_needed_any_more() -> None:
    assert call("without_descriptors") == {"result": 0, "denied": 1, "mode": 2}
    assert call("without_descriptors", SECMAP_SECCOMP="require")["result"] == 0


def test_nor_is_the_device(empty: None) -> None:
    assert call("in_chroot", SECMAP_SECCOMP="require") == {"result": 0, "denied": 1}
    assert call("in_chroot_after_closefrom", SECMAP_SECCOMP="require") == \
        {"result": 0, "denied": 1}
    assert call("in_chroot_after_close") == {"result": 0, "denied": 1}
    assert call("in_chroot_after_close", SECMAP_SECCOMP="require") == \
        {"result": -errno.ENODEV, "denied": 0}


def test_who_denies_ioctl_is_not_killed_by_the_library() -> None:
    expected = {"first": 0, "mode": 2, "result": 0, "denied": 1}
    assert call("without_ioctl") == {**expected, "kernel": 2}  # the second one
    assert call("without_ioctl", SECMAP_SECCOMP="require") == \
        {**expected, "result": -errno.ENODEV, "denied": 0, "kernel": 0}


@pytest.mark.parametrize("name", ["strict", "strict_by_prctl"])
@pytest.mark.parametrize("preloaded", [True, False])
def test_strict_mode(name: str, preloaded: bool) -> None:
    assert end(name, preloaded) == (-signal.SIGKILL, '"written"\n', "")


@pytest.mark.parametrize("preloaded", [True, False])
def test_a_filter_kills(preloaded: bool) -> None:
    assert end("killed", preloaded)[0] == -signal.SIGSYS


def test_without_the_module_the_kernel_serves(no_module: None) -> None:
    assert call("attached") == HELD_BY_THE_KERNEL
    assert call("tsync") == [0, -errno.EPERM]
    assert end("strict") == (-signal.SIGKILL, '"written"\n', "")


def test_without_the_module_a_filter_can_be_required(no_module: None) -> None:
    refused = {"before": 0, "result": -errno.ENODEV, "after": 0, "kernel": 0, "denied": 0}
    assert call("attached", SECMAP_SECCOMP="require") == refused


def test_another_file_is_no_device() -> None:
    assert call("attached", SECMAP_DEVICE="/dev/null") == HELD_BY_THE_KERNEL
    assert call("attached", SECMAP_DEVICE="/etc/passwd") == HELD_BY_THE_KERNEL


@pytest.mark.parametrize("command", [["true"], ["bash", "-c", "exec 3</etc/passwd; exit 0"],
                                     ["/usr/bin/python3", "-c", "import os; os.closerange(3, 4096)"]])
def test_a_program_without_a_filter_notices_nothing(command: list[str]) -> None:
    done = subprocess.run(command, env={**os.environ, "LD_PRELOAD": str(LIBRARY)}, check=False,
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_its_descriptor_is_not_handed_on() -> None:
    done = subprocess.run(["sh", "-c", "LD_PRELOAD= ls /proc/self/fd"], capture_output=True,
                          env={**os.environ, "LD_PRELOAD": str(LIBRARY)}, text=True, check=True)
    assert done.stdout.split() == ["0", "1", "2", "3"]
