# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the netlink family tells of what there is, read by its specification: as the ioctls have it, whole, and to
nobody else."""

import functools
import itertools
import json
import os
import select
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from errno import EINVAL, ENOENT, EOPNOTSUPP, EPERM, ERANGE
from pathlib import Path
from typing import Any

import abi
import child
import ebpf
import filtered
import pytest
import tables
from abi import ALLOW, ERRNO, KILL_PROCESS, LOG, USER_NOTIF, Cond, Rule, Section
from asking import wait_until
from child import CLONE_NEWPID, CLONE_NEWUSER, Child
from family import Family, Refused, raw
from listening import supervised

SPEC = Path(__file__).resolve().parents[2] / "uapi/secmap/secmap.yaml"
GETPPID, GETPGRP, UMASK = 110, 111, 95
EFAKE = 3333
OBJECTS = ["policy-get", "table-get", "stats-get"]
DUMPS = [*OBJECTS, "task-get"]
# Before, the kernel has no room for a text where a dump is refused.
TEXTS = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 2)
Keep = Callable[[int], int]
Told = dict[str, Any]


@pytest.fixture(name="family")
def _family() -> Iterator[Family]:
    with Family(SPEC) as made:
        yield made


def ident(dev: int, policy: int) -> int:
    return int(str(abi.policy_info(dev, policy)["id"]))


def by(key: str, messages: Sequence[Told]) -> dict[Any, Told]:
    """By an attribute that no two of them share."""
    found = {each[key]: each for each in messages}
    assert len(found) == len(messages)
    return found


def of_info(dev: int, policy: int) -> Told:
    """What POLICY_INFO says, in the words of the specification."""
    info: Told = dict(abi.policy_info(dev, policy))
    maps = info["kind"] == 0
    told = {"id": info["id"], "name": info["name"], "uid": info["uid"], "kind": info["kind"],
            "stacks": info["stacks"], "bytes": info["bytes"], "cost": info["cost"], "actions": info["actions"],
            "table-count": info["tables"]}
    told |= {name: True for name in ("sealed", "counted") if info[name]}
    told |= {"foreign-action": info["foreign"]} if maps else {"filter-len": info["filter_len"],
                                                              "insns": info["insns"]}
    told["abi"] = [
        {"id": number, "allow-count": info["allow"][number]} | ({
            "rule-count": info["rules"][number], "cond-count": info["conds"][number],
            "default-action": info["default"][number]} if maps else {})
        for number in range(3) if not maps or info["abis"] & 1 << number]
    return told


# What is told.

def test_policies_are_told_as_the_ioctl_has_them(dev: int, keep: Keep, family: Family) -> None:
    table = keep(abi.table_create(dev, [3, 5], name="odd"))
    policies = [
        keep(abi.simple(dev, {GETPPID: ERRNO | 1}, name="plain")),
        keep(abi.policy_create(dev, [
            Section(default=LOG, allow={1, 2, 3}, rules=[Rule(UMASK, KILL_PROCESS, [
                Cond(0, abi.IN, mask=2**64 - 1), Cond(1, abi.EQ, 7)])]),
            Section(abi.I386, ERRNO | 5)], foreign=ERRNO | 9, tables=[table])),
        keep(abi.cbpf(dev, abi.verdicts({UMASK: ERRNO | 1}), name="classic")),
        keep(ebpf.policy(dev, ebpf.ret(ALLOW))),
    ]
    abi.seal(dev, policies[0])
    abi.count(dev, policies[2])

    def look() -> None:
        abi.attach(dev, policies[1])
        abi.attach(dev, policies[1])
        messages = by("id", family.dump("policy-get").messages)
        assert messages == {ident(dev, policy): of_info(dev, policy) for policy in policies}
        for number, message in messages.items():
            assert family.do("policy-get", id=number) == message

    child.value(look)


def test_who_made_them_is_told(dev: int, keep: Keep, family: Family) -> None:
    with child.effective_nobody():
        policy = keep(abi.simple(dev, {}))
        keep(abi.table_create(dev, [1]))
    assert family.do("policy-get", id=ident(dev, policy))["uid"] == child.NOBODY
    assert [each["uid"] for each in family.dump("table-get").messages] == [child.NOBODY]


def test_tables_are_told(dev: int, keep: Keep, family: Family) -> None:
    made = [keep(abi.table_create(dev, [1, 2, 900], [7, 8, 9], name="hash.1")),
            keep(abi.table_create(dev, [4], bitmap=True, room=4096, name="bits")),
            keep(abi.table_create(dev, [4], bitmap=True, room=1 << 20))]
    keep(tables.maps(dev, made[1]))
    tables.seal(dev, made[0])
    told = family.dump("table-get").messages
    assert [(each["name"], each["max-entries"], each["count"], each["policies"]) for each in told] == [
        ("hash.1", 3, 3, 0), ("bits", 4096, 1, 1), ("", 1 << 20, 1, 0)]
    assert ["sealed" in each for each in told] == [True, False, False]
    for table, each in zip(made, told):
        # What TABLE_INFO says, in the words of the specification: a flag is there, or not.
        info = {name.replace("_", "-"): value for name, value in tables.info(dev, table).items()}
        assert info.pop("sealed") == ("sealed" in each)
        assert {name: value for name, value in each.items() if name != "sealed"} == info
        assert family.do("table-get", id=each["id"]) == each


def test_stacks_are_told(dev: int, keep: Keep, family: Family) -> None:
    plain, strict = keep(abi.simple(dev, {GETPPID: ERRNO | 1})), keep(abi.simple(dev, {}))
    recorder, recorded = abi.recorder_create(dev)
    keep(recorder)

    def look() -> None:
        with open("/proc/self/comm", "w", encoding="ascii") as comm:
            comm.write("fifteen letters")
        abi.attach(dev, plain, flags=abi.ATTACH_LOG)
        abi.attach(dev, strict, flags=abi.COMPLAIN)
        abi.attach(dev, -1, flags=abi.RECORD, recorder=recorder)
        abi.attach_later(dev, plain, [(abi.X86_64, UMASK)])
        flags = [abi.ATTACH_LOG, abi.COMPLAIN, 0, 0]
        expected = [{"policy": policy, "flags": flag} for policy, flag in zip(abi.task_ids(dev), flags)]
        expected[2]["recorder"] = expected[3]["waiting"] = True
        assert expected[2]["policy"] == recorded and abi.task_waiting(dev) == 1 << 3
        message = {"pid": os.getpid(), "tid": os.getpid(), "comm": "fifteen letters", "entry": expected}
        assert family.dump("task-get").messages == [message]
        assert family.do("task-get", tid=os.getpid()) == message
        abi.raw_syscall(UMASK, 0o22)
        del expected[3]["waiting"]
        assert family.do("task-get", tid=os.getpid()) == message

    child.value(look)


def test_a_listener_is_told(family: Family) -> None:
    with supervised([GETPPID], lambda: abi.raw_syscall(GETPPID)) as (asker, listener):
        question = listener.receive()
        (message,) = family.dump("task-get").messages
        assert message["tid"] == question.pid
        assert [set(each) for each in message["entry"]] == [{"policy", "flags", "listener"}]
        listener.send(question.ident, value=1)
        asker.outcome()


def test_each_thread_is_told(dev: int, keep: Keep, family: Family) -> None:
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | 1}))

    def look() -> None:
        end = threading.Event()
        abi.attach(dev, policy)
        threads = [threading.Thread(target=end.wait) for _ in range(5)]
        for each in threads:
            each.start()
        found = by("tid", family.dump("task-get").messages)
        assert found.keys() == set(map(int, os.listdir("/proc/self/task")))
        assert {each["pid"] for each in found.values()} == {os.getpid()}
        tid = max(found)
        assert tid != os.getpid() and family.do("task-get", tid=tid) == found[tid]
        end.set()
        for each in threads:
            each.join()

    child.value(look)


def test_the_deepest_stack_fits(dev: int, keep: Keep, family: Family) -> None:
    policy = keep(abi.simple(dev, {}))
    number = ident(dev, policy)

    def look() -> None:
        for _ in range(64):
            abi.attach(dev, policy, flags=abi.ATTACH_LOG)
        (message,) = family.dump("task-get").messages
        assert message["entry"] == [{"policy": number, "flags": abi.ATTACH_LOG}] * 64
        assert family.do("task-get", tid=os.getpid()) == message

    child.value(look)


def _counted(messages: Sequence[Told]) -> dict[tuple[int, int, int], int]:
    return {(each["abi"], each["rule"], each["action"]): each["count"] for each in messages}


def test_counters_are_told_as_the_ioctl_has_them(dev: int, keep: Keep, family: Family) -> None:
    """Of rules and of a program; of one policy, or of all; of all processors, or of each."""
    maps = keep(abi.simple(dev, {GETPPID: ERRNO | EFAKE, UMASK: ERRNO | 1}))
    program = keep(abi.cbpf(dev, abi.verdicts({GETPPID: ERRNO | 1})))
    never = keep(abi.simple(dev, {}))
    for policy in (maps, program):
        abi.count(dev, policy)

    def call(cpu: int, times: int) -> None:
        os.sched_setaffinity(0, {cpu})
        for policy in (maps, program, never):
            abi.attach(dev, policy)
        for _ in range(times):
            abi.raw_syscall(GETPPID)

    cpus = sorted(os.sched_getaffinity(0))
    for cpu in cpus:
        child.value(functools.partial(call, cpu, 3 + cpu))
    everything = family.dump("stats-get").messages
    assert {each["policy"] for each in everything} == {ident(dev, maps), ident(dev, program)}
    for policy in (maps, program, never):
        number = ident(dev, policy)
        told = family.dump("stats-get", policy=number).messages
        assert told == [each for each in everything if each["policy"] == number]
        assert _counted(told) == abi.stats(dev, policy) and len(told) == len(abi.stats(dev, policy))
        split = family.dump("stats-get", policy=number, per_cpu=1).messages
        for one in told:
            parts = {each["cpu"]: each["count"] for each in split
                     if (each["abi"], each["rule"], each["action"]) == (one["abi"], one["rule"], one["action"])}
            assert parts.keys() <= set(cpus) and sum(parts.values()) == one["count"]
        assert all(each["count"] for each in split)
    (denied,) = [each for each in everything if each["action"] == ERRNO | EFAKE]
    assert denied == {"policy": ident(dev, maps), "abi": abi.X86_64, "nr": GETPPID, "rule": 1, "action": ERRNO | EFAKE,
                      "count": sum(3 + cpu for cpu in cpus)}
    each_cpu = [each for each in family.dump("stats-get", per_cpu=1).messages if each["action"] == ERRNO | EFAKE]
    assert {each["cpu"]: each["count"] for each in each_cpu} == {cpu: 3 + cpu for cpu in cpus}
    others = [each for each in everything if each["rule"] > abi.RULE_PROGRAM - 1]
    assert others and all("nr" not in each for each in others)


def test_the_librarys_class_says_the_same(dev: int, keep: Keep, family: Family, program: Callable[[str], str]) -> None:
    table = keep(abi.table_create(dev, [3, 5], name="odd"))
    maps = keep(abi.policy_create(dev, [
        Section(default=ALLOW, rules=[Rule(UMASK, ERRNO | 1, [Cond(0, abi.IN, mask=2**64 - 1)])]),
        Section(abi.I386, ERRNO | 5)], tables=[table], name="maps"))
    classic = keep(abi.cbpf(dev, abi.verdicts({GETPPID: ERRNO | 1})))
    abi.seal(dev, maps)
    abi.count(dev, maps)

    def says(*words: str) -> Told:
        done = subprocess.run([program("dumps"), *words], check=False, capture_output=True, text=True, timeout=60)
        if done.returncode:
            return {"failed": done.stdout}
        made: Told = json.loads(done.stdout)
        assert not made.pop("changed")
        return made

    def stay() -> None:
        abi.attach(dev, maps, flags=abi.ATTACH_LOG)
        abi.attach_later(dev, classic, [(abi.X86_64, UMASK)])
        there.open()
        end.wait()

    with child.gate() as there, child.gate() as end, Child(stay):
        there.wait()
        for name, operation in (("policies", "policy-get"), ("tables", "table-get"), ("tasks", "task-get"),
                                ("counts", "stats-get")):
            told = family.dump(operation).messages
            assert told and says(name) == {"found": told}
        number = ident(dev, maps)
        assert says("counts_each", str(number)) == {
            "found": family.dump("stats-get", policy=number, per_cpu=1).messages}
        assert says("counts", str(ident(dev, classic))) == {"found": []}
    assert says("counts", "2000000000")["failed"].startswith(
        "ENOENT no policy has this id" if TEXTS else "ENOENT No such file")

    def nobody() -> list[str]:
        os.setresuid(child.NOBODY, child.NOBODY, child.NOBODY)
        return [says(name)["failed"] for name in ("policies", "tasks")]

    policies, tasks = child.value(nobody)
    assert policies.startswith("EPERM ") and "initial user namespace: run it as root" in policies
    assert tasks.startswith("EPERM ") and "owns the pid namespace: run it as root" in tasks


# However much it is.

def test_many_policies_come_in_pieces(dev: int, keep: Keep, family: Family) -> None:
    count = 700
    policies = [keep(abi.simple(dev, {GETPPID: ERRNO | 1}, name=f"p{each}")) for each in range(count)]
    dump = family.dump("policy-get")
    assert dump.pieces > 3 and not dump.interrupted
    assert [each["name"] for each in dump.messages] == [f"p{each}" for each in range(count)]
    assert [each["id"] for each in dump.messages] == abi.policy_list(dev)
    for policy in policies[::50]:
        abi.count(dev, policy)


def test_many_counters_come_in_pieces(dev: int, keep: Keep, family: Family) -> None:
    """In the middle of a policy's one piece ends and another begins."""
    numbers = range(512, 1000)
    policy = keep(abi.policy_create(dev, [Section(rules=[
        Rule(number, ERRNO | 1, [Cond(0, abi.EQ, value)]) for number in numbers for value in (0, 1)])]))
    abi.count(dev, policy)

    def make() -> None:
        abi.attach(dev, policy)
        for number in numbers:
            for value in (0, 1, 1):
                abi.raw_syscall(number, value)

    child.value(make)
    dump = family.dump("stats-get", policy=ident(dev, policy))
    rules = [each for each in dump.messages if "nr" in each]
    assert dump.pieces > 3
    assert [(each["rule"], each["nr"], each["count"]) for each in rules] == [
        (2 * index + value, number, 1 + value) for index, number in enumerate(numbers) for value in (0, 1)]
    split = family.dump("stats-get", policy=ident(dev, policy), per_cpu=1).messages
    places = [(each["abi"], each["rule"], each["cpu"]) for each in split]
    assert len(places) == len(set(places))
    assert sum(each["count"] for each in split) == sum(each["count"] for each in dump.messages)


def test_many_tasks_come_in_pieces_each_once(dev: int, keep: Keep, program: Callable[[str], str],
                                             family: Family) -> None:
    """All that are there to the end, whoever ends meanwhile."""
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | 1}))
    with filtered.crowd(program("crowd"), 1100, lambda: abi.attach(dev, policy)) as pids:
        dump = family.dump("task-get")
        assert dump.pieces > 3
        assert by("tid", dump.messages).keys() == set(pids) == {task[0] for task in abi.task_list(dev)}
        assert {each["entry"][0]["policy"] for each in dump.messages} == {ident(dev, policy)}
        # One piece is read, some end, and the rest is.
        family.begin("task-get")
        dying = pids[1::4]
        for pid in dying:
            os.kill(pid, 9)
        for pid in dying:
            filtered.await_end(pid)
        found = by("tid", family.finish("task-get").messages)
        assert set(pids) - set(dying) <= found.keys() <= set(pids)


# While something changes.

def test_what_stays_is_told_once_while_others_come_and_go(dev: int, keep: Keep, family: Family) -> None:
    """On another processor, if there is one. That something changed is told."""
    staying = {ident(dev, keep(abi.simple(dev, {}, name=f"stays{each}"))) for each in range(150)}
    with child.gate() as end, child.gate() as begun:
        def churn() -> None:
            own = abi.device()
            held: list[int] = []
            for turn in itertools.count():
                held.append(abi.simple(own, {GETPPID: ERRNO | 1}, name=f"goes{turn}"))
                if len(held) > 8:
                    os.close(held.pop(turn % 8))
                if turn == 20:
                    begun.open()
                if select.select([end.reading], [], [], 0)[0]:
                    return

        with Child(churn) as churning:
            begun.wait()
            interrupted = 0
            for _ in range(30):
                dump = family.dump("policy-get")
                found = by("id", dump.messages)
                assert {number for number, each in found.items() if each["name"].startswith("stays")} == staying
                interrupted += dump.interrupted
                for number in family.dump("stats-get").messages:
                    assert number["policy"] in found
            end.open()
            assert churning.outcome().status == 0
    assert interrupted > 0


def test_what_went_in_the_middle_of_a_dump_is_noticed(dev: int, keep: Keep, family: Family) -> None:
    policies = [abi.simple(dev, {}, name=f"p{each}") for each in range(300)]
    numbers = [ident(dev, policy) for policy in policies]
    family.begin("policy-get")
    os.close(policies.pop())
    late = ident(dev, keep(abi.simple(dev, {}, name="late")))
    dump = family.finish("policy-get")
    for policy in policies:
        os.close(policy)
    assert dump.interrupted
    assert [each["id"] for each in dump.messages] == [*numbers[:-1], late]


def test_the_policy_whose_counters_are_told_goes(dev: int, family: Family) -> None:
    numbers = range(512, 1000)
    policy = abi.simple(dev, {number: ERRNO | 1 for number in numbers})
    abi.count(dev, policy)

    def make() -> None:
        abi.attach(dev, policy)
        for number in numbers:
            abi.raw_syscall(number)

    child.value(make)
    number = ident(dev, policy)
    family.begin("stats-get", policy=number)
    os.close(policy)
    while number in abi.policy_list(dev):
        os.sched_yield()
    dump = family.finish("stats-get")
    assert dump.interrupted and 0 < len(dump.messages) < len(numbers)


def test_tasks_that_come_and_go(dev: int, keep: Keep, program: Callable[[str], str], family: Family) -> None:
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | 1}))
    with filtered.crowd(program("crowd"), 60, lambda: abi.attach(dev, policy)) as pids, child.gate() as end:
        def churn() -> None:
            abi.attach(dev, policy)
            while not select.select([end.reading], [], [], 0)[0]:
                for pid in [os.fork() for _ in range(4)]:
                    if not pid:
                        os._exit(0)
                    os.waitpid(pid, 0)

        with Child(churn) as churning:
            for _ in range(40):
                found = by("tid", family.dump("task-get").messages)
                assert set(pids) <= found.keys()
                assert all(each["entry"] for each in found.values())
            end.open()
            assert churning.outcome().status in (0, 9)


# Who may ask.

def test_who_has_no_rights_is_told_so(dev: int, keep: Keep) -> None:
    policy = ident(dev, keep(abi.simple(dev, {})))

    def refusal(function: Callable[[Family], object]) -> tuple[int, str]:
        with Family(SPEC) as own, pytest.raises(Refused) as refused:
            function(own)
        return refused.value.errno or 0, refused.value.strerror or ""

    def asked() -> None:
        for name in DUMPS:
            number, text = refusal(functools.partial(Family.dump, operation=name))
            assert number == EPERM and ("CAP_SYS_ADMIN" in text) == TEXTS
        for number in (policy, 4_000_000_000):
            for name, values in (("policy-get", {"id": number}), ("table-get", {"id": number}),
                                 ("task-get", {"tid": os.getpid()})):
                failed, text = refusal(functools.partial(Family.do, operation=name, **values))
                assert failed == EPERM and "CAP_SYS_ADMIN" in text

    def nobody() -> None:
        child.become_nobody()
        asked()

    def elsewhere() -> None:
        """Root in a user namespace that does not own the pid namespace."""
        child.become_nobody()
        child.unshare(CLONE_NEWUSER)
        asked()

    child.value(nobody)
    child.value(elsewhere)


def test_a_namespace_has_its_own_tasks_alone(dev: int, keep: Keep, family: Family) -> None:
    """By its own ids, and without those of more rights; what goes through all namespaces it is not told."""
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | 1}))
    number = ident(dev, policy)

    def stay() -> None:
        abi.attach(dev, policy)
        there.open()
        end.wait(size=1)

    def inside() -> list[list[int]]:
        with Family(SPEC) as own:
            ready.open()
            go_on.wait()
            with Child(stay) as process:
                there.wait(size=1)
                messages = own.dump("task-get").messages
                assert [each["entry"] for each in messages] == [[{"policy": number, "flags": 0}]]
                assert own.do("task-get", tid=process.pid) == messages[0]
                told = [[each["pid"], each["tid"], process.pid] for each in messages]
                # Who was there before it, and who has come with more rights.
                for tid in (*range(1, process.pid), process.pid + 1, 4_000_000_000):
                    with pytest.raises(Refused, match="no filtered thread") as refused:
                        own.do("task-get", tid=tid)
                    assert refused.value.errno == ENOENT
                for name in OBJECTS:
                    with pytest.raises(Refused) as refused:
                        own.dump(name)
                    assert refused.value.errno == EPERM
            return told

    def outside() -> object:
        child.become_nobody()
        child.unshare(CLONE_NEWUSER | CLONE_NEWPID)
        return child.value(inside)

    def enter(pid: int) -> None:
        with open(f"/proc/{pid}/ns/pid_for_children", "rb") as namespace:
            child.setns(namespace.fileno(), CLONE_NEWPID)
        child.value(stay)

    with child.gate() as ready, child.gate() as go_on, child.gate() as there, child.gate() as end, \
            Child(outside) as container, Child(stay) as neighbour:
        ready.wait()
        with Child(lambda: enter(container.pid)) as guest:
            for _ in range(2):
                there.wait(size=1)
            seen = by("tid", family.dump("task-get").messages)
            assert len(seen) == 2 and neighbour.pid in seen
            go_on.open()
            ((pid, tid, inner),) = container.outcome().value
            assert pid == tid == inner and inner not in seen
            # It has ended with its namespace.
            assert guest.outcome().status
            end.open()
            assert neighbour.outcome().status == 0


def test_what_a_dump_shows_is_decided_by_who_asks_not_by_who_reads(dev: int, keep: Keep, program: Callable[[str], str],
                                                                   family: Family) -> None:
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | 1}))
    with filtered.crowd(program("crowd"), 300, lambda: abi.attach(dev, policy)) as pids:
        family.begin("task-get")

        def read() -> list[int]:
            child.become_nobody()
            child.unshare(CLONE_NEWUSER | CLONE_NEWPID)
            return child.value(lambda: [each["tid"] for each in family.finish("task-get").messages])  # type: ignore

        assert set(child.value(read)) == set(pids)


# What is refused.

@pytest.mark.parametrize(("name", "dump", "attributes", "number"), [
    *((name, True, raw(9, bytes(4)), EINVAL) for name in DUMPS),
    *((name, True, b"abc", EINVAL) for name in DUMPS),
    *((name, True, raw(2, struct.pack("<I", 1)), EINVAL) for name in ("policy-get", "table-get", "task-get")),
    ("policy-get", True, raw(1, bytes(4)), EINVAL),
    ("stats-get", True, raw(2, b"ab"), EINVAL), ("stats-get", True, raw(2, bytes(8)), EINVAL),
    ("stats-get", True, raw(2, bytes(4)), ERANGE), ("stats-get", True, raw(3, bytes(4)), ERANGE),
    ("stats-get", True, raw(2, struct.pack("<I", 2**31)), ENOENT), ("stats-get", False, b"", EOPNOTSUPP),
    *((name, False, b"", EINVAL) for name in ("policy-get", "table-get", "task-get")),
    *((name, False, raw(2, bytes(4)), ERANGE) for name in ("policy-get", "table-get", "task-get")),
    *((name, False, raw(2, bytes(2)), EINVAL) for name in ("policy-get", "table-get", "task-get")),
    *((name, False, raw(2, struct.pack("<I", number)), ENOENT) for name in ("policy-get", "table-get", "task-get")
      for number in (1, 2**31 - 1, 2**31, 2**32 - 1)),
])
def test_malformed_requests(family: Family, name: str, dump: bool, attributes: bytes, number: int) -> None:
    with pytest.raises(Refused) as refused:
        family.raw_request(name, attributes, dump)
    assert refused.value.errno == number, refused.value
    if number == ENOENT and (TEXTS or not dump):
        assert (refused.value.strerror or "").endswith("has this id")
    # And the next one is taken.
    family.dump(name)


# Who does not read.

def test_a_reader_that_stops_holds_nothing_but_its_socket(dev: int, keep: Keep, program: Callable[[str], str]) -> None:
    """No policy, no task: and a second dump on the same socket waits for its end."""
    policy = keep(abi.simple(dev, {GETPPID: ERRNO | 1}))
    more = [abi.simple(dev, {}) for _ in range(300)]
    families = [Family(SPEC) for _ in range(8)]
    with filtered.crowd(program("crowd"), 300, lambda: abi.attach(dev, policy)):
        for family, name in zip(families, itertools.cycle(["policy-get", "task-get"])):
            family.begin(name)
            family.socket.recv(1 << 16)
        for each in more:
            os.close(each)
        assert abi.policy_list(dev) == [ident(dev, policy)]
    while abi.policy_info(dev, policy)["stacks"]:
        os.sched_yield()
    for family in families:
        family.socket.close()


def test_nothing_is_there(family: Family) -> None:
    """Once what others had is gone: that it goes is work for later."""
    wait_until(lambda: not any(family.dump(name).messages for name in DUMPS))


def test_a_counted_policy_asks_nobody(dev: int, keep: Keep, family: Family) -> None:
    """A dump changes no counter."""
    policy = keep(abi.simple(dev, {GETPPID: USER_NOTIF}))
    abi.count(dev, policy)
    for _ in range(3):
        assert family.dump("stats-get").messages == []
        family.dump("policy-get")
    assert abi.stats(dev, policy) == {}
