# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ioctls of table objects, and policies that look into them."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import abi
import ebpf
from abi import ALLOW, ERRNO, IN, Cond, Memory, Rule, Section
from records import Record

GETPPID, GETPGID = 110, 121
DENIED = 1001
ALL = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True)
class Updated:
    """What TABLE_UPDATE says."""

    entries: int
    policies: int
    tasks: int
    stacks: int


def _array(values: Iterable[int]) -> Memory:
    given = list(values)
    return Memory(struct.pack(f"<{len(given)}Q", *given))


def update(dev: int, table: int, keys: Sequence[int] | Mapping[int, int] = (),
           remove: Sequence[int] = (), *, whole: bool = False) -> Updated:
    """TABLE_UPDATE; a mapping has values. Raises abi.Refused with the reason."""
    log = Memory(bytes(512))
    arrays = _array(remove), _array(keys), _array(keys.values() if isinstance(keys, Mapping) else ())
    record = Record(
        "secmap_table_update", flags=int(whole), table_fd=table, remove_count=len(remove),
        count=len(keys), log_size=512, remove=arrays[0].address, keys=arrays[1].address,
        values=arrays[2].address if isinstance(keys, Mapping) else 0, log=log.address)
    try:
        record.ioctl(dev)
    except OSError as error:
        raise abi.Refused(error.errno, log.buffer.value.decode()) from error
    return Updated(*(record[f"out_{name}"] for name in ("entries", "policies", "tasks", "stacks")))


def info(dev: int, table: int) -> dict[str, int | str]:
    """TABLE_INFO."""
    record = Record("secmap_table_info", table_fd=table)
    record.ioctl(dev)
    numbers = {name: record[f"out_{name}"] for name in (
        "type", "id", "max_entries", "count", "policies", "sealed", "uid", "bytes")}
    return {**numbers, "name": record.raw("out_name").rstrip(b"\0").decode()}


def ident(dev: int, table: int) -> int:
    """Its id."""
    return int(info(dev, table)["id"])


def read(dev: int, table: int, room: int = 1 << 16) -> dict[int, int]:
    """TABLE_READ: the keys with their values."""
    keys, values = Memory(bytes(8 * room)), Memory(bytes(8 * room))
    record = Record("secmap_table_read", table_fd=table, count=room, keys=keys.address,
                    values=values.address)
    record.ioctl(dev)
    there = min(record["out_count"], room)
    return dict(zip(struct.unpack_from(f"<{there}Q", keys.buffer.raw),
                    struct.unpack_from(f"<{there}Q", values.buffer.raw), strict=True))


def listed(dev: int) -> list[int]:
    """TABLE_NEXT: the id of every table."""
    found = [0]
    while True:
        record = Record("secmap_table_next", id=found[-1])
        try:
            record.ioctl(dev)
        except FileNotFoundError:
            return found[1:]
        found.append(record["out_id"])


def seal(dev: int, table: int) -> None:
    """TABLE_SEAL."""
    Record("secmap_table_seal", table_fd=table).ioctl(dev)


def of_policy(dev: int, policy: int, room: int = 256) -> list[int]:
    """The ids of the tables that a policy looks into."""
    ids = Memory(bytes(4 * room))
    record = Record("secmap_policy_info", policy_fd=policy, count=room, tables=ids.address)
    record.ioctl(dev)
    return list(struct.unpack_from(f"<{min(room, record['out_table_count'])}I", ids.buffer.raw))


def maps(dev: int, table: int) -> int:
    """A policy of kind MAPS that denies getpgid() of what is in the table."""
    return abi.policy_create(dev, [Section(rules=[
        Rule(GETPGID, ERRNO | DENIED, [Cond(0, IN, mask=ALL)])])], tables=[table])


def program(dev: int, table: int) -> int:
    """The same as an eBPF program."""
    return ebpf.policy(dev, ebpf.only(GETPGID, [
        *ebpf.value_of(0, 0, 0x7FFFFFFF), ebpf.jump(ebpf.JEQ, ebpf.R0, 0x7FFFFFFF, 2),
        *ebpf.ret(ERRNO | DENIED), *ebpf.ret(ALLOW)]), [table])


MAKERS = {"maps": maps, "ebpf": program}


def denied(keys: Iterable[int]) -> list[int]:
    """Of which keys the calling task may not ask."""
    return [key for key in keys if abi.raw_syscall(GETPGID, key) == -DENIED]


def tested(dev: int, policy: int, keys: Sequence[int]) -> list[int]:
    """The same, of who would carry this policy."""
    said = abi.test(dev, policy, [abi.pack_call(GETPGID, [key]) for key in keys])
    return [key for key, (action, _) in zip(keys, said, strict=True) if action != ALLOW]
