#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The benchmark: its figures repeat, its report has the promised shape and adds up."""

import json
import runpy
import subprocess
from pathlib import Path

import pytest
import report
from cells import CBPF, EBPF, EMPTY, ENGINES, MAPS, MEMORY, NONE, STOCK, TREE, UNFILTERED, Cell, Table

HERE = Path(__file__).resolve().parent
RUN = runpy.run_path(str(HERE / "run"))
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


def _row(table: Table, text: str) -> list[str]:
    """Of the targets, what stands behind a text."""
    table.fill_ratios()
    (line,) = (line for line in report.write(table, "0", "1970-01-01").splitlines()
               if line.startswith(f"| {text}") and "≤" in line)
    return [field.strip() for field in line.split("|")[2:-1]]


@pytest.mark.parametrize("count,verdict", [(320.0, "met"), (320.5, "NOT MET")])
def test_targets_are_held_against_the_cells(count: float, verdict: str) -> None:
    """A target that is met exactly is met."""
    table = Table([*_cells()[:-1], Cell("6.1", "podman_denied", 1, MAPS, count, count - 300)])
    assert _row(table, "podman's profile, denied")[-1] == verdict


@pytest.mark.parametrize("count,verdict", [(400.0, "met"), (400.5, "NOT MET")])
def test_a_mix_is_held_against_all_that_stock_takes(count: float, verdict: str) -> None:
    found = [Cell("6.1", "mix_find", 1, cell.engine, cell.instructions, cell.added)
             for cell in _cells()[:-1]]
    table = Table([*found, Cell("6.1", "mix_find", 1, MAPS, count, count - 300)])
    row = _row(table, "find, 400 files, secmap MAPS")
    assert (row[2], row[-1]) == (f"{count / 400:.4f}", verdict)


def test_cbpf_is_shown_where_it_is_dearest() -> None:
    found = [Cell("6.1", "set_last", n, engine, 300 + added, added)
             for n, stock, cbpf in ((1, 100, 90), (16, 200, 201), (64, 400, 380))
             for engine, added in ((STOCK, stock), (CBPF, cbpf))]
    row = _row(Table(found), "CBPF, the call for which it is dearest")
    assert (row[2], row[-1]) == ("1.005", "NOT MET")


def test_attaching_and_tasks_are_told_apart_from_calls() -> None:
    """They have targets of their own: what stock adds to a process is little, and says little."""
    found = [Cell("6.1", scenario, 1, engine, total + added, added)
             for scenario, total, stock, cbpf in (("set_last", 300, 100, 90), ("fork_exit", 10**6, 100, 900),
                                                  ("attach", 0, 1000, 1001))
             for engine, added in ((STOCK, stock), (CBPF, cbpf))]
    table = Table(found)
    assert _row(table, "CBPF, the call for which it is dearest")[-1] == "met"
    assert _row(table, "fork and exit, secmap CBPF")[2] == "1.0008"
    assert _row(table, "podman's profile made a policy and attached, secmap CBPF")[-1] == "NOT MET"


def test_what_was_not_measured_has_no_target() -> None:
    assert "## Targets" not in report.write(Table([]), "0", "1970-01-01")


def test_every_target_is_about_a_scenario_with_a_text() -> None:
    assert {target.scenario for target in report.TARGETS} <= report.SCENARIOS.keys()


@pytest.mark.parametrize("scenario,other,found", [
    ("plain_allow", 1001.0, 0), ("plain_allow", 1001.1, 1), ("set_mean", 1001.0, 0),
    ("set_mean", 1001.1, 1), ("mix_git", 1010.0, 0), ("mix_git", 1010.1, 1),
    ("memory_stack", 1020.0, 0), ("memory_stack", 1020.1, 1), ("mix_find", 1030.0, 0),
    ("mix_find", 1030.1, 1), ("fork_exit", 1002.0, 0), ("fork_exit", 1002.1, 1),
    ("thread", 1020.0, 0), ("thread", 1020.1, 1), ("notify", 1001.0, 0), ("notify", 1001.1, 1),
])
def test_how_far_two_boots_may_differ(scenario: str, other: float, found: int) -> None:
    one, two = ([Cell("6.1", scenario, 1, MAPS, count, count)] for count in (1000.0, other))
    assert len(RUN["differences"](one, two)) == found
    assert len(RUN["differences"](one, [])) == 1


def test_real_programs(tmp_path: Path) -> None:
    """Under every engine, in one boot. That secmap takes less is not for a test to say that runs beside others."""
    done = subprocess.run(
        [HERE / "run", "--kernel", "6.1", "--output", tmp_path, "--scenario", "mix_find"],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    cells = {cell["engine"]: cell for cell in json.loads((tmp_path / "report.json").read_text(encoding="ascii"))}
    assert cells.keys() == set(ENGINES)
    assert all(cell["scenario"] == "mix_find" and cell["n"] == 1 for cell in cells.values())
    free = cells[NONE]["instructions"]
    # Some thousand calls, of which each is a few thousand instructions; a filter is no large part of that.
    assert free > 1e6
    assert all(abs(cell["added"]) < free / 10 for cell in cells.values())
    # A task without a filter is what the others are held against; stock adds more than turns differ by.
    assert cells[UNFILTERED]["added"] == 0 < cells[STOCK]["added"]
    assert "<svg" not in (tmp_path / "report.html").read_text(encoding="utf-8")


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
