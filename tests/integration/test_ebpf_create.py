# SPDX-License-Identifier: LGPL-2.1-or-later
"""POLICY_CREATE of kind EBPF: its members, who may, in which order, and what is said."""

import os
import struct
from collections.abc import Callable, Iterator
from errno import E2BIG, EBADF, EBADFD, EFAULT, EINVAL, EOPNOTSUPP, EPERM
from pathlib import Path

import abi
import child
import ebpf
import pytest
from abi import ALLOW
from child import errno_of, value
from ebpf import R0, R1, R2
from records import Ground, Record, pages

PARAMETER = Path("/sys/module/secmap/parameters/ebpf")
FEATURE = 1 << 4
GOOD = ebpf.ret(ALLOW)


@pytest.fixture
def loading() -> Iterator[Callable[[str], object]]:
    """Set the module parameter; it is put back."""
    before = PARAMETER.read_text(encoding="ascii")
    yield lambda word: PARAMETER.write_text(word, encoding="ascii")
    PARAMETER.write_text(before, encoding="ascii")


def _record(ground: Ground, insns: list[ebpf.Insn] = GOOD, tables: list[int] | None = None,
            /, **members: int | bytes) -> Record:
    program = ebpf.pack(insns)
    ground.kept.append(program)
    fds = [] if tables is None else tables
    record = Record("secmap_policy_create", kind=ebpf.KIND, filter=program.address,
                    filter_len=len(insns), table_count=len(fds),
                    tables=ground.memory(struct.pack(f"<{len(fds)}i", *fds)) if fds else 0)
    for name, content in members.items():
        record[name] = content
    return record


def test_made_asked_and_read_back(dev: int, keep: Callable[[int], int]) -> None:
    table = keep(abi.table_create(dev, [1]))
    insns = ebpf.only(7, [*ebpf.value_of(0, 0, 5), ebpf.leave()])
    policy = keep(ebpf.policy(dev, insns, [table], "asks"))
    assert ebpf.read_back(dev, policy) == ebpf.pack(insns).content
    assert len(abi.policy_filter(dev, policy, 3)) == 3
    info = abi.policy_info(dev, policy)
    assert (info["kind"], info["name"], info["filter_len"], info["tables"]) == (
        ebpf.KIND, "asks", len(insns), 1)
    # The number decides alone, but for one of each ABI; x32 has bit 30 in its numbers.
    assert info["allow"] == (1023, 1024, 1023)
    assert int(str(info["insns"])) >= len(insns)
    assert 16 < int(str(info["cost"])) < 16 + len(insns)
    assert (info["actions"], info["rules"], info["abis"]) == (0xFF, (0, 0, 0), 0)
    assert int(str(info["bytes"])) > 8 * len(insns)
    assert abi.test(dev, policy, [abi.pack_call(7, [1]), abi.pack_call(7, [2]),
                                  abi.pack_call(8)]) == [
        (0, abi.RULE_PROGRAM), (5, abi.RULE_PROGRAM), (ALLOW, abi.RULE_PROGRAM)]


def test_members(ground: Ground) -> None:
    """One at a time: those of other kinds, limits, addresses."""
    cases: list[tuple[dict[str, int | bytes], int]] = [
        ({}, 0), ({"filter_len": 0}, EINVAL), ({"filter_len": 4097}, E2BIG),
        ({"filter_len": 0xFFFFFFFF}, E2BIG), ({"filter": 8}, EFAULT), ({"filter": 0}, EFAULT),
        ({"abi_count": 1}, EINVAL), ({"abis": 8}, EINVAL),
        ({"foreign_action": abi.KILL_PROCESS}, EINVAL), ({"foreign_action": 1}, EINVAL),
        ({"table_count": 257}, E2BIG), ({"table_count": 0xFFFFFFFF}, E2BIG),
        ({"table_count": 1}, EFAULT), ({"table_count": 1, "tables": 8}, EFAULT),
        ({"name": b"a b"}, EINVAL), ({"out_id": 7, "out_pad": 7}, 0), ({"flags": 1}, EOPNOTSUPP),
        ({"kind": 3}, EOPNOTSUPP), ({"log": 8}, EINVAL), ({"log_size": 8}, EINVAL),
    ]
    for members, errno in cases:
        assert _record(ground, **members).errno(ground.dev) == errno, members


def test_program_that_ends_with_its_page(ground: Ground) -> None:
    with pages() as there:
        content = ebpf.pack(GOOD).content
        assert _record(ground, filter=there.put(content)).errno(ground.dev) == 0
        assert _record(ground, filter=there.put(content, beyond=1)).errno(ground.dev) == EFAULT


def test_tables(ground: Ground) -> None:
    """By descriptor: how many, of which kind."""
    assert _record(ground, GOOD, [ground.table] * 256).errno(ground.dev) == 0
    for fds, errno in (([-1], EBADF), ([ground.table, -1], EBADF), ([ground.policy], EBADFD),
                       ([ground.dev], EBADFD), ([0], EBADFD)):
        assert _record(ground, GOOD, fds).errno(ground.dev) == errno, fds


@pytest.mark.parametrize(("insns", "said"), [
    ([ebpf.mov(R0, 0)], "insn 0"),
    ([ebpf.leave()], "r0"),
    ([ebpf.mov_reg(R0, R2), ebpf.leave()], "r2"),
    ([ebpf.mov_reg(R0, R1), ebpf.leave()], "r0"),
    ([ebpf.load(ebpf.W, R0, R1, 64), ebpf.leave()], "insn 0"),
    ([ebpf.load(ebpf.DW, R0, ebpf.FP, -8), ebpf.leave()], "insn 0"),
    ([(0x7A, R1, 0, 0, 0), *GOOD], "insn 0"),
    ([ebpf.mov(R0, 0), ebpf.go(-1), ebpf.leave()], "insn 1"),
    ([*ebpf.table(R1, 1), *GOOD], "insn 0"),
    ([(0x18, R1, ebpf.PSEUDO_MAP_FD, 0, 0), (0, 0, 0, 0, 0), *GOOD], "insn 0"),
    ([ebpf.call(3), *GOOD], "insn 0"),
    ([*ebpf.table(R1, 0), ebpf.mov(R2, 0), ebpf.call(ebpf.TEST_BIT), ebpf.leave()], "insn 3"),
    ([ebpf.mov(R1, 0), ebpf.mov(R2, 0), ebpf.call(ebpf.TEST_BIT), ebpf.leave()], "insn 2"),
    ([*ebpf.table(R1, 0), ebpf.mov(R2, 0), ebpf.call(ebpf.LOOKUP), ebpf.leave()], "r3"),
])
def test_refused_programs(ground: Ground, insns: list[ebpf.Insn], said: str) -> None:
    """A few of what the verifier refuses; its unit tests have all. The table is a hash map."""
    with pytest.raises(abi.Refused) as caught:
        ebpf.policy(ground.dev, insns, [ground.table])
    assert caught.value.errno == EINVAL
    assert said in str(caught.value), caught.value


def test_a_bitmap_has_no_values(dev: int, keep: Callable[[int], int]) -> None:
    bitmap = keep(abi.table_create(dev, [1], bitmap=True, room=8))
    with pytest.raises(abi.Refused) as caught:
        ebpf.policy(dev, [*ebpf.value_of(0, 0, 0), ebpf.leave()], [bitmap])
    assert caught.value.errno == EINVAL and "r1" in str(caught.value)


# Who may.

def _said(dev: int) -> tuple[int, int]:
    info = Record("secmap_info")
    info.ioctl(dev)
    return info["out_features"] & FEATURE, info["out_ebpf"]


def test_parameter(dev: int, keep: Callable[[int], int], loading: Callable[[str], object]) -> None:
    """What INFO says, and what an administrator gets."""
    assert PARAMETER.read_text(encoding="ascii") == "privileged\n"
    policy = keep(ebpf.policy(dev, GOOD))
    for word, features, number, errno in (
        ("all", FEATURE, ebpf.ALL, 0), ("off\n", 0, ebpf.OFF, EOPNOTSUPP),
        ("privileged\n", FEATURE, ebpf.PRIVILEGED, 0),
    ):
        loading(word)
        assert PARAMETER.read_text(encoding="ascii").strip() == word.strip()
        assert _said(dev) == (features, number)
        assert errno_of(lambda: os.close(ebpf.policy(dev, GOOD))) == errno, word
        # What is there already stays what it is.
        assert ebpf.answer(dev, policy, 7) == ALLOW
    for word in ("of", "offf", "ALL", "2"):
        assert errno_of(lambda word=word: loading(word)) == EINVAL, word  # type: ignore[misc]
    assert _said(dev) == (FEATURE, ebpf.PRIVILEGED)


def test_who_may(dev: int, loading: Callable[[str], object]) -> None:
    """Privileged: the caller, and who opened the device. All: nobody has to be anything."""
    def attempts() -> list[int]:
        own = abi.device()
        own_namespace = errno_of(lambda: child.unshare(child.CLONE_NEWUSER))
        return [own_namespace, *(errno_of(lambda opened=opened: ebpf.policy(  # type: ignore[misc]
            opened, GOOD)) for opened in (dev, own))]

    def nobody() -> list[int]:
        child.become_nobody()
        return attempts()

    def opened_by_nobody() -> int:
        with child.gate() as ready:
            own = os.open("/dev/null", os.O_RDONLY)
            os.seteuid(child.NOBODY)
            opened = abi.device()
            os.seteuid(0)
            os.close(own)
            del ready
        return errno_of(lambda: ebpf.policy(opened, GOOD))

    assert value(nobody) == [0, EPERM, EPERM]
    assert value(opened_by_nobody) == EPERM
    loading("all")
    assert value(nobody) == [0, 0, 0]
    assert value(opened_by_nobody) == 0
    loading("off")
    assert value(nobody) == [0, EOPNOTSUPP, EOPNOTSUPP]


def test_what_was_made_can_be_attached_by_all(dev: int) -> None:
    """Loading is what needs a privilege; a policy is as good as any other then."""
    policy = ebpf.policy(dev, ebpf.only(110, ebpf.ret(abi.ERRNO | 33)))

    def ask() -> object:
        child.become_nobody()
        abi.no_new_privs()
        abi.attach(abi.device(), policy)
        return abi.raw_syscall(110)

    assert value(ask) == -33
    os.close(policy)


def test_order_of_checks(ground: Ground) -> None:
    """Members, then what is pointed to, then descriptors, then permission, then the program."""
    bad = [ebpf.leave()]
    cases: list[tuple[Record, int, int]] = [
        # for an administrator, for nobody
        (_record(ground, bad, [-1], abi_count=1), EINVAL, EINVAL),
        (_record(ground, bad, [-1], filter_len=4097), E2BIG, E2BIG),
        (_record(ground, bad, [-1], filter=8), EFAULT, EFAULT),
        (_record(ground, bad, [-1]), EBADF, EBADF),
        (_record(ground, bad, [ground.policy]), EBADFD, EBADFD),
        (_record(ground, bad), EINVAL, EPERM),
        (_record(ground), 0, EPERM),
    ]

    def nobody() -> list[int]:
        child.become_nobody()
        dev = abi.device()
        return [record.errno(dev) for record, _, _ in cases]

    assert [record.errno(ground.dev) for record, _, _ in cases] == [one for _, one, _ in cases]
    assert value(nobody) == [one for _, _, one in cases]


def test_reason_of_a_missing_privilege() -> None:
    def ask() -> str:
        child.become_nobody()
        try:
            ebpf.policy(abi.device(), GOOD)
        except abi.Refused as refused:
            return str(refused)
        return ""

    assert "CAP_SYS_ADMIN" in value(ask)


def test_filter_of_attach_is_classic(dev: int) -> None:
    """ATTACH in one step takes classic BPF, whatever the bytes look like."""
    program = ebpf.pack(GOOD)
    record = abi.attach_record(flags=abi.FILTER, filter_=program)
    assert errno_of(lambda: abi.ioctl(dev, abi.ATTACH, record)) == EINVAL
