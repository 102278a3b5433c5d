# SPDX-License-Identifier: LGPL-2.1-or-later
"""The records of secmap.h by name and member, and a valid one for each ioctl.

Layouts are written out here once more; test_abi_layout.py holds them against the header."""

import ctypes
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import abi
from child import Child, Gate

# record: its size, and "member:offset:size" for each member
_LAYOUT: dict[str, tuple[int, str]] = {
    "secmap_info": (96, """
        size:0:4 flags:4:4 out_abi_version:8:4 out_errata:12:4 out_features:16:8 out_actions:24:4
        out_enosys_actions:28:4 out_skip:32:4 out_stack_max:36:4 out_rules_max:40:4
        out_conds_max:44:4 out_cost_max:48:4 out_stack_cost_max:52:4 out_tables_max:56:4
        out_bitmap_max:60:4 out_hash_max:64:4 out_test_max:68:4 out_objects_max:72:4
        out_insns_max:76:4 out_stack_insns_max:80:4 out_ebpf:84:4
        out_selective:88:4 out_pad:92:4"""),
    "secmap_table_create": (80, """
        size:0:4 flags:4:4 type:8:4 max_entries:12:4 count:16:4 pad:20:4 keys:24:8 values:32:8
        name:40:32 out_id:72:4 out_pad:76:4"""),
    "secmap_table_update": (72, """
        size:0:4 flags:4:4 table_fd:8:4 remove_count:12:4 count:16:4 log_size:20:4 remove:24:8
        keys:32:8 values:40:8 log:48:8 out_entries:56:4 out_policies:60:4 out_tasks:64:4
        out_stacks:68:4"""),
    "secmap_table_seal": (16, "size:0:4 flags:4:4 table_fd:8:4 pad:12:4"),
    "secmap_table_by_id": (16, "size:0:4 flags:4:4 id:8:4 pad:12:4"),
    "secmap_table_next": (16, "size:0:4 flags:4:4 id:8:4 out_id:12:4"),
    "secmap_table_info": (80, """
        size:0:4 flags:4:4 table_fd:8:4 out_type:12:4 out_id:16:4 out_max_entries:20:4
        out_count:24:4 out_policies:28:4 out_sealed:32:4 out_uid:36:4 out_bytes:40:8
        out_name:48:32"""),
    "secmap_table_read": (40, """
        size:0:4 flags:4:4 table_fd:8:4 count:12:4 keys:16:8 values:24:8 out_count:32:4
        out_pad:36:4"""),
    "secmap_cond": (32, """
        size:0:4 arg:4:1 op:5:1 width:6:1 pad:7:1 table:8:4 pad2:12:4 value:16:8 mask:24:8"""),
    "secmap_rule": (16, "size:0:4 nr:4:4 action:8:4 cond_count:12:4"),
    "secmap_abi": (56, """
        size:0:4 abi:4:4 default_action:8:4 newer_from:12:4 newer_action:16:4 allow_words:20:4
        rule_count:24:4 cond_count:28:4 allow:32:8 rules:40:8 conds:48:8"""),
    "secmap_policy_create": (104, """
        size:0:4 flags:4:4 kind:8:4 foreign_action:12:4 abi_count:16:4 table_count:20:4
        log_size:24:4 filter_len:28:4 abis:32:8 tables:40:8 filter:48:8 log:56:8 name:64:32
        out_id:96:4 out_pad:100:4"""),
    "secmap_policy_by_id": (16, "size:0:4 flags:4:4 id:8:4 pad:12:4"),
    "secmap_policy_next": (16, "size:0:4 flags:4:4 id:8:4 out_id:12:4"),
    "secmap_policy_info": (168, """
        size:0:4 flags:4:4 policy_fd:8:4 out_kind:12:4 out_id:16:4 out_foreign_action:20:4
        out_abis:24:4 out_table_count:28:4 out_allow_count:32:12 out_rule_count:44:12
        out_cond_count:56:12 out_default_action:68:12 out_actions:80:4 out_cost:84:4
        out_stacks:88:4 out_uid:92:4 out_bytes:96:8 out_filter_len:104:4 out_insns:108:4
        out_name:112:32 out_sealed:144:4 out_counted:148:4 count:152:4 pad:156:4 tables:160:8"""),
    "secmap_policy_filter": (32, """
        size:0:4 flags:4:4 policy_fd:8:4 count:12:4 filter:16:8 out_count:24:4 out_pad:28:4"""),
    "secmap_policy_replace": (40, """
        size:0:4 flags:4:4 policy_fd:8:4 by_fd:12:4 out_tasks:16:4 out_stacks:20:4
        log_size:24:4 pad:28:4 log:32:8"""),
    "secmap_policy_seal": (16, "size:0:4 flags:4:4 policy_fd:8:4 pad:12:4"),
    "secmap_policy_count": (24, """
        size:0:4 flags:4:4 policy_fd:8:4 on:12:4 out_tasks:16:4 out_stacks:20:4"""),
    "secmap_count": (24, "abi:0:4 nr:4:4 rule:8:4 action:12:4 count:16:8"),
    "secmap_policy_stats": (32, """
        size:0:4 flags:4:4 policy_fd:8:4 count:12:4 counts:16:8 out_count:24:4 out_on:28:4"""),
    "secmap_verdict": (8, "action:0:4 rule:4:4"),
    "secmap_policy_test": (40, """
        size:0:4 flags:4:4 policy_fd:8:4 count:12:4 repeat:16:4 pad:20:4 calls:24:8
        verdicts:32:8"""),
    "secmap_attach": (40, """
        size:0:4 flags:4:4 policy_fd:8:4 pid:12:4 filter_len:16:4 record_fd:20:4
        filter:24:8 out_depth:32:4 out_pad:36:4"""),
    "secmap_number": (8, "abi:0:4 nr:4:4"),
    "secmap_attach_later": (40, """
        size:0:4 flags:4:4 policy_fd:8:4 pid:12:4 count:16:4 pad:20:4 calls:24:8
        out_depth:32:4 out_pad:36:4"""),
    "secmap_detach": (24, "size:0:4 flags:4:4 pid:8:4 policy_id:12:4 out_depth:16:4 out_pad:20:4"),
    "secmap_task_info": (40, """
        size:0:4 flags:4:4 pid:8:4 count:12:4 ids:16:8 out_depth:24:4 out_pad:28:4
        out_waiting:32:8"""),
    "secmap_task": (16, "tid:0:4 tgid:4:4 depth:8:4 top_id:12:4"),
    "secmap_task_list": (32, """
        size:0:4 flags:4:4 count:8:4 out_count:12:4 cursor:16:8 tasks:24:8"""),
    "secmap_recorder_set": (16, "size:0:4 abi:4:4 nr:8:4 args:12:4"),
    "secmap_recorder_create": (32, """
        size:0:4 flags:4:4 set_count:8:4 pad:12:4 sets:16:8 out_policy_id:24:4
        out_values_max:28:4"""),
    "secmap_recorder_read": (424, """
        size:0:4 flags:4:4 recorder_fd:8:4 set:12:4 values:16:8 count:24:4 out_count:28:4
        out_overflow:32:4 out_other:36:4 out_calls:40:384"""),
}


@dataclass(frozen=True)
class Member:
    """Where a member lies."""

    name: str
    offset: int
    size: int


SIZES = {name: size for name, (size, _) in _LAYOUT.items()}
MEMBERS = {
    name: [Member(part[0], int(part[1]), int(part[2]))
           for part in (word.split(":") for word in text.split())]
    for name, (_, text) in _LAYOUT.items()
}

NUMBERS = {
    "secmap_info": abi.INFO, "secmap_table_create": abi.TABLE_CREATE,
    "secmap_policy_create": abi.POLICY_CREATE, "secmap_policy_by_id": abi.POLICY_BY_ID,
    "secmap_policy_next": abi.POLICY_NEXT, "secmap_policy_info": abi.POLICY_INFO,
    "secmap_policy_test": abi.POLICY_TEST, "secmap_attach": abi.ATTACH,
    "secmap_detach": abi.DETACH, "secmap_task_info": abi.TASK_INFO,
    "secmap_task_list": abi.TASK_LIST, "secmap_policy_filter": abi.POLICY_FILTER,
    "secmap_policy_replace": abi.POLICY_REPLACE, "secmap_policy_seal": abi.POLICY_SEAL,
    "secmap_recorder_create": abi.RECORDER_CREATE, "secmap_recorder_read": abi.RECORDER_READ,
    "secmap_policy_count": abi.POLICY_COUNT, "secmap_policy_stats": abi.POLICY_STATS,
    "secmap_attach_later": abi.ATTACH_LATER,
    "secmap_table_update": abi.TABLE_UPDATE, "secmap_table_seal": abi.TABLE_SEAL,
    "secmap_table_by_id": abi.TABLE_BY_ID, "secmap_table_next": abi.TABLE_NEXT,
    "secmap_table_info": abi.TABLE_INFO, "secmap_table_read": abi.TABLE_READ,
}


class Record:
    """A record of a name; its bytes are changed in place by the ioctl."""

    def __init__(self, name: str, /, **members: int | bytes) -> None:
        self.name = name
        self.data = bytearray(SIZES[name])
        if MEMBERS[name][0].name == "size":
            self["size"] = SIZES[name]
        for member, content in members.items():
            self[member] = content

    def _member(self, name: str) -> Member:
        return next(member for member in MEMBERS[self.name] if member.name == name)

    def __setitem__(self, name: str, content: int | bytes) -> None:
        member = self._member(name)
        if isinstance(content, int):
            content = (content % (1 << 8 * member.size)).to_bytes(member.size, "little")
        self.data[member.offset:member.offset + member.size] = content.ljust(member.size, b"\0")

    def __getitem__(self, name: str) -> int:
        member = self._member(name)
        return int.from_bytes(self.data[member.offset:member.offset + member.size], "little")

    def raw(self, name: str) -> bytes:
        """The bytes of a member."""
        member = self._member(name)
        return bytes(self.data[member.offset:member.offset + member.size])

    def resized(self, size: int, fill: int = 0) -> "Record":
        """Cut, or made longer; its size says so."""
        self.data[size:] = b""
        self.data += bytes([fill]) * (size - len(self.data))
        if size >= 4:
            self.data[:4] = struct.pack("<I", size)
        return self

    def ioctl(self, dev: int) -> int:
        """Hand it over; outputs are in it afterwards."""
        return abi.ioctl(dev, NUMBERS[self.name], self.data)

    def errno(self, dev: int) -> int:
        """The errno of handing it over, 0 if it works. A new descriptor is closed."""
        try:
            result = self.ioctl(dev)
        except OSError as error:
            return error.errno or -1
        if result > 0:
            os.close(result)
        return 0


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                       ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
PAGE = mmap.PAGESIZE
_MAP_PRIVATE_ANONYMOUS = 0x22


class Pages:
    """One page that can be used, and one behind it that cannot."""

    def __init__(self) -> None:
        address = _libc.mmap(None, 2 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE,
                             _MAP_PRIVATE_ANONYMOUS, -1, 0)
        assert address and _libc.mprotect(address + PAGE, PAGE, 0) == 0
        self.start: int = address
        self.end: int = address + PAGE
        """the address of the first byte that cannot be used"""

    def put(self, content: bytes, *, beyond: int = 0) -> int:
        """Write it so that its last `beyond` bytes would lie behind the end; its address."""
        at = self.end - len(content) + beyond
        ctypes.memmove(at, content[:len(content) - beyond], len(content) - beyond)
        return at

    def read_only(self) -> None:
        """The first page cannot be written from now on."""
        assert _libc.mprotect(self.start, PAGE, mmap.PROT_READ) == 0

    def unmap(self) -> None:
        """Both are gone."""
        _libc.munmap(self.start, 2 * PAGE)


@contextmanager
def pages() -> Iterator[Pages]:
    """Pages that are unmapped at the end."""
    made = Pages()
    try:
        yield made
    finally:
        made.unmap()


@dataclass
class Ground:
    """Objects that valid records refer to, and a task that may be filtered."""

    dev: int
    table: int = -1
    scrap: int = -1
    """a table that may be sealed"""
    policy: int = -1
    program: int = -1
    recorder: int = -1
    policy_id: int = 0
    table_id: int = 0
    victim: Child | None = None
    gate: Gate = field(default_factory=Gate)
    kept: list[abi.Memory] = field(default_factory=list)

    def __enter__(self) -> "Ground":
        self.table = abi.table_create(self.dev, [1, 2, 3])
        self.scrap = abi.table_create(self.dev, [1])
        record = Record("secmap_table_info", table_fd=self.table)
        record.ioctl(self.dev)
        self.table_id = record["out_id"]
        self.policy = abi.simple(self.dev, {})
        self.program = abi.cbpf(self.dev, [abi.ret(abi.ALLOW)])
        self.recorder, _ = abi.recorder_create(self.dev, [(abi.X86_64, 39, 0b11)])
        self.policy_id = int(str(abi.policy_info(self.dev, self.policy)["id"]))
        self.victim = Child(lambda: self.gate.wait(600) and None)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.victim
        self.victim.kill()
        self.gate.close()
        os.close(self.policy)
        os.close(self.program)
        os.close(self.recorder)
        os.close(self.table)
        os.close(self.scrap)

    def refresh(self) -> None:
        """Forget what a test did."""
        self.kept.clear()
        if abi.task_ids(self.dev, self.pid):
            abi.detach(self.dev, self.pid)

    @property
    def pid(self) -> int:
        """Of the task."""
        assert self.victim
        return self.victim.pid

    def memory(self, content: bytes) -> int:
        """The address of these bytes."""
        made = abi.Memory(content)
        self.kept.append(made)
        return made.address

    def section(self, **members: int | bytes) -> Record:
        """A valid struct secmap_abi, with one rule and one condition."""
        cond = Record("secmap_cond", width=64)
        rule = Record("secmap_rule", nr=100, action=abi.ERRNO | 1, cond_count=1)
        section = Record(
            "secmap_abi", abi=abi.X86_64, default_action=abi.ALLOW, newer_from=abi.NEWER_NONE,
            allow_words=1, rule_count=1, cond_count=1, allow=self.memory(struct.pack("<Q", 1)),
            rules=self.memory(bytes(rule.data)), conds=self.memory(bytes(cond.data)))
        for member, content in members.items():
            section[member] = content
        return section

    def valid(self, name: str) -> Record:
        """A record that the ioctl takes."""
        match name:
            case "secmap_table_create":
                return Record(name, type=1, max_entries=4, count=2, name=b"name",
                              keys=self.memory(struct.pack("<2Q", 5, 6)),
                              values=self.memory(struct.pack("<2Q", 7, 8)))
            case "secmap_policy_create":
                return Record(name, foreign_action=abi.KILL_PROCESS, abi_count=1, table_count=1,
                              log_size=64, abis=self.memory(bytes(self.section().data)),
                              tables=self.memory(struct.pack("<i", self.table)),
                              log=self.memory(bytes(64)), name=b"name")
            case "secmap_policy_by_id":
                return Record(name, id=self.policy_id)
            case "secmap_policy_next":
                return Record(name, id=self.policy_id - 1)
            case "secmap_policy_info":
                return Record(name, policy_fd=self.policy)
            case "secmap_table_update":
                return Record(name, table_fd=self.table, count=1, log_size=64,
                              keys=self.memory(struct.pack("<Q", 1)), log=self.memory(bytes(64)))
            case "secmap_table_seal":
                return Record(name, table_fd=self.scrap)
            case "secmap_table_by_id":
                return Record(name, id=self.table_id)
            case "secmap_table_next":
                return Record(name, id=self.table_id - 1)
            case "secmap_table_info":
                return Record(name, table_fd=self.table)
            case "secmap_table_read":
                return Record(name, table_fd=self.table, count=4, keys=self.memory(bytes(32)),
                              values=self.memory(bytes(32)))
            case "secmap_policy_filter":
                return Record(name, policy_fd=self.program, count=4, filter=self.memory(bytes(32)))
            case "secmap_policy_replace":
                return Record(name, policy_fd=self.program, by_fd=self.policy)
            case "secmap_policy_seal" | "secmap_policy_count":
                return Record(name, policy_fd=self.policy)
            case "secmap_recorder_create":
                return Record(name, set_count=1,
                              sets=self.memory(struct.pack("<4I", 16, abi.I386, 102, 0b111)))
            case "secmap_recorder_read":
                return Record(name, recorder_fd=self.recorder, count=4,
                              values=self.memory(bytes(64)))
            case "secmap_policy_stats":
                return Record(name, policy_fd=self.policy, count=4, counts=self.memory(bytes(96)))
            case "secmap_policy_test":
                return Record(name, policy_fd=self.policy, count=1,
                              calls=self.memory(abi.pack_call(39)), verdicts=self.memory(bytes(8)))
            case "secmap_attach":
                return Record(name, policy_fd=self.policy, pid=self.pid)
            case "secmap_attach_later":
                return Record(name, policy_fd=self.policy, pid=self.pid, count=1,
                              calls=self.memory(bytes(8)))
            case "secmap_detach":
                abi.attach(self.dev, self.policy, self.pid)
                return Record(name, pid=self.pid, policy_id=self.policy_id)
            case "secmap_task_info":
                return Record(name, pid=self.pid, count=4, ids=self.memory(bytes(16)))
            case "secmap_task_list":
                abi.attach(self.dev, self.policy, self.pid)
                return self.valid_list()
        return Record(name)

    def valid_list(self) -> Record:
        """Of TASK_LIST, whoever is filtered."""
        return Record("secmap_task_list", count=4, tasks=self.memory(bytes(64)))
