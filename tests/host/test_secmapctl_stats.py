#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl stats: what is shown of counters that a preloaded ioctl() gives."""

import errno
import json
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from test_secmapctl_errors import SHIM, Device
from tool import SUCCESS, TOOL, TOP, USAGE, error_of, validate

POLICY_COUNT, POLICY_STATS = 16, 17
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NONE = RULE_ALLOW = 0xFFFFFFFF
RULE_DEFAULT, RULE_PROGRAM = 0xFFFFFFFE, 0xFFFFFFFB
ROWS = [(0, NONE, RULE_ALLOW, ALLOW, 120321), (0, NONE, RULE_DEFAULT, ERRNO | 38, 12), (0, 41, 5, ERRNO | 1, 3),
        (2, NONE, RULE_PROGRAM, ERRNO, 2**63)]
Rows = Sequence[tuple[int, ...]]
Show = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(name="device", scope="module")
def _device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    library = tmp_path_factory.mktemp("shim") / "answering_device.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", f"-I{TOP / 'uapi'}",
                    "-o", library, SHIM], check=True)
    return Device(library)


def _counts(rows: Rows) -> str:
    return "".join(":".join(map(str, row)) + ";" for row in rows)


@pytest.fixture(name="show")
def _show(device: Device) -> Show:
    """Runs `stats` where these rows were counted."""
    def show(*arguments: str | Path, name: str = "web", rows: Rows = ROWS) -> subprocess.CompletedProcess[str]:
        counts = _counts(rows)
        return subprocess.run([TOOL, "--device", "/dev/null", *arguments], check=False, capture_output=True,
                              text=True, timeout=60,
                              env=device.environment(None, 1, "", SHIM_COUNTS=counts, SHIM_NAME=name))
    return show


def _documents(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert (done.returncode, done.stderr) == (SUCCESS, "")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    for each in documents:
        validate(each, "stats-show")
    return [each["stats"] for each in documents]


@pytest.mark.parametrize("command", [("stats",), ("stats", "show"), ("stats", "show", "8"), ("stats", "show", "web")])
def test_what_was_counted(show: Show, command: tuple[str, ...]) -> None:
    (shown,) = _documents(show("--json", *command))
    (policy,) = shown["policies"]
    assert shown["seconds"] is None
    assert {name: policy[name] for name in ("policy", "policy_name", "counted", "stacks")} == {
        "policy": 8, "policy_name": "web", "counted": True, "stacks": 2}
    assert policy["counts"] == [
        {"abi": "x86_64", "decided_by": "allow", "rule": None, "call": None,
         "action": {"name": "ALLOW", "value": ALLOW}, "calls": 120321, "per_second": None},
        {"abi": "x86_64", "decided_by": "default", "rule": None, "call": None,
         "action": {"name": "ERRNO", "value": ERRNO | 38, "errno": 38, "errno_name": "ENOSYS"}, "calls": 12,
         "per_second": None},
        {"abi": "x86_64", "decided_by": "rule", "rule": 5, "call": {"nr": 41, "name": "socket"},
         "action": {"name": "ERRNO", "value": ERRNO | 1, "errno": 1, "errno_name": "EPERM"}, "calls": 3,
         "per_second": None},
        {"abi": "i386", "decided_by": "program", "rule": None, "call": None,
         "action": {"name": "ERRNO", "value": ERRNO}, "calls": 2**63, "per_second": None}]


def test_what_people_see(show: Show) -> None:
    done = show("stats")
    assert (done.returncode, done.stderr) == (SUCCESS, "")
    head, columns, *rows = done.stdout.splitlines()
    assert head == "policy 8 (web): counted, on 2 stacks"
    assert columns.split() == ["ABI", "CALLS", "PER", "SECOND", "BY", "ACTION"]
    assert [" ".join(row.split()) for row in rows] == [
        "x86_64 120321 - allow ALLOW", "x86_64 12 - default ERRNO(38 ENOSYS)",
        "x86_64 3 - rule 5: socket(41) ERRNO(1 EPERM)", f"i386 {2**63} - program ERRNO"]


def test_no_call_so_far(show: Show) -> None:
    assert show("stats", "show", "web", rows=[]).stdout == "policy 8 (web): counted, on 2 stacks\n    no call so far\n"


def test_more_than_fit_at_first(show: Show) -> None:
    """The room grows: there is one record for each rule that has decided."""
    rows = [(0, number % 400, number, ERRNO | 1, number + 1) for number in range(1000)]
    (shown,) = _documents(show("--json", "stats", rows=rows))
    assert [each["calls"] for each in shown["policies"][0]["counts"]] == list(range(1, 1001))


def test_nothing_is_counted(device: Device) -> None:
    """Of the one policy that there is nothing was ever counted, or there is none."""
    done = device.ask("stats", fail=(4, errno.ENOENT, 1))
    assert _documents(done) == [{"seconds": None, "policies": []}]


@pytest.mark.parametrize("how", ["text", "json"])
def test_watch(show: Show, how: str) -> None:
    """So many times; from the second on with what came since."""
    if how == "json":
        first, second = _documents(show("--json", "stats", "show", "--watch", "1", "--count", "2"))
        rates = [[each["per_second"] for each in shown["policies"][0]["counts"]] for shown in (first, second)]
        assert rates == [[None] * 4, [0.0] * 4]
        assert first["seconds"] is None and 0.9 < second["seconds"] < 20
    else:
        lines = show("stats", "--watch", "1", "--count", "2").stdout.splitlines()
        assert [line.split()[2] for line in lines if line.startswith("    x86_64")] == ["-"] * 3 + ["0.0"] * 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch_ends_by_a_signal(device: Device, number: signal.Signals) -> None:
    """Without a number of seconds, it is every 2."""
    environment = device.environment(None, 1, "", SHIM_COUNTS=_counts(ROWS))
    with subprocess.Popen([TOOL, "--json", "--device", "/dev/null", "stats", "--watch"], stdout=subprocess.PIPE,
                          text=True, env=environment) as process:
        assert process.stdout and process.stdout.readline()
        process.send_signal(number)
        assert process.wait(timeout=60) == SUCCESS


def test_watch_ends_with_its_reader(device: Device) -> None:
    environment = device.environment(None, 1, "", SHIM_COUNTS=_counts(ROWS))
    with subprocess.Popen([TOOL, "--device", "/dev/null", "stats", "--watch", "3600"], stdout=subprocess.PIPE,
                          text=True, env=environment) as process:
        assert process.stdout and process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == SUCCESS


def _samples(text: str) -> dict[str, Any]:
    """By name; and every metric has a type and a text."""
    families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    for each in families:
        assert each.documentation and each.type in ("gauge", "counter"), each
    assert text.endswith("\n") and text.count("# TYPE ") == text.count("# HELP ") == len(families) == 4
    found: dict[str, Any] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_what_prometheus_reads(show: Show) -> None:
    done = show("stats", "--prometheus")
    assert (done.returncode, done.stderr) == (SUCCESS, "")
    policy = {"policy": "web", "id": "8"}
    assert _samples(done.stdout) == {
        "secmap_policies": [({}, 1)],
        "secmap_filtered_tasks": [({}, 0)],
        "secmap_policy_stacks": [(policy, 2)],
        "secmap_policy_calls_total": [
            (policy | {"abi": abi, "rule": rule, "action": action}, calls) for abi, rule, action, calls in (
                ("x86_64", "allow", "ALLOW", 120321), ("x86_64", "default", "ERRNO", 12),
                ("x86_64", "5", "ERRNO", 3), ("i386", "program", "ERRNO", 2**63))]}


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\\nb", "a\nb", '\\"', "{}=,", ""])
def test_labels_are_escaped(show: Show, name: str) -> None:
    """The module takes no such names; whoever believes that is not asked."""
    samples = _samples(show("stats", "--prometheus", name=name).stdout)
    assert {labels["policy"] for labels, _ in samples["secmap_policy_calls_total"]} == {name}


def test_the_file_of_prometheus(show: Show, tmp_path: Path) -> None:
    """It is another file each time, which all can read, and nothing else is left."""
    file = tmp_path / "secmap.prom"
    for calls in (1, 2):
        done = show("--json", "stats", "show", "--prometheus", "--output", file,
                    rows=[(0, NONE, RULE_ALLOW, ALLOW, calls)])
        assert _documents(done) == [{"written_to": str(file)}]
        assert _samples(file.read_text(encoding="ascii"))["secmap_policy_calls_total"][0][1] == calls
        assert file.stat().st_mode & 0o777 == 0o644
        if calls == 1:
            first = file.open(encoding="ascii")
    with first:
        # Who has the old one open reads all of it still.
        assert first.read() != file.read_text(encoding="ascii")
    assert [each.name for each in tmp_path.iterdir()] == ["secmap.prom"]
    assert show("stats", "--prometheus", "--output", file).stdout == f"{file} written\n"


def test_a_file_that_cannot_be_replaced(show: Show, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for file, number in ((tmp_path / "none/secmap.prom", errno.ENOENT), (tmp_path / "folder", errno.EISDIR)):
        done = show("--json", "stats", "--prometheus", "--output", file)
        error = json.loads(done.stderr)["error"]
        validate({"schema": 1, "error": error}, "error")
        assert (error["errno"], error["operation"]) == (number, f"write {file}")
        assert "folder" in error["hint"]
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(("command", "said"), [
    (("stats", "show", "--count", "3"), "--watch"), (("stats", "--output", "x"), "--prometheus"),
    (("stats", "--prometheus", "--watch"), "--watch"), (("stats", "show", "web", "--prometheus"), "--prometheus"),
    (("stats", "--watch=0"), "0"), (("stats", "on"), "required"), (("stats", "off"), "required"),
    (("stats", "--watch=1", "on", "web"), "--watch"), (("stats", "--prometheus", "show"), "--prometheus"),
    (("stats", "what"), "what"),
])
def test_command_lines_that_are_refused(command: tuple[str, ...], said: str) -> None:
    assert said in error_of(*command, status=USAGE)["text"]


def test_the_format_of_prometheus_is_not_json(show: Show) -> None:
    done = show("--json", "stats", "--prometheus")
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "--output" in json.loads(done.stderr)["error"]["hint"]


@pytest.mark.parametrize("state", ["on", "off"])
def test_on_and_off(show: Show, device: Device, state: str) -> None:
    """What the module says about a policy that is counted, and about one that is not."""
    for counted, done in ((True, device.ask("stats", state, "8", SHIM_COUNTS="")),
                          (False, device.ask("stats", state, "8"))):
        assert (done.returncode, done.stderr) == (SUCCESS, "")
        document = json.loads(done.stdout)
        if counted:  # else the policy has no id there
            validate(document, f"stats-{state}")
        assert document["count"]["changed"] is (counted == (state == "off"))
        assert (document["count"]["tasks"], document["count"]["stacks"]) == (3, 2)
    assert show("stats", state, "web", rows=[]).stdout == (
        "policy 8 (web) was counted already\n" if state == "on" else
        "policy 8 (web) is not counted any more: in 3 tasks and 2 stacks\n")


@pytest.mark.parametrize(("command", "ioctl", "operation"), [
    (("stats", "on", "8"), POLICY_COUNT, "count policy 8"),
    (("stats", "off", "8"), POLICY_COUNT, "count no more of policy 8"),
    (("stats", "show", "8"), POLICY_STATS, "read what was counted of policy 8"),
])
def test_refusals(device: Device, command: tuple[str, ...], ioctl: int, operation: str) -> None:
    error = device.error(*command, fail=(ioctl, errno.EPERM, 1))
    assert (error["errno_name"], error["operation"], error["text"]) == ("EPERM", operation, "not allowed")
    assert "who made the policy, or CAP_SYS_ADMIN" in error["hint"]
    # Of a module that is older than the tool.
    error = device.error(*command, fail=(ioctl, errno.ENOTTY, 1))
    assert error["operation"] == operation
    assert "does not know this operation" in error["text"]


def test_a_policy_tells_whether_it_is_counted(show: Show) -> None:
    assert json.loads(show("--json", "policy", "show", "8").stdout)["policy"]["counted"] is True
    assert "; counted: see 'secmapctl stats'" in show("policy", "show", "8").stdout
    assert "counted, " in show("policy", "list").stdout
