# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every ioctl's record: sizes, tails, flags, padding, addresses, outputs, and who wins."""

import os
import struct
from errno import E2BIG, EBADF, EBADFD, EFAULT, EINVAL, ENOENT, ENOTTY, EOPNOTSUPP, ESRCH

import abi
import pytest
import records
from records import NUMBERS, PAGE, SIZES, Ground, Record, pages

NAMES = list(NUMBERS)
KNOWN = {number & 0xFF for number in NUMBERS.values()}
WITH_PAD = ["secmap_table_create", "secmap_policy_by_id", "secmap_policy_info",
            "secmap_policy_test", "secmap_policy_replace", "secmap_policy_seal",
            "secmap_recorder_create", "secmap_attach_later", "secmap_table_seal",
            "secmap_table_by_id"]
KNOWN_FLAGS = {"secmap_attach": 0xF003F, "secmap_policy_next": 1, "secmap_policy_replace": 1,
               "secmap_recorder_read": 1, "secmap_attach_later": 0x100002, "secmap_table_update": 1}
# What was published first, where that was shorter.
LEAST = {**SIZES, "secmap_policy_replace": 24, "secmap_task_info": 32, "secmap_policy_info": 152}
OUTPUTS = [(name, member.name) for name in NAMES for member in records.MEMBERS[name]
           if member.name.startswith("out_")]
LIMIT = 4096


@pytest.mark.parametrize("name", NAMES)
def test_exact(ground: Ground, name: str) -> None:
    assert ground.valid(name).errno(ground.dev) == 0


@pytest.mark.parametrize("name", NAMES)
def test_read_only_descriptor(ground: Ground, name: str) -> None:
    dev = os.open("/dev/secmap", os.O_RDONLY)
    assert ground.valid(name).errno(dev) == 0
    os.close(dev)


@pytest.mark.parametrize("name", NAMES)
def test_shorter(ground: Ground, name: str) -> None:
    for size in (LEAST[name] - 1, LEAST[name] - 4, 4, 0):
        record = ground.valid(name)
        record["size"] = size
        assert record.errno(ground.dev) == EINVAL, size


@pytest.mark.parametrize("name", [name for name in NAMES if LEAST[name] != SIZES[name]])
def test_as_short_as_it_was(ground: Ground, name: str) -> None:
    """And what is behind it is neither read nor written."""
    for size in range(LEAST[name], SIZES[name]):
        record = ground.valid(name)
        record.data[size:] = b"\xff" * (SIZES[name] - size)
        record["size"] = size
        assert record.errno(ground.dev) == 0, size
        assert set(record.data[size:]) == {0xff}, size


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("more", [1, 8, 100, -1])
def test_longer_with_zeros(ground: Ground, name: str, more: int) -> None:
    size = LIMIT if more < 0 else SIZES[name] + more
    assert ground.valid(name).resized(size).errno(ground.dev) == 0


@pytest.mark.parametrize("name", NAMES)
def test_longer_with_a_byte(ground: Ground, name: str) -> None:
    for size, at in ((SIZES[name] + 1, -1), (SIZES[name] + 64, SIZES[name]), (LIMIT, -1)):
        record = ground.valid(name).resized(size)
        record.data[at] = 1
        before = bytes(record.data)
        assert record.errno(ground.dev) == E2BIG, (size, at)
        assert bytes(record.data) == before, "a refused record was written"


@pytest.mark.parametrize("name", NAMES)
def test_above_the_limit(ground: Ground, name: str) -> None:
    assert ground.valid(name).resized(LIMIT + 1).errno(ground.dev) == E2BIG
    record = ground.valid(name)
    record["size"] = 0xFFFFFFFF
    assert record.errno(ground.dev) == E2BIG


@pytest.mark.parametrize("name", NAMES)
def test_each_flag(ground: Ground, name: str) -> None:
    for bit in range(32):
        if KNOWN_FLAGS.get(name, 0) & 1 << bit:
            continue
        record = ground.valid(name)
        record["flags"] = 1 << bit
        assert record.errno(ground.dev) == EOPNOTSUPP, bit
        if name in ("secmap_detach", "secmap_task_list"):
            abi.detach(ground.dev, ground.pid)


@pytest.mark.parametrize("name", WITH_PAD)
def test_each_padding_byte(ground: Ground, name: str) -> None:
    for byte in range(4):
        record = ground.valid(name)
        record["pad"] = 1 << 8 * byte
        assert record.errno(ground.dev) == EINVAL, byte


def test_every_padding_is_listed() -> None:
    assert WITH_PAD == [name for name in NAMES
                        if any(member.name == "pad" for member in records.MEMBERS[name])]


@pytest.mark.parametrize("name", NAMES)
def test_unreadable_record(ground: Ground, name: str) -> None:
    content = bytes(ground.valid(name).data)
    for address in (0, 8, 0x7FFF_FFFF_F000, 0xFFFF_8000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF):
        with pytest.raises(OSError) as caught:
            abi.ioctl_at(ground.dev, NUMBERS[name], address)
        assert caught.value.errno == EFAULT, hex(address)
    with pages() as there:
        for beyond in (len(content) - 4, 1):
            with pytest.raises(OSError) as caught:
                abi.ioctl_at(ground.dev, NUMBERS[name], there.put(content, beyond=beyond))
            assert caught.value.errno == EFAULT, beyond
        # Only half of its size can be read.
        with pytest.raises(OSError) as caught:
            abi.ioctl_at(ground.dev, NUMBERS[name], there.put(b"\xff\xff\xff\xff", beyond=2))
        assert caught.value.errno == EFAULT


@pytest.mark.parametrize("name", NAMES)
def test_record_that_ends_with_its_page(ground: Ground, name: str) -> None:
    content = bytes(ground.valid(name).data)
    with pages() as there:
        result = abi.ioctl_at(ground.dev, NUMBERS[name], there.put(content))
        if result > 0:
            os.close(result)


@pytest.mark.parametrize("name", NAMES)
def test_record_at_an_odd_address(ground: Ground, name: str) -> None:
    content = bytes(ground.valid(name).data)
    result = abi.ioctl_at(ground.dev, NUMBERS[name], ground.memory(b"." + content + b"..") + 1)
    if result > 0:
        os.close(result)


@pytest.mark.parametrize("name", NAMES)
def test_record_that_cannot_be_written(ground: Ground, name: str) -> None:
    content = bytes(ground.valid(name).data)
    before = len(os.listdir("/proc/self/fd"))
    with pages() as there:
        at = there.put(content)
        there.read_only()
        with pytest.raises(OSError) as caught:
            abi.ioctl_at(ground.dev, NUMBERS[name], at)
    assert caught.value.errno == EFAULT
    assert len(os.listdir("/proc/self/fd")) == before, "a descriptor is left"


@pytest.mark.parametrize("name", NAMES)
def test_tail_that_cannot_be_read(ground: Ground, name: str) -> None:
    record = ground.valid(name)
    record["size"] = SIZES[name] + 8
    with pages() as there:
        with pytest.raises(OSError) as caught:
            abi.ioctl_at(ground.dev, NUMBERS[name], there.put(bytes(record.data)))
        assert caught.value.errno == EFAULT


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_ignored_and_written(ground: Ground, name: str) -> None:
    """What is in them before makes no difference afterwards."""
    results = []
    for fill in (0x00, 0xFF):
        record = ground.valid(name)
        for member in records.MEMBERS[name]:
            if member.name.startswith("out_"):
                record[member.name] = bytes([fill]) * member.size
        fd = record.ioctl(ground.dev)
        if fd > 0:
            os.close(fd)
        if name in ("secmap_attach", "secmap_attach_later"):
            abi.detach(ground.dev, ground.pid)
        results.append({one.name: record[one.name] for one in records.MEMBERS[name]
                        if one.name.startswith("out_")
                        and one.name not in ("out_id", "out_policy_id", "out_pad")})
    assert results[0] == results[1]


@pytest.mark.parametrize("name", [name for name, member in OUTPUTS if member == "out_pad"])
def test_out_pad_is_zero(ground: Ground, name: str) -> None:
    record = ground.valid(name)
    record["out_pad"] = 0xFFFFFFFF
    assert record.errno(ground.dev) == 0
    assert record["out_pad"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_only_the_known_part_is_written(ground: Ground, name: str) -> None:
    record = ground.valid(name).resized(SIZES[name] + 16)
    before = bytes(record.data)
    assert record.errno(ground.dev) == 0
    assert record["size"] == SIZES[name] + 16
    assert record.data[SIZES[name]:] == before[SIZES[name]:]
    for member in records.MEMBERS[name]:
        if not member.name.startswith("out_") and member.name != "cursor":
            start = member.offset
            assert record.data[start:start + member.size] == before[start:start + member.size]


def test_unknown_numbers(ground: Ground) -> None:
    for nr in set(range(256)) - KNOWN:
        assert _errno(ground, 0xF500 | nr) == ENOTTY, nr


def _errno(ground: Ground, number: int) -> int:
    try:
        result = abi.ioctl(ground.dev, number, Record("secmap_info").data)
    except OSError as error:
        return error.errno or -1
    if result > 0:
        os.close(result)
    return 0


@pytest.mark.parametrize("nr", sorted(KNOWN))
def test_wrong_type_size_and_direction(ground: Ground, nr: int) -> None:
    plain = 0xF500 | nr
    for other in (plain ^ 0x100, plain ^ 0x8000, plain | 1 << 30, plain | 2 << 30, plain | 3 << 30,
                  plain | 4 << 16, plain | 72 << 16, plain | 1 << 29):
        assert _errno(ground, other) == ENOTTY, hex(other)


@pytest.mark.parametrize("kind", ["table", "policy"])
def test_objects_take_no_ioctl(ground: Ground, kind: str) -> None:
    descriptor = ground.table if kind == "table" else ground.policy
    for name in NAMES:
        assert ground.valid(name).errno(descriptor) == ENOTTY


# Two things are wrong: which one is said. The order is the header's.

@pytest.mark.parametrize("name", NAMES)
def test_number_before_address(ground: Ground, name: str) -> None:
    with pytest.raises(OSError) as caught:
        abi.ioctl_at(ground.dev, NUMBERS[name] | 1 << 30, 8)
    assert caught.value.errno == ENOTTY


@pytest.mark.parametrize("name", NAMES)
def test_size_before_unreadable_rest(ground: Ground, name: str) -> None:
    with pages() as there:
        content = struct.pack("<I", LEAST[name] - 1) + bytes(SIZES[name] - 4)
        with pytest.raises(OSError) as caught:
            abi.ioctl_at(ground.dev, NUMBERS[name], there.put(content, beyond=SIZES[name] - 4))
    assert caught.value.errno == EINVAL


@pytest.mark.parametrize("name", NAMES)
def test_unreadable_tail_before_byte_in_it(ground: Ground, name: str) -> None:
    record = ground.valid(name).resized(SIZES[name] + 8, fill=1)
    with pages() as there:
        with pytest.raises(OSError) as caught:
            abi.ioctl_at(ground.dev, NUMBERS[name], there.put(bytes(record.data), beyond=8))
    assert caught.value.errno == EFAULT


@pytest.mark.parametrize("name", NAMES)
def test_tail_before_flags(ground: Ground, name: str) -> None:
    record = ground.valid(name).resized(SIZES[name] + 4, fill=1)
    record["flags"] = 1 << 31
    assert record.errno(ground.dev) == E2BIG


@pytest.mark.parametrize("name", WITH_PAD)
def test_flags_before_padding(ground: Ground, name: str) -> None:
    record = ground.valid(name)
    record["flags"] = 1 << 31
    record["pad"] = 1
    assert record.errno(ground.dev) == EOPNOTSUPP


def test_padding_before_descriptors_and_ids(ground: Ground) -> None:
    record = ground.valid("secmap_policy_test")
    record["pad"], record["policy_fd"] = 1, -1
    assert record.errno(ground.dev) == EINVAL
    record = ground.valid("secmap_policy_by_id")
    record["pad"], record["id"] = 1, 0
    assert record.errno(ground.dev) == EINVAL
    record = ground.valid("secmap_attach")
    record["pid"], record["policy_fd"] = -1, -1
    assert record.errno(ground.dev) == EINVAL


def test_descriptors_before_the_task(ground: Ground) -> None:
    record = ground.valid("secmap_attach")
    record["policy_fd"], record["pid"] = -1, 0x3FFFFFFF
    assert record.errno(ground.dev) == EBADF


# Descriptors and ids.

@pytest.mark.parametrize("name", ["secmap_policy_info", "secmap_policy_test", "secmap_attach",
                                  "secmap_policy_filter", "secmap_policy_replace",
                                  "secmap_policy_seal", "secmap_policy_count",
                                  "secmap_policy_stats", "secmap_attach_later"])
def test_policy_descriptor(ground: Ground, name: str) -> None:
    read, write = os.pipe()
    path = os.open("/", os.O_PATH)
    closed = os.dup(ground.policy)
    os.close(closed)
    for descriptor, errno in ((-1, EBADF), (closed, EBADF), (-100, EBADF), (0x7FFFFFFF, EBADF),
                              (path, EBADF), (read, EBADFD), (ground.dev, EBADFD),
                              (ground.table, EBADFD)):
        record = ground.valid(name)
        record["policy_fd"] = descriptor
        assert record.errno(ground.dev) == errno, descriptor
    for descriptor in (read, write, path):
        os.close(descriptor)


def test_table_descriptor(ground: Ground) -> None:
    for descriptor, errno in ((-1, EBADF), (0x7FFFFFFF, EBADF), (ground.dev, EBADFD),
                              (ground.policy, EBADFD)):
        record = ground.valid("secmap_policy_create")
        record["tables"] = ground.memory(struct.pack("<i", descriptor))
        assert record.errno(ground.dev) == errno, descriptor
        for name in ("update", "seal", "info", "read"):
            record = ground.valid(f"secmap_table_{name}")
            record["table_fd"] = descriptor
            assert record.errno(ground.dev) == errno, (name, descriptor)


@pytest.mark.parametrize("name", ["secmap_attach", "secmap_attach_later", "secmap_detach",
                                  "secmap_task_info"])
def test_pid(ground: Ground, name: str) -> None:
    for pid, errno in ((-1, EINVAL), (-0x80000000, EINVAL), (0x7FFFFFFF, ESRCH),
                       (4194305, ESRCH)):
        record = ground.valid(name)
        record["pid"] = pid
        assert record.errno(ground.dev) == errno, pid


def test_ids(ground: Ground) -> None:
    for ident in (0, (1 << 20) + 1, 0xFFFFFFFF):
        for kind in ("policy", "table"):
            assert Record(f"secmap_{kind}_by_id", id=ident).errno(ground.dev) == ENOENT, ident
    for ident in (1 << 20, 0xFFFFFFFF):
        for kind in ("policy", "table"):
            assert Record(f"secmap_{kind}_next", id=ident).errno(ground.dev) == ENOENT, ident
    record = ground.valid("secmap_detach")
    record["policy_id"] = (1 << 20) + 1
    assert record.errno(ground.dev) == ENOENT


def test_new_descriptors_close_on_exec(ground: Ground) -> None:
    for name in ("secmap_table_create", "secmap_policy_create", "secmap_policy_by_id",
                 "secmap_recorder_create", "secmap_table_by_id"):
        descriptor = ground.valid(name).ioctl(ground.dev)
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)


def test_policy_next_walks_all_ids(ground: Ground) -> None:
    more = [abi.simple(ground.dev, {}) for _ in range(10)]
    wanted = {int(str(abi.policy_info(ground.dev, one)["id"])) for one in more}
    found, ident = [], 0
    while True:
        record = Record("secmap_policy_next", id=ident)
        if (errno := record.errno(ground.dev)) != 0:
            assert errno == ENOENT
            break
        ident = record["out_id"]
        found.append(ident)
    assert found == sorted(set(found))
    assert wanted | {ground.policy_id} <= set(found)
    for one in more:
        os.close(one)


# Arrays, one that cannot be read or written at a time.

ARRAYS = [
    ("secmap_table_create", "keys"), ("secmap_table_create", "values"),
    ("secmap_policy_create", "abis"), ("secmap_policy_create", "tables"),
    ("secmap_policy_test", "calls"), ("secmap_policy_test", "verdicts"),
    ("secmap_task_info", "ids"), ("secmap_task_list", "tasks"),
    ("secmap_policy_filter", "filter"), ("secmap_recorder_create", "sets"),
    ("secmap_table_update", "keys"), ("secmap_table_update", "values"),
    ("secmap_table_read", "keys"), ("secmap_table_read", "values"),
]


@pytest.mark.parametrize(("name", "member"), ARRAYS)
def test_unreadable_array(ground: Ground, name: str, member: str) -> None:
    if name.startswith("secmap_task"):
        abi.attach(ground.dev, ground.policy, ground.pid)
    with pages() as there:
        for address in (8, there.end, there.end - 3, 0xFFFF_8000_0000_0000, 0xFFFFFFFFFFFFFFFE):
            record = ground.valid(name)
            record[member] = address
            assert record.errno(ground.dev) == EFAULT, hex(address)


@pytest.mark.parametrize(("name", "member"), [
    ("secmap_policy_test", "verdicts"), ("secmap_task_info", "ids"),
    ("secmap_task_list", "tasks"), ("secmap_policy_filter", "filter"),
    ("secmap_table_read", "keys"), ("secmap_table_read", "values"),
])
def test_array_that_cannot_be_written(ground: Ground, name: str, member: str) -> None:
    abi.attach(ground.dev, ground.policy, ground.pid)
    with pages() as there:
        record = ground.valid(name)
        record[member] = there.start
        there.read_only()
        assert record.errno(ground.dev) == EFAULT


@pytest.mark.parametrize("member", ["allow", "rules", "conds"])
def test_unreadable_section(ground: Ground, member: str) -> None:
    with pages() as there:
        for address in (0, there.end, there.end - 3):
            record = ground.valid("secmap_policy_create")
            record["abis"] = ground.memory(bytes(ground.section(**{member: address}).data))
            assert record.errno(ground.dev) == EFAULT, hex(address)


@pytest.mark.parametrize(("name", "count", "member"), [
    ("secmap_table_create", "count", "keys"), ("secmap_policy_create", "table_count", "tables"),
    ("secmap_policy_test", "count", "calls"), ("secmap_task_info", "count", "ids"),
    ("secmap_policy_filter", "count", "filter"), ("secmap_table_update", "count", "keys"),
    ("secmap_table_update", "remove_count", "remove"), ("secmap_table_read", "count", "keys"),
])
def test_empty_array_needs_no_address(ground: Ground, name: str, count: str, member: str) -> None:
    record = ground.valid(name)
    record[count] = 0
    record[member] = 8
    if name == "secmap_table_create":
        record["values"] = 8
    if name == "secmap_policy_test":
        record["verdicts"] = 8
    assert record.errno(ground.dev) == 0


def test_array_that_ends_with_its_page(ground: Ground) -> None:
    with pages() as there:
        record = ground.valid("secmap_policy_create")
        record["abis"] = there.put(bytes(ground.section().data))
        assert record.errno(ground.dev) == 0
        record["abis"] = there.end - PAGE
        assert record.errno(ground.dev) == EINVAL  # zeros: a section of size 0
