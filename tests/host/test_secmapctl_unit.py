#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How attach and detach ask systemctl for a unit's control group. Needs no device, and no systemd."""

import json
from pathlib import Path
from typing import Any

import pytest
from tool import FAILURE, secmapctl, validate


def error(folder: Path, script: str, unit: str = "x") -> Any:
    """The error of a command, with a systemctl that is this script, or that is not there."""
    if script:
        path = folder / "systemctl"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        path.chmod(0o755)
    done = secmapctl("--json", "detach", "--unit", unit, environment={"PATH": str(folder)})
    assert (done.status, done.out) == (FAILURE, "")
    document = json.loads(done.err)
    validate(document, "error")
    return document["error"]


def test_where_systemctl_cannot_be_run_the_next_step_is_named(tmp_path: Path) -> None:
    said = error(tmp_path, "")
    assert said["operation"] == "ask for the cgroup of unit x.service"
    assert said["text"] == "systemctl cannot be run: No such file or directory"
    assert said["errno_name"] == "ENOENT"
    assert said["hint"] == "name the group itself: --cgroup PATH"


@pytest.mark.parametrize(("name", "full"), [
    ("x", "x.service"), ("x.service", "x.service"), ("x@1", "x@1.service"), ("my.app", "my.app.service"),
    ("user.slice", "user.slice"), ("c.scope", "c.scope"), (r"a\x2db", r"a\x2db.service"),
])
def test_it_is_asked_for_the_group_of_the_full_name_and_no_shell_reads_that(tmp_path: Path, name: str,
                                                                            full: str) -> None:
    asked = tmp_path / "asked"
    said = error(tmp_path, f'for each; do echo "[$each]"; done > {asked}', name)
    assert asked.read_text("ascii").splitlines() == [
        "[show]", "[--property=ControlGroup]", "[--value]", f"[{full}]"]
    assert said["operation"].endswith(f" {full}")


def test_a_unit_without_a_group_is_not_running(tmp_path: Path) -> None:
    said = error(tmp_path, "echo")
    assert (said["errno_name"], said["text"]) == ("ESRCH", "the unit is not running")
    assert said["hint"] == "see 'systemctl status x.service'"


@pytest.mark.parametrize(("script", "said"), [
    ("echo No such bus >&2; echo more >&2; exit 1", "systemctl failed: No such bus"),
    ("echo /x; exit 4", "systemctl failed: status 4"),
    ("kill -9 $$", "systemctl failed: signal 9"),
    ("echo x.service", "what systemctl says is no cgroup"),
    ("echo /a; echo /b", "what systemctl says is no cgroup"),
])
def test_what_is_no_answer_is_an_error(tmp_path: Path, script: str, said: str) -> None:
    found = error(tmp_path, script)
    assert found["text"] == said
    assert "--cgroup" in found["hint"]


def test_the_group_that_it_names_is_looked_for(tmp_path: Path) -> None:
    """Whether groups of version 2 are mounted here or not."""
    said = error(tmp_path, "echo /secmap-no-such.slice/x.service")
    assert said["operation"] == "open cgroup /secmap-no-such.slice/x.service"
    assert said["errno_name"] in {"ENOENT", "ENODEV"}


def test_much_output_is_no_trouble(tmp_path: Path) -> None:
    said = error(tmp_path, 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i + 1)); done; '
                           'echo loud >&2; exit 1')
    assert said["text"] == "systemctl failed: loud"
