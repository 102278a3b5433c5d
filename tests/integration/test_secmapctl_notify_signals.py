#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl notify: statuses, signals, a terminal, and how all of it ends."""

import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest
from asking import ASK, GETPGRP, PYTHON, Helper, command, notify, shown, wait_until
from tool import CANNOT_EXECUTE, NOT_FOUND, PODMAN, TOOL, error_of, json_of

ENOSYS = 38
SILENT = "for asked in requests(): pass"


def test_killed_while_it_waits(helper: Callable[[str], Helper], call: tuple[str, ...]) -> None:
    silent = helper(SILENT)
    with subprocess.Popen(command(["--json", "--on", "getpgrp", "--helper", silent.path], [*call, str(GETPGRP)]),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(silent.requests)
        os.kill(silent.requests()[0]["pid"], signal.SIGKILL)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (-signal.SIGKILL, "")
    (asked,) = shown(err)
    assert (asked["answer"], asked["by"]) == (None, None)


def test_a_signal_does_not_ask_twice(helper: Callable[[str], Helper]) -> None:
    answers = helper(f"""
for asked in requests():
    os.kill(asked["pid"], {int(signal.SIGUSR1)})
    time.sleep(0.5)
    reply(asked, value=5)
""")
    code = ASK + f"""
import signal
seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
print(ask({GETPGRP}), seen)
"""
    done = notify("--on", "getpgrp", "--helper", answers.path, program=[PYTHON, "-c", code])
    assert done.stdout == "5 [1]\n"
    assert len(answers.requests()) == 1


@pytest.mark.parametrize("status", (0, 1, 2, 126, 127, 255))
def test_the_status_is_the_programs(status: int) -> None:
    done = notify("--on", "mknod", program=["sh", "-c", f"exit {status}"])
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGUSR1))
def test_a_signal_ends_it_as_it_ends_the_program(number: signal.Signals) -> None:
    done = notify("--on", "mknod", program=["sh", "-c", f"kill -{int(number)} $$"])
    assert (done.returncode, done.stderr) == (-number, "")


def test_exec_failures_are_those_of_env(tmp_path: Path) -> None:
    missing = error_of("notify", "--on", "mknod", "--", str(tmp_path / "none"), status=NOT_FOUND)
    assert missing["operation"] == f"execute {tmp_path / 'none'}"
    text = tmp_path / "text"
    text.write_text("text", encoding="ascii")
    assert notify("--on", "mknod", program=[str(text)]).returncode == CANNOT_EXECUTE


def test_the_program_is_as_run_leaves_it() -> None:
    code = ("import os; print(sorted(os.listdir('/proc/self/fd')));"
            "print(*(line for line in open('/proc/self/status') if line.startswith(('NoNew', 'Sig'))"
            " and not line.startswith('SigQ')), sep='', end='')")
    answers = [subprocess.run([TOOL, *how, "--", PYTHON, "-c", code], check=True,
                              capture_output=True, text=True)
               for how in (["run", "--profile", str(PODMAN)], ["notify", "--on", "mknod"])]
    assert answers[0].stdout == answers[1].stdout
    assert "NoNewPrivs:\t1" in answers[1].stdout
    assert answers[1].stdout.startswith("['0', '1', '2', '3']\n")


def test_standard_input_is_the_programs(helper: Callable[[str], Helper]) -> None:
    done = notify("--on", "mknod", "--helper", helper(SILENT).path, program=["cat"],
                  stdin="through\n")
    assert (done.stdout, done.stderr) == ("through\n", "")


def test_only_the_program_is_filtered(helper: Callable[[str], Helper],
                                      call: tuple[str, ...]) -> None:
    silent = helper(SILENT)
    with subprocess.Popen(command(["--on", "getpgrp", "--helper", silent.path], [*call, str(GETPGRP)]),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(silent.requests)
        tasks = [task["pid"] for task in json_of("task-list", "task", "list")]
        assert tasks == [silent.requests()[0]["pid"]]
        process.terminate()
        process.communicate(timeout=120)


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT,
                                    signal.SIGUSR1, signal.SIGUSR2))
def test_signals_are_passed_on(number: signal.Signals) -> None:
    code = (f"import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [{int(number)}]);"
            "print('ready', flush=True);"
            f"signal.sigwait([{int(number)}]); raise SystemExit(7)")
    with subprocess.Popen(command(["--on", "mknod"], [PYTHON, "-c", code]), text=True,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(timeout=120) == 7


@contextmanager
def _on_a_terminal(options: Sequence[str | Path],
                   program: Sequence[str]) -> Iterator[tuple[int, TextIO]]:
    """The tool leads a session on a terminal of its own; its process id, and the terminal."""
    line = [str(each) for each in command(options, program)]
    pid, number = pty.fork()
    if pid == 0:
        os.execv(line[0], line)
    with open(number, encoding="ascii") as terminal:
        yield pid, terminal


def test_what_a_terminal_sends_comes_once(helper: Callable[[str], Helper]) -> None:
    """And not to the helper."""
    silent = helper(f"""
import signal
for asked in requests():
    ignored = all(signal.getsignal(each) == signal.SIG_IGN for each in (signal.SIGINT, signal.SIGQUIT))
    reply(asked, value=1000 + ignored)
""")
    code = ASK + f"""
import signal
# Not a handler: Python runs it later, and not at all while it waits in a call that was begun before.
awaited = [signal.SIGINT, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
print(ask({GETPGRP}), flush=True)
while signal.sigwait(awaited) == signal.SIGINT:
    print("interrupted", flush=True)
print(ask({GETPGRP}), flush=True)
"""
    def said(terminal: TextIO) -> str:
        return terminal.readline().replace("^C", "")  # the terminal's echo, whenever it comes

    with _on_a_terminal(["--on", "getpgrp", "--helper", silent.path, "--output", "/dev/null"],
                        [PYTHON, "-c", code]) as (pid, terminal):
        assert said(terminal) == "1001\n"
        os.write(terminal.fileno(), b"\x03")
        assert said(terminal) == "interrupted\n"
        os.kill(pid, signal.SIGTERM)
        assert said(terminal) == "1001\n"
        assert os.waitpid(pid, 0)[1] == 0


def test_a_hangup_is_passed_on() -> None:
    with _on_a_terminal(["--on", "mknod"], ["sh", "-c", "echo ready; exec sleep 1000"]) as (pid, terminal):
        assert terminal.readline() == "ready\n"
        terminal.close()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGHUP


def _leaving_one_behind(call: tuple[str, ...], folder: Path) -> list[str]:
    """A program that ends with 5; what it started asks once somebody writes to `go`."""
    os.mkfifo(folder / "go")
    return ["sh", "-c", f"(read x < {folder}/go; '{call[0]}' syscall {GETPGRP} > {folder}/came) "
                        f"> /dev/null & touch {folder}/ran; exit 5"]


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()


def test_what_lives_on_is_served(tmp_path: Path, call: tuple[str, ...]) -> None:
    program = _leaving_one_behind(call, tmp_path)
    with subprocess.Popen(command(["--on", "getpgrp", "--answer", "*=value:3"], program),
                          stderr=subprocess.PIPE) as process:
        (tmp_path / "go").write_text("go\n", encoding="ascii")
        assert process.wait(timeout=120) == 5
    assert (tmp_path / "came").read_text(encoding="ascii") == "3\n"


def test_after_the_program_a_signal_ends_it(tmp_path: Path, call: tuple[str, ...]) -> None:
    """Those who live on get ENOSYS then."""
    program = _leaving_one_behind(call, tmp_path)
    with subprocess.Popen(command(["--on", "getpgrp", "--answer", "*=value:3"], program),
                          stderr=subprocess.DEVNULL) as process:
        wait_until((tmp_path / "ran").exists)
        wait_until(lambda: not _children(process.pid))
        process.terminate()
        assert process.wait(timeout=120) == 5
    (tmp_path / "go").write_text("go\n", encoding="ascii")
    came = tmp_path / "came"
    wait_until(lambda: came.exists() and came.stat().st_size)
    assert came.read_text(encoding="ascii") == f"-{ENOSYS}\n"
