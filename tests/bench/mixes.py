#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Do the jobs of jobs.py under every engine in this boot, and print the cells as JSON.

Runs in a guest with -icount, started without the module."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cells
import jobs
import kmod
import memory
import stock

HERE = Path(__file__).resolve().parent
ROUNDS = 3


class Mixes:
    """One boot."""

    def __init__(self, kernel: str, names: Sequence[str]) -> None:
        self.kernel = kernel
        self.names = [name for name in jobs.JOBS if name in names]
        self._turns: dict[tuple[str, str], list[int]] = {}

    def count(self, engine: str, *held: str) -> None:
        """A few turns of every job under one engine."""
        if not self.names:
            return
        done = subprocess.run([*held, sys.executable, HERE / "jobs.py", *self.names], check=False,
                              stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"bench: jobs under {engine}: status {done.returncode}")
        for name, turns in json.loads(done.stdout).items():
            self._turns.setdefault((name, engine), []).extend(turns)

    def cells(self) -> list[cells.Cell]:
        """What a job takes is its shortest turn, for the others were interrupted more. What an engine
        adds is against the turns without a filter that were taken among its own."""
        found = []
        for (name, engine), turns in self._turns.items():
            requests = jobs.JOBS[name].requests
            least = min(turns) / requests
            free = min(self._turns[name, cells.UNFILTERED]) / requests
            found.append(cells.Cell(self.kernel, name, requests, engine, least, least - free))
            print(f"bench: {self.kernel} {name} {engine}: {turns}", file=sys.stderr)
        return found


def main() -> None:
    """Measure in an order that leaves the boot untouched for what comes first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", required=True, help="folder with the .ko files")
    parser.add_argument("--kernel", required=True, help="what the cells call this kernel")
    parser.add_argument("scenario", nargs="+")
    arguments = parser.parse_args()
    mixes = Mixes(arguments.kernel, arguments.scenario)
    jobs.prepare(mixes.names)
    with tempfile.TemporaryDirectory() as folder:
        program = {form: str(Path(folder) / form) for form in stock.FORMS}
        for form, path in program.items():
            stock.compile_profile(form, Path(path))
        time.sleep(5)
        mixes.count(cells.NONE)
        modules = Path(arguments.modules)
        kmod.load(modules, "empty")
        mixes.count(cells.EMPTY)
        subprocess.run(["rmmod", "empty"], check=True)
        kmod.load_secmap(modules)
        # In rounds: where memory lies and what is in it changes while a boot goes on, and would
        # tell apart engines that are measured one after the other. A task without a filter pays
        # nothing for the module, so it can be loaded.
        for _ in range(ROUNDS):
            mixes.count(cells.UNFILTERED)
            for form, path in program.items():
                mixes.count(form, sys.executable, str(HERE / "stock.py"), path)
            mixes.count(cells.MAPS, "secmapctl", "run", "--profile", str(stock.PROFILE), "--")
            mixes.count(cells.CBPF, "secmapctl", "run", "--cbpf", program["stock_tree"], "--")
            mixes.count(cells.EBPF, "secmapctl", "run", "--engine", "ebpf", "--profile",
                        str(stock.PROFILE), "--")
    found = mixes.cells()
    if cells.MEMORY in arguments.scenario:
        found += [cells.Cell(arguments.kernel, *key, each, each)
                  for key, each in memory.measure().items()]
    json.dump([asdict(cell) for cell in found], sys.stdout)


if __name__ == "__main__":
    main()
