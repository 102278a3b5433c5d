# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl as the tests call it: what it said, and whether its JSON is what the schema says."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import]

TOP = Path(__file__).resolve().parents[2]
SCHEMAS = TOP / "ctl/schema"
PODMAN = Path("/usr/share/containers/seccomp.json")
TOOL = Path(os.environ.get("SECMAPCTL", TOP / "build/userland/ctl/secmapctl"))

SUCCESS, FAILURE, USAGE, CANNOT_EXECUTE, NOT_FOUND = 0, 1, 2, 126, 127
# All that `bench` has to measure takes minutes on the debug kernel.
_SECONDS = 800 if os.environ.get("SECMAP_KERNEL") == "debug" else 120


@dataclass(frozen=True)
class Answer:
    """What a run of the tool came to."""

    status: int
    out: str
    err: str


def secmapctl(*arguments: str | Path, stdin: str = "",
              environment: Mapping[str, str] | None = None) -> Answer:
    """Run the tool to its end."""
    done = subprocess.run([TOOL, *arguments], input=stdin, capture_output=True, text=True,
                          check=False, timeout=_SECONDS, env={**os.environ, **(environment or {})})
    return Answer(done.returncode, done.stdout, done.stderr)


def validate(document: Any, schema: str) -> None:
    """Hold a document against ctl/schema; raises ValidationError."""
    content = json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(content).validate(document)


def text_of(*arguments: str | Path, stdin: str = "") -> str:
    """What a command that succeeds says to people."""
    answer = secmapctl(*arguments, stdin=stdin)
    assert (answer.status, answer.err) == (SUCCESS, ""), answer
    return answer.out


def json_of(schema: str, *arguments: str | Path, stdin: str = "") -> Any:
    """The member, beside "schema", of a command's answer in JSON."""
    answer = secmapctl("--json", *arguments, stdin=stdin)
    assert (answer.status, answer.err) == (SUCCESS, ""), answer
    document = json.loads(answer.out)
    validate(document, schema)
    assert document.pop("schema") == 1
    (member,) = document.values()
    return member


def error_of(*arguments: str | Path, status: int = FAILURE, stdin: str = "") -> Any:
    """The error of a command that fails, in JSON; in text it says the same."""
    answer = secmapctl("--json", *arguments, stdin=stdin)
    assert (answer.status, answer.out) == (status, ""), answer
    document = json.loads(answer.err)
    validate(document, "error")
    error = document["error"]
    plain = secmapctl(*arguments, stdin=stdin)
    assert (plain.status, plain.out) == (status, "")
    assert plain.err.startswith("secmapctl: ")
    assert error["text"] in plain.err and error["hint"] in plain.err
    return error
