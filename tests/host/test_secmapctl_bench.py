#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl bench without the module: stock seccomp on this machine, and what is said meanwhile."""

import json
import os
import pty
import subprocess
from pathlib import Path

from tool import SUCCESS, TOOL, json_of, secmapctl

NO_DEVICE = ("--device", "/dev/nothing")
QUICK = ("--rounds", "3", "--calls", "32")


def test_stock_seccomp_is_measured_without_the_module() -> None:
    said = json_of("bench", *NO_DEVICE, "bench", *QUICK, "--scenario", "plain_allow",
                   "--scenario", "deny_list", "--scenario", "fork_exit", "--scenario", "notify")
    assert {each["engine"] for each in said["unavailable"]} == {"maps", "ebpf", "cbpf"}
    assert said["unit"] == "nanoseconds" and said["machine"]["counter_hz"] > 1e6
    for cell in said["cells"]:
        assert cell["missing"] is None and cell["ticks"]["count"] == 3, cell
        assert cell["returned"] == -1 or cell["scenario"] != "deny_list" \
            or cell["engine"] in ("none", "unfiltered")
    ratios = [cell for cell in said["cells"] if cell["ratio_to_stock"] is not None]
    assert all(cell["engine"].startswith("stock") for cell in ratios)


def test_a_scenario_given_twice_is_measured_once() -> None:
    said = json_of("bench", *NO_DEVICE, "bench", *QUICK, "--scenario", "plain_allow", "--scenario",
                   "plain_allow", "--engine", "stock", "--engine", "stock")
    assert [cell["engine"] for cell in said["cells"]][1:] == ["stock"]


def test_progress_is_for_those_who_look_on() -> None:
    """On a terminal a line that is written over and wiped at the end; nothing to a pipe with JSON."""
    command: list[str | Path] = [TOOL, "--json", *NO_DEVICE, "bench", "--rounds", "2000", "--calls", "64",
               "--scenario", "plain_allow", "--engine", "none"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as running:
        os.close(theirs)
        assert running.stdout
        answer = json.loads(running.stdout.read())
        said = b""
        while piece := _read(ours):
            said += piece
    os.close(ours)
    assert running.returncode == SUCCESS and len(answer["bench"]["cells"]) == 1
    assert b"\r\x1b[Ksecmapctl: 1 of 1, plain_allow; " in said
    assert said.endswith(b"\r\x1b[K")


def _read(terminal: int) -> bytes:
    """Nothing, when nobody is left at the other end."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_a_folder_in_the_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    answer = secmapctl(*NO_DEVICE, "bench", "--html", tmp_path)
    assert answer.status == 1 and f"write {tmp_path}" in answer.err
