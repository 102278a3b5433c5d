# SPDX-License-Identifier: LGPL-2.1-or-later
"""One system call: its number, its ABI, and who else has a say before us."""

import ctypes
import itertools
import mmap
import os
import signal
import struct
import subprocess
from collections.abc import Callable, Iterator
from errno import ENOSYS
from pathlib import Path

import abi
import child
import filtered
import pytest
from abi import ALLOW, ERRNO, KILL_PROCESS, Rule, Section
from child import Child, gate

GETPPID = 110
GETPPID_I386 = 64
X32_BIT = 1 << 30
EFAKE = 77
EVERY = 3 * 476 + 2 * 12 - 1
"""calls that programs/every.c makes"""
_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(name="make")
def _make(dev: int, program: Callable[[str], str]) -> Callable[..., str]:
    """A call in a program under a policy: what it returned, or which signal ended it."""
    def call(policy: int, how: str, number: int, *args: int, name: str = "call") -> str:
        ended = filtered.run(dev, [policy], [
            program(name), how, str(number), *map(str, args)])
        return ended.stdout.strip() if ended.returncode == 0 else f"status {ended.returncode}"

    return call


@pytest.fixture(name="three")
def _three(dev: int) -> Iterator[int]:
    """A policy that tells by the errno which section has judged getppid()'s number."""
    policy = abi.policy_create(dev, [
        Section(abi.X86_64, rules=[Rule(GETPPID, ERRNO | 101), Rule(1023, ERRNO | 104)],
                newer_from=500, newer_action=ERRNO | 105),
        Section(abi.X32, ERRNO | 112, rules=[Rule(GETPPID, ERRNO | 111)]),
        Section(abi.I386, rules=[Rule(GETPPID_I386, ERRNO | 121)]),
    ])
    yield policy
    os.close(policy)


# Numbers and ABIs.

@pytest.mark.parametrize(("how", "number", "result"), [
    ("syscall", GETPPID, -101),
    ("syscall", 0x1234567800000000 | GETPPID, -101),
    ("syscall", 0xFFFFFFFF00000000 | GETPPID, -101),
    ("syscall", 0x8000000000000000 | GETPPID, -101),
    ("syscall", X32_BIT | GETPPID, -111),
    ("syscall", 0xDEADBEEF00000000 | X32_BIT | GETPPID, -111),
    ("syscall", X32_BIT | 39, -112), ("syscall", X32_BIT | 0x3FFFFFFF - 1, -112),
    ("syscall", 0x80000000, -112), ("syscall", 0xFFFFFFFE, -112),
    ("syscall", 1023, -104), ("syscall", 1024, -105), ("syscall", 500, -105),
    ("syscall", 0x3FFFFFFF, -105), ("syscall", 499, -ENOSYS),
    ("syscall", 0xFFFFFFFF, -ENOSYS), ("syscall", 0xFFFFFFFFFFFFFFFF, -ENOSYS),
    ("syscall", 0x12345678FFFFFFFF, -ENOSYS),
    ("int80", GETPPID_I386, -121), ("int80", 0x1234567800000000 | GETPPID_I386, -121),
    ("int80", X32_BIT | GETPPID_I386, -ENOSYS), ("int80", 0xFFFFFFFF, -ENOSYS),
])
def test_number(make: Callable[..., str], three: int, how: str, number: int, result: int) -> None:
    assert make(three, how, number) == str(result)


@pytest.mark.parametrize(("number", "result"), [
    (GETPPID_I386, -121), (0xFFFFFFFF, -ENOSYS), (1024, -ENOSYS),
])
def test_number_of_a_32_bit_program(make: Callable[..., str], three: int, number: int,
                                    result: int) -> None:
    assert make(three, "int80", number, name="call32") == str(result)


def test_minus_one_is_judged_by_the_default(dev: int, make: Callable[..., str]) -> None:
    """It has no rule and no bit, in any ABI."""
    policy = abi.policy_create(dev, [
        Section(abi.X86_64, ERRNO | 5, allow=range(1024)),
        Section(abi.I386, ERRNO | 6, allow=range(1024), newer_from=1, newer_action=ERRNO | 7)])
    assert make(policy, "syscall", 0xFFFFFFFF) == "-5"
    assert make(policy, "int80", 0xFFFFFFFF) == "-6"
    os.close(policy)


@pytest.mark.parametrize(("action", "result"), [
    (ERRNO | 55, "-55"), (KILL_PROCESS, "status -31"), (abi.KILL_THREAD, "status -31"),
    (ALLOW, "ok"), (abi.LOG, "ok")])
def test_foreign_abi(dev: int, make: Callable[..., str], action: int, result: str) -> None:
    """Without a section for i386, its calls get the foreign action, plainly allowed or not."""
    policy = abi.policy_create(dev, [Section(abi.X86_64)], foreign=action)
    said = make(policy, "int80", GETPPID_I386)
    assert said == result or (result == "ok" and int(said) > 0)
    said = make(policy, "syscall", X32_BIT | GETPPID)
    assert said == (str(-ENOSYS) if result == "ok" else result) or \
        (result == "ok" and int(said) > 0)
    os.close(policy)


def test_foreign_native(dev: int, program: Callable[[str], str]) -> None:
    """A 64-bit program under a policy for i386 alone does not get to its first instruction."""
    policy = abi.policy_create(dev, [Section(abi.I386)], foreign=KILL_PROCESS)

    def begin() -> None:
        abi.attach(dev, policy)
        os.execv(program("call"), ["call", "int80", "64"])

    assert child.run(begin).signal == signal.SIGSYS
    os.close(policy)


def test_arguments_of_int80_are_32_bit(dev: int, make: Callable[..., str]) -> None:
    """Whatever the upper halves of the registers hold: as struct seccomp_data has it."""
    policy = abi.policy_create(dev, [Section(abi.I386, rules=[
        Rule(96, ERRNO | 5, [abi.Cond(1, abi.EQ, 7)])])], foreign=ALLOW)
    assert make(policy, "int80", 96, 0, 0x1234567800000007) == "-5"
    os.close(policy)


def test_arguments_of_a_64_bit_call(dev: int, make: Callable[..., str]) -> None:
    policy = abi.policy_create(dev, [Section(abi.X86_64, rules=[
        *(Rule(140, ERRNO | 5 + arg, [abi.Cond(arg, abi.EQ, 0x1122334455667788 + arg)])
          for arg in range(6))])])
    for arg in range(6):
        args = [0] * 6
        args[arg] = 0x1122334455667788 + arg
        assert make(policy, "syscall", 140, *args) == str(-5 - arg)
    os.close(policy)


# Every call.

def _every(dev: int, program: Callable[[str], str], action: int, how: str,
           ) -> tuple[int, tuple[int, ...]]:
    """The wait status, and: calls made, those not denied, the last one of them, its result."""
    policy = abi.policy_create(dev, [Section(one, action) for one in range(3)], foreign=action)
    page = os.memfd_create("results")
    os.ftruncate(page, mmap.PAGESIZE)

    def begin() -> None:
        os.dup2(page, 0)
        for descriptor in (dev, policy):
            os.set_inheritable(descriptor, True)
        os.execv(program("every"), ["every", str(dev), str(policy), how])

    outcome = child.run(begin)
    results = struct.unpack("<iiqq", os.pread(page, 24, 0))
    os.close(page)
    os.close(policy)
    return outcome.status, results


def test_every_call_denied_with_an_errno(dev: int, program: Callable[[str], str]) -> None:
    """rt_sigreturn, exit and restart_syscall, too; what cannot end dies of its next step."""
    status, (made, let_through, number, result) = _every(dev, program, ERRNO | 1, "errno")
    assert (made, let_through) == (EVERY, 0), (number, result)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGSEGV, signal.SIGILL)


@pytest.mark.parametrize("action", [KILL_PROCESS, abi.KILL_THREAD], ids=["process", "thread"])
def test_every_call_kills(dev: int, program: Callable[[str], str], action: int) -> None:
    status, (made, let_through, index, result) = _every(dev, program, action, "kill")
    assert (status, made, let_through) == (0, EVERY, 0), (index, result)


@pytest.mark.parametrize("action", [ERRNO, ERRNO | 1, KILL_PROCESS])
def test_everything_denied_is_killable(dev: int, program: Callable[[str], str],
                                       action: int) -> None:
    """A program of which every call fails, or succeeds with 0, runs into a wall or a loop that a
    signal ends; never into one of the kernel's."""
    policy = abi.policy_create(dev, [Section(default=action)])

    def begin() -> None:
        abi.attach(dev, policy)
        os._exit(0)

    with Child(begin) as running:
        filtered.await_loop_or_end(running.pid)
        assert running.kill().signal in (signal.SIGKILL, signal.SIGSEGV, signal.SIGSYS)
    os.close(policy)


@pytest.mark.parametrize(("number", "name"), [(15, "rt_sigreturn"), (231, "exit_group"),
                                              (60, "exit"), (219, "restart_syscall")])
def test_denied_ends(dev: int, number: int, name: str) -> None:
    """TRAPS 6: in a task that can be killed."""
    policy = abi.simple(dev, {number: ERRNO | 1})

    def begin() -> None:
        signal.signal(signal.SIGUSR1, lambda *_: None)
        abi.attach(dev, policy)
        os.kill(os.getpid(), signal.SIGUSR1)
        os._exit(0)

    with Child(begin) as running:
        filtered.await_loop_or_end(running.pid)
        ended = running.kill()
        assert ended.signal or ended.status == 0, name
    os.close(policy)


# Calls that the kernel makes.

def _file_offset(path: str, function: str) -> int:
    """Where a function begins in its file."""
    said = subprocess.run(["readelf", "-slW", path], check=True, capture_output=True, text=True)
    lines = [line.split() for line in said.stdout.splitlines()]
    (address,) = {int(line[1], 16) for line in lines if len(line) == 8 and line[7] == function}
    for line in lines:
        if line[:1] == ["LOAD"]:
            offset, begin, size = (int(line[column], 16) for column in (1, 2, 4))
            if begin <= address < begin + size:
                return address - begin + offset
    raise AssertionError(f"{function} is in no segment of {path}")


def _append(file: Path, text: str) -> None:
    """Without the look at the file's end that open() takes, which this file system refuses."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, text.encode())
    os.close(descriptor)


@pytest.fixture(name="return_probe")
def _return_probe(program: Callable[[str], str]) -> Iterator[Path]:
    """Everybody sees the return of main() of programs/call.c; where it is counted."""
    tracing = Path("/sys/kernel/tracing")
    if not (tracing / "uprobe_events").exists():
        subprocess.run(["mount", "-t", "tracefs", "none", tracing], check=True)
    place = _file_offset(program("call"), "main")
    _append(tracing / "uprobe_events", f"r:tests/returned {program('call')}:{place:#x}\n")
    switch = tracing / "events/tests/returned/enable"
    _append(switch, "1")
    yield tracing / "uprobe_profile"
    _append(switch, "0")
    _append(tracing / "uprobe_events", "-:tests/returned\n")


def test_a_return_probe_under_an_allow_list(dev: int, make: Callable[..., str],
                                            return_probe: Path) -> None:
    """TRAPS 7: newer kernels' trampoline makes a call, number 335, as nobody's list has it."""
    policy = abi.policy_create(dev, [Section(
        default=KILL_PROCESS, allow=[number for number in range(1024) if number != 335])])
    assert int(make(policy, "syscall", 39)) > 0
    (hits,) = (line.split()[2] for line in return_probe.read_text(encoding="ascii").splitlines()
               if line.split()[1] == "returned")
    assert hits == "1"
    os.close(policy)


# Calls that are made again.

class _Nap:
    """A task in nanosleep() that is stopped and continued: the kernel restarts the call."""

    def __init__(self, dev: int, policy: int, seconds: int) -> None:
        def begin() -> int:
            time = ctypes.create_string_buffer(struct.pack("<qq", seconds, 0))
            abi.attach(dev, policy)
            return abi.raw_syscall(35, ctypes.addressof(time), 0)

        self.child = Child(begin)
        filtered.await_call(self.child.pid, 35)
        os.kill(self.child.pid, signal.SIGSTOP)
        os.waitpid(self.child.pid, os.WUNTRACED)
        os.kill(self.child.pid, signal.SIGCONT)


def test_restart_syscall_is_judged(dev: int) -> None:
    policy = abi.simple(dev, {219: ERRNO | EFAKE})
    with _Nap(dev, policy, 1000).child as running:
        assert running.outcome().value == -EFAKE
    os.close(policy)


def test_restart_syscall_that_is_allowed(dev: int) -> None:
    policy = abi.simple(dev, {GETPPID: ERRNO | 1})
    with _Nap(dev, policy, 1000).child as running:
        filtered.await_call(running.pid, 219)
        assert running.kill().signal == signal.SIGKILL
    os.close(policy)


def test_restarted_read(dev: int) -> None:
    """SA_RESTART: the same call goes on after the handler, and is judged again."""
    allow, deny = abi.simple(dev, {GETPPID: ERRNO | 1}), abi.simple(dev, {0: ERRNO | EFAKE})
    for denied in (False, True):
        read, write = os.pipe()
        woken, waker = os.pipe()
        os.set_blocking(waker, False)

        def begin(read: int = read, waker: int = waker) -> int:
            signal.signal(signal.SIGUSR1, lambda *_: None)
            signal.siginterrupt(signal.SIGUSR1, False)
            signal.set_wakeup_fd(waker)
            buffer = ctypes.create_string_buffer(1)
            abi.attach(dev, allow)
            return abi.raw_syscall(0, read, ctypes.addressof(buffer), 1)

        with Child(begin) as running:
            filtered.await_call(running.pid, 0)
            if denied:
                abi.attach(dev, deny, running.pid)
            os.kill(running.pid, signal.SIGUSR1)
            os.read(woken, 1)
            if denied:
                assert running.outcome().value == -EFAKE
            else:
                filtered.await_call(running.pid, 0)
                os.write(write, b"x")
                assert running.outcome().value == 1
        for descriptor in (read, write, woken, waker):
            os.close(descriptor)
    os.close(allow)
    os.close(deny)


# Who decides before us.

_PTRACE_TRACEME, _PTRACE_PEEKUSER, _PTRACE_POKEUSER, _PTRACE_SYSCALL, _PTRACE_CONT = 0, 3, 6, 24, 7
_ORIG_RAX = 15 * 8


def _rewritten(dev: int, policy: int, made: int, rewritten: int) -> int:
    """What a call returns whose number a tracer rewrites at its entry."""
    ptrace = _libc.ptrace
    ptrace.restype = ctypes.c_long
    ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)

    def begin() -> int:
        abi.attach(dev, policy)
        ptrace(_PTRACE_TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        return abi.raw_syscall(made)

    with Child(begin) as traced:
        os.waitpid(traced.pid, 0)
        while True:
            ptrace(_PTRACE_SYSCALL, traced.pid, None, None)
            _, status = os.waitpid(traced.pid, 0)
            assert os.WIFSTOPPED(status), status
            if ptrace(_PTRACE_PEEKUSER, traced.pid, _ORIG_RAX, None) == made:
                break
        ptrace(_PTRACE_POKEUSER, traced.pid, _ORIG_RAX, rewritten & 0xFFFFFFFFFFFFFFFF)
        ptrace(17, traced.pid, None, None)  # PTRACE_DETACH
        return int(traced.outcome().value)


def test_what_a_tracer_makes_of_a_call_is_judged(dev: int) -> None:
    policy = abi.simple(dev, {GETPPID: ERRNO | EFAKE})
    assert _rewritten(dev, policy, 102, GETPPID) == -EFAKE  # getuid
    assert _rewritten(dev, policy, GETPPID, 102) == 0
    os.close(policy)


def test_a_tracers_minus_one_is_judged(dev: int) -> None:
    policy = abi.policy_create(dev, [Section(default=ERRNO | EFAKE, allow=range(1024))])
    assert _rewritten(dev, policy, 102, -1) == -EFAKE
    os.close(policy)


_AUDIT_ARCH = 0xC000003E


def _seccomp(number: int, action: int) -> None:
    """Stock seccomp(2) in its own way: this action for this number."""
    code = b"".join(struct.pack("<HBBI", *one) for one in (
        (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, action), (0x06, 0, 0, ALLOW)))
    program = abi.Memory(code)
    filter_ = abi.Memory(struct.pack("<HxxxxxxQ", 4, program.address))
    abi.no_new_privs()
    assert abi.raw_syscall(317, 1, 0, filter_.address) == 0


@pytest.mark.parametrize(("stock", "ours", "result"), [
    (ERRNO | 11, ERRNO | 22, -11), (ERRNO | 11, KILL_PROCESS, -11), (ERRNO | 11, ALLOW, -11),
    (ALLOW, ERRNO | 22, -22), (abi.LOG, ERRNO | 22, -22), (KILL_PROCESS, ERRNO | 22, None),
    (ALLOW, KILL_PROCESS, None),
])
@pytest.mark.parametrize("first", ["stock", "ours"])
def test_seccomp_decides_first(dev: int, stock: int, ours: int, result: int | None,
                               first: str) -> None:
    """In whichever order they were put on; what it denies never reaches us."""
    policy = abi.simple(dev, {GETPPID: ours})

    def begin() -> int:
        for which in ("stock", "ours") if first == "stock" else ("ours", "stock"):
            if which == "stock":
                _seccomp(GETPPID, stock)
            else:
                abi.attach(dev, policy)
        return abi.raw_syscall(GETPPID)

    outcome = child.run(begin)
    if result is None:
        assert outcome.signal == signal.SIGSYS
    else:
        assert outcome.value == result
    os.close(policy)


def test_syscall_user_dispatch_decides_before(dev: int, program: Callable[[str], str]) -> None:
    policy = abi.simple(dev, {GETPPID: ERRNO | EFAKE})
    ended = filtered.run(dev, [policy], [program("dispatch")])
    assert ended.stdout.split() == ["4321", str(-EFAKE)], ended
    killer = abi.simple(dev, {GETPPID: KILL_PROCESS})
    ended = filtered.run(dev, [killer], [program("dispatch")])
    assert (ended.stdout.split(), ended.returncode) == (["4321"], -signal.SIGSYS), ended
    os.close(policy)
    os.close(killer)


def test_vsyscall_is_not_covered(dev: int, program: Callable[[str], str]) -> None:
    """As the header says: the page's calls never reach a filter."""
    if "[vsyscall]" not in Path("/proc/self/maps").read_text(encoding="ascii"):
        said = subprocess.run([program("vsyscall")], check=False)
        assert said.returncode == -signal.SIGSEGV
        # make test boots with one; a guest that somebody starts by hand has the kernel's default.
        pytest.skip("this kernel was booted without a vsyscall page (vsyscall=emulate has one)")
    policy = abi.simple(dev, {201: KILL_PROCESS, 228: KILL_PROCESS})  # time, clock_gettime
    ended = filtered.run(dev, [policy], [program("vsyscall")])
    assert ended.returncode == 0 and int(ended.stdout) > 1_000_000_000
    os.close(policy)


def test_ftrace_sees_the_original_number(dev: int) -> None:
    """Our probe is the last: a tracer of sys_enter that came later sees what was called."""
    tracing = Path("/sys/kernel/tracing")
    event = tracing / "events/raw_syscalls/sys_enter"
    if not event.exists():
        pytest.fail("this kernel has no raw_syscalls events")
    policy = abi.simple(dev, {GETPPID: ERRNO | EFAKE})
    with gate() as go:
        def begin() -> int:
            abi.attach(dev, policy)
            go.wait()
            return abi.raw_syscall(GETPPID)

        with Child(begin) as running:
            (tracing / "set_event_pid").write_text(str(running.pid), encoding="ascii")
            (event / "filter").write_text(f"id == {GETPPID}", encoding="ascii")
            (event / "enable").write_text("1", encoding="ascii")
            try:
                go.open()
                assert running.outcome().value == -EFAKE
                seen = (tracing / "trace").read_text(encoding="ascii")
            finally:
                (event / "enable").write_text("0", encoding="ascii")
                (event / "filter").write_text("0", encoding="ascii")
                (tracing / "set_event_pid").write_text("", encoding="ascii")
    assert f"NR {GETPPID} (" in seen
    os.close(policy)


def test_flags_of_the_trace_point_come_and_go(dev: int) -> None:
    """A tracer that switches sys_enter on and off again does not switch us off."""
    event = Path("/sys/kernel/tracing/events/raw_syscalls/sys_enter/enable")
    if not event.exists():
        pytest.fail("this kernel has no raw_syscalls events")
    policy = abi.simple(dev, {GETPPID: ERRNO | EFAKE})
    with gate() as go, gate() as done:
        def begin() -> None:
            abi.attach(dev, policy)
            while True:
                go.wait()
                done.open(str(abi.raw_syscall(GETPPID)).encode())

        with Child(begin):
            for switch in itertools.islice(itertools.cycle("10"), 6):
                event.write_text(switch, encoding="ascii")
                go.open()
                assert done.wait() == str(-EFAKE).encode()
    os.close(policy)
