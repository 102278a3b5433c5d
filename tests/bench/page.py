# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plots of the cells, and a page with all of them. The same cells make the same files."""

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib  # type: ignore[import]
import report
from cells import CBPF, EBPF, EMPTY, MAPS, STOCK, TREE, Cell, Table

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "secmap", "svg.fonttype": "none", "font.size": 9})

from matplotlib import pyplot  # noqa: E402

_BEST = "better stock"
_SERIES = {_BEST: ("seccomp(2)", "#9a9a9a"), MAPS: ("secmap MAPS", "#1b6ca8"),
           CBPF: ("secmap CBPF", "#7fb069"), EBPF: ("secmap EBPF", "#e07a1f")}
_FLOOR = ("empty probe", "#c0392b")

_BARS = (("plain_allow", 1), ("podman_allow", 1), ("podman_argument", 1), ("podman_denied", 1),
         ("podman_unknown", 1), ("deny_list", 4), ("set_last", 256), ("set_absent", 256),
         ("stack_plain", 16), ("stack_argument", 16), ("stack_denied", 16))
_LINES = {"sets": (("set_last", "set_mean", "set_absent"), "values in the set", True),
          "stacks": (("stack_plain", "stack_argument", "stack_denied"), "filters in the stack", False)}


def _added(table: Table, kernel: str, scenario: str, n: int, engine: str) -> float | None:
    wanted = (STOCK, TREE) if engine == _BEST else (engine,)
    found = [table.get(kernel, scenario, n, one) for one in wanted]
    return min((cell.added for cell in found if cell), default=None)


def name_of(scenario: str, n: int) -> str:
    """A scenario in words, with its n."""
    return re.sub(r"\bn\b", f"{n:,}", report.SCENARIOS.get(scenario, scenario))


def _save(figure: "pyplot.Figure", path: Path) -> Path:
    figure.savefig(path, metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    pyplot.close(figure)
    return path


def _legend(figure: "pyplot.Figure", handles: Sequence[object], labels: Sequence[str]) -> None:
    figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.0), frameon=False,
                  ncol=len(labels))


def main_plot(table: Table, kernels: Sequence[str], path: Path) -> Path | None:
    """What each engine adds to a call, scenario by scenario, and the floor beside it."""
    places = [place for place in _BARS
              if any(table.get(kernel, *place, MAPS) for kernel in kernels)]
    if not places:
        return None
    figure, axes = pyplot.subplots(1, len(kernels), sharey=True, squeeze=False,
                                   figsize=(3 + 4.5 * len(kernels), 1.2 + 0.62 * len(places)))
    height = 0.8 / len(_SERIES)
    for axis, kernel in zip(axes[0], kernels, strict=True):
        for turn, (engine, (label, colour)) in enumerate(_SERIES.items()):
            bars = [(row - 0.4 + (turn + 0.5) * height, added) for row, place in enumerate(places)
                    if (added := _added(table, kernel, *place, engine)) is not None]
            drawn = axis.barh([at for at, _ in bars], [added for _, added in bars], height * 0.92,
                              label=label, color=colour)
            axis.bar_label(drawn, fmt="%.0f", padding=2, fontsize=7)
        floors = [(row, floor) for row, place in enumerate(places)
                  if (floor := _added(table, kernel, *place, EMPTY)) is not None]
        axis.vlines([floor for _, floor in floors], [row - 0.45 for row, _ in floors],
                    [row + 0.45 for row, _ in floors], colors=_FLOOR[1], label=_FLOOR[0], linewidth=1)
        axis.set_yticks(range(len(places)), [name_of(*place) for place in places])
        axis.set_title(f"Linux {kernel}: instructions added to a call")
        axis.margins(x=0.12)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].invert_yaxis()
    figure.tight_layout()
    _legend(figure, *axes[0][0].get_legend_handles_labels())
    return _save(figure, path)


def _series(table: Table, kernel: str, scenario: str, engine: str) -> list[tuple[int, float]]:
    """What an engine adds, by n."""
    places = sorted({cell.n for cell in table.cells
                     if (cell.kernel, cell.scenario) == (kernel, scenario)})
    return [(n, added) for n in places
            if (added := _added(table, kernel, scenario, n, engine)) is not None]


def line_plot(table: Table, kind: str, path: Path) -> Path | None:
    """How the cost grows with n."""
    wanted, label, logarithmic = _LINES[kind]
    kernels = table.kernels()
    names = [name for name in wanted
             if len({cell.n for cell in table.cells if cell.scenario == name}) > 1]
    if not names:
        return None
    figure, axes = pyplot.subplots(len(kernels), len(names), squeeze=False, sharey=True,
                                   figsize=(4.2 * len(names), 3.2 * len(kernels)))
    for row, kernel in enumerate(kernels):
        for column, name in enumerate(names):
            axis = axes[row][column]
            for engine, (text, colour) in (*_SERIES.items(), (EMPTY, _FLOOR)):
                if points := _series(table, kernel, name, engine):
                    axis.plot(*zip(*points, strict=True), label=text, color=colour,
                              marker="" if engine == EMPTY else ".")
            if logarithmic:
                axis.set_xscale("log")
            axis.set_title(f"Linux {kernel}: {report.SCENARIOS[name]}", fontsize=8)
            axis.set_xlabel(label)
            axis.set_ylim(bottom=0)
            axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("instructions added to a call")
    figure.tight_layout()
    drawn = {label: handle for row in axes for axis in row
             for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    _legend(figure, list(drawn.values()), list(drawn))
    return _save(figure, path)


def _inline(text: str) -> str:
    text = re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, quote=False))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)


def _row(line: str, kind: str) -> str:
    fields = [field.strip() for field in line.strip().strip("|").split("|")]
    return "<tr>" + "".join(f"<{kind}>{_inline(field)}</{kind}>" for field in fields) + "</tr>"


def _body(text: str) -> str:
    """Headings, tables and paragraphs, of which the report is made."""
    found = []
    for part in text.strip().split("\n\n"):
        lines = part.split("\n")
        if marks := re.match(r"(#+) (.*)", part):
            found.append(f"<h{len(marks[1])}>{_inline(marks[2])}</h{len(marks[1])}>")
        elif part.startswith("|"):
            rows = [_row(line, "td") for line in lines[2:]]
            found.append("\n".join(["<table>", _row(lines[0], "th"), *rows, "</table>"]))
        else:
            found.append(f"<p>{_inline(part)}</p>")
    return "\n".join(found)


_STYLE = """body { font-family: sans-serif; margin: 2em; max-width: 90em }
table { border-collapse: collapse; font-size: 85% } td, th { padding: .2em .6em; border-bottom: 1px solid #ddd }
td { text-align: right } td:first-child, th:first-child { text-align: left } svg { max-width: 100%; height: auto }"""


def page(text: str, plots: Mapping[str, str]) -> str:
    """The report with its plots behind the first paragraph; it needs no other file."""
    head, _, rest = text.partition("\n\n## ")
    # What precedes the picture itself is for files that stand alone.
    drawn = "\n".join(f'<figure id="{name}">{svg[svg.index("<svg"):]}</figure>'
                      for name, svg in plots.items())
    body = "\n".join([_body(head), drawn, _body(f"## {rest}") if rest else ""])
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<title>What a system call costs</title>\n<style>{_STYLE}</style></head>\n"
            f"<body>\n{body}\n</body></html>\n")


def write(table: Table, text: str, folder: Path) -> None:
    """All plots for which there are cells, and the page."""
    made = [main_plot(table, table.kernels(), folder / "calls.svg"),
            *(line_plot(table, kind, folder / f"{kind}.svg") for kind in _LINES)]
    plots = {path.stem: path.read_text(encoding="utf-8") for path in made if path}
    (folder / "report.html").write_text(page(text, plots), encoding="utf-8")


def read(cells: Sequence[Mapping[str, object]]) -> Table:
    """What report.json holds."""
    return Table(Cell(**cell) for cell in cells)  # type: ignore[arg-type]
