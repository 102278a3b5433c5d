# SPDX-License-Identifier: LGPL-2.1-or-later
"""The compiler has left in what bounds an index under speculation: it knows the bounds, and takes
out a mask that is not hidden from it."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]


@cache
def _code(kernel: str) -> dict[str, list[str]]:
    """The module's functions, disassembled."""
    built = subprocess.run([TOP / "tests/guest/module.py", kernel], check=True, stdout=subprocess.PIPE, text=True)
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", Path(built.stdout.strip()) / "secmap.ko"],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    functions: dict[str, list[str]] = {}
    for part in text.split("\n\n"):
        head, _, rest = part.strip().partition(":\n")
        if name := re.fullmatch(r"[0-9a-f]+ <([\w.]+)>", head):
            functions[name[1].partition(".")[0]] = [" ".join(line.split("\t")[-1].split())
                                                    for line in rest.splitlines()]
    return functions


def _place(code: list[str], pattern: str) -> int:
    """Of the first instruction that matches."""
    for place, instruction in enumerate(code):
        if re.match(pattern, instruction):
            return place
    pytest.fail(f"no instruction matches {pattern}", pytrace=False)


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_a_number_is_masked_before_it_is_an_index(kernel: str) -> None:
    code = _code(kernel)["sys_enter"]
    masked = _place(code, r"and \$0x3ff,%e")
    bitmap = _place(code, r"bt ")
    answer = _place(code, r"movzbl 0x180\(")
    asked = _place(code, r"and \$0x1f,%e")
    assert masked < bitmap < answer < asked


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
@pytest.mark.parametrize("function", ["secmap_rules_eval_at", "judge", "helper_test_bit"])
def test_a_bound_becomes_a_mask(kernel: str, function: str) -> None:
    """As array_index_nospec() has it."""
    code = _code(kernel)[function]
    place = _place(code, r"sbb (%\w+),\1$")
    assert code[place - 1].startswith("cmp")
