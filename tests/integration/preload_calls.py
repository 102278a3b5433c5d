#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What test_preload.py has a process with the library do: `preload_calls.py NAME`, JSON out.

Each function is a process of its own; with no library preloaded it shows what the kernel does."""

import contextlib
import ctypes
import json
import mmap
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable

import abi
import cbpf
from child import NOBODY

_libc = ctypes.CDLL(None, use_errno=True)
GETPPID, MKDIR, SECCOMP, PRCTL = 110, 83, 317, 157
PR_GET_SECCOMP, PR_SET_SECCOMP = 21, 22
DENIED = cbpf.deny({GETPPID: abi.ERRNO | 1})


def prctl(*args: int) -> int:
    """prctl(3), a negative errno on failure."""
    result: int = _libc.prctl(*(ctypes.c_ulong(arg) for arg in args))
    return -ctypes.get_errno() if result == -1 else result


def seccomp(operation: int, flags: int = 0, arguments: int = 0) -> int:
    """seccomp(2) by syscall(3)."""
    return abi.raw_syscall(SECCOMP, operation, flags, arguments)


def set_filter(program: list[cbpf.Insn] | None = None, flags: int = 0) -> int:
    """SET_MODE_FILTER."""
    made = cbpf.Program(DENIED if program is None else program)
    return seccomp(cbpf.SET_FILTER, flags, made.address)


def state() -> dict[str, int]:
    """How this task is held: by the kernel, by secmap, and whether getppid is denied."""
    # Not open(): that asks by ioctl(2) whether it is a terminal, which some filter denies.
    status = os.open("/proc/thread-self/status", os.O_RDONLY)
    text = os.read(status, 65536).decode("ascii")
    lines = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    denied = abi.raw_syscall(GETPPID) == -1
    return {"kernel": int(lines["Seccomp"]), "denied": int(denied)}


def errnos() -> list[int]:
    """Of every refusal, in the kernel's order: two faults at a time where two can be."""
    page = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    end = start + mmap.PAGESIZE
    assert _libc.mprotect(ctypes.c_void_p(end), mmap.PAGESIZE, 0) == 0
    good, empty = cbpf.Program(DENIED), cbpf.Program(DENIED, length=0)
    long = cbpf.Program(DENIED, length=4097)
    null, wild = cbpf.Program(DENIED, address=0), cbpf.Program(DENIED, address=8)
    half = cbpf.Program(DENIED, address=end - 8)
    bad = cbpf.Program([(0xFFFF, 0, 0, 0), cbpf.ret(abi.ALLOW)])
    jump = cbpf.Program([(0x15, 9, 9, 0), cbpf.ret(abi.ALLOW)])
    load = cbpf.Program([(0x20, 0, 0, 64), cbpf.ret(abi.ALLOW)])
    open_end = cbpf.Program([cbpf.LD_NR])
    programs = [0, 8, end - 8, end, good.address, empty.address, long.address, null.address,
                wild.address, half.address, bad.address, jump.address, load.address,
                open_end.address]
    flags = [1 << 6, 1 << 31, cbpf.TSYNC | cbpf.NEW_LISTENER, cbpf.WAIT_KILLABLE]
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    found = [seccomp(cbpf.SET_FILTER, 0, each) for each in programs]  # no_new_privs is missing
    found += [prctl(PR_SET_SECCOMP, 2, each) for each in programs]
    abi.no_new_privs()
    for each in programs:
        if each != good.address:
            found += [seccomp(cbpf.SET_FILTER, 0, each), prctl(PR_SET_SECCOMP, 2, each)]
        found += [seccomp(cbpf.SET_FILTER, flag, each) for flag in flags]
    found += [seccomp(cbpf.SET_STRICT, 1), seccomp(cbpf.SET_STRICT, 0, start), seccomp(9),
              prctl(PR_SET_SECCOMP, 0), prctl(PR_SET_SECCOMP, 3), seccomp(cbpf.ACTION_AVAIL, 1),
              seccomp(cbpf.ACTION_AVAIL), seccomp(cbpf.NOTIF_SIZES, 1), seccomp(cbpf.NOTIF_SIZES)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    found += [seccomp(cbpf.SET_FILTER, cbpf.NEW_LISTENER, good.address)]
    found += [prctl(PR_GET_SECCOMP)]
    return found


def answers() -> list[object]:
    """GET_ACTION_AVAIL and GET_NOTIF_SIZES."""
    found: list[object] = []
    for action in (abi.KILL_PROCESS, abi.KILL_THREAD, abi.TRAP, abi.ERRNO, abi.USER_NOTIF,
                   abi.TRACE, abi.LOG, abi.ALLOW, 0x12340000):
        memory = abi.Memory(action.to_bytes(4, "little"))
        found.append(seccomp(cbpf.ACTION_AVAIL, 0, memory.address))
    sizes = abi.Memory(bytes(6))
    return [*found, seccomp(cbpf.NOTIF_SIZES, 0, sizes.address), sizes.buffer.raw[:6].hex()]


def attached(set_it: Callable[[], int] = set_filter) -> dict[str, int]:
    """Attach, and look."""
    abi.no_new_privs()
    before = prctl(PR_GET_SECCOMP)
    result = set_it()
    return {"before": before, "result": result, "after": prctl(PR_GET_SECCOMP), **state()}


def by_prctl() -> dict[str, int]:
    """prctl(3)."""
    made = cbpf.Program(DENIED)
    return attached(lambda: prctl(PR_SET_SECCOMP, 2, made.address))


def by_syscall_prctl() -> dict[str, int]:
    """prctl(2) by syscall(3)."""
    made = cbpf.Program(DENIED)
    return attached(lambda: abi.raw_syscall(PRCTL, PR_SET_SECCOMP, 2, made.address))


def by_flags() -> dict[str, int]:
    """LOG and SPEC_ALLOW."""
    return attached(lambda: set_filter(flags=cbpf.LOG | cbpf.SPEC_ALLOW))


def without_descriptors() -> dict[str, int]:
    """As OpenSSH: no descriptor can be made any more."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    abi.no_new_privs()
    result = set_filter()
    return {"result": result, "denied": int(abi.raw_syscall(GETPPID) == -1),
            "mode": prctl(PR_GET_SECCOMP)}


def after_closefrom() -> dict[str, int]:
    """The library's descriptor is spared."""
    os.closerange(3, 4096)
    return attached()


def with_another_file_there() -> dict[str, int]:
    """And its number is a file's."""
    for number in map(int, os.listdir("/proc/self/fd")):
        if number > 2 and os.path.exists(f"/proc/self/fd/{number}"):
            os.dup2(os.open("/dev/null", os.O_RDWR), number)
    return attached()


def in_chroot() -> dict[str, int]:
    """There is no /dev."""
    os.chroot("/tmp/empty")
    os.chdir("/")
    abi.no_new_privs()
    result = set_filter()
    return {"result": result, "denied": int(abi.raw_syscall(GETPPID) == -1)}


def in_chroot_after_closefrom() -> dict[str, int]:
    """As OpenSSH: the descriptor is spared when all are closed at once."""
    os.closerange(3, 4096)
    return in_chroot()


def in_chroot_after_close() -> dict[str, int]:
    """Nothing is left: descriptors were closed one by one."""
    for number in range(3, 4096):
        with contextlib.suppress(OSError):
            os.close(number)
    return in_chroot()


def is_open(fd: int) -> bool:
    """F_GETFD."""
    return abi.raw_syscall(72, fd, 1) >= 0


def closing() -> list[object]:
    """close_range(2) and closefrom(3): what they return, and which descriptors are left."""
    libc = ctypes.CDLL(None, use_errno=True)
    found: list[object] = []
    numbers = (5, 6, 7, 999, 1001)
    for first, last, flags in ((5, 4, 0), (5, 2000, 16), (6, 7, 0), (6, 2000, 4), (1001, 1001, 0),
                               (5, 999, 0), (3, 0xFFFFFFFF, 0), (6, 2000, 2)):
        for number in numbers:
            os.dup2(0, number)
        result = libc.close_range(first, ctypes.c_uint(last), flags)
        found.append([-ctypes.get_errno() if result else 0,
                      [number for number in numbers if is_open(number)]])
    for first in (1001, 6, 3):
        for number in numbers:
            os.dup2(2, number)
        libc.closefrom(first)
        found.append([fd for fd in (*range(3), *numbers) if is_open(fd)])
    return found


def trace() -> dict[str, int]:
    """A filter that asks for a tracer."""
    return attached(lambda: set_filter(cbpf.deny({GETPPID: abi.ERRNO | 1, 999: abi.TRACE})))


def computed_trace() -> dict[str, int]:
    """The same, returned from the accumulator."""
    return attached(lambda: set_filter(
        [*cbpf.deny({GETPPID: abi.ERRNO | 1}, 0)[:-1], (0, 0, 0, abi.ALLOW), (0x15, 0, 1, 7),
         (0, 0, 0, abi.TRACE), (0x16, 0, 0, 0)]))


def computed() -> dict[str, int]:
    """A computed answer that cannot be TRACE."""
    return attached(lambda: set_filter(
        [*cbpf.deny({GETPPID: abi.ERRNO | 1}, 0)[:-1], (0, 0, 0, abi.ALLOW), (0x16, 0, 0, 0)]))


def listener() -> list[int]:
    """NEW_LISTENER: a descriptor that is close-on-exec, and EBUSY for another one."""
    abi.no_new_privs()
    program = cbpf.deny({999: abi.USER_NOTIF})
    first = set_filter(program, cbpf.NEW_LISTENER | cbpf.WAIT_KILLABLE)
    return [int(first >= 3), int(os.get_inheritable(first)), set_filter(program, cbpf.NEW_LISTENER)]


def _thread(step: threading.Event, done: threading.Event, prepare: Callable[[], object],
            into: list[int]) -> threading.Thread:
    ready = threading.Event()

    def body() -> None:
        prepare()
        into.append(threading.get_native_id())
        ready.set()
        step.wait()
        into.append(abi.raw_syscall(GETPPID))
        done.set()

    made = threading.Thread(target=body)
    made.start()
    ready.wait()
    return made


def tsync() -> list[int]:
    """All threads, at once."""
    step, done, into = threading.Event(), threading.Event(), list[int]()
    abi.no_new_privs()
    other = _thread(step, done, lambda: None, into)
    result = set_filter(flags=cbpf.TSYNC)
    step.set()
    other.join()
    return [result, into[1]]


def tsync_fails() -> list[int]:
    """A thread that has a filter of its own: its id, or ESRCH; nobody is filtered."""
    step, done, into = threading.Event(), threading.Event(), list[int]()
    abi.no_new_privs()
    other = _thread(step, done, lambda: set_filter(cbpf.deny({999: abi.ERRNO})), into)
    found = [int(set_filter(flags=cbpf.TSYNC) == into[0]),
             set_filter(flags=cbpf.TSYNC | cbpf.TSYNC_ESRCH), prctl(PR_GET_SECCOMP),
             int(abi.raw_syscall(GETPPID) == os.getppid())]
    step.set()
    other.join()
    return found


def without_ioctl() -> dict[str, int]:
    """A filter kills who calls ioctl(2): asking and a second filter must not."""
    abi.no_new_privs()
    first = set_filter(cbpf.deny({16: abi.KILL_PROCESS}))
    mode = prctl(PR_GET_SECCOMP)
    return {"first": first, "mode": mode, "result": set_filter(), **state()}


def strict_after_filter() -> list[int]:
    """EINVAL."""
    abi.no_new_privs()
    return [set_filter(), prctl(PR_SET_SECCOMP, 1), seccomp(cbpf.SET_STRICT)]


def strict() -> None:
    """read, write, exit; anything else ends it."""
    seccomp(cbpf.SET_STRICT)
    os.write(1, b'"written"\n')
    os.getppid()


def strict_by_prctl() -> None:
    """The second argument is of no matter."""
    prctl(PR_SET_SECCOMP, 1, 1)
    os.write(1, b'"written"\n')
    os.getppid()


def killed() -> None:
    """By a filter."""
    abi.no_new_privs()
    set_filter(cbpf.deny({GETPPID: abi.KILL_PROCESS}))
    os.getppid()


def full() -> int:
    """Filters until there is no room: the last errno."""
    abi.no_new_privs()
    for _ in range(5000):
        result = set_filter(cbpf.deny({GETPPID: abi.ERRNO | 1}))
        if result:
            return result
    return 0


def held() -> None:
    """Attach and wait."""
    print(json.dumps(attached()), flush=True)
    signal.pause()


if __name__ == "__main__":
    VALUE = globals()[sys.argv[1]]()
    # In one write: there may be little else that it can do.
    os.write(1, json.dumps(VALUE).encode() + b"\n")
    os._exit(0)
