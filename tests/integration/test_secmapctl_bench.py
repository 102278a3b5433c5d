#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl bench: that every scenario runs under every engine, that what it measures is what it says, and what it
does where something is missing. Figures are not judged: a guest's clock says nothing."""

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from tool import FAILURE, PODMAN, SUCCESS, error_of, json_of, secmapctl, text_of

STOCK, SECMAP = ("stock", "stock_tree"), ("maps", "ebpf", "cbpf")
ENGINES = ("unfiltered", *STOCK, *SECMAP)
QUICK = ("--rounds", "2", "--calls", "16")

# Where an engine has no figures, and why.
MISSING = {
    **{(scenario, n, engine): "not expressible" for scenario in ("set_mean", "set_absent")
       for n in (4096, 65536) for engine in (*STOCK, "cbpf")},
    **{(scenario, 1, engine): "in one call" for scenario in ("attach_create", "attach_made")
       for engine in STOCK},
    **{(scenario, n, engine): "seccomp(2) cannot"
       for scenario, n in (("replace", 1), ("replace_set", 65536), ("replace_stall", 1),
                           ("replace_stall_set", 65536)) for engine in STOCK},
    **{(scenario, 65536, "cbpf"): "not expressible"
       for scenario in ("replace_set", "replace_stall_set")},
    **{("build_table", 65536, engine): "no tables" for engine in (*STOCK, "cbpf")},
    ("build_table", 65536, "ebpf"): "same as of maps",
}
WITHOUT_BASE = ("attach", "attach_create", "attach_made", "replace", "replace_set", "build_table",
                "notify")
RETURNED = {"podman_denied": -errno.EPERM, "podman_unknown": -errno.ENOSYS,
            "deny_list": -errno.EPERM, "set_absent": -errno.EPERM, "stack_denied": -errno.EPERM,
            "notify": 7}


@pytest.fixture(name="all_measured", scope="module")
def _all_measured() -> Any:
    return json_of("bench", "bench", *QUICK)


def test_every_scenario_runs_under_every_engine(all_measured: Any) -> None:
    names = [each["name"] for each in all_measured["scenarios"]]
    assert {cell["scenario"] for cell in all_measured["cells"]} == set(names)
    for cell in all_measured["cells"]:
        expected = MISSING.get((cell["scenario"], cell["n"], cell["engine"]))
        assert bool(cell["missing"]) == bool(expected), cell
        if expected:
            assert expected in cell["missing"]
    measured: dict[tuple[str, int], set[str]] = {}
    for cell in all_measured["cells"]:
        measured.setdefault((cell["scenario"], cell["n"]), set()).add(cell["engine"])
    for (scenario, _), engines in measured.items():
        assert engines == set(ENGINES) - ({"unfiltered"} if scenario in WITHOUT_BASE else set())
    assert all_measured["unavailable"] == []


def test_calls_return_what_the_scenario_says(all_measured: Any) -> None:
    for cell in all_measured["cells"]:
        if cell["missing"] or cell["engine"] == "unfiltered":
            continue
        if cell["scenario"] in RETURNED:
            assert cell["returned"] == RETURNED[cell["scenario"]], cell
        else:
            assert cell["returned"] != -errno.EPERM, cell


def test_figures_add_up(all_measured: Any) -> None:
    base = {(cell["scenario"], cell["n"]): cell["figure"] for cell in all_measured["cells"]
            if cell["engine"] == "unfiltered"}
    for cell in all_measured["cells"]:
        if cell["missing"]:
            continue
        assert cell["ticks"]["count"] == cell["nanoseconds"]["count"] == 2
        assert cell["figure"] == cell["nanoseconds"]["median"] > 0
        order = [cell["nanoseconds"][name] for name in
                 ("minimum", "lower_quartile", "median", "upper_quartile")]
        assert order == sorted(order)
        if (cell["scenario"], cell["n"]) in base:
            added = cell["figure"] - base[cell["scenario"], cell["n"]]
            assert math.isclose(cell["added"], added, abs_tol=0.001)
        else:
            assert cell["added"] is None


def test_instructions_mode_counts_ticks_alone() -> None:
    said = json_of("bench", "bench", "--instructions", "--rounds", "1", "--calls", "8",
                   "--scenario", "podman_denied", "--engine", "maps")
    assert (said["unit"], said["machine"]["counter_hz"]) == ("instructions", None)
    assert [cell["engine"] for cell in said["cells"]] == ["unfiltered", "maps"]
    for cell in said["cells"]:
        assert cell["nanoseconds"] is None
        assert cell["figure"] == cell["ticks"]["mean"] > 0


def test_a_stall_takes_two_processors() -> None:
    second = Path("/sys/devices/system/cpu/cpu1/online")
    second.write_text("0", encoding="ascii")
    try:
        cells = json_of("bench", "bench", *QUICK, "--scenario", "replace_stall",
                        "--engine", "maps")["cells"]
    finally:
        second.write_text("1", encoding="ascii")
    assert [cell["engine"] for cell in cells if cell["missing"]] == ["maps"]
    assert "no second processor" in cells[1]["missing"]


def test_text_has_a_line_for_each_figure() -> None:
    text = text_of("bench", *QUICK, "--scenario", "deny_list", "--scenario", "attach_made")
    assert "deny_list, N = 10: N denied calls, one of them made" in text
    for engine in (*STOCK, *SECMAP):
        assert text.count(f"\n    {engine} ") == 6
    for engine in STOCK:
        assert f"    {engine:<10}  not measured: seccomp(2) does it in one call" in text
    assert ", the module is loaded\n" in text
    # It spares tasks without a filter, so it is nothing to be warned of.
    assert "secmap module" not in text


def test_files_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "new/folder"
    said = json_of("bench", "bench", *QUICK, "--scenario", "deny_list", "--engine", "stock",
                   "--output", folder, "--html", tmp_path / "page.html")
    assert json.loads((folder / "bench.json").read_text(encoding="utf-8"))["bench"] == said
    assert "deny_list, N = 350" in (folder / "bench.txt").read_text(encoding="utf-8")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page == (folder / "bench.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and "<polyline" in page


def test_without_the_device_the_rest_is_measured() -> None:
    said = json_of("bench", "--device", "/dev/nothing", "bench", *QUICK, "--scenario", "plain_allow")
    assert [each["engine"] for each in said["unavailable"]] == list(SECMAP)
    assert all("/dev/nothing" in each["text"] for each in said["unavailable"])
    assert [cell["engine"] for cell in said["cells"]] == ["unfiltered", *STOCK]


def test_nothing_but_what_needs_the_device_fails_without_it() -> None:
    error = error_of("--device", "/dev/nothing", "bench", *QUICK, "--engine", "maps")
    assert error["errno_name"] == "ENOENT"


def test_a_profile_that_decides_otherwise_has_no_figures(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    path.write_text('{"defaultAction": "SCMP_ACT_ALLOW"}', encoding="ascii")
    said = json_of("bench", "bench", *QUICK, "--scenario", "podman_denied", "--engine", "maps",
                   "--profile", path)
    (cell,) = (cell for cell in said["cells"] if cell["engine"] == "maps")
    assert cell["missing"].endswith("and should have returned -1 (Operation not permitted)")


def test_a_missing_profile_is_an_error(tmp_path: Path) -> None:
    error = error_of("bench", *QUICK, "--profile", tmp_path / "none.json")
    assert error["errno_name"] == "ENOENT"
    assert "--scenario" in error["hint"]
    said = secmapctl("bench", *QUICK, "--profile", tmp_path / "none.json", "--scenario", "plain_allow",
                     "--engine", "none")
    assert said.status == SUCCESS


def test_a_broken_profile_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text('{"defaultAction": "SCMP_ACT_NO"}', encoding="ascii")
    assert "SCMP_ACT_NO" in error_of("bench", "--profile", path)["text"]


def test_a_file_that_cannot_be_written_is_an_error_before_anything_is_measured() -> None:
    error = error_of("bench", "--html", "/proc/nothing/page.html")
    assert error["operation"] == "write /proc/nothing/page.html"
    assert "/proc/nothing" in error_of("bench", "--output", "/proc/nothing")["operation"]


def test_a_processor_that_is_not_there_is_an_error() -> None:
    error = error_of("bench", "--cpu", "1023")
    assert (error["errno_name"], error["operation"]) == ("EINVAL", "measure on processor 1023")


def test_it_measures_on_the_processor_that_it_is_told() -> None:
    for cpu in range(os.cpu_count() or 1):
        said = json_of("bench", "bench", *QUICK, "--scenario", "plain_allow", "--engine", "none",
                       "--cpu", str(cpu))
        assert said["machine"]["cpu"] == cpu


def test_podmans_profile_is_the_default() -> None:
    said = json_of("bench", "bench", *QUICK, "--scenario", "podman_allow", "--engine", "none")
    assert said["profile"] == str(PODMAN)
    assert secmapctl("bench", "--profile", "/", "--scenario", "podman_allow").status == FAILURE
