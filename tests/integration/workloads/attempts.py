#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls that a container should not make, each by a child of its own; prints as JSON what they
returned: a negative errno, or 0 for any success."""

import ctypes
import json
import os
import signal

NEWNS, NEWUSER = 0x20000, 0x10000000
SEIZE = 0x4206
VSOCK, NETLINK, RAW, AUDIT = 40, 16, 3, 9
NO_RANDOMIZE = 0x40000
SPAWN = int(signal.SIGCHLD)

_ROOT, _FILE = ctypes.create_string_buffer(b"/"), ctypes.create_string_buffer(b"/dev/null")
ROOT, FILE = ctypes.addressof(_ROOT), ctypes.addressof(_FILE)

# name: number, arguments. Those that succeed where they are allowed change nothing that lasts.
ATTEMPTS: dict[str, tuple[int, ...]] = {
    "mount": (165, 0, ROOT, 0, 0, 0),
    "umount2": (166, FILE, 0),
    "pivot_root": (155, 0, 0),
    "unshare": (272, NEWNS),
    "setns": (308, -1, 0),
    "clone with a namespace": (56, NEWNS | SPAWN, 0, 0, 0, 0),
    "clone": (56, SPAWN, 0, 0, 0, 0),
    "clone3": (435, 0, 0),
    "ptrace of another": (101, SEIZE, os.getpid(), 0, 0),
    "keyctl": (250, 0, -4, 0, 0, 0),
    "add_key": (248, 0, 0, 0, 0, 0),
    "request_key": (249, 0, 0, 0, 0),
    "socket of AF_VSOCK": (41, VSOCK, RAW, 0),
    "socket of the audit": (41, NETLINK, RAW, AUDIT),
    "socket": (41, 1, 1, 0),
    "bpf": (321, 0, 0, 0),
    "perf_event_open": (298, 0, 0, 0, 0, 0),
    "io_uring_setup": (425, 1, 0),
    "userfaultfd": (323, -1),
    "kexec_load": (246, 0, 17, 0, 0),
    "kexec_file_load": (320, -1, -1, 0, 0, 0),
    "init_module": (175, 0, 0, 0),
    "finit_module": (313, -1, 0, 0),
    "delete_module": (176, 0, 0),
    "reboot": (169, 0, 0, 0, 0),
    "swapon": (167, 0, 0),
    "acct": (163, 1),
    "settimeofday": (164, 1, 0),
    "open_by_handle_at": (304, -1, 0, 0),
    "iopl": (172, 4),
    "quotactl": (179, 0, 0, 0, 0),
    "kcmp": (312, 1, 1, 0, 0, 0),
    "process_madvise": (440, -1, 0, 0, 0, 0),
    "fanotify_init": (300, -1, 0),
    "nfsservctl": (180, 0, 0, 0),
    "move_pages": (279, 0, 0, 0, 0, 0, -1),
    "personality of now": (135, 0xFFFFFFFF),
    "personality without randomness": (135, NO_RANDOMIZE),
    "a call that nobody knows": (900, 0),
}


def attempt(words: tuple[int, ...]) -> int:
    """What one call returns, in a child."""
    here, there = os.pipe()
    libc = ctypes.CDLL(None, use_errno=True)
    if (pid := os.fork()) == 0:
        returned = libc.syscall(*(ctypes.c_long(word) for word in words))
        if returned == 0 and words[0] == ATTEMPTS["clone"][0]:
            os._exit(0)
        os.write(there, str(-ctypes.get_errno() if returned == -1 else 0).encode())
        os._exit(0)
    os.close(there)
    text = os.read(here, 20)
    os.close(here)
    status = os.waitpid(pid, 0)[1]
    return int(text) if text else -1000 - status


if __name__ == "__main__":
    print(json.dumps({name: attempt(words) for name, words in ATTEMPTS.items()}))
