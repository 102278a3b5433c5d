#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""README.md says what was measured, and what is written into it is all there."""

import json
from dataclasses import asdict
from pathlib import Path

import page
import pytest
import readme
from cells import EMPTY, MAPS, NONE, STOCK, TREE, Cell, Table

TOP = Path(__file__).resolve().parents[2]


def _table() -> Table:
    figures = {NONE: 300.0, EMPTY: 363.0, STOCK: 900.0, TREE: 500.0, MAPS: 350.0}
    table = Table(Cell("6.1", name, n, engine, count, count - 300)
                  for name, n in (("podman_denied", 1), ("set_last", 16), ("set_last", 256), ("mix_find", 1))
                  for engine, count in figures.items())
    table.fill_ratios()
    return table


def test_readme_has_the_figures_that_are_committed() -> None:
    text = (TOP / "README.md").read_text(encoding="utf-8")
    table, commit, date = readme.load(TOP / readme.FIGURES)
    assert readme.replaced(text, readme.block(table, commit, date)) == text


def test_the_figures_are_on_the_first_screen() -> None:
    before = (TOP / "README.md").read_text(encoding="utf-8").partition(readme.BEGIN)[0]
    assert before.count("\n") <= 15


def test_the_plot_is_of_the_figures_that_are_committed(tmp_path: Path) -> None:
    table, _, _ = readme.load(TOP / readme.FIGURES)
    made = page.main_plot(table, table.kernels()[:1], tmp_path / "plot.svg")
    assert made and made.read_bytes() == (TOP / readme.PLOT).read_bytes()


def test_block() -> None:
    assert readme.block(_table(), "abc", "1970-01-01") == (
        "![Instructions that each engine adds to a call, Linux 6.1](docs/performance.svg)\n\n"
        "| guest instructions added to a call, Linux 6.1 | empty probe | stock seccomp | stock, binary tree | "
        "secmap MAPS | CBPF | EBPF | MAPS to stock |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|\n"
        "| podman's profile, denied call | 63 | 600 | 200 | 50 | – | – | 0.25 |\n"
        "| argument in a set of 256, the last one tested | 63 | 600 | 200 | 50 | – | – | 0.25 |\n\n"
        "All that real programs execute under podman's profile, beside stock seccomp: find, 400 files: 0.7000.\n"
        "(`make bench`, commit abc, 1970-01-01.)\n")


@pytest.mark.parametrize("text", [
    "", readme.BEGIN, readme.END, readme.END + readme.BEGIN, 2 * (readme.BEGIN + readme.END),
    readme.BEGIN + readme.END + readme.END,
])
def test_a_readme_without_its_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        readme.replaced(text, "new\n")


def test_all_else_of_a_readme_stays() -> None:
    text = f"a\n{readme.BEGIN}old\n{readme.END}b\n"
    assert readme.replaced(text, "new\n") == f"a\n{readme.BEGIN}new\n{readme.END}b\n"


def test_update(tmp_path: Path) -> None:
    """Twice the same: nothing depends on when it is done."""
    measured, top = tmp_path / "measured", tmp_path / "top"
    measured.mkdir()
    (top / "docs").mkdir(parents=True)
    (measured / "report.json").write_text(json.dumps([asdict(cell) for cell in _table().cells]))
    (measured / readme.MADE).write_text('["abc", "1970-01-01"]')
    (top / "README.md").write_text(readme.BEGIN + readme.END)
    readme.update(measured, top)
    first = {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}
    readme.update(measured, top)
    assert {path: path.read_bytes() for path in top.rglob("*") if path.is_file()} == first
    table, commit, date = readme.load(top / readme.FIGURES)
    assert (table.cells, commit, date) == (_table().cells, "abc", "1970-01-01")
    assert b"<svg" in first[top / readme.PLOT] and b"<dc:date>" not in first[top / readme.PLOT]


def test_page_needs_no_other_file(tmp_path: Path) -> None:
    page.write(_table(), "# A\n\n*b* and `c` & d\n\n## E\n\n| f | g |\n|---|--:|\n| 1 | 2 |\n", tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 2  # no stacks were measured
    assert "<em>b</em> and <code>c</code> &amp; d" in text
    assert "<td>1</td><td>2</td>" in text
    assert 'src="' not in text and "<link" not in text and "<?xml" not in text
