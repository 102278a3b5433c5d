# SPDX-License-Identifier: LGPL-2.1-or-later
"""Maps of bpf(2) as tables of a program: looked into, changed while in use, refused, let go."""

import os
import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from errno import EBADF, EBADFD, EDOM
from pathlib import Path

import abi
import bpf_map
import child
import ebpf
import pytest
from abi import ALLOW, ERRNO
from bpf_map import ARRAY, HASH, LPM_TRIE
from ebpf import R0

GETPPID = 110
ANY = 200
OTHERWISE = 0xABCDEF01
MASK = (1 << 64) - 1


@pytest.fixture
def bpffs(tmp_path: Path) -> Iterator[Path]:
    """A file system for pins."""
    bpf_map.mount(str(tmp_path))
    yield tmp_path
    bpf_map.unmount(str(tmp_path))


def looks(dev: int, descriptor: int) -> int:
    """A program that returns the low half of its first argument's value."""
    return ebpf.policy(dev, [*ebpf.value_of(0, 0, OTHERWISE), ebpf.leave()], [descriptor])


def denies(dev: int, descriptor: int) -> int:
    """A program that returns the value of a getppid()'s first argument, or allows it."""
    return ebpf.policy(dev, [*ebpf.only(GETPPID, ebpf.value_of(0, 0, ALLOW)), ebpf.leave()],
                       [descriptor])


@pytest.mark.parametrize("value", [4, 8])
@pytest.mark.parametrize("key", [4, 8])
def test_hash(dev: int, keep: Callable[[int], int], key: int, value: int) -> None:
    """Of each shape, preallocated or not; keys that do not fit are not there."""
    top = (1 << 8 * key) - 1
    for flags in (0, bpf_map.NO_PREALLOC):
        map_ = keep(bpf_map.create(HASH, key, value, flags=flags))
        for each in (0, 1, top):
            bpf_map.put(map_, each, 1000 + each % 7)
        policy = keep(looks(dev, map_))
        for each in (0, 1, top):
            assert ebpf.answer(dev, policy, ANY, each) == 1000 + each % 7
        for missing in (2, top - 1, (1 << 32) | 1, 1 << 63):
            assert ebpf.answer(dev, policy, ANY, missing) == OTHERWISE, hex(missing)
        bpf_map.put(map_, 1, 5)
        assert ebpf.answer(dev, policy, ANY, 1) == 5
        bpf_map.drop(map_, 1)
        assert ebpf.answer(dev, policy, ANY, 1) == OTHERWISE


@pytest.mark.parametrize("value", [4, 8])
def test_array(dev: int, keep: Callable[[int], int], value: int) -> None:
    """Its keys are 4 bytes; all are there; none beyond its end."""
    for room in (1, 5, 8):
        map_ = keep(bpf_map.create(ARRAY, 4, value, room=room))
        policy = keep(looks(dev, map_))
        for index in range(room):
            assert ebpf.answer(dev, policy, ANY, index) == 0
            bpf_map.put(map_, index, index + 70)
            assert ebpf.answer(dev, policy, ANY, index) == index + 70
        for beyond in (room, room + 1, 1 << 31, (1 << 32) - 1, 1 << 32, MASK):
            assert ebpf.answer(dev, policy, ANY, beyond) == OTHERWISE, hex(beyond)


@pytest.mark.parametrize("value", [4, 8])
@pytest.mark.parametrize("key", [4, 8])
def test_trie(dev: int, keep: Callable[[int], int], key: int, value: int) -> None:
    """The longest prefix wins; the first byte in memory is the lowest one of the register."""
    map_ = keep(bpf_map.create(LPM_TRIE, key, value))
    policy = keep(looks(dev, map_))
    assert ebpf.answer(dev, policy, ANY, 10) == OTHERWISE
    bpf_map.put(map_, 0x0A, 1, bits=8)
    bpf_map.put(map_, 0x010A, 2, bits=16)
    bpf_map.put(map_, 0x0403010A, 3, bits=8 * key)
    cases = {0x0A: 1, 0x0B: OTHERWISE, 0x020A: 1, 0x010A: 2, 0x0903010A: 2, 0x0403010A: 3}
    for word, expected in cases.items():
        assert ebpf.answer(dev, policy, ANY, word) == expected, hex(word)
    assert ebpf.answer(dev, policy, ANY, 0x0403010A | 1 << 32) == (OTHERWISE if key == 4 else 2)
    bpf_map.drop(map_, 0x010A, bits=16)
    assert ebpf.answer(dev, policy, ANY, 0x010A) == 1


def test_all_of_a_value(dev: int, keep: Callable[[int], int]) -> None:
    """64 bits of it, of each type; a value of 32 bits is not negative."""
    for kind, key in ((HASH, 8), (ARRAY, 4), (LPM_TRIE, 4), (LPM_TRIE, 8)):
        for size, given in ((8, 0x8123456789ABCDEF), (4, 0x89ABCDEF)):
            map_ = keep(bpf_map.create(kind, key, size))
            bpf_map.put(map_, 1, given)
            halves = [keep(ebpf.policy(dev, [
                *ebpf.value_of(0, 0, 0), ebpf.alu(ebpf.RSH, R0, shift), ebpf.leave()], [map_]))
                for shift in (0, 32)]
            low, high = (ebpf.answer(dev, half, ANY, 1) for half in halves)
            assert low | high << 32 == given, (kind, size)


def test_changes_of_a_live_filter(dev: int) -> None:
    """What another one writes holds from the next call on; and for what was forked before."""
    map_ = bpf_map.create(HASH)

    def ask() -> object:
        policy = denies(dev, map_)
        abi.attach(dev, policy)
        os.close(policy)
        before = abi.raw_syscall(GETPPID, 5) > 0
        with child.gate() as changed, child.gate() as done:
            pid = os.fork()
            if pid == 0:
                changed.wait()
                status = -abi.raw_syscall(GETPPID, 5)
                done.open()
                os._exit(status)
            bpf_map.put(map_, 5, ERRNO | EDOM)
            changed.open()
            done.wait()
        found = [os.waitpid(pid, 0)[1], abi.raw_syscall(GETPPID, 5)]
        bpf_map.drop(map_, 5)
        return [before, *found, abi.raw_syscall(GETPPID, 5) > 0]

    assert child.value(ask) == [True, EDOM << 8, -EDOM, True]
    os.close(map_)


def _bpftool(*words: str) -> None:
    done = subprocess.run(["/usr/sbin/bpftool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _bytes(number: int, count: int) -> list[str]:
    return [str(byte) for byte in number.to_bytes(count, "little")]


def test_bpftool(dev: int, bpffs: Path) -> None:
    """Make a map, let a filter look into it, and change its decisions, with bpftool alone."""
    pin = str(bpffs / "denied")
    _bpftool("map", "create", pin, "type", "hash", "key", "8", "value", "4", "entries", "16",
             "name", "denied")

    def ask() -> object:
        map_ = bpf_map.get(pin)
        abi.attach(dev, denies(dev, map_))
        os.close(map_)
        found = [abi.raw_syscall(GETPPID, 5) > 0]
        _bpftool("map", "update", "pinned", pin, "key", *_bytes(5, 8), "value",
                 *_bytes(ERRNO | EDOM, 4))
        found.append(abi.raw_syscall(GETPPID, 5) == -EDOM)
        _bpftool("map", "update", "pinned", pin, "key", *_bytes(5, 8), "value",
                 *_bytes(ERRNO | 7, 4))
        found.append(abi.raw_syscall(GETPPID, 5) == -7)
        _bpftool("map", "delete", "pinned", pin, "key", *_bytes(5, 8))
        return [*found, abi.raw_syscall(GETPPID, 5) > 0]

    assert child.value(ask) == [True, True, True, True]


def test_never_told_beforehand(dev: int, keep: Callable[[int], int]) -> None:
    """What a map says now is not what it always says, even if it is frozen."""
    map_ = keep(bpf_map.create(ARRAY, 4, 4, room=1024, flags=bpf_map.RDONLY_PROG))
    for index in range(1024):
        bpf_map.put(map_, index, ALLOW)
    bpf_map.freeze(map_)
    policy = keep(ebpf.policy(dev, [
        ebpf.load(ebpf.W, ebpf.R2, ebpf.R1, 0), ebpf.mov(ebpf.R3, 0), *ebpf.table(ebpf.R1, 0),
        ebpf.call(ebpf.LOOKUP), ebpf.leave()], [map_]))
    assert abi.policy_info(dev, policy)["allow"] == (0, 0, 0)
    assert ebpf.answer(dev, policy, 5) == ALLOW


def test_cost(dev: int, keep: Callable[[int], int]) -> None:
    """A trie is gone through node by node."""
    costs = []
    for map_ in (bpf_map.create(HASH), bpf_map.create(ARRAY, 4), bpf_map.create(LPM_TRIE)):
        costs.append(int(str(abi.policy_info(dev, keep(looks(dev, keep(map_))))["cost"])))
    assert costs[1] == costs[0] and costs[2] == costs[0] + 64 - 16


def test_maps_and_tables_together(dev: int, keep: Callable[[int], int]) -> None:
    map_, table = keep(bpf_map.create(HASH)), keep(abi.table_create(dev, [1], [10]))
    bitmap = keep(abi.table_create(dev, [2], bitmap=True, room=8))
    bpf_map.put(map_, 1, 20)
    policy = keep(ebpf.policy(dev, [
        ebpf.mov_reg(ebpf.R6, ebpf.R1), *ebpf.value_of(0, 0, 0), ebpf.mov_reg(ebpf.R7, R0),
        ebpf.mov_reg(ebpf.R1, ebpf.R6), *ebpf.value_of(1, 0, 0),
        ebpf.alu_reg(ebpf.ADD, ebpf.R7, R0), ebpf.mov_reg(ebpf.R1, ebpf.R6), *ebpf.bit_of(2, 1),
        ebpf.alu_reg(ebpf.ADD, R0, ebpf.R7), ebpf.leave()], [table, map_, bitmap]))
    assert [ebpf.answer(dev, policy, ANY, *args) for args in ((1, 2), (1, 3), (2, 2))] == [31, 30, 1]
    assert abi.policy_info(dev, policy)["tables"] == 3


# Who has what.

def test_shapes(dev: int, keep: Callable[[int], int]) -> None:
    """Which maps are refused, each with its reason."""
    pairs = [
        (bpf_map.create(HASH, 2, 8), "2"), (bpf_map.create(HASH, 8, 1), "1"),
        (bpf_map.create(HASH, 16, 8), "16"), (bpf_map.create(HASH, 8, 12), "12"),
        (bpf_map.create(ARRAY, 4, 16), "16"), (bpf_map.create(LPM_TRIE, 5, 8), "5"),
        (bpf_map.create(LPM_TRIE, 16, 8), "16"), (bpf_map.create(LPM_TRIE, 8, 2), "2"),
        (bpf_map.create(bpf_map.PERCPU_HASH), "type 5"),
        (bpf_map.create(bpf_map.PERCPU_ARRAY, 4), "type 6"),
        (bpf_map.create(bpf_map.LRU_HASH), "type 9"),
        (bpf_map.create(HASH, flags=bpf_map.WRONLY_PROG), "may not read"),
        (bpf_map.create(HASH, 4, 4, types=bpf_map.lock_type()), "lock"),
    ]
    good = keep(bpf_map.create(HASH))
    for descriptor, reason in pairs:
        with pytest.raises(abi.Refused) as caught:
            ebpf.policy(dev, [*ebpf.value_of(1, 0, 0), ebpf.leave()], [good, descriptor])
        assert caught.value.errno == EBADFD
        assert str(caught.value).count("tables[1]: ") == 1 and reason in str(caught.value)
        os.close(descriptor)


def test_a_descriptor_that_is_only_for_writing(dev: int, keep: Callable[[int], int],
                                               bpffs: Path) -> None:
    pin = str(bpffs / "one")
    bpf_map.pin(keep(bpf_map.create(HASH)), pin)
    keep(looks(dev, keep(bpf_map.get(pin, bpf_map.RDONLY))))
    with pytest.raises(abi.Refused, match="cannot be read") as caught:
        looks(dev, keep(bpf_map.get(pin, bpf_map.WRONLY)))
    assert caught.value.errno == EBADFD


def test_other_descriptors(dev: int, keep: Callable[[int], int]) -> None:
    for descriptor, errno, reason in (
        (-1, EBADF, "no such"), (9999, EBADF, "no such"), (0, EBADFD, "neither"),
        (dev, EBADFD, "neither"), (keep(abi.simple(dev, {})), EBADFD, "neither"),
    ):
        with pytest.raises(abi.Refused, match=reason) as caught:
            looks(dev, descriptor)
        assert caught.value.errno == errno, descriptor


def test_rules_take_no_maps(dev: int, keep: Callable[[int], int]) -> None:
    map_ = keep(bpf_map.create(HASH))
    with pytest.raises(abi.Refused) as caught:
        abi.policy_create(dev, [abi.Section()], tables=[map_])
    assert caught.value.errno == EBADFD


def test_a_map_lives_as_long_as_its_policy(dev: int) -> None:
    """And no longer: held by the policy, by a task that carries it, by nobody."""
    map_ = bpf_map.create(HASH)
    ident = bpf_map.ident(map_)
    bpf_map.put(map_, 1, ERRNO | EDOM)
    policy = denies(dev, map_)
    os.close(map_)
    assert bpf_map.exists(ident) and ebpf.answer(dev, policy, GETPPID, 1) == ERRNO | EDOM
    with child.gate() as ready, child.gate() as end:
        def carry() -> int:
            abi.attach(dev, policy)
            ready.open()
            end.wait()
            return abi.raw_syscall(GETPPID, 1)

        with child.Child(carry) as carrier:
            ready.wait()
            os.close(policy)
            assert bpf_map.exists(ident)
            end.open()
            assert carrier.outcome().value == -EDOM
    # Let go in work items, a grace period later.
    while bpf_map.exists(ident):
        os.sched_yield()


def test_a_refused_policy_holds_no_map(dev: int) -> None:
    for insns in ([ebpf.leave()], ebpf.ret(ALLOW)):
        map_ = bpf_map.create(HASH)
        ident = bpf_map.ident(map_)
        refused = insns == [ebpf.leave()]
        try:
            os.close(ebpf.policy(dev, insns, [map_] * 200))
        except abi.Refused:
            assert refused
        else:
            assert not refused
        os.close(map_)
        while bpf_map.exists(ident):
            os.sched_yield()


def test_looked_into_while_it_is_changed(dev: int, keep: Callable[[int], int]) -> None:
    """Values are whole ones, whatever happens to the map meanwhile."""
    seed = random.randrange(1 << 32)
    source = random.Random(seed)
    print("seed", seed)
    words = [0x11111111_11111111 * n for n in range(1, 16)]
    for kind, key in ((HASH, 8), (ARRAY, 4), (LPM_TRIE, 8)):
        map_ = keep(bpf_map.create(kind, key))
        for n in range(64):
            bpf_map.put(map_, n, words[0])
        # The two halves must be the same; 0 is what it returns if they are.
        policy = keep(ebpf.policy(dev, [
            *ebpf.value_of(0, 0, words[1]), ebpf.mov_reg(ebpf.R1, R0),
            ebpf.alu(ebpf.RSH, ebpf.R1, 32), ebpf.alu_reg(ebpf.XOR, R0, ebpf.R1), ebpf.leave()],
            [map_]))
        stop = threading.Event()

        def change(map_: int = map_, kind: int = kind, stop: threading.Event = stop) -> None:
            while not stop.is_set():
                n = source.randrange(64)
                bpf_map.put(map_, n, source.choice(words))
                if kind != ARRAY and n % 4 == 0:
                    bpf_map.drop(map_, n)

        writer = threading.Thread(target=change)
        writer.start()
        try:
            for _ in range(20):
                calls = [abi.pack_call(ANY, [n]) for n in range(64)]
                assert {action for action, _ in abi.test(dev, policy, calls, 100)} == {0}, kind
        finally:
            stop.set()
            writer.join()
