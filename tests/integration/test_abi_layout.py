# SPDX-License-Identifier: LGPL-2.1-or-later
"""The header alone: it compiles, and its layouts are what the tests believe, in each ABI."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import records
from conftest import TOP

HEADER = TOP / "uapi/secmap/secmap.h"


@pytest.mark.parametrize("suffix", ["", "32"])
def test_layout(program: Callable[[str], str], suffix: str) -> None:
    said = subprocess.run([program(f"layout{suffix}")], check=True, capture_output=True,
                          text=True).stdout
    expected = []
    for record, members in records.MEMBERS.items():
        expected.append(f"{record} - 0 {records.SIZES[record]}")
        expected += [f"{record} {one.name} {one.offset} {one.size}" for one in members]
    assert said.splitlines() == expected


def test_every_member_of_the_header_is_known() -> None:
    found: dict[str, list[str]] = {}
    for match in re.finditer(r"^struct (secmap_\w+) \{\n(.*?)^\};", HEADER.read_text(), re.S | re.M):
        found[match[1]] = re.findall(r"^\t\w+ (\w+)(?:\[\w+\])*;$", match[2], re.M)
    assert found == {record: [one.name for one in members]
                     for record, members in records.MEMBERS.items()}


@pytest.mark.parametrize("record", records.MEMBERS)
def test_no_holes(record: str) -> None:
    at = 0
    for member in records.MEMBERS[record]:
        assert member.offset == at
        at += member.size
    assert at == records.SIZES[record]


@pytest.mark.parametrize("language", ["c89", "c17", "c++98", "c++20"])
@pytest.mark.parametrize("bits", ["-m64", "-m32", "-mx32"])
def test_header_compiles_alone(tmp_path: Path, language: str, bits: str) -> None:
    kind = "c++" if "++" in language else "c"
    source = tmp_path / f"alone.{'cc' if kind == 'c++' else 'c'}"
    source.write_text("#include <secmap/secmap.h>\n#include <secmap/secmap.h>\n")
    # The kernel's own headers use long long, which C89 and C++98 do not have.
    subprocess.run(["gcc", "-x", kind, f"-std={language}", bits, "-Wall", "-Wextra", "-Werror",
                    "-pedantic", "-Wno-long-long", "-fsyntax-only", f"-I{TOP}/uapi", source],
                   check=True)
