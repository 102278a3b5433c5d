# SPDX-License-Identifier: LGPL-2.1-or-later
"""TABLE_UPDATE and its like: what is in a table afterwards, for whom, and who may."""

import functools
import os
import random
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import E2BIG, EEXIST, EINVAL, ENOENT, ENOSPC, EPERM, EXDEV

import abi
import bpf_map
import child
import ebpf
import pytest
import tables
from abi import ALLOW, ERRNO, X86_64, Cond, Rule, Section
from child import Child, become_nobody, errno_of, gate
from records import Ground, Record
from tables import ALL, DENIED, GETPGID, GETPPID, MAKERS, Updated, denied, update

KEYS = range(100, 120)
Keep = Callable[[int], int]
Maker = Callable[[int, int], int]


@pytest.fixture(name="maker", params=MAKERS)
def _maker(request: pytest.FixtureRequest) -> Maker:
    return MAKERS[str(request.param)]


def _refusal(function: Callable[[], object]) -> tuple[int | None, str]:
    with pytest.raises(abi.Refused) as caught:
        function()
    return caught.value.errno, caught.value.strerror


# What a batch does.

@pytest.mark.parametrize("kind", ["bitmap", "keys", "values"])
def test_batches_against_a_dictionary(dev: int, keep: Keep, kind: str) -> None:
    seed = int(os.environ.get("SECMAP_SEED", "1"))
    print(f"seed {seed}")
    source = random.Random(seed)
    there: dict[int, int] = {}
    table = keep(abi.table_create(dev, [], bitmap=kind == "bitmap", room=300))
    policy = keep(tables.maps(dev, table))
    for _ in range(50):
        whole = source.random() < 0.1
        remove = [] if whole else source.sample(sorted(there), source.randint(0, len(there) // 2))
        keys = source.sample(sorted(set(range(300)) - set(remove)), source.randint(0, 40))
        given = {key: source.getrandbits(64) if kind == "values" else 0 for key in keys}
        there = {**({} if whole else {key: value for key, value in there.items()
                                      if key not in remove}), **given}
        done = update(dev, table, given if kind == "values" else keys, remove, whole=whole)
        assert done == Updated(len(there), 1, 0, 0)
        assert tables.read(dev, table) == there
        assert tables.tested(dev, policy, range(310)) == sorted(there)


def test_values_are_set_anew(dev: int, keep: Keep) -> None:
    """Of a key that is there; of one without a value it becomes 0; others keep theirs."""
    table = keep(abi.table_create(dev, [1, 2, 3], [10, 20, 30], room=8))
    update(dev, table, {2: 21, 4: 40})
    assert tables.read(dev, table) == {1: 10, 2: 21, 3: 30, 4: 40}
    update(dev, table, [1])
    assert tables.read(dev, table) == {1: 0, 2: 21, 3: 30, 4: 40}
    plain = keep(abi.table_create(dev, [1], room=8))
    update(dev, plain, {2: 5})
    assert tables.read(dev, plain) == {1: 0, 2: 5}


def test_a_program_sees_values(dev: int, keep: Keep) -> None:
    table = keep(abi.table_create(dev, [1], [ERRNO | 1], room=8))
    policy = keep(ebpf.policy(dev, [*ebpf.only(GETPGID, ebpf.value_of(0, 0, ALLOW)),
                                    ebpf.leave()], [table]))
    assert [ebpf.answer(dev, policy, GETPGID, key) for key in (1, 2)] == [ERRNO | 1, ALLOW]
    update(dev, table, {1: ERRNO | 2, 2: ERRNO | 3})
    assert [ebpf.answer(dev, policy, GETPGID, key) for key in (1, 2)] == [ERRNO | 2, ERRNO | 3]


@pytest.mark.parametrize("bitmap", [False, True])
@pytest.mark.parametrize(("keys", "remove", "errno", "sentence"), [
    ([4, 4], [], EEXIST, "keys[1]: key 0x4 is given twice"),
    ([], [1, 1], EEXIST, "remove[1]: key 0x1 is given twice"),
    ([5, 1], [2, 1], EEXIST, "remove[1]: key 0x1 is in keys, too"),
    ([], [1, 9], ENOENT, "remove[1]: key 0x9 is not in the table"),
    ([4, 5, 6], [], ENOSPC, "it would hold 6 keys, above its max_entries 5"),
])
def test_refusals(dev: int, keep: Keep, bitmap: bool, keys: list[int], remove: list[int],
                  errno: int, sentence: str) -> None:
    """And nothing has changed."""
    if bitmap and errno == ENOSPC:
        keys, errno, sentence = [4, 5], EINVAL, "keys[1]: bit 5 is outside of max_entries 5"
    table = keep(abi.table_create(dev, [1, 2, 3], bitmap=bitmap, room=5))
    policy = keep(tables.maps(dev, table))
    assert _refusal(lambda: update(dev, table, keys, remove)) == (errno, sentence)
    assert sorted(tables.read(dev, table)) == [1, 2, 3]
    assert tables.tested(dev, policy, range(10)) == [1, 2, 3]
    # There is room for one that takes another's place.
    assert update(dev, table, [4, 0], [1]).entries == 4


def test_members(ground: Ground) -> None:
    huge = ground.memory(bytes(8))
    for members, errno in (
        ({"flags": 1, "remove_count": 1, "remove": huge}, EINVAL),
        ({"count": (1 << 20) + 1}, E2BIG), ({"remove_count": (1 << 20) + 1}, E2BIG),
        ({"log": 0}, EINVAL), ({"log_size": 0}, EINVAL), ({"log_size": 4097}, E2BIG),
    ):
        record = ground.valid("secmap_table_update")
        for name, content in members.items():
            record[name] = content
        assert record.errno(ground.dev) == errno, members
    bitmap = abi.table_create(ground.dev, [1], bitmap=True, room=8)
    record = ground.valid("secmap_table_update")
    record["table_fd"], record["values"] = bitmap, huge
    assert record.errno(ground.dev) == EINVAL
    os.close(bitmap)


@pytest.mark.parametrize("bitmap", [False, True])
def test_a_million_keys(dev: int, keep: Keep, bitmap: bool) -> None:
    size = 1 << 20
    table = keep(abi.table_create(dev, [], bitmap=bitmap, room=size))
    policy = keep(tables.maps(dev, table))
    assert update(dev, table, range(size)).entries == size
    assert tables.tested(dev, policy, [0, 1, size - 1, size]) == [0, 1, size - 1]
    assert update(dev, table, [], range(1, size)).entries == 1
    assert tables.read(dev, table) == {0: 0}


# Who notices.

def test_tasks_threads_and_children(dev: int, keep: Keep, maker: Maker) -> None:
    table = keep(abi.table_create(dev, KEYS[:3], room=64))
    policy = keep(maker(dev, table))
    with gate() as ready, gate() as changed:
        def task() -> list[list[int]]:
            said: list[list[int]] = []
            abi.attach(dev, policy)
            inside = threading.Event()

            def ask_later() -> None:
                inside.wait()
                said.append(denied(KEYS))

            thread = threading.Thread(target=ask_later)
            thread.start()
            said.append(denied(KEYS))
            ready.open()
            changed.wait()
            said.append(denied(KEYS))
            inside.set()
            thread.join()
            said.append(child.value(lambda: denied(KEYS)))
            return said

        with Child(task) as one:
            ready.wait()
            ids = abi.task_ids(dev, one.pid)
            # The thread was there before the policy was attached to its creator alone, or inherits.
            assert update(dev, table, [KEYS[7]], [KEYS[0]]) == Updated(3, 1, 2, 1)
            assert abi.task_ids(dev, one.pid) == ids
            changed.open()
            now = [KEYS[1], KEYS[2], KEYS[7]]
            assert one.outcome().value == [list(KEYS[:3]), now, now, now]
    assert abi.policy_info(dev, policy)["tables"] == 1


@contextmanager
def _carrier(dev: int, *policies: int) -> Iterator[Callable[[], list[int]]]:
    """A task that carries these; a function that asks it what it may not."""
    with gate() as ready, gate() as go, gate() as said:
        def carry() -> None:
            for policy in policies:
                abi.attach(dev, policy)
            ready.open()
            while True:
                go.wait(600)
                said.open(struct.pack("<64Q", *denied(KEYS), *[0] * (64 - len(denied(KEYS)))))

        def ask() -> list[int]:
            go.open()
            return [key for key in struct.unpack("<64Q", said.wait()) if key]

        with Child(carry):
            ready.wait()
            yield ask


def test_how_many(dev: int, keep: Keep) -> None:
    """Three policies, one of which nobody carries, in two stacks of three."""
    table, other = (keep(abi.table_create(dev, [KEYS[0]], room=8)) for _ in range(2))
    first, second, third = keep(tables.maps(dev, table)), keep(tables.program(dev, table)), \
        keep(tables.maps(dev, table))
    beside = keep(tables.maps(dev, other))
    with _carrier(dev, first, second, beside) as one, _carrier(dev, second) as two, \
            _carrier(dev, beside) as three:
        assert update(dev, table, [KEYS[1]], [KEYS[0]]) == Updated(1, 3, 2, 2)
        assert [one(), two(), three()] == [[KEYS[0], KEYS[1]], [KEYS[1]], [KEYS[0]]]
        assert update(dev, other, [KEYS[3]]) == Updated(2, 1, 2, 2)
        assert [one(), two(), three()] == [
            [KEYS[0], KEYS[1], KEYS[3]], [KEYS[1]], [KEYS[0], KEYS[3]]]
    assert tables.tested(dev, third, KEYS) == [KEYS[1]]


def test_a_table_that_is_there_twice(dev: int, keep: Keep) -> None:
    """And one beside it, and a map of bpf(2), which all stay."""
    table, other = keep(abi.table_create(dev, [1], room=8)), keep(abi.table_create(dev, [2]))
    map_ = keep(bpf_map.create(bpf_map.HASH))
    bpf_map.put(map_, 3, 1)
    insns = [ebpf.mov_reg(ebpf.R6, ebpf.R1)]
    for index in range(4):
        insns += [ebpf.arg_of(ebpf.R2, ebpf.R6, 0), *ebpf.constant(ebpf.R3, 0x7FFFFFFF),
                  *ebpf.table(ebpf.R1, index), ebpf.call(ebpf.LOOKUP),
                  ebpf.jump(ebpf.JEQ, ebpf.R0, 0x7FFFFFFF, 2), *ebpf.ret(ERRNO | 1 + index)]
    policy = keep(ebpf.policy(dev, [*insns, *ebpf.ret(ALLOW)], [other, map_, table, table]))
    assert tables.of_policy(dev, policy) == [
        tables.ident(dev, other), 0, tables.ident(dev, table), tables.ident(dev, table)]

    def said() -> list[int]:
        return [ebpf.answer(dev, policy, GETPGID, key) for key in range(1, 5)]

    assert said() == [ERRNO | 3, ERRNO | 1, ERRNO | 2, ALLOW]
    assert tables.info(dev, table)["policies"] == 1
    assert update(dev, table, [4], [1]).policies == 1
    assert said() == [ALLOW, ERRNO | 1, ERRNO | 2, ERRNO | 3]
    bpf_map.put(map_, 1, 1)
    assert said() == [ERRNO | 2, ERRNO | 1, ERRNO | 2, ERRNO | 3]


def test_what_is_known_of_a_program_changes(dev: int, keep: Keep) -> None:
    """It asks the table for the number: then a call is allowed, or fails, at once."""
    table = keep(abi.table_create(dev, [], bitmap=True, room=1024))
    policy = keep(ebpf.policy(dev, [
        ebpf.load(ebpf.W, ebpf.R2, ebpf.R1, 0), *ebpf.table(ebpf.R1, 0), ebpf.call(ebpf.TEST_BIT),
        ebpf.jump(ebpf.JEQ, ebpf.R0, 0, 2), *ebpf.ret(ERRNO | DENIED), *ebpf.ret(ALLOW)], [table]))
    with gate() as ready, gate() as go:
        def task() -> list[int]:
            abi.attach(dev, policy)
            ready.open()
            go.wait()
            return [abi.raw_syscall(GETPPID), abi.raw_syscall(GETPGID, 0) > 0]

        with Child(task) as one:
            ready.wait()
            before = abi.policy_info(dev, policy)["allow"]
            update(dev, table, [GETPPID])
            after = abi.policy_info(dev, policy)["allow"]
            assert (before, after) == ((1024,) * 3, (1023, 1024, 1023))
            go.open()
            assert one.outcome().value == [-DENIED, True]


def test_what_comes_after(dev: int, keep: Keep, maker: Maker) -> None:
    """Policies that are made, and tasks that carry the old ones, from then on."""
    table = keep(abi.table_create(dev, [KEYS[0]], room=8))
    before = keep(maker(dev, table))
    update(dev, table, [KEYS[1]], [KEYS[0]])
    after = keep(maker(dev, table))
    for policy in (before, after):
        with _carrier(dev, policy) as ask:
            assert ask() == tables.tested(dev, policy, KEYS) == [KEYS[1]]


def test_the_policy_of_another_is_replaced(dev: int, keep: Keep, maker: Maker) -> None:
    """By one over the table, which was changed before, and is again."""
    table = keep(abi.table_create(dev, [KEYS[0]], room=8))
    old, new = keep(abi.simple(dev, {})), keep(maker(dev, table))
    with _carrier(dev, old) as ask:
        update(dev, table, [KEYS[1]])
        assert abi.replace(dev, old, new) == (1, 1)
        assert ask() == list(KEYS[:2])
        assert update(dev, table, [KEYS[2]]) == Updated(3, 1, 1, 1)
        assert ask() == list(KEYS[:3])


def test_what_was_in_it_is_let_go(dev: int, keep: Keep, maker: Maker) -> None:
    """However often it changes: policies and tables end with what holds them."""
    table = abi.table_create(dev, range(1000), room=2000)
    policy = maker(dev, table)
    idents = tables.ident(dev, table), int(str(abi.policy_info(dev, policy)["id"]))
    with _carrier(dev, policy):
        for round_ in range(200):
            update(dev, table, [1000 + round_], [round_])
        os.close(policy)
        os.close(table)
    begun = time.monotonic()
    while idents[0] in tables.listed(dev) or idents[1] in abi.policy_list(dev):
        assert time.monotonic() - begun < 10
        time.sleep(0.01)
    keep(os.dup(dev))


# What stays.

def test_a_supervisor_stays(dev: int, keep: Keep) -> None:
    """Who asks keeps asking, of what the table says then."""
    table = keep(abi.table_create(dev, [1], room=8))
    policy = keep(abi.policy_create(dev, [Section(rules=[
        Rule(GETPGID, abi.USER_NOTIF, [Cond(0, abi.IN, mask=ALL)])])], tables=[table]))
    listener = -1
    with gate() as go:
        def task() -> list[int]:
            go.wait()
            return [abi.raw_syscall(GETPGID, key) for key in (1, 2)]

        with Child(task) as one:
            record = abi.attach_record(policy, one.pid, abi.NEW_LISTENER)
            listener = keep(abi.ioctl(dev, abi.ATTACH, record))
            assert update(dev, table, [2], [1]) == Updated(1, 1, 1, 1)
            go.open()
            question = bytearray(80)
            abi.ioctl(listener, 0xC0502100, question)
            assert struct.unpack_from("<Q", question, 32) == (2,)
            abi.ioctl(listener, 0xC0182101, struct.pack("<QqiI", *struct.unpack_from("<Q", question),
                                                        0, -77, 0))
            assert one.outcome().value[1] == -77


def test_counters_phases_and_complaints_stay(dev: int, keep: Keep, maker: Maker) -> None:
    table = keep(abi.table_create(dev, [KEYS[0]], room=8))
    policy = keep(maker(dev, table))
    abi.count(dev, policy)
    recorder = keep(abi.recorder_create(dev)[0])
    with gate() as ready, gate() as go:
        def task() -> list[list[int]]:
            abi.attach(dev, policy, 0, abi.COMPLAIN | abi.RECORD, recorder)
            abi.attach_later(dev, policy, [(X86_64, GETPPID)])
            said = [denied(KEYS)]
            ready.open()
            go.wait()
            said.append(denied(KEYS))
            abi.raw_syscall(GETPPID)
            return [*said, denied(KEYS)]

        with Child(task) as one:
            ready.wait()
            before = sum(abi.stats(dev, policy).values())
            assert update(dev, table, [KEYS[1]], [KEYS[0]]) == Updated(1, 1, 1, 1)
            assert abi.policy_info(dev, policy)["counted"] == 1
            assert (abi.task_waiting(dev, one.pid), len(abi.task_ids(dev, one.pid))) == (2, 2)
            assert sum(abi.stats(dev, policy).values()) >= before
            go.open()
            assert one.outcome().value == [[], [], [KEYS[1]]]
    assert GETPGID in abi.recorded(dev, recorder).calls[X86_64]
    denials = sum(times for (_, _, action), times in abi.stats(dev, policy).items()
                  if action & 0x7FFF0000 == ERRNO)
    assert denials == 3


def test_tightening_knows_what_is_there_now(dev: int, keep: Keep) -> None:
    def allows(table: int) -> int:
        return keep(abi.policy_create(dev, [Section(rules=[
            Rule(GETPGID, ALLOW, [Cond(0, abi.IN, mask=ALL)]), Rule(GETPGID, ERRNO | 1)])],
            tables=[table]))

    wide, narrow = keep(abi.table_create(dev, [1, 2, 3])), keep(abi.table_create(dev, [1, 2], room=9))
    first, second = allows(wide), allows(narrow)
    assert abi.tighten(dev, first, second) == (0, 0)
    update(dev, narrow, [9])
    assert errno_of(lambda: abi.tighten(dev, first, second)) == EXDEV
    update(dev, narrow, [], [9, 2])
    assert abi.tighten(dev, first, second) == (0, 0)


# Who may.

def test_who_may(dev: int, keep: Keep) -> None:
    table = keep(abi.table_create(dev, [1], room=8))
    policy = keep(tables.maps(dev, table))

    def change(through: Callable[[], int], what: int = table) -> int:
        return errno_of(lambda: update(through(), what, [2]))

    def as_nobody() -> list[int]:
        become_nobody()
        mine = abi.device()
        own = abi.table_create(mine, [1], room=8)
        said = [change(lambda: mine), change(lambda: dev), change(lambda: mine, own)]
        of_it = tables.maps(mine, own)
        said.append(change(lambda: mine, own))
        os.close(of_it)
        return [*said, change(lambda: mine, own)]

    def filtered() -> list[int]:
        abi.attach(dev, policy)
        return [change(lambda: dev), change(lambda: dev, abi.table_create(dev, [1], room=8))]

    def in_a_namespace() -> int:
        child.unshare(child.CLONE_NEWUSER)
        return change(lambda: dev)

    assert child.value(lambda: change(abi.device)) == 0
    assert child.value(as_nobody) == [EPERM, EPERM, 0, EPERM, 0]
    assert child.value(filtered) == [EPERM, EPERM]
    assert child.value(in_a_namespace) == EPERM


def test_who_may_list_and_open(dev: int, keep: Keep) -> None:
    table = keep(abi.table_create(dev, [1], name="mine"))
    ident = tables.ident(dev, table)
    assert ident in tables.listed(dev)
    again = keep(Record("secmap_table_by_id", id=ident).ioctl(dev))
    assert tables.info(dev, again) == tables.info(dev, table)

    def as_nobody() -> list[int]:
        become_nobody()
        mine = abi.device()
        return [Record("secmap_table_by_id", id=ident).errno(mine),
                Record("secmap_table_by_id", id=1 << 30).errno(mine),
                Record("secmap_table_next", id=0).errno(mine), tables.ident(mine, table)]

    assert child.value(as_nobody) == [EPERM, EPERM, EPERM, ident]


def test_info(dev: int, keep: Keep) -> None:
    table = keep(abi.table_create(dev, [7, 9], [1, 2], room=5, name="ports"))
    policies = [tables.maps(dev, table) for _ in range(2)]
    facts = tables.info(dev, table)
    size = facts["bytes"]
    assert isinstance(size, int) and 64 < size < 4096
    assert facts == {"type": 1, "id": facts["id"], "max_entries": 5, "count": 2, "policies": 2,
                     "sealed": 0, "uid": 0, "bytes": size, "name": "ports"}
    for policy in policies:
        os.close(policy)
    assert tables.info(dev, table)["policies"] == 0
    assert tables.read(dev, table, 1).items() <= {7: 1, 9: 2}.items()


def test_sealed(dev: int, keep: Keep) -> None:
    """A table; or a policy that looks into it. What looks into a sealed table can be replaced."""
    table, free = (keep(abi.table_create(dev, [1], room=8)) for _ in range(2))
    policy, other = keep(tables.maps(dev, table)), keep(tables.maps(dev, free))
    for _ in range(2):
        tables.seal(dev, table)
    assert (tables.info(dev, table)["sealed"], tables.info(dev, free)["sealed"]) == (1, 0)
    assert _refusal(lambda: update(dev, table, [2])) == (
        EPERM, f"table {tables.ident(dev, table)} is sealed")
    assert abi.replace(dev, policy, other) == (0, 0)
    abi.seal(dev, other)
    assert _refusal(lambda: update(dev, free, [2])) == (
        EPERM, f"policy {abi.policy_info(dev, other)['id']}, which looks into table "
               f"{tables.ident(dev, free)}, is sealed")
    assert tables.read(dev, free) == {1: 0}


def test_who_may_seal(dev: int, keep: Keep) -> None:
    table = keep(abi.table_create(dev, [1]))

    def as_nobody(own: bool) -> int:
        become_nobody()
        mine = abi.device()
        return errno_of(lambda: tables.seal(mine, abi.table_create(mine, [1]) if own else table))

    assert child.value(lambda: as_nobody(own=True)) == 0
    assert child.value(lambda: as_nobody(own=False)) == EPERM
    assert tables.info(dev, table)["sealed"] == 0


def test_who_was_given_a_table_does_not_seal_it_by_a_policy(dev: int, keep: Keep) -> None:
    table = keep(abi.table_create(dev, [KEYS[0]], room=8))

    def as_nobody(own: bool) -> int:
        become_nobody()
        mine = abi.device()
        policy = tables.maps(mine, abi.table_create(mine, [KEYS[0]]) if own else table)
        return errno_of(lambda: abi.seal(mine, policy))

    assert child.value(lambda: as_nobody(own=True)) == 0
    assert child.value(lambda: as_nobody(own=False)) == EPERM
    assert update(dev, table, [KEYS[1]]).entries == 2


# Meanwhile.

def test_the_last_task_exits(dev: int, keep: Keep, maker: Maker) -> None:
    table = keep(abi.table_create(dev, [KEYS[0]], room=8))
    for round_ in range(40):
        policy = maker(dev, table)
        with Child(functools.partial(abi.attach, dev, policy)):
            os.close(policy)
            key = KEYS[1 + round_ % 2]
            assert update(dev, table, [key], whole=True).entries == 1
    assert tables.read(dev, table) == {key: 0}


def test_tasks_that_attach_meanwhile(dev: int, keep: Keep, maker: Maker) -> None:
    """None keeps a stack that was built of what was in the table before."""
    table = keep(abi.table_create(dev, KEYS[:1], room=8))
    policy = keep(maker(dev, table))
    for round_ in range(60):
        key = KEYS[1 + round_ % 2]
        with gate() as go, gate() as updated:
            def task() -> list[int]:
                go.wait()
                abi.attach(dev, policy)
                updated.wait()
                return denied(KEYS)

            with Child(task) as one:
                go.open()
                # So that they meet in different places.
                time.sleep(round_ % 10 * 0.0004)
                update(dev, table, [key], whole=True)
                updated.open()
                assert one.outcome().value == [key]


def test_policies_that_are_being_made(dev: int, keep: Keep, maker: Maker) -> None:
    """None keeps what was in the table before."""
    table = keep(abi.table_create(dev, KEYS[:1], room=64))
    made: list[int] = []
    done = threading.Event()

    def make() -> None:
        while not done.is_set() and len(made) < 25:
            made.append(maker(dev, table))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for round_ in range(30):
        update(dev, table, [KEYS[round_ % 20]], whole=True)
    done.set()
    for thread in threads:
        thread.join()
    for policy in made:
        assert tables.tested(dev, keep(policy), KEYS) == [KEYS[29 % 20]]
    assert update(dev, table, []).policies == len(made)


BIG = [list(range(0, 40000, 2)), list(range(1, 20001, 2))]


def test_an_updater_that_is_killed(dev: int, keep: Keep, maker: Maker) -> None:
    """What is there is the one or the other, for policies too; and the next one is not held up."""
    table = keep(abi.table_create(dev, BIG[0], room=40000))
    policy = keep(maker(dev, table))

    def toggle() -> None:
        while True:
            for keys in BIG:
                update(dev, table, keys, whole=True)

    asked = [0, 1, 2, 3, 19999, 20000, 39998, 39999]
    for round_ in range(15):
        with Child(toggle) as updater:
            time.sleep(0.05 + round_ * 0.013)
            assert updater.kill().signal == signal.SIGKILL
        there = sorted(tables.read(dev, table))
        assert there in BIG
        assert tables.tested(dev, policy, asked) == [key for key in asked if key in there]
    assert update(dev, table, [1], whole=True).entries == 1


def test_two_updaters(dev: int, keep: Keep, maker: Maker) -> None:
    """No change is lost: each adds its own, and takes away what it has added."""
    table = keep(abi.table_create(dev, [], room=64))
    policy = keep(maker(dev, table))

    def add(first: int) -> None:
        for key in range(first, first + 15):
            update(dev, table, [key, 1000])
            update(dev, table, [key + 1], [key])
            update(dev, table, [key], [key + 1])

    with Child(lambda: add(100)) as one, Child(lambda: add(200)) as two:
        assert (one.outcome().status, two.outcome().status) == (0, 0)
    expected = sorted([*range(100, 115), *range(200, 215), 1000])
    assert sorted(tables.read(dev, table)) == tables.tested(dev, policy, range(1001)) == expected


def test_an_update_and_a_replacement(dev: int, keep: Keep) -> None:
    """By turns they give what they would give one after the other."""
    table = keep(abi.table_create(dev, [KEYS[0]], room=8))
    first, second = keep(tables.maps(dev, table)), keep(tables.program(dev, table))
    with _carrier(dev, first) as ask:
        def replace() -> None:
            for _ in range(30):
                abi.replace(dev, first, second)
                abi.replace(dev, second, first)

        with Child(replace) as other:
            for round_ in range(61):
                key = KEYS[round_ % 20]
                update(dev, table, [key], whole=True)
                assert ask() == [key]
            assert other.outcome().status == 0
        assert ask() == [KEYS[0]]


def test_an_update_and_what_is_switched(dev: int, keep: Keep) -> None:
    """Counting, and tasks that attach and detach."""
    table = keep(abi.table_create(dev, [KEYS[0]], room=8))
    policy, other = keep(tables.maps(dev, table)), keep(abi.simple(dev, {}))
    with gate() as ready:
        def wait() -> None:
            abi.attach(dev, policy)
            ready.open()
            time.sleep(600)

        with Child(wait) as task:
            ready.wait()

            def switch() -> None:
                for round_ in range(60):
                    abi.count(dev, policy, round_ % 2 == 0)
                    abi.attach(dev, other, task.pid)
                    abi.detach(dev, task.pid, int(str(abi.policy_info(dev, other)["id"])))

            with Child(switch) as switching:
                for round_ in range(60):
                    assert update(dev, table, [KEYS[round_ % 20]], whole=True).policies == 1
                assert switching.outcome().status == 0
            assert update(dev, table, [KEYS[5]]) == Updated(2, 1, 1, 1)
