# SPDX-License-Identifier: LGPL-2.1-or-later
"""The flag that brings calls to sys_enter: a task without a filter goes without it, unless
somebody traces, and then misses nothing."""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import abi
import pytest
import tracing
from child import Child, gate
from loading import load, references, unload_at_last
from records import Record

OFF, UNAVAILABLE, WAITS, ON = range(4)
"""secmap_info.out_selective"""

LONG = "SECMAP_LONG" in os.environ
MARK, GETPPID, EFAKE = 601, 110, 77
CALLS = 50
EVENT = "raw_syscalls/sys_enter"
KPROBES = Path("/sys/kernel/debug/kprobes/enabled")


def _selective() -> int:
    with open("/dev/secmap", "r+b", buffering=0) as file:
        info = Record("secmap_info")
        assert info.ioctl(file.fileno()) == 0
        return info["out_selective"]


def _wait_for(wanted: int) -> None:
    limit = time.monotonic() + 30
    while (found := _selective()) != wanted:
        assert time.monotonic() < limit, f"{found}, not {wanted}"
        time.sleep(0.01)


def _until(holds: Callable[[], object]) -> None:
    """Without INFO, which looks itself."""
    limit = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.1)


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    _wait_for(ON)
    yield
    if not Path("/sys/module/secmap").exists():
        load()
    _wait_for(ON)


@pytest.fixture(name="count")
def _count() -> Iterator[Callable[[int, Callable[[], object]], int]]:
    """How many calls of this process take the long way."""
    with tracing.counting_entries() as entries:
        def count(pid: int, turns: Callable[[], object]) -> int:
            entries.set("secmap_test/long_way", "filter", f"common_pid == {pid}")
            entries.set("secmap_test/long_way", "enable", "1")
            before = entries.seen()
            turns()
            after = entries.seen()
            entries.set("secmap_test/long_way", "enable", "0")
            return after - before

        yield count


def _call(number: int = MARK) -> None:
    for _ in range(CALLS):
        abi.raw_syscall(number)


class Caller:
    """A process that makes CALLS calls of one number, when it is told to."""

    def __init__(self, child: Child, go: int, done: int) -> None:
        self.pid = child.pid
        self._go, self._done = go, done

    def __call__(self) -> None:
        os.write(self._go, b".")
        assert os.read(self._done, 1) == b"."


@contextlib.contextmanager
def _caller(number: int = MARK) -> Iterator[Caller]:
    go_out, go_in = os.pipe()
    done_out, done_in = os.pipe()

    def call() -> None:
        os.close(go_in)
        while os.read(go_out, 1):
            _call(number)
            os.write(done_in, b".")

    with Child(call) as child:
        try:
            yield Caller(child, go_in, done_out)
        finally:
            for each in (go_out, go_in, done_out, done_in):
                os.close(each)


@contextlib.contextmanager
def _tracer(event: str = EVENT, name: str = "secmap_tracer") -> Iterator[tracing.Instance]:
    """Sees MARK."""
    with tracing.instance(name) as made:
        made.set(event, "filter", f"id == {MARK}")
        made.set(event, "enable", "1")
        yield made


def test_only_filtered_tasks_take_the_long_way(
    dev: int, keep: Callable[[int], int], count: Callable[..., int],
) -> None:
    policy = keep(abi.simple(dev, {GETPPID: abi.ERRNO | EFAKE}))
    with _caller() as caller:
        assert count(caller.pid, caller) == 0
        abi.attach(dev, policy, pid=caller.pid)
        assert count(caller.pid, caller) >= CALLS
        abi.detach(dev, caller.pid)
        assert count(caller.pid, caller) == 0


@pytest.mark.parametrize("event", ["raw_syscalls/sys_enter", "raw_syscalls/sys_exit"])
def test_who_traces_sees_all_and_leaves_nothing(event: str, count: Callable[..., int]) -> None:
    with _caller() as caller:
        with _tracer(event) as tracer:
            assert _selective() == WAITS
            caller()
            assert tracer.seen() == CALLS
            with _tracer(event, "secmap_second") as second:
                caller()
                assert second.seen() == CALLS
            caller()
            assert tracer.seen() == 3 * CALLS
            assert _selective() == WAITS
        _wait_for(ON)
        assert count(caller.pid, caller) == 0


def test_an_event_of_one_call(count: Callable[..., int]) -> None:
    """events/syscalls come by another function of the kernel."""
    with _caller() as caller, tracing.instance("secmap_tracer") as tracer:
        tracer.set("syscalls/sys_enter_getppid", "enable", "1")
        assert _selective() == WAITS
        assert count(caller.pid, caller) >= CALLS


def test_a_child_of_a_task_that_went_without() -> None:
    with gate() as go:
        def fork() -> None:
            go.wait()
            assert Child(_call).outcome().status == 0

        with Child(fork) as parent, _tracer() as tracer:
            go.open()
            assert parent.outcome().status == 0
            assert tracer.seen() == CALLS


def test_bpftrace() -> None:
    """Sees a process that was there before it came."""
    with _caller(GETPPID) as caller, subprocess.Popen(
            ["bpftrace", "-e", f"tracepoint:syscalls:sys_enter_getppid {{"
             f" if (pid == {caller.pid}) {{ @ = count(); }}"
             f' if (pid == {os.getpid()}) {{ printf("ready\\n"); }} }}'],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as tracer:
        assert tracer.stdout
        while not select.select([tracer.stdout], [], [], 0.1)[0] or (
                b"ready" not in os.read(tracer.stdout.fileno(), 4096)):
            assert tracer.poll() is None, tracer.stdout.read()
            abi.raw_syscall(GETPPID)
        assert _selective() == WAITS
        caller()
        tracer.send_signal(signal.SIGINT)
        rest = tracer.stdout.read().decode()
    assert f"@: {CALLS}" in rest, rest


def test_one_who_comes_unnoticed_is_found() -> None:
    """Kprobes are disarmed: nobody is noticed at the door."""
    KPROBES.write_text("0", encoding="ascii")
    try:
        with _caller() as caller, _tracer() as tracer:
            def sees() -> bool:
                caller()
                return tracer.seen() > 0

            _until(sees)
            before = tracer.seen()
            caller()
            assert tracer.seen() == before + CALLS
            assert _selective() == WAITS
    finally:
        KPROBES.write_text("1", encoding="ascii")


def test_that_he_is_gone_is_found_unasked(count: Callable[..., int]) -> None:
    with _caller() as caller:
        with _tracer():
            assert count(caller.pid, caller) >= CALLS
        _until(lambda: not count(caller.pid, caller))


def _reload(parameters: bytes = b"") -> None:
    while references():
        os.sched_yield()
    unload_at_last()
    load(parameters)


def test_without_kprobes_all_have_it(count: Callable[..., int]) -> None:
    with _caller() as caller:
        while references():
            os.sched_yield()
        unload_at_last()
        KPROBES.write_text("0", encoding="ascii")
        try:
            load()
        finally:
            KPROBES.write_text("1", encoding="ascii")
        assert _selective() == UNAVAILABLE
        assert count(caller.pid, caller) >= CALLS
        _reload()


def test_the_parameter(count: Callable[..., int]) -> None:
    with _caller() as caller:
        _reload(b"selective=0")
        assert _selective() == OFF
        assert count(caller.pid, caller) >= CALLS
        _reload()
        _wait_for(ON)
        assert count(caller.pid, caller) == 0


def test_who_traces_while_the_module_comes_and_goes(count: Callable[..., int]) -> None:
    with _caller() as caller:
        while references():
            os.sched_yield()
        with _tracer() as tracer:
            unload_at_last()
            caller()
            load()
            assert _selective() == WAITS
            caller()
            assert tracer.seen() == 2 * CALLS
        _wait_for(ON)
        unload_at_last()
        # Nobody is left: the kernel has taken the flag from all.
        assert count(caller.pid, caller) == 0
        load()


def test_the_tool_says_it() -> None:
    said = subprocess.run(["secmapctl", "feature"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout
    assert "unfiltered tasks pay nothing" in said
    with _tracer():
        said = subprocess.run(["secmapctl", "feature"], check=True, stdout=subprocess.PIPE,
                              text=True).stdout
        assert "others have probes on system calls" in said


def test_tracers_come_and_go_under_load(
    dev: int, keep: Callable[[int], int], stress_program: Callable[[str], str],
) -> None:
    """No event is missing, and no denied call succeeds: those of tests/stress/stress, too."""
    rounds, denied = (4000, 10_000_000) if LONG else (120, 200_000)
    if LONG:
        signal.alarm(7200)
    policy = keep(abi.simple(dev, {GETPPID: abi.ERRNO | EFAKE}))
    with tracing.instance("secmap_tracer") as tracer:
        tracer.set("raw_syscalls/sys_enter", "filter", f"id == {MARK}")
        # Is there, and sees nothing: what is counted is who comes in.
        tracer.set("raw_syscalls/sys_exit", "filter", "id == 700")
        with subprocess.Popen(
                [stress_program("stress"), os.environ.get("SECMAP_SEED", "1"), str(denied), "2", str(EFAKE)],
                preexec_fn=lambda: abi.attach(dev, policy) and None,
                stdout=subprocess.PIPE, text=True) as stress:
            traced = subprocess.run([stress_program("tracers"), str(tracer.folder), str(rounds)],
                                    check=False, capture_output=True, text=True)
            stressed, _ = stress.communicate()
    assert (traced.returncode, traced.stderr) == (0, "")
    print(traced.stdout, stressed)
    saw, load_ = (dict(line.split() for line in text.splitlines())
                  for text in (traced.stdout, stressed))
    assert saw["seen_by_events"] == saw["made_for_events"]
    assert saw["seen_by_program"] == saw["made_for_program"]
    assert min(int(saw[name]) for name in ("made_for_events", "made_for_program", "forks")) >= rounds
    assert int(saw["denied"]) >= 1000 and saw["succeeded"] == "0"
    assert stress.returncode == 0
    assert (load_["succeeded"], load_["faults"], load_["not_made"]) == ("0", "0", "0")
    assert int(load_["denied"]) >= denied
