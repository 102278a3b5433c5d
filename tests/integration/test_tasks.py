# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a filter follows: every way to make a task, exec, and which tasks it can be put on."""

import ctypes
import os
import signal
import struct
import threading
from collections.abc import Callable, Iterator
from errno import ENOSPC, ESRCH
from pathlib import Path

import abi
import child
import filtered
import pytest
from abi import ERRNO
from child import Child, errno_of, gate
from records import Ground

GETPPID = 110
EFAKE = 77
WAYS = ["probe", "fork", "vfork", "vfork_exec", "clone", "clone_vm", "clone3", "thread",
        "thread_exec", "exec", "fork_exec", "posix_spawn", "setsid", "daemon"]


@pytest.fixture(name="policy")
def _policy(dev: int) -> Iterator[int]:
    policy = abi.simple(dev, {GETPPID: ERRNO | EFAKE})
    yield policy
    os.close(policy)
    assert abi.task_list(dev) == [], "a filtered task is left"


@pytest.mark.parametrize("way", WAYS)
def test_inherited(dev: int, policy: int, program: Callable[[str], str], way: str) -> None:
    ended = filtered.run(dev, [policy], [program("spawn"), way])
    assert (ended.returncode, ended.stdout) == (0, f"-{EFAKE}\n"), ended


@pytest.mark.parametrize("way", WAYS)
def test_not_filtered_without(program: Callable[[str], str], dev: int, way: str) -> None:
    """The same programs, so that the test above can fail."""
    ended = filtered.run(dev, [], [program("spawn"), way])
    assert (ended.returncode, ended.stdout) == (0, "0\n"), ended


def test_inherited_by_many_generations(dev: int, policy: int) -> None:
    def generation(left: int) -> int:
        if left == 0:
            return abi.raw_syscall(GETPPID)
        return int(child.value(lambda: generation(left - 1)))

    def begin() -> int:
        abi.attach(dev, policy)
        return generation(20)

    assert child.value(begin) == -EFAKE


def test_exec_of_a_32_bit_program(dev: int, program: Callable[[str], str]) -> None:
    """64 to 32 bit and back: each call is judged by its own ABI."""
    both = abi.policy_create(dev, [
        abi.Section(abi.X86_64, rules=[abi.Rule(GETPPID, ERRNO | 71)]),
        abi.Section(abi.I386, rules=[abi.Rule(64, ERRNO | 72), abi.Rule(110, ERRNO | 73)]),
    ])
    for argv, result in (
        (["call32", "int80", "64"], 72), (["call32", "int80", "110"], 73),
        (["call", "int80", "64"], 72), (["call", "syscall", "110"], 71),
        (["call", "int80", "110"], 73),
    ):
        ended = filtered.run(dev, [both], [program(argv[0]), *argv[1:]])
        assert ended.stdout == f"-{result}\n", (argv, ended)
    os.close(both)


def test_exec_by_a_thread_that_is_not_the_leader(
    dev: int, policy: int, program: Callable[[str], str],
) -> None:
    """It takes over the leader's number, and the filter stays with it under that number."""
    ident = int(str(abi.policy_info(dev, policy)["id"]))
    with gate() as go, gate() as filtered_now, gate() as never:
        def begin() -> None:
            os.dup2(never.reading, 0)

            def in_thread() -> None:
                # Only this thread is filtered.
                abi.attach(dev, policy)
                filtered_now.open(str(threading.get_native_id()).encode())
                go.wait()
                os.execv(program("crowd"), ["crowd", "0"])

            threading.Thread(target=in_thread).start()
            signal.pause()

        with Child(begin) as running:
            tid = int(filtered_now.wait())
            assert tid != running.pid
            assert abi.task_ids(dev, running.pid) == []
            assert abi.task_list(dev) == [(tid, running.pid, 1, ident)]
            go.open()
            while "crowd" not in Path(f"/proc/{running.pid}/cmdline").read_text(encoding="ascii"):
                os.sched_yield()
            assert abi.task_list(dev) == [(running.pid, running.pid, 1, ident)]
            assert abi.task_ids(dev, running.pid) == [ident]
            assert errno_of(lambda: abi.task_ids(dev, tid)) == ESRCH


# From outside.

def test_attach_holds_from_then_on(dev: int, policy: int) -> None:
    """For the task, then for its children."""
    with gate() as go, gate() as done:
        def begin() -> None:
            while True:
                go.wait(600)
                done.open(f"{abi.raw_syscall(GETPPID)} "
                          f"{child.value(lambda: abi.raw_syscall(GETPPID))}".encode())

        def ask() -> list[bool]:
            go.open()
            return [int(word) == -EFAKE for word in done.wait().split()]

        with Child(begin) as running:
            assert ask() == [False, False]
            abi.attach(dev, policy, running.pid)
            assert ask() == [True, True]
            abi.detach(dev, running.pid)
            assert ask() == [False, False]
            abi.attach(dev, policy, running.pid)
            assert ask() == [True, True]


def test_children_keep_what_their_parent_is_rid_of(dev: int, policy: int) -> None:
    with gate() as go, gate() as done:
        def grown_up() -> None:
            go.wait(600)
            done.open(str(abi.raw_syscall(GETPPID)).encode())

        def begin() -> None:
            abi.attach(dev, policy)
            with Child(grown_up) as made:
                done.open()
                made.outcome()

        with Child(begin) as running:
            done.wait()
            assert abi.detach(dev, running.pid) == 0
            go.open()
            assert done.wait() == str(-EFAKE).encode()
            assert abi.task_ids(dev, running.pid) == []


def test_call_under_way_is_not_judged(dev: int) -> None:
    """Documented: it began before the filter was there."""
    policy = abi.simple(dev, {0: ERRNO | EFAKE})  # read
    read, write = os.pipe()

    def begin() -> list[int]:
        buffer = ctypes.create_string_buffer(1)
        return [abi.raw_syscall(0, read, ctypes.addressof(buffer), 1) for _ in range(2)]

    with Child(begin) as running:
        filtered.await_call(running.pid, 0)
        abi.attach(dev, policy, running.pid)
        os.write(write, b"xy")
        assert running.outcome().value == [1, -EFAKE]
    for descriptor in (read, write, policy):
        os.close(descriptor)


def test_one_thread_of_another_process(dev: int, policy: int) -> None:
    with gate() as go, gate() as tids:
        def begin() -> object:
            results: dict[int, int] = {}

            def in_thread() -> None:
                tids.open(f"{threading.get_native_id()} ".encode())
                go.wait(size=1)
                results[threading.get_native_id()] = abi.raw_syscall(GETPPID)

            threads = [threading.Thread(target=in_thread) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return [results, abi.raw_syscall(GETPPID)]

        with Child(begin) as running:
            found = b""
            while found.count(b" ") < 3:
                found += tids.wait()
            chosen = int(found.split()[1])
            abi.attach(dev, policy, chosen)
            assert abi.task_list(dev)[0][:2] == (chosen, running.pid)
            go.open(b"!!!")
            results, main = running.outcome().value
            assert {int(tid): result == -EFAKE for tid, result in results.items()} == {
                int(tid): int(tid) == chosen for tid in found.split()}
            assert main == os.getpid()


def test_zombie(dev: int, policy: int) -> None:
    with Child(lambda: abi.attach(dev, policy)) as running:
        while filtered.state(running.pid) != "Z":
            os.sched_yield()
        assert errno_of(lambda: abi.attach(dev, policy, running.pid)) == ESRCH
        assert abi.task_list(dev) == []
        assert errno_of(lambda: abi.detach(dev, running.pid)) != 0


def test_gone(dev: int, policy: int) -> None:
    with Child(lambda: None) as running:
        running.outcome()
        assert errno_of(lambda: abi.attach(dev, policy, running.pid)) == ESRCH


def test_kernel_threads(dev: int, policy: int) -> None:
    kernel = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()
              and not (path / "cmdline").read_bytes() and filtered.state(int(path.name)) != "Z"]
    assert 2 in kernel and len(kernel) > 10
    for pid in kernel:
        assert errno_of(lambda pid=pid: abi.attach(  # type: ignore[misc]
            dev, policy, pid)) == ESRCH, pid
    assert abi.task_list(dev) == []


def test_attach_while_it_exits(dev: int, policy: int) -> None:
    """At any moment of its end: it works, or there is no such task, and nothing is left."""
    outcomes = set()
    for _ in range(100):
        with Child(lambda: os._exit(0)) as running:
            while filtered.state(running.pid) not in ("Z", ""):
                errno = errno_of(lambda: abi.attach(dev, policy, running.pid))
                outcomes.add(errno)
                if errno == 0:
                    errno_of(lambda: abi.detach(dev, running.pid))
        assert abi.task_list(dev) == []
    assert outcomes <= {0, ESRCH}


def test_killed_while_it_is_attached(dev: int, policy: int) -> None:
    """A tool that dies between its steps leaves the task as it was, or filtered."""
    with gate() as never:
        with Child(lambda: never.wait(600) and None) as target:
            for _ in range(30):
                with Child(lambda: [abi.attach(dev, policy, target.pid) for _ in range(64)]):
                    pass
                if abi.task_ids(dev, target.pid):
                    abi.detach(dev, target.pid)


# Numbers that are used again.

def test_next_owner_of_a_pid_is_not_filtered(dev: int, policy: int) -> None:
    for _ in range(20):
        with Child(lambda: abi.attach(dev, policy)) as running:
            assert running.outcome().status == 0
            last = running.pid
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(last - 1), encoding="ascii")
        with Child(lambda: abi.raw_syscall(GETPPID)) as running:
            assert running.outcome().value == os.getpid()
            if running.pid == last:
                break
    else:
        pytest.fail("the number was never given again")


def test_few_pids(dev: int, policy: int, program: Callable[[str], str]) -> None:
    """With 400 numbers, of which the kernel keeps 300 for the first round, each is given several
    times; each task is filtered as its parent is."""
    limit = Path("/proc/sys/kernel/pid_max")
    before = limit.read_text(encoding="ascii")
    limit.write_text("400", encoding="ascii")
    seen: list[set[int]] = []
    try:
        for turn in range(8):
            prepare = (lambda: abi.attach(dev, policy)) if turn % 2 else (lambda: 0)
            with filtered.crowd(program("crowd"), 40, prepare) as pids:
                assert max(pids) < 400
                listed = {tid for tid, _, _, _ in abi.task_list(dev)}
                assert listed == (set(pids) if turn % 2 else set())
                seen.append(set(pids))
    finally:
        limit.write_text(before, encoding="ascii")
    assert len(set().union(*seen)) < sum(map(len, seen)), "no number came again"


# TASK_LIST.

def test_list_with_little_room(dev: int, policy: int, program: Callable[[str], str]) -> None:
    """Where it is too little for those that must be told together, the module says so."""
    ident = int(str(abi.policy_info(dev, policy)["id"]))
    with filtered.crowd(program("crowd"), 300, lambda: abi.attach(dev, policy)) as pids:
        for room in (1, 2, 7, 64, 65536):
            try:
                listed = abi.task_list(dev, room)
            except OSError as error:
                assert error.errno == ENOSPC and room < 8
            else:
                assert sorted(listed) == sorted((pid, pid, 1, ident) for pid in pids)


def test_list_when_tasks_end_meanwhile(
    dev: int, ground: Ground, policy: int, program: Callable[[str], str],
) -> None:
    """Whoever is there from the first to the last call is listed, whoever else is not."""
    room = 8
    with filtered.crowd(program("crowd"), 600, lambda: abi.attach(dev, policy)) as pids:
        alive = set(pids)
        for _ in range(3):
            listed: list[int] = []
            record = ground.valid_list()
            memory = abi.Memory(bytes(16 * room))
            record["count"], record["tasks"] = room, memory.address
            while record.ioctl(dev) == 0 and (count := record["out_count"]):
                found = [tid for tid, _, _, _
                         in struct.iter_unpack("<iiII", memory.buffer.raw[:16 * count])]
                listed += found
                # The first of them ends: those behind it in the same place move up.
                if found[0] != pids[0]:
                    os.kill(found[0], signal.SIGKILL)
                    filtered.await_end(found[0])
                    alive.discard(found[0])
            assert len(listed) == len(set(listed))
            assert alive <= set(listed) <= set(pids)


def test_list_limits(ground: Ground) -> None:
    for count, errno in ((1, 0), (65536, 0), (0, 22), (65537, 7), (0xFFFFFFFF, 7)):
        record = ground.valid_list()
        record["count"] = count
        assert record.errno(ground.dev) == errno, count
    for cursor in (1 << 32, 16384 << 32, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF):
        record = ground.valid_list()
        record["cursor"] = cursor
        assert record.errno(ground.dev) == 0
        assert record["out_count"] == 0


# Memory.

def test_memory_of_a_task(dev: int, policy: int, program: Callable[[str], str]) -> None:
    """1,000 tasks that share a stack: two objects of one kind each, and nothing else."""
    folder = Path("/sys/kernel/slab/secmap_carrier")

    def number(name: str) -> int:
        return int((folder / name).read_text(encoding="ascii").split()[0])

    size = number("object_size")
    before = number("objects")
    with filtered.crowd(program("crowd"), 1000, lambda: abi.attach(dev, policy)) as pids:
        assert len(abi.task_list(dev)) == len(pids) == 1001
        assert abi.policy_info(dev, policy)["stacks"] == 1
        made = number("objects") - before
    print(f"{2 * size} bytes a filtered task: 2 objects of {size} bytes "
          f"({number('slab_size')} in the slab); {made} objects for {len(pids)} tasks")
    assert 2 * size <= 256
    # Some lie where others were before, and others may use the same slabs.
    assert 0 < made < 2.4 * len(pids)


def test_own_control_path_under_a_filter(dev: int) -> None:
    """A task that may not make ioctls cannot ask, and fails cleanly."""
    policy = abi.simple(dev, {16: ERRNO | EFAKE})

    def ask() -> int:
        abi.attach(dev, policy)
        return errno_of(lambda: abi.task_ids(dev))

    assert child.value(ask) == EFAKE
    os.close(policy)
