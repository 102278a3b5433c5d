#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The module finds out by behaviour whether this kernel can skip a call: on both kinds."""

import ctypes
import errno
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import abi
import pytest
from records import Record

HERE = Path(__file__).parent
BUILT = HERE.parents[1] / "build/module" / os.uname().release


@pytest.fixture(name="load_and_call", scope="module")
def _load_and_call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("programs") / "load_and_call"
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-o", program,
                    HERE / "programs/load_and_call.c"], check=True)
    return program


@pytest.fixture(name="unloaded")
def _unloaded() -> Iterator[None]:
    """Without the module; afterwards it is there again, tried on a kernel that works."""
    subprocess.run(["rmmod", "secmap"], check=True)
    yield
    for module in ("oldkernel", "secmap"):
        subprocess.run(["rmmod", module], check=False, capture_output=True)
    subprocess.run(["insmod", BUILT / "secmap.ko"], check=True)


def skip() -> int:
    """What INFO says about this kernel, when it has been tried."""
    with open("/dev/secmap", "rb", buffering=0) as file:
        for _ in range(10):
            info = Record("secmap_info")
            assert info.ioctl(file.fileno()) == 0
    return info["out_skip"]


def load(program: Path, call: str, *modules: str) -> subprocess.CompletedProcess[str]:
    """Load modules and make a call; what the program says of it, and its status."""
    return subprocess.run([program, call, *(BUILT / f"{module}.ko" for module in modules)],
                          check=False, capture_output=True, text=True)


def attach_errno() -> int:
    """What attaching to oneself gives."""
    dev = abi.device()
    policy = abi.simple(dev, {})
    try:
        with pytest.raises(OSError) as refused:
            abi.attach(dev, policy)
        assert not abi.task_ids(dev)
        return refused.value.errno or 0
    finally:
        os.close(policy)
        os.close(dev)


@pytest.mark.usefixtures("unloaded")
def test_the_call_that_is_tried_is_made_all_the_same(load_and_call: Path) -> None:
    assert load(load_and_call, "getpid", "secmap").stdout == "1 1\n"
    assert skip() == abi.SKIP_WORKS


@pytest.mark.usefixtures("unloaded")
def test_a_kernel_that_cannot_skip_is_never_asked_to_enforce(load_and_call: Path) -> None:
    # Such a kernel makes the call at the first time of asking.
    assert load(load_and_call, "getpid", "secmap", "oldkernel").stdout == "1 1\n"
    assert skip() == abi.SKIP_BROKEN
    assert attach_errno() == errno.ENOSYS
    # It stays so: the answer is not asked for again.
    subprocess.run(["rmmod", "oldkernel"], check=True)
    assert skip() == abi.SKIP_BROKEN
    assert attach_errno() == errno.ENOSYS


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize(("call", "status"), [("exit", 7), ("sigreturn", -signal.SIGSEGV)])
def test_a_call_that_does_not_come_back_tells_nothing(load_and_call: Path, call: str,
                                                      status: int) -> None:
    assert load(load_and_call, call, "secmap", "oldkernel").returncode == status
    assert skip() == abi.SKIP_BROKEN
    assert attach_errno() == errno.ENOSYS


@pytest.mark.usefixtures("unloaded")
def test_a_loader_that_makes_no_call_leaves_it_to_who_asks() -> None:
    # Killed inside finit_module's return path is not to be had at will; a loader that is
    # stopped right behind it is: ptrace keeps it there.
    code = (
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None)\n"
        "fd = os.open(sys.argv[1], os.O_RDONLY)\n"
        "libc.ptrace(0, 0, 0, 0)\n"
        "os.kill(os.getpid(), 19)\n"
        "libc.syscall(313, fd, b'', 0)\n"
        "os.getpid()\n"
    )
    child = subprocess.Popen(["/usr/bin/python3", "-c", code, BUILT / "secmap.ko"])
    libc = ctypes.CDLL(None)
    status = os.waitpid(child.pid, os.WUNTRACED)[1]
    assert os.WIFSTOPPED(status)
    stops = 0
    while True:  # to the exit of finit_module: two stops a call
        libc.ptrace(24, child.pid, 0, 0)  # PTRACE_SYSCALL
        os.waitpid(child.pid, 0)
        stops += 1
        if Path("/sys/module/secmap").exists() and Path("/dev/secmap").exists() and stops % 2 == 0:
            break
    # The loader stands still behind finit_module: the kernel is not known yet.
    dev = abi.device()
    policy = abi.simple(dev, {})
    pid = os.fork()
    if pid == 0:
        abi.no_new_privs()
        os._exit(0 if abi.attach(dev, policy) == 1 else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert skip() == abi.SKIP_WORKS
    os.close(policy)
    os.close(dev)
    libc.ptrace(8, child.pid, 0, 0)  # PTRACE_KILL
    child.kill()
    child.wait()
