#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl run --after, --upon: a profile that holds from a call of the program on."""

import json
import subprocess
from pathlib import Path

import pytest
from tool import SUCCESS, TOOL, error_of, json_of, text_of

# Prints what it can open, before and after it listens.
SERVER = """
import os, socket
def opens():
    try:
        os.close(os.open("/etc/hostname", os.O_RDONLY))
        return True
    except PermissionError:
        return False
server = socket.socket()
said = [opens()]
server.bind(("127.0.0.1", 0))
said.append(opens())
server.listen()
print(*said, opens(), flush=True)
"""


def _denying(folder: Path, *names: str) -> Path:
    path = folder / f"no-{names[0]}.json"
    path.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": list(names), "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}), encoding="ascii")
    return path


def _run(*options: str | Path, program: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOL, "run", *options, "--", *program], capture_output=True, text=True,
                          check=False, timeout=120)


def test_it_executes_nothing_else(tmp_path: Path) -> None:
    """Its own start is the execve() that succeeds, behind those that look through PATH."""
    profile = _denying(tmp_path, "execve", "execveat")
    done = _run("--after", f"execve,execveat={profile}",
                program=("sh", "-c", "/bin/true 2>&-; echo $?"))
    assert (done.stdout, done.stderr, done.returncode) == ("126\n", "", SUCCESS)


def test_a_server_that_serves(tmp_path: Path) -> None:
    profile, base = _denying(tmp_path, "openat", "open", "openat2"), _denying(tmp_path, "mount")
    done = _run("--profile", base, "--after", f"listen={profile}",
                program=("/usr/bin/python3", "-S", "-c", SERVER))
    assert (done.stdout, done.stderr) == ("True True False\n", "")


@pytest.mark.parametrize(("option", "said"), [("--after", "True"), ("--upon", "False")])
def test_made_or_succeeded(tmp_path: Path, option: str, said: str) -> None:
    """Nobody listens there: the call is made, and fails."""
    profile = _denying(tmp_path, "openat", "open", "openat2")
    script = SERVER.split("server =", maxsplit=1)[0] + """
try:
    socket.create_connection(("127.0.0.1", 1))
except ConnectionRefusedError:
    print(opens())
"""
    done = _run(option, f"connect={profile}", program=("/usr/bin/python3", "-S", "-c", script))
    assert (done.stdout, done.stderr) == (f"{said}\n", "")


def test_what_waits_is_shown(tmp_path: Path) -> None:
    profile = _denying(tmp_path, "openat")
    with subprocess.Popen([TOOL, "run", "--after", f"listen={profile}", "--", "sh", "-c",
                           "echo ready; read end"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdout and process.stdin
        assert process.stdout.readline() == "ready\n"
        (thread,) = json_of("task-show", "task", "show", str(process.pid))["threads"]
        assert len(thread["policies"]) == 1 and thread["waiting"] == [0]
        assert "(not in force yet)" in text_of("task", "show", str(process.pid))
        process.stdin.close()


@pytest.mark.parametrize(("calls", "said"), [
    ("frobnicate", "there is no system call 'frobnicate'"), ("listen,listen", "a call is named twice"),
])
def test_calls_that_are_refused(tmp_path: Path, calls: str, said: str) -> None:
    """The program is not started."""
    profile = _denying(tmp_path, "openat")
    assert error_of("run", "--after", f"{calls}={profile}", "--", "echo", "started")["text"] == said


def test_a_profile_that_is_not_there() -> None:
    error = error_of("run", "--after", "listen=/nonexistent", "--", "echo", "started")
    assert "/nonexistent" in error["operation"] + error["text"]
