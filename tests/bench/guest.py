#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measure every scenario under every engine in this boot, and print the cells as JSON.

Runs in a guest with -icount, started without the module."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cells
import kmod
import scenarios

PODMAN = "/usr/share/containers/seccomp.json"
TASKS = 1000
MADE = ("fork_exit", "thread", "attach", "attach_create", "attach_made", "replace", "replace_set", "build_table",
        "notify")
"""more than a call: what it costs depends on where memory lies, and what is free of it"""

HOLDER = """
import os, signal, sys
tasks = []
for _ in range(int(sys.argv[1])):
    tasks.append(os.fork())
    if not tasks[-1]:
        signal.pause()
print("ready", flush=True)
sys.stdin.read()
for each in tasks:
    os.kill(each, signal.SIGKILL)
"""
"""holds so many tasks until its standard input ends"""


class Bench:
    """One boot."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.tool: str = arguments.tool
        self.kernel: str = arguments.kernel
        self.modules = Path(arguments.modules)
        names = arguments.scenario or scenarios.NAMES
        self.calls = [name for name in names if name not in MADE]
        self.made = [name for name in names if name in MADE]
        self.cells: list[cells.Cell] = []
        self.floor: dict[tuple[str, int], float] = {}

    def _measure(self, names: Sequence[str], *engines: str,
                 options: Sequence[str] = ()) -> list[dict[str, Any]]:
        if not names:
            return []
        done = subprocess.run(
            [self.tool, "--json", "bench", "--instructions", *options,
             *(f"--scenario={name}" for name in names),
             *(f"--engine={engine}" for engine in engines)],
            check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"bench: {' '.join(engines)}: status {done.returncode}")
        found: list[dict[str, Any]] = json.loads(done.stdout)["bench"]["cells"]
        for cell in found:
            if cell["missing"]:
                # What an engine cannot do has no cell; it is said, once.
                print(f"bench: {cell['scenario']} {cell['n']}, {cell['engine']}: {cell['missing']}",
                      file=sys.stderr)
        return [cell for cell in found if not cell["missing"]]

    def warm_up(self) -> None:
        """Have the program read what it reads when it first starts."""
        self._measure(self.calls, "none", options=["--calls=8", "--rounds=1"])

    def unfiltered(self, engine: str) -> None:
        """Everything without a filter, with what the machine has loaded now."""
        for cell in self._measure(self.calls, "none"):
            if engine == cells.NONE:
                self.floor[cell["scenario"], cell["n"]] = cell["figure"]
            self._add(cell, engine)

    def filtered(self, *engines: str) -> None:
        """Every scenario under its policy."""
        for cell in self._measure(self.calls, *engines):
            if cell["engine"] in engines:
                self._add(cell, cell["engine"])

    def making(self) -> None:
        """All engines in one process, for these differ from one to the next. What is added is added to
        a task without a filter, with the module loaded."""
        found = self._measure(self.made, cells.STOCK, cells.TREE, cells.MAPS, cells.CBPF,
                              cells.EBPF)
        for cell in found:
            if cell["engine"] == cells.UNFILTERED:
                self.floor[cell["scenario"], cell["n"]] = cell["figure"]
        for cell in found:
            self._add(cell, cell["engine"])

    def _add(self, cell: dict[str, Any], engine: str) -> None:
        count = cell["figure"]
        floor = self.floor.get((cell["scenario"], cell["n"]), 0.0)
        self.cells.append(cells.Cell(self.kernel, cell["scenario"], cell["n"], engine, count,
                                     count - floor))

    def memory(self) -> None:
        """Bytes that each of many tasks with one stack takes in the module's cache."""
        before = _empty_slab("secmap_carrier")
        with subprocess.Popen(
            [self.tool, "run", "--profile", PODMAN, "--", sys.executable, "-c", HOLDER, str(TASKS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as holder:
            assert holder.stdout and holder.stdin
            if holder.stdout.readline() != "ready\n":
                sys.exit("bench: the filtered tasks did not start")
            each = (_slab_bytes("secmap_carrier") - before) / (TASKS + 1)
            holder.stdin.close()
        self.cells.append(cells.Cell(self.kernel, cells.MEMORY, TASKS, cells.MAPS, each, each))


def _empty_slab(name: str) -> int:
    """What is left when what was freed has gone back to the kernel: or the next ones would lie in
    it, and seem to take nothing."""
    time.sleep(1)
    Path("/sys/kernel/slab", name, "shrink").write_text("1", encoding="ascii")
    return _slab_bytes(name)


def _slab_bytes(name: str) -> int:
    """Whole slabs, so that what is lost in them counts."""
    for line in Path("/proc/slabinfo").read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[0] == name:
            pages_a_slab, slabs = int(words[5]), int(words[14])
            return pages_a_slab * slabs * 4096
    sys.exit(f"bench: /proc/slabinfo has no {name}; is slab_nomerge on the command line?")


def main() -> None:
    """Measure in an order that leaves the boot untouched for what comes first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, help="secmapctl")
    parser.add_argument("--modules", required=True, help="folder with the .ko files")
    parser.add_argument("--kernel", required=True, help="what the cells call this kernel")
    parser.add_argument("--scenario", action="append", help="only these")
    bench = Bench(parser.parse_args())
    # Threads of the boot, and what the first start of each program reads.
    time.sleep(5)
    bench.warm_up()
    bench.unfiltered(cells.NONE)
    bench.filtered(cells.STOCK, cells.TREE)
    kmod.load(bench.modules, "empty")
    bench.unfiltered(cells.EMPTY)
    subprocess.run(["rmmod", "empty"], check=True)
    kmod.load_secmap(bench.modules)
    bench.unfiltered(cells.UNFILTERED)
    # Before the large tables of the sets have come and gone.
    bench.making()
    bench.filtered(cells.MAPS, cells.CBPF, cells.EBPF)
    bench.memory()
    json.dump([asdict(cell) for cell in bench.cells], sys.stdout)


if __name__ == "__main__":
    main()
