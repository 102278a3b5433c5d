# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policies of kind CBPF, and programs that are attached in one step."""

import os
import signal
import struct
from collections.abc import Callable
from errno import E2BIG, EACCES, EBADFD, EDOM, EFAULT, EINVAL, ENOSPC
from pathlib import Path

import abi
import child
import pytest
from abi import ALLOW, ERRNO, jeq, load, ret
from child import errno_of, value
from records import Ground, Record

GETPPID = 110
INSNS_MAX = 4096
DENY = abi.verdicts({GETPPID: ERRNO | EDOM})


def test_made_asked_and_read_back(dev: int, keep: Callable[[int], int]) -> None:
    policy = keep(abi.cbpf(dev, DENY, "deny"))
    assert abi.policy_filter(dev, policy) == DENY
    assert abi.policy_filter(dev, policy, 2) == DENY[:2]
    assert abi.test(dev, policy, [abi.pack_call(GETPPID), abi.pack_call(1)]) == [
        (ERRNO | EDOM, abi.RULE_PROGRAM), (ALLOW, abi.RULE_PROGRAM)]
    info = abi.policy_info(dev, policy)
    assert (info["kind"], info["name"], info["filter_len"]) == (1, "deny", len(DENY))
    # All numbers but one, and it, whatever the ABI, for the program does not look at that;
    # of x32 it is another number.
    assert info["allow"] == (1023, 1024, 1023)
    assert int(str(info["insns"])) >= len(DENY)


def test_every_member_of_the_call(dev: int, keep: Callable[[int], int]) -> None:
    """What a program reads is what POLICY_TEST was given."""
    call = abi.pack_call(7, [0x1111222233334444 + n for n in range(6)], ip=0x5555666677778888)
    for offset in range(0, 64, 4):
        policy = keep(abi.cbpf(dev, [load(offset), (0x16, 0, 0, 0)]))
        assert abi.test(dev, policy, [call])[0][0] == struct.unpack_from("<I", call, offset)[0]


def test_memory_is_charged(dev: int) -> None:
    """The kernel's translation and the copy of the program, 8 bytes an instruction each, beside
    what every policy takes."""
    count = 100

    def charged(name: str, length: int) -> int:
        group = Path("/sys/fs/cgroup", name)
        group.mkdir()
        # Over all of it at once, or predicting what it returns would take most of the time.
        insns = [(0x05, 0, 0, length - 2), *[load(0)] * (length - 2), ret(ALLOW)]

        def make() -> int:
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
            before = int((group / "memory.current").read_text(encoding="ascii"))
            for _ in range(count):
                abi.cbpf(dev, insns)
            return int((group / "memory.current").read_text(encoding="ascii")) - before

        found = int(value(make))
        group.rmdir()
        return found

    long, short = charged("long", INSNS_MAX), charged("short", 2)
    print(f"{long} and {short} bytes")
    # With both it is more than twice 8 bytes, with the translation alone less than 1.3 times.
    assert long - short > count * 1.8 * 8 * INSNS_MAX


def test_of_another_kind(ground: Ground) -> None:
    assert Record("secmap_policy_filter", policy_fd=ground.policy).errno(ground.dev) == EINVAL
    assert Record("secmap_policy_filter", policy_fd=ground.table).errno(ground.dev) == EBADFD


@pytest.mark.parametrize(("insns", "said"), [
    ([load(64)], "instruction 0"), ([load(1), ret(ALLOW)], "instruction 0"),
    ([load(0)], "instruction 0"), ([(0x30, 0, 0, 0), ret(ALLOW)], "instruction 0"),
    ([load(0), jeq(1, 5, 0), ret(ALLOW)], "instruction 1"),
    ([load(0), (0x34, 0, 0, 0), ret(ALLOW)], "instruction 1"),
    ([load(0), (0x60, 0, 0, 3), ret(ALLOW)], "instruction 1"),
])
def test_refused_programs(dev: int, insns: list[abi.Insn], said: str) -> None:
    with pytest.raises(abi.Refused) as caught:
        abi.cbpf(dev, insns)
    assert caught.value.errno == EINVAL
    assert said in str(caught.value), caught.value
    assert errno_of(lambda: abi.attach_filter(dev, insns)) == EINVAL


def test_members(ground: Ground) -> None:
    filter_ = abi.pack_filter(DENY)
    ground.kept.append(filter_)
    cases: list[tuple[dict[str, int | bytes], int]] = [
        ({}, 0), ({"filter_len": 0}, EINVAL), ({"filter_len": 4097}, E2BIG),
        ({"filter": 8}, EFAULT), ({"filter": 0}, EFAULT), ({"abi_count": 1}, EINVAL),
        ({"table_count": 1}, EINVAL), ({"abis": 8}, EINVAL), ({"tables": 8}, EINVAL),
        ({"foreign_action": abi.KILL_PROCESS}, EINVAL), ({"name": b"a b"}, EINVAL),
    ]
    for members, errno in cases:
        record = Record("secmap_policy_create", kind=1, filter=filter_.address,
                        filter_len=len(DENY))
        for name, content in members.items():
            record[name] = content
        assert record.errno(ground.dev) == errno, members


def test_attach_members(ground: Ground) -> None:
    """Of the record for a program in one step, and of the flags that go together."""
    filter_ = abi.pack_filter([ret(ALLOW)])
    ground.kept.append(filter_)
    strict, step = abi.STRICT, abi.FILTER
    cases: list[tuple[dict[str, int], int]] = [
        ({}, 0), ({"filter_len": 0}, EINVAL), ({"filter_len": 4097}, E2BIG), ({"filter": 8}, EFAULT),
        ({"policy_fd": ground.policy}, EINVAL), ({"flags": 0}, EINVAL), ({"record_fd": 1}, EINVAL),
        ({"flags": step | strict}, EINVAL), ({"flags": step | abi.WAIT_KILLABLE}, EINVAL),
        ({"flags": strict}, EINVAL), ({"flags": step | abi.TSYNC}, EINVAL),
        ({"flags": step | abi.SPEC_ALLOW | abi.ATTACH_LOG}, 0),
        ({"flags": 0, "policy_fd": ground.policy, "filter_len": 0}, EINVAL),
        ({"flags": strict, "filter": 0, "filter_len": 0}, EINVAL),
    ]
    for members, errno in cases:
        record = Record("secmap_attach", policy_fd=-1, flags=step, pid=ground.pid, filter_len=1,
                        filter=filter_.address)
        for name, content in members.items():
            record[name] = content
        assert record.errno(ground.dev) == errno, members


def test_enforced_and_inherited(dev: int) -> None:
    def ask() -> object:
        abi.attach_filter(dev, DENY)
        pid = os.fork()
        if pid == 0:
            os._exit(abi.raw_syscall(GETPPID) == -EDOM)
        return [abi.raw_syscall(GETPPID), os.waitpid(pid, 0)[1], abi.raw_syscall(39) == os.getpid()]

    assert value(ask) == [-EDOM, 1 << 8, True]


def test_beside_maps(dev: int) -> None:
    """The strictest wins whatever its kind; among equals the newest."""
    def ask() -> object:
        abi.attach(dev, abi.simple(dev, {GETPPID: ERRNO | 1, 39: ERRNO | 2, 102: abi.LOG}))
        abi.attach_filter(dev, abi.verdicts({GETPPID: ERRNO | 3, 39: abi.LOG, 102: ERRNO | 4}))
        abi.attach(dev, abi.simple(dev, {104: ERRNO | 5}))
        return [abi.raw_syscall(nr) for nr in (GETPPID, 39, 102, 104)]

    assert value(ask) == [-3, -2, -4, -5]


def test_unknown_actions_kill(dev: int) -> None:
    """As seccomp(2): a program may return anything."""
    for action in (0x00010000, 0x7FFD0000, 0x12345678):
        outcome = child.run(lambda action=action: [  # type: ignore[misc]
            abi.attach_filter(dev, abi.verdicts({GETPPID: action})), abi.raw_syscall(GETPPID)])
        assert outcome.signal == signal.SIGSYS, hex(action)


def test_permission_before_the_program() -> None:
    def ask() -> int:
        child.become_nobody()
        return errno_of(lambda: abi.attach_filter(abi.device(), [load(64)]))

    assert value(ask) == EACCES


def test_instructions_over_a_stack(dev: int) -> None:
    """32768, with 4 more for each program but the newest, as the kernel has translated them."""
    def ask() -> object:
        insns = [load(0)] * 4095 + [ret(ALLOW)]
        one = int(str(abi.policy_info(dev, abi.cbpf(dev, insns))["insns"]))
        depth = 0
        while errno_of(lambda: abi.attach_filter(dev, insns)) == 0:
            depth += 1
        failed = errno_of(lambda: abi.attach_filter(dev, insns))
        room = 32768 - depth * (one + 4)
        return [failed, depth, depth * (one + 4) - 4 <= 32768 < (depth + 1) * (one + 4) - 4, room]

    failed, depth, fits, _ = value(ask)
    assert (failed, depth > 0, fits) == (ENOSPC, True, True)


def test_strict_mode(dev: int) -> None:
    def quiet() -> object:
        child.become_nobody()
        own = abi.device()
        abi.ioctl(own, abi.ATTACH, abi.attach_record(flags=abi.STRICT))
        os.write(1, b"")
        os.read(0, 0)
        abi.raw_syscall(60, 7)
        return None

    def loud() -> object:
        abi.ioctl(dev, abi.ATTACH, abi.attach_record(flags=abi.STRICT))
        return abi.raw_syscall(39)

    def twice() -> int:
        abi.attach(dev, abi.simple(dev, {}))
        return errno_of(lambda: abi.ioctl(dev, abi.ATTACH, abi.attach_record(flags=abi.STRICT)))

    assert child.run(quiet).status == 7 << 8
    assert child.run(loud).status == signal.SIGKILL
    assert value(twice) == EINVAL
