# SPDX-License-Identifier: LGPL-2.1-or-later
"""POLICY_CREATE: nested records, what contradicts itself, limits, names, and the reason given."""

import os
import string
import struct
from collections.abc import Callable, Sequence
from errno import E2BIG, EEXIST, EFAULT, EINVAL, EOPNOTSUPP

import abi
import pytest
from abi import ALLOW, ERRNO, Cond, Rule, Section
from records import SIZES, Ground, Record, pages

NESTED = ["secmap_abi", "secmap_rule", "secmap_cond"]


def _cond(**members: int) -> Record:
    record = Record("secmap_cond", width=64)
    for name, content in members.items():
        record[name] = content
    return record


def _rule(nr: int = 100, action: int = ERRNO | 1, conds: int = 0) -> Record:
    return Record("secmap_rule", nr=nr, action=action, cond_count=conds)


def _section(ground: Ground, rules: Sequence[Record] = (), conds: Sequence[Record] = (),
             /, **members: int) -> Record:
    """A section of these records, as many as there are."""
    section = Record("secmap_abi", abi=abi.X86_64, default_action=ALLOW,
                     newer_from=abi.NEWER_NONE, rule_count=len(rules), cond_count=len(conds),
                     rules=ground.memory(b"".join(bytes(rule.data) for rule in rules)),
                     conds=ground.memory(b"".join(bytes(cond.data) for cond in conds)))
    for name, content in members.items():
        section[name] = content
    return section


def _policy(ground: Ground, sections: Sequence[Record], **members: int | bytes) -> Record:
    record = ground.valid("secmap_policy_create")
    record["abi_count"] = len(sections)
    record["abis"] = ground.memory(b"".join(bytes(section.data) for section in sections))
    for name, content in members.items():
        record[name] = content
    return record


def _with(ground: Ground, nested: Record) -> Record:
    """A policy with this record in it, before another one of its kind."""
    if nested.name == "secmap_abi":
        return _policy(ground, [nested, _section(ground, abi=abi.I386)])
    if nested.name == "secmap_rule":
        return _policy(ground, [_section(ground, [nested, _rule(200)])])
    return _policy(ground, [_section(ground, [_rule(100, conds=2)], [nested, _cond(arg=1)])])


def _nested(ground: Ground, name: str) -> Record:
    if name == "secmap_abi":
        return _section(ground)
    return _rule() if name == "secmap_rule" else _cond()


@pytest.mark.parametrize("name", NESTED)
def test_nested_exact_and_longer(ground: Ground, name: str) -> None:
    for size in (SIZES[name], SIZES[name] + 1, SIZES[name] + 24, 4096):
        assert _with(ground, _nested(ground, name).resized(size)).errno(ground.dev) == 0, size


@pytest.mark.parametrize("name", NESTED)
def test_nested_shorter(ground: Ground, name: str) -> None:
    for size in (SIZES[name] - 1, 4, 0):
        nested = _nested(ground, name)
        nested["size"] = size
        assert _with(ground, nested).errno(ground.dev) == EINVAL, size


@pytest.mark.parametrize("name", NESTED)
def test_nested_longer_with_a_byte(ground: Ground, name: str) -> None:
    for size, at in ((SIZES[name] + 1, -1), (SIZES[name] + 24, SIZES[name]), (4096, -1)):
        nested = _nested(ground, name).resized(size)
        nested.data[at] = 1
        assert _with(ground, nested).errno(ground.dev) == E2BIG, (size, at)


@pytest.mark.parametrize("name", NESTED)
def test_nested_above_the_limit(ground: Ground, name: str) -> None:
    assert _with(ground, _nested(ground, name).resized(4097)).errno(ground.dev) == E2BIG


@pytest.mark.parametrize("name", NESTED)
def test_second_nested_record_beyond_its_page(ground: Ground, name: str) -> None:
    record = _with(ground, _nested(ground, name))
    second = bytes(2 * SIZES[name])
    with pages() as there:
        if name == "secmap_abi":
            record["abis"] = there.put(bytes(_section(ground).data) + second[:SIZES[name]],
                                       beyond=SIZES[name])
        else:
            rules, conds = [_rule(), _rule(200)], [_cond(), _cond()]
            section = _section(ground, rules, conds)
            array = rules if name == "secmap_rule" else conds
            section[name.removeprefix("secmap_") + "s"] = there.put(
                b"".join(bytes(one.data) for one in array), beyond=4)
            record["abis"] = ground.memory(bytes(section.data))
            record["abi_count"] = 1
        assert record.errno(ground.dev) == EFAULT


@pytest.mark.parametrize(("member", "size"), [("pad", 1), ("pad2", 4)])
def test_padding_of_a_condition(ground: Ground, member: str, size: int) -> None:
    for byte in range(size):
        assert _with(ground, _cond(**{member: 1 << 8 * byte})).errno(ground.dev) == EINVAL, byte


@pytest.mark.parametrize(("members", "errno"), [
    ({"op": op}, EOPNOTSUPP) for op in (9, 10, 255)
] + [
    ({"arg": arg}, 0 if arg < 6 else EINVAL) for arg in (0, 5, 6, 255)
] + [
    ({"width": width}, 0 if width in (32, 64) else EINVAL) for width in (0, 1, 31, 32, 33, 64, 255)
] + [
    ({"op": op, "mask": 1}, 0 if op >= abi.MASKED_EQ else EINVAL) for op in range(9)
] + [
    ({"op": op, "value": 1}, EINVAL if op >= abi.IN else 0) for op in range(9)
] + [
    ({"op": op, "table": 1}, EINVAL) for op in range(9)
] + [
    ({"width": 32, "value": 0xFFFFFFFF}, 0), ({"width": 32, "value": 1 << 32}, EINVAL),
    ({"width": 64, "value": 1 << 63}, 0),
    ({"width": 32, "op": abi.MASKED_EQ, "mask": 0xFFFFFFFF}, 0),
    ({"width": 32, "op": abi.MASKED_EQ, "mask": 1 << 32}, EINVAL),
    ({"width": 32, "op": abi.IN, "mask": 1 << 63}, EINVAL),
])
def test_condition(ground: Ground, members: dict[str, int], errno: int) -> None:
    assert _with(ground, _cond(**members)).errno(ground.dev) == errno


def test_condition_that_names_a_table(ground: Ground) -> None:
    """The policy of _with() has one table."""
    for table, count, errno in ((0, 1, 0), (0, 0, EINVAL), (0xFFFFFFFF, 1, EINVAL)):
        record = _with(ground, _cond(op=abi.IN, mask=0xFF, table=table))
        record["table_count"] = count
        assert record.errno(ground.dev) == errno


@pytest.mark.parametrize("where", ["rule", "default_action", "newer_action", "foreign_action"])
@pytest.mark.parametrize(("action", "errno"), [
    (action, 0) for action in (abi.KILL_PROCESS, abi.KILL_THREAD, abi.TRAP, abi.TRAP | 0xFFFF,
                               ERRNO, ERRNO | 1, ERRNO | 511, ERRNO | 517, ERRNO | 4095,
                               ERRNO | 4096, ERRNO | 0xFFFF, abi.USER_NOTIF, abi.TRACE | 7,
                               abi.LOG, ALLOW, ALLOW | 1)
] + [
    (ERRNO | data, EINVAL) for data in range(512, 517)
] + [
    (action, EOPNOTSUPP) for action in (0x00010000, 0x00040000, 0x00060000, 0x7FFD0000,
                                        0x7FFFFFFF & ~0xFFFF ^ 0x10000, 0x80010000, 0xFFFFFFFF)
    if action not in (ALLOW, abi.LOG)
])
def test_action(ground: Ground, where: str, action: int, errno: int) -> None:
    if where == "rule":
        record = _with(ground, _rule(action=action))
    elif where == "foreign_action":
        record = _policy(ground, [_section(ground)], foreign_action=action)
    elif where == "newer_action":
        record = _policy(ground, [_section(ground, newer_from=300, newer_action=action)])
    else:
        record = _policy(ground, [_section(ground, default_action=action)])
    assert record.errno(ground.dev) == errno


def test_section(ground: Ground) -> None:
    """What a section says that contradicts itself."""
    for members, errno in (
        ({"abi": abi.X32}, 0), ({"abi": abi.I386}, 0), ({"abi": 3}, EOPNOTSUPP),
        ({"abi": 0xFFFFFFFF}, EOPNOTSUPP), ({"newer_action": ERRNO | 38}, EINVAL),
        ({"newer_from": 0}, 0), ({"newer_from": 0xFFFFFFFE}, 0),
        ({"allow_words": 16, "allow": ground.memory(bytes(128))}, 0),
        ({"allow_words": 17, "allow": ground.memory(bytes(136))}, E2BIG),
        ({"allow_words": 0xFFFFFFFF}, E2BIG),
        ({"rule_count": 0xFFFFFFFF}, E2BIG), ({"cond_count": 0xFFFFFFFF}, E2BIG),
    ):
        assert _policy(ground, [_section(ground, **members)]).errno(ground.dev) == errno, members


def test_rules(ground: Ground) -> None:
    """What rules say that contradicts itself, or others."""
    bit = ground.memory(struct.pack("<2Q", 0, 1 << (100 - 64)))
    cases: list[tuple[list[Record], list[Record], dict[str, int], int]] = [
        ([_rule(1023)], [], {}, 0),
        ([_rule(1024)], [], {}, EINVAL),
        ([_rule(0xFFFFFFFF)], [], {}, EINVAL),
        ([_rule(100), _rule(99)], [], {}, EINVAL),
        ([_rule(100, conds=1), _rule(100)], [_cond()], {}, 0),
        ([_rule(100), _rule(100, conds=1)], [_cond()], {}, EINVAL),
        ([_rule(100), _rule(100)], [], {}, EINVAL),
        ([_rule(100)], [], {"allow_words": 2, "allow": bit}, EINVAL),
        ([_rule(101)], [], {"allow_words": 2, "allow": bit}, 0),
        ([_rule(100, conds=1)], [], {}, EINVAL),
        ([_rule(100, conds=0xFFFFFFFF)], [_cond()], {}, E2BIG),
        ([_rule(100)], [_cond()], {}, EINVAL),
        ([_rule(100, conds=1), _rule(200, conds=1)], [_cond(), _cond()], {}, 0),
        ([_rule(100, conds=1), _rule(200, conds=2)], [_cond(), _cond()], {}, EINVAL),
    ]
    for rules, conds, members, errno in cases:
        record = _policy(ground, [_section(ground, rules, conds, **members)])
        assert record.errno(ground.dev) == errno, [bytes(rule.data).hex() for rule in rules]


def test_policy_members(ground: Ground) -> None:
    """What the outer record says that contradicts itself."""
    for members, errno in (
        ({"kind": 3}, EOPNOTSUPP), ({"kind": 0xFFFFFFFF}, EOPNOTSUPP),
        ({"kind": 1}, EINVAL), ({"kind": 2}, EINVAL), ({"filter_len": 1}, EINVAL), ({"filter": 8}, EINVAL),
        ({"abi_count": 0}, EINVAL), ({"abi_count": 4}, E2BIG), ({"abi_count": 0xFFFFFFFF}, E2BIG),
        ({"table_count": 257}, E2BIG), ({"table_count": 0xFFFFFFFF}, E2BIG),
        ({"log": 0}, EINVAL), ({"log_size": 0}, EINVAL), ({"log": 0, "log_size": 0}, 0),
        ({"log_size": 4096}, 0), ({"log_size": 4097}, E2BIG),
    ):
        record = ground.valid("secmap_policy_create")
        for name, content in members.items():
            record[name] = content
        assert record.errno(ground.dev) == errno, members


def test_an_abi_twice(ground: Ground) -> None:
    assert _policy(ground, [_section(ground), _section(ground)]).errno(ground.dev) == EEXIST
    assert _policy(ground, [_section(ground, abi=one) for one in (2, 0, 1)]).errno(ground.dev) == 0


def test_a_table_twice(ground: Ground) -> None:
    record = ground.valid("secmap_policy_create")
    record["table_count"] = 2
    record["tables"] = ground.memory(struct.pack("<2i", ground.table, ground.table))
    assert record.errno(ground.dev) == 0


# Limits: what is at them, and one above.

def _create(dev: int, sections: Sequence[Section], tables: Sequence[int] = ()) -> int:
    try:
        os.close(abi.policy_create(dev, sections, tables=tables))
    except OSError as error:
        return error.errno or -1
    return 0


def test_rules_at_the_limit(dev: int) -> None:
    cond = [Cond(0, abi.EQ, 1)]
    rules = [Rule(nr // 16, ERRNO | 1, cond) for nr in range(16384)]
    assert _create(dev, [Section(rules=rules)]) == 0
    assert _create(dev, [Section(rules=[*rules, Rule(1023, ERRNO | 1, cond)])]) == E2BIG


def test_conditions_at_the_limit(dev: int) -> None:
    rules = [Rule(nr, ERRNO | 1, [Cond(0, abi.EQ, 1)] * 32) for nr in range(1024) for _ in (0, 1)]
    assert _create(dev, [Section(rules=rules)]) == 0
    assert _create(dev, [Section(rules=[*rules, Rule(1023, ERRNO | 1, [Cond(0, abi.EQ)])])]) \
        == E2BIG


def test_conditions_of_a_rule_at_the_limit(dev: int) -> None:
    for count, errno in ((32, 0), (33, E2BIG)):
        assert _create(dev, [Section(rules=[Rule(5, ERRNO, [Cond(0, abi.EQ)] * count)])]) == errno


def test_cost_at_the_limit(dev: int) -> None:
    """2048 rules with a condition each are 4096; one unconditional rule more is too many."""
    rules = [Rule(7, ERRNO | 1, [Cond(0, abi.EQ, value)]) for value in range(2048)]
    assert _create(dev, [Section(rules=rules)]) == 0
    assert _create(dev, [Section(rules=[*rules, Rule(7, ALLOW)])]) == E2BIG
    assert _create(dev, [Section(rules=[*rules, Rule(8, ALLOW)])]) == 0


def test_tables_at_the_limit(dev: int, keep: Callable[[int], int]) -> None:
    table = keep(abi.table_create(dev, [1]))
    last = Section(rules=[Rule(1, ERRNO, [Cond(0, abi.IN, mask=1, table=255)])])
    assert _create(dev, [last], [table] * 256) == 0
    assert _create(dev, [last], [table] * 257) == E2BIG
    assert _create(dev, [last], [table] * 255) == EINVAL


# Names.

GOOD = ["", "a", "x" * 31, string.ascii_letters[:31], string.digits + "_.-", "..", "-"]
BAD = [b"x" * 32, b"a b", b"a/b", b"a\nb", b"\x7f", b"\xc3\xa9", b"\xff", b"a\0b",
       b"\0" * 31 + b"x", b'"', b"%s"]


@pytest.mark.parametrize("kind", ["secmap_policy_create", "secmap_table_create"])
def test_names(ground: Ground, kind: str) -> None:
    for good in GOOD:
        record = ground.valid(kind)
        record["name"] = good.encode()
        assert record.errno(ground.dev) == 0, good
    for bad in BAD:
        record = ground.valid(kind)
        record["name"] = bad
        assert record.errno(ground.dev) == EINVAL, bad


def test_name_is_kept(dev: int, keep: Callable[[int], int]) -> None:
    policy = keep(abi.simple(dev, {}, name="n-1_2.3"))
    assert abi.policy_info(dev, policy)["name"] == "n-1_2.3"


# The reason.

def _refused(ground: Ground, log: int, size: int) -> int:
    record = _with(ground, _cond(op=77))
    record["log"], record["log_size"] = log, size
    return record.errno(ground.dev)


def test_reason_names_the_place(ground: Ground) -> None:
    log = abi.Memory(b"\xee" * 256)
    assert _refused(ground, log.address, 256) == EOPNOTSUPP
    text = log.buffer.raw.split(b"\0")[0].decode()
    assert "abis[0].rules[0].conds[0]" in text and "77" in text


def test_reason_is_cut_to_its_room(ground: Ground) -> None:
    whole = abi.Memory(b"\xee" * 256)
    _refused(ground, whole.address, 256)
    text = whole.buffer.raw.split(b"\0")[0]
    for size in (1, 2, 10, len(text), len(text) + 1, len(text) + 2):
        log = abi.Memory(b"\xee" * 256)
        assert _refused(ground, log.address, size) == EOPNOTSUPP
        kept = text[:size - 1]
        assert log.buffer.raw == kept + b"\0" + b"\xee" * (255 - len(kept)), size


def test_reason_that_cannot_be_written(ground: Ground) -> None:
    with pages() as there:
        assert _refused(ground, there.end - 2, 256) == EFAULT
        assert _refused(ground, 8, 256) == EFAULT


def test_no_reason_when_all_is_well(ground: Ground) -> None:
    log = abi.Memory(b"\xee" * 64)
    record = ground.valid("secmap_policy_create")
    record["log"] = log.address
    assert record.errno(ground.dev) == 0
    assert log.buffer.raw == b"\xee" * 64


@pytest.mark.parametrize("fault", ["section", "rule", "cond", "table", "name", "foreign"])
def test_every_refusal_has_a_reason(ground: Ground, fault: str) -> None:
    log = abi.Memory(b"\xee" * 256)
    faults: dict[str, Callable[[], Record]] = {
        "section": lambda: _policy(ground, [_section(ground, abi=9)]),
        "rule": lambda: _with(ground, _rule(1024)),
        "cond": lambda: _with(ground, _cond(arg=6)),
        "table": lambda: _policy(ground, [_section(ground)],
                                 tables=ground.memory(struct.pack("<i", -1))),
        "name": lambda: _policy(ground, [_section(ground)], name=b"a b"),
        "foreign": lambda: _policy(ground, [_section(ground)], foreign_action=1 << 16),
    }
    record = faults[fault]()
    record["log"], record["log_size"] = log.address, 256
    assert record.errno(ground.dev) != 0
    text = log.buffer.raw.split(b"\0")[0].decode()
    assert len(text) > 8 and text.isprintable()
