#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measure every scenario under every engine in this boot, and print the cells as JSON.

Runs in a guest with -icount, started without the module."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import cells
from scenarios import EPERM, PODMAN, SCENARIOS, Call, Scenario

TASKS = 1000
POLICIES = 64
"""so many that the mean over them repeats to a fraction of an instruction"""


class Bench:
    """One boot."""

    def __init__(self, arguments: argparse.Namespace, profiles: Path) -> None:
        self.calls: str = arguments.calls
        self.kernel: str = arguments.kernel
        self.modules = Path(arguments.modules)
        self.profiles = profiles
        self.scenarios = [scenario for scenario in SCENARIOS
                          if not arguments.scenario or scenario.name in arguments.scenario]
        self.cells: list[cells.Cell] = []
        self.counts: dict[tuple[str, Call], float] = {}

    def _count(self, call: Call, *options: str) -> tuple[float, int]:
        done = subprocess.run(
            [self.calls, "--number", str(call.number), *options,
             "--first", ",".join(map(str, call.values))],
            check=False, stdout=subprocess.PIPE, text=True,
        )
        if done.returncode != 0:
            sys.exit(f"bench: {call} {' '.join(options)}: status {done.returncode}")
        count, returned = done.stdout.split()
        return float(count), int(returned)

    def _profile(self, scenario: Scenario) -> str:
        if isinstance(scenario.profile, str):
            return scenario.profile
        path = self.profiles / f"{scenario.name}-{scenario.n}.json"
        path.write_text(json.dumps(scenario.profile), encoding="ascii")
        return str(path)

    def warm_up(self) -> None:
        """Have the program read what it reads when it first starts."""
        for scenario in self.scenarios:
            self._count(scenario.call)

    def unfiltered(self, engine: str) -> None:
        """Every call without a filter, with what the machine has loaded now."""
        for scenario in self.scenarios:
            call = scenario.call
            if (engine, call) not in self.counts:
                self.counts[engine, call], _ = self._count(call)
            self._add(scenario, engine, self.counts[engine, call])

    def _policy(self, scenario: Scenario, engine: str) -> list[str]:
        """What tells the program that counts which policy is meant."""
        if engine != cells.EBPF:
            return ["--profile", self._profile(scenario)]
        path = self.profiles / f"{scenario.name}-{scenario.n}.values"
        path.write_text(" ".join(map(str, scenario.members)), encoding="ascii")
        return ["--program", scenario.program, "--members", str(path)]

    def filtered(self, engine: str, how: str) -> None:
        """Every scenario under its policy."""
        tables = engine in (cells.MAPS, cells.EBPF)
        for scenario in self.scenarios:
            if not (scenario.program if engine == cells.EBPF else scenario.profiled):
                continue
            ordered = scenario.dearest and not tables
            calls = scenario.dearest_of() if ordered else [scenario.call]
            policies = POLICIES if scenario.hashed and tables else 1
            found = []
            for call in calls:
                count, returned = self._count(
                    call, "--engine", how, *self._policy(scenario, engine),
                    "--depth", str(scenario.depth), "--policies", str(policies))
                if (returned == -EPERM) if scenario.errno == 0 else (returned != -scenario.errno):
                    sys.exit(f"bench: {scenario.name} {scenario.n}, {engine}: "
                             f"{call} returned {returned}")
                found.append(count)
            self._add(scenario, engine, max(found))

    def _add(self, scenario: Scenario, engine: str, count: float) -> None:
        floor = self.counts[cells.NONE, scenario.call]
        self.cells.append(cells.Cell(self.kernel, scenario.name, scenario.n, engine, count,
                                     count - floor))

    def load(self, name: str) -> None:
        """Load one of our modules."""
        subprocess.run(["insmod", str(self.modules / f"{name}.ko")], check=True)

    def memory(self) -> None:
        """Bytes that each of many tasks with one stack takes in the module's cache."""
        before = _slab_bytes("secmap_carrier")
        with subprocess.Popen(
            [self.calls, "--engine", "maps", "--profile", PODMAN,
             "--tasks", str(TASKS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as holder:
            assert holder.stdout and holder.stdin
            if holder.stdout.readline() != "ready\n":
                sys.exit("bench: the filtered tasks did not start")
            each = (_slab_bytes("secmap_carrier") - before) / (TASKS + 1)
            holder.stdin.close()
        self.cells.append(cells.Cell(self.kernel, cells.MEMORY, TASKS, cells.MAPS, each, each))


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
    parser.add_argument("--calls", required=True, help="the program that counts")
    parser.add_argument("--modules", required=True, help="folder with the .ko files")
    parser.add_argument("--kernel", required=True, help="what the cells call this kernel")
    parser.add_argument("--scenario", action="append", help="only these")
    arguments = parser.parse_args()
    # How the counting children end is not worth a line of the kernel's log each.
    Path("/proc/sys/debug/exception-trace").write_text("0\n", encoding="ascii")
    with tempfile.TemporaryDirectory() as profiles:
        bench = Bench(arguments, Path(profiles))
        # Threads of the boot, and what the first start of each program reads.
        time.sleep(5)
        bench.warm_up()
        bench.unfiltered(cells.NONE)
        bench.filtered(cells.STOCK, "stock")
        bench.filtered(cells.TREE, "tree")
        bench.load("empty")
        bench.unfiltered(cells.EMPTY)
        subprocess.run(["rmmod", "empty"], check=True)
        bench.load("secmap")
        bench.unfiltered(cells.UNFILTERED)
        bench.filtered(cells.MAPS, "maps")
        bench.filtered(cells.CBPF, "cbpf")
        bench.filtered(cells.EBPF, "ebpf")
        bench.memory()
    json.dump([asdict(cell) for cell in bench.cells], sys.stdout)


if __name__ == "__main__":
    main()
