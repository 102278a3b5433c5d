# SPDX-License-Identifier: LGPL-2.1-or-later
"""The report for people: tables, and what the project has promised held against the cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cells import (
    BYTES,
    CBPF,
    EBPF,
    EMPTY,
    MAPS,
    MEMORY,
    MIX,
    NONE,
    STOCK,
    TREE,
    UNFILTERED,
    Cell,
    Table,
)
from jobs import JOBS

OF_STOCK, OF_TOTAL, OF_FLOOR = "of stock", "of stock's total", "of the empty probe"
COUNT, SIZE, MORE = "instructions", "bytes", "more than MAPS"

_COLUMNS = {UNFILTERED: "unfiltered task", EMPTY: "empty probe", STOCK: "stock",
            TREE: "stock, tree", MAPS: "secmap MAPS", CBPF: "secmap CBPF", EBPF: "secmap EBPF"}


@dataclass(frozen=True)
class Target:
    """A bound on a figure of one cell of secmap's."""

    text: str
    scenario: str
    n: int
    unit: str
    bound: float
    engine: str = MAPS
    kernel: str = ""
    """on which it was promised; every one, if none is named"""

    def figure(self, table: Table, kernel: str) -> float | None:
        """What is bounded; None: a cell for it is not there."""
        if self.kernel not in ("", kernel):
            return None
        cell = table.get(kernel, self.scenario, self.n, self.engine)
        if not cell:
            return None
        if self.unit == OF_STOCK:
            return cell.ratio_to_stock
        if self.unit == OF_TOTAL:
            stock = table.stock_total(cell)
            return cell.instructions / stock if stock else None
        if self.unit in (OF_FLOOR, MORE):
            other = table.get(kernel, self.scenario, self.n, EMPTY if self.unit == OF_FLOOR else MAPS)
            if not other:
                return None
            return cell.added / other.added if self.unit == OF_FLOOR else cell.added - other.added
        return cell.added


def _each(text: str, scenario: str, n: int, unit: str, bound: float) -> tuple[Target, ...]:
    """The same bound for every engine."""
    return tuple(Target(f"{text}, {_COLUMNS[engine]}", scenario, n, unit, bound, engine)
                 for engine in (MAPS, CBPF, EBPF))


def _targets() -> tuple[Target, ...]:
    return (
        Target("unfiltered task", "plain_allow", 1, COUNT, 1, UNFILTERED),
        *_each("plainly allowed", "plain_allow", 1, OF_STOCK, 0.60),
        *_each("plainly allowed", "plain_allow", 1, OF_FLOOR, 1.35),
        Target("podman's profile, allowed", "podman_allow", 1, OF_STOCK, 0.65),
        Target("podman's profile, allowed by its argument", "podman_argument", 1, OF_STOCK, 0.65),
        Target("podman's profile, denied", "podman_denied", 1, OF_STOCK, 0.20),
        Target("denied by a list of 4", "deny_list", 4, OF_STOCK, 0.20),
        Target("set of 256, the last one tested", "set_last", 256, OF_STOCK, 0.15),
        Target("set of 256, the last one tested, eBPF", "set_last", 256, OF_STOCK, 0.25, EBPF),
        Target("16 filters, argument", "stack_argument", 16, OF_STOCK, 0.15),
        Target("16 filters, plainly allowed", "stack_plain", 16, OF_STOCK, 0.65),
        *_each("fork and exit", "fork_exit", 1, OF_TOTAL, 1.05),
        *_each("thread made and joined", "thread", 1, OF_TOTAL, 1.05),
        *_each("podman's profile made a policy and attached", "attach", 1, OF_STOCK, 1.0),
        *(target for name, job in JOBS.items()
          for target in _each(SCENARIOS[name], name, job.requests, OF_TOTAL, 1.0)),
        Target("eBPF, one bitmap", "bits_mean", 22, COUNT, 150, EBPF, "6.1"),
        Target("eBPF, hash map of 256", "set_mean", 256, COUNT, 175, EBPF, "6.1"),
        Target("eBPF, hash map of 65,536", "set_mean", 65536, COUNT, 175, EBPF, "6.1"),
        *_each("podman's profile replaced: 1 ms at 1 ns each", "replace", 1, COUNT, 1_000_000),
        Target("filtered task, of 10,000", MEMORY, 10000, SIZE, 200),
    )


SCENARIOS = {
    "plain_allow": "policy of one allowed call, made",
    "podman_allow": "podman's profile, allowed call",
    "podman_argument": "podman's profile, call allowed by its argument",
    "podman_denied": "podman's profile, denied call",
    "podman_unknown": "podman's profile, call that it does not name",
    "deny_list": "n denied calls, one of them made",
    "set_first": "argument in a set of n, the first one tested",
    "set_last": "argument in a set of n, the last one tested",
    "set_mean": "argument in a set of n, mean over the set",
    "set_absent": "argument not in a set of n",
    "bits_mean": "argument in a set of n small numbers, mean over the set",
    "stack_plain": "n filters on top of each other, allowed call",
    "stack_argument": "n filters on top of each other, call allowed by its argument",
    "stack_denied": "n filters on top of each other, denied call",
    "fork_exit": "fork, _exit and waitpid under podman's profile",
    "thread": "pthread_create and pthread_join under podman's profile",
    "attach": "podman's profile made a policy and attached; stock: loaded",
    "attach_create": "podman's profile made a policy",
    "attach_made": "a policy of podman's profile attached",
    "replace": "a policy of podman's profile replaced by another, in one task",
    "replace_set": "a policy with a table of n values replaced by another, in one task",
    "build_table": "a table of n values made",
    "notify": "call that a thread of the process answers",
    "mix_nginx": "nginx and ab, a request",
    "mix_redis": "redis and redis-benchmark, a query",
    "mix_git": "git log -p --stat",
    "mix_compile": "gcc, one program",
    "mix_find": "find, 400 files",
    "memory_module": "the module",
    "memory_policy": "podman's profile as a policy",
    "memory_table": "a hash table of n values",
    "memory_stack": "a stack of one policy, without it",
    MEMORY: "a filtered task, of n with one stack",
}


TARGETS = _targets()


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _ratio(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def of_stock(table: Table, cell: Cell | None) -> float | None:
    """All that it takes, beside all that it takes with stock seccomp."""
    stock = table.stock_total(cell) if cell else None
    return cell.instructions / stock if cell and stock else None


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned, so that it can be read as it is, too."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["| " + " | ".join(
        text.ljust(width) if place == 0 else text.rjust(width)
        for place, (text, width) in enumerate(zip(row, widths, strict=True))) + " |"
        for row in rows]
    rule = [("-" * width) if place == 0 else ("-" * (width - 1) + ":")
            for place, width in enumerate(widths)]
    return [lines[0], "| " + " | ".join(rule) + " |", *lines[1:]]


def _places(table: Table, kernel: str, wanted: Callable[[str], bool]) -> list[tuple[str, int]]:
    return list(dict.fromkeys((cell.scenario, cell.n) for cell in table.cells
                              if cell.kernel == kernel and wanted(cell.scenario)))


def _of(table: Table, kernel: str, scenario: str, n: int) -> dict[str, Cell | None]:
    return {engine: table.get(kernel, scenario, n, engine) for engine in (NONE, *_COLUMNS)}


def _costs(table: Table, kernel: str) -> list[str]:
    rows = [["", "n", "no filter", *_COLUMNS.values(), "ratio to stock"]]
    for scenario, n in _places(table, kernel, lambda name: not name.startswith((MIX, BYTES))):
        of = _of(table, kernel, scenario, n)
        base, maps = of[NONE], of[MAPS]
        rows.append([
            SCENARIOS.get(scenario, scenario), str(n), _number(base.instructions if base else None),
            *(_number(cell.added if (cell := of[engine]) else None) for engine in _COLUMNS),
            _ratio(maps.ratio_to_stock if maps else None),
        ])
    return _table(rows) if len(rows) > 1 else []


def _mixes(table: Table, kernel: str) -> list[str]:
    rows = [["", "no filter", *_COLUMNS.values(), "ratio to stock",
             *(f"total to stock's, {_COLUMNS[engine]}" for engine in (MAPS, CBPF, EBPF))]]
    for scenario, n in _places(table, kernel, lambda name: name.startswith(MIX)):
        of = _of(table, kernel, scenario, n)
        base, maps = of[NONE], of[MAPS]
        rows.append([
            SCENARIOS[scenario], _number(base.instructions if base else None),
            *(_number(cell.added if (cell := of[engine]) else None) for engine in _COLUMNS),
            _ratio(maps.ratio_to_stock if maps else None),
            *(_ratio(of_stock(table, of[engine]), 4) for engine in (MAPS, CBPF, EBPF)),
        ])
    if len(rows) == 1:
        return []
    return ["", "Real programs under podman's profile, all that they execute (`docs/performance.md`):",
            "", *_table(rows)]


def _memory(table: Table, kernel: str) -> list[str]:
    engines = (MAPS, CBPF, EBPF)
    rows = [["bytes", "n", *(_COLUMNS[engine] for engine in engines)]]
    for scenario, n in sorted(_places(table, kernel, lambda name: name.startswith(BYTES))):
        of = _of(table, kernel, scenario, n)
        rows.append([SCENARIOS[scenario], str(n),
                     *(_number(cell.added if (cell := of[engine]) else None) for engine in engines)])
    return ["", *_table(rows)] if len(rows) > 1 else []


def _everywhere(table: Table) -> list[Target]:
    """CBPF is nowhere dearer than stock: where it is dearest, on each kernel. Attaching, and what is
    held against all that stock takes, have targets of their own."""
    apart = {target.scenario for target in TARGETS if target.unit == OF_TOTAL} | {"attach"}
    found = []
    for kernel in table.kernels():
        at = max((cell for cell in table.cells if cell.kernel == kernel and cell.engine == CBPF
                  and cell.ratio_to_stock is not None and cell.scenario not in apart),
                 key=lambda cell: cell.ratio_to_stock or 0, default=None)
        if at:
            found.append(Target(f"CBPF, the call for which it is dearest: {SCENARIOS.get(at.scenario, at.scenario)}, "
                                f"n = {at.n}", at.scenario, at.n, OF_STOCK, 1.0, CBPF))
    return list(dict.fromkeys(found))


def _verdicts(table: Table) -> list[list[str]]:
    """What the project has promised, held against the cells; what is not there is left out."""
    rows = []
    for target in (*TARGETS, *_everywhere(table)):
        for kernel in table.kernels():
            figure = target.figure(table, kernel)
            cell = table.get(kernel, target.scenario, target.n, target.engine)
            if figure is None or not cell:
                continue
            digits = {OF_TOTAL: 4, OF_STOCK: 3, OF_FLOOR: 3}.get(target.unit, 0)
            floor = table.get(kernel, target.scenario, target.n, EMPTY)
            rows.append([target.text, kernel, f"≤ {target.bound:g} {target.unit}",
                         f"{figure:.{digits}f}", _number(cell.added),
                         _number(floor.added if floor else None),
                         "met" if figure <= target.bound else "NOT MET"])
    return rows


def write(table: Table, commit: str, date: str) -> str:
    """The whole report, in Markdown."""
    lines = [
        "# What a system call costs",
        "",
        f"Commit {commit}, {date}. Guest instructions a call, counted by the time stamp counter "
        "under QEMU's `-icount`: exact and repeatable, but no measure of time. Columns after "
        "*no filter* show what is added to it. *Stock* is seccomp(2) with libseccomp's program "
        "for the same profile, with SPEC_ALLOW; the ratio is to the better of its two forms. An "
        "*empty probe* is the floor of anything that sits on sys_enter. CBPF runs libseccomp's tree; "
        "EBPF the program that secmapctl makes of the profile; the ratio is of MAPS.",
    ]
    for kernel in table.kernels():
        lines += ["", f"## Linux {kernel}", "", *_costs(table, kernel), *_mixes(table, kernel),
                  *_memory(table, kernel)]
    if rows := _verdicts(table):
        lines += ["", "## Targets", "", *_table([
            ["", "kernel", "target", "measured", "added", "empty probe adds", ""], *rows])]
    return "\n".join(lines) + "\n"
