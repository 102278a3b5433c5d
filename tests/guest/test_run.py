# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `run` promises, each promise on its own."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from outcome import Outcome  # noqa: E402

RUN = Path(__file__).resolve().parent / "run"
# On one processor: others use ours too.
FAST = ("--kernel", "6.12", "--no-module", "--cpus", "1")


def guest(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run `run` and keep what it says, but that QEMU's own fault made it boot twice."""
    done: subprocess.CompletedProcess[bytes] = subprocess.run(  # type: ignore[call-overload]
        [RUN, *arguments], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, **options)
    done.stderr = b"".join(line for line in done.stderr.splitlines(keepends=True)
                           if b"booting once more" not in line)
    return done


def sentence(done: subprocess.CompletedProcess[bytes]) -> str:
    """The last line of the standard error, which says how the run ended."""
    return done.stderr.decode(errors="replace").splitlines()[-1]


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


def await_qemu(process: subprocess.Popen[bytes]) -> int:
    """The id of a run's QEMU, once its guest has begun the command."""
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    found = [pid for pid in children(process.pid)
             if Path(f"/proc/{pid}/comm").read_text(encoding="ascii").startswith("qemu")]
    assert len(found) == 1
    return found[0]


@pytest.fixture(name="sleeper")
def _sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A run whose command says `begun` and does not end."""
    # A shell's background job ignores SIGINT, and hands that down to all that it starts.
    process = subprocess.Popen(["env", "--default-signal=INT", RUN, *FAST, "--", "sh", "-c",
                                "echo begun; sleep 1000"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_streams_and_status_pass_through(kernel: str) -> None:
    every_byte = bytes(range(256)) * 4
    program = ("import os; os.write(1, bytes(range(256)) * 4); os.write(2, b'other\\0\\xff\\n');"
               "os._exit(7)")
    done = guest("--kernel", kernel, "--no-module", "--", "/usr/bin/python3", "-c", program)
    assert done.returncode == 7
    assert done.stdout == every_byte
    assert done.stderr.startswith(b"other\0\xff\n")
    assert sentence(done).startswith("guest: command failed: exit status 7; ")


def test_silent_when_all_is_well() -> None:
    done = guest(*FAST, "--", "true")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_signal_of_the_command() -> None:
    done = guest(*FAST, "--", "sh", "-c", "kill -TERM $$")
    assert done.returncode == 128 + signal.SIGTERM
    assert "killed by signal 15" in sentence(done)


def test_command_not_found() -> None:
    done = guest(*FAST, "--", "/no/such/program")
    assert done.returncode == 127
    assert b"/no/such/program: No such file or directory" in done.stderr


def test_arguments_arrive_as_they_are(tmp_path: Path) -> None:
    arguments = ["two words", "a\nb", "", "'\"$HOME`\\", "*", "--icount", "\xe4\u4e16"]
    program = "import os, sys; print(os.getcwd(), sys.argv[1:])"
    done = guest(*FAST, "--", "/usr/bin/python3", "-c", program, *arguments, cwd=tmp_path)
    assert done.stdout.decode() == f"{tmp_path} {arguments}\n"


def test_big_output_is_whole() -> None:
    program = ("import sys; block = bytes(range(251)) * 1000\n"
               "for _ in range(40): sys.stdout.buffer.write(block); sys.stderr.buffer.write(block)")
    done = guest(*FAST, "--", "/usr/bin/python3", "-c", program)
    wanted = hashlib.sha256(bytes(range(251)) * 40000).digest()
    assert done.returncode == 0
    assert hashlib.sha256(done.stdout).digest() == wanted
    assert hashlib.sha256(done.stderr).digest() == wanted


def test_a_slow_reader_does_not_stop_the_guest() -> None:
    """Ten megabytes, read only when the command has long ended."""
    reader = "sleep 15; exec wc -c"
    script = f"'{RUN}' {' '.join(FAST)} -- head -c 10000000 /dev/zero | ({reader})"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", script], check=True,
                          stdout=subprocess.PIPE)
    assert done.stdout.strip() == b"10000000"


def test_output_comes_as_it_is_written(sleeper: subprocess.Popen[bytes]) -> None:
    await_qemu(sleeper)


def test_background_processes_end_with_the_command() -> None:
    done = guest(*FAST, "--timeout", "60", "--", "sh", "-c", "(sleep 1000; echo late) & echo now")
    assert (done.returncode, done.stdout) == (0, b"now\n")


def test_the_machine_is_there_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("host", encoding="ascii")
    script = """
        set -ex
        echo guest > file; rm -f /usr/bin/strace; touch /etc/changed /usr/changed
        test "$(cat file)" = guest
        test "$(id -u)" = 0; test "$(hostname)" = guest; test "$HOME" = /root
        echo x > /tmp/x; echo x > /dev/shm/x; echo x > /run/x
        test -d /sys/kernel/debug/tracing; test -d /sys/kernel/tracing/events
        test -w /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/one
        test -e /sys/fs/cgroup/one/memory.max
        test -d "/lib/modules/$(uname -r)/kernel"; modprobe dummy; test -d /sys/module/dummy
        ping -c 1 127.0.0.1 > /dev/null || curl -s http://127.0.0.1:1 || test $? = 7
        echo a > /dev/stdout; echo b > /dev/stderr; test -t 0 && exit 1; cat
        nginx -v; redis-server --version > /dev/null; gdb --version > /dev/null
        strace --version 2> /dev/null && exit 2
        echo kept > "$SECMAP_RESULTS/kept"
    """
    results = tmp_path / "results"
    done = guest(*FAST, "--results", str(results), "--", "bash", "-c", script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b"a\n"
    assert (tmp_path / "file").read_text(encoding="ascii") == "host"
    assert (results / "kept").read_text(encoding="ascii") == "kept\n"
    assert Path("/usr/bin/strace").exists() and not Path("/etc/changed").exists()


def test_options_reach_the_machine() -> None:
    done = guest(*FAST, "--cpus", "3", "--memory", "700M", "--append", "secmap_one=1 secmap_two=2",
                 "--append", "secmap_three", "--", "sh", "-c",
                 "nproc; cat /proc/cmdline; grep MemTotal /proc/meminfo")
    processors, cmdline, memory = done.stdout.decode().splitlines()
    assert processors == "3"
    assert cmdline.endswith("secmap_one=1 secmap_two=2 secmap_three")
    assert 500_000 < int(memory.split()[1]) < 700 * 1024


@pytest.mark.parametrize("arguments", [
    [], ["--"], ["true", "--kernel"], ["--kernel", "5.10", "--", "true"],
    ["--cpus", "0", "--", "true"], ["--memory", "much", "--", "true"], ["--what", "--", "true"],
])
def test_bad_usage(arguments: list[str]) -> None:
    assert guest(*arguments).returncode == Outcome.USAGE


def test_help_names_every_status() -> None:
    done = guest("--help")
    assert done.returncode == 0
    for outcome in Outcome:
        assert re.search(rf"^  {outcome.value}  ", done.stdout.decode(), re.MULTILINE)


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_panic(kernel: str) -> None:
    done = guest("--kernel", kernel, "--no-module", "--", "sh", "-c", "echo c >/proc/sysrq-trigger")
    assert done.returncode == Outcome.PANIC
    assert sentence(done).startswith("guest: kernel panic; the kernel log is ")
    assert b"| Kernel panic - not syncing: sysrq triggered crash" in done.stderr


def test_lost_by_reset() -> None:
    done = guest(*FAST, "--", "sh", "-c", "echo b >/proc/sysrq-trigger; sleep 100")
    assert done.returncode == Outcome.LOST
    assert sentence(done).startswith("guest: guest lost: ")


def test_lost_by_the_death_of_qemu(sleeper: subprocess.Popen[bytes]) -> None:
    os.kill(await_qemu(sleeper), signal.SIGKILL)
    _, error = sleeper.communicate(timeout=30)
    assert sleeper.returncode == Outcome.LOST
    assert error.decode().splitlines()[-1].startswith("guest: guest lost: QEMU ended (status -9)")


def test_time_out() -> None:
    begin = time.monotonic()
    done = guest(*FAST, "--timeout", "30", "--", "sh", "-c", "echo begun; sleep 1000")
    assert done.returncode == Outcome.TIMEOUT
    assert done.stdout == b"begun\n"
    assert "time-out after 30 s, while the command ran" in sentence(done)
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize("line", [
    "WARNING: CPU: 0 PID: 1 at kernel/test.c:1 test+0x1/0x2",
    "BUG: scheduling while atomic: test/1/0x00000002",
    "BUG: KASAN: slab-out-of-bounds in test+0x1/0x2",
    "WARNING: possible recursive locking detected",
    "INFO: task test:1 blocked for more than 120 seconds.",
    "UBSAN: array-index-out-of-bounds in test.c:1:2",
])
def test_log_has_a_splat(line: str, tmp_path: Path) -> None:
    import log  # pylint: disable=import-outside-toplevel

    serial = tmp_path / "serial.log"
    serial.write_text(f"[    1.0] {line}\r\n[    2.0] {log.START}\r\n[    2.1] all is well\r\n"
                      f"[    3.0] {log.END}\r\n", encoding="ascii")
    assert not log.read(serial).splats()
    serial.write_text(f"[    2.0] {log.START}\r\n[    2.1][  T12] {line}\r\n[    2.2] more\r\n",
                      encoding="ascii")
    assert log.read(serial).splats() == [line, "more"]
    assert not log.read(serial).complete


_DIED = "[    1.4] {}: 0000 [#1] SMP\r\n[    1.5] Kernel panic - not syncing: Fatal exception\r\n"
_BEGUN = "[    1.0] secmap-guest: start\r\n"


@pytest.mark.parametrize(("first", "boots"), [
    (_DIED.format("Oops: int3"), 2), (_DIED.format("int3"), 2),
    (_DIED.format("stack segment"), 1), (_BEGUN + _DIED.format("int3"), 1),
    ("[    1.4] int3: 0000 [#1] SMP\r\n", 1),
])
def test_only_a_boot_that_the_emulator_broke_is_done_again(
    first: str, boots: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before user space, and so before anything of ours. Only once."""
    import kernel  # pylint: disable=import-outside-toplevel
    import vm  # pylint: disable=import-outside-toplevel

    runs = []

    def die(request: vm.Request) -> vm.Result:
        (request.run / "serial.log").write_text(first, encoding="ascii")
        runs.append(request)
        return vm.Result(qemu=len(runs))

    monkeypatch.setattr(vm, "run", die)
    nothing = kernel.Kernel("", tmp_path, "", *[tmp_path] * 3)
    result = vm.boot(vm.Request(nothing, [], {}, tmp_path, run=tmp_path, results=tmp_path))
    assert (len(runs), result.qemu) == (boots, boots)
    assert ("booting once more" in capsys.readouterr().err) == (boots == 2)
    assert (tmp_path / "serial-first.log").exists() == (boots == 2)


@pytest.mark.parametrize("status", [0, 5])
def test_warning_fails_the_run(status: int) -> None:
    line = "WARNING: CPU: 0 PID: 1 at kernel/test.c:1 test+0x1/0x2"
    done = guest(*FAST, "--", "sh", "-c", f"echo '<4>{line}' > /dev/kmsg; exit {status}")
    assert done.returncode == Outcome.SPLAT
    assert line in done.stderr.decode()
    words = f"command failed: exit status {status}" if status else "command passed"
    assert sentence(done).startswith(f"guest: kernel warning; the {words}; the kernel log is ")


def test_two_guests_side_by_side() -> None:
    script = "echo $1 > /tmp/who; sleep 2; cat /tmp/who; exit $1"
    processes = [
        subprocess.Popen([RUN, "--kernel", kernel, "--no-module", "--", "sh", "-c", script, "sh",
                          str(number)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for number, kernel in ((3, "6.1"), (4, "6.12"), (5, "6.12"))
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert outputs == [b"3\n", b"4\n", b"5\n"]
    assert [process.returncode for process in processes] == [3, 4, 5]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_qemu_dies_with_its_parent(sleeper: subprocess.Popen[bytes], number: int) -> None:
    qemu = await_qemu(sleeper)
    sleeper.send_signal(number)
    sleeper.communicate(timeout=60)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{qemu}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{qemu}").exists()


def test_log_is_kept(tmp_path: Path) -> None:
    done = guest(*FAST, "--", "sh", "-c", "echo unmistakable > /dev/kmsg; exit 1", cwd=tmp_path)
    serial = Path(sentence(done).rpartition("the kernel log is ")[2])
    text = serial.read_text(encoding="utf-8")
    assert "Linux version 6.12" in text and "unmistakable" in text


COUNT = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <x86intrin.h>
int main(void)
{
	unsigned long long best = ~0ULL;

	sleep(2);
	for (int round = 0; round < 20; round++) {
		unsigned long long begin = __rdtsc();

		for (int i = 0; i < 1000; i++)
			syscall(SYS_getppid);
		begin = __rdtsc() - begin;
		best = begin < best ? begin : best;
	}
	printf("%llu\n", best);
}
"""


def test_icount_counts_instructions(tmp_path: Path) -> None:
    """Two boots need the same number of instructions for the same calls."""
    program = tmp_path / "count"
    subprocess.run(["gcc", "-O2", "-static", "-x", "c", "-o", program, "-"], check=True,
                   input=COUNT, text=True)
    counts = []
    for _ in range(2):
        done = guest("--kernel", "6.1", "--no-module", "--icount", "--", str(program),
                     cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()
        counts.append(int(done.stdout))
    assert counts[0] == counts[1]
    assert 200_000 < counts[0] < 1_000_000


def test_module_is_loaded_and_unloaded() -> None:
    done = guest("--kernel", "6.12", "--", "sh", "-c",
                 "test -c /dev/secmap && grep -q ^secmap /proc/modules")
    assert (done.returncode, done.stderr) == (0, b"")


def test_command_may_unload_the_module() -> None:
    done = guest("--kernel", "6.12", "--", "rmmod", "secmap")
    assert (done.returncode, done.stderr) == (0, b"")


def test_module_does_not_unload() -> None:
    """A frozen process, which not even SIGKILL ends, has the device open."""
    script = """
        set -e
        mkdir /tmp/freezer; mount -t cgroup -o freezer freezer /tmp/freezer; mkdir /tmp/freezer/one
        sleep 1000 < /dev/secmap &
        sleep 1
        echo $! > /tmp/freezer/one/cgroup.procs
        echo FROZEN > /tmp/freezer/one/freezer.state
        until grep -q FROZEN /tmp/freezer/one/freezer.state; do sleep 0.1; done
        echo held
    """
    done = guest("--kernel", "6.12", "--timeout", "100", "--", "sh", "-c", script)
    assert done.returncode == Outcome.MODULE_UNLOAD, done.stderr.decode()
    assert done.stdout == b"held\n"
    assert sentence(done).startswith("guest: the module would not unload: ")
    assert "; the command passed; " in sentence(done)


def test_module_does_not_load() -> None:
    done = guest("--kernel", "6.12", "--append", "module_blacklist=secmap", "--", "true")
    assert done.returncode == Outcome.MODULE_LOAD
    assert sentence(done).startswith("guest: the module would not load: Operation not permitted")


def test_without_a_module() -> None:
    done = guest(*FAST, "--", "sh", "-c", "test ! -e /dev/secmap && test ! -e /sys/module/secmap")
    assert done.returncode == 0
