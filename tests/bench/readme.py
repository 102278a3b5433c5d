# SPDX-License-Identifier: LGPL-2.1-or-later
"""The figures in README.md: made from cells that are committed beside them, never typed in."""

import json
from dataclasses import asdict
from pathlib import Path

import page
import report
from cells import CBPF, EBPF, EMPTY, MAPS, MEMORY, MIX, STOCK, TREE, UNFILTERED, Cell, Table

MADE = "made.json"
"""in the folder of report.json: commit and date"""
FIGURES, PLOT = "docs/performance.json", "docs/performance.svg"
BEGIN, END = "<!-- bench:begin -->\n", "<!-- bench:end -->\n"

_ROWS = (("podman_allow", 1), ("podman_argument", 1), ("podman_denied", 1), ("set_last", 256),
         ("set_absent", 256), ("stack_plain", 16), ("stack_argument", 16))
_COLUMNS = {EMPTY: "empty probe", STOCK: "stock seccomp", TREE: "stock, binary tree",
            MAPS: "secmap MAPS", CBPF: "CBPF", EBPF: "EBPF"}


def _added(cell: Cell | None) -> str:
    return "–" if cell is None else f"{cell.added:.0f}"


def _table(table: Table, kernel: str) -> list[str]:
    lines = [f"| guest instructions added to a call, Linux {kernel} | "
             + " | ".join(_COLUMNS.values()) + " | MAPS to stock |",
             "|---|" + "--:|" * (len(_COLUMNS) + 1)]
    for place in _ROWS:
        maps = table.get(kernel, *place, MAPS)
        if maps is None:
            continue
        ratio = "–" if maps.ratio_to_stock is None else f"{maps.ratio_to_stock:.2f}"
        fields = [page.name_of(*place),
                  *(_added(table.get(kernel, *place, engine)) for engine in _COLUMNS), ratio]
        lines.append("| " + " | ".join(fields) + " |")
    return lines


def _sentences(table: Table, kernel: str) -> list[str]:
    found = []
    mixes = [(cell, ratio) for cell in table.cells
             if (cell.kernel, cell.engine) == (kernel, MAPS) and cell.scenario.startswith(MIX)
             and (ratio := report.of_stock(table, cell)) is not None]
    if mixes:
        found.append("All that real programs execute under podman's profile, beside stock seccomp: " + "; ".join(
            f"{report.SCENARIOS[cell.scenario]}: {ratio:.4f}" for cell, ratio in mixes) + ".")
    if unfiltered := table.get(kernel, "plain_allow", 1, UNFILTERED):
        found.append(f"A call of an unfiltered task costs {unfiltered.added:.0f} more while the module is loaded.")
    memory = max((cell for cell in table.cells if (cell.kernel, cell.scenario) == (kernel, MEMORY)),
                 key=lambda cell: cell.n, default=None)
    if memory:
        found.append(f"A filtered task that shares its filters takes {memory.added:.0f} bytes, "
                     f"one of {memory.n:,}.")
    return found


def block(table: Table, commit: str, date: str) -> str:
    """What stands between the two marks."""
    kernel = table.kernels()[0]
    return "\n".join([
        f"![Instructions that each engine adds to a call, Linux {kernel}]({PLOT})", "",
        *_table(table, kernel), "", *_sentences(table, kernel),
        f"(`make bench`, commit {commit}, {date}.)"]) + "\n"


def replaced(text: str, new: str) -> str:
    """README.md with another block; it has one already."""
    before, begin, rest = text.partition(BEGIN)
    old, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in old + after or END in after:
        raise ValueError(f"README.md does not have {BEGIN.strip()} and {END.strip()} once each")
    return before + begin + new + end + after


def load(figures: Path) -> tuple[Table, str, str]:
    """What was committed: cells, commit, date."""
    document = json.loads(figures.read_text(encoding="utf-8"))
    return page.read(document["cells"]), document["commit"], document["date"]


def update(measured: Path, top: Path) -> None:
    """Take over what was measured: the cells, the plot, the block."""
    table = page.read(json.loads((measured / "report.json").read_text(encoding="ascii")))
    commit, date = json.loads((measured / MADE).read_text(encoding="ascii"))
    text = replaced((top / "README.md").read_text(encoding="utf-8"), block(table, commit, date))
    # One cell a line, so that a change can be read.
    cells = ",\n".join(json.dumps(asdict(cell)) for cell in table.cells)
    page.main_plot(table, table.kernels()[:1], top / PLOT)
    (top / FIGURES).write_text(
        f'{{"commit": {json.dumps(commit)}, "date": {json.dumps(date)}, "cells": [\n{cells}\n]}}\n',
        encoding="ascii")
    (top / "README.md").write_text(text, encoding="utf-8")
