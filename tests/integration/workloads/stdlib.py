#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python: threads, processes, sockets, files, memory and time. Says the same each time."""

import asyncio
import concurrent.futures
import contextlib
import ctypes
import fcntl
import mmap
import multiprocessing
import os
import pty
import random
import resource
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing import shared_memory
from pathlib import Path


def say(what: str, value: object) -> None:
    """A line."""
    print(f"{what}: {value}", flush=True)


def threads() -> None:
    """A lock that they all want, and a pool."""
    total = 0
    lock = threading.Lock()

    def add() -> None:
        nonlocal total
        for _ in range(1000):
            with lock:
                total += 1

    crowd = [threading.Thread(target=add) for _ in range(8)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    say("threads", total)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        say("pool", sum(pool.map(square, range(100))))


def square(number: int) -> int:
    """For the other process."""
    result: int = number * number
    return result


def processes() -> None:
    """subprocess by vfork and by fork, multiprocessing, shared memory, a pseudo-terminal."""
    done = subprocess.run(["sort", "-n"], input="3\n1\n2\n", text=True, check=False,
                          stdout=subprocess.PIPE)
    say("sort", done.stdout.split())
    done = subprocess.run(["sh", "-c", "ulimit -n; exit 9"], check=False, cwd="/", text=True,
                          stdout=subprocess.PIPE, start_new_session=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (77, 77)))
    say("limits", (done.stdout.strip(), done.returncode))
    with multiprocessing.get_context("fork").Pool(3) as pool:
        say("fork", pool.map(square, range(10)))
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        say("forkserver", pool.map(square, range(4)))
    memory = shared_memory.SharedMemory(create=True, size=4096)
    if (pid := os.fork()) == 0:
        memory.buf[0] = 99
        os._exit(0)
    say("child", os.waitpid(pid, 0)[1])
    say("shared memory", memory.buf[0])
    memory.close()
    memory.unlink()
    pid, master = pty.fork()
    if pid == 0:
        os.execvp("stty", ["stty", "size"])
    text = b""
    with contextlib.suppress(OSError):
        while part := os.read(master, 100):
            text += part
    say("terminal", (text.split(), os.waitpid(pid, 0)[1]))


def sockets() -> None:
    """Every kind, and what waits for them."""
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    taken, _ = server.accept()
    client.sendall(b"x" * 100_000)
    client.shutdown(socket.SHUT_WR)
    received = 0
    while part := taken.recv(65536):
        received += len(part)
    say("tcp", received)
    with open("/etc/passwd", "rb") as file:
        here, there = socket.socketpair()
        size = here.sendfile(file)
        say("sendfile", size == len(there.recv(1 << 20)))
        socket.send_fds(here, [b"fd"], [file.fileno()])
        data, fds, *_ = socket.recv_fds(there, 10, 1)
        say("descriptor", (data, os.pread(fds[0], 4, 0)))
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.bind(("::1", 0))
    udp.sendto(b"datagram", udp.getsockname())
    say("udp", udp.recv(100))
    epoll = select.epoll()
    epoll.register(udp.fileno(), select.EPOLLIN)
    say("epoll", epoll.poll(0))
    say("netlink", socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).getsockname()[0] >= 0)

    async def talk() -> bytes:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readline()).upper())
            writer.close()

        listening = await asyncio.start_unix_server(answer, "socket")
        reader, writer = await asyncio.open_unix_connection("socket")
        writer.write(b"asyncio\n")
        text = await reader.read()
        writer.close()
        listening.close()
        return text

    say("asyncio", asyncio.run(talk()))


def files() -> None:
    """Files, directories, attributes, locks, maps, a database."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a").write_bytes(b"0123456789" * 1000)
        os.posix_fallocate(os.open(folder / "b", os.O_RDWR | os.O_CREAT), 0, 8192)
        shutil.copy2(folder / "a", folder / "c")
        os.rename(folder / "c", folder / "d")
        os.link(folder / "a", folder / "e")
        os.utime(folder / "a", (1, 2))
        os.chown(folder / "a", 1, 1)
        say("folder", sorted((each.name, each.stat().st_size, each.stat().st_nlink)
                             for each in os.scandir(folder)))
        with open(folder / "a", "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            with mmap.mmap(file.fileno(), 0) as area:
                area[0:5] = b"abcde"
                area.flush()
                area.madvise(mmap.MADV_DONTNEED)
            say("map", file.read(6))
            os.copy_file_range(file.fileno(), os.open(folder / "b", os.O_RDWR), 10, 0, 0)
        say("space", shutil.disk_usage(folder).total > 0)
        with contextlib.closing(sqlite3.connect(folder / "base")) as base:
            base.execute("pragma journal_mode=wal")
            base.execute("create table t(a integer, b text)")
            base.executemany("insert into t values(?, ?)", ((n, str(n)) for n in range(500)))
            base.commit()
            say("sqlite", base.execute("select sum(a), max(b) from t").fetchone())
    fd = os.memfd_create("name")
    os.ftruncate(fd, 5)
    say("memfd", os.fstat(fd).st_size)


def times_and_signals() -> None:
    """Clocks, timers, signals, limits, random bytes, the scheduler."""
    caught: list[int] = []
    signal.signal(signal.SIGALRM, lambda number, _: caught.append(number))
    # Again and again: on a busy machine the first one may come before it is waited for.
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    while not caught:
        signal.pause()
    signal.setitimer(signal.ITIMER_REAL, 0)
    say("alarm", caught[:1])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    os.kill(os.getpid(), signal.SIGUSR1)
    say("waited", signal.sigwait({signal.SIGUSR1}))
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    time.sleep(0.001)
    say("slept", time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) - before >= 1_000_000)
    say("affinity", len(os.sched_getaffinity(0)) > 0)
    os.setpriority(os.PRIO_PROCESS, 0, 5)
    say("nice", os.getpriority(os.PRIO_PROCESS, 0))
    say("random", (len(os.urandom(10)), len(os.getrandom(10)), random.Random(1).random()))
    say("usage", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0)
    say("pidfd", select.select([os.pidfd_open(os.getpid())], [], [], 0))
    libc = ctypes.CDLL(None, use_errno=True)
    say("personality", libc.personality(ctypes.c_ulong(0xFFFFFFFF)))


if __name__ == "__main__":
    for part in (threads, processes, sockets, files, times_and_signals):
        part()
    sys.exit(7)
