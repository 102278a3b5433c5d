# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl notify, programs that it asks about, and helpers that answer it."""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tool import TOOL, validate

# What no shell and no interpreter asks for by itself; it takes no arguments.
GETPGRP = 111
PYTHON = "/usr/bin/python3"
ASK = "import ctypes; ask = ctypes.CDLL(None).syscall\n"

# What every helper begins with. NOTED gets each line that it reads. What a machine adds to Python's
# start (-S) takes longer here than the start.
PREAMBLE = """#!/usr/bin/python3 -S
import json, os, sys, time

def requests():
    for line in sys.stdin:
        with open(os.environ["NOTED"], "a") as noted:
            noted.write(line)
        yield json.loads(line)["request"]

def say(text):
    print(text, flush=True)

def reply(asked, **answer):
    say(json.dumps({"id": asked["id"], **answer}))

def first(asked):
    return int(asked["call"]["args"][0], 16)

"""


class Helper:
    """A program for --helper, and what it has read."""

    def __init__(self, folder: Path, body: str) -> None:
        self.path = folder / "helper"
        self.noted = folder / "noted"
        self.noted.touch()
        self.path.write_text(PREAMBLE + body, encoding="ascii")
        self.path.chmod(0o755)

    def requests(self) -> list[Any]:
        """All of them, each held against its schema."""
        lines = [json.loads(line) for line in self.noted.read_text().splitlines()]
        for line in lines:
            validate(line, "notify-request")
        return [line["request"] for line in lines]


def command(options: Sequence[str | Path], program: Sequence[str]) -> list[str | Path]:
    """The command line. How fast a helper is matters only where a test says so."""
    patience = ["--timeout", "200"] if "--helper" in options and "--timeout" not in options else []
    return [TOOL, "notify", *options, *patience, "--", *program]


def notify(*options: str | Path, program: Sequence[str],
           stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The program to its end."""
    return subprocess.run(command(options, program), capture_output=True, text=True, check=False,
                          timeout=120, input=stdin)


def shown(stderr: str) -> list[Any]:
    """What --json has shown, errors too, each held against its schema."""
    documents = [json.loads(line) for line in stderr.splitlines()]
    for each in documents:
        validate(each, "error" if "error" in each else "notify")
    return [each.get("notify", each.get("error")) for each in documents]


def wait_until(holds: Callable[[], object]) -> None:
    """For what no event tells."""
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)
