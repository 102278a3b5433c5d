# SPDX-License-Identifier: LGPL-2.1-or-later
"""Maps of bpf(2), by system calls alone."""

import ctypes
import os
import struct

import abi

HASH, ARRAY, PERCPU_HASH, PERCPU_ARRAY, LRU_HASH, LPM_TRIE = 1, 2, 5, 6, 9, 11
NO_PREALLOC, RDONLY, WRONLY, RDONLY_PROG, WRONLY_PROG = 1, 1 << 3, 1 << 4, 1 << 7, 1 << 8
_CREATE, _LOOKUP, _UPDATE, _DELETE, _PIN, _GET, _BTF_LOAD, _FREEZE = 0, 1, 2, 3, 6, 7, 18, 22
_GET_FD_BY_ID, _INFO_BY_FD = 14, 15
_SYS_BPF = 321


def _bpf(command: int, attributes: bytes) -> int:
    memory = abi.Memory(attributes)
    result = abi.raw_syscall(_SYS_BPF, command, memory.address, len(attributes))
    if result < 0:
        raise OSError(-result, f"bpf({command}): {os.strerror(-result)}")
    return result


def create(kind: int, key: int = 8, value: int = 8, room: int = 64, flags: int | None = None, *,
           types: tuple[int, int, int] = (0, 0, 0)) -> int:
    """A map's descriptor; the key of a trie without its prefix length. `types`: BTF, and of it
    the key's and the value's."""
    if flags is None:
        flags = NO_PREALLOC if kind == LPM_TRIE else 0
    if kind == LPM_TRIE:
        key += 4
    return _bpf(_CREATE, struct.pack("<5I2I16s4I", kind, key, value, room, flags, 0, 0, b"", 0,
                                     *types))


def _key(descriptor: int, key: int, bits: int | None) -> bytes:
    kind, size = struct.unpack_from("<I4xI", info(descriptor))
    if kind == LPM_TRIE:
        packed = key.to_bytes(size - 4, "little")
        return struct.pack("<I", 8 * len(packed) if bits is None else bits) + packed
    return key.to_bytes(size, "little")


def info(descriptor: int) -> bytes:
    """struct bpf_map_info: type, id, key size, value size, ..."""
    into = abi.Memory(bytes(88))
    _bpf(_INFO_BY_FD, struct.pack("<IIQ", descriptor, 88, into.address))
    return into.buffer.raw


def ident(descriptor: int) -> int:
    """The map's id."""
    return int(struct.unpack_from("<I", info(descriptor), 4)[0])


def exists(number: int) -> bool:
    """Is there a map with this id?"""
    try:
        os.close(_bpf(_GET_FD_BY_ID, struct.pack("<III", number, 0, 0)))
    except FileNotFoundError:
        return False
    return True


def put(descriptor: int, key: int, value: int, bits: int | None = None) -> None:
    """Set a key's value; `bits`: of a trie, how many of the key's bits count."""
    size = struct.unpack_from("<I", info(descriptor), 12)[0]
    keys, values = abi.Memory(_key(descriptor, key, bits)), abi.Memory(value.to_bytes(size, "little"))
    _bpf(_UPDATE, struct.pack("<IIQQQ", descriptor, 0, keys.address, values.address, 0))


def drop(descriptor: int, key: int, bits: int | None = None) -> None:
    """Delete a key."""
    keys = abi.Memory(_key(descriptor, key, bits))
    _bpf(_DELETE, struct.pack("<IIQQQ", descriptor, 0, keys.address, 0, 0))


def freeze(descriptor: int) -> None:
    """No more changes by bpf(2)."""
    _bpf(_FREEZE, struct.pack("<I", descriptor))


def pin(descriptor: int, path: str) -> None:
    """Give it a name in a file system of type bpf."""
    name = abi.Memory(path.encode() + b"\0")
    _bpf(_PIN, struct.pack("<QII", name.address, descriptor, 0))


def get(path: str, flags: int = 0) -> int:
    """Open a pinned one; `flags`: RDONLY, WRONLY."""
    name = abi.Memory(path.encode() + b"\0")
    return _bpf(_GET, struct.pack("<QII", name.address, 0, flags))


def mount(path: str) -> None:
    """A file system of type bpf there."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"bpf", path.encode(), b"bpf", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def unmount(path: str) -> None:
    """Take it away again, and what is pinned in it."""
    ctypes.CDLL(None).umount2(path.encode(), 2)


def lock_type() -> tuple[int, int, int]:
    """BTF of a value of 4 bytes that is a struct bpf_spin_lock: for `types` of create()."""
    strings = b"\0u32\0bpf_spin_lock\0val\0v\0lock\0"
    at = {name: strings.index(b"\0" + name + b"\0") + 1
          for name in (b"u32", b"bpf_spin_lock", b"val", b"v", b"lock")}
    types = b"".join([
        struct.pack("<IIII", at[b"u32"], 1 << 24, 4, 32),
        struct.pack("<IIIIII", at[b"bpf_spin_lock"], 4 << 24 | 1, 4, at[b"val"], 1, 0),
        struct.pack("<IIIIII", at[b"v"], 4 << 24 | 1, 4, at[b"lock"], 2, 0),
    ])
    blob = abi.Memory(struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types),
                                  len(strings)) + types + strings)
    return _bpf(_BTF_LOAD, struct.pack("<QQIIII", blob.address, 0, len(blob.content), 0, 0, 0)), 1, 3
