# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cells: what one engine costs in one scenario on one kernel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NONE, UNFILTERED, EMPTY, STOCK, TREE, MAPS, CBPF, EBPF = ENGINES = (
    "none", "unfiltered", "empty_probe", "stock", "stock_tree", "maps", "cbpf", "ebpf")

MEMORY = "memory_per_task"
BYTES = "memory_"
"""what the scenarios begin with whose figures are bytes"""
MIX = "mix_"
"""and those whose figures are of one request to a real program, of n, or of one job"""


@dataclass
class Cell:
    """One figure."""

    kernel: str
    scenario: str
    n: int
    engine: str
    instructions: float
    added: float
    ratio_to_stock: float | None = None

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What no two cells of a report share."""
        return self.kernel, self.scenario, self.n, self.engine


class Table:
    """Cells by what they are about."""

    def __init__(self, found: Iterable[Cell]) -> None:
        self.cells = list(found)
        self._by_key = {cell.key: cell for cell in self.cells}

    def get(self, kernel: str, scenario: str, n: int, engine: str) -> Cell | None:
        """The cell, or None if it was not measured."""
        return self._by_key.get((kernel, scenario, n, engine))

    def stock_total(self, cell: Cell) -> float | None:
        """What all of it takes under the better of the two, where `cell` was measured."""
        found = [self.get(cell.kernel, cell.scenario, cell.n, engine) for engine in (STOCK, TREE)]
        return min((other.instructions for other in found if other), default=None)

    def stock(self, cell: Cell) -> float | None:
        """What the better of the two stock filters adds where `cell` was measured."""
        found = [self.get(cell.kernel, cell.scenario, cell.n, engine) for engine in (STOCK, TREE)]
        return min((other.added for other in found if other), default=None)

    def fill_ratios(self) -> None:
        """Every cell's ratio to stock seccomp, at its best."""
        for cell in self.cells:
            stock = self.stock(cell)
            if stock is not None and stock > 0:
                cell.ratio_to_stock = round(cell.added / stock, 3)

    def kernels(self) -> Sequence[str]:
        """In the order in which they were measured."""
        return list(dict.fromkeys(cell.kernel for cell in self.cells))
