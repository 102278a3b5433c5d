# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the module takes: bytes, of whole slabs and pages where that can be seen.

Runs in a guest, as root, with the module loaded; slab_nomerge is on the command line."""

import _thread
import json
import subprocess
import sys
import threading
from pathlib import Path

import cells
from stock import PROFILE

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

import abi  # type: ignore[import]  # noqa: E402

TABLES, STACKS = 16, 32
VALUES = 65536
TASKS = (10, 10000)

Found = dict[tuple[str, int, str], float]
"""by scenario, n and engine"""


def _slabs() -> dict[str, tuple[int, int]]:
    """By cache: bytes of whole slabs, so that what is lost in them counts, and of objects."""
    found = {}
    for line in Path("/proc/slabinfo").read_text(encoding="ascii").splitlines()[2:]:
        words = line.split()
        found[words[0]] = int(words[5]) * int(words[14]) * 4096, int(words[1]) * int(words[3])
    return found


def _large_objects() -> int:
    """Of the kernel's caches for what is large and has no cache of its own."""
    return sum(objects for name, (_, objects) in _slabs().items()
               if name.startswith("kmalloc-") and name.endswith(("-2k", "-4k", "-8k")))


def _used() -> int:
    line = next(line for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
                if line.startswith("MemFree:"))
    return -int(line.split()[1]) * 1024


def _module() -> float:
    line = next(line for line in Path("/proc/modules").read_text(encoding="ascii").splitlines()
                if line.startswith("secmap "))
    return float(line.split()[1])


def _policies() -> Found:
    """As the module says it in INFO: what it asked for, tables left out."""
    found: Found = {}
    for engine in (cells.MAPS, cells.CBPF, cells.EBPF):
        done = subprocess.run(
            ["secmapctl", "run", "--engine", engine, "--profile", PROFILE, "--name", "measured",
             "--", "secmapctl", "--json", "policy", "list"],
            check=True, stdout=subprocess.PIPE, text=True)
        (one,) = (policy for policy in json.loads(done.stdout)["policies"]
                  if policy["name"] == "measured")
        found["memory_policy", 1, engine] = one["bytes"]
    return found


def _tables(dev: int) -> float:
    """They are large: pages that are no longer free tell it."""
    keys = range(7, 7 + 11 * VALUES, 11)
    held = [abi.table_create(dev, keys)]
    before = _used()
    held += [abi.table_create(dev, keys) for _ in range(TABLES)]
    return (_used() - before) / TABLES


def _stacks(dev: int) -> float:
    """Threads that each make one of their own, of one policy."""
    policy = abi.simple(dev, {})
    barrier = threading.Barrier(STACKS + 1)

    def attach() -> None:
        barrier.wait()
        abi.attach(dev, policy)
        barrier.wait()
        barrier.wait()

    threads = [threading.Thread(target=attach) for _ in range(STACKS)]
    for thread in threads:
        thread.start()
    before = _large_objects()
    barrier.wait()
    barrier.wait()
    each = (_large_objects() - before) / STACKS
    barrier.wait()
    for thread in threads:
        thread.join()
    return each


def _tasks(count: int) -> None:
    """Threads that share their parent's stack, and wait until the program ends."""
    blocked = _thread.allocate_lock()
    blocked.acquire()
    for _ in range(count):
        _thread.start_new_thread(blocked.acquire, ())


def measure() -> Found:
    """All of it."""
    threading.stack_size(1 << 16)
    found: Found = {("memory_module", 1, cells.MAPS): _module(), **_policies()}
    dev = abi.device()
    found["memory_table", VALUES, cells.MAPS] = _tables(dev)
    found["memory_stack", 1, cells.MAPS] = _stacks(dev)
    abi.attach(dev, abi.simple(dev, {}))
    tasks = 1
    for count in TASKS:
        _tasks(count - tasks)
        tasks = count
        found[cells.MEMORY, count, cells.MAPS] = _slabs()["secmap_carrier"][0] / count
    return found
