# SPDX-License-Identifier: LGPL-2.1-or-later
"""Loading and unloading: refused while something of ours is in use, and nothing is left."""

import contextlib
import json
import os
import select
import stat
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from errno import ENOENT, EWOULDBLOCK
from pathlib import Path

import abi
import bpf_map
import child
import ebpf
import filtered
import pytest
import tracing
from abi import ERRNO, KILL_PROCESS
from child import Child, errno_of, gate
from family import Family
from loading import load, references, unload, unload_at_last
from monitoring import Monitor
from tool import FAILURE
from watching import Refused, Socket

SPEC = Path(__file__).resolve().parents[2] / "uapi/secmap/secmap.yaml"
GETPPID = 110
EFAKE = 77


@pytest.fixture(autouse=True)
def _loaded_again() -> Iterator[None]:
    # What a test before this file held when it failed is not to fail all of this.
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{name}")
            if "[secmap-" in target or target == "/dev/secmap":
                os.close(int(name))
    while references():
        os.sched_yield()
    yield
    if not Path("/sys/module/secmap").exists():
        load()
    while references():
        os.sched_yield()


def test_while_the_device_is_open() -> None:
    dev = abi.device()
    assert unload() == EWOULDBLOCK
    assert abi.task_ids(dev) == []
    os.close(dev)
    unload_at_last()


@pytest.mark.parametrize("kind", ["table", "policy"])
def test_while_a_descriptor_is_open(kind: str) -> None:
    dev = abi.device()
    held = abi.table_create(dev, [1]) if kind == "table" else abi.simple(dev, {})
    os.close(dev)
    assert unload() == EWOULDBLOCK
    os.close(held)
    unload_at_last()


def test_while_a_task_is_filtered() -> None:
    """All descriptors are closed; the task alone holds it."""
    with gate() as go, gate() as ready:
        def begin() -> int:
            dev = abi.device()
            policy = abi.simple(dev, {GETPPID: ERRNO | EFAKE})
            abi.attach(dev, policy)
            os.close(policy)
            os.close(dev)
            ready.open()
            go.wait()
            return abi.raw_syscall(GETPPID)

        with Child(begin) as running:
            ready.wait()
            for _ in range(10):
                assert unload() == EWOULDBLOCK
            go.open()
            assert running.outcome().value == -EFAKE
    unload_at_last()


def test_after_a_task_has_run_a_program() -> None:
    """It calls functions of ours, and looks into a map of the kernel's: both are let go."""
    with gate() as go, gate() as ready:
        def begin() -> int:
            dev, map_ = abi.device(), bpf_map.create(bpf_map.HASH)
            bpf_map.put(map_, 5, ERRNO | EFAKE)
            policy = ebpf.policy(dev, ebpf.only(GETPPID, [
                *ebpf.value_of(0, 0, abi.ALLOW), ebpf.leave()]), [map_])
            abi.attach(dev, policy)
            ready.open(struct.pack("<I", bpf_map.ident(map_)))
            for descriptor in (policy, map_, dev):
                os.close(descriptor)
            while not select.select([go.reading], [], [], 0)[0]:
                assert abi.raw_syscall(GETPPID, 5) == -EFAKE
            return abi.raw_syscall(GETPPID, 6)

        with Child(begin) as running:
            (ident,) = struct.unpack("<I", ready.wait())
            assert bpf_map.exists(ident) and unload() == EWOULDBLOCK
            go.open()
            assert running.outcome().value == os.getpid()
    unload_at_last()
    while bpf_map.exists(ident):
        os.sched_yield()


def test_while_a_zombie_was_filtered() -> None:
    """What has ended is not filtered any more."""
    def begin() -> None:
        dev = abi.device()
        abi.attach(dev, abi.simple(dev, {}))

    with Child(begin) as running:
        while filtered.state(running.pid) != "Z":
            os.sched_yield()
        unload_at_last()


def test_nothing_is_left() -> None:
    cache = Path("/sys/kernel/slab/secmap_carrier")
    assert cache.exists()
    # The kernel leaves the names of merged caches behind, as links.
    merged = cache.is_symlink()
    dev = abi.device()
    for _ in range(3):
        child.value(lambda: abi.attach(dev, abi.simple(dev, {GETPPID: ERRNO | EFAKE})))
    os.close(dev)
    unload_at_last()
    assert merged or not cache.exists()
    for path in ("/dev/secmap", "/sys/module/secmap", "/sys/class/misc/secmap"):
        assert not os.path.exists(path), path
    assert "secmap" not in Path("/proc/misc").read_text(encoding="ascii")
    symbols = Path("/proc/kallsyms").read_text(encoding="ascii")
    assert "[secmap]" not in symbols


def test_flags_of_the_trace_points_are_gone(program: Callable[[str], str]) -> None:
    """After unloading, all of the same calls work that were denied."""
    unload_at_last()
    assert subprocess.run([program("spawn"), "fork"], check=True, capture_output=True,
                          text=True).stdout == "0\n"


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o444, 0o777, 0o7777])
def test_mode(mode: int) -> None:
    unload_at_last()
    load(b"mode=%d" % mode)
    assert stat.S_IMODE(os.stat("/dev/secmap").st_mode) == mode & 0o777

    def open_as_nobody() -> int:
        child.become_nobody()
        return errno_of(abi.device)

    assert child.value(open_as_nobody) == (0 if mode & 0o006 == 0o006 else 13)
    unload_at_last()


def test_fifty_times() -> None:
    """Each time with a filter that holds, in ways that leave work for later."""
    for turn in range(50):
        dev = abi.device()
        policy = abi.simple(dev, {GETPPID: (ERRNO | EFAKE) if turn % 3 else KILL_PROCESS,
                                  39: abi.LOG})

        def begin(dev: int = dev, policy: int = policy) -> int:
            abi.attach(dev, policy)
            os.getpid()
            child.run(lambda: abi.raw_syscall(GETPPID))
            return abi.raw_syscall(GETPPID)

        with Child(begin) as running:
            outcome = running.outcome()
        if turn % 3:
            assert outcome.value == -EFAKE
        else:
            assert outcome.signal == 31
        os.close(policy)
        os.close(dev)
        unload_at_last()
        load()


def test_at_once_after_loading() -> None:
    """Before the kernel has been tried, and while it is."""
    for _ in range(20):
        unload_at_last()
        load()
        assert unload() in (0, EWOULDBLOCK)
        if not Path("/sys/module/secmap").exists():
            load()


def test_who_watches_does_not_hold_the_module() -> None:
    with Socket() as watcher:
        watcher.watch()
        unload_at_last()
        with pytest.raises(Refused) as refused:
            watcher.watch()
        assert refused.value.errno == ENOENT
        load()
        assert not watcher.waits()
        # It is another family now, and this socket another watcher.
        with Socket() as other:
            watcher.family = other.family
            other.watch()
            watcher.watch()


def test_who_monitors_is_told_that_it_is_gone() -> None:
    with Monitor() as monitor:
        unload_at_last()
        assert monitor.process.stdout and monitor.process.stderr
        (end,) = monitor.process.stdout.read().splitlines()
        error = json.loads(monitor.process.stderr.read())["error"]
        assert json.loads(end)["monitor"]["end"]["events"] == 0
        assert error["errno_name"] == "ENODEV"
        assert error["text"] == "the module was unloaded: nothing is filtered any more"
        assert monitor.process.wait(timeout=60) == FAILURE


def test_a_dump_that_is_half_read_holds_the_module_as_long_as_its_socket() -> None:
    dev = abi.device()
    policies = [abi.simple(dev, {}) for _ in range(300)]
    families = [Family(SPEC) for _ in range(4)]
    for each in families:
        each.begin("policy-get")
        each.socket.recv(4096)
    with Family(SPEC) as tasks:
        tasks.begin("task-get")
        for policy in policies:
            os.close(policy)
        os.close(dev)
    assert unload() == EWOULDBLOCK
    # One is read to its end, the others are not.
    assert families[0].finish("policy-get").interrupted
    for each in families:
        each.socket.close()
    unload_at_last()


def test_who_traces_verdicts_does_not_hold_the_module() -> None:
    """Its events go with it, and those of the next one begin at none."""
    with tracing.instance("secmap_unload") as events:
        events.set("secmap/secmap_decision", "enable", "1")
        unload_at_last()
        load()
        dev = abi.device()
        policy = abi.simple(dev, {GETPPID: ERRNO | EFAKE})

        def deny() -> int:
            abi.attach(dev, policy)
            return abi.raw_syscall(GETPPID)

        assert child.value(deny) == -EFAKE
        assert events.seen() == 0
        events.set("secmap/secmap_decision", "enable", "1")
        assert child.value(deny) == -EFAKE
        assert events.seen() == 1
        os.close(policy)
        os.close(dev)


def test_loop_against_tasks_that_come_and_go(stress_program: Callable[[str], str]) -> None:
    """On all processors, tasks filter themselves, fork and end while the module goes away under
    them whenever it can."""
    seed = os.environ.get("SECMAP_SEED", "1")
    print(f"seed {seed}")
    turns = 0
    with subprocess.Popen([stress_program("churn"), seed, "2", str(EFAKE)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as churn:
        limit = time.monotonic() + 60
        while turns < 20 and time.monotonic() < limit:
            if unload() == 0:
                turns += 1
                load()
                # Somebody shall be at it.
                while not references() and time.monotonic() < limit:
                    os.sched_yield()
            else:
                os.sched_yield()
        said, _ = churn.communicate()
    result = {name: int(value) for name, value in (line.split() for line in said.splitlines())}
    print(f"{turns} times unloaded; {result}")
    assert churn.returncode == 0
    assert (result["succeeded"], result["faults"]) == (0, 0)
    assert turns >= 5 and result["attached"] > 10 and result["denied"] > 500
