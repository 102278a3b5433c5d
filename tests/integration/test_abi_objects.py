# SPDX-License-Identifier: LGPL-2.1-or-later
"""INFO, tables, POLICY_INFO and POLICY_TEST: what they say, and their limits; 32-bit programs."""

import os
import random
import signal
import struct
import subprocess
from collections.abc import Callable
from errno import E2BIG, EEXIST, EINTR, EINVAL, ENOENT, EOPNOTSUPP

import abi
import child
import ebpf
import pytest
from abi import ALLOW, ERRNO, Cond, Rule, Section
from child import errno_of
from records import Ground, Record


def test_info(dev: int) -> None:
    info = Record("secmap_info")
    assert info.ioctl(dev) == 0
    said = {name: info[f"out_{name}"] for name in (
        "abi_version", "errata", "features", "actions", "enosys_actions", "skip", "stack_max",
        "rules_max", "conds_max", "cost_max", "stack_cost_max", "tables_max", "bitmap_max",
        "hash_max", "test_max", "objects_max", "insns_max", "stack_insns_max", "ebpf")}
    # This may have another tracer, and then waits: see test_flag.py.
    assert info["out_selective"] in (2, 3)
    # MAPS, CBPF, TSYNC, LISTENER, EBPF, REPLACE, STATS, UPDATE; every action; of these TRACE only fails with ENOSYS
    assert said == {
        "abi_version": 1, "errata": 0, "features": 0b111111111111, "actions": 0xFF,
        "enosys_actions": 1 << 5, "skip": abi.SKIP_WORKS, "stack_max": 64, "rules_max": 16384, "conds_max": 32,
        "cost_max": 4096, "stack_cost_max": 8192, "tables_max": 256, "bitmap_max": 1 << 20,
        "hash_max": 1 << 20, "test_max": 4096, "objects_max": 1 << 20, "insns_max": 4096,
        "stack_insns_max": 32768, "ebpf": 1,
    }


# Tables.

@pytest.mark.parametrize(("members", "errno"), [
    ({"type": 2}, EOPNOTSUPP), ({"type": 0xFFFFFFFF}, EOPNOTSUPP),
    ({"max_entries": 0, "count": 0}, EINVAL), ({"max_entries": 1}, EINVAL),
    ({"max_entries": 2}, 0), ({"max_entries": 1 << 20}, 0), ({"max_entries": (1 << 20) + 1}, E2BIG),
    ({"type": 0, "values": 0, "max_entries": 1 << 20}, 0),
    ({"type": 0, "values": 0, "max_entries": (1 << 20) + 1}, E2BIG),
    ({"type": 0, "max_entries": 7}, EINVAL),  # a bitmap with values
    ({"type": 0, "values": 0, "max_entries": 7}, 0),
    ({"type": 0, "values": 0, "max_entries": 6}, EINVAL),  # bit 6 is outside
    ({"count": (1 << 20) + 1, "max_entries": 1 << 20}, E2BIG), ({"count": 0xFFFFFFFF}, E2BIG),
    ({"values": 0}, 0),
])
def test_table_members(ground: Ground, members: dict[str, int], errno: int) -> None:
    record = ground.valid("secmap_table_create")
    for name, content in members.items():
        record[name] = content
    assert record.errno(ground.dev) == errno


@pytest.mark.parametrize("bitmap", [False, True])
def test_key_twice(dev: int, bitmap: bool) -> None:
    for keys in ([3, 3], [1, 2, 3, 1], [0, 0]):
        with pytest.raises(OSError) as caught:
            abi.table_create(dev, keys, bitmap=bitmap, room=8)
        assert caught.value.errno == EEXIST


def _holds(dev: int, table: int, values: list[int]) -> list[bool]:
    """Which of these a policy finds in the table."""
    policy = abi.policy_create(dev, [Section(rules=[
        Rule(1, ERRNO | 1, [Cond(2, abi.IN, mask=0xFFFFFFFFFFFFFFFF)])])], tables=[table])
    found = []
    for start in range(0, len(values), 4096):
        calls = [abi.pack_call(1, [0, 0, value]) for value in values[start:start + 4096]]
        found += [action != ALLOW for action, _ in abi.test(dev, policy, calls)]
    os.close(policy)
    return found


@pytest.mark.parametrize("bitmap", [False, True])
def test_table_at_the_limit(dev: int, keep: Callable[[int], int], bitmap: bool) -> None:
    """A million keys: those that are there are found, others are not."""
    size = 1 << 20
    keys = range(size) if bitmap else range(0, size * 977, 977)
    table = keep(abi.table_create(dev, keys, bitmap=bitmap, room=size))
    asked = [*keys[:50], *keys[-50:]]
    assert all(_holds(dev, table, asked))
    assert not any(_holds(dev, table, [keys[-1] + 1, 1 << 63, 0xFFFFFFFFFFFFFFFF, size * 977]))


def test_hash_against_a_set(dev: int, keep: Callable[[int], int]) -> None:
    seed = int(os.environ.get("SECMAP_SEED", "1"))
    print(f"seed {seed}")
    source = random.Random(seed)
    keys = {source.getrandbits(source.choice((4, 20, 64))) for _ in range(3000)}
    table = keep(abi.table_create(dev, sorted(keys)))
    asked = [source.choice(sorted(keys)) ^ (1 << source.randrange(64)) for _ in range(2000)]
    asked += sorted(keys)
    assert _holds(dev, table, asked) == [value in keys for value in asked]


def test_table_outlives_its_descriptor(dev: int) -> None:
    table = abi.table_create(dev, [42])
    policy = abi.policy_create(dev, [Section(rules=[
        Rule(1, ERRNO | 1, [Cond(0, abi.IN, mask=0xFF)])])], tables=[table])
    os.close(table)
    assert abi.test(dev, policy, [abi.pack_call(1, [42])]) == [(ERRNO | 1, 0)]
    os.close(policy)


# POLICY_INFO, POLICY_BY_ID.

def test_policy_info(dev: int, keep: Callable[[int], int]) -> None:
    table = keep(abi.table_create(dev, [1]))
    policy = keep(abi.policy_create(dev, [
        Section(abi.I386, ERRNO | 5, [1, 2, 3], [
            Rule(4, abi.LOG, [Cond(0, abi.EQ), Cond(1, abi.IN, mask=1)]), Rule(5, ALLOW)]),
        Section(abi.X86_64, ALLOW),
    ], foreign=abi.TRAP | 9, tables=[table], name="facts"))
    info = abi.policy_info(dev, policy)
    assert info == {
        "kind": 0, "id": info["id"], "foreign": abi.TRAP | 9, "abis": 0b101, "tables": 1,
        "allow": (1024, 0, 4), "rules": (0, 0, 2), "conds": (0, 0, 2),
        "default": (ALLOW, 0, ERRNO | 5), "actions": 0b11001100, "cost": 18, "stacks": 0,
        "uid": 0, "bytes": info["bytes"], "filter_len": 0, "insns": 0, "sealed": 0,
        "counted": 0, "name": "facts",
    }
    size = info["bytes"]
    assert isinstance(size, int) and 256 < size < 65536


def test_policy_uid_is_its_makers(dev: int, keep: Callable[[int], int]) -> None:
    def make() -> object:
        child.become_nobody()
        own = abi.device()
        return abi.policy_info(own, abi.simple(own, {}))["uid"]

    assert child.value(make) == child.NOBODY
    assert abi.policy_info(dev, keep(abi.simple(dev, {})))["uid"] == 0


def test_policy_by_id_is_the_same(dev: int, keep: Callable[[int], int]) -> None:
    policy = keep(abi.simple(dev, {39: ERRNO | 9}, name="twin"))
    record = Record("secmap_policy_by_id", id=int(str(abi.policy_info(dev, policy)["id"])))
    twin = keep(record.ioctl(dev))
    assert abi.policy_info(dev, twin) == abi.policy_info(dev, policy)


def test_id_of_a_closed_policy(dev: int) -> None:
    policy = abi.simple(dev, {})
    ident = int(str(abi.policy_info(dev, policy)["id"]))
    os.close(policy)
    assert Record("secmap_policy_by_id", id=ident).errno(dev) == ENOENT


# POLICY_TEST.

def test_count_and_repeat_at_their_limits(ground: Ground) -> None:
    calls = ground.memory(abi.pack_call(39) * 4096)
    verdicts = ground.memory(bytes(8 * 4096))
    for count, repeat, errno in ((4096, 1, 0), (4097, 1, E2BIG), (0xFFFFFFFF, 1, E2BIG),
                                 (1, 1000001, E2BIG), (1, 0xFFFFFFFF, E2BIG), (1, 1000000, 0),
                                 (0, 1, 0), (1, 0, 0)):
        record = ground.valid("secmap_policy_test")
        record["count"], record["repeat"] = count, repeat
        record["calls"], record["verdicts"] = calls, verdicts
        assert record.errno(ground.dev) == errno, (count, repeat)


def test_a_long_test_can_be_interrupted(ground: Ground) -> None:
    """Four thousand million evaluations would take minutes."""
    def ask() -> int:
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)  # again: the first may come too early
        record = ground.valid("secmap_policy_test")
        record["count"], record["repeat"] = 4096, 1000000
        record["calls"] = ground.memory(abi.pack_call(39) * 4096)
        record["verdicts"] = ground.memory(bytes(8 * 4096))
        return record.errno(ground.dev)

    assert child.value(ask) == EINTR


@pytest.mark.parametrize("kind", ["cbpf", "ebpf"])
def test_a_test_of_a_program_can_be_interrupted(dev: int, kind: str) -> None:
    """Also if the calls are few: each may take 4096 instructions. These are divisions, or the
    test would be over before the first signal."""
    def ask() -> int:
        if kind == "cbpf":
            policy = abi.cbpf(dev, [(0x34, 0, 0, 3)] * 4095 + [abi.ret(ALLOW)])
        else:
            policy = ebpf.policy(dev, [ebpf.mov(ebpf.R0, 1)] + 1000 * [
                ebpf.alu(ebpf.DIV, ebpf.R0, 3, wide=False)] + ebpf.ret(ALLOW))
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        return errno_of(lambda: abi.test(dev, policy, [abi.pack_call(39)] * 2, 4000))

    assert child.value(ask) == EINTR


def test_a_long_test_can_be_killed(ground: Ground) -> None:
    def ask() -> None:
        abi.test(ground.dev, ground.policy, [abi.pack_call(39)] * 4096, 1000000)

    with child.Child(ask) as asking:
        assert asking.kill().signal == signal.SIGKILL


def test_nothing_behind_the_verdicts_is_written(dev: int, keep: Callable[[int], int]) -> None:
    policy = keep(abi.simple(dev, {39: ERRNO | 7}))
    calls, verdicts = abi.Memory(abi.pack_call(39) * 3), abi.Memory(b"\xee" * 32)
    record = Record("secmap_policy_test", policy_fd=policy, count=3, calls=calls.address,
                    verdicts=verdicts.address)
    assert record.errno(dev) == 0
    assert verdicts.buffer.raw == struct.pack("<II", ERRNO | 7, 0) * 3 + b"\xee" * 8


# A 32-bit program.

def test_compat(program: Callable[[str], str]) -> None:
    said = subprocess.run([program("compat32")], capture_output=True, text=True, check=False)
    lines = said.stdout.splitlines()
    assert said.returncode == 0, said
    assert lines == [
        "info ok", "version 1 stack 64", "table_create ok", "policy_create ok", "policy_test ok",
        f"verdicts {ERRNO | 61:#x},0 {ERRNO | 7:#x},1", "policy_info ok",
        "name compat rules 2 id same", "policy_by_id ok", "policy_next ok", "next same",
        "task_info ok", "before depth 0", "task_list ok", "before list 0", "attach ok",
        "attached 1", "getppid ENODATA", "getpriority E2BIG", "getpriority_self ok",
        "task_info ok", "within depth 1", "task_list ok", "within list 1", "detach EPERM",
        "getppid ENODATA",
    ]
