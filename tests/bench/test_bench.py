#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The benchmark: its figures repeat, its report has the promised shape and adds up."""

import json
import subprocess
from pathlib import Path

import pytest
import report
from cells import CBPF, EBPF, EMPTY, ENGINES, MAPS, MEMORY, NONE, STOCK, TREE, Cell, Table

HERE = Path(__file__).resolve().parent
KEYS = {"kernel", "scenario", "n", "engine", "instructions", "added", "ratio_to_stock"}


def _cells() -> list[Cell]:
    figures = {NONE: 300.0, STOCK: 500.0, TREE: 400.0, MAPS: 350.0}
    return [Cell("6.1", "podman_denied", 1, engine, count, count - 300)
            for engine, count in figures.items()]


def test_ratio_is_to_the_better_stock_filter() -> None:
    """As container runtimes use the tree where it helps."""
    table = Table(_cells())
    table.fill_ratios()
    cell = table.get("6.1", "podman_denied", 1, MAPS)
    assert cell and cell.ratio_to_stock == 0.5


@pytest.mark.parametrize("count,verdict", [(350.0, "met"), (351.0, "NOT MET")])
def test_targets_are_held_against_the_cells(count: float, verdict: str) -> None:
    """A target that is met exactly is met."""
    table = Table([*_cells()[:-1], Cell("6.1", "podman_denied", 1, MAPS, count, count - 300)])
    table.fill_ratios()
    text = report.write(table, "0", "1970-01-01")
    (line,) = (line for line in text.splitlines() if "of stock |" in line)
    assert line.split("|")[-2].strip() == verdict


def test_two_boots_agree(tmp_path: Path) -> None:
    """To one instruction a call; a hash set, which chance lays out, included."""
    done = subprocess.run(
        [HERE / "run", "--kernel", "6.1", "--check", "--output", tmp_path,
         *(f"--scenario={name}" for name in ("plain_allow", "podman_argument", "podman_denied"))],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    cells = json.loads((tmp_path / "report.json").read_text(encoding="ascii"))
    assert all(cell.keys() == KEYS for cell in cells)
    measured = {(cell["scenario"], cell["engine"]) for cell in cells}
    assert len(measured) == len(cells)
    assert measured == {(name, engine) for engine in ENGINES for name in
                        ("plain_allow", "podman_argument", "podman_denied")} | {(MEMORY, MAPS)}
    added = {(cell["scenario"], cell["engine"]): cell["added"] for cell in cells}
    assert 0 < added["plain_allow", EMPTY] < added["plain_allow", MAPS]
    # Programs are not run where it is known what they say.
    for engine in (CBPF, EBPF):
        assert abs(added["plain_allow", engine] - added["plain_allow", MAPS]) <= 3
    assert added["podman_denied", CBPF] <= added["podman_denied", MAPS] + 3
