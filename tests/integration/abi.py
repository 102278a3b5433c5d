#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ioctls of /dev/secmap as bytes, beside the library: what the tests of the ABI speak.

Layouts are written out here a second time on purpose; test_abi.py holds them against the
header."""

import ctypes
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

INFO, TABLE_CREATE, POLICY_CREATE, POLICY_BY_ID, POLICY_NEXT, POLICY_INFO, POLICY_TEST, \
    ATTACH, DETACH, TASK_INFO, TASK_LIST, POLICY_FILTER, POLICY_REPLACE, \
    POLICY_SEAL, RECORDER_CREATE, RECORDER_READ = (0xF500 + nr for nr in range(16))
POLICY_COUNT, POLICY_STATS, ATTACH_LATER, TABLE_UPDATE, TABLE_SEAL, TABLE_BY_ID, TABLE_NEXT, \
    TABLE_INFO, TABLE_READ = (0xF510 + nr for nr in range(9))

X86_64, X32, I386 = range(3)
ARCH = {X86_64: 0xC000003E, X32: 0xC000003E, I386: 0x40000003}
EQ, NE, LT, LE, GT, GE, MASKED_EQ, IN, NOT_IN = range(9)

KILL_PROCESS = 0x80000000
KILL_THREAD = 0x00000000
TRAP = 0x00030000
ERRNO = 0x00050000
USER_NOTIF = 0x7FC00000
TRACE = 0x7FF00000
LOG = 0x7FFC0000
ALLOW = 0x7FFF0000

RULE_ALLOW, RULE_DEFAULT, RULE_NEWER, RULE_FOREIGN, RULE_PROGRAM = (0xFFFFFFFF - n for n in range(5))
SKIP_UNKNOWN, SKIP_WORKS, SKIP_BROKEN = range(3)
NEWER_NONE = NR_NONE = 0xFFFFFFFF

TSYNC, ATTACH_LOG, SPEC_ALLOW, NEW_LISTENER, TSYNC_ESRCH, WAIT_KILLABLE = (1 << n for n in range(6))
FILTER, STRICT, COMPLAIN, RECORD = (1 << n for n in range(16, 20))
ATTACH_MADE = 1 << 20

_PR_SET_NO_NEW_PRIVS = 38
_libc = ctypes.CDLL(None, use_errno=True)


def device() -> int:
    """A new open /dev/secmap."""
    return os.open("/dev/secmap", os.O_RDWR | os.O_CLOEXEC)


def ioctl(fd: int, number: int, record: bytes | bytearray) -> int:
    """The ioctl as it is; `record` is changed in place if it is a bytearray. Raises OSError."""
    buffer = (ctypes.c_char * max(len(record), 1)).from_buffer_copy(bytes(record) or b"\0")
    result: int = _libc.ioctl(fd, ctypes.c_ulong(number), buffer)
    number_of_error = ctypes.get_errno()
    if isinstance(record, bytearray):
        record[:] = buffer.raw[: len(record)]
    if result == -1:
        raise OSError(number_of_error, os.strerror(number_of_error))
    return result


def ioctl_at(fd: int, number: int, address: int) -> int:
    """The ioctl with this address, readable or not. Raises OSError."""
    result: int = _libc.ioctl(fd, ctypes.c_ulong(number), ctypes.c_void_p(address))
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def raw_syscall(number: int, *args: int) -> int:
    """A system call by number; a negative errno on failure."""
    result: int = _syscall(ctypes.c_long(number), *(ctypes.c_ulong(arg) for arg in args))
    return -ctypes.get_errno() if result == -1 else result


_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


def no_new_privs() -> None:
    """Set it for the calling thread."""
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


@dataclass
class Memory:
    """Bytes at a fixed address, for records that point to others."""

    content: bytes
    buffer: ctypes.Array[ctypes.c_char] = field(init=False)

    def __post_init__(self) -> None:
        self.buffer = ctypes.create_string_buffer(self.content, max(len(self.content), 1))

    @property
    def address(self) -> int:
        return ctypes.addressof(self.buffer)


@dataclass
class Cond:
    arg: int
    op: int
    value: int = 0
    mask: int = 0
    width: int = 64
    table: int = 0

    def pack(self) -> bytes:
        return struct.pack("<IBBBBIIQQ", 32, self.arg, self.op, self.width, 0, self.table, 0,
                           self.value, self.mask)


@dataclass
class Rule:
    nr: int
    action: int
    conds: Sequence[Cond] = ()

    def pack(self) -> bytes:
        return struct.pack("<IIII", 16, self.nr, self.action, len(self.conds))


@dataclass
class Section:
    """One ABI of a policy."""

    abi: int = X86_64
    default: int = ALLOW
    allow: Iterable[int] = ()
    rules: Sequence[Rule] = ()
    newer_from: int = NEWER_NONE
    newer_action: int = 0
    kept: list[Memory] = field(default_factory=list)

    def pack(self) -> bytes:
        words = [0] * 16
        for nr in self.allow:
            words[nr // 64] |= 1 << (nr % 64)
        conds = [cond for rule in self.rules for cond in rule.conds]
        self.kept = [
            Memory(struct.pack("<16Q", *words)),
            Memory(b"".join(rule.pack() for rule in self.rules)),
            Memory(b"".join(cond.pack() for cond in conds)),
        ]
        return struct.pack("<8I3Q", 56, self.abi, self.default, self.newer_from,
                           self.newer_action, 16, len(self.rules), len(conds),
                           *(memory.address for memory in self.kept))


def table_create(dev: int, keys: Sequence[int], values: Sequence[int] = (), *, bitmap: bool = False,
                 room: int | None = None, name: str = "") -> int:
    """A table's descriptor."""
    key_memory = Memory(struct.pack(f"<{len(keys)}Q", *keys))
    value_memory = Memory(struct.pack(f"<{len(values)}Q", *values))
    return ioctl(dev, TABLE_CREATE, struct.pack(
        "<6IQQ32sII", 80, 0, 0 if bitmap else 1, room if room is not None else max(len(keys), 1),
        len(keys), 0, key_memory.address if keys else 0, value_memory.address if values else 0,
        name.encode(), 0, 0))


class Refused(OSError):
    """A policy that the module refused, with its reason."""


def policy_create(dev: int, sections: Sequence[Section], *, foreign: int = KILL_PROCESS,
                  tables: Sequence[int] = (), name: str = "") -> int:
    """A policy's descriptor."""
    abis = Memory(b"".join(section.pack() for section in sections))
    fds = Memory(struct.pack(f"<{len(tables)}i", *tables))
    log = Memory(bytes(512))
    try:
        return ioctl(dev, POLICY_CREATE, struct.pack(
            "<8IQQQQ32sII", 104, 0, 0, foreign, len(sections), len(tables), 512, 0, abis.address,
            fds.address if tables else 0, 0, log.address, name.encode(), 0, 0))
    except OSError as error:
        raise Refused(error.errno, log.buffer.value.decode()) from error


Insn = tuple[int, int, int, int]
"""of classic BPF: code, jt, jf, k"""


def load(offset: int) -> Insn:
    """ld [offset] of struct seccomp_data."""
    return 0x20, 0, 0, offset


def jeq(value: int, then: int, otherwise: int) -> Insn:
    """Skip so many instructions."""
    return 0x15, then, otherwise, value


def ret(action: int) -> Insn:
    """Return it."""
    return 0x06, 0, 0, action


def verdicts(actions: dict[int, int], default: int = ALLOW) -> list[Insn]:
    """A program that looks at the number alone."""
    insns = [load(0)]
    for nr, action in actions.items():
        insns += [jeq(nr, 0, 1), ret(action)]
    return [*insns, ret(default)]


def pack_filter(insns: Sequence[Insn]) -> Memory:
    """As an array of struct sock_filter."""
    return Memory(b"".join(struct.pack("<HBBI", *insn) for insn in insns))


def cbpf(dev: int, insns: Sequence[Insn], name: str = "") -> int:
    """A policy of kind CBPF."""
    filter_ = pack_filter(insns)
    log = Memory(bytes(512))
    try:
        return ioctl(dev, POLICY_CREATE, struct.pack(
            "<8IQQQQ32sII", 104, 0, 1, 0, 0, 0, 512, len(insns), 0, 0, filter_.address,
            log.address, name.encode(), 0, 0))
    except OSError as error:
        raise Refused(error.errno, log.buffer.value.decode()) from error


def policy_filter(dev: int, policy: int, room: int = 4096) -> list[Insn]:
    """The program of a CBPF policy."""
    into = Memory(bytes(8 * room))
    record = bytearray(struct.pack("<IIiIQII", 32, 0, policy, room, into.address, 0, 0))
    ioctl(dev, POLICY_FILTER, record)
    (count,) = struct.unpack_from("<I", record, 24)
    return [(code, jt, jf, k) for code, jt, jf, k
            in struct.iter_unpack("<HBBI", into.buffer.raw[: 8 * min(count, room)])]


def attach_record(policy: int = -1, pid: int = 0, flags: int = 0,
                  filter_: Memory | None = None, recorder: int = 0) -> bytearray:
    """For ATTACH; `filter_` is kept by the caller."""
    return bytearray(struct.pack(
        "<IIiiIiQII", 40, flags, policy, pid, len(filter_.content) // 8 if filter_ else 0, recorder,
        filter_.address if filter_ else 0, 0, 0))


def attach_filter(dev: int, insns: Sequence[Insn], flags: int = 0) -> int:
    """Attach a program to oneself in one step; what ATTACH returns."""
    filter_ = pack_filter(insns)
    for _ in range(1000):
        try:
            return ioctl(dev, ATTACH, attach_record(flags=FILTER | flags, filter_=filter_))
        except BlockingIOError:
            os.getuid()
    raise TimeoutError("ATTACH says EAGAIN for ever")


def simple(dev: int, actions: dict[int, int], default: int = ALLOW, name: str = "") -> int:
    """A policy for x86-64: an action for some numbers whatever their arguments, a default."""
    return policy_create(dev, [Section(default=default, rules=[
        Rule(nr, action) for nr, action in sorted(actions.items())])], name=name)


def attach(dev: int, policy: int, pid: int = 0, flags: int = 0, recorder: int = 0) -> int:
    """Put a policy on a task, trying again while the module says so; the depth."""
    for _ in range(1000):
        record = attach_record(policy, pid, flags, recorder=recorder)
        try:
            ioctl(dev, ATTACH, record)
        except BlockingIOError:
            os.sched_yield()
            continue
        return int(struct.unpack_from("<I", record, 32)[0])
    raise TimeoutError("ATTACH says EAGAIN for ever")


def attach_later(dev: int, policy: int, calls: Sequence[tuple[int, int]], pid: int = 0,
                 flags: int = 0) -> int:
    """Put a policy on a task that holds from one of these calls (ABI, number) on; the depth."""
    numbers = Memory(b"".join(struct.pack("<II", *call) for call in calls))
    record = bytearray(struct.pack("<IIiiIIQII", 40, flags, policy, pid, len(calls), 0,
                                   numbers.address, 0, 0))
    for _ in range(1000):
        try:
            ioctl(dev, ATTACH_LATER, record)
        except BlockingIOError:
            os.sched_yield()
            continue
        return int(struct.unpack_from("<I", record, 32)[0])
    raise TimeoutError("ATTACH_LATER says EAGAIN for ever")


def detach(dev: int, pid: int = 0, policy_id: int = 0) -> int:
    """Take a policy, or all, off a task; the depth that is left."""
    record = bytearray(struct.pack("<IIiIII", 24, 0, pid, policy_id, 0, 0))
    ioctl(dev, DETACH, record)
    return int(struct.unpack_from("<I", record, 16)[0])


def task_ids(dev: int, pid: int = 0) -> list[int]:
    """The ids of the policies that a task carries, oldest first."""
    ids = Memory(bytes(4 * 64))
    record = bytearray(struct.pack("<IIiIQII", 32, 0, pid, 64, ids.address, 0, 0))
    ioctl(dev, TASK_INFO, record)
    (depth,) = struct.unpack_from("<I", record, 24)
    return list(struct.unpack_from(f"<{depth}I", ids.buffer.raw))


def task_waiting(dev: int, pid: int = 0) -> int:
    """A bit for each policy of a task that is not in force yet, the oldest one first."""
    record = bytearray(struct.pack("<IIiIQIIQ", 40, 0, pid, 0, 0, 0, 0, 0))
    ioctl(dev, TASK_INFO, record)
    (waiting,) = struct.unpack_from("<Q", record, 32)
    return int(waiting)


def task_list(dev: int, room: int = 256) -> list[tuple[int, int, int, int]]:
    """Every filtered task: tid, tgid, depth, id of the newest policy."""
    found: list[tuple[int, int, int, int]] = []
    memory = Memory(bytes(16 * room))
    cursor = 0
    while True:
        record = bytearray(struct.pack("<IIIIQQ", 32, 0, room, 0, cursor, memory.address))
        ioctl(dev, TASK_LIST, record)
        count, cursor = struct.unpack_from("<IQ", record, 12)
        if count == 0:
            return found
        found += [(tid, tgid, depth, top) for tid, tgid, depth, top
                  in struct.iter_unpack("<iiII", memory.buffer.raw[: 16 * count])]


def policy_list(dev: int) -> list[int]:
    """The id of every policy."""
    found: list[int] = []
    record = bytearray(16)
    while True:
        struct.pack_into("<4I", record, 0, 16, 0, found[-1] if found else 0, 0)
        try:
            ioctl(dev, POLICY_NEXT, record)
        except FileNotFoundError:
            return found
        found.append(struct.unpack_from("<I", record, 12)[0])


def policy_info(dev: int, policy: int) -> dict[str, int | str | tuple[int, ...]]:
    """What POLICY_INFO says."""
    record = bytearray(struct.pack("<IIi", 152, 0, policy) + bytes(140))
    ioctl(dev, POLICY_INFO, record)
    kind, ident, foreign, abis, tables = struct.unpack_from("<5I", record, 12)
    triples = [struct.unpack_from("<3I", record, 32 + 12 * n) for n in range(4)]
    actions, cost, stacks, uid, size, length, insns = struct.unpack_from("<4IQ2I", record, 80)
    return {
        "kind": kind, "id": ident, "foreign": foreign, "abis": abis, "tables": tables,
        "allow": triples[0], "rules": triples[1], "conds": triples[2], "default": triples[3],
        "actions": actions, "cost": cost, "stacks": stacks, "uid": uid, "bytes": size,
        "filter_len": length, "insns": insns, "sealed": record[144],
        "counted": record[148],
        "name": bytes(record[112:144]).rstrip(b"\0").decode(),
    }


def replace(dev: int, policy: int, by: int) -> tuple[int, int]:
    """Put a policy in another's place; in how many tasks, and in how many stacks."""
    record = bytearray(struct.pack("<IIii", 24, 0, policy, by) + bytes(8))
    ioctl(dev, POLICY_REPLACE, record)
    tasks, stacks = struct.unpack_from("<2I", record, 16)
    return tasks, stacks


def tighten(dev: int, policy: int, by: int) -> tuple[int, int]:
    """As replace(), if it permits no call that was not permitted; else an OSError with why."""
    log = Memory(bytes(512))
    record = bytearray(struct.pack("<IIiiIIIIQ", 40, 1, policy, by, 0, 0, 512, 0, log.address))
    try:
        ioctl(dev, POLICY_REPLACE, record)
    except OSError as error:
        raise OSError(error.errno, log.buffer.value.decode()) from error
    tasks, stacks = struct.unpack_from("<2I", record, 16)
    return tasks, stacks


def own_policies(dev: int) -> list[int]:
    """The ids of the caller's own."""
    found: list[int] = []
    while True:
        record = bytearray(struct.pack("<IIII", 16, 1, found[-1] if found else 0, 0))
        try:
            ioctl(dev, POLICY_NEXT, record)
        except FileNotFoundError:
            return found
        found.append(struct.unpack_from("<I", record, 12)[0])


def policy_by_id(dev: int, ident: int) -> int:
    """A descriptor of it."""
    return ioctl(dev, POLICY_BY_ID, struct.pack("<IIII", 16, 0, ident, 0))


def seal(dev: int, policy: int) -> None:
    """POLICY_SEAL."""
    ioctl(dev, POLICY_SEAL, struct.pack("<IIiI", 16, 0, policy, 0))


Set = tuple[int, int, int]
"""whose arguments are recorded: ABI, number, a bit for each argument"""


def recorder_create(dev: int, sets: Sequence[Set] = ()) -> tuple[int, int]:
    """A recorder's descriptor, and the id of the policy that is carried with it."""
    memory = Memory(b"".join(struct.pack("<4I", 16, *one) for one in sets))
    record = bytearray(struct.pack("<IIIIQII", 32, 0, len(sets), 0, memory.address, 0, 0))
    recorder = ioctl(dev, RECORDER_CREATE, record)
    return recorder, int(struct.unpack_from("<I", record, 24)[0])


@dataclass
class Recorded:
    """What RECORDER_READ says: by ABI the numbers, and the arguments of one set."""

    calls: list[set[int]]
    values: list[tuple[int, ...]]
    overflow: int
    other: int


def recorded(dev: int, recorder: int, which: int = 0xFFFFFFFF, words: int = 1) -> Recorded:
    """All of a recorder, or of one of its sets, whose entries have so many words."""
    none = which == 0xFFFFFFFF
    room = 0 if none else 256
    memory = Memory(bytes(8 * room * words))
    record = bytearray(struct.pack("<IIiIQIIII", 424, 1, recorder, which, 0 if none else memory.address,
                                   room, 0, 0, 0) + bytes(384))
    ioctl(dev, RECORDER_READ, record)
    count, overflow, other = struct.unpack_from("<3I", record, 28)
    bits = struct.unpack_from("<48Q", record, 40)
    calls = [{nr for nr in range(1024) if bits[16 * abi + nr // 64] >> (nr % 64) & 1}
             for abi in range(3)]
    return Recorded(calls, list(struct.iter_unpack(f"<{words}Q", memory.buffer.raw[:8 * words * count])),
                    overflow, other)


def count(dev: int, policy: int, on: bool = True) -> tuple[int, int]:
    """POLICY_COUNT: in how many tasks, and in how many stacks."""
    record = bytearray(struct.pack("<IIiI", 24, 0, policy, on) + bytes(8))
    ioctl(dev, POLICY_COUNT, record)
    tasks, stacks = struct.unpack_from("<2I", record, 16)
    return tasks, stacks


Count = tuple[int, int, int]
"""what was counted: the ABI, the rule, the action"""


def stats(dev: int, policy: int, room: int = 4096) -> dict[Count, int]:
    """POLICY_STATS: how often."""
    return {(abi, rule, action): times
            for abi, _, rule, action, times in struct.iter_unpack("<4IQ", stats_read(dev, policy, room)[0])}


def stats_read(dev: int, policy: int, room: int = 4096) -> tuple[bytes, int, int]:
    """The records of POLICY_STATS, how many there are, and whether it is counted."""
    into = Memory(bytes(24 * room))
    record = bytearray(struct.pack("<IIiIQII", 32, 0, policy, room, into.address, 0, 0))
    ioctl(dev, POLICY_STATS, record)
    there, on = struct.unpack_from("<2I", record, 24)
    return into.buffer.raw[: 24 * min(there, room)], there, on


def pack_call(nr: int, args: Sequence[int] = (), abi: int = X86_64, ip: int = 0) -> bytes:
    """A struct seccomp_data."""
    number = (nr | 0x40000000) if abi == X32 else nr
    return struct.pack("<IIQ6Q", number & 0xFFFFFFFF, ARCH[abi], ip,
                       *(list(args) + [0] * (6 - len(args))))


def test(dev: int, policy: int, calls: Sequence[bytes], repeat: int = 0) -> list[tuple[int, int]]:
    """POLICY_TEST: action and rule for each call."""
    into = Memory(bytes(8 * len(calls)))
    from_ = Memory(b"".join(calls))
    ioctl(dev, POLICY_TEST, struct.pack("<IIiIIIQQ", 40, 0, policy, len(calls), repeat, 0,
                                        from_.address, into.address))
    return [(action, rule) for action, rule
            in struct.iter_unpack("<II", into.buffer.raw[: 8 * len(calls)])]
