#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl stats on policies that are carried: switched by name, read, and as Prometheus reads it."""

import errno
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answering import Answering
from prometheus_client.parser import text_string_to_metric_families
from tool import TOOL, error_of, json_of, text_of

GETPPID, THREADS = 110, 3


@pytest.fixture(name="web")
def _web(tmp_path: Path) -> Iterator[Answering]:
    """A process of several threads, which a policy with the name `web` denies getppid."""
    profile = tmp_path / "web.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EXDEV}]}), encoding="ascii")
    with Answering(THREADS, prefix=(str(TOOL), "run", "--profile", str(profile), "--")) as process:
        yield process


def _denied(shown: Any) -> int:
    """How many calls the rule for getppid has decided."""
    (policy,) = shown["policies"]
    rows = [each for each in policy["counts"] if each["decided_by"] == "rule"]
    assert all(each["call"] == {"nr": GETPPID, "name": "getppid"} for each in rows)
    return sum(each["calls"] for each in rows)


def _ask(process: Answering) -> None:
    answers, _ = process.ask(GETPPID)
    assert answers == [errno.EXDEV] * THREADS


def test_from_on_to_off(web: Answering) -> None:
    _ask(web)
    assert json_of("stats-show", "stats")["policies"] == []
    begun = json_of("stats-on", "stats", "on", "web")
    assert (begun["policy_name"], begun["changed"], begun["tasks"], begun["stacks"]) == ("web", True, THREADS, 1)
    _ask(web)
    _ask(web)
    assert _denied(json_of("stats-show", "stats", "show", "web")) == 2 * THREADS
    assert "getppid(110)" in text_of("stats")
    assert json_of("policy-show", "policy", "show", str(begun["policy"]))["counted"] is True
    assert json_of("stats-off", "stats", "off", "web")["changed"] is True
    _ask(web)
    shown = json_of("stats-show", "stats", "show")
    assert (_denied(shown), shown["policies"][0]["counted"]) == (2 * THREADS, False)


def test_what_prometheus_reads(web: Answering, tmp_path: Path) -> None:
    text_of("stats", "on", "web")
    _ask(web)
    file = tmp_path / "secmap.prom"
    text_of("stats", "--prometheus", "--output", file)
    families = text_string_to_metric_families(file.read_text(encoding="ascii"))  # type: ignore[no-untyped-call]
    found = {family.name: family.samples for family in families}
    assert found["secmap_filtered_tasks"][0].value == THREADS
    assert [sample.value for sample in found["secmap_policy_calls"]
            if sample.labels["policy"] == "web" and sample.labels["action"] == "ERRNO"] == [THREADS]


def test_who_may_not(web: Answering) -> None:
    """Ids are for administrators, also where the device is open to all."""
    assert web.pid
    done = subprocess.run([TOOL, "--json", "stats"], check=False, capture_output=True, text=True, timeout=120,
                          preexec_fn=lambda: os.setresuid(65534, 65534, 65534))
    error = json.loads(done.stderr)["error"]
    assert (error["errno_name"], error["operation"]) == ("EPERM", "list policies")
    assert error_of("stats", "on", "nobody")["operation"] == "find policy 'nobody'"
