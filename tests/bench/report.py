# SPDX-License-Identifier: LGPL-2.1-or-later
"""The report for people: tables, and what the project has promised held against the cells."""

from collections.abc import Sequence
from dataclasses import dataclass

from cells import CBPF, EBPF, EMPTY, MAPS, MEMORY, NONE, STOCK, TREE, UNFILTERED, Table


@dataclass(frozen=True)
class Target:
    """A bound on a figure of one cell of secmap's."""

    text: str
    kernel: str
    scenario: str
    n: int
    unit: str
    bound: float
    engine: str = MAPS

    def figure(self, table: Table) -> float | None:
        """What is bounded."""
        cell = table.get(self.kernel, self.scenario, self.n, self.engine)
        if not cell:
            return None
        if self.unit == "of stock":
            return cell.ratio_to_stock
        if self.unit == "more than MAPS":
            maps = table.get(self.kernel, self.scenario, self.n, MAPS)
            return cell.added - maps.added if maps else None
        return cell.added


TARGETS = (
    Target("allowed under podman's profile", "6.1", "podman_allow", 1, "instructions", 100),
    Target("denied under podman's profile", "6.1", "podman_denied", 1, "of stock", 0.5),
    Target("denied by a list of 4", "6.1", "deny_list", 4, "of stock", 0.5),
    Target("set of 256, the last one tested", "6.1", "set_last", 256, "of stock", 0.25),
    Target("set of 256, not in it", "6.1", "set_absent", 256, "of stock", 0.25),
    Target("eBPF, plainly allowed", "6.1", "plain_allow", 1, "more than MAPS", 3, EBPF),
    Target("eBPF, one bitmap", "6.1", "bits_mean", 22, "instructions", 150, EBPF),
    Target("eBPF, hash map of 256", "6.1", "set_mean", 256, "instructions", 175, EBPF),
    Target("eBPF, hash map of 65,536", "6.1", "set_mean", 65536, "instructions", 175, EBPF),
    Target("memory of a filtered task", "6.1", MEMORY, 1000, "bytes", 256),
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
    "build_table": "a table of n values made",
    "notify": "call that a thread of the process answers",
}

_COLUMNS = {UNFILTERED: "unfiltered task", EMPTY: "empty probe", STOCK: "stock",
            TREE: "stock, tree", MAPS: "secmap MAPS", CBPF: "secmap CBPF", EBPF: "secmap EBPF"}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


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


def _costs(table: Table, kernel: str) -> list[str]:
    rows = [["", "n", "no filter", *_COLUMNS.values(), "ratio to stock"]]
    places = dict.fromkeys((cell.scenario, cell.n) for cell in table.cells
                           if cell.kernel == kernel and cell.scenario != MEMORY)
    for scenario, n in places:
        of = {engine: table.get(kernel, scenario, n, engine) for engine in (NONE, *_COLUMNS)}
        base, maps = of[NONE], of[MAPS]
        ratio = maps.ratio_to_stock if maps else None
        rows.append([
            SCENARIOS[scenario], str(n), _number(base.instructions if base else None),
            *(_number(cell.added if (cell := of[engine]) else None) for engine in _COLUMNS),
            "–" if ratio is None else f"{ratio:.2f}",
        ])
    return _table(rows)


def _verdict(table: Table, target: Target) -> list[str] | None:
    figure = target.figure(table)
    if figure is None:
        return None
    digits = 2 if target.unit == "of stock" else 0
    return [target.text, target.kernel, f"≤ {target.bound:g} {target.unit}",
            f"{figure:.{digits}f}", "met" if figure <= target.bound else "NOT MET"]


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
        lines += ["", f"## Linux {kernel}", "", *_costs(table, kernel)]
        memory = table.get(kernel, MEMORY, 1000, MAPS)
        if memory:
            lines += ["", f"A filtered task that shares its stack takes {memory.added:.0f} bytes "
                          f"(one of {memory.n})."]
    rows = [row for target in TARGETS if (row := _verdict(table, target))]
    if rows:
        lines += ["", "## Targets", "",
                  *_table([["", "kernel", "target", "measured", ""], *rows])]
    return "\n".join(lines) + "\n"
