# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl policy tighten: by somebody without privileges, of what he runs himself."""

import errno
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tool import FAILURE, SUCCESS, TOOL, json_of, text_of, validate

NOBODY = 65534
Write = Callable[..., Path]


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    """Where everybody can read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copy(TOOL, folder / "secmapctl")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(name="write")
def _write(folder: Path) -> Write:
    """Makes a profile that denies some calls."""
    def write(name: str, *calls: str) -> Path:
        path = folder / f"{name}.json"
        path.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": list(calls), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM}]}), encoding="ascii")
        return path

    return write


class Shell:
    """One of nobody's, under a profile, that says whether it can send signals."""

    def __init__(self, folder: Path, profile: Path) -> None:
        script = "while read -r line; do kill -0 $$ 2>/dev/null; echo $?; done"
        self._shell = subprocess.Popen(
            [folder / "secmapctl", "run", "--profile", profile, "--", "sh", "-c", script], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=NOBODY, group=NOBODY, extra_groups=[])

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._shell.pid

    def ask(self) -> int:
        """The status of its kill."""
        assert self._shell.stdin and self._shell.stdout
        self._shell.stdin.write("\n")
        self._shell.stdin.flush()
        return int(self._shell.stdout.readline())

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.communicate("")


def as_nobody(folder: Path, *arguments: object) -> tuple[int, Any]:
    """The status, and what it says in JSON."""
    done = subprocess.run([folder / "secmapctl", "--json", *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=120, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
    document = json.loads(done.stdout or done.stderr)
    validate(document, "error" if done.returncode else "policy-tighten")
    return done.returncode, document["error" if done.returncode else "tighten"]


def test_a_running_shell_of_his_own(folder: Path, write: Write) -> None:
    web, tighter = write("web", "mount"), write("tighter", "mount", "kill")
    with Shell(folder, web) as shell:
        assert shell.ask() == 0
        (old,) = json_of("task-show", "task", "show", str(shell.pid))["threads"][0]["policies"]
        status, done = as_nobody(folder, "policy", "tighten", "web", "--profile", tighter, "--from", web)
        assert (status, shell.ask()) == (SUCCESS, 1)
        assert done == {"policy": old, "policy_name": "web", "by": done["by"], "by_name": "web",
                        "tasks": 1, "stacks": 1}
        # Not back again; and the module says so without knowing the profile.
        status, error = as_nobody(folder, "policy", "tighten", done["by"], "--profile", web)
        assert (status, error["errno_name"], shell.ask()) == (FAILURE, "EXDEV", 1)
        assert error["text"] == "kill of x86_64: calls may get ALLOW by default_action that got ERRNO by rule 0"


def test_what_an_administrator_has_attached(folder: Path, write: Write) -> None:
    """He does not find it; the administrator tightens it."""
    web, mild, tighter = write("web", "mount"), write("mild", "umount2"), write("tighter", "umount2", "kill")
    with Shell(folder, web) as shell:
        assert shell.ask() == 0
        json_of("attach", "attach", "--profile", mild, "--pid", str(shell.pid))
        _, mild_id = json_of("task-show", "task", "show", str(shell.pid))["threads"][0]["policies"]
        status, error = as_nobody(folder, "policy", "tighten", "mild", "--profile", tighter)
        assert (status, error["errno_name"], error["operation"]) == (FAILURE, "ENOENT", "find policy 'mild'")
        status, error = as_nobody(folder, "policy", "tighten", mild_id, "--profile", tighter)
        assert (status, error["errno_name"], shell.ask()) == (FAILURE, "EPERM", 0)
        text = text_of("policy", "tighten", "mild", "--profile", tighter)
        assert text.endswith(f" is in place of policy {mild_id} (mild): in 1 task and 1 stack\n")
        assert shell.ask() == 1
