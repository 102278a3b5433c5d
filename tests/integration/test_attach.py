# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may attach, detach and look: the credentials of the caller, and of the device's opener."""

import os
import stat
import struct
from errno import EACCES, EBADF, EINVAL, ENOENT, ENOSPC, EPERM, ESRCH

import abi
import child
import pytest
from abi import ALLOW, ERRNO
from child import Child, become_nobody, errno_of
from records import Ground, Record

GETPPID = 110
EFAKE = 77


def _policy(dev: int) -> int:
    return abi.simple(dev, {GETPPID: ERRNO | EFAKE})


def _attach_self(dev: int) -> int:
    """The errno, 0 if the policy holds afterwards."""
    errno = errno_of(lambda: abi.attach(dev, _policy(dev)))
    filtered = abi.raw_syscall(GETPPID) == -EFAKE
    assert filtered == (errno == 0)
    return errno


def test_self_as_root_without_no_new_privs() -> None:
    assert child.value(lambda: _attach_self(abi.device())) == 0


def test_self_as_nobody_without_no_new_privs() -> None:
    def attach() -> int:
        become_nobody()
        return _attach_self(abi.device())

    assert child.value(attach) == EACCES


def test_self_as_nobody_with_no_new_privs() -> None:
    def attach() -> int:
        become_nobody()
        abi.no_new_privs()
        return _attach_self(abi.device())

    assert child.value(attach) == 0


def test_self_as_nobody_through_roots_device(dev: int) -> None:
    """What counts for oneself is oneself."""
    def attach() -> int:
        become_nobody()
        return _attach_self(dev)

    assert child.value(attach) == EACCES


def test_self_in_a_user_namespace() -> None:
    """CAP_SYS_ADMIN in one's own user namespace is enough for oneself, as for seccomp(2)."""
    def attach() -> int:
        become_nobody()
        child.unshare(child.CLONE_NEWUSER)
        return _attach_self(abi.device())

    assert child.value(attach) == 0


def _others(dev: int, policy: int, pid: int) -> list[int]:
    """What the ioctls about others answer."""
    return [
        errno_of(lambda: abi.attach(dev, policy, pid)),
        Record("secmap_detach", pid=pid).errno(dev),
        Record("secmap_policy_by_id",
               id=int(str(abi.policy_info(dev, policy)["id"]))).errno(dev),
        Record("secmap_policy_next", id=0).errno(dev),
        Record("secmap_task_info", pid=pid).errno(dev),
        Ground(dev).valid_list().errno(dev),
    ]


def test_others_as_root(ground: Ground) -> None:
    assert child.value(lambda: _others(ground.dev, ground.policy, ground.pid)) == [0] * 6


def test_others_as_nobody(ground: Ground) -> None:
    def ask() -> list[int]:
        become_nobody()
        abi.no_new_privs()
        return _others(abi.device(), ground.policy, ground.pid)

    assert child.value(ask) == [EPERM] * 6


def test_others_as_nobody_through_roots_device(ground: Ground) -> None:
    def ask() -> list[int]:
        become_nobody()
        return _others(ground.dev, ground.policy, ground.pid)

    assert child.value(ask) == [EPERM] * 6


def test_others_as_root_through_nobodys_device(ground: Ground) -> None:
    """Nobody opens it, and hands it to a program that runs as root."""
    def ask() -> list[int]:
        os.seteuid(child.NOBODY)
        dev = abi.device()
        os.seteuid(0)
        return _others(dev, ground.policy, ground.pid)

    assert child.value(ask) == [EPERM] * 6


def test_self_as_root_through_nobodys_device(ground: Ground) -> None:
    """To filter oneself is everybody's right; to take it off again is not."""
    def ask() -> list[int]:
        os.seteuid(child.NOBODY)
        dev = abi.device()
        os.seteuid(0)
        return [errno_of(lambda: abi.attach(dev, ground.policy)),
                Record("secmap_detach").errno(dev)]

    assert child.value(ask) == [0, EPERM]


def test_others_in_a_user_namespace(ground: Ground) -> None:
    def ask() -> list[int]:
        become_nobody()
        child.unshare(child.CLONE_NEWUSER)
        return _others(abi.device(), ground.policy, ground.pid)

    assert child.value(ask) == [EPERM] * 6


def test_root_in_a_user_namespace_of_its_own(ground: Ground) -> None:
    """Root who has left the initial user namespace."""
    def ask() -> list[int]:
        child.unshare(child.CLONE_NEWUSER)
        return _others(ground.dev, ground.policy, ground.pid)

    assert child.value(ask) == [EPERM] * 6


def test_detach_oneself_as_nobody(ground: Ground) -> None:
    def ask() -> list[int]:
        become_nobody()
        abi.no_new_privs()
        dev = abi.device()
        abi.attach(dev, ground.policy)
        return [Record("secmap_detach").errno(dev), len(abi.task_ids(dev))]

    assert child.value(ask) == [EPERM, 1]


def test_who_is_filtered_detaches_nobody(ground: Ground) -> None:
    """Not even root: a filter does not let its own task take it off."""
    abi.attach(ground.dev, ground.policy, ground.pid)

    def ask() -> list[int]:
        abi.attach(ground.dev, ground.policy)
        return [Record("secmap_detach").errno(ground.dev),
                Record("secmap_detach", pid=ground.pid).errno(ground.dev),
                len(abi.task_ids(ground.dev))]

    assert child.value(ask) == [EPERM, EPERM, 1]


def test_another_thread_of_oneself_is_another_task(ground: Ground) -> None:
    """By its number, the calling thread is another, too."""
    def ask() -> list[int]:
        become_nobody()
        abi.no_new_privs()
        dev = abi.device()
        return [errno_of(lambda: abi.attach(dev, ground.policy, os.getpid())),
                Record("secmap_task_info", pid=os.getpid()).errno(dev)]

    assert child.value(ask) == [EPERM, EPERM]


def test_pid_is_of_the_callers_namespace(ground: Ground) -> None:
    """1 is the caller in a new namespace, and what has no number there does not exist."""
    def inside() -> object:
        dev = abi.device()
        depth = abi.attach(dev, _policy(dev), 1)
        listed = [(tid, tgid) for tid, tgid, _, _ in abi.task_list(dev)]
        return [os.getpid(), depth, abi.raw_syscall(GETPPID), listed,
                errno_of(lambda: abi.attach(dev, ground.policy, ground.pid))]

    def outside() -> object:
        child.unshare(child.CLONE_NEWPID)
        return child.value(inside)

    assert child.value(outside) == [1, 1, -EFAKE, [[1, 1]], ESRCH]


def test_tasks_without_a_number_here_are_listed_as_0(ground: Ground) -> None:
    abi.attach(ground.dev, ground.policy, ground.pid)

    def outside() -> object:
        child.unshare(child.CLONE_NEWPID)
        return child.value(lambda: abi.task_list(abi.device()))

    assert child.value(outside) == [[0, 0, 1, ground.policy_id]]


# What wins when two things are wrong.

def test_descriptor_before_permission(ground: Ground) -> None:
    def ask() -> list[int]:
        become_nobody()
        dev = abi.device()
        return [Record("secmap_attach", policy_fd=-1).errno(dev),
                Record("secmap_attach", policy_fd=-1, pid=ground.pid).errno(dev)]

    assert child.value(ask) == [EBADF, EBADF]


def test_padding_before_permission() -> None:
    def ask() -> list[int]:
        become_nobody()
        dev = abi.device()
        return [Record("secmap_policy_by_id", pad=1).errno(dev),
                Record("secmap_detach", pid=-1).errno(dev),
                Record("secmap_task_info", pid=-1).errno(dev),
                Record("secmap_task_list", count=0).errno(dev)]

    assert child.value(ask) == [EINVAL] * 4


def test_permission_before_what_exists(ground: Ground) -> None:
    """Who may not ask learns nothing about what there is."""
    gone = 4194303

    def ask() -> list[int]:
        become_nobody()
        dev = abi.device()
        return [Record("secmap_policy_by_id", id=0xFFFFFFFF).errno(dev),
                Record("secmap_policy_next", id=0xFFFFFFFF).errno(dev),
                Record("secmap_attach", policy_fd=ground.policy, pid=gone).errno(dev),
                Record("secmap_detach", pid=gone).errno(dev),
                Record("secmap_task_info", pid=gone).errno(dev)]

    assert child.value(ask) == [EPERM] * 5


# The device.

def test_device_is_open_to_all() -> None:
    status = os.stat("/dev/secmap")
    assert stat.S_ISCHR(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o666
    with open("/sys/module/secmap/parameters/mode", encoding="ascii") as parameter:
        assert int(parameter.read()) == 0o666


# Stacks.

def test_depth_and_order(ground: Ground) -> None:
    policies = [abi.simple(ground.dev, {}) for _ in range(64)]
    ids = [int(str(abi.policy_info(ground.dev, policy)["id"])) for policy in policies]
    for depth, policy in enumerate(policies, 1):
        assert abi.attach(ground.dev, policy, ground.pid) == depth
    assert abi.task_ids(ground.dev, ground.pid) == ids
    assert errno_of(lambda: abi.attach(ground.dev, ground.policy, ground.pid)) == ENOSPC
    assert abi.task_ids(ground.dev, ground.pid) == ids
    assert abi.detach(ground.dev, ground.pid, ids[10]) == 63
    assert abi.attach(ground.dev, ground.policy, ground.pid) == 64
    assert abi.task_ids(ground.dev, ground.pid) == ids[:10] + ids[11:] + [ground.policy_id]
    for policy in policies:
        os.close(policy)


def test_cost_of_a_stack(ground: Ground) -> None:
    """Two policies that cost 4096 are 8192; a third, or one that costs 1, is too much."""
    conds = [abi.Cond(0, abi.EQ, 1)]
    heavy = abi.policy_create(ground.dev, [abi.Section(
        rules=[abi.Rule(7, ERRNO | 1, conds)] * 2048)])
    light = abi.simple(ground.dev, {7: ALLOW})
    free = abi.simple(ground.dev, {})
    for depth in range(1, 3):
        assert abi.attach(ground.dev, heavy, ground.pid) == depth
    for policy in (heavy, light):
        assert errno_of(lambda policy=policy: abi.attach(  # type: ignore[misc]
            ground.dev, policy, ground.pid)) == ENOSPC
    assert abi.attach(ground.dev, free, ground.pid) == 3
    for policy in (heavy, light, free):
        os.close(policy)


def test_detach(ground: Ground) -> None:
    other = abi.simple(ground.dev, {})
    other_id = int(str(abi.policy_info(ground.dev, other)["id"]))
    assert Record("secmap_detach", pid=ground.pid).errno(ground.dev) == ENOENT
    for policy in (ground.policy, other, ground.policy):
        abi.attach(ground.dev, policy, ground.pid)
    # The newest of two places goes.
    assert abi.detach(ground.dev, ground.pid, ground.policy_id) == 2
    assert abi.task_ids(ground.dev, ground.pid) == [ground.policy_id, other_id]
    assert abi.detach(ground.dev, ground.pid, ground.policy_id) == 1
    assert Record("secmap_detach", pid=ground.pid,
                  policy_id=ground.policy_id).errno(ground.dev) == ENOENT
    assert abi.task_ids(ground.dev, ground.pid) == [other_id]
    assert abi.attach(ground.dev, ground.policy, ground.pid) == 2
    assert abi.detach(ground.dev, ground.pid) == 0
    assert abi.task_ids(ground.dev, ground.pid) == []
    os.close(other)


def test_stacks_are_counted(ground: Ground) -> None:
    """Children share their parent's stack. What was dropped before is let go a moment later."""
    while abi.policy_info(ground.dev, ground.policy)["stacks"]:
        os.sched_yield()
    with Child(lambda: abi.attach(ground.dev, ground.policy) and child.value(
            lambda: abi.policy_info(ground.dev, ground.policy)["stacks"])) as asking:
        assert asking.outcome().value == 1


def test_policy_lives_while_it_is_attached(ground: Ground) -> None:
    policy = abi.simple(ground.dev, {})
    ident = int(str(abi.policy_info(ground.dev, policy)["id"]))
    abi.attach(ground.dev, policy, ground.pid)
    os.close(policy)
    again = Record("secmap_policy_by_id", id=ident).ioctl(ground.dev)
    assert abi.policy_info(ground.dev, again)["stacks"] == 1
    os.close(again)


def test_task_info_room(ground: Ground) -> None:
    """Only so many ids are written as there is room for; the depth is told all the same."""
    for _ in range(3):
        abi.attach(ground.dev, ground.policy, ground.pid)
    for room in (0, 1, 2, 3, 4, 0xFFFFFFFF):
        ids = abi.Memory(b"\xee" * 32)
        record = Record("secmap_task_info", pid=ground.pid, count=room, ids=ids.address)
        assert record.errno(ground.dev) == 0
        assert record["out_depth"] == 3
        written = min(room, 3)
        assert ids.buffer.raw == struct.pack("<I", ground.policy_id) * written \
            + b"\xee" * (32 - 4 * written)
